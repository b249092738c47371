/* What a sampler says of its own samples. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

enum { SIDE = 8, N = SIDE * SIDE };

/* Every third pixel is missing; the others are the prior's N(0.3, 0.01) in noise of 0.2. */
static void measure(uint8_t *mask, float *y)
{
    float truth[N], noise[N];
    WORKS(rwt_noise(21, 0, 0, N, truth));
    WORKS(rwt_noise(21, 1, 0, N, noise));
    for (size_t i = 0; i < N; i++) {
        mask[i] = i % 3 != 0;
        y[i] = 0.3F + 0.1F * truth[i] + 0.2F * noise[i];
    }
}

static rwt_sampler_report told(double eta, uint32_t chains)
{
    uint8_t mask[N];
    float y[N], x[N], etas[N];
    measure(mask, y);
    gaussian g = {.mean = 0.3, .variance = 0.01};
    rwt_sampler_options options = few_levels();
    options.levels = 30;
    options.chains = chains;
    options.eta = eta;
    rwt_sampler *sampler = sampler_of(&g, mask, options, SIDE, SIDE);
    rwt_sampler_report report;
    FAILS(rwt_sampler_check(sampler, &report, sizeof report), RWT_ERR_NO_SAMPLES, "rwt_sampler_run first");
    WORKS(rwt_sampler_run(sampler, y, N, NULL, NULL));
    WORKS(rwt_sampler_check(sampler, &report, sizeof report));
    CHECK(report.chains == chains && report.measurements == N - (N + 2) / 3);
    /* what the caller finds with rwt_fit, for whom a mask is 0 where nothing was measured */
    rwt_fit_report fit;
    double sum = 0, worst = 0, ratio = 0;
    uint32_t beyond = 0, worst_chain = 0;
    for (size_t i = 0; i < N; i++)
        etas[i] = mask[i] ? (float)eta : INFINITY;
    for (uint32_t chain = 0; chain < chains; chain++) {
        WORKS(rwt_sampler_sample(sampler, chain, x, N));
        WORKS(rwt_fit(y, x, N, 0, etas, &fit, sizeof fit));
        sum += fit.z / chains;
        ratio += fit.chi2 / (double)fit.measurements / chains;
        beyond += fabs(fit.z) > 4;
        if (fabs(fit.z) >= fabs(worst)) {
            worst = fit.z;
            worst_chain = chain;
        }
    }
    WORKS(rwt_sampler_mean(sampler, x, N));
    WORKS(rwt_fit(y, x, N, 0, etas, &fit, sizeof fit));
    CHECK(fabs(report.mean_z - sum) < 1e-5 && fabs(report.worst_z - worst) < 1e-5); /* etas are floats */
    CHECK(fabs(report.chi2_ratio - ratio) < 1e-5);
    CHECK(report.worst_chain == worst_chain && report.beyond == beyond);
    CHECK(fabs(report.z_of_mean - fit.z) < 1e-5 && report.z_of_mean < report.mean_z);
    rwt_sampler_free(sampler);
    return report;
}

void a_sampler_says_how_its_samples_fit(void)
{
    const rwt_sampler_report right = told(0.2, 8), half = told(0.1, 8), twice = told(0.4, 8);
    printf("mean z %.2f right, %.2f half, %.2f twice\n", right.mean_z, half.mean_z, twice.mean_z);
    CHECK(fabs(right.mean_z) < 2.5 && right.beyond == 0 && right.separate == 0);
    /* chi^2 / m is 1.75 and 0.34: z is 3.9 and -4.8, and a scatter of about 1.5 that the samples share */
    CHECK(half.mean_z > 2.5 && twice.mean_z < -3.5 && twice.beyond > 0);
    const rwt_sampler_report few = told(0.2, 5);
    CHECK(few.separate == -1 && few.smaller == 0 && isnan(few.ratio) && isnan(few.critical));
}

