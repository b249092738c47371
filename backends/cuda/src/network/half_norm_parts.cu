// The normalisation of half_norm.cu for few large pictures: a block has a slab of a part of the places. First all parts
// are added up, then all are normalised. half.cuh lists the kernels.
#include "half_norm.cuh"

struct HalfPart { // of a picture's places
    u32 picture, slab0, place0, places;
};

inline __device__ u32 half_part_begin(const HalfNormParts *shape, u32 part)
{
    return (u32)((u64)shape->norm.places * part / shape->parts);
}

inline __device__ HalfPart half_part(const HalfNormParts *shape)
{
    const u32 slabs = shape->norm.channels / shape->norm.slab;
    HalfPart part;
    part.picture = blockIdx.x / slabs;
    part.slab0 = blockIdx.x % slabs * shape->norm.slab;
    part.place0 = half_part_begin(shape, blockIdx.y);
    part.places = half_part_begin(shape, blockIdx.y + 1) - part.place0;
    return part;
}

inline __device__ const u16 *half_part_input(const HalfNorm *shape, const float *memory, const HalfPart &part)
{
    return (const u16 *)memory + shape->input + (i64)part.picture * shape->in_picture + (i64)part.place0 * shape->in_place
        + part.slab0;
}

// Mean, and sum of squares around it, of each channel in each part of a picture.
inline __device__ float2 *half_part_sums(const HalfNormParts *shape, float *memory, const HalfPart &part)
{
    return (float2 *)(memory + shape->sums) + (u64)part.picture * shape->parts * shape->norm.channels + part.slab0;
}

extern "C" __global__ void __launch_bounds__(512, 1) rwt_half_norm_sums(const float *, float *memory,
                                                                        const HalfNormParts *shape)
{
    __shared__ float2 partial[MOST_SLAB];
    const HalfPart part = half_part(shape);
    const u16 *from = half_part_input(&shape->norm, memory, part);
    const HalfShare share = half_share(shape->norm.slab, part.places);
    half_add_up(&shape->norm, from, share, partial);
    float2 *sums = half_part_sums(shape, memory, part) + (u64)blockIdx.y * shape->norm.channels;
    for (u32 channel = threadIdx.x; channel < shape->norm.slab; channel += blockDim.x) {
        const double2 found = half_channel(&shape->norm, partial, share, from, channel);
        sums[channel] = make_float2((float)found.x, (float)found.y);
    }
}

// Mean and 1 / sqrt(variance + epsilon) of a group, by a warp.
inline __device__ float2 half_moments_of_parts(const HalfNormParts *shape, const float2 *sums, u32 group)
{
    const u32 size = shape->norm.group, cells = size * shape->parts, first = group * size;
    const double n = (double)shape->norm.places * (double)size;
    double mean = 0.0, squares = 0.0;
    for (u32 i = threadIdx.x % 32; i < cells; i += 32) {
        const u32 part = i / size;
        const double places = (double)(half_part_begin(shape, part + 1) - half_part_begin(shape, part));
        mean += places * (double)sums[(u64)part * shape->norm.channels + first + i % size].x;
    }
    mean = half_warp_sum(mean) / n;
    for (u32 i = threadIdx.x % 32; i < cells; i += 32) {
        const u32 part = i / size;
        const float2 cell = sums[(u64)part * shape->norm.channels + first + i % size];
        const double places = (double)(half_part_begin(shape, part + 1) - half_part_begin(shape, part));
        squares += (double)cell.y + places * ((double)cell.x - mean) * ((double)cell.x - mean);
    }
    const double variance = half_warp_sum(squares) / n;
    return make_float2((float)mean, (float)(1.0 / sqrt(variance + (double)shape->norm.epsilon)));
}

extern "C" __global__ void __launch_bounds__(512, 1) rwt_half_norm_by(const float *weights, float *memory,
                                                                      const HalfNormParts *shape)
{
    __shared__ float2 moments[MOST_SLAB];
    const HalfPart part = half_part(shape);
    const u16 *from = half_part_input(&shape->norm, memory, part);
    const HalfShare share = half_share(shape->norm.slab, part.places);
    const float2 *sums = half_part_sums(shape, memory, part);
    for (u32 group = threadIdx.x / 32; group < shape->norm.slab / shape->norm.group; group += blockDim.x / 32) {
        const float2 found = half_moments_of_parts(shape, sums, group);
        if (threadIdx.x % 32 == 0) {
            moments[group] = found;
        }
    }
    __syncthreads();
    half_normalise_all(&shape->norm, weights, memory, share, from, moments, part.picture, part.slab0, part.place0);
}
