/* Inpainting: most pixels of a picture are missing and the rest are noisy. What could the picture
 * have been? The library draws several answers from the posterior, and this program shows them,
 * their mean, and how much they differ.
 *
 * Read main() from top to bottom: it is the whole of the C interface that such a program needs.
 */
#define _XOPEN_SOURCE 700

#include "c_inpaint.h"

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* std.png: this standard deviation is white. */
#define STD_WHITE 0.5F

typedef struct posterior {
    uint32_t count;
    float *samples; /* [count, channels, height, width] */
    float *mean;
    float *std; /* NULL where there are fewer than two samples */
} posterior;

typedef struct progress {
    bool show;
    double start, elapsed; /* s */
    uint64_t evaluations;
} progress;

static rwt_sampler_options settings_from(const options *o, const rwt_denoiser_info *info);
static rwt_status walk(rwt_sampler *sampler, const measurement *m, progress *run);
static posterior collect(const rwt_sampler *sampler, const frame *f);
static void free_arrays(const measurement *m, const posterior *p);
static int32_t on_progress(void *user, const rwt_progress *p);
static void on_interrupt(int signal);
static double seconds(void);
static void write_results(const options *o, const measurement *m, const posterior *p);
static float *as_grey(const frame *f, const float *std);
static void print_table(const measurement *m, const posterior *p, const progress *run);
static void print_report(const rwt_sampler *sampler);

static volatile sig_atomic_t interrupted;

int main(int argc, char **argv)
{
    const options o = options_parse(argc, argv);
    make_folder(o.out);

    /* 1. The prior: a trained denoiser. It says its channels and the range of its levels. */
    rwt_denoiser *denoiser = NULL;
    rwt_denoiser_options how;
    check(rwt_denoiser_options_init(&how, sizeof how), "options");
    how.engine = o.engine;
    how.provider = o.provider;
    how.precision = o.precision;
    how.threads = o.threads;
    check(rwt_denoiser_open_with(o.model, &how, &denoiser), "the model (--model FILE, --engine NAME)");
    rwt_denoiser_info info;
    check(rwt_denoiser_get_info(denoiser, &info, sizeof info), "the model");

    /* 2. The measurement y, and the linear operator that made it. */
    measurement m = measure(&o, &info);
    rwt_operator *masking = NULL;
    check(rwt_operator_mask(m.mask, m.f.channels, m.f.height, m.f.width, &masking), "the mask");

    /* 3. A sampler of the posterior p(image | y). */
    rwt_sampler *sampler = NULL;
    const rwt_sampler_options settings = settings_from(&o, &info);
    check(rwt_sampler_create(denoiser, masking, &settings, m.f.channels, m.f.height, m.f.width, &sampler),
          "the sampler");

    /* 4. The walk. Ctrl-C stops it within a step; what was sampled so far stays readable. */
    progress run = {.show = isatty(STDERR_FILENO)};
    const rwt_status status = walk(sampler, &m, &run);

    /* 5. The samples, their mean and their standard deviation. */
    posterior p = collect(sampler, &m.f);
    if (p.count > 0)
        write_results(&o, &m, &p);
    print_table(&m, &p, &run);
    if (p.count > 0)
        print_report(sampler);
    printf("pictures in %s/\n", o.out);

    /* Whatever was created is freed; the order does not matter. */
    rwt_sampler_free(sampler);
    rwt_operator_free(masking);
    rwt_denoiser_free(denoiser);
    free_arrays(&m, &p);
    return status == RWT_ERR_CANCELLED ? 128 + SIGINT : EXIT_SUCCESS;
}

/* Options start from the library's defaults, so that those of a newer library have some, too. */
static rwt_sampler_options settings_from(const options *o, const rwt_denoiser_info *info)
{
    rwt_sampler_options settings;
    check(rwt_sampler_options_init(&settings, sizeof settings), "the options");
    settings.method = o->method;
    settings.levels = o->levels;
    settings.chains = o->chains;
    settings.threads = o->threads;
    settings.seed = o->seed;
    settings.antithetic = 1; /* pairs of chains with opposite noise: their mean is worth that of more chains */
    settings.eta = o->noise * (info->range_high - info->range_low) / 2;
    return settings;
}

static rwt_status walk(rwt_sampler *sampler, const measurement *m, progress *run)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)(SA_RESETHAND | SA_RESTART)};
    sigaction(SIGINT, &action, NULL);
    run->start = seconds();
    const rwt_status status = rwt_sampler_run(sampler, m->y, frame_size(&m->f), on_progress, run);
    run->elapsed = seconds() - run->start;
    if (run->show)
        fputs("\r\033[K", stderr);
    if (status == RWT_ERR_CANCELLED)
        puts("stopped: the last samples are unfinished");
    else
        check(status, "the walk");
    return status;
}

