// What walks that sample a posterior share.
#ifndef RWT_POSTERIOR
#define RWT_POSTERIOR
#include "row.cuh"

// The scalars of a level: core's Level, whose twin this is.
struct rwt_level {
    double sigma, q, noise, epsilon, spread;
};

// (eta^2 + q)^-1 as core has it.
__device__ inline float pull_scale(double eta, double q)
{
    return (float)(1.0 / (eta * eta + q));
}

// The sum over a block, in thread 0; the same order every time. blockDim.x is a power of two, at most 256.
__device__ inline double block_sum(double value)
{
    __shared__ double sums[256];
    __syncthreads(); // the sum before has been read
    sums[threadIdx.x] = value;
    __syncthreads();
    for (u32 half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half)
            sums[threadIdx.x] += sums[threadIdx.x + half];
        __syncthreads();
    }
    return sums[0];
}

#endif
