/* Level 1: plans that print themselves, training tables, lists and the forward process. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

enum { STEPS = 1000 };

static void ddpm_table(double *sigmas)
{
    WORKS(rwt_vp_table(RWT_VP_LINEAR, 1e-4, 0.02, sigmas, STEPS));
}

void a_plan_prints_itself_as_a_table_and_as_csv(void)
{
    double sigmas[STEPS];
    ddpm_table(sigmas);
    const double levels[2] = {sigmas[999], sigmas[998]};
    rwt_plan_options options;
    WORKS(rwt_plan_options_init(&options, sizeof options));
    options.recipe = RWT_RECIPE_DDPM_LARGE;
    rwt_step steps[3];
    size_t count, needed = 0;
    WORKS(rwt_plan(&options, levels, 2, steps, 3, &count));
    WORKS(rwt_plan_print(steps, count, sigmas, STEPS, 0, NULL, 0, &needed));
    char *text = malloc(needed);
    CHECK(text != NULL);
    WORKS(rwt_plan_print(steps, count, sigmas, STEPS, 0, text, needed, NULL));
    CHECK(strlen(text) + 1 == needed);
    CHECK(strstr(text, "495.56104") != NULL && strstr(text, "0.49000000") != NULL); /* tau and T of t = 999 */
    char part[20];
    size_t again = 0;
    FAILS(rwt_plan_print(steps, count, sigmas, STEPS, 0, part, sizeof part, &again), RWT_ERR_CAPACITY, "bytes");
    CHECK(again == needed && strlen(part) == sizeof part - 1 && strncmp(part, text, sizeof part - 1) == 0);
    free(text);
    char csv[1000];
    WORKS(rwt_plan_print(steps, count, NULL, 0, 1, csv, sizeof csv, NULL));
    CHECK(strncmp(csv, "row,sigma,tau,T,", 16) == 0);
    double sigma = 0;
    CHECK(sscanf(strstr(csv, "\n1,") + 3, "%lf", &sigma) == 1 && sigma == sigmas[999]);
    FAILS(rwt_plan_print(NULL, 1, NULL, 0, 0, csv, sizeof csv, NULL), RWT_ERR_ARGUMENT, "steps is NULL");
    FAILS(rwt_plan_print(steps, count, levels, 2, 0, csv, sizeof csv, NULL), RWT_ERR_ARGUMENT, "increase");
}

void the_time_of_a_level_is_its_index_in_the_table(void)
{
    double sigmas[STEPS], copy[STEPS], time = -1;
    ddpm_table(sigmas);
    CHECK(fabs(sigmas[499] / 3.424136619 - 1) < 1e-9);
    WORKS(rwt_table_time(sigmas, STEPS, sigmas[499], 0, &time));
    CHECK(fabs(time - 499) < 1e-9);
    WORKS(rwt_table_time(sigmas, STEPS, 1e9, 1, &time));
    CHECK(time == 999);
    FAILS(rwt_table_time(sigmas, STEPS, 1e9, 0, &time), RWT_ERR_ARGUMENT, "outside the range");
    FAILS(rwt_table_time(sigmas, STEPS, 1, 0, NULL), RWT_ERR_ARGUMENT, "time is NULL");
    FAILS(rwt_table_time(NULL, STEPS, 1, 0, &time), RWT_ERR_ARGUMENT, "sigmas is NULL");
    FAILS(rwt_vp_table(7, 0, 0, sigmas, STEPS), RWT_ERR_ARGUMENT, "rwt_vp_kind");
    memcpy(copy, sigmas, sizeof sigmas);
    FAILS(rwt_vp_table(RWT_VP_LINEAR, 0.5, 2, sigmas, STEPS), RWT_ERR_ARGUMENT, "beta");
    CHECK(time == 999 && memcmp(copy, sigmas, sizeof sigmas) == 0);
}

void a_table_is_resampled_and_levels_are_snapped_to_it(void)
{
    double sigmas[STEPS], copy[STEPS], levels[10], betas[STEPS];
    ddpm_table(sigmas);
    for (int t = 0; t < STEPS; t++)
        betas[t] = 1e-4 + t * (0.02 - 1e-4) / 999;
    WORKS(rwt_vp_table_of(betas, 0, copy, STEPS));
    CHECK(fabs(copy[999] / sigmas[999] - 1) < 1e-12);
    for (int t = 0; t < STEPS; t++)
        betas[t] = 1 / (1 + sigmas[t] * sigmas[t]);
    WORKS(rwt_vp_table_of(betas, 1, copy, STEPS));
    CHECK(fabs(copy[999] / sigmas[999] - 1) < 1e-9);
    WORKS(rwt_table_levels(sigmas, STEPS, levels, 10));
    CHECK(levels[0] == sigmas[999] && levels[9] == sigmas[0]);
    double close[4] = {100, sigmas[5] * 1.0001, sigmas[5] * 0.9999, sigmas[0]};
    size_t count = 4;
    WORKS(rwt_table_snap(sigmas, STEPS, 0, close, &count));
    CHECK(count == 3 && close[1] == sigmas[5] && close[2] == sigmas[0]);
    double outside[2] = {1, 1e-9};
    count = 2;
    FAILS(rwt_table_snap(sigmas, STEPS, 0, outside, &count), RWT_ERR_ARGUMENT, "outside");
    CHECK(count == 2 && outside[0] == 1);
    WORKS(rwt_table_snap(sigmas, STEPS, 1, outside, &count));
    CHECK(outside[1] == sigmas[0]);
    FAILS(rwt_table_snap(sigmas, STEPS, 1, outside, NULL), RWT_ERR_ARGUMENT, "count is NULL");
}

void lists_of_temperatures_and_the_forward_process_are_plans(void)
{
    const double levels[3] = {4, 2, 1}, temperatures[2] = {0.25, 0.75}, rising[3] = {0, 3, 5};
    rwt_plan_options options;
    WORKS(rwt_plan_options_init(&options, sizeof options));
    options.recipe = RWT_RECIPE_SIMPLE_LIST;
    options.epsilon = 0.5;
    options.list = temperatures;
    options.list_count = 2;
    rwt_step steps[4];
    size_t count;
    WORKS(rwt_plan(&options, levels, 3, steps, 4, &count));
    CHECK(count == 4 && fabs(steps[2].noise - 2 * sqrt(2 * 0.5 * 0.75)) < 1e-12);
    options.recipe = RWT_RECIPE_FORWARD;
    WORKS(rwt_plan(&options, rising, 3, steps, 4, &count));
    CHECK(count == 2 && steps[0].noise == 3 && steps[1].noise == 4 && steps[1].x == 1 && steps[1].denoised == 0);
}
