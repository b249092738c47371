/* Level 1: a posterior sample over missing pixels whose denoiser the caller runs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

enum { SIDE = 10, N = SIDE * SIDE, LEVELS = 12 };

/* Keeps every third pixel. */
static const uint8_t *a_mask(void)
{
    static uint8_t mask[N];
    for (size_t i = 0; i < N; i++)
        mask[i] = i % 3 == 1;
    return mask;
}

static const float *a_measurement(void)
{
    static float y[N];
    for (size_t i = 0; i < N; i++)
        y[i] = a_mask()[i] ? 0.1F * (float)(i % 7) : NAN;
    return y;
}

static const double *some_levels(void)
{
    static double levels[LEVELS];
    rwt_plan_options options;
    WORKS(rwt_plan_options_init(&options, sizeof options));
    options.sigma_max = 5;
    options.sigma_min = 0.04;
    WORKS(rwt_schedule(&options, levels, LEVELS));
    return levels;
}

static rwt_walk_options walk_options(const gaussian *g, int32_t method)
{
    rwt_walk_options options;
    WORKS(rwt_walk_options_init(&options, sizeof options));
    CHECK(options.struct_size == sizeof options && options.method == RWT_METHOD_GLA);
    options.method = method;
    options.eta = 0.2;
    options.mean = g->mean;
    options.variance = g->variance;
    options.epsilon = 0.5;
    options.seed = 42;
    options.mask = a_mask();
    options.y = a_measurement();
    options.levels = some_levels();
    options.pixels = N;
    options.level_count = LEVELS;
    return options;
}

/* Walk to the end; the place at this level is copied, if there is room for it. */
static void finish(rwt_walk *walk, gaussian *g, const float *x, size_t stop, float *place)
{
    for (;;) {
        double sigma = 0;
        float *denoised = NULL;
        WORKS(rwt_walk_request(walk, &sigma, &denoised));
        if (!denoised)
            return;
        CHECK(gaussian_denoise(g, x, N, sigma, denoised) == 0);
        const rwt_walk moved = *walk; /* plain data */
        memset(walk, 0, sizeof *walk);
        *walk = moved;
        WORKS(rwt_walk_advance(walk));
        size_t level = 0;
        WORKS(rwt_walk_level(walk, &level));
        if (place && level == stop)
            memcpy(place, x, N * sizeof *place);
    }
}

static void sample_of_a_run(gaussian *g, int32_t method, uint32_t chain, float *sample)
{
    rwt_sampler_options options = few_levels();
    options.method = method;
    options.levels = LEVELS;
    options.seed = 42;
    options.sigma_max = 5;
    options.sigma_min = 0.04;
    rwt_sampler *sampler = sampler_of(g, a_mask(), options, SIDE, SIDE);
    run_and_read(sampler, a_measurement(), N, chain, sample, N);
    rwt_sampler_free(sampler);
}

void a_walk_driven_by_hand_gives_the_bits_of_a_sampler(void)
{
    CHECK(rwt_walk_size() == sizeof(rwt_walk) && sizeof(rwt_walk) == 8 * RWT_WALK_WORDS);
    const int32_t methods[] = {RWT_METHOD_GLA, RWT_METHOD_PRECONDITIONED};
    for (size_t i = 0; i < 2; i++) {
        gaussian g = {.mean = 0.3, .variance = 0.2}, again = g;
        float sample[N], x[N], workspace[RWT_WALK_IMAGES * N];
        sample_of_a_run(&g, methods[i], 1, sample);
        rwt_walk_options options = walk_options(&again, methods[i]);
        options.chain = 1;
        rwt_walk walk;
        WORKS(rwt_walk_begin(&walk, &options, N, x, RWT_WALK_IMAGES * N, workspace));
        finish(&walk, &again, x, 0, NULL);
        CHECK(memcmp(x, sample, sizeof x) == 0);
        CHECK(2 * again.calls == g.calls); /* of two chains */
        options.chain = 0;
        WORKS(rwt_walk_begin(&walk, &options, N, x, RWT_WALK_IMAGES * N, workspace));
        finish(&walk, &again, x, 0, NULL);
        CHECK(memcmp(x, sample, sizeof x) != 0);
    }
}

void a_walk_goes_on_from_a_level_with_the_same_bits(void)
{
    const int32_t methods[] = {RWT_METHOD_GLA, RWT_METHOD_PRECONDITIONED};
    for (size_t i = 0; i < 2; i++)
        for (size_t level = 1; level < LEVELS; level++) {
            gaussian g = {.mean = 0.3, .variance = 0.2};
            float x[N], place[N], workspace[RWT_WALK_IMAGES * N];
            rwt_walk_options options = walk_options(&g, methods[i]);
            rwt_walk walk;
            WORKS(rwt_walk_begin(&walk, &options, N, x, RWT_WALK_IMAGES * N, workspace));
            finish(&walk, &g, x, level, place);
            options.level = level;
            memset(workspace, 0xff, sizeof workspace);
            const long calls = g.calls;
            WORKS(rwt_walk_begin(&walk, &options, N, place, RWT_WALK_IMAGES * N, workspace));
            finish(&walk, &g, place, 0, NULL);
            CHECK(memcmp(x, place, sizeof x) == 0);
            CHECK(g.calls - calls < calls);
        }
}

