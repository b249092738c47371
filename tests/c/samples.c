/* What a sampler's samples are: reproducible, of the mask's measurement, and of the right distribution. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

enum { SIDE = 8, N = SIDE * SIDE };

static void fill_mask(uint8_t *mask, float *y)
{
    for (size_t i = 0; i < N; i++) {
        mask[i] = (i * 7 + i / SIDE) % 3 != 0;
        y[i] = mask[i] ? (float)(i % 5) * 0.3F - 0.4F : 0;
    }
}

void a_second_run_gives_the_same_bits(void)
{
    uint8_t mask[N];
    float y[N], first[N], second[N];
    fill_mask(mask, y);
    for (int32_t method = RWT_METHOD_GLA; method <= RWT_METHOD_TEMPLATE; method++) {
        rwt_sampler_options options = few_levels();
        options.method = method;
        gaussian g = {.mean = 0.3, .variance = 0.25};
        rwt_sampler *sampler = sampler_of(&g, mask, options, SIDE, SIDE);
        run_and_read(sampler, y, N, 1, first, N);
        run_and_read(sampler, y, N, 1, second, N);
        CHECK(memcmp(first, second, sizeof first) == 0);
        rwt_sampler_free(sampler);
        options.seed++;
        sampler = sampler_of(&g, mask, options, SIDE, SIDE);
        run_and_read(sampler, y, N, 1, second, N);
        CHECK(memcmp(first, second, sizeof first) != 0);
        rwt_sampler_free(sampler);
    }
}

void a_chain_does_not_depend_on_how_many_there_are(void)
{
    uint8_t mask[N];
    float y[N], alone[N], among[N];
    fill_mask(mask, y);
    for (int32_t method = -1; method <= RWT_METHOD_TEMPLATE; method++) { /* -1: no measurement */
        gaussian g = {.mean = 0.3, .variance = 0.25};
        const size_t n = method < 0 ? 0 : N;
        rwt_sampler_options options = few_levels();
        options.method = method < 0 ? RWT_METHOD_GLA : method;
        rwt_sampler *many[3];
        for (size_t i = 0; i < 3; i++) {
            options.chains = (uint32_t)i * 2 + 1; /* 1, 3, 5 */
            many[i] = sampler_of(&g, n ? mask : NULL, options, SIDE, SIDE);
            WORKS(rwt_sampler_run(many[i], n ? y : NULL, n, NULL, NULL));
        }
        for (uint32_t chain = 0; chain < 3; chain++) {
            WORKS(rwt_sampler_sample(many[chain == 0 ? 0 : 1], chain, alone, N));
            WORKS(rwt_sampler_sample(many[2], chain, among, N));
            CHECK(memcmp(alone, among, sizeof alone) == 0);
        }
        for (size_t i = 0; i < 3; i++)
            rwt_sampler_free(many[i]);
    }
}

/* The chains from `first` on, up to three of them side by side. */
static rwt_sampler *sampler_from(gaussian *g, const uint8_t *mask, rwt_sampler_options options, uint64_t first)
{
    rwt_denoiser_info info;
    rwt_denoiser *denoiser;
    rwt_operator *operator = NULL;
    rwt_sampler *sampler;
    WORKS(rwt_denoiser_info_init(&info, sizeof info));
    info.mean = g->mean;
    info.variance = g->variance;
    info.batch = 3;
    options.first_chain = first;
    WORKS(rwt_denoiser_from_callback(&info, gaussian_denoise, g, NULL, &denoiser));
    if (mask)
        WORKS(rwt_operator_mask(mask, 1, SIDE, SIDE, &operator));
    WORKS(rwt_sampler_create(denoiser, operator, &options, 1, SIDE, SIDE, &sampler));
    rwt_operator_free(operator);
    rwt_denoiser_free(denoiser);
    return sampler;
}

void chains_from_a_later_one_on_are_those_of_a_longer_run(void)
{
    enum { ALL = 8, FIRST = 4 };
    uint8_t mask[N];
    float y[N], part[N], whole[N];
    fill_mask(mask, y);
    for (int32_t method = -1; method <= RWT_METHOD_TEMPLATE; method++) { /* -1: no measurement */
        gaussian g = {.mean = 0.3, .variance = 0.25};
        const size_t n = method < 0 ? 0 : N;
        rwt_sampler_options options = few_levels();
        options.method = method < 0 ? RWT_METHOD_GLA : method;
        options.chains = ALL;
        rwt_sampler *all = sampler_from(&g, n ? mask : NULL, options, 0); /* groups of 3, 3 and 2 */
        options.chains = ALL - FIRST;
        rwt_sampler *last = sampler_from(&g, n ? mask : NULL, options, FIRST); /* 2 and 2 */
        WORKS(rwt_sampler_run(all, n ? y : NULL, n, NULL, NULL));
        WORKS(rwt_sampler_run(last, n ? y : NULL, n, NULL, NULL));
        for (uint32_t chain = 0; chain < ALL - FIRST; chain++) {
            WORKS(rwt_sampler_sample(last, chain, part, N));
            WORKS(rwt_sampler_sample(all, FIRST + chain, whole, N));
            CHECK(memcmp(part, whole, sizeof part) == 0);
            WORKS(rwt_sampler_sample(all, chain, whole, N));
            CHECK(memcmp(part, whole, sizeof part) != 0);
        }
        rwt_sampler_free(all);
        rwt_sampler_free(last);
    }
}

