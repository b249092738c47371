/* Restores a picture from a simulated measurement by posterior sampling: super-resolution, deblurring, tomography. */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "npy.h"
#include "picture.h"
#include "rwt.h"

static const char *const HELP =
    "usage: restore TASK [options] [picture.png]\n"
    "\n"
    "  TASK            super-resolution: every 4 x 4 pixels become one, bicubic\n"
    "                  deblurring:       a Gaussian blur of 2 pixels, black outside\n"
    "                  tomography:       line integrals at 45 angles\n"
    "  --noise S       standard deviation of the noise, where black is -1 and white is 1;\n"
    "                  for line integrals in units of a pixel's    [0.02; 0.2]\n"
    "  --size N        the picture is cut to a square and shrunk to at most N x N, a\n"
    "                  multiple of 4                               [128]\n"
    "  --chains N      samples to draw                             [8]\n"
    "  --seed N                                                    [1]\n"
    "  --model FILE    the denoiser, ONNX                          [the one shipped]\n"
    "  --out FOLDER    where panel.png and the arrays go           [out]\n"
    "\n"
    "Writes panel.png: truth, measured (or its back-projection), two samples, mean, standard\n"
    "deviation (white: 0.5 or more), and truth, measurement, mean and std as .npy.\n";

enum { CHANNELS = 3, FACTOR = 4, BLUR = 13, ANGLES = 45, PANEL = 6, GAP = 4 };

typedef struct options {
    const char *task, *picture, *model, *out;
    double noise;
    size_t size;
    uint32_t chains;
    uint64_t seed;
} options;

static volatile sig_atomic_t interrupted;

