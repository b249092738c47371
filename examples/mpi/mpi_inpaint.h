/* What the files of this program share. Of examples/c_inpaint it has the measurement, the simple answer and the pictures. */
#ifndef MPI_INPAINT_H
#define MPI_INPAINT_H

#include <stdbool.h>

#include "c_inpaint.h"

/* options.c */
typedef struct job {
    options o;
    bool samples;   /* write each */
    int rank, ranks; /* this process and how many there are */
} job;

/* Help and what is wrong with the arguments are printed by rank 0; both end the program on all ranks. */
job job_parse(int argc, char **argv);

/* moments.c: of images, exact however they were dealt out. */
typedef struct moments {
    uint64_t count;
    size_t n;
    double *mean, *squares; /* n each: the mean, and the sum of squared deviations from it */
} moments;

moments moments_none(size_t n);
void moments_add(moments *m, const float *image);
/* From here on every rank has the moments of all images. Collective. */
void moments_merge(moments *m);
void moments_free(moments *m);

/* chains.c: the chains of this rank. */
enum { SHOWN = 2 };

typedef struct chains {
    uint32_t first, count; /* this rank's share of the run */
    uint32_t done;
    moments m;
    float *shown[SHOWN]; /* samples 0 and 1, if they were drawn here */
} chains;

/* The share of a rank: as many as the others have, or one more. */
chains chains_of(const job *j, size_t n);
/* Draws them, a group of as many as there are threads at a time, so that memory does not grow with their number. */
void chains_draw(chains *c, const job *j, const rwt_denoiser *denoiser, const rwt_operator *mask,
                 const measurement *m);
/* A sample that some rank has, on all of them; NULL if none has. Collective. */
float *chains_shown(const chains *c, const job *j, uint32_t chain);
void chains_free(chains *c);
/* Ctrl-C, or mpirun's own way to say so, came. */
bool chains_interrupted(void);

/* options.c: an image [channels, height, width] for numpy; ends the program where it cannot be written. */
void write_array(const char *folder, const char *name, const frame *f, const float *values);

#endif
