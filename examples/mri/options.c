#define _GNU_SOURCE /* getopt_long */

#include "mri.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const HELP =
    "usage: mri [options]\n"
    "\n"
    "A magnetic resonance scan of a phantom, of which most was left out: three contrasts (proton\n"
    "density, T1, T2), each of a real image with a known phase, by several coils, on random lines of\n"
    "Fourier space. The contrasts are the three channels of the denoiser.\n"
    "\n"
    "  --acceleration R  one line in R is measured                    [4]\n"
    "  --coils N                                                      [4]\n"
    "  --noise S         standard deviation of the noise, of the real\n"
    "                    and of the imaginary part each, where the\n"
    "                    brightest tissue is 1                        [0.02]\n"
    "  --size N          the phantom has N x N pixels                 [128]\n"
    "  --chains N        samples to draw                              [8]\n"
    "  --levels N        noise levels of a walk; 0: the method's own  [0]\n"
    "  --seed N                                                       [1]\n"
    "  --threads N       0: one for each core                         [0]\n"
    "  --model FILE      the denoiser, ONNX                           [the one shipped]\n"
    "  --out FOLDER      where all goes                               [out]\n"
    "  --help\n"
    "\n"
    "Writes panel.png: for each contrast the truth, the zero-filled image, two samples, the mean and\n"
    "the standard deviation (white: 0.15 or more); and as .npy the truth, the scan, its masks, coils\n"
    "and phase, mean and std.\n";

static const struct option NAMES[] = {
    {"acceleration", required_argument, NULL, 'a'}, {"coils", required_argument, NULL, 'k'},
    {"noise", required_argument, NULL, 'n'},        {"size", required_argument, NULL, 'z'},
    {"chains", required_argument, NULL, 'c'},       {"levels", required_argument, NULL, 'l'},
    {"seed", required_argument, NULL, 's'},         {"threads", required_argument, NULL, 't'},
    {"model", required_argument, NULL, 'd'},        {"out", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},               {NULL, 0, NULL, 0},
};

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

static void set(job *j, int letter)
{
    options *o = &j->o;
    switch (letter) {
    case 'a': j->acceleration = number("acceleration", 1, 100); break;
    case 'k': j->coils = (size_t)whole_number("coils", 1, 64); break;
    case 'n': o->noise = number("noise", 1e-6, 1000); break;
    case 'z': o->size = (size_t)whole_number("size", 8, 1024); break;
    case 'c': o->chains = (uint32_t)whole_number("chains", 1, 10000); break;
    case 'l': o->levels = (uint32_t)whole_number("levels", 0, 1000000); break;
    case 's': o->seed = whole_number("seed", 0, UINT64_MAX); break;
    case 't': o->threads = (uint32_t)whole_number("threads", 0, 4096); break;
    case 'd': o->model = optarg; break;
    case 'o': o->out = optarg; break;
    case 'h': fputs(HELP, stdout); exit(EXIT_SUCCESS);
    default: fputs("mri: see mri --help\n", stderr); exit(EXIT_FAILURE);
    }
}

job job_parse(int argc, char **argv)
{
    job j = {
        .o = {.model = RWT_DEFAULT_MODEL, .out = "out", .noise = 0.02, .method = RWT_METHOD_GLA, .chains = 8, .seed = 1,
              .size = 128},
        .acceleration = 4,
        .coils = 4,
    };
    int letter;
    while ((letter = getopt_long(argc, argv, "", NAMES, NULL)) != -1)
        set(&j, letter);
    if (optind < argc)
        fail("%s: no picture is taken, the phantom is drawn; see --help", argv[optind]);
    return j;
}

void fail(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fputs("mri: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    exit(EXIT_FAILURE);
}

void check(rwt_status status, const char *what)
{
    if (status != RWT_OK)
        fail("%s: %s", what, rwt_last_error());
}

void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        fail("no memory for %zu x %zu bytes; try a smaller --size or fewer --coils", count, size);
    return memory;
}
