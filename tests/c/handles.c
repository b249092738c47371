/* Every argument of level 2 that makes no sense is an error, and nothing is written. */
#include <math.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>

#include "test.h"

enum { SIDE = 4, N = SIDE * SIDE };
static const double BAD[] = {(double)NAN, (double)INFINITY, -(double)INFINITY, -1, 0};
static const size_t BADS = sizeof BAD / sizeof *BAD;

static void no_denoiser(size_t member, double value)
{
    static gaussian g = {.mean = 0, .variance = 1};
    rwt_denoiser_info info;
    WORKS(rwt_denoiser_info_init(&info, sizeof info));
    memcpy((char *)&info + member, &value, sizeof value);
    rwt_denoiser *out = NULL;
    FAILS(rwt_denoiser_from_callback(&info, gaussian_denoise, &g, gaussian_release, &out), RWT_ERR_ARGUMENT, "");
    CHECK(!out && g.releases == 0);
}

void a_bad_argument_of_a_denoiser_is_an_error(void)
{
    gaussian g = {.mean = 0, .variance = 1};
    rwt_denoiser *out = NULL;
    FAILS(rwt_denoiser_open(NULL, &out), RWT_ERR_ARGUMENT, "path is NULL");
    FAILS(rwt_denoiser_open("x.onnx", NULL), RWT_ERR_ARGUMENT, "out is NULL");
    FAILS(rwt_denoiser_open("no/such/file.onnx", &out), RWT_ERR_IO, "no/such/file.onnx");
    FAILS(rwt_denoiser_open("", &out), RWT_ERR_IO, "");
    FAILS(rwt_denoiser_from_callback(NULL, NULL, &g, gaussian_release, &out), RWT_ERR_ARGUMENT, "denoise is NULL");
    FAILS(rwt_denoiser_from_callback(NULL, gaussian_denoise, &g, gaussian_release, NULL), RWT_ERR_ARGUMENT, "out is");
    CHECK(!out && g.releases == 0);
    for (size_t i = 0; i < BADS; i++) {
        no_denoiser(offsetof(rwt_denoiser_info, variance), BAD[i]);
        no_denoiser(offsetof(rwt_denoiser_info, sigma_min), BAD[i]);
        no_denoiser(offsetof(rwt_denoiser_info, sigma_max), BAD[i]);
        if (!isfinite(BAD[i])) {
            no_denoiser(offsetof(rwt_denoiser_info, mean), BAD[i]);
            no_denoiser(offsetof(rwt_denoiser_info, range_low), BAD[i]);
            no_denoiser(offsetof(rwt_denoiser_info, range_high), BAD[i]);
        }
    }
    rwt_denoiser *denoiser = gaussian_open(&g);
    rwt_denoiser_info info, before;
    memset(&info, 0x5A, sizeof info);
    before = info;
    FAILS(rwt_denoiser_get_info(NULL, &info, sizeof info), RWT_ERR_ARGUMENT, "denoiser is NULL");
    FAILS(rwt_denoiser_get_info(denoiser, NULL, sizeof info), RWT_ERR_ARGUMENT, "NULL");
    FAILS(rwt_denoiser_get_info(denoiser, &info, 3), RWT_ERR_ARGUMENT, "struct_size");
    CHECK(memcmp(&info, &before, sizeof info) == 0);
    rwt_denoiser_free(denoiser);
    rwt_denoiser_free(NULL);
}

void a_bad_argument_of_an_operator_is_an_error(void)
{
    const uint8_t mask[N] = {1, 0, 1}, empty[N] = {0};
    rwt_operator *out = NULL;
    FAILS(rwt_operator_mask(NULL, 1, SIDE, SIDE, &out), RWT_ERR_ARGUMENT, "mask is NULL");
    FAILS(rwt_operator_mask(mask, 1, SIDE, SIDE, NULL), RWT_ERR_ARGUMENT, "out is NULL");
    FAILS(rwt_operator_mask(mask, 0, SIDE, SIDE, &out), RWT_ERR_ARGUMENT, "channels");
    FAILS(rwt_operator_mask(mask, 1, 0, SIDE, &out), RWT_ERR_ARGUMENT, "0 x 4");
    FAILS(rwt_operator_mask(mask, 1, SIDE, 0, &out), RWT_ERR_ARGUMENT, "4 x 0");
    FAILS(rwt_operator_mask(mask, 1, SIZE_MAX, 2, &out), RWT_ERR_ARGUMENT, "elements");
    FAILS(rwt_operator_mask(mask, SIZE_MAX, SIDE, SIDE, &out), RWT_ERR_ARGUMENT, "elements");
    FAILS(rwt_operator_mask(mask, 1, SIZE_MAX, 1, &out), RWT_ERR_ARGUMENT, "elements");
    FAILS(rwt_operator_mask(empty, 1, SIDE, SIDE, &out), RWT_ERR_ARGUMENT, "keeps no pixel");
    CHECK(!out);
    rwt_operator_free(NULL);
}

