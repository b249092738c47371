#include "denoiser.h"

#include <math.h>
#include <stdint.h>

#include "prior.h"

/* The network sees 4 channels of 16 x 16, the pixels of each 2 x 2. */
enum { HALF = SIDE / 2, PLACES = HALF * HALF, CHANNELS = 24, FEATURES = 6, ANSWERED = 64 };

static const float ONE = 4096, LARGEST = 32767, SIGMA_DATA = 0.5F;

/* In parts of ONE; [channel, row, column] of 16 x 16. */
static int16_t activations[2][CHANNELS * PLACES];

/* What the layers read one after the other. */
struct parameters {
    const signed char *weights; /* [output, input, row, column] */
    const float *scale, *shift; /* [output, feature] */
    float features[FEATURES];
};

/* One row of one output channel, in whole numbers. */
static void convolve(const int16_t *input, int inputs, const signed char *weights, int dilation, int row, int32_t *sums)
{
    for (int i = 0; i < HALF; i++)
        sums[i] = 0;
    for (int c = 0; c < inputs; c++)
        for (int tap = 0; tap < 9; tap++) {
            const int32_t weight = *weights++;
            const int from = row + (tap / 3 - 1) * dilation, aside = (tap % 3 - 1) * dilation;
            if (from < 0 || from >= HALF)
                continue;
            const int16_t *line = input + c * PLACES + from * HALF;
            const int end = aside > 0 ? HALF - aside : HALF;
            for (int i = aside < 0 ? -aside : 0; i < end; i++)
                sums[i] += weight * line[i + aside];
        }
}

static float affine(const float *row, const float *features)
{
    float sum = 0;
    for (int i = 0; i < FEATURES; i++)
        sum += row[i] * features[i];
    return sum;
}

/* output <- relu(old + scale * convolution + shift), old being the output if is_added, or 0. */
static void layer(struct parameters *p, const int16_t *input, int inputs, int dilation, int is_added, int16_t *output)
{
    for (int o = 0; o < CHANNELS; o++) {
        const float scale = affine(p->scale, p->features), shift = affine(p->shift, p->features);
        for (int row = 0; row < HALF; row++) {
            int32_t sums[HALF];
            convolve(input, inputs, p->weights, dilation, row, sums);
            int16_t *into = output + o * PLACES + row * HALF;
            for (int i = 0; i < HALF; i++) {
                float value = (float)sums[i] * scale + shift;
                if (is_added)
                    value += (float)into[i];
                into[i] = value > 0 ? (int16_t)(value < LARGEST ? value + 0.5F : LARGEST) : 0;
            }
        }
        p->weights += inputs * 9;
        p->scale += FEATURES;
        p->shift += FEATURES;
    }
}

/* The last layer, in floating point and with the pixels back at their places: image += gain * F. */
static void end(struct parameters *p, const int16_t *input, float gain, float *image)
{
    for (int o = 0; o < 4; o++) {
        const float scale = affine(p->scale, p->features), shift = affine(p->shift, p->features);
        for (int row = 0; row < HALF; row++) {
            int32_t sums[HALF];
            convolve(input, CHANNELS, p->weights, 1, row, sums);
            float *into = image + (2 * row + o / 2) * SIDE + o % 2;
            for (int i = 0; i < HALF; i++)
                into[2 * i] += gain * ((float)sums[i] * scale + shift);
        }
        p->weights += CHANNELS * 9;
        p->scale += FEATURES;
        p->shift += FEATURES;
    }
}

/* The input of the network, in whole numbers. */
static void begin(const float *x, float gain, int16_t *planes)
{
    for (int i = 0; i < PIXELS; i++) {
        const int row = i / SIDE, column = i % SIDE;
        float value = gain * x[i];
        value = value > -LARGEST ? (value < LARGEST ? value : LARGEST) : -LARGEST;
        value += value < 0 ? -0.5F : 0.5F;
        planes[(row % 2 * 2 + column % 2) * PLACES + row / 2 * HALF + column / 2] = (int16_t)value;
    }
}

/* The preconditioning of Karras et al. 2022, table 1. */
int small_network(const float *x, double sigma, float *denoised)
{
    const float s = (float)sigma, square = s * s, total = square + SIGMA_DATA * SIGMA_DATA, root = sqrtf(total);
    struct parameters p = {WEIGHTS, SCALE, SHIFT, {1}};
    for (int i = 1; i < FEATURES; i++)
        p.features[i] = square / (square + SQUARES[i - 1]);
    int16_t *trunk = activations[0], *branch = activations[1];
    begin(x, ONE / root, branch);
    layer(&p, branch, 4, 1, 0, trunk);
    for (int block = 0; block < 2; block++) {
        layer(&p, trunk, CHANNELS, 2, 0, branch);
        layer(&p, branch, CHANNELS, 1, 1, trunk);
    }
    for (int i = 0; i < PIXELS; i++)
        denoised[i] = SIGMA_DATA * SIGMA_DATA / total * x[i];
    end(&p, trunk, s * SIGMA_DATA / root / ONE, denoised);
    return 0;
}

double small_network_variance(void)
{
    return VARIANCE;
}

/* The probes are those of ../header.py. */
double small_network_error(float *x, float *denoised)
{
    float largest = 0;
    for (size_t probe = 0; probe < sizeof PROBED / sizeof *PROBED; probe++) {
        uint32_t state = 1;
        for (int i = 0; i < PIXELS; i++) {
            state = state * 1664525U + 1013904223U;
            const float noise = ((float)(state >> 16) - 32767.5F) / 32768;
            x[i] = picture((size_t)i) + PROBED[probe] * sqrtf(3) * noise;
        }
        small_network(x, (double)PROBED[probe], denoised);
        for (int i = 0; i < ANSWERED; i++) {
            const float off = fabsf(denoised[16 * i + i % 16] - ANSWERS[probe * ANSWERED + (size_t)i]);
            if (!(off <= largest))
                largest = off;
        }
    }
    return (double)largest;
}

_Static_assert(sizeof WEIGHTS == 9 * CHANNELS * (4 + 4 * CHANNELS + 4), "the weights of another network");
_Static_assert(sizeof SCALE == sizeof(float) * FEATURES * (5 * CHANNELS + 4), "the scales of another network");
_Static_assert(sizeof SHIFT == sizeof SCALE && sizeof SQUARES == sizeof(float) * (FEATURES - 1), "other features");
