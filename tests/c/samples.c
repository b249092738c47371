/* What a sampler's samples are: reproducible, of the mask's measurement, and of the right distribution. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

enum { SIDE = 8, N = SIDE * SIDE };

void a_second_run_gives_the_same_bits(void)
{
    uint8_t mask[N];
    float y[N], first[N], second[N];
    fill_mask(mask, y, SIDE);
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
    fill_mask(mask, y, SIDE);
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
    fill_mask(mask, y, SIDE);
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
