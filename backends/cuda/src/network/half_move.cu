// Elementwise arithmetic, conversions, moves and pooling of bf16. half.cuh lists the kernels.
#include "half.cuh"

extern "C" __global__ void __launch_bounds__(256, 2) rwt_half_pointwise(const float *weights, float *memory,
                                                                     const HalfPointwise *shape)
{
    const u32 channels = shape->size[1], octets = (channels + 7) / 8, places = shape->size[2];
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= shape->size[0] * octets * places) {
        return;
    }
    const bool along_places = shape->input.stride[1] != 1; // neighbouring threads read neighbours
    const u32 fast = along_places ? places : octets, slow = along_places ? octets : places;
    const u32 rest = i / fast, picture = rest / slow;
    const u32 place = along_places ? i - rest * fast : rest - picture * slow;
    const u32 channel = 8 * (along_places ? rest - picture * slow : i - rest * fast);
    const u32 given = channel < shape->given ? min(8u, shape->given - channel) : 0;
    float it[8];
    half_read(it, &shape->input, weights, memory, picture, channel, place, given);
    half_run<true>((const Instruction *)(shape + 1), shape->count, weights, memory, picture, channel, place, given, it);
#pragma unroll
    for (u32 k = 0; k < 8; ++k) {
        it[k] = k < given ? it[k] : 0.0f;
    }
    const i64 at = shape->output + (i64)picture * shape->to[0] + (i64)channel * shape->to[1] + (i64)place * shape->to[2];
    half_write(it, memory, at, shape->is_float, shape->to[1], min(8u, channels - channel));
}

extern "C" __global__ void __launch_bounds__(256) rwt_half_copy(const float *, float *memory, const HalfCopy *parts)
{
    const HalfCopy *part = parts + blockIdx.y;
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= part->total) {
        return;
    }
    i64 from = part->input, to = part->output;
#pragma unroll
    for (i32 axis = 5; axis >= 0; --axis) {
        const u32 size = part->size[axis];
        if (size != 1) {
            const u32 rest = i / size, place = i - rest * size;
            from += (i64)place * part->from[axis];
            to += (i64)place * part->to[axis];
            i = rest;
        }
    }
    u16 *half = (u16 *)memory;
    if (part->each == 8) {
        *(uint4 *)(half + to) = *(const uint4 *)(half + from);
    } else {
        half[to] = half[from];
    }
}

// An octet's mean, or the largest of its numbers, over a window.
inline __device__ void half_gather(const HalfWindow *shape, const u16 *picture, i32 y0, i32 x0, float it[8])
{
    const bool is_largest = shape->mode == 2;
    u32 inside = 0;
#pragma unroll
    for (u32 k = 0; k < 8; ++k) {
        it[k] = is_largest ? __uint_as_float(0xff800000u) : 0.0f;
    }
#pragma unroll 1
    for (u32 dy = 0; dy < shape->kernel_y; ++dy) {
#pragma unroll 1
        for (u32 dx = 0; dx < shape->kernel_x; ++dx) {
            const u32 y = (u32)(y0 + (i32)dy), x = (u32)(x0 + (i32)dx);
            if (y < shape->height && x < shape->width) {
                float value[8];
                half_unpack(value, *(const uint4 *)(picture + (i64)y * shape->in_row + (i64)x * shape->in_place));
#pragma unroll
                for (u32 k = 0; k < 8; ++k) {
                    it[k] = is_largest ? fmaxf(it[k], value[k]) : it[k] + value[k];
                }
                inside += 1;
            }
        }
    }
    if (!is_largest) {
        const float over = (float)(shape->mode == 0 ? shape->kernel_y * shape->kernel_x : inside);
#pragma unroll
        for (u32 k = 0; k < 8; ++k) {
            it[k] = it[k] / over;
        }
    }
}

extern "C" __global__ void __launch_bounds__(256) rwt_half_pool(const float *, float *memory, const HalfWindow *shape)
{
    const u32 octets = shape->channels / 8, places = shape->out_height * shape->out_width;
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= shape->pictures * places * octets) {
        return;
    }
    const u32 rest = i / octets, channel = 8 * (i - rest * octets);
    const u32 picture = rest / places, place = rest - picture * places, row = place / shape->out_width;
    const i32 y0 = (i32)(row * shape->stride_y) - shape->before_y;
    const i32 x0 = (i32)((place - row * shape->out_width) * shape->stride_x) - shape->before_x;
    const u16 *from = (const u16 *)memory + shape->input + (i64)picture * shape->in_picture + channel;
    float it[8];
    half_gather(shape, from, y0, x0, it);
    const i64 at = shape->output + (i64)picture * shape->out_picture + (i64)place * shape->out_place + channel;
    half_write(it, memory, at, false, 1, 8);
}
