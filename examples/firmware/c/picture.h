/* The picture that is restored: a patch of a photograph, in [-1, 1]. */
#ifndef PICTURE_H
#define PICTURE_H

#include <stddef.h>

enum { SIDE = 32, PIXELS = SIDE * SIDE };

/* Of pixel i, row by row. */
float picture(size_t i);
/* The error of an image of PIXELS against it, in dB over the range of 2. */
double picture_psnr(const float *image);

#endif
