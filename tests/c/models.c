/* A denoiser from a model file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

enum { SIDE = 32, N = 3 * SIDE * SIDE, CHAINS = 3 };

void a_model_says_what_it_knows(void)
{
    if (quick)
        return; /* opening it takes half a minute under valgrind */
    rwt_denoiser *denoiser = NULL;
    rwt_denoiser_info info;
    WORKS(rwt_denoiser_open(model_path, &denoiser));
    WORKS(rwt_denoiser_get_info(denoiser, &info, sizeof info));
    CHECK(info.struct_size == sizeof info && info.channels == 3);
    CHECK(info.range_low < info.range_high && info.sigma_min > 0 && info.sigma_min < info.sigma_max);
    CHECK(info.variance > 0 && info.mean > info.range_low && info.mean < info.range_high);
    rwt_sampler *sampler = NULL;
    const rwt_sampler_options options = few_levels();
    FAILS(rwt_sampler_create(denoiser, NULL, &options, 1, SIDE, SIDE, &sampler), RWT_ERR_ARGUMENT, "3 channels");
    CHECK(!sampler);
    rwt_denoiser_free(denoiser);
}

/* A file that begins as the model does and has this many of its bytes. */
static void write_part(const char *path, size_t bytes)
{
    FILE *model = fopen(model_path, "rb"), *part = fopen(path, "wb");
    char *buffer = malloc(bytes + 1);
    CHECK(model && part && buffer);
    CHECK(fread(buffer, 1, bytes, model) == bytes);
    CHECK(fwrite(buffer, 1, bytes, part) == bytes);
    free(buffer);
    fclose(model);
    CHECK(fclose(part) == 0);
}

void a_model_that_cannot_be_used_is_an_error(void)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/part.onnx", scratch_folder);
    rwt_denoiser *denoiser = NULL;
    const size_t lengths[] = {0, 1, 100, 100000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        write_part(path, lengths[i]);
        FAILS(rwt_denoiser_open(path, &denoiser), RWT_ERR_MODEL, "part.onnx");
    }
    remove(path);
    FAILS(rwt_denoiser_open(path, &denoiser), RWT_ERR_IO, "part.onnx");
    const rwt_status status = rwt_denoiser_open(scratch_folder, &denoiser);
    CHECK((status == RWT_ERR_IO || status == RWT_ERR_MODEL) && strstr(rwt_last_error(), scratch_folder));
    CHECK(!denoiser);
}

static void draw(const rwt_denoiser *denoiser, const rwt_operator *operator, const float *y,
                 rwt_sampler_options options, float *samples)
{
    rwt_sampler *sampler = NULL;
    WORKS(rwt_sampler_create(denoiser, operator, &options, 3, SIDE, SIDE, &sampler));
    WORKS(rwt_sampler_run(sampler, y, y ? N : 0, NULL, NULL));
    for (uint32_t chain = 0; chain < options.chains; chain++)
        WORKS(rwt_sampler_sample(sampler, chain, samples + chain * N, N));
    rwt_sampler_free(sampler);
}

void the_samples_of_a_model_do_not_depend_on_threads(void)
{
    if (quick)
        return;
    static float y[N], samples[3][CHAINS * N];
    uint8_t mask[SIDE * SIDE];
    for (size_t i = 0; i < SIDE * SIDE; i++)
        mask[i] = i % 3 == 0;
    for (size_t i = 0; i < N; i++)
        y[i] = 0.5F * (float)(i % SIDE) / SIDE;
    rwt_denoiser *denoiser = NULL;
    rwt_operator *operator = NULL;
    WORKS(rwt_denoiser_open(model_path, &denoiser));
    WORKS(rwt_operator_mask(mask, 3, SIDE, SIDE, &operator));
    rwt_sampler_options options = few_levels();
    options.levels = 4;
    for (size_t conditional = 0; conditional < 2; conditional++) {
        for (uint32_t threads = 1; threads <= 2; threads++) {
            options.threads = threads;
            options.chains = CHAINS;
            draw(denoiser, conditional ? operator : NULL, conditional ? y : NULL, options, samples[threads - 1]);
        }
        options.chains = 1;
        draw(denoiser, conditional ? operator : NULL, conditional ? y : NULL, options, samples[2]);
        CHECK(memcmp(samples[0], samples[1], sizeof samples[0]) == 0);
        CHECK(memcmp(samples[0], samples[2], N * sizeof(float)) == 0); /* the first chain alone */
        CHECK(all_finite(samples[0], CHAINS * N));
    }
    rwt_operator_free(operator);
    rwt_denoiser_free(denoiser);
}

