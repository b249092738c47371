/* Operators made of others. */
#include <math.h>
#include <string.h>

#include "test.h"

enum { H = 4, W = 6, PLANE = H * W, COILS = 2, CONTRASTS = 3, SCAN = COILS * 2 * PLANE };

static const double TURN = 6.283185307179586;

static void waves(float *values, size_t n, double step)
{
    for (size_t i = 0; i < n; i++)
        values[i] = (float)sin(step * (double)i + 0.4);
}

/* The part of the sum over the pixels x s exp(i (phase - 2 pi k r)) / sqrt(PLANE), by its definition. */
static double coefficient(const float *x, const float *phase, const float *s, size_t k, int imaginary)
{
    double sum = 0;
    for (size_t i = 0; i < PLANE; i++) {
        const double turns = (double)(k / W * (i / W)) / H + (double)(k % W * (i % W)) / W;
        const double angle = (double)phase[i] - TURN * turns, re = (double)s[i], im = (double)s[PLANE + i];
        const double part = imaginary ? re * sin(angle) + im * cos(angle) : re * cos(angle) - im * sin(angle);
        sum += (double)x[i] * part;
    }
    return sum / sqrt(PLANE);
}

void a_scan_of_real_contrasts_is_its_definition(void)
{
    float x[CONTRASTS * PLANE], phase[PLANE], coils[SCAN], y[CONTRASTS * SCAN];
    uint8_t masks[CONTRASTS][PLANE];
    waves(x, CONTRASTS * PLANE, 0.7);
    waves(phase, PLANE, 0.3);
    waves(coils, SCAN, 1.1);
    rwt_operator *real, *scans[CONTRASTS], *all;
    WORKS(rwt_operator_phase(H, W, phase, &real));
    for (size_t c = 0; c < CONTRASTS; c++) {
        rwt_operator *fourier;
        for (size_t i = 0; i < PLANE; i++)
            masks[c][i] = (i / W + c) % 3 != 0;
        WORKS(rwt_operator_fourier(H, W, masks[c], coils, COILS, &fourier));
        WORKS(rwt_operator_compose(fourier, real, &scans[c]));
        rwt_operator_free(fourier);
    }
    WORKS(rwt_operator_blocks((const rwt_operator *const *)scans, CONTRASTS, &all));
    for (size_t c = 0; c < CONTRASTS; c++)
        rwt_operator_free(scans[c]);
    rwt_operator_free(real); /* what is made of them goes on */
    CHECK(rwt_operator_measurement_len(all) == CONTRASTS * SCAN);
    WORKS(rwt_operator_apply(all, x, CONTRASTS * PLANE, y, CONTRASTS * SCAN));
    for (size_t i = 0; i < CONTRASTS * SCAN; i++) {
        const size_t c = i / SCAN, coil = i % SCAN / (2 * PLANE), k = i % PLANE;
        const float *s = coils + coil * 2 * PLANE;
        const double expected = coefficient(x + c * PLANE, phase, s, k, i / PLANE % 2 == 1);
        CHECK(fabs((double)y[i] - (masks[c][k] ? expected : 0)) < 1e-5);
    }
    rwt_operator_report report;
    WORKS(rwt_operator_check(all, &report, sizeof report));
    CHECK(report.adjoint_error < 1e-6 && report.norm > 0.5 && report.norm <= report.norm_bound * 1.001);
    rwt_operator_free(all);
    WORKS(rwt_operator_phase(H, W, NULL, &real)); /* no phase: the real part */
    WORKS(rwt_operator_apply(real, x, PLANE, y, 2 * PLANE));
    CHECK(memcmp(x, y, sizeof phase) == 0 && y[PLANE] == 0 && y[2 * PLANE - 1] == 0);
    rwt_operator_free(real);
}

