/* Diagnostics of the caller's arrays, against numbers of other programs. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "test.h"

enum { MOST = 4000 };

/* AR(1) chains of uniform innovations by Knuth's generator. */
static void trace(size_t chains, size_t draws, double rho, double apart, uint64_t seed, double *out)
{
    uint64_t state = seed;
    for (size_t chain = 0; chain < chains; chain++) {
        double x = 0;
        for (size_t i = 0; i < draws; i++) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            x = rho * x + ((double)(state >> 11) / 9007199254740992.0 - 0.5);
            out[chain * draws + i] = x + apart * (double)chain;
        }
    }
}

void split_rhat_and_ess_are_those_of_arviz(void)
{
    /* arviz 0.23.4: rhat(method="split"), ess(method="mean") */
    static const struct {
        size_t chains, draws;
        double rho, apart;
        uint64_t seed;
        double rhat, size;
    } ALL[] = {
        {4, 100, 0.5, 0.0, 1, 1.011453183979828, 169.9513956819836},
        {3, 51, -0.6, 0.0, 2, 0.990925179446828, 326.4136888583522},
        {2, 40, 0.95, 0.5, 3, 1.4954396237271657, 4.497927928778201},
        {1, 30, 0.3, 0.0, 4, 1.0041232243799927, 22.724562863617443},
        {4, 1000, 0.9, 0.02, 5, 1.0106254093428464, 222.34781821338998},
    };
    static double draws[MOST];
    for (size_t i = 0; i < sizeof ALL / sizeof *ALL; i++) {
        double found = 0;
        trace(ALL[i].chains, ALL[i].draws, ALL[i].rho, ALL[i].apart, ALL[i].seed, draws);
        WORKS(rwt_split_rhat(draws, ALL[i].chains, ALL[i].draws, &found));
        CHECK(fabs(found / ALL[i].rhat - 1) < 1e-10);
        WORKS(rwt_ess(draws, ALL[i].chains, ALL[i].draws, &found));
        CHECK(fabs(found / ALL[i].size - 1) < 1e-10);
    }
}

void the_fit_is_that_of_chi_squared(void)
{
    const float y[] = {1, 2, 3, 4, 5, 6, 7, 8}, applied[] = {1.5F, 1.5F, 3.25F, 4, 4.5F, 6.5F, 7.5F, 7};
    rwt_fit_report report;
    /* scipy 1.17.1: chi2.cdf(9.25, 8) and norm.ppf of it */
    WORKS(rwt_fit(y, applied, 8, 0.5, NULL, &report, sizeof report));
    CHECK(report.struct_size == sizeof report && report.measurements == 8);
    CHECK(report.chi2 == 9.25 && report.std == 4);
    CHECK(fabs(report.z - 0.46309726092395465) < 0.02 && fabs(report.probability - 0.6783526733706231) < 2e-3);
    /* an eta for each, and one that was not measured; chi2.cdf(6.5, 3) */
    const float noisy[] = {1, NAN, 5, 2}, own[] = {0, 7, 2, 2.5F}, etas[] = {0.5F, INFINITY, 2, 1};
    WORKS(rwt_fit(noisy, own, 4, (double)NAN, etas, &report, sizeof report));
    CHECK(report.measurements == 3 && report.chi2 == 6.5);
    CHECK(fabs(report.z - 1.3428362335111454) < 0.02 && fabs(report.probability - 0.9103374960118321) < 0.006);
    /* a caller who knows the first two members only */
    memset(&report, 0x5A, sizeof report);
    const rwt_fit_report before = report;
    const size_t known = offsetof(rwt_fit_report, chi2);
    WORKS(rwt_fit(y, applied, 8, 0.5, NULL, &report, known));
    CHECK(report.struct_size == known && report.measurements == 8);
    CHECK(memcmp((char *)&report + known, (const char *)&before + known, sizeof report - known) == 0);
}

