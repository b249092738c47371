#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void check_that(bool condition, const char *text, const char *file, int line)
{
    if (condition)
        return;
    fprintf(stderr, "%s:%d: not so: %s (the last error: %s)\n", file, line, text, rwt_last_error());
    exit(EXIT_FAILURE);
}

void check_status(rwt_status found, rwt_status expected, const char *text, const char *call, const char *file,
                  int line)
{
    const char *said = expected == RWT_OK ? "" : rwt_last_error();
    if (found == expected && strstr(said, text) && (expected == RWT_OK || *said))
        return;
    fprintf(stderr, "%s:%d: %s\n  status %d, expected %d and a text with \"%s\"; the last error: \"%s\"\n", file, line,
            call, (int)found, (int)expected, text, rwt_last_error());
    exit(EXIT_FAILURE);
}

rwt_status gaussian_denoise(void *user, const float *x, size_t n, double sigma, float *denoised)
{
    gaussian *g = user;
    const double gain = g->variance / (g->variance + sigma * sigma);
    for (size_t i = 0; i < n; i++)
        denoised[i] = (float)(g->mean + gain * ((double)x[i] - g->mean));
    if (++g->calls != g->fail_at)
        return RWT_OK;
    g->fail_sigma = sigma;
    denoised[n / 2] = NAN;
    return g->fail_status;
}

void gaussian_release(void *user)
{
    gaussian *g = user;
    g->releases++;
}

rwt_denoiser *gaussian_open(gaussian *g)
{
    rwt_denoiser_info info;
    WORKS(rwt_denoiser_info_init(&info, sizeof info));
    info.mean = g->mean;
    info.variance = g->variance;
    rwt_denoiser *denoiser = NULL;
    WORKS(rwt_denoiser_from_callback(&info, gaussian_denoise, g, gaussian_release, &denoiser));
    CHECK(denoiser != NULL);
    return denoiser;
}

rwt_sampler_options few_levels(void)
{
    rwt_sampler_options options;
    WORKS(rwt_sampler_options_init(&options, sizeof options));
    options.levels = 12;
    options.chains = 2;
    options.eta = 0.2;
    return options;
}

rwt_sampler *sampler_of(gaussian *g, const uint8_t *mask, rwt_sampler_options options, size_t height, size_t width)
{
    rwt_denoiser *denoiser = gaussian_open(g);
    rwt_operator *operator = NULL;
    if (mask)
        WORKS(rwt_operator_mask(mask, 1, height, width, &operator));
    rwt_sampler *sampler = NULL;
    WORKS(rwt_sampler_create(denoiser, operator, &options, 1, height, width, &sampler));
    rwt_operator_free(operator);
    rwt_denoiser_free(denoiser);
    CHECK(sampler != NULL);
    return sampler;
}

void run_and_read(rwt_sampler *sampler, const float *y, size_t n, uint32_t chain, float *sample, size_t length)
{
    WORKS(rwt_sampler_run(sampler, y, n, NULL, NULL));
    WORKS(rwt_sampler_sample(sampler, chain, sample, length));
}

void fill_mask(uint8_t *mask, float *y, size_t side)
{
    for (size_t i = 0; i < side * side; i++) {
        mask[i] = (i * 7 + i / side) % 3 != 0;
        y[i] = mask[i] ? (float)(i % 5) * 0.3F - 0.4F : 0;
    }
}

bool all_finite(const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}
