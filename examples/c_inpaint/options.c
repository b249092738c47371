#define _GNU_SOURCE /* getopt_long */

#include "c_inpaint.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const HELP =
    "usage: c_inpaint [options] [picture.png]\n"
    "\n"
    "Most pixels of a picture are missing, the rest are noisy: draws pictures that could have\n"
    "been there. Without --mask the damage is simulated, and the truth is compared.\n"
    "\n"
    "  --missing F     fraction of missing pixels, 0 <= F < 1         [0.8]\n"
    "  --noise S       standard deviation of the noise in the measured\n"
    "                  pixels, where black is -1 and white is 1       [0.05]\n"
    "  --size N        the picture is cut to a square and shrunk to at\n"
    "                  most N x N pixels                              [256]\n"
    "  --mask FILE     the picture is damaged already: pixels that are\n"
    "                  black in this PNG of its size are missing\n"
    "  --chains N      samples to draw                                [8]\n"
    "  --levels N      noise levels of a walk; 0: the method's own    [0]\n"
    "  --method NAME   gla, preconditioned or template                [gla]\n"
    "  --seed N        the same seed gives the same pictures          [1]\n"
    "  --threads N     0: one for each core                           [0]\n"
    "  --model FILE    the denoiser, ONNX                             [the one shipped]\n"
    "  --engine NAME   embedded; onnxruntime (pip install onnxruntime,\n"
    "                  ORT_DYLIB_PATH=.../libonnxruntime.so.*); or with\n"
    "                  that of onnxruntime-openvino openvino, or\n"
    "                  openvino-bf16: faster, less exact; cuda,\n"
    "                  cuda-bf16: an NVIDIA GPU; or with the library\n"
    "                  of onnxruntime-gpu onnxruntime-cuda            [embedded]\n"
    "  --out FOLDER    where the pictures go                          [out]\n"
    "  --help\n"
    "\n"
    "Writes measured.png, sample-0.png, sample-1.png ..., mean.png, std.png (white: the samples'\n"
    "standard deviation is 0.5 or more) and panel.png: truth, measured, two samples, mean, std.\n";

static const struct {
    const char *name;
    int32_t method;
} METHODS[] = {
    {"gla", RWT_METHOD_GLA},
    {"preconditioned", RWT_METHOD_PRECONDITIONED},
    {"template", RWT_METHOD_TEMPLATE},
};

static const struct {
    const char *name;
    int32_t engine, provider, precision;
} ENGINES[] = {
    {"embedded", RWT_ENGINE_EMBEDDED, RWT_PROVIDER_CPU, RWT_PRECISION_F32},
    {"onnxruntime", RWT_ENGINE_ONNX_RUNTIME, RWT_PROVIDER_CPU, RWT_PRECISION_F32},
    {"openvino", RWT_ENGINE_ONNX_RUNTIME, RWT_PROVIDER_OPENVINO, RWT_PRECISION_F32},
    {"openvino-bf16", RWT_ENGINE_ONNX_RUNTIME, RWT_PROVIDER_OPENVINO, RWT_PRECISION_BF16},
    {"cuda", RWT_ENGINE_CUDA, RWT_PROVIDER_CPU, RWT_PRECISION_F32},
    {"cuda-bf16", RWT_ENGINE_CUDA, RWT_PROVIDER_CPU, RWT_PRECISION_BF16},
    {"onnxruntime-cuda", RWT_ENGINE_ONNX_RUNTIME, RWT_PROVIDER_CUDA, RWT_PRECISION_F32},
};

