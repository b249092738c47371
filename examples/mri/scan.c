/* A scan: lines of Fourier space, seen by several coils, of an image with a phase. */
#include "mri.h"

#include <math.h>
#include <stdlib.h>

/* The samples' chains use the random streams 0, 1, 2, ...; the simulated scan another. */
#define SCAN_STREAM (UINT32_MAX - 1)
enum { NOISE_DRAW, LINES_DRAW };

static const double TURN = 6.283185307179586;

/* Coils around the head: a Gaussian and a slow phase each, together of magnitude 1 everywhere. */
static float *sensitivities(size_t coils, size_t side)
{
    const size_t plane = side * side;
    float *all = allocate(coils * 2 * plane, sizeof *all);
    for (size_t i = 0; i < plane; i++) {
        const double x = 2 * ((double)(i % side) + 0.5) / (double)side - 1;
        const double y = 2 * ((double)(i / side) + 0.5) / (double)side - 1;
        double squares = 0;
        for (size_t c = 0; c < coils; c++) {
            const double angle = TURN * ((double)c + 0.5) / (double)coils, px = 1.1 * cos(angle), py = 1.1 * sin(angle);
            const double size = exp(-((x - px) * (x - px) + (y - py) * (y - py)) / (2 * 0.8 * 0.8));
            const double turned = angle + 0.8 * (x * py - y * px);
            all[c * 2 * plane + i] = (float)(size * cos(turned));
            all[c * 2 * plane + plane + i] = (float)(size * sin(turned));
            squares += size * size;
        }
        for (size_t part = 0; part < 2 * coils; part++)
            all[part * plane + i] /= (float)sqrt(squares);
    }
    return all;
}

static float *slow_phase(size_t side)
{
    float *phase = allocate(side * side, sizeof *phase);
    for (size_t i = 0; i < side * side; i++) {
        const double x = (double)(i % side) / (double)side, y = (double)(i / side) / (double)side;
        phase[i] = (float)(0.6 * sin(3 * x + 1) + 0.9 * x * y - 0.4 * cos(4 * y));
    }
    return phase;
}

typedef struct line {
    double key;
    size_t row;
} line;

static int by_key(const void *left, const void *right)
{
    const line *a = left, *b = right;
    return a->key < b->key ? -1 : a->key > b->key;
}

/* A third of the lines are the middle ones, the others are drawn, the denser the lower their frequency: those with the
 * smallest of exponential numbers with the weights as rates (Efraimidis and Spirakis 2006). */
static void draw_lines(size_t side, size_t lines, const float *normal, uint8_t *mask)
{
    line *order = allocate(side, sizeof *order);
    for (size_t row = 0; row < side; row++) {
        const size_t frequency = row < side - row ? row : side - row; /* zero is at row 0 */
        const double distance = (double)frequency / ((double)side / 2), weight = pow(1 - 0.95 * distance, 2);
        const double uniform = 0.5 * erfc((double)normal[row] / sqrt(2));
        order[row] = (line){6 * frequency <= lines ? -1 / (1 + (double)frequency) : -log(uniform) / weight, row};
    }
    qsort(order, side, sizeof *order, by_key);
    for (size_t k = 0; k < lines; k++)
        for (size_t column = 0; column < side; column++)
            mask[order[k].row * side + column] = 1;
    free(order);
}

/* For each contrast: the coils' Fourier coefficients on its own lines, of the real image with its phase. */
static rwt_operator *operator_of(const scan *s)
{
    rwt_operator *real, *contrasts[CONTRASTS], *all;
    check(rwt_operator_phase(s->side, s->side, s->phase, &real), "the phase");
    for (size_t c = 0; c < CONTRASTS; c++) {
        rwt_operator *fourier;
        check(rwt_operator_fourier(s->side, s->side, s->masks + c * s->side * s->side, s->sensitivities, s->coils, &fourier),
              "the coils");
        check(rwt_operator_compose(fourier, real, &contrasts[c]), "a contrast");
        rwt_operator_free(fourier);
    }
    check(rwt_operator_blocks((const rwt_operator *const *)contrasts, CONTRASTS, &all), "the contrasts");
    for (size_t c = 0; c < CONTRASTS; c++)
        rwt_operator_free(contrasts[c]);
    rwt_operator_free(real);
    return all;
}

scan scan_simulate(const job *j, const float *truth, size_t side)
{
    const size_t plane = side * side;
    scan s = {.side = side, .coils = j->coils, .n = CONTRASTS * plane};
    s.lines = (size_t)fmax(1, round((double)side / j->acceleration));
    s.sensitivities = sensitivities(s.coils, side);
    s.phase = slow_phase(side);
    s.masks = allocate(CONTRASTS * plane, sizeof *s.masks);
    float *normal = allocate(CONTRASTS * side, sizeof *normal);
    check(rwt_noise(j->o.seed, SCAN_STREAM, LINES_DRAW, CONTRASTS * side, normal), "the lines' random numbers");
    for (size_t c = 0; c < CONTRASTS; c++)
        draw_lines(side, s.lines, normal + c * side, s.masks + c * plane);
    free(normal);
    s.operator = operator_of(&s);
    s.m = rwt_operator_measurement_len(s.operator);

    /* A complex normal noise: standard deviation `noise` of the real and of the imaginary part each. */
    float *noise = allocate(s.m, sizeof *noise);
    s.y = allocate(s.m, sizeof *s.y);
    check(rwt_operator_apply(s.operator, truth, s.n, s.y, s.m), "the scan");
    check(rwt_noise(j->o.seed, SCAN_STREAM, NOISE_DRAW, s.m, noise), "the noise");
    for (size_t i = 0; i < s.m; i++)
        if (s.masks[i / (s.coils * 2 * plane) * plane + i % plane])
            s.y[i] += (float)j->o.noise * noise[i];
    free(noise);
    return s;
}

void scan_free(scan *s)
{
    rwt_operator_free(s->operator);
    free(s->y);
    free(s->sensitivities);
    free(s->phase);
    free(s->masks);
}
