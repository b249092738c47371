/* The command line. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "restore.h"

static const char *const HELP =
    "usage: restore TASK [options] [picture.png]\n"
    "\n"
    "  TASK            super-resolution: every 4 x 4 pixels become one, bicubic\n"
    "                  deblurring:       a Gaussian blur of 2 pixels, black outside\n"
    "                  tomography:       line integrals at 45 angles\n"
    "                  photons:          a Gaussian blur of 1 pixel, and photons are counted\n"
    "                  low-dose:         tomography by X-rays, what passes is counted\n"
    "  --noise S       standard deviation of the noise, where black is -1 and white is 1;\n"
    "                  for line integrals in units of a pixel's    [0.02; 0.2]\n"
    "  --photons N     how many are counted where the picture is white, or of each ray\n"
    "                  without an absorber                         [20; 3000]\n"
    "  --size N        the picture is cut to a square and shrunk to at most N x N, a\n"
    "                  multiple of 4                               [128]\n"
    "  --chains N      samples to draw                             [8]\n"
    "  --seed N                                                    [1]\n"
    "  --model FILE    the denoiser, ONNX                          [the one shipped]\n"
    "  --out FOLDER    where panel.png and the arrays go           [out]\n"
    "  --folder FOLDER samples are written here as they come, and an interrupted run goes on\n"
    "\n"
    "Writes panel.png: truth, measured (or its back-projection), two samples, mean, standard\n"
    "deviation (white: 0.5 or more), and truth, measurement, mean and std as .npy.\n";

_Noreturn void fail(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fputs("restore: ", stderr);
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

float *floats(size_t count)
{
    float *memory = calloc(count, sizeof *memory);
    if (!memory)
        fail("no memory for %zu floats; try a smaller --size or fewer --chains", count);
    return memory;
}

options options_parse(int argc, char **argv)
{
    options o = {NULL, RWT_DEFAULT_PICTURE, RWT_DEFAULT_MODEL, "out", NULL, 0, 0, 128, 8, 1};
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
            fputs(HELP, stdout);
            exit(EXIT_SUCCESS);
        }
        if (strncmp(name, "--", 2) != 0) {
            if (o.task)
                o.picture = name;
            else
                o.task = name;
            continue;
        }
        if (++i == argc)
            fail("%s needs a value; see --help", name);
        char *end = argv[i];
        const double number = strtod(argv[i], &end);
        const int is_number = *end == '\0' && end != argv[i];
        if (strcmp(name, "--model") == 0)
            o.model = argv[i];
        else if (strcmp(name, "--out") == 0)
            o.out = argv[i];
        else if (strcmp(name, "--folder") == 0)
            o.folder = argv[i];
        else if (!is_number || !(number >= 0 && number < 1e9))
            fail("%s %s: see --help", name, argv[i]);
        else if (strcmp(name, "--noise") == 0)
            o.noise = number;
        else if (strcmp(name, "--photons") == 0)
            o.photons = number;
        else if (strcmp(name, "--size") == 0)
            o.size = (size_t)number;
        else if (strcmp(name, "--chains") == 0)
            o.chains = (uint32_t)number;
        else if (strcmp(name, "--seed") == 0)
            o.seed = (uint64_t)number;
        else
            fail("there is no %s; see --help", name);
    }
    if (!o.task) {
        fputs(HELP, stderr);
        exit(EXIT_FAILURE);
    }
    return o;
}
