/* The budget of memory of a run. */
#include <stdlib.h>
#include <string.h>

#include "test.h"

enum { SIDE = 24, N = SIDE * SIDE, CHAINS = 6 };

/* What the error says that is needed. */
static uint64_t needed(void)
{
    const char *text = strstr(rwt_last_error(), "a run needs ");
    CHECK(text != NULL);
    return strtoull(text + strlen("a run needs "), NULL, 10);
}

/* Draw all chains within a budget; how often the denoiser was called. */
static long calls_within(const rwt_denoiser *denoiser, gaussian *g, uint64_t memory, float *samples)
{
    rwt_sampler_options options = few_levels();
    options.chains = CHAINS;
    options.memory = memory;
    rwt_sampler *sampler = NULL;
    WORKS(rwt_sampler_create(denoiser, NULL, &options, 1, SIDE, SIDE, &sampler));
    g->calls = 0;
    WORKS(rwt_sampler_run(sampler, NULL, 0, NULL, NULL));
    for (uint32_t chain = 0; chain < CHAINS; chain++)
        WORKS(rwt_sampler_sample(sampler, chain, samples + chain * N, N));
    rwt_sampler_free(sampler);
    return g->calls;
}

void a_tighter_budget_walks_fewer_chains_side_by_side_to_the_same_samples(void)
{
    static float wide[CHAINS * N], tight[CHAINS * N];
    gaussian g = {.mean = 0.2, .variance = 0.5};
    rwt_denoiser_info info;
    WORKS(rwt_denoiser_info_init(&info, sizeof info));
    info.batch = 4;
    rwt_denoiser *denoiser = NULL, *tiled = NULL;
    rwt_sampler *sampler = NULL;
    WORKS(rwt_denoiser_from_callback(&info, gaussian_denoise, &g, NULL, &denoiser));
    rwt_sampler_options options = few_levels();
    options.chains = CHAINS;
    options.memory = 1;
    FAILS(rwt_sampler_create(denoiser, NULL, &options, 1, SIDE, SIDE, &sampler), RWT_ERR_MEMORY, "rwt_denoiser_tiled");
    const uint64_t least = needed(), image = N * sizeof(float);
    CHECK(least > (CHAINS + 4 + 2) * image && least < (CHAINS + 4 + 6) * image);
    options.memory = least - 1;
    FAILS(rwt_sampler_create(denoiser, NULL, &options, 1, SIDE, SIDE, &sampler), RWT_ERR_MEMORY, "memory allows");
    options.chains = UINT32_MAX;
    const size_t huge = (size_t)1 << 28;
    FAILS(rwt_sampler_create(denoiser, NULL, &options, 1, SIDE, SIDE, &sampler), RWT_ERR_MEMORY, "fewer chains");
    FAILS(rwt_sampler_create(denoiser, NULL, &options, 1, huge, huge, &sampler), RWT_ERR_MEMORY, "memory allows");
    options.chains = CHAINS;
    CHECK(calls_within(denoiser, &g, 0, wide) == 2 * 12); /* two groups of three */
    CHECK(calls_within(denoiser, &g, UINT64_MAX, tight) == 2 * 12);
    CHECK(memcmp(wide, tight, sizeof wide) == 0);
    CHECK(calls_within(denoiser, &g, least, tight) == CHAINS * 12); /* one by one */
    CHECK(memcmp(wide, tight, sizeof wide) == 0);
    CHECK(calls_within(denoiser, &g, least + 5 * image, tight) == CHAINS / 2 * 12); /* two by two */
    CHECK(memcmp(wide, tight, sizeof wide) == 0);
    WORKS(rwt_denoiser_tiled(denoiser, SIDE / 2, SIDE / 2, 4, &tiled));
    FAILS(rwt_sampler_create(tiled, NULL, &options, 1, SIDE, SIDE, &sampler), RWT_ERR_MEMORY, "");
    CHECK(needed() == least + 2 * image / 4); /* a callback's own memory is not known: tiles only add theirs */
    rwt_denoiser_free(tiled);
    rwt_denoiser_free(denoiser);
}

void an_image_above_the_budget_is_sampled_by_tiles(void)
{
    if (quick)
        return;
    enum { LARGE = 160 };
    rwt_denoiser *model = NULL, *tiled = NULL;
    rwt_sampler *sampler = NULL;
    WORKS(rwt_denoiser_open(model_path, &model));
    rwt_sampler_options options = few_levels();
    options.chains = 1;
    options.levels = 2;
    options.memory = 1;
    FAILS(rwt_sampler_create(model, NULL, &options, 3, LARGE, LARGE, &sampler), RWT_ERR_MEMORY, "rwt_denoiser_tiled");
    const uint64_t whole = needed();
    WORKS(rwt_denoiser_tiled(model, 64, 64, 16, &tiled));
    options.memory = whole / 2;
    FAILS(rwt_sampler_create(model, NULL, &options, 3, LARGE, LARGE, &sampler), RWT_ERR_MEMORY, "a run needs");
    WORKS(rwt_sampler_create(tiled, NULL, &options, 3, LARGE, LARGE, &sampler));
    WORKS(rwt_sampler_run(sampler, NULL, 0, NULL, NULL));
    rwt_sampler_free(sampler);
    rwt_denoiser_free(tiled);
    rwt_denoiser_free(model);

    rwt_denoiser_options how;
    WORKS(rwt_denoiser_options_init(&how, sizeof how));
    how.memory = UINT64_MAX;
    WORKS(rwt_denoiser_open_with(model_path, &how, &model));
    FAILS(rwt_sampler_create(model, NULL, &options, 3, 16, 16, &sampler), RWT_ERR_UNSUPPORTED, "not counted");
    rwt_denoiser_free(model);
}
