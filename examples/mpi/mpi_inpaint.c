/* Inpainting by many machines: the chains of one run, dealt out over the ranks of MPI. A chain is its number and the seed,
 * wherever it is walked, so any number of ranks draws the same samples. They meet twice: at the start rank 0 hands the
 * measurement round, at the end the moments are merged.
 *
 * examples/c_inpaint tells what the calls of the library do; here is what MPI adds.
 */
#define _XOPEN_SOURCE 700

#include "mpi_inpaint.h"

#include <inttypes.h>
#include <math.h>
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* In the panel this standard deviation is white. */
#define STD_WHITE 0.5F

static void hand_round(measurement *m, int rank);
static void report(const job *j, const measurement *m, const chains *c, float *const shown[SHOWN], double took);

int main(int argc, char **argv)
{
    /* The library's threads call on_progress, which calls no MPI: only this thread does. */
    int threads = 0;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &threads);
    if (threads < MPI_THREAD_FUNNELED)
        fail("this MPI allows no threads beside its own: build it with MPI_THREAD_FUNNELED");
    const job j = job_parse(argc, argv);
    make_folder(j.o.out);

    /* 1. Every rank has the denoiser; rank 0 measures and hands round what it got. */
    rwt_denoiser *denoiser = NULL;
    rwt_denoiser_info info;
    check(rwt_denoiser_open(j.o.model, &denoiser), "the model (--model FILE)");
    check(rwt_denoiser_get_info(denoiser, &info, sizeof info), "the model");
    measurement m = {.truth = NULL};
    if (j.rank == 0)
        m = measure(&j.o, &info);
    hand_round(&m, j.rank);
    rwt_operator *mask = NULL;
    check(rwt_operator_mask(m.mask, m.f.channels, m.f.height, m.f.width, &mask), "the mask");

    /* 2. Each rank walks its own chains, which may be none. */
    const double start = MPI_Wtime();
    chains c = chains_of(&j, frame_size(&m.f));
    chains_draw(&c, &j, denoiser, mask, &m);

    /* 3. The moments of all samples, and the two that are shown, from wherever they are. */
    moments_merge(&c.m);
    float *shown[SHOWN];
    for (uint32_t k = 0; k < SHOWN; k++)
        shown[k] = chains_shown(&c, &j, k);
    int stopped = chains_interrupted();
    MPI_Allreduce(MPI_IN_PLACE, &stopped, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    if (j.rank == 0)
        report(&j, &m, &c, shown, MPI_Wtime() - start);

    for (size_t k = 0; k < SHOWN; k++)
        free(shown[k]);
    chains_free(&c);
    rwt_operator_free(mask);
    rwt_denoiser_free(denoiser);
    free(m.truth);
    free(m.y);
    free(m.mask);
    MPI_Finalize();
    return stopped ? 128 + SIGINT : EXIT_SUCCESS;
}

/* The truth stays where it is: only the table wants it. */
static void hand_round(measurement *m, int rank)
{
    MPI_Bcast(&m->f, (int)sizeof m->f, MPI_BYTE, 0, MPI_COMM_WORLD);
    const size_t n = frame_size(&m->f), plane = m->f.height * m->f.width;
    if (rank != 0) {
        m->y = allocate(n, sizeof *m->y);
        m->mask = allocate(plane, sizeof *m->mask);
    }
    MPI_Bcast(m->y, (int)n, MPI_FLOAT, 0, MPI_COMM_WORLD);
    MPI_Bcast(m->mask, (int)plane, MPI_BYTE, 0, MPI_COMM_WORLD);
}

/* Averaged over the channels; 0 is black and STD_WHITE, where levels go from -1 to 1, is white. */
static float *as_grey(const frame *f, const float *std)
{
    const size_t plane = f->height * f->width;
    float *grey = allocate(plane, sizeof *grey);
    for (size_t i = 0; i < plane; i++) {
        float sum = 0;
        for (size_t channel = 0; channel < f->channels; channel++)
            sum += std[channel * plane + i];
        grey[i] = f->low + 2 / STD_WHITE * sum / (float)f->channels;
    }
    return grey;
}

static void print_row(const char *name, const measurement *m, const float *image)
{
    const double range = (double)m->f.high - (double)m->f.low;
    printf("%-30s %5.2f dB\n", name, rwt_psnr(image, m->truth, frame_size(&m->f), range));
}

static void report(const job *j, const measurement *m, const chains *c, float *const shown[SHOWN], double took)
{
    const frame *f = &m->f;
    const size_t n = c->m.n;
    printf("chains: %" PRIu64 " of %" PRIu32 ", ranks: %d, %.1f s\n", c->m.count, j->o.chains, j->ranks, took);
    if (c->m.count < j->o.chains)
        puts("stopped: what follows is of the chains that were finished");
    if (c->m.count == 0)
        return;
    float *mean = allocate(n, sizeof *mean), *std = allocate(n, sizeof *std), *filled = allocate(n, sizeof *filled);
    const double freedom = c->m.count > 1 ? (double)(c->m.count - 1) : 1;
    for (size_t i = 0; i < n; i++) {
        mean[i] = (float)c->m.mean[i];
        std[i] = (float)sqrt(c->m.squares[i] / freedom);
    }
    fill_in(f, m->y, m->mask, filled);
    print_row("measurement, filled in simply", m, filled);
    if (shown[0])
        print_row("one sample", m, shown[0]);
    print_row("mean of the samples", m, mean);
    write_array(j->o.out, "mean.npy", f, mean);
    write_array(j->o.out, "std.npy", f, std);

    float *spread = as_grey(f, std);
    image panel[6] = {{m->truth, f->channels}, {m->y, f->channels}};
    size_t count = 2;
    for (size_t k = 0; k < SHOWN; k++)
        if (shown[k])
            panel[count++] = (image){shown[k], f->channels};
    panel[count++] = (image){mean, f->channels};
    panel[count++] = (image){spread, 1};
    write_panel(&j->o, "panel.png", f, panel, count);
    printf("pictures and arrays in %s/\n", j->o.out);
    free(spread);
    free(filled);
    free(std);
    free(mean);
}
