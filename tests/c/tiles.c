/* Denoisers of tiles and of slices, and single evaluations. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

enum { HEIGHT = 40, WIDTH = 31, PLANE = HEIGHT * WIDTH, DEPTH = 3, TILE = 16, OVERLAP = 8, REACH = 2 };

/* A denoiser that looks exactly REACH pixels along a row, and knows how large what it is shown is. */
typedef struct blur {
    size_t width, largest, smallest, calls, releases;
} blur;

static rwt_status blur_denoise(void *user, const float *x, size_t n, double sigma, float *denoised)
{
    blur *b = user;
    b->calls++;
    b->largest = n > b->largest ? n : b->largest;
    b->smallest = b->calls == 1 || n < b->smallest ? n : b->smallest;
    for (size_t i = 0; i < n; i++) {
        const size_t column = i % b->width, row = i - column;
        const size_t from = column > REACH ? column - REACH : 0;
        const size_t to = column + REACH < b->width ? column + REACH : b->width - 1;
        float sum = 0;
        for (size_t c = from; c <= to; c++)
            sum += x[row + c];
        denoised[i] = sum / (float)(to - from + 1) / (float)(1 + sigma);
    }
    return RWT_OK;
}

static void blur_release(void *user)
{
    blur *b = user;
    b->releases++;
}

static rwt_denoiser *blur_open(blur *b, size_t channels, size_t batch)
{
    rwt_denoiser_info info;
    WORKS(rwt_denoiser_info_init(&info, sizeof info));
    info.channels = channels;
    info.batch = batch;
    rwt_denoiser *denoiser = NULL;
    WORKS(rwt_denoiser_from_callback(&info, blur_denoise, b, blur_release, &denoiser));
    return denoiser;
}

static float *pattern(size_t n)
{
    float *x = malloc(n * sizeof *x);
    CHECK(x != NULL);
    for (size_t i = 0; i < n; i++)
        x[i] = sinf((float)(i * i % 1009));
    return x;
}

/* D(x, 0.5) of [channels, HEIGHT, WIDTH]; the caller frees it. */
static float *evaluated(const rwt_denoiser *denoiser, const float *x, size_t channels)
{
    float *denoised = malloc(channels * PLANE * sizeof *denoised);
    CHECK(denoised != NULL);
    WORKS(rwt_denoiser_evaluate(denoiser, x, channels * PLANE, channels, HEIGHT, WIDTH, 0.5, denoised));
    return denoised;
}

static void same(const float *a, const float *b, size_t n, float tolerance)
{
    for (size_t i = 0; i < n; i++)
        CHECK(fabsf(a[i] - b[i]) <= tolerance);
}

void tiles_give_what_the_whole_image_gives(void)
{
    blur whole = {.width = WIDTH}, part = {.width = TILE};
    rwt_denoiser *wide = blur_open(&whole, 1, 1), *narrow = blur_open(&part, 1, 1), *tiled = NULL;
    WORKS(rwt_denoiser_tiled(narrow, TILE, TILE, OVERLAP, &tiled));
    rwt_denoiser_free(narrow);
    CHECK(part.releases == 0); /* the tiles need it */
    float *x = pattern(PLANE), *expected = evaluated(wide, x, 1), *found = evaluated(tiled, x, 1);
    CHECK(part.calls == 4 * 3 && part.largest == TILE * TILE && part.smallest == TILE * TILE);
    CHECK(whole.calls == 1 && whole.largest == PLANE);
    same(found, expected, PLANE, 1e-6F);
    free(found);
    rwt_denoiser_free(tiled);
    CHECK(part.releases == 1);
    /* less overlap than it reaches does not */
    part = (blur){.width = TILE};
    narrow = blur_open(&part, 1, 1);
    WORKS(rwt_denoiser_tiled(narrow, TILE, TILE, 1, &tiled));
    found = evaluated(tiled, x, 1);
    float largest = 0;
    for (size_t i = 0; i < PLANE; i++)
        largest = fmaxf(largest, fabsf(found[i] - expected[i]));
    CHECK(largest > 0.01F);
    /* tiles are no larger than the image, and the denoiser itself is as it was */
    WORKS(rwt_denoiser_evaluate(tiled, x, TILE * 5, 1, 5, TILE, 0.5, found));
    CHECK(part.smallest == TILE * 5);
    float again[TILE * 5];
    WORKS(rwt_denoiser_evaluate(narrow, x, TILE * 5, 1, 5, TILE, 0.5, again));
    same(again, found, TILE * 5, 0);
    free(found);
    free(expected);
    free(x);
    rwt_denoiser_free(narrow);
    rwt_denoiser_free(tiled);
    rwt_denoiser_free(wide);
}

