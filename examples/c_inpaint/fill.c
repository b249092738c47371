/* The simple answer to compare with: normalised convolution. Each missing pixel is G*(m y) / G*m,
 * G a Gaussian as wide as the measured pixels are apart, and wider where too few are near. */
#include "c_inpaint.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void blur(const float *in, size_t height, size_t width, double sigma, float *out);
static bool fill_at(const frame *f, const float *y, const uint8_t *mask, double sigma, uint8_t *known, float *out);

void fill_in(const frame *f, const float *y, const uint8_t *mask, float *out)
{
    const size_t plane = f->height * f->width;
    size_t measured = 0;
    for (size_t i = 0; i < plane; i++)
        measured += mask[i] != 0;
    memcpy(out, y, frame_size(f) * sizeof *out);
    if (measured == 0)
        return;
    uint8_t *known = allocate(plane, sizeof *known);
    memcpy(known, mask, plane);
    double sigma = 0.6 * sqrt((double)plane / (double)measured);
    while (!fill_at(f, y, mask, sigma, known, out))
        sigma *= 2;
    free(known);
}

/* Fills what has enough weight at this sigma; whether nothing is left. */
static bool fill_at(const frame *f, const float *y, const uint8_t *mask, double sigma, uint8_t *known, float *out)
{
    const float enough = 0.1F;
    const size_t plane = f->height * f->width;
    float *masked = allocate(plane, sizeof *masked);
    float *weight = allocate(plane, sizeof *weight);
    float *sum = allocate(plane, sizeof *sum);
    for (size_t i = 0; i < plane; i++)
        masked[i] = mask[i] != 0;
    blur(masked, f->height, f->width, sigma, weight);
    for (size_t c = 0; c < f->channels; c++) {
        for (size_t i = 0; i < plane; i++)
            masked[i] = mask[i] ? y[c * plane + i] : 0;
        blur(masked, f->height, f->width, sigma, sum);
        for (size_t i = 0; i < plane; i++)
            if (!known[i] && weight[i] >= enough)
                out[c * plane + i] = sum[i] / weight[i];
    }
    bool complete = true;
    for (size_t i = 0; i < plane; i++) {
        known[i] |= weight[i] >= enough;
        complete = complete && known[i];
    }
    free(masked);
    free(weight);
    free(sum);
    return complete;
}

/* exp(-d^2 / 2 sigma^2) along the rows, and the transpose of it; the centre weighs 1. */
static void blur_rows(const float *in, size_t height, size_t width, double sigma, float *out)
{
    const size_t radius = (size_t)ceil(3 * sigma);
    float *kernel = allocate(radius + 1, sizeof *kernel);
    for (size_t d = 0; d <= radius; d++)
        kernel[d] = (float)exp(-0.5 * (double)(d * d) / (sigma * sigma));
    for (size_t row = 0; row < height; row++)
        for (size_t column = 0; column < width; column++) {
            const size_t first = column > radius ? column - radius : 0;
            const size_t last = column + radius < width ? column + radius : width - 1;
            float sum = 0;
            for (size_t k = first; k <= last; k++)
                sum += kernel[k > column ? k - column : column - k] * in[row * width + k];
            out[column * height + row] = sum;
        }
    free(kernel);
}

static void blur(const float *in, size_t height, size_t width, double sigma, float *out)
{
    float *transposed = allocate(height * width, sizeof *transposed);
    blur_rows(in, height, width, sigma, transposed);
    blur_rows(transposed, width, height, sigma, out);
    free(transposed);
}