/* Every fallible call returns a status, and rwt_last_error() tells this thread's last failure. */
void check(rwt_status status, const char *what)
{
    if (status != RWT_OK)
        fail("%s: %s", what, rwt_last_error());
}

static int32_t on_progress(void *user, const rwt_progress *p)
{
    progress *run = user;
    run->evaluations = p->evaluations;
    if (run->show && p->evaluations > 0) {
        const double done = (double)p->evaluations / (double)p->total;
        fprintf(stderr, "\r\033[K%" PRIu64 " of %" PRIu64 " evaluations, %.0f %%, %.0f s left", p->evaluations,
                p->total, 100 * done, (seconds() - run->start) * (1 / done - 1));
    }
    return interrupted; /* anything but 0 cancels */
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

static posterior collect(const rwt_sampler *sampler, const frame *f)
{
    const size_t n = frame_size(f);
    posterior p = {.count = rwt_sampler_started(sampler)};
    if (p.count == 0)
        return p;
    p.samples = allocate(p.count * n, sizeof *p.samples);
    for (uint32_t chain = 0; chain < p.count; chain++)
        check(rwt_sampler_sample(sampler, chain, p.samples + chain * n, n), "a sample");
    p.mean = allocate(n, sizeof *p.mean);
    check(rwt_sampler_mean(sampler, p.mean, n), "the mean");
    if (p.count > 1) {
        p.std = allocate(n, sizeof *p.std);
        check(rwt_sampler_std(sampler, p.std, n), "the standard deviation");
    }
    return p;
}

static void write_results(const options *o, const measurement *m, const posterior *p)
{
    const frame *f = &m->f;
    const size_t n = frame_size(f);
    for (uint32_t i = 0; i < p->count; i++) {
        char name[32];
        snprintf(name, sizeof name, "sample-%" PRIu32 ".png", i);
        write_image(o, name, f, (image){p->samples + i * n, f->channels});
    }
    write_image(o, "mean.png", f, (image){p->mean, f->channels});
    image panel[6];
    size_t count = 0;
    if (m->truth)
        panel[count++] = (image){m->truth, f->channels};
    panel[count++] = (image){m->y, f->channels};
    const uint32_t stride = p->count > 2 ? 2 : 1; /* samples of two pairs, if there are two */
    for (uint32_t i = 0; i < p->count && i <= stride; i += stride)
        panel[count++] = (image){p->samples + i * n, f->channels};
    panel[count++] = (image){p->mean, f->channels};
    float *spread = p->std ? as_grey(f, p->std) : NULL;
    if (spread) {
        panel[count++] = (image){spread, 1};
        write_image(o, "std.png", f, panel[count - 1]);
    }
    write_panel(o, "panel.png", f, panel, count);
    free(spread);
}

/* Averaged over the channels; 0 is black and STD_WHITE, where levels go from -1 to 1, is white. */
static float *as_grey(const frame *f, const float *std)
{
    const size_t plane = f->height * f->width;
    float *grey = allocate(plane, sizeof *grey);
    for (size_t i = 0; i < plane; i++) {
        float sum = 0;
        for (size_t c = 0; c < f->channels; c++)
            sum += std[c * plane + i];
        grey[i] = f->low + 2 / STD_WHITE * sum / (float)f->channels;
    }
    return grey;
}

static void print_table(const measurement *m, const posterior *p, const progress *run)
{
    const size_t n = frame_size(&m->f);
    const double range = (double)m->f.high - (double)m->f.low;
    if (m->truth) {
        float *filled = allocate(n, sizeof *filled);
        fill_in(&m->f, m->y, m->mask, filled);
        printf("%-34s PSNR\n", "");
        printf("%-30s %5.2f dB\n", "measurement, filled in simply", rwt_psnr(filled, m->truth, n, range));
        free(filled);
    }
    if (m->truth && p->count > 0)
        printf("%-30s %5.2f dB\n", "one sample", rwt_psnr(p->samples, m->truth, n, range));
    if (m->truth && p->count > 1) {
        char mean[64];
        snprintf(mean, sizeof mean, "mean of %" PRIu32 " samples", p->count);
        printf("%-30s %5.2f dB\n", mean, rwt_psnr(p->mean, m->truth, n, range));
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%" PRIu64 " evaluations of the denoiser, %.1f s, %ld MiB at the peak\n", run->evaluations,
           run->elapsed, usage.ru_maxrss / 1024);
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

static void free_arrays(const measurement *m, const posterior *p)
{
    void *arrays[] = {m->truth, m->y, m->mask, p->samples, p->mean, p->std};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
}