void samples_on_a_line_are_cut_where_a_hand_would(void)
{
    /* 0, 0, 1, 1, 1 and 9, of mean 2: between the groups 6 (8.4)^2 5/36, within them 1.2 */
    const float line[] = {1, 9, 0, 1, 0, 1};
    const double expected[] = {-1, 7, -2, -1, -2, -1};
    double places[6];
    rwt_modes_report report;
    WORKS(rwt_modes(line, 6, 1, places, &report, sizeof report));
    CHECK(report.separate == 1 && report.smaller == 1 && fabs(report.ratio / 49 - 1) < 1e-9);
    CHECK(fabs(report.critical - (4 * exp((1.9 + 13.0 / 6) / sqrt(6)) - 1)) < 1e-9);
    const double sign = places[1] > 0 ? 1 : -1;
    for (size_t i = 0; i < 6; i++)
        CHECK(fabs(places[i] * sign - expected[i]) < 1e-6);
    CHECK(fabs(report.cut * sign - 3) < 1e-6);
    WORKS(rwt_modes(line, 6, 1, NULL, &report, sizeof report));
    /* one Gaussian of 64 samples in 8 dimensions, and half of it far away */
    float samples[64 * 8];
    WORKS(rwt_noise(3, 0, 0, 64 * 8, samples));
    WORKS(rwt_modes(samples, 64, 8, NULL, &report, sizeof report));
    CHECK(report.separate == 0 && report.ratio < report.critical);
    for (size_t i = 0; i < 32 * 8; i++)
        samples[i] += 4; /* 4 sqrt(8) = 11 standard deviations */
    WORKS(rwt_modes(samples, 64, 8, NULL, &report, sizeof report));
    CHECK(report.separate == 1 && report.smaller == 32);
}

static void bad_chains(void)
{
    double draws[40], out = 7;
    for (size_t i = 0; i < 40; i++)
        draws[i] = (double)(i * i % 11);
    FAILS(rwt_split_rhat(NULL, 4, 10, &out), RWT_ERR_ARGUMENT, "draws is NULL");
    FAILS(rwt_split_rhat(draws, 4, 10, NULL), RWT_ERR_ARGUMENT, "out is NULL");
    FAILS(rwt_split_rhat(draws, 0, 10, &out), RWT_ERR_ARGUMENT, "chains must be at least 1, found 0");
    FAILS(rwt_split_rhat(draws, 10, 3, &out), RWT_ERR_ARGUMENT, "draws_per_chain must be at least 4, found 3");
    FAILS(rwt_ess(draws, 5, 8, &out), RWT_ERR_ARGUMENT, "draws_per_chain must be at least 10, found 8");
    FAILS(rwt_ess(draws, SIZE_MAX / 2, 10, &out), RWT_ERR_ARGUMENT, "chains * draws_per_chain is too large");
    FAILS(rwt_ess(draws, 1, SIZE_MAX / 8, &out), RWT_ERR_ARGUMENT, "draws cannot have");
    draws[17] = (double)NAN;
    FAILS(rwt_ess(draws, 4, 10, &out), RWT_ERR_ARGUMENT, "draws must be finite everywhere, found NaN");
    draws[17] = 1e300;
    FAILS(rwt_split_rhat(draws, 4, 10, &out), RWT_ERR_ARGUMENT, "the variance of the draws must be finite");
    for (size_t i = 0; i < 40; i++)
        draws[i] = 0.1;
    FAILS(rwt_split_rhat(draws, 4, 10, &out), RWT_ERR_ARGUMENT, "not all the same, found 0.1");
    CHECK(out == 7);
}

