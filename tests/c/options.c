/* Option structs say their own size, so that older and newer callers work. */
#include <stddef.h>
#include <string.h>

#include "test.h"

enum { TAIL = 24 };

void a_shorter_struct_gets_defaults_for_what_it_lacks(void)
{
    double levels[5], defaults[5];
    WORKS(rwt_schedule(NULL, defaults, 5));
    rwt_plan_options plan;
    memset(&plan, 0xAA, sizeof plan); /* what an older caller's memory might hold there */
    WORKS(rwt_plan_options_init(&plan, offsetof(rwt_plan_options, sigma_max)));
    CHECK(plan.struct_size == offsetof(rwt_plan_options, sigma_max));
    WORKS(rwt_schedule(&plan, levels, 5));
    CHECK(memcmp(levels, defaults, sizeof levels) == 0);

    gaussian g = {.mean = 0, .variance = 0.25};
    rwt_denoiser_info info, told;
    memset(&info, 0xAA, sizeof info);
    WORKS(rwt_denoiser_info_init(&info, offsetof(rwt_denoiser_info, sigma_min)));
    info.range_high = 3;
    rwt_denoiser *denoiser = NULL;
    WORKS(rwt_denoiser_from_callback(&info, gaussian_denoise, &g, NULL, &denoiser));
    WORKS(rwt_denoiser_get_info(denoiser, &told, sizeof told));
    CHECK(told.range_high == 3 && told.variance == 0.25 && told.sigma_max == 1000);

    rwt_sampler_options options;
    memset(&options, 0xAA, sizeof options);
    WORKS(rwt_sampler_options_init(&options, offsetof(rwt_sampler_options, seed)));
    rwt_sampler *sampler = NULL;
    WORKS(rwt_sampler_create(denoiser, NULL, &options, 1, 2, 2, &sampler));
    rwt_sampler_free(sampler);
    rwt_denoiser_free(denoiser);
}

/* A newer header's struct, larger than the library's. */
typedef union newer {
    rwt_plan_options plan;
    rwt_sampler_options sampler;
    rwt_denoiser_info info;
    unsigned char bytes[sizeof(rwt_sampler_options) + sizeof(rwt_plan_options) + TAIL];
} newer;

void a_longer_struct_works_unless_it_sets_what_is_unknown(void)
{
    gaussian g = {.mean = 0, .variance = 0.25};
    double levels[5] = {7, 7, 7, 7, 7};
    newer plan, info, options;
    const size_t plan_size = sizeof plan.plan + TAIL, info_size = sizeof info.info + TAIL;
    const size_t options_size = sizeof options.sampler + TAIL;
    WORKS(rwt_plan_options_init(&plan.plan, plan_size));
    WORKS(rwt_denoiser_info_init(&info.info, info_size));
    WORKS(rwt_sampler_options_init(&options.sampler, options_size));
    CHECK(plan.plan.struct_size == plan_size && info.info.struct_size == info_size);
    CHECK(options.sampler.struct_size == options_size);

    rwt_denoiser *denoiser = NULL, *no_denoiser = NULL;
    rwt_sampler *sampler = NULL, *no_sampler = NULL;
    WORKS(rwt_denoiser_from_callback(&info.info, gaussian_denoise, &g, NULL, &denoiser));
    WORKS(rwt_sampler_create(denoiser, NULL, &options.sampler, 1, 2, 2, &sampler));

    plan.bytes[plan_size - 1] = info.bytes[info_size - 1] = options.bytes[options_size - 1] = 1;
    FAILS(rwt_schedule(&plan.plan, levels, 5), RWT_ERR_UNSUPPORTED, "options beyond");
    CHECK(levels[0] == 7 && levels[4] == 7);
    FAILS(rwt_denoiser_from_callback(&info.info, gaussian_denoise, &g, NULL, &no_denoiser), RWT_ERR_UNSUPPORTED, "");
    FAILS(rwt_sampler_create(denoiser, NULL, &options.sampler, 1, 2, 2, &no_sampler), RWT_ERR_UNSUPPORTED, "");
    CHECK(!no_denoiser && !no_sampler);
    plan.bytes[plan_size - 1] = 0;
    WORKS(rwt_schedule(&plan.plan, levels, 5));
    rwt_sampler_free(sampler);
    rwt_denoiser_free(denoiser);
}

void a_struct_that_was_not_initialised_is_refused(void)
{
    gaussian g = {.mean = 0, .variance = 0.25};
    rwt_plan_options plan = {.struct_size = 0};
    rwt_sampler_options options = {.struct_size = 7};
    rwt_denoiser_info info = {.struct_size = SIZE_MAX};
    rwt_denoiser *denoiser = NULL, *good = gaussian_open(&g);
    rwt_sampler *sampler = NULL;
    double levels[2];
    FAILS(rwt_schedule(&plan, levels, 2), RWT_ERR_ARGUMENT, "struct_size");
    FAILS(rwt_sampler_create(good, NULL, &options, 1, 2, 2, &sampler), RWT_ERR_ARGUMENT, "struct_size");
    FAILS(rwt_denoiser_from_callback(&info, gaussian_denoise, &g, NULL, &denoiser), RWT_ERR_ARGUMENT, "struct_size");
    CHECK(!denoiser && !sampler);
    rwt_denoiser_free(good);
}

void init_writes_no_more_than_it_was_told(void)
{
    rwt_sampler_options options;
    memset(&options, 0x5A, sizeof options);
    const rwt_sampler_options before = options;
    const size_t size = offsetof(rwt_sampler_options, chains);
    for (size_t tiny = 0; tiny < sizeof(size_t); tiny++) {
        FAILS(rwt_sampler_options_init(&options, tiny), RWT_ERR_ARGUMENT, "struct_size");
        CHECK(memcmp(&options, &before, sizeof options) == 0);
    }
    WORKS(rwt_sampler_options_init(&options, size));
    CHECK(memcmp((char *)&options + size, (const char *)&before + size, sizeof options - size) == 0);
    FAILS(rwt_sampler_options_init(NULL, sizeof options), RWT_ERR_ARGUMENT, "NULL");
    FAILS(rwt_plan_options_init(NULL, sizeof(rwt_plan_options)), RWT_ERR_ARGUMENT, "NULL");
    FAILS(rwt_denoiser_info_init(NULL, sizeof(rwt_denoiser_info)), RWT_ERR_ARGUMENT, "NULL");
}

void the_version_is_that_of_the_header(void)
{
    CHECK(rwt_version() == RWT_VERSION_MAJOR * 1000000 + RWT_VERSION_MINOR * 1000 + RWT_VERSION_PATCH);
    CHECK(strchr(rwt_version_string(), '.') != NULL);
    CHECK(rwt_last_error() != NULL);
}
