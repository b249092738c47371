/* What happens during a run: callbacks, failures, cancelling. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

enum { SIDE = 4, N = SIDE * SIDE };

void release_is_called_once_when_the_last_user_is_freed(void)
{
    gaussian g = {.mean = 0, .variance = 1};
    rwt_denoiser *denoiser = gaussian_open(&g);
    rwt_sampler *samplers[2] = {NULL, NULL};
    const rwt_sampler_options options = few_levels();
    for (size_t i = 0; i < 2; i++)
        WORKS(rwt_sampler_create(denoiser, NULL, &options, 1, SIDE, SIDE, &samplers[i]));
    rwt_denoiser_free(denoiser);
    CHECK(g.releases == 0);
    WORKS(rwt_sampler_run(samplers[0], NULL, 0, NULL, NULL)); /* it outlives the handle */
    CHECK(g.calls == 2 * 12);
    rwt_sampler_free(samplers[1]);
    CHECK(g.releases == 0);
    rwt_sampler_free(samplers[0]);
    CHECK(g.releases == 1);

    gaussian alone = {.mean = 0, .variance = 1};
    rwt_denoiser_free(gaussian_open(&alone));
    CHECK(alone.releases == 1);
}

void release_is_never_called_if_the_denoiser_is_refused(void)
{
    gaussian g = {.mean = 0, .variance = 1};
    rwt_denoiser_info info;
    WORKS(rwt_denoiser_info_init(&info, sizeof info));
    info.variance = 0;
    rwt_denoiser *denoiser = NULL;
    FAILS(rwt_denoiser_from_callback(&info, gaussian_denoise, &g, gaussian_release, &denoiser), RWT_ERR_ARGUMENT, "");
    CHECK(g.releases == 0 && !denoiser);
}

void a_callback_that_takes_several_images_is_called_less_often(void)
{
    enum { MOST = 6 };
    float samples[2][MOST * N];
    const uint8_t mask[N] = {1, 1};
    const float y[N] = {0.5F, 0.2F};
    for (int side_by_side = 0; side_by_side < 2; side_by_side++) {
        gaussian g = {.mean = 0.2, .variance = 0.5};
        rwt_denoiser_info info;
        WORKS(rwt_denoiser_info_init(&info, sizeof info));
        CHECK(info.batch == 1);
        info.batch = side_by_side ? 4 : 1;
        rwt_denoiser *denoiser;
        WORKS(rwt_denoiser_from_callback(&info, gaussian_denoise, &g, NULL, &denoiser));
        rwt_sampler_options options = few_levels();
        options.chains = MOST;
        rwt_operator *operator;
        WORKS(rwt_operator_mask(mask, 1, SIDE, SIDE, &operator));
        rwt_sampler *sampler;
        WORKS(rwt_sampler_create(denoiser, operator, &options, 1, SIDE, SIDE, &sampler));
        WORKS(rwt_sampler_run(sampler, y, N, NULL, NULL));
        CHECK(g.calls == (side_by_side ? 2 : MOST) * (2 * 12 - 1)); /* two groups of three */
        for (uint32_t chain = 0; chain < MOST; chain++)
            WORKS(rwt_sampler_sample(sampler, chain, samples[side_by_side] + chain * N, N));
        rwt_sampler_free(sampler);
        rwt_operator_free(operator);
        rwt_denoiser_free(denoiser);
    }
    CHECK(memcmp(samples[0], samples[1], sizeof samples[0]) == 0);
}

void a_failing_callback_stops_the_run_with_its_status_named(void)
{
    gaussian g = {.mean = 0, .variance = 1, .fail_at = 5, .fail_status = -4321};
    rwt_sampler *sampler = sampler_of(&g, NULL, few_levels(), SIDE, SIDE);
    FAILS(rwt_sampler_run(sampler, NULL, 0, NULL, NULL), RWT_ERR_DENOISER, "-4321");
    CHECK(g.calls == 5);
    WORKS(rwt_sampler_run(sampler, NULL, 0, NULL, NULL)); /* the sampler is as good as before */
    rwt_sampler_free(sampler);
}

static void nan_names_the_level(const uint8_t *mask, const float *y, size_t n, int32_t method)
{
    rwt_sampler_options options = few_levels();
    options.method = method;
    gaussian g = {.mean = 0, .variance = 1, .fail_at = 6};
    rwt_sampler *sampler = sampler_of(&g, mask, options, SIDE, SIDE);
    FAILS(rwt_sampler_run(sampler, y, n, NULL, NULL), RWT_ERR_NOT_FINITE, "sigma ");
    const double sigma = strtod(strstr(rwt_last_error(), "sigma ") + strlen("sigma "), NULL);
    CHECK(fabs(sigma / g.fail_sigma - 1) < 1e-3);
    CHECK(g.calls == 6);
    rwt_sampler_free(sampler);
}

