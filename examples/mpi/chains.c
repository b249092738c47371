/* The chains of a rank, and what is left of them: moments, files, and the two samples that are shown. */
#define _XOPEN_SOURCE 700

#include "mpi_inpaint.h"

#include <inttypes.h>
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t interrupted;

/* Rank 0 tells of its own share, which is as large as any. */
typedef struct progress {
    const chains *c;
    bool show;
    unsigned tenths; /* told already */
} progress;

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

bool chains_interrupted(void)
{
    return interrupted;
}

/* No terminal is asked for: mpirun collects what the ranks say, line by line. */
static int32_t on_progress(void *user, const rwt_progress *p)
{
    progress *told = user;
    const double each = (double)p->total / p->chains;
    const double part = (told->c->done + (double)p->evaluations / each) / told->c->count;
    if (told->show && 10 * part >= told->tenths + 1) {
        told->tenths = (unsigned)(10 * part);
        fprintf(stderr, "rank 0: %u %% of its %" PRIu32 " chains\n", 10 * told->tenths, told->c->count);
    }
    return interrupted;
}

chains chains_of(const job *j, size_t n)
{
    const uint32_t ranks = (uint32_t)j->ranks, rank = (uint32_t)j->rank, chains_each = j->o.chains / ranks;
    const uint32_t more = j->o.chains % ranks; /* the first ranks have one more */
    return (chains){
        .first = rank * chains_each + (rank < more ? rank : more),
        .count = chains_each + (rank < more),
        .m = moments_none(n),
    };
}

static rwt_sampler_options settings_of(const job *j, const frame *f)
{
    rwt_sampler_options settings;
    check(rwt_sampler_options_init(&settings, sizeof settings), "the options");
    settings.method = j->o.method;
    settings.levels = j->o.levels;
    settings.threads = j->o.threads;
    settings.seed = j->o.seed;
    settings.eta = j->o.noise * ((double)f->high - (double)f->low) / 2;
    return settings;
}

static void keep(chains *c, const job *j, const frame *f, uint32_t chain, const float *sample)
{
    moments_add(&c->m, sample);
    if (j->samples) {
        char name[32];
        snprintf(name, sizeof name, "sample-%" PRIu32 ".npy", chain);
        write_array(j->o.out, name, f, sample);
    }
    if (chain < SHOWN) {
        c->shown[chain] = allocate(c->m.n, sizeof *sample);
        memcpy(c->shown[chain], sample, c->m.n * sizeof *sample);
    }
}

void chains_draw(chains *c, const job *j, const rwt_denoiser *denoiser, const rwt_operator *mask, const measurement *m)
{
    const frame *f = &m->f;
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL); /* what mpirun sends its ranks on Ctrl-C */
    float *sample = allocate(c->m.n, sizeof *sample);
    progress told = {.c = c, .show = j->rank == 0};
    rwt_sampler_options settings = settings_of(j, f);
    while (c->done < c->count && !interrupted) {
        const uint32_t left = c->count - c->done;
        settings.chains = left < j->o.threads ? left : j->o.threads;
        settings.first_chain = c->first + c->done;
        rwt_sampler *sampler;
        check(rwt_sampler_create(denoiser, mask, &settings, f->channels, f->height, f->width, &sampler), "the sampler");
        const rwt_status status = rwt_sampler_run(sampler, m->y, c->m.n, on_progress, &told);
        if (status != RWT_ERR_CANCELLED) {
            check(status, "the walk");
            for (uint32_t k = 0; k < settings.chains; k++) {
                check(rwt_sampler_sample(sampler, k, sample, c->m.n), "a sample");
                keep(c, j, f, c->first + c->done + k, sample);
            }
            c->done += settings.chains;
        }
        rwt_sampler_free(sampler);
    }
    free(sample);
}

float *chains_shown(const chains *c, const job *j, uint32_t chain)
{
    const float *mine = c->shown[chain];
    int owner = mine ? j->rank : -1;
    MPI_Allreduce(MPI_IN_PLACE, &owner, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    if (owner < 0)
        return NULL;
    float *sample = allocate(c->m.n, sizeof *sample);
    if (mine)
        memcpy(sample, mine, c->m.n * sizeof *sample);
    MPI_Bcast(sample, (int)c->m.n, MPI_FLOAT, owner, MPI_COMM_WORLD);
    return sample;
}

void chains_free(chains *c)
{
    moments_free(&c->m);
    for (size_t k = 0; k < SHOWN; k++)
        free(c->shown[k]);
}