/* Two pictures, all 1 and all -1, each with noise of variance 0.01; equally likely. */
static rwt_status two_modes(void *user, const float *x, size_t n, double sigma, float *denoised)
{
    const double total = 0.01 + sigma * sigma;
    double sum = 0;
    (void)user;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    const double centre = tanh(sum / total);
    for (size_t i = 0; i < n; i++)
        denoised[i] = (float)(centre + 0.01 / total * ((double)x[i] - centre));
    return RWT_OK;
}

void two_groups_of_samples_are_reported(void)
{
    rwt_denoiser *denoiser = NULL;
    rwt_sampler *sampler = NULL;
    rwt_sampler_report report;
    float x[N];
    uint32_t positive = 0;
    rwt_sampler_options options = few_levels();
    options.levels = 30;
    options.chains = 16;
    WORKS(rwt_denoiser_from_callback(NULL, two_modes, NULL, NULL, &denoiser));
    WORKS(rwt_sampler_create(denoiser, NULL, &options, 1, SIDE, SIDE, &sampler));
    WORKS(rwt_sampler_run(sampler, NULL, 0, NULL, NULL));
    WORKS(rwt_sampler_check(sampler, &report, sizeof report));
    for (uint32_t chain = 0; chain < 16; chain++) {
        WORKS(rwt_sampler_sample(sampler, chain, x, N));
        positive += x[0] > 0;
    }
    CHECK(report.separate == 1 && report.ratio > report.critical);
    CHECK(report.smaller == (positive < 8 ? positive : 16 - positive) && report.smaller > 0);
    CHECK(report.measurements == 0 && isnan(report.chi2_ratio) && isnan(report.mean_z));
    CHECK(report.beyond == 0 && isnan(report.worst_z) && isnan(report.z_of_mean));
    rwt_sampler_free(sampler);
    rwt_denoiser_free(denoiser);
}

void a_pair_counts_once_where_groups_are_looked_for(void)
{
    uint32_t pairs_alarm = 0, chains_alarm = 0;
    const uint32_t seeds = 60;
    for (uint32_t seed = 1; seed <= seeds; seed++) {
        gaussian g = {.mean = 0, .variance = 1};
        rwt_sampler_options options = few_levels();
        rwt_sampler_report report;
        options.seed = seed;
        options.chains = 12;
        options.antithetic = 1;
        options.first_chain = seed % 2; /* the pairs from the second of a pair on are seven */
        const double pairs = 6 + seed % 2, expected = 4 * exp((1.9 + 13 / pairs) / sqrt(pairs)) - 1;
        rwt_sampler *sampler = sampler_of(&g, NULL, options, SIDE, SIDE);
        WORKS(rwt_sampler_run(sampler, NULL, 0, NULL, NULL));
        WORKS(rwt_sampler_check(sampler, &report, sizeof report));
        CHECK(fabs(report.critical - expected) < 1e-9 * expected);
        pairs_alarm += (uint32_t)report.separate;
        chains_alarm += report.ratio > 4 * exp((1.9 + 13.0 / 12) / sqrt(12)) - 1;
        rwt_sampler_free(sampler);
    }
    printf("false alarms in %u runs: %u of pairs, %u if all were independent\n", seeds, pairs_alarm, chains_alarm);
    CHECK(pairs_alarm <= 2); /* 0.6 % each: more than 2 in 0.6 % of such tests */
}

/* How many measurements are counted for images of two channels. */
static size_t counted(const rwt_operator *operator, size_t side, size_t m, const float *y)
{
    gaussian g = {.mean = 0, .variance = 1};
    rwt_denoiser *denoiser = gaussian_open(&g);
    rwt_sampler *sampler = NULL;
    rwt_sampler_report report;
    const rwt_sampler_options options = few_levels();
    WORKS(rwt_sampler_create(denoiser, operator, &options, 2, side, side, &sampler));
    WORKS(rwt_sampler_run(sampler, y, m, NULL, NULL));
    WORKS(rwt_sampler_check(sampler, &report, sizeof report));
    rwt_sampler_free(sampler);
    rwt_denoiser_free(denoiser);
    return report.measurements;
}

