/* What the tests of the C interface share: checks that stop the program, and a denoiser that is known exactly.
 *
 * A test is a function whose name is the fact it proves; main.c lists them all. Each runs in a process of its own.
 */
#ifndef TEST_H
#define TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rwt.h"

/* Stop with a message unless the condition holds. */
#define CHECK(condition) check_that((condition), #condition, __FILE__, __LINE__)
/* The call succeeds. */
#define WORKS(call) check_status((call), RWT_OK, "", #call, __FILE__, __LINE__)
/* The call fails with this status, and rwt_last_error() has this in its text. */
#define FAILS(call, status, text) check_status((call), (status), (text), #call, __FILE__, __LINE__)

void check_that(bool condition, const char *text, const char *file, int line);
void check_status(rwt_status found, rwt_status expected, const char *text, const char *call, const char *file,
                  int line);

/* What the command line says: the model to open, a folder to write in, and whether to save time. */
extern const char *model_path, *scratch_folder;
extern bool quick;

/* The exact denoiser of independent pixels N(mean, variance), with what a test may want to happen or to know. */
typedef struct gaussian {
    double mean, variance;
    long calls, releases;
    long fail_at; /* this call, from 1, returns fail_status, or NaN if that is 0; 0: none does */
    rwt_status fail_status;
    double fail_sigma; /* the level of that call */
} gaussian;

rwt_status gaussian_denoise(void *user, const float *x, size_t n, double sigma, float *denoised);
void gaussian_release(void *user);
rwt_denoiser *gaussian_open(gaussian *g);

/* The defaults, with eta 0.2, two chains and 12 levels. */
rwt_sampler_options few_levels(void);
/* For a picture of one channel. */
rwt_sampler *sampler_of(gaussian *g, const uint8_t *mask, rwt_sampler_options options, size_t height, size_t width);
/* Run it, with a measurement of n floats or none, and copy one chain's sample. */
void run_and_read(rwt_sampler *sampler, const float *y, size_t n, uint32_t chain, float *sample, size_t length);
/* Two of three pixels of a square picture, and what was measured there. */
void fill_mask(uint8_t *mask, float *y, size_t side);
bool all_finite(const float *values, size_t n);

#endif