void a_volume_is_denoised_slice_by_slice_and_slices_by_tiles(void)
{
    enum { CHANNELS = 2 };
    const size_t n = DEPTH * CHANNELS * PLANE;
    float *x = pattern(n);
    blur whole = {.width = WIDTH}, part = {.width = TILE};
    rwt_denoiser *wide = blur_open(&whole, CHANNELS, 2), *narrow = blur_open(&part, CHANNELS, 1);
    rwt_denoiser *volumes = NULL, *inner = NULL, *tiles_of_slices = NULL, *slices_of_tiles = NULL;
    float *expected = evaluated(wide, x, CHANNELS);
    WORKS(rwt_denoiser_slicewise(wide, &volumes));
    rwt_denoiser_info info;
    WORKS(rwt_denoiser_get_info(volumes, &info, sizeof info));
    CHECK(info.channels == 0 && info.batch == 2 && strcmp(rwt_denoiser_engine(volumes), "callback") == 0);
    whole.calls = 0;
    float *found = evaluated(volumes, x, DEPTH * CHANNELS);
    CHECK(whole.calls == 2 && whole.largest == 2 * CHANNELS * PLANE && whole.smallest == CHANNELS * PLANE);
    same(found, expected, CHANNELS * PLANE, 0); /* the first slice */
    FAILS(rwt_denoiser_evaluate(volumes, x, 3 * PLANE, 3, HEIGHT, WIDTH, 0.5, found), RWT_ERR_ARGUMENT, "depth x 2");
    WORKS(rwt_denoiser_slicewise(narrow, &inner));
    WORKS(rwt_denoiser_tiled(inner, TILE, TILE, OVERLAP, &tiles_of_slices));
    rwt_denoiser_free(inner);
    WORKS(rwt_denoiser_tiled(narrow, TILE, TILE, OVERLAP, &inner));
    WORKS(rwt_denoiser_slicewise(inner, &slices_of_tiles));
    float *a = evaluated(tiles_of_slices, x, DEPTH * CHANNELS), *b = evaluated(slices_of_tiles, x, DEPTH * CHANNELS);
    CHECK(part.largest == CHANNELS * TILE * TILE && part.calls == 2 * DEPTH * 12);
    CHECK(memcmp(a, b, n * sizeof *a) == 0);
    same(a, found, n, 1e-6F);
    rwt_denoiser *handles[] = {wide, narrow, volumes, inner, tiles_of_slices, slices_of_tiles};
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++)
        rwt_denoiser_free(handles[i]);
    CHECK(whole.releases == 1 && part.releases == 1);
    float *arrays[] = {x, expected, found, a, b};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
}