void a_bad_argument_of_sampler_create_is_an_error(void)
{
    gaussian g = {.mean = 0, .variance = 1};
    rwt_denoiser *any = gaussian_open(&g), *colour = NULL;
    rwt_denoiser_info info;
    WORKS(rwt_denoiser_info_init(&info, sizeof info));
    info.channels = 3;
    WORKS(rwt_denoiser_from_callback(&info, gaussian_denoise, &g, NULL, &colour));
    const rwt_sampler_options options = few_levels();
    rwt_sampler *out = NULL;
    FAILS(rwt_sampler_create(NULL, NULL, &options, 1, SIDE, SIDE, &out), RWT_ERR_ARGUMENT, "denoiser is NULL");
    FAILS(rwt_sampler_create(any, NULL, &options, 1, SIDE, SIDE, NULL), RWT_ERR_ARGUMENT, "out is NULL");
    FAILS(rwt_sampler_create(any, NULL, &options, 0, SIDE, SIDE, &out), RWT_ERR_ARGUMENT, "0 x 4 x 4");
    FAILS(rwt_sampler_create(any, NULL, &options, 1, 0, SIDE, &out), RWT_ERR_ARGUMENT, "1 x 0 x 4");
    FAILS(rwt_sampler_create(any, NULL, &options, 1, SIDE, 0, &out), RWT_ERR_ARGUMENT, "1 x 4 x 0");
    FAILS(rwt_sampler_create(any, NULL, &options, SIZE_MAX, 1, 1, &out), RWT_ERR_ARGUMENT, "elements");
    FAILS(rwt_sampler_create(any, NULL, &options, 1, SIZE_MAX, SIZE_MAX, &out), RWT_ERR_ARGUMENT, "elements");
    FAILS(rwt_sampler_create(colour, NULL, &options, 1, SIDE, SIDE, &out), RWT_ERR_ARGUMENT, "3 channels");
    CHECK(!out);
    rwt_denoiser_free(any);
    rwt_denoiser_free(colour);
    rwt_sampler_free(NULL);
}

static void no_sampler(rwt_sampler_options options)
{
    static const uint8_t mask[N] = {1, 1};
    gaussian g = {.mean = 0, .variance = 1};
    rwt_denoiser *denoiser = gaussian_open(&g);
    rwt_operator *operator = NULL;
    WORKS(rwt_operator_mask(mask, 1, SIDE, SIDE, &operator));
    rwt_sampler *out = NULL;
    FAILS(rwt_sampler_create(denoiser, operator, &options, 1, SIDE, SIDE, &out), RWT_ERR_ARGUMENT, "");
    CHECK(!out);
    rwt_operator_free(operator);
    rwt_denoiser_free(denoiser);
}

static void no_sampler_with(int32_t method, size_t member, double value)
{
    rwt_sampler_options options = few_levels();
    options.method = method;
    memcpy((char *)&options + member, &value, sizeof value);
    no_sampler(options);
}

void a_bad_option_of_a_sampler_is_an_argument_error(void)
{
    for (int32_t method = RWT_METHOD_GLA; method <= RWT_METHOD_TEMPLATE; method++)
        for (size_t i = 0; i < BADS; i++) {
            no_sampler_with(method, offsetof(rwt_sampler_options, eta), BAD[i]);
            if (BAD[i] == 0) /* the default of the others */
                continue;
            no_sampler_with(method, offsetof(rwt_sampler_options, sigma_max), BAD[i]);
            no_sampler_with(method, offsetof(rwt_sampler_options, sigma_min), BAD[i]);
            if (method == RWT_METHOD_GLA) /* it has neither */
                continue;
            no_sampler_with(method, offsetof(rwt_sampler_options, epsilon), BAD[i]);
            if (!(BAD[i] < 0)) /* the default again */
                no_sampler_with(method, offsetof(rwt_sampler_options, temperature), BAD[i]);
        }
    no_sampler_with(RWT_METHOD_PRECONDITIONED, offsetof(rwt_sampler_options, epsilon), 2);
    no_sampler_with(RWT_METHOD_PRECONDITIONED, offsetof(rwt_sampler_options, temperature), 1.5);
    no_sampler_with(RWT_METHOD_GLA, offsetof(rwt_sampler_options, sigma_max), 0.0005); /* below the lowest */
    no_sampler_with(RWT_METHOD_GLA, offsetof(rwt_sampler_options, sigma_max), 1e6);
    no_sampler_with(RWT_METHOD_GLA, offsetof(rwt_sampler_options, sigma_min), 1e-6);
    no_sampler_with(RWT_METHOD_GLA, offsetof(rwt_sampler_options, sigma_min), 900);
    rwt_sampler_options options = few_levels();
    options.method = 99;
    no_sampler(options);
    options.method = -1;
    no_sampler(options);
    options = few_levels();
    options.chains = 0;
    no_sampler(options);
    options = few_levels();
    options.levels = 1;
    no_sampler(options);
    options.levels = UINT32_MAX;
    no_sampler(options);
    options = few_levels();
    options.first_chain = (UINT64_C(1) << 63) - 1; /* plus two chains */
    no_sampler(options);
    CHECK(strstr(rwt_last_error(), "first_chain"));
}

