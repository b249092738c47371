#include "picture.h"

#include <math.h>

#include "patch.h"

float picture(size_t i)
{
    return (float)PATCH[i] / 127.5F - 1;
}

double picture_psnr(const float *image)
{
    double squares = 0;
    for (size_t i = 0; i < PIXELS; i++) {
        const double error = (double)image[i] - (double)picture(i);
        squares += error * error;
    }
    return 10 * log10(4.0 * PIXELS / squares);
}
