/* The denoiser of the example: any function of this kind will do, one that starts an accelerator and waits for it too. */
#ifndef DENOISER_H
#define DENOISER_H

#include <stddef.h>

enum { SIDE = 32, PIXELS = SIDE * SIDE };

/* denoised <- D(x, sigma), both of PIXELS; 0, or why it failed. */
typedef int (*denoiser)(const float *x, double sigma, float *denoised);

/* The exact denoiser of a Gaussian field whose spectrum was fitted to pictures, see ../fit.py. Its mean is 0. */
int gaussian_field(const float *x, double sigma, float *denoised);
/* Of a pixel of the field. */
double gaussian_field_variance(void);

#endif