/* One sample of a small picture by the model on an engine. */
static void sample_on(int32_t engine, const char *name, float *sample, size_t side)
{
    rwt_denoiser_options how;
    WORKS(rwt_denoiser_options_init(&how, sizeof how));
    how.engine = engine;
    rwt_denoiser *denoiser;
    WORKS(rwt_denoiser_open_with(model_path, &how, &denoiser));
    CHECK(strstr(rwt_denoiser_engine(denoiser), name) != NULL);
    rwt_sampler_options options;
    WORKS(rwt_sampler_options_init(&options, sizeof options));
    options.levels = 12;
    options.chains = 1;
    rwt_sampler *sampler;
    WORKS(rwt_sampler_create(denoiser, NULL, &options, 3, side, side, &sampler));
    rwt_denoiser_free(denoiser);
    WORKS(rwt_sampler_run(sampler, NULL, 0, NULL, NULL));
    WORKS(rwt_sampler_sample(sampler, 0, sample, 3 * side * side));
    rwt_sampler_free(sampler);
}

void both_engines_walk_the_same_path(void)
{
    float embedded[N], runtime[N];
    if (quick)
        return; /* under valgrind */
    sample_on(RWT_ENGINE_EMBEDDED, "rten", embedded, SIDE);
    if (getenv("ORT_DYLIB_PATH") == NULL)
        return; /* c_abi.rs names the skipped test */
    sample_on(RWT_ENGINE_ONNX_RUNTIME, "ONNX Runtime 1.", runtime, SIDE);
    for (int i = 0; i < N; i++)
        CHECK(fabsf(embedded[i] - runtime[i]) < 1e-3f);
}

void an_engine_that_cannot_be_had_is_an_error(void)
{
    rwt_denoiser_options how;
    rwt_denoiser *denoiser = NULL;
    WORKS(rwt_denoiser_options_init(&how, sizeof how));
    how.engine = 7;
    FAILS(rwt_denoiser_open_with(model_path, &how, &denoiser), RWT_ERR_ARGUMENT, "rwt_engine");
    how.engine = RWT_ENGINE_ONNX_RUNTIME;
    how.library = "/no/such/libonnxruntime.so";
    FAILS(rwt_denoiser_open_with(model_path, &how, &denoiser), RWT_ERR_UNSUPPORTED, "/no/such/libonnxruntime.so: there is no");
    FAILS(rwt_denoiser_open_with(NULL, &how, &denoiser), RWT_ERR_ARGUMENT, "path is NULL");
    FAILS(rwt_denoiser_open_with(model_path, &how, NULL), RWT_ERR_ARGUMENT, "out is NULL");
    CHECK(denoiser == NULL && strcmp(rwt_denoiser_engine(NULL), "") == 0);
}

void options_of_a_model_are_checked(void)
{
    rwt_denoiser_options fresh, how;
    rwt_denoiser *denoiser = NULL;
    WORKS(rwt_denoiser_options_init(&fresh, sizeof fresh));
    how = fresh, how.engine = RWT_ENGINE_ONNX_RUNTIME, how.provider = 9;
    FAILS(rwt_denoiser_open_with(model_path, &how, &denoiser), RWT_ERR_ARGUMENT, "rwt_provider, found 9");
    how = fresh, how.precision = -1;
    FAILS(rwt_denoiser_open_with(model_path, &how, &denoiser), RWT_ERR_ARGUMENT, "rwt_precision, found -1");
    how = fresh, how.precision = RWT_PRECISION_BF16;
    FAILS(rwt_denoiser_open_with(model_path, &how, &denoiser), RWT_ERR_ARGUMENT, "RWT_ENGINE_ONNX_RUNTIME");
    rwt_key keys[] = {{"rwt.time", "sigma"}, {"rwt.mean", NULL}};
    how = fresh, how.keys = keys, how.key_count = 2;
    FAILS(rwt_denoiser_open_with(model_path, &how, &denoiser), RWT_ERR_ARGUMENT, "NULL");
    keys[1].value = "9";
    FAILS(rwt_denoiser_open_with(model_path, &how, &denoiser), RWT_ERR_MODEL, "rwt.mean");
    how.keys = NULL;
    FAILS(rwt_denoiser_open_with(model_path, &how, &denoiser), RWT_ERR_ARGUMENT, "keys is NULL");
    how.keys = keys, how.key_count = 1; /* the file says the same */
    WORKS(rwt_denoiser_open_with(model_path, &how, &denoiser));
    rwt_denoiser_free(denoiser);
}

void an_evaluation_above_the_budget_of_memory_is_an_error(void)
{
    rwt_denoiser_options how;
    rwt_denoiser *denoiser = NULL;
    rwt_sampler *sampler = NULL;
    WORKS(rwt_denoiser_options_init(&how, sizeof how));
    how.memory = 1000;
    FAILS(rwt_denoiser_open_with(model_path, &how, &denoiser), RWT_ERR_MEMORY, "expected at most 1000");
    how.memory = 5000000;
    WORKS(rwt_denoiser_open_with(model_path, &how, &denoiser));
    FAILS(rwt_sampler_create(denoiser, NULL, NULL, 3, 256, 256, &sampler), RWT_ERR_MEMORY, "tiles");
    WORKS(rwt_sampler_create(denoiser, NULL, NULL, 3, SIDE, SIDE, &sampler));
    rwt_sampler_free(sampler);
    rwt_denoiser_free(denoiser);
}
