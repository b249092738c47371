#include "denoiser.h"
#include "prior.h"

/* image <- B image or B^T image, along rows or columns; B is orthogonal. */
static void transform(float *image, size_t line, size_t step, int inverse)
{
    for (size_t l = 0; l < SIDE; l++) {
        float whole[SIDE];
        for (size_t k = 0; k < SIDE; k++) {
            float sum = 0;
            for (size_t i = 0; i < SIDE; i++)
                sum += BASIS[inverse ? i * SIDE + k : k * SIDE + i] * image[l * line + i * step];
            whole[k] = sum;
        }
        for (size_t k = 0; k < SIDE; k++)
            image[l * line + k * step] = whole[k];
    }
}

int gaussian_field(const float *x, double sigma, float *denoised)
{
    for (size_t i = 0; i < PIXELS; i++)
        denoised[i] = x[i];
    transform(denoised, SIDE, 1, 0);
    transform(denoised, 1, SIDE, 0);
    const float noise = (float)(sigma * sigma);
    for (size_t i = 0; i < PIXELS; i++) {
        const float variance = SPECTRUM[RADIUS[i]];
        denoised[i] *= variance / (variance + noise);
    }
    transform(denoised, SIDE, 1, 1);
    transform(denoised, 1, SIDE, 1);
    return 0;
}

double gaussian_field_variance(void)
{
    return VARIANCE;
}
