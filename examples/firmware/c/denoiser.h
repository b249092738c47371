/* The denoiser of the example: any function of this kind will do, one that starts an accelerator and waits for it too. */
#ifndef DENOISER_H
#define DENOISER_H

#include "picture.h"

/* denoised <- D(x, sigma), both of PIXELS; 0, or why it failed. */
typedef int (*denoiser)(const float *x, double sigma, float *denoised);

/* A small convolutional network, trained by ../train.py. Its activations are 24 KiB of static memory. */
int small_network(const float *x, double sigma, float *denoised);
/* Of a pixel of the pictures that it was trained on, about; their mean is 0. */
double small_network_variance(void);
/* The largest difference from what PyTorch denoised, with two arrays of PIXELS to compute in. */
double small_network_error(float *x, float *denoised);

#endif
