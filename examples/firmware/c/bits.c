/* Print what must have the same bits on every machine: noise, levels, and the rows of every recipe with their update. */
#include "board.h"
#include "print.h"
#include "rwt.h"

enum { N = 200, LEVELS = 12, ROWS = 60, SCHEDULES = 4, RECIPES = 20 };

static double levels[LEVELS];
static rwt_step rows[ROWS];
static float noise[N], x[N], denoised[N], previous[N];

/* The rows of one recipe, and x after each of them. */
static rwt_status print_recipe(int32_t recipe, rwt_plan_options options)
{
    const double variances[LEVELS - 1] = {5e-5, 4e-5, 3e-5, 2e-5, 1e-5, 9e-6, 8e-6, 7e-6, 0, 5e-6, 4e-6};
    options.recipe = recipe;
    options.epsilon = recipe == RWT_RECIPE_NCSN ? 2e-5 : 0.7;
    options.inner = 3;
    options.churn = 5;
    options.list = variances;
    options.list_count = recipe == RWT_RECIPE_DDPM_LIST || recipe == RWT_RECIPE_SIMPLE_LIST ? LEVELS - 1 : 0;
    if (recipe == RWT_RECIPE_FORWARD)
        for (size_t i = 0; i < LEVELS; i++)
            levels[i] = (double)(i + 1) / 3;
    size_t count = 0;
    rwt_status status = rwt_plan(&options, levels, LEVELS, rows, ROWS, &count);
    uint32_t updated = HASH_START;
    for (size_t i = 0; !status && i < count; i++) {
        status = rwt_update(&rows[i], 5, 3, N, x, denoised, previous, NULL);
        updated = hash(updated, x, sizeof x);
    }
    print_number("recipe", (uint32_t)recipe);
    print_number("rows", (uint32_t)count);
    print_bits("bits", hash(HASH_START, rows, count * sizeof *rows));
    print_bits("updated", updated);
    return status;
}

int main(void)
{
    rwt_plan_options options;
    rwt_status status = rwt_plan_options_init(&options, sizeof options);
    for (uint64_t chain = 0; !status && chain < 3; chain++) {
        status = rwt_noise(42, chain << 31, (uint32_t)chain, N, noise);
        print_bits("noise", hash(HASH_START, noise, sizeof noise));
    }
    if (!status)
        status = rwt_noise(1, 1, 1, N, denoised);
    if (!status)
        status = rwt_noise(1, 1, 2, N, previous);
    for (int32_t schedule = SCHEDULES - 1; !status && schedule >= 0; schedule--) {
        options.schedule = schedule;
        status = rwt_schedule(&options, levels, LEVELS);
        print_bits("levels", hash(HASH_START, levels, sizeof levels));
    }
    for (int32_t recipe = 0; !status && recipe < RECIPES; recipe++)
        status = print_recipe(recipe, options);
    if (status) {
        board_print(rwt_last_error());
        print_number("\nstatus", (uint32_t)status);
    }
    return status ? 1 : 0;
}
