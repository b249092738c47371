/* Runs in a folder: samples written as they come, and runs that go on where they stood. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "test.h"

enum { SIDE = 4, N = SIDE * SIDE, CHAINS = 5, LEVELS = 12 };

static const uint8_t MASK[N] = {1, 0, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 1};
static const float Y[N] = {0.4F, 0, 0.2F, 0, 0, -0.3F, 0, 0, 0.1F, 0.5F, 0, 0, -0.2F, 0, 0, 0.3F};

static const char *folder(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", scratch_folder, name);
    return path;
}

static rwt_sampler_options five_chains(int method, uint32_t batch)
{
    rwt_sampler_options options = few_levels();
    options.method = method;
    options.chains = CHAINS;
    options.levels = LEVELS;
    options.threads = 1;
    options.sigma_max = 2;
    options.checkpoint_seconds = batch; /* 0: after every level */
    return options;
}

/* Cancels after so many evaluations. */
typedef struct stop {
    uint64_t after, seen, first;
    double coarse;
} stop;

static int32_t count(void *user, const rwt_progress *progress)
{
    stop *s = user;
    if (s->seen == 0)
        s->first = progress->evaluations;
    s->seen++;
    s->coarse = progress->coarse;
    return s->after > 0 && s->seen >= s->after;
}

static void read_all(rwt_sampler *sampler, float samples[CHAINS * N])
{
    for (uint32_t chain = 0; chain < CHAINS; chain++)
        WORKS(rwt_sampler_sample(sampler, chain, samples + chain * N, N));
}

void an_interrupted_run_goes_on_with_the_same_bits(void)
{
    for (int method = 0; method < 3; method++) {
        float whole[CHAINS * N], resumed[CHAINS * N], means[2][N], stds[2][N];
        gaussian g = {.mean = 0.1, .variance = 0.3};
        rwt_sampler *sampler = sampler_of(&g, MASK, five_chains(method, 60), SIDE, SIDE);
        WORKS(rwt_sampler_run(sampler, Y, N, NULL, NULL));
        read_all(sampler, whole);
        WORKS(rwt_sampler_mean(sampler, means[0], N));
        WORKS(rwt_sampler_std(sampler, stds[0], N));
        rwt_sampler_free(sampler);
        const long each = method == RWT_METHOD_GLA ? 2 * LEVELS - 1 : LEVELS;

        /* cut at many places, with places written on cancelling only and after every level */
        for (uint64_t after = 1; after < (uint64_t)(CHAINS * each); after += quick ? 17 : 3) {
            char name[64];
            snprintf(name, sizeof name, "resume-%d-%u", method, (unsigned)after);
            const char *path = folder(name);
            const rwt_sampler_options options = five_chains(method, after % 2 ? 0 : 60);
            gaussian first = {.mean = 0.1, .variance = 0.3}, second = first;
            stop cut = {.after = after}, rest = {0};
            rwt_sampler *interrupted = sampler_of(&first, MASK, options, SIDE, SIDE);
            FAILS(rwt_sampler_run_in(interrupted, path, Y, N, count, &cut), RWT_ERR_CANCELLED, "");
            CHECK(rwt_sampler_started(interrupted) > 0);
            rwt_sampler_free(interrupted);

            rwt_sampler *going_on = sampler_of(&second, MASK, options, SIDE, SIDE);
            WORKS(rwt_sampler_run_in(going_on, path, Y, N, count, &rest));
            read_all(going_on, resumed);
            CHECK(memcmp(whole, resumed, sizeof whole) == 0);
            WORKS(rwt_sampler_mean(going_on, means[1], N));
            WORKS(rwt_sampler_std(going_on, stds[1], N));
            CHECK(memcmp(means[0], means[1], sizeof means[0]) == 0);
            CHECK(memcmp(stds[0], stds[1], sizeof stds[0]) == 0);
            /* what was done is not done again: each asks once more than needed, at the start */
            CHECK(first.calls + second.calls == CHAINS * each + 2);
            CHECK(rest.seen == 0 || rest.first == (uint64_t)first.calls);
            rwt_sampler_free(going_on);
        }
    }
}

void more_chains_go_on_from_those_that_are_there(void)
{
    const char *path = folder("more");
    float whole[CHAINS * N], grown[CHAINS * N];
    gaussian g = {.mean = 0.1, .variance = 0.3}, few = g, more = g;
    rwt_sampler *sampler = sampler_of(&g, MASK, five_chains(0, 60), SIDE, SIDE);
    WORKS(rwt_sampler_run(sampler, Y, N, NULL, NULL));
    read_all(sampler, whole);
    rwt_sampler_free(sampler);
    rwt_sampler_options options = five_chains(0, 60);
    options.chains = 2;
    sampler = sampler_of(&few, MASK, options, SIDE, SIDE);
    WORKS(rwt_sampler_run_in(sampler, path, Y, N, NULL, NULL));
    rwt_sampler_free(sampler);
    sampler = sampler_of(&more, MASK, five_chains(0, 60), SIDE, SIDE);
    WORKS(rwt_sampler_run_in(sampler, path, Y, N, NULL, NULL));
    read_all(sampler, grown);
    CHECK(memcmp(whole, grown, sizeof whole) == 0);
    CHECK(more.calls == 3 * (2 * LEVELS - 1) + 1);
    rwt_sampler_free(sampler);
}

