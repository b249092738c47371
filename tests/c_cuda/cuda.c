/* The C interface on an NVIDIA GPU, or on what stands in for one. usage: cuda MODEL */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../c/test.h"

enum { SIDE = 16, PIXELS = SIDE * SIDE, N = 3 * PIXELS, CHAINS = 3 };

const char *model_path, *scratch_folder;
bool quick;

static rwt_denoiser *opened(int32_t engine, int32_t precision)
{
    rwt_denoiser_options options;
    rwt_denoiser *denoiser = NULL;
    WORKS(rwt_denoiser_options_init(&options, sizeof options));
    options.engine = engine;
    options.precision = precision;
    WORKS(rwt_denoiser_open_with(model_path, &options, &denoiser));
    return denoiser;
}

static void a_device_is_listed_and_chosen(void)
{
    uint32_t count = 0;
    rwt_cuda_device device;
    WORKS(rwt_cuda_device_count(&count));
    CHECK(count > 0);
    WORKS(rwt_cuda_get_device(0, &device, sizeof device));
    CHECK(device.memory > 0 && device.capability_major >= 7 && strlen(device.name) > 0);
    FAILS(rwt_cuda_get_device(count, &device, sizeof device), RWT_ERR_ARGUMENT, "below");
    rwt_denoiser_options options;
    rwt_denoiser *denoiser = NULL;
    WORKS(rwt_denoiser_options_init(&options, sizeof options));
    options.engine = RWT_ENGINE_CUDA;
    options.device = "99";
    FAILS(rwt_denoiser_open_with(model_path, &options, &denoiser), RWT_ERR_UNSUPPORTED, "99");
    options.device = "GPU";
    FAILS(rwt_denoiser_open_with(model_path, &options, &denoiser), RWT_ERR_ARGUMENT, "GPU");
    options.device = NULL;
    options.precision = RWT_PRECISION_F16;
    FAILS(rwt_denoiser_open_with(model_path, &options, &denoiser), RWT_ERR_ARGUMENT, "RWT_PRECISION_BF16, found 2");
    options.precision = RWT_PRECISION_F32;
    options.provider = RWT_PROVIDER_CUDA;
    FAILS(rwt_denoiser_open_with(model_path, &options, &denoiser), RWT_ERR_ARGUMENT, "provider");
    options.libraries = 1;
    options.engine = RWT_ENGINE_EMBEDDED;
    FAILS(rwt_denoiser_open_with(model_path, &options, &denoiser), RWT_ERR_ARGUMENT, "libraries");
    options.libraries = 0;
    options.engine = RWT_ENGINE_ONNX_RUNTIME; /* on the device, too, but there is no such library here */
    FAILS(rwt_denoiser_open_with(model_path, &options, &denoiser), RWT_ERR_UNSUPPORTED, "install onnxruntime");
    options.device = "99";
    FAILS(rwt_denoiser_open_with(model_path, &options, &denoiser), RWT_ERR_UNSUPPORTED, "device 99 was asked for");
    options.device = NULL;
    options.provider = RWT_PROVIDER_CPU;
    options.engine = RWT_ENGINE_CUDA;
    FAILS(rwt_denoiser_open_with("/nowhere.onnx", &options, &denoiser), RWT_ERR_IO, "nowhere");
    CHECK(!denoiser);
}

static void an_evaluation_is_that_of_the_processor(const rwt_denoiser *here, const rwt_denoiser *there)
{
    static float x[N], a[N], b[N];
    WORKS(rwt_noise(5, 0, 0, N, x));
    WORKS(rwt_denoiser_evaluate(here, x, N, 3, SIDE, SIDE, 0.7, a));
    WORKS(rwt_denoiser_evaluate(there, x, N, 3, SIDE, SIDE, 0.7, b));
    for (size_t i = 0; i < N; i++)
        CHECK(fabsf(a[i] - b[i]) <= 1e-5F);
    FAILS(rwt_denoiser_evaluate(there, x, N, 3, SIDE, SIDE, 1e9, b), RWT_ERR_ARGUMENT, "0.01 to 40");
}

static void an_evaluation_in_bf16_is_near(const rwt_denoiser *here)
{
    static float x[N], a[N], b[N];
    rwt_denoiser *half = opened(RWT_ENGINE_CUDA, RWT_PRECISION_BF16);
    CHECK(strncmp(rwt_denoiser_engine(half), "CUDA in bf16, ", 14) == 0);
    for (size_t i = 0; i < N; i++)
        x[i] = sinf((float)i / 9.0F) / 2;
    WORKS(rwt_denoiser_evaluate(here, x, N, 3, SIDE, SIDE, 0.2, a));
    WORKS(rwt_denoiser_evaluate(half, x, N, 3, SIDE, SIDE, 0.2, b));
    double far = 0, size = 0;
    for (size_t i = 0; i < N; i++) {
        far += pow((double)a[i] - (double)b[i], 2);
        size += pow((double)a[i], 2);
    }
    printf("bf16: relative distance %.1e\n", sqrt(far / size));
    CHECK(size > 0 && far > 0 && sqrt(far / size) < 1e-2); /* 0 would be f32 */
    rwt_denoiser_free(half);
}

