/* Operators that the library has, and the caller's own. */
#include <math.h>
#include <string.h>

#include "test.h"

enum { SIDE = 6, N = SIDE * SIDE, FACTOR = 2, M = N / (FACTOR * FACTOR), CHAINS = 3 };

typedef struct averages {
    long calls, releases;
    long fail_at; /* this call, from 1, returns 77; 0: none does */
    float wrong;  /* what the adjoint adds */
} averages;

static rwt_status average(void *user, const float *x, size_t n, float *y, size_t m)
{
    averages *a = user;
    CHECK(n == N && m == M);
    for (size_t i = 0; i < m; i++) {
        const float *corner = x + i / (SIDE / FACTOR) * FACTOR * SIDE + i % (SIDE / FACTOR) * FACTOR;
        y[i] = (corner[0] + corner[1] + corner[SIDE] + corner[SIDE + 1]) / 4;
    }
    return ++a->calls == a->fail_at ? 77 : RWT_OK;
}

static rwt_status spread(void *user, const float *y, size_t m, float *x, size_t n)
{
    const averages *a = user;
    CHECK(n == N && m == M);
    for (size_t i = 0; i < n; i++)
        x[i] = y[i / SIDE / FACTOR * (SIDE / FACTOR) + i % SIDE / FACTOR] / 4 + a->wrong;
    return RWT_OK;
}

static void release(void *user)
{
    ((averages *)user)->releases++;
}

static void samples_of(rwt_operator *operator, float *samples)
{
    gaussian g = {.mean = 0.1, .variance = 0.5};
    rwt_denoiser *denoiser = gaussian_open(&g);
    rwt_sampler_options options = few_levels();
    options.chains = CHAINS;
    options.eta = 0.05;
    options.sigma_max = 5;
    float y[M];
    for (int i = 0; i < M; i++)
        y[i] = 0.3F * (float)(i % 4) - 0.4F;
    rwt_sampler *sampler;
    WORKS(rwt_sampler_create(denoiser, operator, &options, 1, SIDE, SIDE, &sampler));
    FAILS(rwt_sampler_run(sampler, y, M - 1, NULL, NULL), RWT_ERR_ARGUMENT, "y must have 9 elements, found 8");
    WORKS(rwt_sampler_run(sampler, y, M, NULL, NULL));
    for (uint32_t chain = 0; chain < CHAINS; chain++)
        WORKS(rwt_sampler_sample(sampler, chain, samples + chain * N, N));
    y[3] = NAN;
    FAILS(rwt_sampler_run(sampler, y, M, NULL, NULL), RWT_ERR_NOT_FINITE, "y is NaN at element 3");
    rwt_sampler_free(sampler);
    rwt_denoiser_free(denoiser);
}

void samples_fit_an_average_and_a_callers_operator_does_the_same(void)
{
    float samples[2][CHAINS * N];
    averages a = {0};
    rwt_operator *operator;
    WORKS(rwt_operator_average(1, SIDE, SIDE, FACTOR, &operator));
    CHECK(rwt_operator_measurement_len(operator) == M && rwt_operator_measurement_len(NULL) == 0);
    samples_of(operator, samples[0]);
    float means[M];
    WORKS(rwt_operator_apply(operator, samples[0], N, means, M));
    for (int i = 0; i < M; i++) /* the posterior's standard deviation is about eta */
        CHECK(fabs(means[i] - (0.3 * (i % 4) - 0.4)) < 4 * 0.05);
    rwt_operator_free(operator);
    WORKS(rwt_operator_from_callbacks(1, SIDE, SIDE, M, 0.5, average, spread, 0, &a, release, &operator));
    CHECK(a.calls > 0);
    samples_of(operator, samples[1]);
    CHECK(a.releases == 0);
    rwt_operator_free(operator);
    CHECK(a.releases == 1);
    for (int i = 0; i < CHAINS * N; i++) /* conjugate gradients against a closed form */
        CHECK(fabsf(samples[0][i] - samples[1][i]) < 1e-3F);
}