void nan_from_a_callback_stops_the_run_with_the_level_named(void)
{
    const uint8_t mask[N] = {1, 1};
    const float y[N] = {0.5F, 0.2F};
    nan_names_the_level(NULL, NULL, 0, RWT_METHOD_GLA);
    for (int32_t method = RWT_METHOD_GLA; method <= RWT_METHOD_TEMPLATE; method++)
        nan_names_the_level(mask, y, N, method);
}

/* As networks do, it answers something finite to anything. */
static rwt_status bounded(void *user, const float *x, size_t n, double sigma, float *denoised)
{
    (void)user;
    (void)sigma;
    for (size_t i = 0; i < n; i++)
        denoised[i] = x[i] > 1 ? 1 : x[i] < -1 ? -1 : isnan(x[i]) ? 0 : x[i];
    return RWT_OK;
}

void a_huge_measurement_gives_no_sample_that_is_not_finite(void)
{
    const uint8_t mask[N] = {1, 1};
    const float y[N] = {3e38F, -3e38F};
    rwt_denoiser *denoiser = NULL;
    rwt_operator *operator = NULL;
    WORKS(rwt_denoiser_from_callback(NULL, bounded, NULL, NULL, &denoiser));
    WORKS(rwt_operator_mask(mask, 1, SIDE, SIDE, &operator));
    for (int32_t method = RWT_METHOD_GLA; method <= RWT_METHOD_TEMPLATE; method++) {
        rwt_sampler_options options = few_levels();
        options.method = method;
        options.eta = 0.005;
        rwt_sampler *sampler = NULL;
        WORKS(rwt_sampler_create(denoiser, operator, &options, 1, SIDE, SIDE, &sampler));
        float out[N];
        if (rwt_sampler_run(sampler, y, N, NULL, NULL) == RWT_OK) {
            WORKS(rwt_sampler_sample(sampler, 0, out, N));
            CHECK(all_finite(out, N));
        }
        rwt_sampler_free(sampler);
    }
    rwt_operator_free(operator);
    rwt_denoiser_free(denoiser);
}

typedef struct watch {
    uint64_t calls, cancel_at, wrong;
    uint32_t chains_done;
} watch;

static int32_t on_progress(void *user, const rwt_progress *p)
{
    watch *w = user;
    w->calls++;
    w->wrong += p->struct_size != sizeof *p || p->evaluations != w->calls || p->sigma <= 0;
    w->wrong += p->chains_done < w->chains_done || p->chains != 3 || p->evaluations > p->total;
    w->chains_done = p->chains_done;
    return w->calls == w->cancel_at;
}

void progress_counts_every_evaluation(void)
{
    const uint8_t mask[N] = {1, 0, 1, 1};
    const float y[N] = {0.5F, 0, 0.2F, -1};
    for (int32_t method = RWT_METHOD_GLA; method <= RWT_METHOD_TEMPLATE; method++) {
        rwt_sampler_options options = few_levels();
        options.method = method;
        options.chains = 3;
        gaussian g = {.mean = 0, .variance = 1};
        watch w = {.calls = 0};
        rwt_sampler *sampler = sampler_of(&g, mask, options, SIDE, SIDE);
        WORKS(rwt_sampler_run(sampler, y, N, on_progress, &w));
        CHECK(w.wrong == 0 && w.calls == (method == RWT_METHOD_GLA ? 3 * 23 : 3 * 12));
        CHECK(w.calls == (uint64_t)g.calls && w.chains_done == 2);
        rwt_sampler_free(sampler);
    }
}

void progress_cancels_and_the_chains_that_began_are_readable(void)
{
    rwt_sampler_options options = few_levels();
    options.chains = 3;
    gaussian g = {.mean = 0, .variance = 1};
    watch w = {.cancel_at = 12 + 5};
    rwt_sampler *sampler = sampler_of(&g, NULL, options, SIDE, SIDE);
    FAILS(rwt_sampler_run(sampler, NULL, 0, on_progress, &w), RWT_ERR_CANCELLED, "cancel");
    CHECK(g.calls == 12 + 5 && w.wrong == 0);
    CHECK(rwt_sampler_started(sampler) == 2 && rwt_sampler_finished(sampler) == 1);
    float cancelled[2][N], whole[N], mean[N];
    for (uint32_t chain = 0; chain < 2; chain++) {
        WORKS(rwt_sampler_sample(sampler, chain, cancelled[chain], N));
        CHECK(all_finite(cancelled[chain], N));
    }
    FAILS(rwt_sampler_sample(sampler, 2, whole, N), RWT_ERR_ARGUMENT, "2 chains began");
    WORKS(rwt_sampler_mean(sampler, mean, N));
    CHECK(memcmp(mean, cancelled[0], sizeof mean) == 0); /* over the finished chain */
    w = (watch){.cancel_at = 5};
    FAILS(rwt_sampler_run(sampler, NULL, 0, on_progress, &w), RWT_ERR_CANCELLED, "cancel");
    CHECK(rwt_sampler_started(sampler) == 1 && rwt_sampler_finished(sampler) == 0);
    WORKS(rwt_sampler_mean(sampler, mean, N)); /* none is finished: over what began */
    WORKS(rwt_sampler_sample(sampler, 0, whole, N));
    CHECK(memcmp(mean, whole, sizeof mean) == 0);
    w = (watch){.calls = 0};
    WORKS(rwt_sampler_run(sampler, NULL, 0, on_progress, &w));
    CHECK(rwt_sampler_started(sampler) == 3 && rwt_sampler_finished(sampler) == 3);
    WORKS(rwt_sampler_sample(sampler, 0, whole, N));
    CHECK(memcmp(whole, cancelled[0], sizeof whole) == 0); /* this chain was finished */
    rwt_sampler_free(sampler);
}