void composed_stacked_and_scaled_operators_are_made_of_their_parts(void)
{
    enum { N = 2 * PLANE, M = N / 4 };
    const float kernel[] = {0.1F, 0.2F, 0.4F, 0.2F, 0.1F};
    float x[N], blurred[N], means[M], y[N + M];
    rwt_operator *blur, *average, *composed, *stacked, *scaled;
    waves(x, N, 0.9);
    WORKS(rwt_operator_blur(2, H, W, kernel, 1, 5, 1, &blur));
    WORKS(rwt_operator_average(2, H, W, 2, &average));
    WORKS(rwt_operator_apply(blur, x, N, blurred, N));
    WORKS(rwt_operator_apply(average, blurred, N, means, M));
    WORKS(rwt_operator_compose(average, blur, &composed));
    WORKS(rwt_operator_stack(blur, composed, &stacked));
    WORKS(rwt_operator_scale(stacked, -2, &scaled));
    rwt_operator *all[] = {composed, stacked, scaled};
    for (int i = 0; i < 3; i++) {
        rwt_operator_report report;
        WORKS(rwt_operator_check(all[i], &report, sizeof report));
        CHECK(report.adjoint_error < 1e-6 && report.norm <= report.norm_bound * 1.001);
    }
    WORKS(rwt_operator_apply(composed, x, N, y, M));
    CHECK(memcmp(y, means, sizeof means) == 0);
    rwt_operator_free(composed);
    rwt_operator_free(stacked);
    rwt_operator_free(blur);
    rwt_operator_free(average);
    WORKS(rwt_operator_apply(scaled, x, N, y, N + M));
    for (size_t i = 0; i < N + M; i++)
        CHECK(y[i] == -2 * (i < N ? blurred[i] : means[i - N]));
    rwt_operator_free(scaled);
}

/* Three channels of averages, drawn from; by one operator or by three of one channel. */
static void draw(const rwt_operator *operator, float *sample)
{
    gaussian g = {.mean = 0.1, .variance = 0.5};
    rwt_denoiser *denoiser = gaussian_open(&g);
    rwt_sampler_options options = few_levels();
    rwt_sampler *sampler;
    float y[CONTRASTS * PLANE / 4];
    waves(y, CONTRASTS * PLANE / 4, 0.8);
    WORKS(rwt_sampler_create(denoiser, operator, &options, CONTRASTS, H, W, &sampler));
    run_and_read(sampler, y, CONTRASTS * PLANE / 4, 1, sample, CONTRASTS * PLANE);
    rwt_sampler_free(sampler);
    rwt_denoiser_free(denoiser);
}

void channels_side_by_side_are_sampled_as_one_image(void)
{
    rwt_operator *whole, *one, *blocks;
    float samples[2][CONTRASTS * PLANE];
    WORKS(rwt_operator_average(CONTRASTS, H, W, 2, &whole));
    WORKS(rwt_operator_average(1, H, W, 2, &one));
    WORKS(rwt_operator_blocks((const rwt_operator *const[]){one, one, one}, CONTRASTS, &blocks));
    draw(whole, samples[0]);
    draw(blocks, samples[1]);
    CHECK(memcmp(samples[0], samples[1], sizeof *samples) == 0); /* the closed form of each block is used */
    rwt_operator_free(whole);
    rwt_operator_free(one);
    rwt_operator_free(blocks);
}