void an_operator_that_is_wrong_is_found(void)
{
    averages a = {.wrong = 0.01F};
    rwt_operator *operator = NULL;
    FAILS(rwt_operator_from_callbacks(1, SIDE, SIDE, M, 0.5, average, spread, 0, &a, release, &operator),
          RWT_ERR_OPERATOR, "<A x, y>");
    FAILS(rwt_operator_from_callbacks(1, SIDE, SIDE, M, 0, average, spread, 1, &a, release, &operator),
          RWT_ERR_OPERATOR, "<A x, y>");
    a.wrong = 0;
    FAILS(rwt_operator_from_callbacks(1, SIDE, SIDE, M, 0.1, average, spread, 0, &a, release, &operator),
          RWT_ERR_OPERATOR, "the norm that it says");
    a.fail_at = a.calls + 2;
    FAILS(rwt_operator_from_callbacks(1, SIDE, SIDE, M, 0.5, average, spread, 0, &a, release, &operator),
          RWT_ERR_OPERATOR, "apply returned status 77");
    FAILS(rwt_operator_from_callbacks(1, SIDE, SIDE, 0, 0.5, average, spread, 0, &a, release, &operator),
          RWT_ERR_ARGUMENT, "m must be above 0");
    FAILS(rwt_operator_from_callbacks(1, SIDE, SIDE, M, 0.5, NULL, spread, 0, &a, release, &operator),
          RWT_ERR_ARGUMENT, "apply is NULL");
    CHECK(operator == NULL && a.releases == 0);

    rwt_operator_report report;
    WORKS(rwt_operator_from_callbacks(1, SIDE, SIDE, M, 0, average, spread, 0, &a, release, &operator));
    WORKS(rwt_operator_check(operator, &report, sizeof report));
    CHECK(report.adjoint_error < 1e-6 && fabs(report.norm - 0.5) < 1e-3 && report.norm_bound >= report.norm);
    a.fail_at = a.calls + 40;
    gaussian g = {.mean = 0, .variance = 1};
    rwt_denoiser *denoiser = gaussian_open(&g);
    rwt_sampler_options options = few_levels();
    rwt_sampler *sampler;
    float y[M] = {0};
    WORKS(rwt_sampler_create(denoiser, operator, &options, 1, SIDE, SIDE, &sampler));
    FAILS(rwt_sampler_run(sampler, y, M, NULL, NULL), RWT_ERR_OPERATOR, "status 77");
    WORKS(rwt_sampler_run(sampler, y, M, NULL, NULL));
    rwt_operator_free(operator);
    rwt_denoiser_free(denoiser);
    CHECK(a.releases == 0);
    rwt_sampler_free(sampler);
    CHECK(a.releases == 1);
}

void every_operator_passes_its_own_test(void)
{
    enum { H = 8, W = 12 };
    uint8_t mask[H * W];
    float coils[2 * 2 * H * W], matrix[2 * H * W];
    for (int i = 0; i < H * W; i++)
        mask[i] = i % 3 != 0;
    for (int i = 0; i < 4 * H * W; i++)
        coils[i] = (float)sin(i * 0.7);
    for (int i = 0; i < 2 * H * W; i++)
        matrix[i] = (float)cos(i * 1.3);
    const float kernel[] = {0.1F, 0.2F, 0.1F, 0.3F, 0.2F, 0.1F, 0, 0, 0};
    const double angles[] = {0, 0.5, 1, 2};
    const size_t starts[] = {0, 1, 3};
    const uint32_t columns[] = {5, 0, 95};
    const float values[] = {1, -2, 0.5F};
    rwt_operator *all[10];
    WORKS(rwt_operator_mask(mask, 3, H, W, &all[0]));
    WORKS(rwt_operator_average(3, H, W, 4, &all[1]));
    WORKS(rwt_operator_bicubic(3, H, W, 2, &all[2]));
    WORKS(rwt_operator_blur(3, H, W, kernel, 3, 3, 0, &all[3]));
    WORKS(rwt_operator_blur(3, H, W, kernel, 3, 3, 1, &all[4]));
    WORKS(rwt_operator_fourier(H, W, mask, NULL, 1, &all[5]));
    WORKS(rwt_operator_fourier(H, W, mask, coils, 2, &all[6]));
    WORKS(rwt_operator_radon(3, H, W, angles, 4, 15, &all[7]));
    WORKS(rwt_operator_dense(matrix, 2, 1, H, W, &all[8]));
    WORKS(rwt_operator_sparse(starts, columns, values, 2, 1, H, W, &all[9]));
    const size_t lengths[] = {3 * H * W, 3 * 2 * 3, 3 * 4 * 6, 3 * H * W, 3 * H * W, 2 * H * W, 4 * H * W, 3 * 4 * 15, 2, 2};
    for (int i = 0; i < 10; i++) {
        rwt_operator_report report;
        WORKS(rwt_operator_check(all[i], &report, sizeof report));
        CHECK(report.norm > 0 && report.norm <= report.norm_bound * 1.001);
        CHECK(rwt_operator_measurement_len(all[i]) == lengths[i]);
        rwt_operator_free(all[i]);
    }
}