/* All samples of a volume with every third pixel measured. */
static float *samples_of(const rwt_denoiser *denoiser, uint32_t chains)
{
    const size_t n = DEPTH * PLANE;
    uint8_t mask[PLANE];
    for (size_t i = 0; i < PLANE; i++)
        mask[i] = i % 3 == 0;
    rwt_operator *operator = NULL;
    rwt_sampler *sampler = NULL;
    rwt_sampler_options options = few_levels();
    options.chains = chains;
    WORKS(rwt_operator_mask(mask, DEPTH, HEIGHT, WIDTH, &operator));
    WORKS(rwt_sampler_create(denoiser, operator, &options, DEPTH, HEIGHT, WIDTH, &sampler));
    float *y = pattern(n), *samples = malloc(chains * n * sizeof *samples);
    CHECK(samples != NULL);
    WORKS(rwt_sampler_run(sampler, y, n, NULL, NULL));
    for (uint32_t chain = 0; chain < chains; chain++)
        WORKS(rwt_sampler_sample(sampler, chain, samples + chain * n, n));
    rwt_sampler_free(sampler);
    rwt_operator_free(operator);
    free(y);
    return samples;
}

void a_posterior_of_a_volume_by_tiles_is_that_of_the_whole(void)
{
    enum { CHAINS = 3 };
    blur whole = {.width = WIDTH}, part = {.width = TILE};
    rwt_denoiser *wide = blur_open(&whole, DEPTH, 1), *narrow = blur_open(&part, 1, 4 * DEPTH);
    rwt_denoiser *slices = NULL, *tiled = NULL;
    WORKS(rwt_denoiser_slicewise(narrow, &slices));
    WORKS(rwt_denoiser_tiled(slices, TILE, TILE, OVERLAP, &tiled));
    float *expected = samples_of(wide, CHAINS), *found = samples_of(tiled, CHAINS);
    CHECK(part.largest == CHAINS * DEPTH * TILE * TILE); /* chains side by side */
    float *alone = samples_of(tiled, 1);
    CHECK(memcmp(alone, found, DEPTH * PLANE * sizeof *alone) == 0);
    same(found, expected, CHAINS * DEPTH * PLANE, 1e-3F); /* guided look-ahead magnifies rounding */
    free(alone);
    free(expected);
    free(found);
    rwt_denoiser_free(wide);
    rwt_denoiser_free(narrow);
    rwt_denoiser_free(slices);
    rwt_denoiser_free(tiled);
}

