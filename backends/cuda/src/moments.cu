// Streaming mean and squares over samples, element by element (Welford): core's, with its bits (core/src/moments.rs).
#include "portable.cuh"

// Take in `chains` samples of n elements, one after another, where `count` were before. Grid: ceil(n / threads).
extern "C" __global__ void rwt_moments(const float *samples, u32 chains, u64 n, u64 count, double *mean, double *squares)
{
    const u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    double m = mean[i], s = squares[i];
    for (u32 chain = 0; chain < chains; chain++) {
        const double value = samples[chain * n + i], weight = 1.0 / (double)(count + chain + 1);
        const double difference = value - m;
        m += difference * weight;
        s += difference * (value - m);
    }
    mean[i] = m;
    squares[i] = s;
}