void a_weight_of_0_leaves_a_measurement_out(void)
{
    const float weights[M] = {1, 0, 1, 1, 2, 1, 1, 1, 1};
    float x[N], y[M], weighted[M];
    rwt_operator *all, *operator;
    rwt_operator_report report;
    for (int i = 0; i < N; i++)
        x[i] = (float)cos(i * 0.4);
    WORKS(rwt_operator_average(1, SIDE, SIDE, FACTOR, &all));
    WORKS(rwt_operator_weighted(all, weights, M, &operator));
    WORKS(rwt_operator_apply(all, x, N, y, M));
    WORKS(rwt_operator_apply(operator, x, N, weighted, M));
    for (int i = 0; i < M; i++)
        CHECK(weighted[i] == weights[i] * y[i]);
    rwt_operator *out = NULL;
    FAILS(rwt_operator_weighted(all, weights, M - 1, &out), RWT_ERR_ARGUMENT, "weights");
    FAILS(rwt_operator_weighted(NULL, weights, M, &out), RWT_ERR_ARGUMENT, "operator is NULL");
    FAILS(rwt_operator_weighted(all, NULL, M, &out), RWT_ERR_ARGUMENT, "weights is NULL");
    rwt_operator_free(all);
    WORKS(rwt_operator_check(operator, &report, sizeof report));
    CHECK(fabs(report.norm - 1) < 1e-3); /* 2 times 1/2 */
    rwt_operator_free(operator);
}

void a_bad_argument_of_any_operator_is_an_error(void)
{
    const float kernel[9] = {1}, nan_kernel[9] = {NAN};
    const double angles[] = {0, NAN};
    const size_t starts[] = {0, 2}, falling[] = {0, 2, 1};
    const uint32_t columns[] = {5, 16};
    const uint8_t mask[16] = {1};
    rwt_operator *out = NULL;
    FAILS(rwt_operator_average(1, 4, 4, 3, &out), RWT_ERR_ARGUMENT, "multiple of the factor");
    FAILS(rwt_operator_average(1, 4, 4, 2, NULL), RWT_ERR_ARGUMENT, "out is NULL");
    FAILS(rwt_operator_bicubic(0, 4, 4, 2, &out), RWT_ERR_ARGUMENT, "channels");
    FAILS(rwt_operator_bicubic(SIZE_MAX, SIZE_MAX, 4, 2, &out), RWT_ERR_ARGUMENT, "");
    FAILS(rwt_operator_blur(1, 4, 4, kernel, 2, 3, 0, &out), RWT_ERR_ARGUMENT, "odd");
    FAILS(rwt_operator_blur(1, 4, 4, nan_kernel, 3, 3, 1, &out), RWT_ERR_ARGUMENT, "finite");
    FAILS(rwt_operator_blur(1, 4, 4, NULL, 3, 3, 1, &out), RWT_ERR_ARGUMENT, "kernel is NULL");
    FAILS(rwt_operator_blur(1, 4, 4, kernel, SIZE_MAX, 3, 1, &out), RWT_ERR_ARGUMENT, "kernel");
    FAILS(rwt_operator_fourier(4, 4, mask, NULL, 2, &out), RWT_ERR_ARGUMENT, "coils must be 1");
    FAILS(rwt_operator_fourier(4, 4, NULL, NULL, 1, &out), RWT_ERR_ARGUMENT, "mask is NULL");
    FAILS(rwt_operator_radon(1, 4, 4, angles, 2, 5, &out), RWT_ERR_ARGUMENT, "angle");
    FAILS(rwt_operator_radon(1, 4, 4, angles, 1, 0, &out), RWT_ERR_ARGUMENT, "bins");
    FAILS(rwt_operator_dense(kernel, 0, 1, 3, 3, &out), RWT_ERR_ARGUMENT, "matrix");
    FAILS(rwt_operator_dense(NULL, 1, 1, 3, 3, &out), RWT_ERR_ARGUMENT, "matrix is NULL");
    FAILS(rwt_operator_sparse(starts, columns, kernel, 1, 1, 4, 4, &out), RWT_ERR_ARGUMENT, "below the columns");
    FAILS(rwt_operator_sparse(falling, columns, kernel, 2, 1, 4, 4, &out), RWT_ERR_ARGUMENT, "not falling");
    float x[16], y[4];
    FAILS(rwt_operator_apply(NULL, x, 16, y, 4), RWT_ERR_ARGUMENT, "operator is NULL");
    FAILS(rwt_operator_check(NULL, NULL, 0), RWT_ERR_ARGUMENT, "operator is NULL");
    WORKS(rwt_operator_average(1, 4, 4, 2, &out));
    FAILS(rwt_operator_apply(out, x, 15, y, 4), RWT_ERR_ARGUMENT, "x must have 16");
    FAILS(rwt_operator_adjoint(out, y, 3, x, 16), RWT_ERR_ARGUMENT, "y must have 4");
    FAILS(rwt_operator_adjoint(out, NULL, 4, x, 16), RWT_ERR_ARGUMENT, "y is NULL");
    WORKS(rwt_operator_check(out, NULL, 0));
    rwt_operator_free(out);
}