void operators_that_do_not_fit_together_are_an_error(void)
{
    rwt_operator *small, *large, *mean, *out = NULL;
    const uint8_t mask[PLANE] = {1};
    WORKS(rwt_operator_mask(mask, 1, H, W, &small));
    WORKS(rwt_operator_mask(mask, 1, W, H, &large));
    WORKS(rwt_operator_average(1, H, W, 2, &mean));
    FAILS(rwt_operator_compose(small, mean, &out), RWT_ERR_ARGUMENT, "24 elements, found 6");
    FAILS(rwt_operator_compose(NULL, mean, &out), RWT_ERR_ARGUMENT, "after is NULL");
    FAILS(rwt_operator_compose(mean, NULL, &out), RWT_ERR_ARGUMENT, "before is NULL");
    FAILS(rwt_operator_compose(mean, small, NULL), RWT_ERR_ARGUMENT, "out is NULL");
    FAILS(rwt_operator_stack(small, large, &out), RWT_ERR_ARGUMENT, "the same shape");
    FAILS(rwt_operator_stack(small, NULL, &out), RWT_ERR_ARGUMENT, "second is NULL");
    FAILS(rwt_operator_scale(NULL, 2, &out), RWT_ERR_ARGUMENT, "operator is NULL");
    const float bad[] = {0, NAN, INFINITY};
    for (int i = 0; i < 3; i++)
        FAILS(rwt_operator_scale(small, bad[i], &out), RWT_ERR_ARGUMENT, "finite and not 0");
    FAILS(rwt_operator_blocks(NULL, 2, &out), RWT_ERR_ARGUMENT, "operators is NULL");
    FAILS(rwt_operator_blocks(NULL, 0, &out), RWT_ERR_ARGUMENT, "at least one");
    const rwt_operator *const missing[] = {small, NULL}, *const odd[] = {small, large};
    FAILS(rwt_operator_blocks(missing, 2, &out), RWT_ERR_ARGUMENT, "operators[1] is NULL");
    FAILS(rwt_operator_blocks(odd, 2, &out), RWT_ERR_ARGUMENT, "operators[1] must have images of 4 x 6");
    FAILS(rwt_operator_blocks(missing, SIZE_MAX, &out), RWT_ERR_ARGUMENT, "operators cannot have");
    const float nan[PLANE] = {NAN};
    FAILS(rwt_operator_phase(H, W, nan, &out), RWT_ERR_ARGUMENT, "finite");
    FAILS(rwt_operator_phase(0, W, NULL, &out), RWT_ERR_ARGUMENT, "height");
    FAILS(rwt_operator_phase(SIZE_MAX, W, nan, &out), RWT_ERR_ARGUMENT, "");
    CHECK(!out);
    rwt_operator_free(small);
    rwt_operator_free(large);
    rwt_operator_free(mean);
}

/* The identity, which fails when it is told to. */
static rwt_status copy(void *user, const float *from, size_t n, float *to, size_t m)
{
    CHECK(n == m);
    memcpy(to, from, n * sizeof *to);
    return *(int *)user;
}

void a_callback_inside_another_operator_says_why_it_failed(void)
{
    int status = RWT_OK;
    rwt_operator *inner, *scaled, *blocks;
    float x[2 * PLANE] = {0}, y[2 * PLANE];
    WORKS(rwt_operator_from_callbacks(1, H, W, PLANE, 1, copy, copy, 0, &status, NULL, &inner));
    WORKS(rwt_operator_scale(inner, 3, &scaled));
    WORKS(rwt_operator_blocks((const rwt_operator *const[]){inner, scaled}, 2, &blocks));
    rwt_operator_free(inner);
    rwt_operator_free(scaled);
    WORKS(rwt_operator_check(blocks, NULL, 0));
    gaussian g = {.mean = 0, .variance = 1};
    rwt_denoiser *denoiser = gaussian_open(&g);
    rwt_sampler_options options = few_levels();
    rwt_sampler *sampler;
    WORKS(rwt_sampler_create(denoiser, blocks, &options, 2, H, W, &sampler));
    status = 55;
    FAILS(rwt_sampler_run(sampler, x, 2 * PLANE, NULL, NULL), RWT_ERR_OPERATOR, "status 55");
    FAILS(rwt_operator_apply(blocks, x, 2 * PLANE, y, 2 * PLANE), RWT_ERR_OPERATOR, "status 55");
    FAILS(rwt_operator_check(blocks, NULL, 0), RWT_ERR_OPERATOR, "status 55");
    status = RWT_OK;
    WORKS(rwt_sampler_run(sampler, x, 2 * PLANE, NULL, NULL));
    rwt_sampler_free(sampler);
    rwt_denoiser_free(denoiser);
    rwt_operator_free(blocks);
}