static void bad_fits(void)
{
    const float y[] = {1, 2}, nan[] = {NAN, 2}, etas[] = {1, -1}, none[] = {INFINITY, INFINITY};
    const double bad[] = {0, -1, (double)NAN, (double)INFINITY, -(double)INFINITY};
    rwt_fit_report report = {.chi2 = 7};
    FAILS(rwt_fit(NULL, y, 2, 1, NULL, &report, sizeof report), RWT_ERR_ARGUMENT, "y is NULL");
    FAILS(rwt_fit(y, NULL, 2, 1, NULL, &report, sizeof report), RWT_ERR_ARGUMENT, "applied is NULL");
    FAILS(rwt_fit(y, y, 2, 1, NULL, NULL, sizeof report), RWT_ERR_ARGUMENT, "NULL");
    FAILS(rwt_fit(y, y, 2, 1, NULL, &report, 3), RWT_ERR_ARGUMENT, "struct_size");
    FAILS(rwt_fit(y, y, 0, 1, NULL, &report, sizeof report), RWT_ERR_ARGUMENT, "measurements must be at least 1");
    FAILS(rwt_fit(y, y, SIZE_MAX, 1, NULL, &report, sizeof report), RWT_ERR_ARGUMENT, "y cannot have");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        FAILS(rwt_fit(y, y, 2, bad[i], NULL, &report, sizeof report), RWT_ERR_ARGUMENT, "eta must be");
    FAILS(rwt_fit(y, y, 2, 1, etas, &report, sizeof report), RWT_ERR_ARGUMENT, "eta must be above 0, found -1");
    FAILS(rwt_fit(y, y, 2, 1, none, &report, sizeof report), RWT_ERR_ARGUMENT, "measurements must be at least 1");
    FAILS(rwt_fit(nan, y, 2, 1, NULL, &report, sizeof report), RWT_ERR_ARGUMENT, "y must be finite");
    FAILS(rwt_fit(y, nan, 2, 1, NULL, &report, sizeof report), RWT_ERR_ARGUMENT, "applied must be finite");
    FAILS(rwt_fit(y, nan + 1, 1, 1e-300, NULL, &report, sizeof report), RWT_ERR_ARGUMENT, "chi2 must be finite");
    CHECK(report.chi2 == 7);
}

static void bad_modes(void)
{
    float samples[16] = {0};
    double places[8] = {7};
    rwt_modes_report report = {.ratio = 7};
    FAILS(rwt_modes(samples, 8, 2, places, &report, sizeof report), RWT_ERR_ARGUMENT, "the spread of the samples");
    for (size_t i = 0; i < 16; i++)
        samples[i] = (float)i;
    FAILS(rwt_modes(NULL, 8, 2, NULL, &report, sizeof report), RWT_ERR_ARGUMENT, "samples is NULL");
    FAILS(rwt_modes(samples, 8, 2, places, NULL, sizeof report), RWT_ERR_ARGUMENT, "NULL");
    FAILS(rwt_modes(samples, 8, 2, places, &report, 0), RWT_ERR_ARGUMENT, "struct_size");
    FAILS(rwt_modes(samples, 5, 2, NULL, &report, sizeof report), RWT_ERR_ARGUMENT, "at least 6, found 5");
    FAILS(rwt_modes(samples, 0, 2, NULL, &report, sizeof report), RWT_ERR_ARGUMENT, "at least 6, found 0");
    FAILS(rwt_modes(samples, 8, 0, NULL, &report, sizeof report), RWT_ERR_ARGUMENT, "n must be at least 1");
    FAILS(rwt_modes(samples, SIZE_MAX / 2, 4, NULL, &report, sizeof report), RWT_ERR_ARGUMENT, "chains * n is too large");
    FAILS(rwt_modes(samples, SIZE_MAX / 8, 4, NULL, &report, sizeof report), RWT_ERR_ARGUMENT, "samples cannot have");
    FAILS(rwt_modes(samples, (size_t)1 << 40, 1, NULL, &report, sizeof report), RWT_ERR_MEMORY, "no memory");
    samples[3] = INFINITY;
    FAILS(rwt_modes(samples, 8, 2, places, &report, sizeof report), RWT_ERR_ARGUMENT, "samples must be finite");
    CHECK(report.ratio == 7 && places[0] == 7);
}

void a_bad_argument_of_a_diagnostic_is_an_error(void)
{
    bad_chains();
    bad_fits();
    bad_modes();
}
