/* Chains: alone, side by side, from a later one on, in antithetic pairs. */
#include <string.h>

#include "test.h"

enum { SIDE = 8, N = SIDE * SIDE };

/* A posterior of a method, or the prior: -1. */
typedef struct setting {
    gaussian g;
    rwt_sampler_options options;
    uint8_t mask[N];
    float y[N];
    size_t n; /* measurements */
} setting;

static setting setting_of(int32_t method)
{
    setting s = {.g = {.mean = 0.3, .variance = 0.25}, .options = few_levels(), .n = method < 0 ? 0 : N};
    s.options.method = method < 0 ? RWT_METHOD_GLA : method;
    fill_mask(s.mask, s.y, SIDE);
    return s;
}

static void run(rwt_sampler *sampler, const setting *s)
{
    WORKS(rwt_sampler_run(sampler, s->n ? s->y : NULL, s->n, NULL, NULL));
}

void a_chain_does_not_depend_on_how_many_there_are(void)
{
    float alone[N], among[N];
    for (int32_t method = -1; method <= RWT_METHOD_TEMPLATE; method++) {
        setting s = setting_of(method);
        rwt_sampler *many[3];
        for (size_t i = 0; i < 3; i++) {
            s.options.chains = (uint32_t)i * 2 + 1; /* 1, 3, 5 */
            many[i] = sampler_of(&s.g, s.n ? s.mask : NULL, s.options, SIDE, SIDE);
            run(many[i], &s);
        }
        for (uint32_t chain = 0; chain < 3; chain++) {
            WORKS(rwt_sampler_sample(many[chain == 0 ? 0 : 1], chain, alone, N));
            WORKS(rwt_sampler_sample(many[2], chain, among, N));
            CHECK(memcmp(alone, among, sizeof alone) == 0);
        }
        for (size_t i = 0; i < 3; i++)
            rwt_sampler_free(many[i]);
    }
}

/* The chains from `first` on, up to three of them side by side. */
static rwt_sampler *sampler_from(gaussian *g, const uint8_t *mask, rwt_sampler_options options, uint64_t first)
{
    rwt_denoiser_info info;
    rwt_denoiser *denoiser;
    rwt_operator *operator = NULL;
    rwt_sampler *sampler;
    WORKS(rwt_denoiser_info_init(&info, sizeof info));
    info.mean = g->mean;
    info.variance = g->variance;
    info.batch = 3;
    options.first_chain = first;
    WORKS(rwt_denoiser_from_callback(&info, gaussian_denoise, g, NULL, &denoiser));
    if (mask)
        WORKS(rwt_operator_mask(mask, 1, SIDE, SIDE, &operator));
    WORKS(rwt_sampler_create(denoiser, operator, &options, 1, SIDE, SIDE, &sampler));
    rwt_operator_free(operator);
    rwt_denoiser_free(denoiser);
    return sampler;
}

void chains_from_a_later_one_on_are_those_of_a_longer_run(void)
{
    enum { ALL = 8, FIRST = 4 };
    float part[N], whole[N];
    for (int32_t method = -1; method <= RWT_METHOD_TEMPLATE; method++) {
        setting s = setting_of(method);
        s.options.chains = ALL;
        rwt_sampler *all = sampler_from(&s.g, s.n ? s.mask : NULL, s.options, 0); /* groups of 3, 3 and 2 */
        s.options.chains = ALL - FIRST;
        rwt_sampler *last = sampler_from(&s.g, s.n ? s.mask : NULL, s.options, FIRST); /* 2 and 2 */
        run(all, &s);
        run(last, &s);
        for (uint32_t chain = 0; chain < ALL - FIRST; chain++) {
            WORKS(rwt_sampler_sample(last, chain, part, N));
            WORKS(rwt_sampler_sample(all, FIRST + chain, whole, N));
            CHECK(memcmp(part, whole, sizeof part) == 0);
            WORKS(rwt_sampler_sample(all, chain, whole, N));
            CHECK(memcmp(part, whole, sizeof part) != 0);
        }
        rwt_sampler_free(all);
        rwt_sampler_free(last);
    }
}

void a_failure_names_the_chain_by_its_number_in_the_whole_run(void)
{
    rwt_sampler_options options = few_levels();
    options.chains = 6;
    options.threads = 1;
    gaussian g = {.mean = 0, .variance = 1, .fail_at = 12 + 5, .fail_status = 77};
    rwt_sampler *sampler = sampler_from(&g, NULL, options, 40); /* the second group of 3 fails */
    FAILS(rwt_sampler_run(sampler, NULL, 0, NULL, NULL), RWT_ERR_DENOISER, "of chain 43");
    rwt_sampler_free(sampler);
    gaussian nan = {.mean = 0, .variance = 1, .fail_at = 12 + 5};
    sampler = sampler_from(&nan, NULL, options, 40);
    FAILS(rwt_sampler_run(sampler, NULL, 0, NULL, NULL), RWT_ERR_NOT_FINITE, "chain 44"); /* NaN in the middle of 3 */
    rwt_sampler_free(sampler);
    gaussian late = {.mean = 0, .variance = 1};
    sampler = sampler_from(&late, NULL, options, (UINT64_C(1) << 63) - 7); /* as far as the numbers go */
    WORKS(rwt_sampler_run(sampler, NULL, 0, NULL, NULL));
    rwt_sampler_free(sampler);
}

void antithetic_chains_are_pairs_with_the_bits_of_a_shorter_run(void)
{
    enum { PAIRS = 4, FIRST = 3 };
    float plain[N], whole[N], part[N], other[N];
    for (int32_t method = -1; method <= RWT_METHOD_TEMPLATE; method++) {
        setting s = setting_of(method);
        s.options.chains = PAIRS;
        rwt_sampler *independent = sampler_from(&s.g, s.n ? s.mask : NULL, s.options, 0);
        s.options.antithetic = 1;
        s.options.chains = 2 * PAIRS;
        rwt_sampler *pairs = sampler_from(&s.g, s.n ? s.mask : NULL, s.options, 0); /* groups that cut pairs */
        s.options.chains = 2 * PAIRS - FIRST;
        rwt_sampler *last = sampler_from(&s.g, s.n ? s.mask : NULL, s.options, FIRST); /* from the middle of a pair on */
        run(independent, &s);
        run(pairs, &s);
        run(last, &s);
        double spread = 0, between = 0;
        float centre[N];
        for (uint32_t pair = 0; pair < PAIRS; pair++) {
            WORKS(rwt_sampler_sample(independent, pair, plain, N));
            WORKS(rwt_sampler_sample(pairs, 2 * pair, whole, N));
            WORKS(rwt_sampler_sample(pairs, 2 * pair + 1, other, N));
            CHECK(memcmp(plain, whole, sizeof plain) == 0);
            for (size_t i = 0; i < N; i++) { /* of a Gaussian all pairs have the same mean */
                const float mean = (whole[i] + other[i]) / 2;
                centre[i] = pair == 0 ? mean : centre[i];
                between += (mean - centre[i]) * (mean - centre[i]);
                spread += (whole[i] - mean) * (whole[i] - mean);
            }
        }
        CHECK(spread > 0 && between < 1e-4 * spread);
        for (uint32_t chain = FIRST; chain < 2 * PAIRS; chain++) {
            WORKS(rwt_sampler_sample(pairs, chain, whole, N));
            WORKS(rwt_sampler_sample(last, chain - FIRST, part, N));
            CHECK(memcmp(part, whole, sizeof part) == 0);
        }
        rwt_sampler_free(independent);
        rwt_sampler_free(pairs);
        rwt_sampler_free(last);
    }
}
