/* Level 1: the caller holds the arrays and drives the rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

enum { LEVELS = 30, SIDE = 8, N = SIDE * SIDE };

static void multistep_rows(rwt_step *steps, size_t levels)
{
    rwt_plan_options options;
    WORKS(rwt_plan_options_init(&options, sizeof options));
    options.recipe = RWT_RECIPE_MULTISTEP;
    options.lambda = 0.25;
    options.sigma_max = 15;
    options.sigma_min = 0.01;
    double *sigma = calloc(levels, sizeof *sigma);
    CHECK(sigma != NULL);
    WORKS(rwt_schedule(&options, sigma, levels));
    CHECK(sigma[0] == 15 && fabs(sigma[levels - 1] - 0.01) < 1e-12);
    size_t count = 0;
    WORKS(rwt_plan(&options, sigma, levels, steps, levels + 1, &count));
    CHECK(count == levels + 1);
    free(sigma);
}

/* Walk all rows of one chain. */
static void drive(const rwt_step *steps, size_t count, gaussian *g, uint64_t seed, uint64_t chain, float *x)
{
    float arrays[2][N] = {{0}};
    float *denoised = arrays[0], *previous = arrays[1];
    for (size_t row = 0; row < count; row++) {
        if (steps[row].denoised != 0) {
            float *older = previous;
            previous = denoised;
            denoised = older;
            CHECK(gaussian_denoise(g, x, N, steps[row].sigma, denoised) == 0);
        }
        WORKS(rwt_update(&steps[row], seed, chain, N, x, denoised, previous, NULL));
    }
}

void a_plan_driven_by_hand_gives_the_bits_of_a_sampler(void)
{
    gaussian g = {.mean = 0.3, .variance = 0.2};
    rwt_sampler_options options = few_levels();
    options.levels = LEVELS;
    options.chains = 3;
    options.seed = 42;
    options.sigma_max = 15;
    options.sigma_min = 0.01;
    rwt_sampler *sampler = sampler_of(&g, NULL, options, SIDE, SIDE);
    WORKS(rwt_sampler_run(sampler, NULL, 0, NULL, NULL));
    rwt_step steps[LEVELS + 1];
    multistep_rows(steps, LEVELS);
    for (uint32_t chain = 0; chain < 3; chain++) {
        float x[N] = {0}, sample[N];
        drive(steps, LEVELS + 1, &g, 42, chain, x);
        WORKS(rwt_sampler_sample(sampler, chain, sample, N));
        CHECK(memcmp(x, sample, sizeof x) == 0);
    }
    rwt_sampler_free(sampler);
}

/* The variance of what a plan without measurement makes of a Gaussian prior: every row is linear in
 * (x - mean, D - mean) and its noise is its own. */
static double variance_of_plan(const rwt_step *steps, size_t count, const gaussian *g)
{
    double xx = 0, xd = 0, dd = 0; /* covariances of x and the last denoised image */
    for (size_t row = 0; row < count; row++) {
        const rwt_step *s = &steps[row];
        const double gain = g->variance / (g->variance + s->sigma * s->sigma);
        const double a = s->x + s->denoised * gain, b = s->previous;
        const double old_xx = xx, old_xd = xd;
        xx = a * a * xx + 2 * a * b * xd + b * b * dd + s->noise * s->noise;
        if (s->denoised != 0) {
            xd = gain * (a * old_xx + b * old_xd);
            dd = gain * gain * old_xx;
        }
    }
    return xx;
}

void samples_driven_by_hand_have_the_moments_of_the_prior(void)
{
    const size_t levels = 60, chains = quick ? 50 : 1000;
    gaussian g = {.mean = 0.3, .variance = 0.2};
    rwt_step steps[61];
    multistep_rows(steps, levels);
    double sum = 0, squares = 0;
    for (uint64_t chain = 0; chain < chains; chain++) {
        float x[N] = {0};
        drive(steps, levels + 1, &g, 5, chain, x);
        for (size_t i = 0; i < N; i++) {
            sum += (double)x[i] - g.mean;
            squares += ((double)x[i] - g.mean) * ((double)x[i] - g.mean);
        }
    }
    const double count = (double)chains * N, expected = variance_of_plan(steps, levels + 1, &g);
    CHECK(fabs(expected / g.variance - 1) < 0.02); /* the levels are finite */
    /* The mean of the prior is drawn to sigma_max's side by less than mean / (1 + sigma_max^2 / variance). */
    const double drawn = g.mean / (1 + 15 * 15 / g.variance);
    CHECK(fabs(sum / count) < 4 * sqrt(expected / count) + drawn);
    CHECK(fabs(squares / count - expected) < 4 * expected * sqrt(2 / count) + drawn);
}

void the_noise_of_an_update_is_that_of_rwt_noise(void)
{
    float noise[N], x[N];
    for (size_t i = 0; i < N; i++)
        x[i] = NAN; /* its coefficient is 0: it is not read */
    const rwt_step row = {.sigma = 1, .noise = 1, .draw = 9};
    WORKS(rwt_update(&row, 3, UINT64_MAX, N, x, NULL, NULL, NULL));
    WORKS(rwt_noise(3, UINT64_MAX, 9, N, noise));
    CHECK(memcmp(x, noise, sizeof x) == 0);
    WORKS(rwt_noise(3, UINT64_MAX, 10, N, noise));
    CHECK(memcmp(x, noise, sizeof x) != 0);
    WORKS(rwt_noise(3, 0, 9, N, noise));
    CHECK(memcmp(x, noise, sizeof x) != 0);
    WORKS(rwt_noise(4, UINT64_MAX, 9, N, noise));
    CHECK(memcmp(x, noise, sizeof x) != 0);
    WORKS(rwt_noise(0, 0, 0, 0, NULL)); /* no elements, no array */
}
