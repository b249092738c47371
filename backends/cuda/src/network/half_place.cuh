// Places of a convolution: where they read, where they are written.
#ifndef RWT_NETWORK_HALF_PLACE
#define RWT_NETWORK_HALF_PLACE
#include "half.cuh"

// The corner of the kernel at a row: a place of a picture, which begins at an octet of the input.
struct HalfPlace {
    u32 picture;
    i32 y, x;
};

inline __device__ HalfPlace half_place(const HalfConv *shape, u32 row)
{
    const bool is_row = row < shape->rows;
    const u32 picture = is_row ? row / shape->places : 0, place = is_row ? row % shape->places : 0;
    const u32 qy = place / shape->row_places, qx = place % shape->row_places;
    HalfPlace at;
    at.picture = picture * (shape->in_picture / 8);
    at.y = is_row ? (i32)qy * shape->stride_y + shape->start_y : -(1 << 30); // always outside
    at.x = (i32)qx * shape->stride_x + shape->start_x;
    return at;
}

// A walk along the depth, DEPTH at a time, of which this thread reads an octet; all counts are of octets. What it needs
// of the shape is kept: copies in the background would have it read again each time.
struct HalfDepth {
    enum { DEPTH = 4 };

    const HalfTap *table;
    HalfTap at;
    u32 taps, cin, tap, channel, now;
    u32 whole, rest; // DEPTH in taps and channels
    u32 height, width, shift, in_row, in_place;

    inline __device__ void begin(const HalfConv *shape, u32 first)
    {
        table = (const HalfTap *)((const char *)shape + shape->table) + (u64)blockIdx.z * shape->taps;
        taps = shape->taps, cin = shape->cin / 8;
        height = shape->height, width = shape->width, shift = shape->shift;
        in_row = shape->in_row / 8, in_place = shape->in_place / 8;
        now = first;
        tap = first / cin;
        channel = first % cin;
        whole = DEPTH / cin;
        rest = DEPTH % cin;
        at = table[tap < taps ? tap : 0];
    }

    inline __device__ bool is_inside() const
    {
        return tap < taps;
    }

    // Is what is read of a place inside of its picture, and where?
    inline __device__ bool find(const HalfPlace &place, u32 *octet) const
    {
        const u32 y = (u32)(place.y + at.dy), x = (u32)(place.x + at.dx);
        *octet = place.picture + (y >> shift) * in_row + (x >> shift) * in_place + channel;
        return (y < height) & (x < width) & is_inside(); // no branches: lanes stay together
    }

    inline __device__ void next()
    {
        const bool is_next = channel + rest >= cin;
        now += DEPTH;
        channel += is_next ? rest - cin : rest;
        tap += is_next ? whole + 1 : whole;
        at = table[tap < taps ? tap : 0];
    }
};

inline __device__ const uint4 *half_input(const HalfConv *shape, const float *memory)
{
    return (const uint4 *)memory + shape->input / 8;
}

// Octets of a row of weights; where that of a channel begins.
inline __device__ u32 half_weights_row(const HalfConv *shape)
{
    return shape->taps * (shape->cin / 8);
}

inline __device__ const uint4 *half_weights(const HalfConv *shape, const float *weights, u32 channel)
{
    const i64 row = (i64)blockIdx.z * shape->channels + channel;
    return (const uint4 *)weights + shape->weights / 8 + row * half_weights_row(shape);
}

enum { SPREAD_ROW = 40, SPREAD = 32 * SPREAD_ROW }; // 32 x 32 sums of a warp, rows a quarter of the banks apart

// A warp's 16 x 32 sums into shared memory.
inline __device__ void half_spread(float *shared, const float sums[4][4])
{
    const u32 lane = threadIdx.x % 32;
    float *to = shared + lane / 4 * SPREAD_ROW + lane % 4 * 2;
#pragma unroll
    for (u32 j = 0; j < 4; ++j) {
        *(float2 *)(to + 8 * j) = make_float2(sums[j][0], sums[j][1]);
        *(float2 *)(to + 8 * SPREAD_ROW + 8 * j) = make_float2(sums[j][2], sums[j][3]);
    }
}

// The program and the store of an octet.
inline __device__ void half_finish(const HalfConv *shape, const float *weights, float *memory, u32 row, u32 channel,
                                   float it[8])
{
    const u32 phase = blockIdx.z, picture = row / shape->places, place = row % shape->places;
    const u32 y = place / shape->row_places * shape->phase_stride_y + phase / shape->phases_x;
    const u32 x = place % shape->row_places * shape->phase_stride_x + phase % shape->phases_x;
    if (row >= shape->rows || channel >= shape->channels || y >= shape->out_height || x >= shape->out_width) {
        return;
    }
    const u32 out_place = y * shape->out_width + x, valid = min(8u, shape->channels - channel);
    const Instruction *steps = (const Instruction *)(shape + 1);
    half_run<false>(steps, shape->count, weights, memory, picture, channel, out_place, valid, it);
    const i64 at = shape->output + (i64)picture * shape->out_picture + (i64)out_place * shape->out_place
        + (i64)channel * shape->out_channel;
    half_write(it, memory, at, shape->is_float, shape->out_channel, valid);
}
#endif