void a_sample_in_the_folder_is_an_array_of_numpy(void)
{
    const char *path = folder("npy");
    gaussian g = {.mean = 0.1, .variance = 0.3};
    rwt_sampler_options options = five_chains(0, 60);
    options.first_chain = 7;
    rwt_sampler *sampler = sampler_of(&g, MASK, options, SIDE, SIDE);
    WORKS(rwt_sampler_run_in(sampler, path, Y, N, NULL, NULL));
    char name[4200], header[129] = {0};
    snprintf(name, sizeof name, "%s/sample-%08d.npy", path, 7 + 3);
    FILE *file = fopen(name, "rb");
    float stored[N], sample[N];
    CHECK(file && fread(header, 1, 128, file) == 128 && fread(stored, sizeof *stored, N, file) == N);
    CHECK(fgetc(file) == EOF);
    fclose(file);
    CHECK(memcmp(header, "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4, 4), }", 71) == 0);
    CHECK(header[127] == '\n');
    WORKS(rwt_sampler_sample(sampler, 3, sample, N));
    CHECK(memcmp(sample, stored, sizeof sample) == 0);
    rwt_sampler_free(sampler);
}

void a_folder_of_another_run_or_a_broken_file_is_an_error(void)
{
    const char *path = folder("other");
    gaussian g = {.mean = 0.1, .variance = 0.3};
    const rwt_sampler_options options = five_chains(0, 60);
    rwt_sampler *sampler = sampler_of(&g, MASK, options, SIDE, SIDE);
    WORKS(rwt_sampler_run_in(sampler, path, Y, N, NULL, NULL));
    FAILS(rwt_sampler_run_in(sampler, NULL, Y, N, NULL, NULL), RWT_ERR_ARGUMENT, "folder is NULL");
    FAILS(rwt_sampler_run_in(sampler, model_path, Y, N, NULL, NULL), RWT_ERR_IO, model_path);
    float other[N];
    memcpy(other, Y, sizeof other);
    other[0] += 0.01F;
    FAILS(rwt_sampler_run_in(sampler, path, other, N, NULL, NULL), RWT_ERR_ARGUMENT, "\"y ");
    rwt_sampler_free(sampler);

    rwt_sampler_options changed = options;
    changed.eta = 0.21;
    sampler = sampler_of(&g, MASK, changed, SIDE, SIDE);
    FAILS(rwt_sampler_run_in(sampler, path, Y, N, NULL, NULL), RWT_ERR_ARGUMENT, "eta 0.2");
    rwt_sampler_free(sampler);
    changed = options;
    changed.seed++;
    sampler = sampler_of(&g, MASK, changed, SIDE, SIDE);
    FAILS(rwt_sampler_run_in(sampler, path, Y, N, NULL, NULL), RWT_ERR_ARGUMENT, "seed");
    rwt_sampler_free(sampler);
    changed = options;
    changed.antithetic = 1;
    sampler = sampler_of(&g, MASK, changed, SIDE, SIDE);
    FAILS(rwt_sampler_run_in(sampler, path, Y, N, NULL, NULL), RWT_ERR_ARGUMENT, "antithetic");
    rwt_sampler_free(sampler);
    gaussian differs = g;
    sampler = sampler_of(&differs, MASK, options, SIDE, SIDE);
    differs.variance = 0.31; /* behind its own back */
    FAILS(rwt_sampler_run_in(sampler, path, Y, N, NULL, NULL), RWT_ERR_ARGUMENT, "denoiser");
    rwt_sampler_free(sampler);
    uint8_t mask[N];
    memcpy(mask, MASK, sizeof mask);
    mask[0] = 0;
    memcpy(other, Y, sizeof other);
    sampler = sampler_of(&g, mask, options, SIDE, SIDE);
    FAILS(rwt_sampler_run_in(sampler, path, other, N, NULL, NULL), RWT_ERR_ARGUMENT, "other run");
    rwt_sampler_free(sampler);

    char name[4200];
    snprintf(name, sizeof name, "%s/sample-00000002.npy", path);
    FILE *file = fopen(name, "r+b");
    CHECK(file && fseek(file, 130, SEEK_SET) == 0 && fwrite("\xff\xff\xff\xff", 1, 4, file) == 4 && fclose(file) == 0);
    sampler = sampler_of(&g, MASK, options, SIDE, SIDE);
    FAILS(rwt_sampler_run_in(sampler, path, Y, N, NULL, NULL), RWT_ERR_IO, "sample-00000002.npy");
    file = fopen(name, "wb");
    CHECK(file && fwrite("short", 1, 5, file) == 5 && fclose(file) == 0);
    FAILS(rwt_sampler_run_in(sampler, path, Y, N, NULL, NULL), RWT_ERR_IO, "found 5");
    CHECK(remove(name) == 0);
    WORKS(rwt_sampler_run_in(sampler, path, Y, N, NULL, NULL));
    rwt_sampler_free(sampler);
}