void a_bad_argument_of_tiles_slices_or_an_evaluation_is_an_error(void)
{
    gaussian g = {.mean = 0.2, .variance = 0.5};
    rwt_denoiser *any = gaussian_open(&g), *out = NULL, *tiled = NULL;
    FAILS(rwt_denoiser_tiled(NULL, 8, 8, 2, &out), RWT_ERR_ARGUMENT, "denoiser is NULL");
    FAILS(rwt_denoiser_tiled(any, 8, 8, 2, NULL), RWT_ERR_ARGUMENT, "out is NULL");
    FAILS(rwt_denoiser_tiled(any, 0, 8, 0, &out), RWT_ERR_ARGUMENT, "side of a tile");
    FAILS(rwt_denoiser_tiled(any, 8, 6, 4, &out), RWT_ERR_ARGUMENT, "overlap must be at most half");
    FAILS(rwt_denoiser_tiled(any, 8, 8, SIZE_MAX, &out), RWT_ERR_ARGUMENT, "overlap");
    WORKS(rwt_denoiser_tiled(any, SIZE_MAX, SIZE_MAX, 2, &tiled));
    FAILS(rwt_denoiser_tiled(tiled, 8, 8, 2, &out), RWT_ERR_ARGUMENT, "tiled already");
    FAILS(rwt_denoiser_slicewise(NULL, &out), RWT_ERR_ARGUMENT, "denoiser is NULL");
    FAILS(rwt_denoiser_slicewise(any, NULL), RWT_ERR_ARGUMENT, "out is NULL");
    FAILS(rwt_denoiser_slicewise(any, &out), RWT_ERR_ARGUMENT, "info.channels");
    blur b = {.width = 4};
    rwt_denoiser *one = blur_open(&b, 1, 1), *slices = NULL;
    WORKS(rwt_denoiser_slicewise(one, &slices));
    FAILS(rwt_denoiser_slicewise(slices, &out), RWT_ERR_ARGUMENT, "slicewise already");
    CHECK(out == NULL);

    float x[12] = {0.25F}, y[12];
    for (size_t i = 0; i < 12; i++)
        y[i] = 7;
    FAILS(rwt_denoiser_evaluate(NULL, x, 12, 1, 3, 4, 1, y), RWT_ERR_ARGUMENT, "denoiser is NULL");
    FAILS(rwt_denoiser_evaluate(any, NULL, 12, 1, 3, 4, 1, y), RWT_ERR_ARGUMENT, "x is NULL");
    FAILS(rwt_denoiser_evaluate(any, x, 12, 1, 3, 4, 1, NULL), RWT_ERR_ARGUMENT, "denoised is NULL");
    FAILS(rwt_denoiser_evaluate(any, x, 11, 1, 3, 4, 1, y), RWT_ERR_ARGUMENT, "n must be 12 elements, found 11");
    FAILS(rwt_denoiser_evaluate(any, x, 12, 0, 3, 4, 1, y), RWT_ERR_ARGUMENT, "0 x 3 x 4");
    FAILS(rwt_denoiser_evaluate(any, x, 12, SIZE_MAX, 3, 4, 1, y), RWT_ERR_ARGUMENT, "elements");
    FAILS(rwt_denoiser_evaluate(one, x, 12, 3, 1, 4, 1, y), RWT_ERR_ARGUMENT, "images of 1 channels, found 3");
    const double levels[] = {0, -1, 1e-4, 1001, (double)NAN, (double)INFINITY};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        FAILS(rwt_denoiser_evaluate(any, x, 12, 1, 3, 4, levels[i], y), RWT_ERR_ARGUMENT, "0.001 to 1000");
    x[5] = NAN;
    FAILS(rwt_denoiser_evaluate(any, x, 12, 1, 3, 4, 1, y), RWT_ERR_NOT_FINITE, "x is NaN at element 5");
    x[5] = 0;
    g.calls = 0, g.fail_at = 1, g.fail_status = -77;
    FAILS(rwt_denoiser_evaluate(tiled, x, 12, 1, 3, 4, 1, y), RWT_ERR_DENOISER, "status -77 (tile at row 0");
    g.calls = 0, g.fail_status = 0;
    FAILS(rwt_denoiser_evaluate(any, x, 12, 1, 3, 4, 1, y), RWT_ERR_NOT_FINITE, "denoised image is NaN at element 6");
    for (size_t i = 0; i < 12; i++)
        CHECK(y[i] == 7.0F); /* nothing is written but on success */
    WORKS(rwt_denoiser_evaluate(any, x, 12, 1, 3, 4, 1, y));
    CHECK(fabsf(y[0] - (float)(0.2 + 0.5 / 1.5 * 0.05)) < 1e-6F);
    rwt_denoiser_free(any);
    rwt_denoiser_free(tiled);
    rwt_denoiser_free(one);
    rwt_denoiser_free(slices);
}

typedef struct job {
    const rwt_denoiser *denoiser;
    const float *x;
    float *denoised;
} job;

static void *evaluate_job(void *user)
{
    job *j = user;
    j->denoised = evaluated(j->denoiser, j->x, 3);
    return NULL;
}

void threads_evaluate_one_model_at_the_same_time(void)
{
    if (quick)
        return;
    rwt_denoiser *model = NULL, *tiled = NULL;
    WORKS(rwt_denoiser_open(model_path, &model));
    WORKS(rwt_denoiser_tiled(model, 32, 32, 16, &tiled));
    float *x = pattern(3 * PLANE), *alone = evaluated(tiled, x, 3);
    job jobs[2] = {{tiled, x, NULL}, {tiled, x, NULL}};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, evaluate_job, &jobs[i]) == 0);
    for (size_t i = 0; i < 2; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(memcmp(jobs[i].denoised, alone, 3 * PLANE * sizeof *alone) == 0);
        free(jobs[i].denoised);
    }
    free(alone);
    free(x);
    rwt_denoiser_free(tiled);
    rwt_denoiser_free(model);
}