void a_failure_names_the_chain_by_its_number_in_the_whole_run(void)
{
    rwt_sampler_options options = few_levels();
    options.chains = 6;
    options.threads = 1;
    gaussian g = {.mean = 0, .variance = 1, .fail_at = 12 + 5, .fail_status = 77};
    rwt_sampler *sampler = sampler_from(&g, NULL, options, 40); /* the second group of 3 fails */
    FAILS(rwt_sampler_run(sampler, NULL, 0, NULL, NULL), RWT_ERR_DENOISER, "of chain 43");
    rwt_sampler_free(sampler);
    gaussian nan = {.mean = 0, .variance = 1, .fail_at = 12 + 5};
    sampler = sampler_from(&nan, NULL, options, 40);
    FAILS(rwt_sampler_run(sampler, NULL, 0, NULL, NULL), RWT_ERR_NOT_FINITE, "chain 44"); /* NaN in the middle of 3 */
    rwt_sampler_free(sampler);
    gaussian late = {.mean = 0, .variance = 1};
    sampler = sampler_from(&late, NULL, options, UINT64_MAX - 6); /* as far as the numbers go */
    WORKS(rwt_sampler_run(sampler, NULL, 0, NULL, NULL));
    rwt_sampler_free(sampler);
}

void mean_and_std_are_those_of_the_samples(void)
{
    gaussian g = {.mean = 0.3, .variance = 0.25};
    rwt_sampler_options options = few_levels();
    options.chains = 5;
    rwt_sampler *sampler = sampler_of(&g, NULL, options, SIDE, SIDE);
    float samples[5][N], mean[N], std[N];
    WORKS(rwt_sampler_run(sampler, NULL, 0, NULL, NULL));
    for (uint32_t chain = 0; chain < 5; chain++)
        WORKS(rwt_sampler_sample(sampler, chain, samples[chain], N));
    WORKS(rwt_sampler_mean(sampler, mean, N));
    WORKS(rwt_sampler_std(sampler, std, N));
    for (size_t i = 0; i < N; i++) {
        double sum = 0, squares = 0;
        for (size_t c = 0; c < 5; c++)
            sum += (double)samples[c][i] / 5;
        for (size_t c = 0; c < 5; c++)
            squares += ((double)samples[c][i] - sum) * ((double)samples[c][i] - sum);
        CHECK(fabs((double)mean[i] - sum) < 1e-6 && fabs((double)std[i] - sqrt(squares / 4)) < 1e-6);
    }
    rwt_sampler_free(sampler);
    options.chains = 1;
    sampler = sampler_of(&g, NULL, options, SIDE, SIDE);
    run_and_read(sampler, NULL, 0, 0, samples[0], N);
    WORKS(rwt_sampler_std(sampler, std, N));
    CHECK(std[0] == 0);
    rwt_sampler_free(sampler);
}

void a_mask_of_another_shape_is_refused(void)
{
    const uint8_t mask[N] = {1};
    gaussian g = {.mean = 0, .variance = 1};
    rwt_denoiser *denoiser = gaussian_open(&g);
    rwt_operator *tall = NULL, *colour = NULL;
    rwt_sampler *out = NULL;
    const rwt_sampler_options options = few_levels();
    WORKS(rwt_operator_mask(mask, 1, 16, 4, &tall));
    WORKS(rwt_operator_mask(mask, 3, SIDE, SIDE, &colour));
    FAILS(rwt_sampler_create(denoiser, tall, &options, 1, 4, 16, &out), RWT_ERR_ARGUMENT, "16");
    FAILS(rwt_sampler_create(denoiser, tall, &options, 1, 8, 8, &out), RWT_ERR_ARGUMENT, "16");
    FAILS(rwt_sampler_create(denoiser, colour, &options, 1, SIDE, SIDE, &out), RWT_ERR_ARGUMENT, "3");
    CHECK(!out);
    rwt_operator_free(tall);
    rwt_operator_free(colour);
    rwt_denoiser_free(denoiser);
}

