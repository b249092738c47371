/* Magnetic resonance imaging from a quarter of the data: draws images that fit the scan and that the denoiser thinks
 * plausible, and tells how much they differ. The operator is made of the library's in scan.c.
 */
#define _XOPEN_SOURCE 700

#include "mri.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "npy.h"

/* In the panel this standard deviation is white. */
#define STD_WHITE 0.15F
enum { PANEL = 6 };

/* Of the intensities, 0 to 1. */
typedef struct result {
    float *zero_filled, *samples[2], *mean, *std;
    uint32_t count; /* samples that the moments are over */
    double took;    /* s */
    uint64_t evaluations;
    double solver; /* the most that a solve left of its equation */
} result;

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static int32_t on_progress(void *user, const rwt_progress *p)
{
    result *r = user;
    r->evaluations = p->evaluations;
    r->solver = fmax(r->solver, p->solver);
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " evaluations ", p->evaluations, p->total);
    return interrupted;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The denoiser's levels x = low + (high - low) v stand for intensities v, so y = A v + e is measured of them as
 * (high - low) y + low A 1 = A x + (high - low) e. */
static float *in_levels(const scan *s, const rwt_denoiser_info *info)
{
    const float low = (float)info->range_low, width = (float)info->range_high - low;
    float *ones = allocate(s->n, sizeof *ones), *y = allocate(s->m, sizeof *y);
    for (size_t i = 0; i < s->n; i++)
        ones[i] = 1;
    check(rwt_operator_apply(s->operator, ones, s->n, y, s->m), "the scan of a constant");
    for (size_t i = 0; i < s->m; i++)
        y[i] = width * s->y[i] + low * y[i];
    free(ones);
    return y;
}

static void to_intensities(const rwt_denoiser_info *info, float *x, size_t n)
{
    const float low = (float)info->range_low, width = (float)info->range_high - low;
    for (size_t i = 0; i < n; i++)
        x[i] = (x[i] - low) / width;
}

static rwt_sampler *sampler_of(const job *j, const scan *s, const rwt_denoiser *denoiser, const rwt_denoiser_info *info)
{
    rwt_sampler_options settings;
    rwt_sampler *sampler;
    check(rwt_sampler_options_init(&settings, sizeof settings), "the options");
    settings.method = j->o.method;
    settings.levels = j->o.levels;
    settings.chains = j->o.chains;
    settings.threads = j->o.threads;
    settings.seed = j->o.seed;
    settings.antithetic = 1; /* pairs of chains with opposite noise: their mean is worth that of more chains */
    settings.eta = j->o.noise * (info->range_high - info->range_low);
    check(rwt_sampler_create(denoiser, s->operator, &settings, CONTRASTS, s->side, s->side, &sampler), "the sampler");
    return sampler;
}

/* The walk; what is left of it after Ctrl-C. */
static result reconstruct(const job *j, const scan *s, const rwt_denoiser *denoiser, const rwt_denoiser_info *info)
{
    result r = {.zero_filled = allocate(s->n, sizeof(float)), .mean = allocate(s->n, sizeof(float)),
                .std = allocate(s->n, sizeof(float))};
    check(rwt_operator_adjoint(s->operator, s->y, s->m, r.zero_filled, s->n), "the zero-filled image");
    rwt_sampler *sampler = sampler_of(j, s, denoiser, info);
    float *y = in_levels(s, info);
    const double start = seconds();
    const rwt_status status = rwt_sampler_run(sampler, y, s->m, on_progress, &r);
    r.took = seconds() - start;
    if (status == RWT_ERR_CANCELLED)
        puts("\nstopped: the last samples are unfinished");
    else
        check(status, "the walk");
    const uint32_t begun = rwt_sampler_started(sampler), finished = rwt_sampler_finished(sampler);
    const uint32_t stride = begun > 2 ? 2 : begun > 1; /* samples of two pairs, if there are two */
    r.count = finished > 0 ? finished : begun;
    for (uint32_t k = 0; k < 2; k++) {
        r.samples[k] = allocate(s->n, sizeof(float));
        check(rwt_sampler_sample(sampler, k * stride, r.samples[k], s->n), "a sample");
        to_intensities(info, r.samples[k], s->n);
    }
    check(rwt_sampler_mean(sampler, r.mean, s->n), "the mean");
    check(rwt_sampler_std(sampler, r.std, s->n), "the standard deviation");
    to_intensities(info, r.mean, s->n);
    for (size_t i = 0; i < s->n; i++)
        r.std[i] /= (float)(info->range_high - info->range_low);
    free(y);
    rwt_sampler_free(sampler);
    return r;
}

static void print_row(const char *name, const float *truth, const float *image, size_t plane)
{
    printf("%-24s %8.2f", name, rwt_psnr(image, truth, CONTRASTS * plane, 1));
    for (size_t c = 0; c < CONTRASTS; c++)
        printf(" %8.2f", rwt_psnr(image + c * plane, truth + c * plane, plane, 1));
    putchar('\n');
}

