// Mean and standard deviation of samples as they come, with the bits of core/src/moments.rs.
//
// rwt_moments  any block (x), grid (ceil(n / threads)) or less: takes in samples [chains, n], one after another, after
//              `count` others; mean [n], squares [n]
#include "portable.cuh"

extern "C" __global__ void rwt_moments(const float *samples, u32 chains, u64 n, u64 count, double *mean, double *squares)
{
    const u64 stride = (u64)gridDim.x * blockDim.x;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += stride) {
        double here = mean[i], square = squares[i];
        for (u32 chain = 0; chain < chains; chain++) {
            const double value = samples[chain * n + i], weight = 1.0 / (double)(count + chain + 1);
            const double difference = value - here;
            here += difference * weight;
            square += difference * (value - here);
        }
        mean[i] = here;
        squares[i] = square;
    }
}