void a_walk_asked_out_of_turn_stays_where_it_is(void)
{
    gaussian g = {.mean = 0.3, .variance = 0.2};
    float x[N], expected[N], workspace[RWT_WALK_IMAGES * N], *denoised = NULL, *again = NULL;
    const rwt_walk_options options = walk_options(&g, RWT_METHOD_GLA);
    rwt_walk walk;
    WORKS(rwt_walk_begin(&walk, &options, N, expected, RWT_WALK_IMAGES * N, workspace));
    finish(&walk, &g, expected, 0, NULL);
    WORKS(rwt_walk_advance(&walk)); /* it has ended */
    WORKS(rwt_walk_begin(&walk, &options, N, x, RWT_WALK_IMAGES * N, workspace));
    WORKS(rwt_walk_advance(&walk)); /* nothing was asked for */
    double sigma = 0, same = 0;
    WORKS(rwt_walk_request(&walk, &sigma, &denoised));
    WORKS(rwt_walk_request(&walk, &same, &again));
    CHECK(sigma == same && denoised == again && denoised == workspace);
    size_t level = 0;
    WORKS(rwt_walk_level(&walk, &level));
    CHECK(level == SIZE_MAX);
    finish(&walk, &g, x, 0, NULL);
    CHECK(memcmp(x, expected, sizeof x) == 0);
}

/* One option is wrong. */
#define REFUSED(member, value, text)                                                                          \
    do {                                                                                                      \
        rwt_walk_options wrong = walk_options(&g, RWT_METHOD_PRECONDITIONED);                                 \
        wrong.member = (value);                                                                               \
        FAILS(rwt_walk_begin(&walk, &wrong, N, x, RWT_WALK_IMAGES * N, workspace), RWT_ERR_ARGUMENT, (text)); \
    } while (0)

void a_bad_argument_of_a_walk_is_an_error(void)
{
    gaussian g = {.mean = 0.3, .variance = 0.2};
    float x[N], workspace[RWT_WALK_IMAGES * N], *denoised = NULL;
    float y[N] = {0};
    y[1] = INFINITY; /* which the mask keeps */
    const uint8_t *const no_mask = NULL;
    const double rising[LEVELS] = {1, 2};
    rwt_walk walk = {{0}};
    REFUSED(method, RWT_METHOD_TEMPLATE, "method");
    REFUSED(eta, 0, "eta must be finite and above 0, found 0");
    REFUSED(eta, NAN, "eta");
    REFUSED(mean, INFINITY, "mean");
    REFUSED(variance, -1, "variance");
    REFUSED(epsilon, 2, "epsilon");
    REFUSED(temperature, 1.5, "temperature");
    REFUSED(temperature, NAN, "temperature");
    REFUSED(mask, no_mask, "mask is NULL");
    REFUSED(y, NULL, "y is NULL");
    REFUSED(y, y, "y must be finite where the mask keeps it");
    REFUSED(levels, NULL, "levels is NULL");
    REFUSED(levels, rising, "noise level 1");
    REFUSED(level_count, 1, "levels must be at least 2");
    REFUSED(level_count, SIZE_MAX, "levels");
    REFUSED(level, LEVELS, "level must be below the number of levels");
    REFUSED(pixels, 0, "1 x 0 elements");
    REFUSED(pixels, SIZE_MAX / 2, "elements");
    REFUSED(channels, 2, "n must be channels * pixels, 200, found 100");
    REFUSED(struct_size, 3, "struct_size");
    const rwt_walk_options options = walk_options(&g, RWT_METHOD_GLA);
    const size_t length = RWT_WALK_IMAGES * N;
    FAILS(rwt_walk_begin(NULL, &options, N, x, length, workspace), RWT_ERR_ARGUMENT, "walk is NULL");
    FAILS(rwt_walk_begin(&walk, NULL, N, x, length, workspace), RWT_ERR_ARGUMENT, "options is NULL");
    FAILS(rwt_walk_begin(&walk, &options, N, NULL, length, workspace), RWT_ERR_ARGUMENT, "x is NULL");
    FAILS(rwt_walk_begin(&walk, &options, N, x, length, NULL), RWT_ERR_ARGUMENT, "workspace is NULL");
    FAILS(rwt_walk_begin(&walk, &options, N, x, length - 1, workspace), RWT_ERR_ARGUMENT, "at least 200, found 199");
    double sigma = 0;
    size_t level = 0;
    FAILS(rwt_walk_request(&walk, &sigma, &denoised), RWT_ERR_ARGUMENT, "not begun");
    FAILS(rwt_walk_advance(&walk), RWT_ERR_ARGUMENT, "not begun");
    FAILS(rwt_walk_level(&walk, &level), RWT_ERR_ARGUMENT, "not begun");
    FAILS(rwt_walk_advance(NULL), RWT_ERR_ARGUMENT, "walk is NULL");
    WORKS(rwt_walk_begin(&walk, &options, N, x, length, workspace));
    FAILS(rwt_walk_request(&walk, NULL, &denoised), RWT_ERR_ARGUMENT, "sigma is NULL");
    FAILS(rwt_walk_request(&walk, &sigma, NULL), RWT_ERR_ARGUMENT, "denoised is NULL");
    FAILS(rwt_walk_level(&walk, NULL), RWT_ERR_ARGUMENT, "level is NULL");
    FAILS(rwt_walk_options_init(NULL, sizeof options), RWT_ERR_ARGUMENT, "NULL");
    WORKS(rwt_walk_request(&walk, &sigma, &denoised));
    memset(denoised, 0, N * sizeof *denoised);
    denoised[5] = NAN;
    FAILS(rwt_walk_advance(&walk), RWT_ERR_NOT_FINITE, "element 5");
}