void what_was_not_measured_is_not_counted(void)
{
    const uint8_t mask[16] = {1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1};
    float y[32] = {0}, weights[32];
    rwt_operator *fourier = NULL, *weighted = NULL;
    for (size_t i = 0; i < 32; i++) {
        y[i] = mask[i % 16] ? 0.1F * (float)i : 0;
        weights[i] = i == 0 || i == 5 ? 0 : 1;
    }
    WORKS(rwt_operator_fourier(4, 4, mask, NULL, 1, &fourier));
    CHECK(counted(fourier, 4, 32, y) == 10);
    WORKS(rwt_operator_weighted(fourier, weights, 32, &weighted));
    y[0] = y[5] = 0;
    CHECK(counted(weighted, 4, 32, y) == 8);
    rwt_operator_free(weighted);
    rwt_operator_free(fourier);
}

static rwt_status one_pixel(void *user, const float *x, size_t n, float *y, size_t m)
{
    CHECK(n == N && m == 1);
    y[0] = x[0];
    return *(int *)user;
}

static rwt_status one_pixel_back(void *user, const float *y, size_t m, float *x, size_t n)
{
    (void)user;
    CHECK(n == N && m == 1);
    memset(x, 0, n * sizeof *x);
    x[0] = y[0];
    return RWT_OK;
}

static int32_t check_it_meanwhile(void *user, const rwt_progress *p)
{
    rwt_sampler_report report = {.mean_z = 7};
    (void)p;
    FAILS(rwt_sampler_check(*(rwt_sampler **)user, &report, sizeof report), RWT_ERR_BUSY, "serving another call");
    CHECK(report.mean_z == 7);
    return 0;
}

void a_bad_argument_of_sampler_check_is_an_error(void)
{
    int status = 0;
    const float y = 0.5F;
    gaussian g = {.mean = 0, .variance = 1};
    rwt_denoiser *denoiser = gaussian_open(&g);
    rwt_operator *operator = NULL;
    rwt_sampler *sampler = NULL;
    rwt_sampler_report report;
    memset(&report, 0x5A, sizeof report);
    const rwt_sampler_report before = report;
    const rwt_sampler_options options = few_levels();
    WORKS(rwt_operator_from_callbacks(1, SIDE, SIDE, 1, 1, one_pixel, one_pixel_back, 0, &status, NULL, &operator));
    WORKS(rwt_sampler_create(denoiser, operator, &options, 1, SIDE, SIDE, &sampler));
    WORKS(rwt_sampler_run(sampler, &y, 1, check_it_meanwhile, &sampler));
    FAILS(rwt_sampler_check(NULL, &report, sizeof report), RWT_ERR_ARGUMENT, "sampler is NULL");
    FAILS(rwt_sampler_check(sampler, NULL, sizeof report), RWT_ERR_ARGUMENT, "NULL");
    FAILS(rwt_sampler_check(sampler, &report, 7), RWT_ERR_ARGUMENT, "struct_size");
    status = 77;
    FAILS(rwt_sampler_check(sampler, &report, sizeof report), RWT_ERR_OPERATOR, "apply returned status 77");
    CHECK(memcmp(&report, &before, sizeof report) == 0);
    status = 0;
    const size_t known = offsetof(rwt_sampler_report, worst_chain);
    WORKS(rwt_sampler_check(sampler, &report, known));
    CHECK(report.struct_size == known && report.chains == 2 && report.measurements == 1);
    CHECK(memcmp((char *)&report + known, (const char *)&before + known, sizeof report - known) == 0);
    rwt_sampler_free(sampler);
    rwt_operator_free(operator);
    rwt_denoiser_free(denoiser);
}