static void no_results(const rwt_sampler *sampler, rwt_status status, const char *text)
{
    float out[N] = {7};
    FAILS(rwt_sampler_sample(sampler, 0, out, N), status, text);
    FAILS(rwt_sampler_mean(sampler, out, N), status, text);
    FAILS(rwt_sampler_std(sampler, out, N), status, text);
    CHECK(out[0] == 7 && rwt_sampler_started(sampler) == 0 && rwt_sampler_finished(sampler) == 0);
}

void a_bad_argument_of_a_samplers_results_is_an_error(void)
{
    gaussian g = {.mean = 0, .variance = 1};
    const uint8_t mask[N] = {1, 1};
    const float y[N] = {0.5F, 0.2F};
    float out[N] = {7};
    rwt_sampler *sampler = sampler_of(&g, mask, few_levels(), SIDE, SIDE);
    no_results(NULL, RWT_ERR_ARGUMENT, "sampler is NULL");
    no_results(sampler, RWT_ERR_NO_SAMPLES, "rwt_sampler_run");
    FAILS(rwt_sampler_cancel(NULL), RWT_ERR_ARGUMENT, "sampler is NULL");
    FAILS(rwt_sampler_run(NULL, y, N, NULL, NULL), RWT_ERR_ARGUMENT, "sampler is NULL");
    FAILS(rwt_sampler_run(sampler, NULL, N, NULL, NULL), RWT_ERR_ARGUMENT, "y is NULL");
    FAILS(rwt_sampler_run(sampler, NULL, 0, NULL, NULL), RWT_ERR_ARGUMENT, "16 elements, found 0");
    FAILS(rwt_sampler_run(sampler, y, N - 1, NULL, NULL), RWT_ERR_ARGUMENT, "16 elements, found 15");
    FAILS(rwt_sampler_run(sampler, y, SIZE_MAX, NULL, NULL), RWT_ERR_ARGUMENT, "y");
    CHECK(g.calls == 0);
    WORKS(rwt_sampler_run(sampler, y, N, NULL, NULL));
    CHECK(rwt_sampler_started(sampler) == 2);
    FAILS(rwt_sampler_sample(sampler, 2, out, N), RWT_ERR_ARGUMENT, "chain");
    FAILS(rwt_sampler_sample(sampler, UINT32_MAX, out, N), RWT_ERR_ARGUMENT, "chain");
    FAILS(rwt_sampler_sample(sampler, 0, NULL, N), RWT_ERR_ARGUMENT, "out is NULL");
    FAILS(rwt_sampler_mean(sampler, NULL, N), RWT_ERR_ARGUMENT, "out is NULL");
    FAILS(rwt_sampler_std(sampler, NULL, N), RWT_ERR_ARGUMENT, "out is NULL");
    FAILS(rwt_sampler_sample(sampler, 0, out, N + 1), RWT_ERR_ARGUMENT, "16 elements, found 17");
    FAILS(rwt_sampler_mean(sampler, out, 0), RWT_ERR_ARGUMENT, "16 elements, found 0");
    FAILS(rwt_sampler_std(sampler, out, SIZE_MAX), RWT_ERR_ARGUMENT, "16 elements");
    CHECK(out[0] == 7);
    FAILS(rwt_sampler_run(sampler, y, N - 1, NULL, NULL), RWT_ERR_ARGUMENT, "");
    WORKS(rwt_sampler_sample(sampler, 0, out, N)); /* a refused run leaves the samples of the one before */
    rwt_sampler_free(sampler);

    sampler = sampler_of(&g, NULL, few_levels(), SIDE, SIDE);
    FAILS(rwt_sampler_run(sampler, y, N, NULL, NULL), RWT_ERR_ARGUMENT, "0 elements, found 16");
    rwt_sampler_free(sampler);
}

/* The next tests ask for more than 2 GiB where there is no more. */
static void limit_memory(void)
{
    struct rlimit limit = {.rlim_cur = (rlim_t)2 << 30, .rlim_max = (rlim_t)2 << 30};
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
}

static void create_or_run_fails(rwt_sampler_options options, size_t side)
{
    gaussian g = {.mean = 0, .variance = 1};
    rwt_denoiser *denoiser = gaussian_open(&g);
    rwt_sampler *sampler = NULL;
    rwt_status status = rwt_sampler_create(denoiser, NULL, &options, 1, side, side, &sampler);
    if (status == RWT_OK)
        status = rwt_sampler_run(sampler, NULL, 0, NULL, NULL);
    CHECK(status != RWT_OK && *rwt_last_error());
    rwt_sampler_free(sampler);
    rwt_denoiser_free(denoiser);
}

void an_image_too_large_for_memory_is_an_error(void)
{
    if (quick)
        return; /* valgrind wants the memory itself */
    limit_memory();
    create_or_run_fails(few_levels(), (size_t)1 << 20);
}

void more_chains_than_memory_holds_are_an_error(void)
{
    if (quick)
        return;
    limit_memory();
    rwt_sampler_options options = few_levels();
    options.chains = UINT32_MAX;
    create_or_run_fails(options, SIDE);
}