/* A run and a thread that cancels it. */
typedef struct race {
    rwt_sampler *sampler;
    atomic_int begun;
    atomic_long evaluations;
    int32_t wait; /* evaluations before the cancel */
} race;

static int32_t on_evaluation(void *user, const rwt_progress *p)
{
    race *r = user;
    atomic_store(&r->evaluations, (long)p->evaluations);
    atomic_store(&r->begun, 1);
    return 0;
}

static void *canceller(void *user)
{
    race *r = user;
    while (!atomic_load(&r->begun) || atomic_load(&r->evaluations) < r->wait)
        ;
    CHECK(rwt_sampler_cancel(r->sampler) == RWT_OK);
    return NULL;
}

void another_thread_cancels_a_run(void)
{
    rwt_sampler_options options = few_levels();
    options.levels = quick ? 20000 : 1000000;
    options.chains = 1000;
    gaussian g = {.mean = 0, .variance = 1};
    race r = {.sampler = sampler_of(&g, NULL, options, SIDE, SIDE), .wait = 100};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, canceller, &r) == 0);
    FAILS(rwt_sampler_run(r.sampler, NULL, 0, on_evaluation, &r), RWT_ERR_CANCELLED, "cancel");
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(rwt_sampler_started(r.sampler) >= 1);
    float out[N];
    WORKS(rwt_sampler_sample(r.sampler, 0, out, N));
    rwt_sampler_free(r.sampler);
}

/* The cancel may come when one chain is done and the next has not begun: many tries meet that moment. */
void a_run_that_was_cancelled_between_chains_says_so(void)
{
    rwt_sampler_options options = few_levels();
    options.levels = 2;
    options.chains = quick ? 500 : 2000;
    gaussian g = {.mean = 0, .variance = 1};
    for (int32_t i = 0; i < (quick ? 2 : 300); i++) {
        race r = {.sampler = sampler_of(&g, NULL, options, 1, 1), .wait = 1 + i % 64};
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, canceller, &r) == 0);
        const rwt_status status = rwt_sampler_run(r.sampler, NULL, 0, on_evaluation, &r);
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK(status == RWT_ERR_CANCELLED || status == RWT_OK);
        CHECK(status == RWT_ERR_CANCELLED || rwt_sampler_started(r.sampler) == options.chains);
        rwt_sampler_free(r.sampler);
    }
}

void cancel_without_a_run_is_forgotten(void)
{
    gaussian g = {.mean = 0, .variance = 1};
    rwt_sampler *sampler = sampler_of(&g, NULL, few_levels(), SIDE, SIDE);
    WORKS(rwt_sampler_cancel(sampler));
    WORKS(rwt_sampler_run(sampler, NULL, 0, NULL, NULL));
    WORKS(rwt_sampler_cancel(sampler));
    CHECK(rwt_sampler_started(sampler) == 2);
    rwt_sampler_free(sampler);
}

typedef struct busy {
    rwt_sampler *sampler;
    uint64_t calls, wrong;
} busy;

static int32_t call_it_meanwhile(void *user, const rwt_progress *p)
{
    busy *b = user;
    float out[N] = {7};
    (void)p;
    b->calls++;
    b->wrong += rwt_sampler_run(b->sampler, NULL, 0, NULL, NULL) != RWT_ERR_BUSY;
    b->wrong += strstr(rwt_last_error(), "serving another call") == NULL;
    b->wrong += rwt_sampler_sample(b->sampler, 0, out, N) != RWT_ERR_BUSY;
    b->wrong += rwt_sampler_mean(b->sampler, out, N) != RWT_ERR_BUSY;
    b->wrong += rwt_sampler_std(b->sampler, out, N) != RWT_ERR_BUSY;
    b->wrong += rwt_sampler_started(b->sampler) != 0 || rwt_sampler_finished(b->sampler) != 0;
    b->wrong += out[0] != 7;
    return 0;
}

void a_sampler_is_busy_while_it_runs(void)
{
    gaussian g = {.mean = 0, .variance = 1};
    busy b = {.sampler = sampler_of(&g, NULL, few_levels(), SIDE, SIDE)};
    WORKS(rwt_sampler_run(b.sampler, NULL, 0, call_it_meanwhile, &b));
    CHECK(b.calls == 2 * 12 && b.wrong == 0);
    CHECK(rwt_sampler_started(b.sampler) == 2);
    rwt_sampler_free(b.sampler);
}
