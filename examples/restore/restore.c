/* Restores a picture from a simulated measurement by posterior sampling: super-resolution, deblurring, tomography, counts. */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "restore.h"

static volatile sig_atomic_t interrupted;
static uint64_t evaluations;

static int32_t on_progress(void *user, const rwt_progress *p)
{
    (void)user;
    evaluations = p->evaluations;
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
    if (report.coarse > 1.01)
        printf("the last noise level is %.1f times what the noise asks for: the samples may be too wide\n", report.coarse);
    if (report.solver > 0.1)
        printf("a solve with the operator left %.0f %% of its equation: see rwt_progress.solver\n", 100 * report.solver);
}

static void print_table(const options *o, const measurement *measured, float *const images[PANEL], size_t side,
                        double took)
{
    const size_t n = CHANNELS * side * side;
    printf("\n%s, %zu x %zu, %" PRIu32 " chains, %" PRIu64 " evaluations: %.1f s\n", o->task, side, side, o->chains,
           evaluations, took);
    printf("measured        %6.2f dB\n", rwt_psnr(images[0], measured->shown, n, 2));
    printf("one sample      %6.2f dB\n", rwt_psnr(images[0], images[2], n, 2));
    printf("mean            %6.2f dB\n", rwt_psnr(images[0], images[4], n, 2));
    printf("the truth is within 2 standard deviations at %.1f %% of the pixels\n",
           within(images[0], images[4], images[5], n, o->chains));
}

int main(int argc, char **argv)
{
    const options o = options_parse(argc, argv);
    if (mkdir(o.out, 0777) != 0 && errno != EEXIST)
        fail("the folder %s: %s", o.out, strerror(errno));

    rwt_denoiser *denoiser;
    rwt_denoiser_info info;
    check(rwt_denoiser_open(o.model, &denoiser), "the model");
    check(rwt_denoiser_info_init(&info, sizeof info), "the model");
    check(rwt_denoiser_get_info(denoiser, &info, sizeof info), "the model");

    size_t side;
    float *truth = read_truth(&o, &info, &side);
    measurement measured = measure(&o, truth, side);
    const size_t n = CHANNELS * side * side;

    rwt_sampler_options settings;
    rwt_sampler *sampler;
    check(rwt_sampler_options_init(&settings, sizeof settings), "the options");
    settings.eta = measured.eta;
    settings.chains = o.chains;
    settings.seed = o.seed;
    settings.antithetic = 1; /* for the mean: half the chains know it as well */
    check(rwt_sampler_create(denoiser, measured.operator, &settings, CHANNELS, side, side, &sampler), "the sampler");
    signal(SIGINT, on_interrupt);
    const double start = seconds();
    const rwt_status status =
        o.folder ? rwt_sampler_run_in(sampler, o.folder, measured.y, measured.m, on_progress, NULL)
                 : rwt_sampler_run(sampler, measured.y, measured.m, on_progress, NULL);
    const double took = seconds() - start;
    if (status != RWT_ERR_CANCELLED)
        check(status, "the walk");

    float *images[PANEL] = {truth, measured.shown, floats(n), floats(n), floats(n), floats(n)};
    const uint32_t started = rwt_sampler_started(sampler);
    const uint32_t second = started > 2 ? 2 : started > 1; /* of another pair, if there is one */
    check(rwt_sampler_sample(sampler, 0, images[2], n), "a sample");
    check(rwt_sampler_sample(sampler, second, images[3], n), "a sample");
    check(rwt_sampler_mean(sampler, images[4], n), "the mean");
    check(rwt_sampler_std(sampler, images[5], n), "the standard deviation");
    print_table(&o, &measured, images, side, took);
    print_report(sampler);
    write_arrays(&o, &measured, images, side);
    for (size_t i = 0; i < n; i++)
        images[5][i] = fminf(4 * images[5][i] - 1, 1);
    write_panel(&o, images, side);
    printf("%s/panel.png\n", o.out);

    free(truth);
    for (int k = 2; k < PANEL; k++)
        free(images[k]);
    measurement_free(&measured);
    rwt_sampler_free(sampler);
    rwt_denoiser_free(denoiser);
    return status == RWT_ERR_CANCELLED ? 128 + SIGINT : EXIT_SUCCESS;
}
