/* Count, mean and squared deviations: Welford's update on a rank, and the pairwise rule of Chan, Golub and LeVeque 1979
 * over the ranks. No sum of squares is ever taken of images that are not centred, so nothing cancels. */
#include "mpi_inpaint.h"

#include <mpi.h>
#include <stdlib.h>

moments moments_none(size_t n)
{
    return (moments){.n = n, .mean = allocate(n, sizeof(double)), .squares = allocate(n, sizeof(double))};
}

void moments_add(moments *m, const float *image)
{
    m->count++;
    for (size_t i = 0; i < m->n; i++) {
        const double before = (double)image[i] - m->mean[i];
        m->mean[i] += before / (double)m->count;
        m->squares[i] += before * ((double)image[i] - m->mean[i]);
    }
}

void moments_merge(moments *m)
{
    uint64_t all = 0;
    MPI_Allreduce(&m->count, &all, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
    if (all == 0)
        return;
    /* the mean over all is the weighted mean of the means */
    double *mean = allocate(m->n, sizeof *mean);
    for (size_t i = 0; i < m->n; i++)
        mean[i] = m->mean[i] * (double)m->count / (double)all;
    MPI_Allreduce(MPI_IN_PLACE, mean, (int)m->n, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    /* about it a rank's images deviate by their own deviations and by that of their mean */
    for (size_t i = 0; i < m->n; i++)
        m->squares[i] += (double)m->count * (m->mean[i] - mean[i]) * (m->mean[i] - mean[i]);
    MPI_Allreduce(MPI_IN_PLACE, m->squares, (int)m->n, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    free(m->mean);
    m->mean = mean;
    m->count = all;
}

void moments_free(moments *m)
{
    free(m->mean);
    free(m->squares);
}
