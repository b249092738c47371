/* Every argument of level 1 that makes no sense is an error, and nothing is written. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "test.h"

enum { N = 4 };
static const double LEVELS[N] = {8, 4, 2, 1};
static const double BAD[] = {(double)NAN, (double)INFINITY, -(double)INFINITY, -1};

static rwt_plan_options defaults(void)
{
    rwt_plan_options options;
    WORKS(rwt_plan_options_init(&options, sizeof options));
    return options;
}

static void no_schedule(rwt_plan_options options)
{
    double levels[N] = {7, 7, 7, 7};
    FAILS(rwt_schedule(&options, levels, N), RWT_ERR_ARGUMENT, "");
    for (size_t i = 0; i < N; i++)
        CHECK(levels[i] == 7);
}

static void no_plan(rwt_plan_options options, const double *levels, size_t n)
{
    rwt_step steps[2 * N], before[2 * N];
    memset(steps, 0x5A, sizeof steps);
    memcpy(before, steps, sizeof steps);
    size_t count = 77;
    FAILS(rwt_plan(&options, levels, n, steps, 2 * N, &count), RWT_ERR_ARGUMENT, "");
    CHECK(count == 77 && memcmp(steps, before, sizeof steps) == 0);
}

static void no_plan_with(int32_t recipe, size_t member, double value)
{
    rwt_plan_options options = defaults();
    options.recipe = recipe;
    memcpy((char *)&options + member, &value, sizeof value);
    no_plan(options, LEVELS, N);
}

static void bad_schedules(void)
{
    double levels[N] = {7, 7, 7, 7};
    rwt_plan_options options = defaults();
    FAILS(rwt_schedule(NULL, NULL, N), RWT_ERR_ARGUMENT, "levels is NULL");
    FAILS(rwt_schedule(NULL, levels, 0), RWT_ERR_ARGUMENT, "level");
    FAILS(rwt_schedule(NULL, levels, 1), RWT_ERR_ARGUMENT, "level");
    FAILS(rwt_schedule(NULL, levels, SIZE_MAX), RWT_ERR_ARGUMENT, "levels");
    CHECK(levels[0] == 7);
    for (int32_t kind = RWT_SCHEDULE_GEOMETRIC; kind <= RWT_SCHEDULE_SIGMOID; kind++)
        for (size_t i = 0; i <= sizeof BAD / sizeof *BAD; i++) {
            const double bad = i == 0 ? 0 : BAD[i - 1];
            options = defaults();
            options.schedule = kind;
            options.sigma_max = bad;
            no_schedule(options);
            options = defaults();
            options.schedule = kind;
            options.sigma_min = bad;
            no_schedule(options);
        }
    options = defaults();
    options.schedule = RWT_SCHEDULE_KARRAS;
    options.rho = (double)NAN;
    no_schedule(options);
    options.rho = 0;
    no_schedule(options);
    options = defaults();
    options.sigma_min = options.sigma_max;
    no_schedule(options);
    options.schedule = 99;
    no_schedule(options);
    options.schedule = -1;
    no_schedule(options);
}

void a_bad_argument_of_schedule_or_plan_is_an_error(void)
{
    bad_schedules();
    const double rising[] = {1, 2, 3, 4}, zero[] = {3, 2, 1, 0}, nan[] = {4, 3, (double)NAN, 1};
    const double infinite[] = {(double)INFINITY, 3, 2, 1}, equal[] = {2, 2, 1, 0.5};
    const double *const wrong[] = {rising, zero, nan, infinite, equal, NULL};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        for (int32_t recipe = RWT_RECIPE_MULTISTEP; recipe <= RWT_RECIPE_PAPER; recipe++) {
            rwt_plan_options options = defaults();
            const double list[N - 1] = {0.1, 0.1, 0.1};
            options.recipe = recipe;
            options.list = list;
            options.list_count = N - 1;
            options.epsilon = options.reference = 0.5;
            no_plan(options, wrong[i], N);
            no_plan(options, LEVELS, 0);
        }
    rwt_plan_options forward = defaults();
    forward.recipe = RWT_RECIPE_FORWARD;
    no_plan(forward, LEVELS, N);
    no_plan(forward, nan, N);
    no_plan(defaults(), LEVELS, SIZE_MAX);
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        no_plan_with(RWT_RECIPE_MULTISTEP, offsetof(rwt_plan_options, lambda), BAD[i]);
        no_plan_with(RWT_RECIPE_DDIM, offsetof(rwt_plan_options, eta), BAD[i]);
        no_plan_with(RWT_RECIPE_LOOK_AHEAD, offsetof(rwt_plan_options, epsilon), BAD[i]);
        no_plan_with(RWT_RECIPE_SIMPLE, offsetof(rwt_plan_options, epsilon), BAD[i]);
        no_plan_with(RWT_RECIPE_MARGINAL_PRESERVING, offsetof(rwt_plan_options, epsilon), BAD[i]);
        no_plan_with(RWT_RECIPE_SIMPLE, offsetof(rwt_plan_options, temperature_first), BAD[i]);
        no_plan_with(RWT_RECIPE_SIMPLE, offsetof(rwt_plan_options, temperature_last), BAD[i]);
    }
    no_plan_with(RWT_RECIPE_SIMPLE, offsetof(rwt_plan_options, epsilon), 2);
    no_plan_with(RWT_RECIPE_DDIM, offsetof(rwt_plan_options, eta), 1.5);
    no_plan_with(RWT_RECIPE_SIMPLE, offsetof(rwt_plan_options, temperature_last), 1.1);
    no_plan_with(RWT_RECIPE_NCSN, offsetof(rwt_plan_options, epsilon), 0);
    no_plan_with(RWT_RECIPE_EDM_HEUN, offsetof(rwt_plan_options, churn), -1);
    rwt_plan_options without_list = defaults(), wrong_list = defaults();
    without_list.recipe = RWT_RECIPE_SIMPLE_LIST;
    no_plan(without_list, LEVELS, N);
    const double hot[N - 1] = {0.5, 1.5, 0.5};
    wrong_list.recipe = RWT_RECIPE_SIMPLE_LIST;
    wrong_list.list = hot;
    wrong_list.list_count = N - 1;
    no_plan(wrong_list, LEVELS, N);
    CHECK(strstr(rwt_last_error(), "row 2") != NULL);
    rwt_plan_options endless = defaults();
    endless.recipe = RWT_RECIPE_NCSN;
    endless.inner = UINT64_MAX;
    no_plan(endless, LEVELS, N);
    no_plan_with(20, offsetof(rwt_plan_options, eta), 0);
    no_plan_with(-1, offsetof(rwt_plan_options, eta), 0);
    rwt_step steps[2 * N];
    size_t count = 77;
    FAILS(rwt_plan(NULL, LEVELS, N, steps, 2 * N, NULL), RWT_ERR_ARGUMENT, "count is NULL");
    FAILS(rwt_plan(NULL, LEVELS, N, NULL, 2 * N, &count), RWT_ERR_ARGUMENT, "steps is NULL");
    FAILS(rwt_plan(NULL, LEVELS, N, steps, SIZE_MAX, &count), RWT_ERR_ARGUMENT, "steps");
    CHECK(count == 77);
}

void a_plan_that_does_not_fit_says_how_long_it_is(void)
{
    rwt_plan_options options = defaults();
    options.epsilon = 0.1;
    options.inner = 2;
    options.churn = 1;
    const double list[N - 1] = {0.1, 0.1, 0.1};
    options.list = list;
    options.list_count = N - 1;
    for (int32_t recipe = RWT_RECIPE_MULTISTEP; recipe <= RWT_RECIPE_PAPER; recipe++) {
        options.recipe = recipe;
        rwt_step steps[4 * N], before[4 * N];
        memset(steps, 0x5A, sizeof steps);
        memcpy(before, steps, sizeof steps);
        size_t needed = 0, count = 0;
        WORKS(rwt_plan(&options, LEVELS, N, NULL, 0, &needed));
        CHECK(needed > N && needed < 4 * N);
        FAILS(rwt_plan(&options, LEVELS, N, steps, needed - 1, &count), RWT_ERR_CAPACITY, "rows");
        CHECK(count == needed && memcmp(steps, before, sizeof steps) == 0);
        count = 0;
        WORKS(rwt_plan(&options, LEVELS, N, steps, 4 * N, &count));
        CHECK(count == needed);
        CHECK(memcmp(steps + needed, before + needed, (4 * N - needed) * sizeof *steps) == 0);
    }
}

static void no_update(rwt_step step, size_t n, const float *denoised, const float *previous, const float *gradient)
{
    float x[N] = {7, 7, 7, 7};
    FAILS(rwt_update(&step, 1, 0, n, x, denoised, previous, gradient), RWT_ERR_ARGUMENT, "");
    for (size_t i = 0; i < N; i++)
        CHECK(x[i] == 7);
}

void a_bad_argument_of_update_or_noise_is_an_error(void)
{
    const float a[N] = {0};
    float x[N] = {7, 7, 7, 7};
    const rwt_step all = {.sigma = 1, .x = 1, .denoised = 1, .previous = 1, .gradient = 1, .noise = 1};
    FAILS(rwt_update(NULL, 1, 0, N, x, a, a, a), RWT_ERR_ARGUMENT, "step is NULL");
    FAILS(rwt_update(&all, 1, 0, N, NULL, a, a, a), RWT_ERR_ARGUMENT, "x is NULL");
    no_update(all, N, NULL, a, a);
    no_update(all, N, a, NULL, a);
    no_update(all, N, a, a, NULL);
    no_update(all, SIZE_MAX, a, a, a);
    const size_t members[] = {offsetof(rwt_step, x), offsetof(rwt_step, denoised), offsetof(rwt_step, previous),
                              offsetof(rwt_step, gradient), offsetof(rwt_step, noise), offsetof(rwt_step, sigma)};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        for (size_t k = 0; k < 3; k++) { /* a coefficient may be negative */
            rwt_step step = all;
            memcpy((char *)&step + members[i], &BAD[k], sizeof *BAD);
            no_update(step, N, a, a, a);
        }
    rwt_step step = all;
    step.sigma = 0;
    no_update(step, N, a, a, a);
    FAILS(rwt_noise(1, 0, 0, N, NULL), RWT_ERR_ARGUMENT, "out is NULL");
    FAILS(rwt_noise(1, 0, 0, SIZE_MAX, x), RWT_ERR_ARGUMENT, "out");
    CHECK(x[0] == 7);
    WORKS(rwt_update(&all, 1, 0, 0, NULL, NULL, NULL, NULL)); /* no elements, no arrays */
}

void psnr_of_bad_arguments_is_nan(void)
{
    const float a[N] = {1, 2, 3, 4}, b[N] = {2, 3, 4, 5};
    CHECK(isnan(rwt_psnr(NULL, b, N, 1)) && strstr(rwt_last_error(), "a is NULL"));
    CHECK(isnan(rwt_psnr(a, NULL, N, 1)) && strstr(rwt_last_error(), "b is NULL"));
    CHECK(isnan(rwt_psnr(a, b, 0, 1)));
    CHECK(isnan(rwt_psnr(a, b, SIZE_MAX, 1)));
    CHECK(isnan(rwt_psnr(a, b, N, 0)) && isnan(rwt_psnr(a, b, N, -1)));
    CHECK(isnan(rwt_psnr(a, b, N, (double)NAN)));
    CHECK(isnan(rwt_psnr(a, b, N, (double)INFINITY)));
    CHECK(fabs(rwt_psnr(a, b, N, 10) - 20) < 1e-9);
    const double same = rwt_psnr(a, a, N, 10);
    CHECK(isinf(same) && same > 0);
}
