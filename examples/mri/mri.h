/* What the files of this program share. Of examples/c_inpaint it has the pictures. */
#ifndef MRI_H
#define MRI_H

#include "c_inpaint.h"

/* The denoiser's three channels are three contrasts of one anatomy. */
enum { CONTRASTS = 3, PD = 0, T1 = 1, T2 = 2 };

/* options.c */
typedef struct job {
    options o;
    double acceleration;
    size_t coils;
} job;

job job_parse(int argc, char **argv);

/* phantom.c: [CONTRASTS, side, side], from 0 (air) to 1. Freed with free(). */
float *phantom(size_t side);

/* scan.c: y = A v + noise, v the intensities as phantom() gives them. */
typedef struct scan {
    size_t side, coils, lines; /* lines of each contrast */
    rwt_operator *operator;    /* A: [CONTRASTS, side, side] -> [CONTRASTS, coils, 2, side, side] */
    size_t n, m;
    float *y;
    float *sensitivities; /* [coils, 2, side, side] */
    float *phase;         /* [side, side], radians */
    uint8_t *masks;       /* [CONTRASTS, side, side] */
} scan;

scan scan_simulate(const job *j, const float *truth, size_t side);
void scan_free(scan *s);

#endif