void what_is_kept_and_quantiles_are_over_all_samples(void)
{
    enum { MANY = 400, BINS = 4096 };
    float *samples = malloc(MANY * N * sizeof *samples), quantile[N], mean[2][N];
    CHECK(samples);
    gaussian g = {.mean = 0.1, .variance = 0.3};
    rwt_sampler_options options = few_levels();
    options.chains = MANY;
    rwt_sampler *sampler = sampler_of(&g, MASK, options, SIDE, SIDE);
    WORKS(rwt_sampler_run(sampler, Y, N, NULL, NULL));
    for (uint32_t chain = 0; chain < MANY; chain++)
        WORKS(rwt_sampler_sample(sampler, chain, samples + chain * N, N));
    WORKS(rwt_sampler_mean(sampler, mean[0], N));
    FAILS(rwt_sampler_quantile(sampler, 0.5, quantile, N), RWT_ERR_ARGUMENT, "set bins");
    rwt_sampler_free(sampler);

    options.keep = 150;
    options.bins = BINS;
    options.bins_low = -4;
    options.bins_high = 4;
    sampler = sampler_of(&g, MASK, options, SIDE, SIDE);
    FAILS(rwt_sampler_quantile(sampler, 0.5, quantile, N), RWT_ERR_NO_SAMPLES, "");
    WORKS(rwt_sampler_run(sampler, Y, N, NULL, NULL));
    CHECK(rwt_sampler_started(sampler) == MANY && rwt_sampler_finished(sampler) == MANY);
    float one[N];
    for (uint32_t chain = 0; chain < MANY; chain += 150) {
        WORKS(rwt_sampler_sample(sampler, chain, one, N));
        CHECK(memcmp(one, samples + chain * N, sizeof one) == 0);
    }
    FAILS(rwt_sampler_sample(sampler, 1, one, N), RWT_ERR_ARGUMENT, "3 images are kept");
    WORKS(rwt_sampler_mean(sampler, mean[1], N));
    CHECK(memcmp(mean[0], mean[1], sizeof mean[0]) == 0);
    for (int k = 1; k < 10; k++) {
        WORKS(rwt_sampler_quantile(sampler, k / 10.0, quantile, N));
        for (int i = 0; i < N; i++) {
            int below = 0;
            for (int chain = 0; chain < MANY; chain++)
                below += samples[chain * N + i] <= quantile[i] + 8.0F / BINS;
            int surely = 0;
            for (int chain = 0; chain < MANY; chain++)
                surely += samples[chain * N + i] <= quantile[i] - 8.0F / BINS;
            CHECK(surely <= MANY * k / 10 && MANY * k / 10 <= below);
        }
    }
    FAILS(rwt_sampler_quantile(sampler, 1.5, quantile, N), RWT_ERR_ARGUMENT, "probability");
    rwt_sampler_free(sampler);
    free(samples);

    options.keep = 0;
    options.chains = 8;
    sampler = sampler_of(&g, MASK, options, SIDE, SIDE);
    WORKS(rwt_sampler_run(sampler, Y, N, NULL, NULL));
    FAILS(rwt_sampler_sample(sampler, 0, one, N), RWT_ERR_ARGUMENT, "0 images are kept");
    WORKS(rwt_sampler_mean(sampler, one, N));
    rwt_sampler_report report;
    FAILS(rwt_sampler_check(sampler, &report, sizeof report), RWT_ERR_NO_SAMPLES, "keep");
    rwt_sampler_free(sampler);
    options.bins_low = 5;
    rwt_denoiser *denoiser = gaussian_open(&g);
    FAILS(rwt_sampler_create(denoiser, NULL, &options, 1, SIDE, SIDE, &sampler), RWT_ERR_ARGUMENT, "bins_low");
    rwt_denoiser_free(denoiser);
}

void a_last_level_that_is_too_coarse_is_reported(void)
{
    gaussian g = {.mean = 0.1, .variance = 0.3};
    rwt_sampler_options options = few_levels();
    stop s = {0};
    rwt_sampler *sampler = sampler_of(&g, MASK, options, SIDE, SIDE);
    WORKS(rwt_sampler_run(sampler, Y, N, count, &s));
    CHECK(s.coarse > 0.999 && s.coarse < 1.001);
    rwt_sampler_free(sampler);
    options.sigma_min = 0.12; /* eta is 0.2 */
    sampler = sampler_of(&g, MASK, options, SIDE, SIDE);
    WORKS(rwt_sampler_run(sampler, Y, N, count, &s));
    CHECK(fabs(s.coarse - 3) < 1e-6);
    rwt_sampler_report report;
    WORKS(rwt_sampler_check(sampler, &report, sizeof report));
    CHECK(report.coarse == s.coarse && report.solver == 0);
    rwt_sampler_free(sampler);
}
