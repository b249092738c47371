// Normalisation, a block a slab of a picture. half.cuh lists the kernels.
#include "half_norm.cuh"

// Mean and 1 / sqrt(variance + epsilon) of a group, by a warp.
inline __device__ float2 half_moments(const HalfNorm *shape, const float2 *partial, const HalfShare &share,
                                      const u16 *from, u32 group)
{
    const u32 first = group * shape->group, lane = threadIdx.x % 32;
    const double n = (double)share.places, size = (double)shape->group;
    double mean = 0.0, squares = 0.0;
    for (u32 i = lane; i < shape->group; i += 32) {
        mean += half_channel(shape, partial, share, from, first + i).x;
    }
    mean = half_warp_sum(mean) / size;
    for (u32 i = lane; i < shape->group; i += 32) {
        const double2 channel = half_channel(shape, partial, share, from, first + i);
        squares += channel.y + n * (channel.x - mean) * (channel.x - mean);
    }
    const double variance = half_warp_sum(squares) / (n * size);
    return make_float2((float)mean, (float)(1.0 / sqrt(variance + (double)shape->epsilon)));
}

extern "C" __global__ void __launch_bounds__(512, 1) rwt_half_norm(const float *weights, float *memory,
                                                                   const HalfNorm *shape)
{
    __shared__ float2 partial[MOST_SLAB], moments[MOST_SLAB];
    const u32 slabs = shape->channels / shape->slab, picture = blockIdx.x / slabs;
    const u32 slab0 = blockIdx.x % slabs * shape->slab, warp = threadIdx.x / 32;
    const u16 *from = (const u16 *)memory + shape->input + (i64)picture * shape->in_picture + slab0;
    const HalfShare share = half_share(shape->slab, shape->places);
    half_add_up(shape, from, share, partial);
    for (u32 group = warp; group < shape->slab / shape->group; group += blockDim.x / 32) {
        const float2 found = half_moments(shape, partial, share, from, group);
        if (threadIdx.x % 32 == 0) {
            moments[group] = found;
        }
    }
    __syncthreads();
    half_normalise_all(shape, weights, memory, share, from, moments, picture, slab0, 0);
}