/* How often the truth lies within two standard deviations of the mean, where there is tissue; for a Gaussian 95 %. The
 * mean is over few chains, so it is off by itself, which widens the interval. */
static double within(const float *truth, const result *r, size_t n)
{
    size_t inside = 0, tissue = 0;
    const double wider = sqrt(1 + 1.0 / r->count);
    for (size_t i = 0; i < n; i++)
        if (truth[i] > 0) {
            tissue++;
            inside += fabs((double)truth[i] - (double)r->mean[i]) <= 2 * wider * (double)r->std[i];
        }
    return 100.0 * (double)inside / (double)tissue;
}

static void print_table(const job *j, const scan *s, const float *truth, const result *r)
{
    const size_t plane = s->side * s->side;
    char mean[32];
    snprintf(mean, sizeof mean, "mean of %" PRIu32, r->count);
    printf("\n%zu x %zu, %zu of %zu lines, %zu coils, noise %g of the real and of the imaginary part\n", s->side, s->side,
           s->lines, s->side, s->coils, j->o.noise);
    printf("%-24s %8s %8s %8s %8s\n", "PSNR, dB", "all", "PD", "T1", "T2");
    print_row("zero-filled", truth, r->zero_filled, plane);
    print_row("one sample", truth, r->samples[0], plane);
    print_row(mean, truth, r->mean, plane);
    if (r->count > 1)
        printf("the truth is within 2 standard deviations at %.1f %% of the tissue's pixels\n",
               within(truth, r, s->n));
    printf("%" PRIu64 " evaluations of the denoiser, %.1f s; solves left at most %.1e of their equations\n",
           r->evaluations, r->took, r->solver);
}

static void write_array(const job *j, const char *name, const float *values, size_t dimensions, const size_t *shape)
{
    const int error = npy_write(j->o.out, name, values, dimensions, shape);
    if (error)
        fail("%s/%s: %s", j->o.out, name, strerror(error));
}

static void write_results(const job *j, const scan *s, const float *truth, const result *r)
{
    const size_t side = s->side, whole[] = {CONTRASTS, side, side}, plane[] = {side, side};
    float *masks = allocate(s->n, sizeof *masks), *spread = allocate(s->n, sizeof *spread);
    for (size_t i = 0; i < s->n; i++) {
        masks[i] = s->masks[i];
        spread[i] = r->std[i] / STD_WHITE;
    }
    write_array(j, "truth.npy", truth, 3, whole);
    write_array(j, "scan.npy", s->y, 5, (const size_t[]){CONTRASTS, s->coils, 2, side, side});
    write_array(j, "masks.npy", masks, 3, whole);
    write_array(j, "coils.npy", s->sensitivities, 4, (const size_t[]){s->coils, 2, side, side});
    write_array(j, "phase.npy", s->phase, 2, plane);
    write_array(j, "mean.npy", r->mean, 3, whole);
    write_array(j, "std.npy", r->std, 3, whole);

    /* One grey picture for each column: the contrasts lie one behind the other in memory, so one below the other. */
    const frame f = {1, CONTRASTS * side, side, 0, 1};
    const float *const columns[PANEL] = {truth, r->zero_filled, r->samples[0], r->samples[1], r->mean, spread};
    image panel[PANEL];
    for (size_t k = 0; k < PANEL; k++)
        panel[k] = (image){columns[k], 1};
    write_panel(&j->o, "panel.png", &f, panel, PANEL);
    printf("pictures and arrays in %s/\n", j->o.out);
    free(masks);
    free(spread);
}

int main(int argc, char **argv)
{
    const job j = job_parse(argc, argv);
    make_folder(j.o.out);
    rwt_denoiser *denoiser;
    rwt_denoiser_info info;
    check(rwt_denoiser_open(j.o.model, &denoiser), "the model (--model FILE)");
    check(rwt_denoiser_get_info(denoiser, &info, sizeof info), "the model");
    if (info.channels != 0 && info.channels != CONTRASTS)
        fail("the model knows images of %zu channels; this scan has %d contrasts", info.channels, CONTRASTS);

    float *truth = phantom(j.o.size);
    scan s = scan_simulate(&j, truth, j.o.size);
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)(SA_RESETHAND | SA_RESTART)};
    sigaction(SIGINT, &action, NULL);
    result r = reconstruct(&j, &s, denoiser, &info);
    print_table(&j, &s, truth, &r);
    write_results(&j, &s, truth, &r);

    float *const arrays[] = {truth, r.zero_filled, r.samples[0], r.samples[1], r.mean, r.std};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    scan_free(&s);
    rwt_denoiser_free(denoiser);
    return interrupted ? 128 + SIGINT : EXIT_SUCCESS;
}
