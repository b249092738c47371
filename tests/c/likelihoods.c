/* Counts and a caller's likelihood: the posterior of one pixel against numerical integration. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

enum { SIDE = 20, N = SIDE * SIDE, CHAINS = 8 };

/* Mean and standard deviation of exp(log_density) on [low, high]. */
static void integrate(double (*log_density)(double), double low, double high, double *mean, double *std)
{
    enum { STEPS = 20000 };
    double sum = 0, first = 0, second = 0, largest = -INFINITY;
    for (int i = 0; i < STEPS; i++)
        largest = fmax(largest, log_density(low + (high - low) * (i + 0.5) / STEPS));
    for (int i = 0; i < STEPS; i++) {
        const double x = low + (high - low) * (i + 0.5) / STEPS, weight = exp(log_density(x) - largest);
        sum += weight;
        first += weight * x;
        second += weight * x * x;
    }
    *mean = first / sum;
    *std = sqrt(second / sum - *mean * *mean);
}

static double log_prior(double x)
{
    return -x * x / (2 * 0.25);
}

static double log_poisson(double x)
{
    const double rate = 20 * x + 21;
    return rate > 0 ? log_prior(x) + 14 * log(rate) - rate : -INFINITY;
}

static double log_transmission(double x)
{
    const double rate = 50 * exp(-0.5 * x - 0.5) + 2;
    return log_prior(x) + 40 * log(rate) - rate;
}

static double log_own(double x)
{
    return log_prior(x) - 0.5 * (0.4 - x) * (0.4 - x) / 0.04;
}

typedef struct own {
    int calls, releases;
    rwt_status status;
} own;

static rwt_status gaussian_likelihood(void *user, const float *y, float *v, float *information, size_t m)
{
    own *o = user;
    o->calls++;
    for (size_t i = 0; i < m; i++) {
        v[i] = (y[i] - v[i]) / 0.04F;
        information[i] = 1 / 0.04F;
    }
    return o->status;
}

static void release(void *user)
{
    ((own *)user)->releases++;
}

/* N independent pixels and 8 chains are 3200 samples of one pixel: a standard error is .018 and .0125. */
static void agree(const rwt_operator *operator, float count, double (*log_density)(double))
{
    float y[N], x[N];
    for (int i = 0; i < N; i++)
        y[i] = count;
    double mean, std, sum = 0, squares = 0;
    integrate(log_density, -1.05, 3, &mean, &std);
    for (int method = 0; method < 2; method++) {
        gaussian g = {.mean = 0, .variance = 0.25};
        rwt_denoiser *denoiser = gaussian_open(&g);
        rwt_sampler_options options;
        WORKS(rwt_sampler_options_init(&options, sizeof options));
        options.method = method;
        options.chains = CHAINS;
        options.sigma_max = 5;
        rwt_sampler *sampler;
        WORKS(rwt_sampler_create(denoiser, operator, &options, 1, SIDE, SIDE, &sampler));
        WORKS(rwt_sampler_run(sampler, y, N, NULL, NULL));
        rwt_sampler_report report;
        WORKS(rwt_sampler_check(sampler, &report, sizeof report));
        CHECK(report.coarse <= 1.001);
        sum = squares = 0;
        for (uint32_t chain = 0; chain < CHAINS; chain++) {
            WORKS(rwt_sampler_sample(sampler, chain, x, N));
            for (int i = 0; i < N; i++) {
                sum += (double)x[i];
                squares += (double)x[i] * (double)x[i];
            }
        }
        const double found = sum / (CHAINS * N), spread = sqrt(squares / (CHAINS * N) - found * found);
        CHECK(fabs(found - mean) / std < 0.12);
        CHECK(fabs(log(spread / std)) < 0.13);
        rwt_sampler_free(sampler);
        rwt_denoiser_free(denoiser);
    }
}

static rwt_operator *all_pixels(void)
{
    static uint8_t mask[N];
    memset(mask, 1, sizeof mask);
    rwt_operator *operator;
    WORKS(rwt_operator_mask(mask, 1, SIDE, SIDE, &operator));
    return operator;
}

void counts_and_a_callers_likelihood_are_posterior_to_numerical_integration(void)
{
    rwt_operator *mask = all_pixels(), *half, *counted;
    const float background = 21;
    WORKS(rwt_operator_poisson(mask, 20, &background, 1, &counted));
    agree(counted, 14, log_poisson);
    rwt_operator_free(counted);

    /* attenuation .5 (x + 1) */
    float blank[N];
    const float scatter = 2;
    for (int i = 0; i < N; i++)
        blank[i] = 50 * expf(-0.5F);
    WORKS(rwt_operator_scale(mask, 0.5F, &half));
    WORKS(rwt_operator_transmission(half, blank, N, &scatter, 1, &counted));
    rwt_operator_free(half);
    agree(counted, 40, log_transmission);
    rwt_operator_free(counted);

    own o = {0};
    WORKS(rwt_operator_likelihood(mask, gaussian_likelihood, 1 / 0.04, &o, release, &counted));
    rwt_operator_free(mask);
    agree(counted, 0.4F, log_own);
    CHECK(o.calls > 0 && o.releases == 0);
    rwt_operator_free(counted);
    CHECK(o.releases == 1);
}

