#define _GNU_SOURCE /* getopt_long */

#include "mpi_inpaint.h"

#include <errno.h>
#include <getopt.h>
#include <mpi.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npy.h"

static const char *const HELP =
    "usage: mpirun -n RANKS mpi_inpaint [options] [picture.png]\n"
    "\n"
    "Most pixels of a picture are missing, the rest are noisy: draws pictures that could have\n"
    "been there, each rank some of them. However many ranks there are, they are the same.\n"
    "\n"
    "  --missing F     fraction of missing pixels, 0 <= F < 1         [0.8]\n"
    "  --noise S       standard deviation of the noise in the measured\n"
    "                  pixels, where black is -1 and white is 1       [0.05]\n"
    "  --size N        the picture is cut to a square and shrunk to at\n"
    "                  most N x N pixels                              [128]\n"
    "  --chains N      samples to draw, over all ranks                [8]\n"
    "  --levels N      noise levels of a walk; 0: the method's own    [0]\n"
    "  --seed N        the same seed gives the same pictures          [1]\n"
    "  --threads N     of each rank, a chain each                     [1]\n"
    "  --model FILE    the denoiser, ONNX; every rank reads it        [the one shipped]\n"
    "  --samples       write sample-N.npy as soon as it is drawn\n"
    "  --out FOLDER    where all goes; the ranks should share it      [out]\n"
    "  --help\n"
    "\n"
    "Writes measured.png, panel.png (truth, measured, two samples, mean, and the standard deviation,\n"
    "of which 0.5 or more is white), mean.npy and std.npy. After Ctrl-C they are of the samples that\n"
    "were finished. Open MPI leaves the ranks a second for it, more with\n"
    "mpirun --mca odls_base_sigkill_timeout SECONDS.\n";

static const struct option NAMES[] = {
    {"missing", required_argument, NULL, 'f'}, {"noise", required_argument, NULL, 'n'},
    {"size", required_argument, NULL, 'z'},    {"chains", required_argument, NULL, 'c'},
    {"levels", required_argument, NULL, 'l'},  {"seed", required_argument, NULL, 's'},
    {"threads", required_argument, NULL, 't'}, {"model", required_argument, NULL, 'd'},
    {"samples", no_argument, NULL, 'w'},       {"out", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
};

_Noreturn static void end(int status)
{
    MPI_Finalize();
    exit(status);
}

/* Every rank has the same arguments: one complains, all end. */
_Noreturn static void refuse(const job *j, const char *name, const char *problem)
{
    if (j->rank == 0)
        fprintf(stderr, "mpi_inpaint: %s: %s; see --help\n", name, problem);
    end(EXIT_FAILURE);
}

static uint64_t whole_number(const job *j, const char *name, uint64_t least, uint64_t most)
{
    char *stop = NULL, text[128];
    errno = 0;
    const unsigned long long value = strtoull(optarg, &stop, 10);
    if (stop != optarg && !*stop && !strchr(optarg, '-') && !errno && value >= least && value <= most)
        return value;
    snprintf(text, sizeof text, "give a whole number from %llu to %llu", (unsigned long long)least,
             (unsigned long long)most);
    refuse(j, name, text);
}

static double number(const job *j, const char *name, double least, double most)
{
    char *stop = NULL, text[128];
    const double value = strtod(optarg, &stop);
    if (stop != optarg && !*stop && value >= least && value < most)
        return value;
    snprintf(text, sizeof text, "give a number from %g to below %g", least, most);
    refuse(j, name, text);
}

static void set(job *j, int letter, const char *argument)
{
    options *o = &j->o;
    switch (letter) {
    case 'f': o->missing = number(j, "--missing", 0, 1); break;
    case 'n': o->noise = number(j, "--noise", 1e-6, 1000); break;
    case 'z': o->size = (size_t)whole_number(j, "--size", 1, 8192); break;
    case 'c': o->chains = (uint32_t)whole_number(j, "--chains", 1, 1000000); break;
    case 'l': o->levels = (uint32_t)whole_number(j, "--levels", 0, 1000000); break;
    case 's': o->seed = whole_number(j, "--seed", 0, UINT64_MAX); break;
    case 't': o->threads = (uint32_t)whole_number(j, "--threads", 1, 4096); break;
    case 'd': o->model = optarg; break;
    case 'w': j->samples = true; break;
    case 'o': o->out = optarg; break;
    case 'h':
        if (j->rank == 0)
            fputs(HELP, stdout);
        end(EXIT_SUCCESS);
    default: refuse(j, argument, "no such option, or it lacks its value");
    }
}

job job_parse(int argc, char **argv)
{
    job j = {
        .o = {.picture = RWT_DEFAULT_PICTURE, .model = RWT_DEFAULT_MODEL, .out = "out", .missing = 0.8, .noise = 0.05,
              .method = RWT_METHOD_GLA, .chains = 8, .threads = 1, .seed = 1, .size = 128},
    };
    MPI_Comm_rank(MPI_COMM_WORLD, &j.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &j.ranks);
    int letter;
    opterr = 0;
    while ((letter = getopt_long(argc, argv, "", NAMES, NULL)) != -1)
        set(&j, letter, argv[optind - 1]);
    if (argc - optind > 1)
        refuse(&j, argv[optind + 1], "one picture at a time");
    if (optind < argc)
        j.o.picture = argv[optind];
    return j;
}

/* What went wrong on one rank ends them all. */
void fail(const char *format, ...)
{
    int rank = 0;
    char text[4096], line[4200]; /* written at once: other ranks may fail at the same time */
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    snprintf(line, sizeof line, "mpi_inpaint: rank %d: %s\n", rank, text);
    fputs(line, stderr);
    fflush(NULL);
    MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
    abort();
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
        fail("no memory for %zu x %zu bytes; try a smaller --size", count, size);
    return memory;
}

void write_array(const char *folder, const char *name, const frame *f, const float *values)
{
    const int error = npy_write(folder, name, values, 3, (const size_t[]){f->channels, f->height, f->width});
    if (error)
        fail("%s/%s: %s", folder, name, strerror(error));
}
