/* What is measured: y = A x and noise, or counts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "restore.h"

enum { BLUR = 13, ANGLES = 45 };

static const float DARK = 1; /* counts that come from nowhere */

/* A Gaussian blur of this many pixels. */
static rwt_operator *blur(double width, size_t side)
{
    rwt_operator *operator;
    float kernel[BLUR * BLUR], sum = 0;
    for (int i = 0; i < BLUR * BLUR; i++) {
        const double y = i / BLUR - BLUR / 2, x = i % BLUR - BLUR / 2;
        sum += kernel[i] = (float)exp(-(x * x + y * y) / (2 * width * width));
    }
    for (int i = 0; i < BLUR * BLUR; i++)
        kernel[i] /= sum;
    check(rwt_operator_blur(CHANNELS, side, side, kernel, BLUR, BLUR, 0, &operator), "the operator");
    return operator;
}

static rwt_operator *lines(size_t side)
{
    rwt_operator *operator;
    double angles[ANGLES];
    for (int i = 0; i < ANGLES; i++)
        angles[i] = 3.14159265358979 * i / ANGLES;
    check(rwt_operator_radon(CHANNELS, side, side, angles, ANGLES, side * 3 / 2, &operator), "the operator");
    return operator;
}

/* y = A x + noise. */
static void add_noise(measurement *measured, const options *o, double eta, const float *truth, size_t n)
{
    float *noise = floats(measured->m);
    check(rwt_operator_apply(measured->operator, truth, n, measured->y, measured->m), "the measurement");
    check(rwt_noise(o->seed, UINT32_MAX, 0, measured->m, noise), "the noise");
    for (size_t i = 0; i < measured->m; i++)
        measured->y[i] += (float)eta * noise[i];
    measured->eta = eta;
    free(noise);
}

/* Turn rates into Poisson counts: by inversion, at most 50 at a time. */
static void count(float *rates, size_t m, uint64_t seed)
{
    float *normal = floats(m), *counts = floats(m), left = 1;
    for (uint32_t draw = 1; left > 0; draw++) {
        check(rwt_noise(seed, UINT32_MAX, draw, m, normal), "the noise");
        left = 0;
        for (size_t i = 0; i < m; i++) {
            const double rate = fmin((double)rates[i], 50), uniform = 0.5 * erfc(-(double)normal[i] / sqrt(2));
            rates[i] -= (float)rate;
            left = fmaxf(left, rates[i]);
            double term = exp(-rate), sum = term;
            for (int k = 1; rate > 0 && sum < uniform && k < 1000; k++) {
                counts[i]++;
                sum += term *= rate / k;
            }
        }
    }
    memcpy(rates, counts, m * sizeof *rates);
    free(normal);
    free(counts);
}

/* A applied to a picture that is 1 everywhere. */
static float *of_ones(const rwt_operator *operator, size_t m, size_t n)
{
    float *ones = floats(n), *applied = floats(m);
    for (size_t i = 0; i < n; i++)
        ones[i] = 1;
    check(rwt_operator_apply(operator, ones, n, applied, m), "the operator");
    free(ones);
    return applied;
}

/* Photons behind a lens that blurs: rate = photons (A (x + 1))/2 + dark, x from -1 to 1. */
static void count_photons(measurement *measured, const options *o, double photons, const float *truth, size_t n)
{
    rwt_operator *lens = measured->operator;
    float *background = of_ones(lens, measured->m, n), *y = measured->y;
    const double gain = photons / 2;
    check(rwt_operator_apply(lens, truth, n, y, measured->m), "the measurement");
    for (size_t i = 0; i < measured->m; i++) {
        background[i] = (float)gain * background[i] + DARK;
        y[i] = fmaxf((float)gain * y[i] + background[i], 0);
    }
    count(y, measured->m, o->seed);
    check(rwt_operator_poisson(lens, gain, background, measured->m, &measured->operator), "the counts");
    rwt_operator_free(lens);
    for (size_t i = 0; i < n; i++)
        measured->shown[i] = (y[i] - background[i]) / (float)gain;
    free(background);
}

/* Line integrals, back-projected, the largest value 1. */
static void back_project(const measurement *measured, const float *integrals, size_t n)
{
    check(rwt_operator_adjoint(measured->operator, integrals, measured->m, measured->shown, n), "the back-projection");
    float largest = 1e-6F;
    for (size_t i = 0; i < n; i++)
        largest = fmaxf(largest, fabsf(measured->shown[i]));
    for (size_t i = 0; i < n; i++)
        measured->shown[i] /= largest;
}

/* X-rays through an absorber: rate = photons exp(-c A (x + 1)) + dark; a white picture's longest line lets exp(-4) pass. */
static void count_rays(measurement *measured, const options *o, double photons, const float *truth, size_t n, size_t side)
{
    const float c = 2 / (float)side;
    rwt_operator *radon = measured->operator, *absorber;
    check(rwt_operator_scale(radon, c, &absorber), "the absorber");
    float *blank = of_ones(absorber, measured->m, n), *y = measured->y;
    check(rwt_operator_apply(absorber, truth, n, y, measured->m), "the measurement");
    for (size_t i = 0; i < measured->m; i++) {
        blank[i] = (float)photons * expf(-blank[i]);
        y[i] = blank[i] * expf(-y[i]) + DARK;
    }
    count(y, measured->m, o->seed);
    check(rwt_operator_transmission(absorber, blank, measured->m, &DARK, 1, &measured->operator), "the counts");
    rwt_operator_free(absorber);
    rwt_operator_free(radon);
    for (size_t i = 0; i < measured->m; i++)
        blank[i] = logf(blank[i] / fmaxf(y[i] - DARK, 0.5F)); /* what the counts say of each line */
    back_project(measured, blank, n);
    free(blank);
}

measurement measure(const options *o, const float *truth, size_t side)
{
    const size_t n = CHANNELS * side * side;
    const int is_small = strcmp(o->task, "super-resolution") == 0, is_low_dose = strcmp(o->task, "low-dose") == 0;
    const int is_lines = is_low_dose || strcmp(o->task, "tomography") == 0, is_counted = strcmp(o->task, "photons") == 0;
    measurement measured = {.shown = floats(n)};
    if (is_small)
        check(rwt_operator_bicubic(CHANNELS, side, side, FACTOR, &measured.operator), "the operator");
    else if (is_lines)
        measured.operator = lines(side);
    else if (is_counted || strcmp(o->task, "deblurring") == 0)
        measured.operator = blur(is_counted ? 1 : 2, side);
    else
        fail("%s: give super-resolution, deblurring, tomography, photons or low-dose", o->task);
    measured.m = rwt_operator_measurement_len(measured.operator);
    measured.y = floats(measured.m);
    if (is_low_dose)
        count_rays(&measured, o, o->photons > 0 ? o->photons : 3000, truth, n, side);
    else if (is_counted)
        count_photons(&measured, o, o->photons > 0 ? o->photons : 20, truth, n);
    else
        add_noise(&measured, o, o->noise > 0 ? o->noise : is_lines ? 0.2 : 0.02, truth, n);

    if (is_lines && !is_low_dose)
        back_project(&measured, measured.y, n);
    else if (!is_lines && !is_counted)
        for (size_t i = 0; i < n; i++)
            measured.shown[i] = measured.y[is_small ? i / side / FACTOR * (side / FACTOR) + i % side / FACTOR : i];
    return measured;
}

void measurement_free(measurement *measured)
{
    rwt_operator_free(measured->operator);
    free(measured->y);
    free(measured->shown);
}
