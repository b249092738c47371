/* A head of ellipses, in the manner of Shepp and Logan 1974 but with an intensity for each contrast. */
#include "mri.h"

#include <math.h>

typedef struct tissue {
    float intensity[CONTRASTS]; /* weighted by proton density, T1, T2 */
} tissue;

static const tissue AIR = {{0, 0, 0}}, FAT = {{0.75F, 0.95F, 0.55F}}, BONE = {{0.12F, 0.08F, 0.06F}},
                    FLUID = {{0.95F, 0.15F, 1.0F}}, GREY = {{0.80F, 0.45F, 0.60F}}, WHITE = {{0.65F, 0.70F, 0.40F}},
                    NUCLEUS = {{0.72F, 0.56F, 0.48F}}, LESION = {{0.90F, 0.30F, 0.85F}}, VESSEL = {{0.30F, 1.0F, 0.10F}};

/* The later one covers the earlier. Lengths in half sides, y down, the angle in radians. */
static const struct ellipse {
    double x, y, half_width, half_height, angle;
    const tissue *t;
} HEAD[] = {
    {0, 0, 0.74, 0.95, 0, &FAT},
    {0, 0, 0.70, 0.91, 0, &BONE},
    {0, 0, 0.65, 0.86, 0, &FLUID},
    {0, -0.01, 0.62, 0.82, 0, &GREY},
    {-0.28, -0.04, 0.24, 0.62, 0.14, &WHITE},
    {0.28, -0.04, 0.24, 0.62, -0.14, &WHITE},
    {0, 0.56, 0.34, 0.14, 0, &WHITE},
    {-0.21, 0.06, 0.07, 0.13, 0.25, &NUCLEUS},
    {0.21, 0.06, 0.07, 0.13, -0.25, &NUCLEUS},
    {-0.11, -0.06, 0.06, 0.26, -0.28, &FLUID},
    {0.11, -0.06, 0.06, 0.26, 0.28, &FLUID},
    {0, 0.25, 0.025, 0.09, 0, &FLUID},
    {0.36, -0.36, 0.085, 0.06, 0.5, &LESION},
    {0.37, -0.36, 0.035, 0.025, 0.5, &FLUID},
    {-0.34, 0.34, 0.028, 0.028, 0, &LESION},
    {-0.40, -0.30, 0.018, 0.05, 0.4, &GREY},
    {-0.33, -0.40, 0.018, 0.05, 0.1, &GREY},
    {0.42, 0.20, 0.05, 0.018, 0.2, &GREY},
    {-0.10, 0.58, 0.046, 0.023, 0, &GREY},
    {0, 0.60, 0.023, 0.023, 0, &VESSEL},
    {0.08, 0.58, 0.023, 0.046, 0, &GREY},
    {0, 0.78, 0.03, 0.03, 0, &VESSEL},
    {0, -0.78, 0.03, 0.02, 0, &VESSEL},
};

static const tissue *tissue_at(double x, double y)
{
    const tissue *found = &AIR;
    for (size_t k = 0; k < sizeof HEAD / sizeof *HEAD; k++) {
        const struct ellipse *e = &HEAD[k];
        const double across = x - e->x, down = y - e->y;
        const double u = (across * cos(e->angle) + down * sin(e->angle)) / e->half_width;
        const double v = (down * cos(e->angle) - across * sin(e->angle)) / e->half_height;
        if (u * u + v * v <= 1)
            found = e->t;
    }
    return found;
}

float *phantom(size_t side)
{
    enum { PARTS = 4 }; /* of a pixel, along each side: edges are mixtures */
    float *image = allocate(CONTRASTS * side * side, sizeof *image);
    for (size_t i = 0; i < side * side; i++)
        for (size_t part = 0; part < PARTS * PARTS; part++) {
            const double x = (double)(i % side) + ((double)(part % PARTS) + 0.5) / PARTS;
            const double y = (double)(i / side) + ((double)(part / PARTS) + 0.5) / PARTS;
            const tissue *t = tissue_at(2 * x / (double)side - 1, 2 * y / (double)side - 1);
            for (size_t c = 0; c < CONTRASTS; c++)
                image[c * side * side + i] += t->intensity[c] / (PARTS * PARTS);
        }
    return image;
}
