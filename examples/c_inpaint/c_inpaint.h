/* What the files of this program share. */
#ifndef C_INPAINT_H
#define C_INPAINT_H

#include <stddef.h>
#include <stdint.h>

#include "rwt.h"

/* options.c */
typedef struct options {
    const char *picture, *mask, *model, *out;
    double missing, noise; /* noise: standard deviation, levels from -1 to 1 */
    int32_t method, engine, provider, precision;
    uint32_t chains, levels, threads;
    uint64_t seed;
    size_t size;
} options;

/* Prints help or an error and ends the program where it must. */
options options_parse(int argc, char **argv);

/* Everywhere an image is [channels, height, width] floats, black at low and white at high. */
typedef struct frame {
    size_t channels, height, width;
    float low, high;
} frame;

size_t frame_size(const frame *f);

/* measure.c */
typedef struct measurement {
    frame f;
    float *truth;  /* NULL where nobody knows it */
    float *y;      /* missing pixels are black */
    uint8_t *mask; /* [height, width], 1 = measured */
} measurement;

measurement measure(const options *o, const rwt_denoiser_info *info);

/* fill.c: each missing pixel becomes the Gaussian-weighted mean of the measured ones near it. */
void fill_in(const frame *f, const float *y, const uint8_t *mask, float *out);

/* output.c: what cannot be written ends the program. */
typedef struct image {
    const float *pixels;
    size_t channels; /* 1 (grey) or 3 */
} image;

void make_folder(const char *path);
void write_image(const options *o, const char *name, const frame *f, image i);
/* Side by side, with a white gap. */
void write_panel(const options *o, const char *name, const frame *f, const image *images, size_t count);

/* c_inpaint.c: ends the program where a call of the library failed. */
void check(rwt_status status, const char *what);

/* Never NULL: ends the program where memory is short. Freed with free(). */
void *allocate(size_t count, size_t size);

_Noreturn void fail(const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 1, 2)))
#endif
    ;

#endif