void a_likelihood_that_cannot_be_is_an_error(void)
{
    rwt_operator *mask = all_pixels(), *out = NULL, *counted;
    float array[N] = {0};
    const float one = 1, negative = -1;
    own o = {0};
    FAILS(rwt_operator_poisson(NULL, 1, &one, 1, &out), RWT_ERR_ARGUMENT, "operator is NULL");
    FAILS(rwt_operator_poisson(mask, 1, &one, 1, NULL), RWT_ERR_ARGUMENT, "out is NULL");
    FAILS(rwt_operator_poisson(mask, 0, &one, 1, &out), RWT_ERR_ARGUMENT, "gain");
    FAILS(rwt_operator_poisson(mask, 1, NULL, 1, &out), RWT_ERR_ARGUMENT, "background is NULL");
    FAILS(rwt_operator_poisson(mask, 1, array, 2, &out), RWT_ERR_ARGUMENT, "1 or 400 elements, found 2");
    FAILS(rwt_operator_poisson(mask, 1, &negative, 1, &out), RWT_ERR_ARGUMENT, "background");
    FAILS(rwt_operator_transmission(mask, array, N, &one, 1, &out), RWT_ERR_ARGUMENT, "blank");
    FAILS(rwt_operator_transmission(mask, &one, 1, &negative, 1, &out), RWT_ERR_ARGUMENT, "background");
    FAILS(rwt_operator_likelihood(mask, NULL, 1, NULL, NULL, &out), RWT_ERR_ARGUMENT, "likelihood is NULL");
    FAILS(rwt_operator_likelihood(mask, gaussian_likelihood, NAN, &o, release, &out), RWT_ERR_ARGUMENT, "information");
    CHECK(!out && o.releases == 0);

    WORKS(rwt_operator_poisson(mask, 1, &one, 1, &counted));
    FAILS(rwt_operator_scale(counted, 2, &out), RWT_ERR_ARGUMENT, "likelihood of its own");
    gaussian g = {.mean = 0, .variance = 0.25};
    rwt_denoiser *denoiser = gaussian_open(&g);
    rwt_sampler_options options = few_levels();
    rwt_sampler *sampler;
    FAILS(rwt_sampler_create(denoiser, counted, &options, 1, SIDE, SIDE, &sampler), RWT_ERR_ARGUMENT, "eta must be 0");
    options.eta = 0;
    WORKS(rwt_sampler_create(denoiser, counted, &options, 1, SIDE, SIDE, &sampler));
    array[3] = -2;
    FAILS(rwt_sampler_run(sampler, array, N, NULL, NULL), RWT_ERR_ARGUMENT, "count");
    rwt_sampler_free(sampler);
    rwt_operator_free(counted);

    WORKS(rwt_operator_likelihood(mask, gaussian_likelihood, 25, &o, release, &counted));
    WORKS(rwt_sampler_create(denoiser, counted, &options, 1, SIDE, SIDE, &sampler));
    rwt_operator_free(counted);
    o.status = 77;
    FAILS(rwt_sampler_run(sampler, array, N, NULL, NULL), RWT_ERR_OPERATOR, "the likelihood returned status 77");
    CHECK(o.releases == 0);
    rwt_sampler_free(sampler);
    CHECK(o.releases == 1);
    rwt_denoiser_free(denoiser);
    rwt_operator_free(mask);
}

void a_folder_of_another_likelihood_is_an_error(void)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/likelihood", scratch_folder);
    rwt_operator *mask = all_pixels(), *counted;
    const float background[] = {21, 22};
    float y[N];
    for (int i = 0; i < N; i++)
        y[i] = 30;
    for (int k = 0; k < 3; k++) {
        gaussian g = {.mean = 0, .variance = 0.25};
        rwt_denoiser *denoiser = gaussian_open(&g);
        rwt_sampler_options options = few_levels();
        options.eta = 0;
        options.sigma_min = 0.01;
        options.sigma_max = 3;
        WORKS(rwt_operator_poisson(mask, k == 2 ? 19 : 20, &background[k == 1], 1, &counted));
        rwt_sampler *sampler;
        WORKS(rwt_sampler_create(denoiser, counted, &options, 1, SIDE, SIDE, &sampler));
        if (k == 0) {
            y[7] = -1; /* nothing is left behind by a run that is refused */
            FAILS(rwt_sampler_run_in(sampler, path, y, N, NULL, NULL), RWT_ERR_ARGUMENT, "count");
            y[7] = 30;
            WORKS(rwt_sampler_run_in(sampler, path, y, N, NULL, NULL));
        } else {
            FAILS(rwt_sampler_run_in(sampler, path, y, N, NULL, NULL), RWT_ERR_ARGUMENT, "likelihood");
        }
        rwt_sampler_free(sampler);
        rwt_operator_free(counted);
        rwt_denoiser_free(denoiser);
    }
    rwt_operator_free(mask);
}