_Noreturn static void fail(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fputs("restore: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    exit(EXIT_FAILURE);
}

static void check(rwt_status status, const char *what)
{
    if (status != RWT_OK)
        fail("%s: %s", what, rwt_last_error());
}

static float *floats(size_t count)
{
    float *memory = calloc(count, sizeof *memory);
    if (!memory)
        fail("no memory for %zu floats; try a smaller --size or fewer --chains", count);
    return memory;
}

static options options_parse(int argc, char **argv)
{
    options o = {NULL, RWT_DEFAULT_PICTURE, RWT_DEFAULT_MODEL, "out", 0, 128, 8, 1};
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
        else if (!is_number || !(number >= 0 && number < 1e9))
            fail("%s %s: see --help", name, argv[i]);
        else if (strcmp(name, "--noise") == 0)
            o.noise = number;
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

/* The picture, [3, side, side]. */
static float *read_truth(const options *o, const rwt_denoiser_info *info, size_t *side)
{
    picture file;
    if (info->channels != CHANNELS)
        fail("the model knows images of %zu channels; this program shows it coloured pictures", info->channels);
    if (picture_read(o->picture, (float)info->range_low, (float)info->range_high, &file) != PICTURE_OK ||
        picture_square(&file, o->size) != PICTURE_OK)
        fail("the picture: %s", picture_last_error());
    *side = file.height / FACTOR * FACTOR;
    if (*side == 0)
        fail("the picture is smaller than %d x %d", FACTOR, FACTOR);
    float *truth = floats(CHANNELS * *side * *side);
    for (size_t plane = 0; plane < CHANNELS; plane++)
        for (size_t row = 0; row < *side; row++)
            memcpy(truth + (plane * *side + row) * *side, file.pixels + (plane * file.height + row) * file.width,
                   *side * sizeof *truth);
    picture_free(&file);
    return truth;
}

static rwt_operator *operator_of(options *o, size_t side)
{
    rwt_operator *operator = NULL;
    if (strcmp(o->task, "super-resolution") == 0) {
        check(rwt_operator_bicubic(CHANNELS, side, side, FACTOR, &operator), "the operator");
    } else if (strcmp(o->task, "deblurring") == 0) {
        float kernel[BLUR * BLUR], sum = 0;
        for (int i = 0; i < BLUR * BLUR; i++) {
            const double y = i / BLUR - BLUR / 2, x = i % BLUR - BLUR / 2;
            sum += kernel[i] = (float)exp(-(x * x + y * y) / (2 * 2 * 2));
        }
        for (int i = 0; i < BLUR * BLUR; i++)
            kernel[i] /= sum;
        check(rwt_operator_blur(CHANNELS, side, side, kernel, BLUR, BLUR, 0, &operator), "the operator");
    } else if (strcmp(o->task, "tomography") == 0) {
        double angles[ANGLES];
        for (int i = 0; i < ANGLES; i++)
            angles[i] = 3.14159265358979 * i / ANGLES;
        check(rwt_operator_radon(CHANNELS, side, side, angles, ANGLES, side * 3 / 2, &operator), "the operator");
    } else {
        fail("%s: give super-resolution, deblurring or tomography", o->task);
    }
    if (o->noise == 0)
        o->noise = strcmp(o->task, "tomography") == 0 ? 0.2 : 0.02;
    return operator;
}

/* What was measured as a picture of the image's size: enlarged, as it is, or back-projected. */
static float *shown(const rwt_operator *operator, const float *y, size_t m, size_t n, size_t side)
{
    float *picture = floats(n);
    if (m == n) {
        memcpy(picture, y, n * sizeof *picture);
        return picture;
    }
    if (m * FACTOR * FACTOR == n) {
        for (size_t i = 0; i < n; i++)
            picture[i] = y[i / side / FACTOR * (side / FACTOR) + i % side / FACTOR];
        return picture;
    }
    check(rwt_operator_adjoint(operator, y, m, picture, n), "the back-projection");
    float largest = 1e-6F;
    for (size_t i = 0; i < n; i++)
        largest = fmaxf(largest, fabsf(picture[i]));
    for (size_t i = 0; i < n; i++)
        picture[i] /= largest;
    return picture;
}

static void write_npy(const options *o, const char *name, const float *values, size_t count)
{
    const int error = npy_write(o->out, name, values, 1, &count);
    if (error)
        fail("%s/%s: %s", o->out, name, strerror(error));
}

static void write_panel(const options *o, float *const images[PANEL], size_t side)
{
    const size_t width = PANEL * (side + GAP) - GAP;
    float *panel = floats(CHANNELS * side * width);
    char path[4096];
    for (size_t i = 0; i < CHANNELS * side * width; i++)
        panel[i] = 1;
    for (size_t k = 0; k < PANEL; k++)
        for (size_t row = 0; row < CHANNELS * side; row++)
            memcpy(panel + row * width + k * (side + GAP), images[k] + row * side, side * sizeof *panel);
    snprintf(path, sizeof path, "%s/panel.png", o->out);
    if (picture_write(path, panel, CHANNELS, side, width, -1, 1) != PICTURE_OK)
        fail("%s", picture_last_error());
    free(panel);
}

static int32_t on_progress(void *user, const rwt_progress *p)
{
    (void)user;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " evaluations ", p->evaluations, p->total);
    return interrupted;
}

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* How often the truth lies within two standard deviations of the mean, corrected for the finite number of chains by a
 * wider interval: what a Gaussian would give is about 95 %. */
static double within(const float *truth, const float *mean, const float *std, size_t n, uint32_t chains)
{
    size_t inside = 0;
    const double wider = sqrt(1 + 1.0 / chains);
    for (size_t i = 0; i < n; i++)
        inside += fabs((double)truth[i] - (double)mean[i]) <= 2 * wider * (double)std[i];
    return 100.0 * (double)inside / (double)n;
}

/* Do the samples explain what was measured, and do they fall into two groups? */
static void print_report(const rwt_sampler *sampler)
{
    static const char *const GROUPS[] = {"too few samples to see groups", "no separate groups", "two separate groups"};
    rwt_sampler_report report;
    check(rwt_sampler_check(sampler, &report, sizeof report), "the report");
    printf("fit: chi^2 / m %.3f, z %.1f (samples), %.1f at worst, %.1f (mean); %s\n", report.chi2_ratio, report.mean_z,
           report.worst_z, report.z_of_mean, GROUPS[report.separate + 1]);
}

int main(int argc, char **argv)
{
    options o = options_parse(argc, argv);
    if (mkdir(o.out, 0777) != 0 && errno != EEXIST)
        fail("the folder %s: %s", o.out, strerror(errno));

    rwt_denoiser *denoiser;
    rwt_denoiser_info info;
    check(rwt_denoiser_open(o.model, &denoiser), "the model");
    check(rwt_denoiser_info_init(&info, sizeof info), "the model");
    check(rwt_denoiser_get_info(denoiser, &info, sizeof info), "the model");

    /* y = A x + noise */
    size_t side;
    float *truth = read_truth(&o, &info, &side);
    rwt_operator *operator = operator_of(&o, side);
    const size_t n = CHANNELS * side * side, m = rwt_operator_measurement_len(operator);
    float *y = floats(m), *noise = floats(m);
    check(rwt_operator_apply(operator, truth, n, y, m), "the measurement");
    check(rwt_noise(o.seed, UINT32_MAX, 0, m, noise), "the noise");
    for (size_t i = 0; i < m; i++)
        y[i] += (float)o.noise * noise[i];

    rwt_sampler_options settings;
    rwt_sampler *sampler;
    check(rwt_sampler_options_init(&settings, sizeof settings), "the options");
    settings.eta = o.noise;
    settings.chains = o.chains;
    settings.seed = o.seed;
    check(rwt_sampler_create(denoiser, operator, &settings, CHANNELS, side, side, &sampler), "the sampler");
    signal(SIGINT, on_interrupt);
    const double start = seconds();
    const rwt_status status = rwt_sampler_run(sampler, y, m, on_progress, NULL);
    const double took = seconds() - start;
    if (status != RWT_ERR_CANCELLED)
        check(status, "the walk");

    float *images[PANEL] = {truth, shown(operator, y, m, n, side), floats(n), floats(n), floats(n), floats(n)};
    const uint32_t second = o.chains > 1 && rwt_sampler_started(sampler) > 1 ? 1 : 0;
    check(rwt_sampler_sample(sampler, 0, images[2], n), "a sample");
    check(rwt_sampler_sample(sampler, second, images[3], n), "a sample");
    check(rwt_sampler_mean(sampler, images[4], n), "the mean");
    check(rwt_sampler_std(sampler, images[5], n), "the standard deviation");
    printf("\n%s, noise %g, %zu x %zu, %" PRIu32 " chains: %.1f s\n", o.task, o.noise, side, side, o.chains, took);
    printf("measured        %6.2f dB\n", rwt_psnr(truth, images[1], n, 2));
    printf("one sample      %6.2f dB\n", rwt_psnr(truth, images[2], n, 2));
    printf("mean            %6.2f dB\n", rwt_psnr(truth, images[4], n, 2));
    printf("the truth is within 2 standard deviations at %.1f %% of the pixels\n",
           within(truth, images[4], images[5], n, o.chains));
    print_report(sampler);
    write_npy(&o, "truth.npy", truth, n);
    write_npy(&o, "measurement.npy", y, m);
    write_npy(&o, "mean.npy", images[4], n);
    write_npy(&o, "std.npy", images[5], n);
    for (size_t i = 0; i < n; i++)
        images[5][i] = fminf(4 * images[5][i] - 1, 1);
    write_panel(&o, images, side);
    printf("%s/panel.png\n", o.out);

    for (int k = 0; k < PANEL; k++)
        free(images[k]);
    free(y);
    free(noise);
    rwt_sampler_free(sampler);
    rwt_operator_free(operator);
    rwt_denoiser_free(denoiser);
    return status == RWT_ERR_CANCELLED ? 128 + SIGINT : EXIT_SUCCESS;
}