/* Counts what is told, and ends a run when it is full. */
typedef struct limit {
    uint64_t evaluations, at_most;
} limit;

static int told(void *user, const rwt_progress *progress)
{
    limit *l = user;
    CHECK(progress->evaluations >= l->evaluations && progress->evaluations <= progress->total);
    l->evaluations = progress->evaluations;
    return progress->evaluations >= l->at_most;
}

static void draw(const rwt_denoiser *denoiser, const rwt_operator *operator, const float *y, size_t m, int32_t method,
                 float samples[CHAINS * N])
{
    rwt_sampler_options options = few_levels();
    options.chains = CHAINS;
    options.threads = 1;
    options.method = method;
    options.antithetic = 1; /* noise of both signs, and of two streams */
    options.levels = 6;
    rwt_sampler *sampler = NULL;
    WORKS(rwt_sampler_create(denoiser, operator, &options, 3, SIDE, SIDE, &sampler));
    limit l = {0, UINT64_MAX};
    WORKS(rwt_sampler_run(sampler, y, m, told, &l));
    CHECK(l.evaluations > CHAINS * options.levels - 1);
    for (uint32_t chain = 0; chain < CHAINS; chain++)
        WORKS(rwt_sampler_sample(sampler, chain, samples + chain * N, N));
    rwt_sampler_free(sampler);
}

static void samples_are_those_of_the_processor(const rwt_denoiser *here, const rwt_denoiser *there,
                                               const rwt_operator *operator, int32_t method)
{
    static float x[N], y[N], a[CHAINS * N], b[CHAINS * N];
    for (size_t i = 0; i < N; i++)
        x[i] = sinf((float)i / 9.0F) / 2;
    const size_t m = operator ? rwt_operator_measurement_len(operator) : 0;
    CHECK(m <= N);
    if (operator)
        WORKS(rwt_operator_apply(operator, x, N, y, m));
    draw(here, operator, y, m, method, a);
    draw(there, operator, y, m, method, b);
    double far = 0, size = 0;
    for (size_t i = 0; i < CHAINS * N; i++) {
        far += pow((double)a[i] - (double)b[i], 2);
        size += pow((double)a[i], 2);
    }
    printf("method %d: relative distance %.1e\n", (int)method, sqrt(far / size));
    /* guided look-ahead takes differences of evaluations, which enlarge rounding: two engines of the processor are as far apart */
    const bool is_guided = operator && method == RWT_METHOD_GLA;
    CHECK(size > 0 && sqrt(far / size) < (is_guided ? 2e-2 : 1e-5));
}

static void a_run_is_cancelled_with_an_estimate(const rwt_denoiser *there, const rwt_operator *mask)
{
    static float y[N], estimate[N];
    rwt_sampler_options options = few_levels();
    options.chains = 1;
    options.levels = 40;
    rwt_sampler *sampler = NULL;
    WORKS(rwt_sampler_create(there, mask, &options, 3, SIDE, SIDE, &sampler));
    limit l = {0, 1};
    FAILS(rwt_sampler_run(sampler, y, N, told, &l), RWT_ERR_CANCELLED, "cancelled");
    CHECK(l.evaluations < 79);
    WORKS(rwt_sampler_sample(sampler, 0, estimate, N));
    rwt_sampler_free(sampler);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return EXIT_FAILURE;
    model_path = argv[1];
    a_device_is_listed_and_chosen();
    rwt_denoiser *here = opened(RWT_ENGINE_EMBEDDED, RWT_PRECISION_F32);
    rwt_denoiser *there = opened(RWT_ENGINE_CUDA, RWT_PRECISION_F32);
    CHECK(strncmp(rwt_denoiser_engine(there), "CUDA, ", 6) == 0);
    an_evaluation_is_that_of_the_processor(here, there);
    an_evaluation_in_bf16_is_near(here);
    uint8_t kept[PIXELS];
    for (size_t i = 0; i < PIXELS; i++)
        kept[i] = i * 7 % 5 < 2;
    const float kernel[9] = {0.05F, 0.1F, 0.05F, 0.1F, 0.35F, 0.15F, 0.05F, 0.1F, 0.05F};
    rwt_operator *mask = NULL, *blur = NULL, *average = NULL;
    WORKS(rwt_operator_mask(kept, 3, SIDE, SIDE, &mask));
    WORKS(rwt_operator_blur(3, SIDE, SIDE, kernel, 3, 3, 1, &blur));
    WORKS(rwt_operator_average(3, SIDE, SIDE, 2, &average));
    samples_are_those_of_the_processor(here, there, NULL, RWT_METHOD_GLA);
    samples_are_those_of_the_processor(here, there, mask, RWT_METHOD_GLA);
    samples_are_those_of_the_processor(here, there, mask, RWT_METHOD_PRECONDITIONED);
    samples_are_those_of_the_processor(here, there, blur, RWT_METHOD_PRECONDITIONED);
    samples_are_those_of_the_processor(here, there, average, RWT_METHOD_PRECONDITIONED); /* walked on the host */
    a_run_is_cancelled_with_an_estimate(there, mask);
    rwt_operator_free(mask);
    rwt_operator_free(blur);
    rwt_operator_free(average);
    rwt_denoiser_free(here);
    rwt_denoiser_free(there);
    return EXIT_SUCCESS;
}