static const struct option NAMES[] = {
    {"missing", required_argument, NULL, 'f'}, {"noise", required_argument, NULL, 'n'},
    {"size", required_argument, NULL, 'z'},    {"mask", required_argument, NULL, 'm'},
    {"chains", required_argument, NULL, 'c'},  {"levels", required_argument, NULL, 'l'},
    {"method", required_argument, NULL, 'e'},  {"seed", required_argument, NULL, 's'},
    {"threads", required_argument, NULL, 't'}, {"model", required_argument, NULL, 'd'},
    {"out", required_argument, NULL, 'o'},     {"engine", required_argument, NULL, 'g'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void options_set(options *o, int letter);

options options_parse(int argc, char **argv)
{
    options o = {
        .picture = RWT_DEFAULT_PICTURE,
        .model = RWT_DEFAULT_MODEL,
        .out = "out",
        .missing = -1,
        .noise = 0.05,
        .method = RWT_METHOD_GLA,
        .chains = 8,
        .seed = 1,
        .size = 256,
    };
    int letter;
    while ((letter = getopt_long(argc, argv, "", NAMES, NULL)) != -1)
        options_set(&o, letter);
    if (argc - optind > 1)
        fail("%s: one picture at a time; see --help", argv[optind + 1]);
    if (optind < argc)
        o.picture = argv[optind];
    if (o.mask && optind == argc)
        fail("--mask is for a damaged picture; name that picture too");
    if (o.mask && o.missing >= 0)
        fail("--missing simulates damage, --mask tells it; give one of them");
    if (o.missing < 0)
        o.missing = 0.8;
    return o;
}

static uint64_t whole_number(const char *name, uint64_t least, uint64_t most)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long value = strtoull(optarg, &end, 10);
    if (end == optarg || *end || strchr(optarg, '-') || errno || value < least || value > most)
        fail("--%s %s: give a whole number from %llu to %llu", name, optarg, (unsigned long long)least,
             (unsigned long long)most);
    return value;
}

static double number(const char *name, double least, double most)
{
    char *end = NULL;
    const double value = strtod(optarg, &end);
    if (end == optarg || *end || !(value >= least && value < most))
        fail("--%s %s: give a number from %g to below %g", name, optarg, least, most);
    return value;
}

static int32_t method_named(const char *name)
{
    for (size_t i = 0; i < sizeof METHODS / sizeof *METHODS; i++)
        if (strcmp(name, METHODS[i].name) == 0)
            return METHODS[i].method;
    fail("--method %s: give gla, preconditioned or template", name);
}

static void set_engine(options *o, const char *name)
{
    for (size_t i = 0; i < sizeof ENGINES / sizeof *ENGINES; i++)
        if (strcmp(name, ENGINES[i].name) == 0) {
            o->engine = ENGINES[i].engine;
            o->provider = ENGINES[i].provider;
            o->precision = ENGINES[i].precision;
            return;
        }
    fail("--engine %s: give embedded, onnxruntime, openvino, openvino-bf16, cuda, cuda-bf16 or onnxruntime-cuda", name);
}

static void options_set(options *o, int letter)
{
    switch (letter) {
    case 'f': o->missing = number("missing", 0, 1); break;
    case 'n': o->noise = number("noise", 1e-6, 1000); break;
    case 'z': o->size = (size_t)whole_number("size", 1, 8192); break;
    case 'm': o->mask = optarg; break;
    case 'c': o->chains = (uint32_t)whole_number("chains", 1, 10000); break;
    case 'l': o->levels = (uint32_t)whole_number("levels", 0, 1000000); break;
    case 'g': set_engine(o, optarg); break;
    case 'e': o->method = method_named(optarg); break;
    case 's': o->seed = whole_number("seed", 0, UINT64_MAX); break;
    case 't': o->threads = (uint32_t)whole_number("threads", 0, 4096); break;
    case 'd': o->model = optarg; break;
    case 'o': o->out = optarg; break;
    case 'h': fputs(HELP, stdout); exit(EXIT_SUCCESS);
    default: fputs("c_inpaint: see c_inpaint --help\n", stderr); exit(EXIT_FAILURE);
    }
}

void fail(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fputs("c_inpaint: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    exit(EXIT_FAILURE);
}

void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        fail("no memory for %zu x %zu bytes; try a smaller --size or fewer --chains", count, size);
    return memory;
}
