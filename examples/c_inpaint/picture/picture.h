/* PNG pictures as planar floats. A helper of the examples, no part of rwt.
 *
 * Every function that can fail returns a status; picture_last_error() says what went wrong and what
 * to do. Out-parameters are written only on success. Paths and texts end in NUL.
 */
#ifndef PICTURE_H
#define PICTURE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum picture_status_code {
    PICTURE_OK = 0,
    PICTURE_ERR_NULL = 1,     /* a pointer that must not be NULL was */
    PICTURE_ERR_FILE = 2,     /* cannot be opened, read or written */
    PICTURE_ERR_FORMAT = 3,   /* not a PNG, or a damaged one */
    PICTURE_ERR_SIZE = 4,     /* no pixels, or more than 2^26 */
    PICTURE_ERR_ARGUMENT = 5, /* makes no sense */
    PICTURE_ERR_PANIC = 6     /* a bug in this library */
};
typedef int32_t picture_status;

/* The levels may be changed, nothing else. Free with picture_free. */
typedef struct picture {
    size_t channels; /* always 3 */
    size_t height, width;
    int32_t was_grey; /* the three planes are equal */
    float *pixels;    /* [channels, height, width], row-major */
} picture;

/* Free with picture_mask_free. */
typedef struct picture_mask {
    size_t height, width;
    uint8_t *measured; /* [height, width]; 1 where the mask is white, 0 where it is black */
} picture_mask;

/* Reads any PNG (grey, RGB, palette; 1 to 16 bit; transparency is ignored). Black becomes low,
 * white high. */
picture_status picture_read(const char *path, float low, float high, picture *out);

/* Crops to the centred square and, where that is larger, shrinks it to size x size by averaging
 * over areas. A smaller square keeps its own size: nothing is enlarged. */
picture_status picture_square(picture *p, size_t size);

/* Writes pixels [channels, height, width], channels 1 (grey) or 3 (RGB), as an 8-bit PNG: low is
 * black, high is white, levels beyond are cut. A level that is not finite is an error. */
picture_status picture_write(const char *path, const float *pixels, size_t channels, size_t height,
                             size_t width, float low, float high);

/* Reads a mask from any PNG: white (the mean of the channels is at least 128 of 255) is measured. */
picture_status picture_mask_read(const char *path, picture_mask *out);

/* NULL and freeing twice are allowed. */
void picture_free(picture *p);
void picture_mask_free(picture_mask *mask);

/* What the last failure in this thread was; never NULL, valid until the thread's next failure. */
const char *picture_last_error(void);

#ifdef __cplusplus
}
#endif

#endif