void nan_at_a_measured_pixel_is_named_by_its_place(void)
{
    uint8_t mask[6] = {0, 0, 0, 0, 1, 0}; /* row 1, column 1 of 2 x 3 */
    gaussian g = {.mean = 0, .variance = 1};
    rwt_denoiser *denoiser = gaussian_open(&g);
    rwt_operator *operator = NULL;
    rwt_sampler *sampler = NULL;
    const rwt_sampler_options options = few_levels();
    WORKS(rwt_operator_mask(mask, 3, 2, 3, &operator));
    WORKS(rwt_sampler_create(denoiser, operator, &options, 3, 2, 3, &sampler));
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        float y[18] = {0};
        y[2 * 6 + 4] = bad[i];
        FAILS(rwt_sampler_run(sampler, y, 18, NULL, NULL), RWT_ERR_NOT_FINITE, "channel 2, row 1, column 1");
    }
    CHECK(g.calls == 0);
    rwt_sampler_free(sampler);
    rwt_operator_free(operator);
    rwt_denoiser_free(denoiser);
}

void nan_at_a_missing_pixel_is_ignored(void)
{
    uint8_t mask[N];
    float y[N], first[N], second[N];
    fill_mask(mask, y);
    gaussian g = {.mean = 0.3, .variance = 0.25};
    rwt_sampler *sampler = sampler_of(&g, mask, few_levels(), SIDE, SIDE);
    run_and_read(sampler, y, N, 0, first, N);
    for (size_t i = 0; i < N; i++)
        if (!mask[i])
            y[i] = i % 2 ? NAN : INFINITY;
    run_and_read(sampler, y, N, 0, second, N);
    CHECK(memcmp(first, second, sizeof first) == 0);
    rwt_sampler_free(sampler);
}

/* Sums over the chains of a group's mean deviation from the posterior mean, and of its mean squared one. */
typedef struct moments {
    double sum, squares, second_sum, second_squares;
} moments;

static void add(moments *m, double mean, double second)
{
    m->sum += mean;
    m->squares += mean * mean;
    m->second_sum += second;
    m->second_squares += second * second;
}

/* By how many standard errors a mean over the chains is off by more than `bias`. */
static double excess(double sum, double squares, double count, double expected, double bias)
{
    const double mean = sum / count, variance = squares / count - mean * mean;
    return fmax(0, fabs(mean - expected) - bias) / sqrt(variance / (count - 1));
}

/* The sampler believes `believed`; the closed form is that of eta 0.2. The largest excess of the four moments. */
static double deviation_from_posterior(double believed, uint32_t chains)
{
    const double eta2 = 0.2 * 0.2;
    gaussian g = {.mean = 0.3, .variance = 0.25};
    uint8_t mask[N];
    float y[N], x[N];
    fill_mask(mask, y);
    rwt_sampler_options options = few_levels();
    options.levels = 60;
    options.eta = believed;
    options.sigma_min = 0.005; /* a walk ends with the mean given x at this level, which costs that much variance */
    options.chains = chains;
    rwt_sampler *sampler = sampler_of(&g, mask, options, SIDE, SIDE);
    WORKS(rwt_sampler_run(sampler, y, N, NULL, NULL));
    const double variances[2] = {g.variance, g.variance * eta2 / (g.variance + eta2)}; /* missing, measured */
    moments groups[2] = {{0}};
    for (uint32_t chain = 0; chain < chains; chain++) {
        double sum[2] = {0}, second[2] = {0}, count[2] = {0};
        WORKS(rwt_sampler_sample(sampler, chain, x, N));
        for (size_t i = 0; i < N; i++) {
            const double gain = mask[i] ? g.variance / (g.variance + eta2) : 0;
            const double off = (double)x[i] - g.mean - gain * ((double)y[i] - g.mean);
            sum[mask[i]] += off;
            second[mask[i]] += off * off;
            count[mask[i]]++;
        }
        for (size_t k = 0; k < 2; k++)
            add(&groups[k], sum[k] / count[k], second[k] / count[k]);
    }
    rwt_sampler_free(sampler);
    double largest = 0;
    for (size_t k = 0; k < 2; k++) {
        const moments *m = &groups[k];
        /* Levels are finite: 2 % of a standard deviation, 2 % of a variance. */
        const double mean = excess(m->sum, m->squares, chains, 0, 0.02 * sqrt(variances[k]));
        const double second = excess(m->second_sum, m->second_squares, chains, variances[k], 0.02 * variances[k]);
        printf("%s: mean %+.5f, variance %.5f (exact %.5f); %.1f and %.1f standard errors too far\n",
               k ? "measured" : "missing", m->sum / chains, m->second_sum / chains, variances[k], mean, second);
        largest = fmax(largest, fmax(mean, second));
    }
    return largest;
}

void samples_of_a_gaussian_posterior_have_its_moments(void)
{
    CHECK(deviation_from_posterior(0.2, quick ? 20 : 2000) < 4);
}

void a_wrong_eta_is_caught_by_the_moments(void)
{
    if (quick)
        return;
    CHECK(deviation_from_posterior(0.4, 2000) > 4);
    CHECK(deviation_from_posterior(0.1, 2000) > 4);
}
