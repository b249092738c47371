/* A picture restored from a simulated measurement: options, the measurement, and what is written of it. */
#ifndef RESTORE_H
#define RESTORE_H

#include <stddef.h>
#include <stdint.h>

#include "rwt.h"

enum { CHANNELS = 3, FACTOR = 4, PANEL = 6 };

typedef struct options {
    const char *task, *picture, *model, *out, *folder;
    double noise, photons;
    size_t size;
    uint32_t chains;
    uint64_t seed;
} options;

/* What was measured. */
typedef struct measurement {
    rwt_operator *operator; /* with its likelihood */
    double eta;             /* 0 for counts */
    size_t m;
    float *y;
    float *shown; /* as a picture: enlarged, as it is, or back-projected */
} measurement;

options options_parse(int argc, char **argv);
/* Print a message as printf does, and stop. */
_Noreturn void fail(const char *format, ...);
/* Stop with the library's message unless the call succeeded. */
void check(rwt_status status, const char *what);
float *floats(size_t count);

/* y of the picture truth, [3, side, side], as the options say. */
measurement measure(const options *o, const float *truth, size_t side);
void measurement_free(measurement *measured);

/* The picture, [3, side, side]. */
float *read_truth(const options *o, const rwt_denoiser_info *info, size_t *side);
void write_arrays(const options *o, const measurement *measured, float *const images[PANEL], size_t side);
void write_panel(const options *o, float *const images[PANEL], size_t side);

#endif
