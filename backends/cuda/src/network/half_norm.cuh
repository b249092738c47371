// Normalisation of groups of channels over all places of a picture, in bf16.
//
// A block has a slab of channels. Each thread adds up one octet of places, with the channel's first number taken off, so
// that little is lost in the squares; the channels of a group are put together in f64 (Chan et al. 1983).
#ifndef RWT_NETWORK_HALF_NORM
#define RWT_NETWORK_HALF_NORM
#include "half.cuh"

enum { MOST_SLAB = 1024, AHEAD = 4 };

// Which octets of which places a thread reads.
struct HalfShare {
    u32 lanes, groups, group; // octets side by side; groups of them; the first group of this warp
    u32 slots, slot;          // warps that share a group
    u32 places, first, step;  // of all: first, first + step, ...
};

inline __device__ HalfShare half_share(u32 slab, u32 places)
{
    const u32 octets = slab / 8, warps = blockDim.x / 32, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    HalfShare share;
    share.places = places;
    share.lanes = octets % 4 == 0 ? 4 : octets % 2 == 0 ? 2 : 1;
    share.groups = octets / share.lanes;
    share.slots = warps > share.groups ? warps / share.groups : 1;
    share.slot = warp / share.groups;
    share.group = share.slots > 1 ? warp % share.groups : warp;
    share.step = share.slots * (32 / share.lanes);
    share.first = share.slot * (32 / share.lanes) + lane / share.lanes;
    return share;
}

// The octets of the next places, all on their way at once; the last one's instead of those beyond.
inline __device__ void half_places(const HalfNorm *shape, const u16 *from, const HalfShare &share, u32 place,
                                   uint4 octets[AHEAD])
{
#pragma unroll
    for (u32 k = 0; k < AHEAD; ++k) {
        const u32 at = min(place + k * share.step, share.places - 1);
        octets[k] = *(const uint4 *)(from + (i64)at * shape->in_place);
    }
}

// Sums and sums of squares of an octet's numbers less `shift`, over the places of the lanes that have the same octet.
inline __device__ void half_sums(const HalfNorm *shape, const u16 *from, const HalfShare &share, float sums[16])
{
    float shift[8];
    half_unpack(shift, *(const uint4 *)from);
#pragma unroll
    for (u32 i = 0; i < 16; ++i) {
        sums[i] = 0.0f;
    }
    for (u32 place = share.first; place < share.places; place += AHEAD * share.step) {
        uint4 octets[AHEAD];
        half_places(shape, from, share, place, octets);
#pragma unroll
        for (u32 k = 0; k < AHEAD; ++k) {
            float value[8];
            half_unpack(value, octets[k]);
#pragma unroll
            for (u32 i = 0; i < 8; ++i) {
                const float far = place + k * share.step < share.places ? value[i] - shift[i] : 0.0f;
                sums[i] += far;
                sums[8 + i] = fmaf(far, far, sums[8 + i]);
            }
        }
    }
    for (u32 far = 16; far >= share.lanes; far /= 2) {
#pragma unroll
        for (u32 i = 0; i < 16; ++i) {
            sums[i] += __shfl_xor_sync(0xffffffffu, sums[i], far);
        }
    }
}

// The sums of all of this block's octets, into shared memory.
inline __device__ void half_add_up(const HalfNorm *shape, const u16 *from, const HalfShare &share, float2 *partial)
{
    const u32 lane = threadIdx.x % 32;
    for (u32 group = share.group; group < share.groups && share.slot < share.slots; group += blockDim.x / 32) {
        const u32 channel = (group * share.lanes + lane % share.lanes) * 8;
        float sums[16];
        half_sums(shape, from + channel, share, sums);
        if (lane < share.lanes) {
#pragma unroll
            for (u32 i = 0; i < 8; ++i) {
                partial[share.slot * shape->slab + channel + i] = make_float2(sums[i], sums[8 + i]);
            }
        }
    }
    __syncthreads();
}

// Mean, and the sum of squares around it, of a channel.
inline __device__ double2 half_channel(const HalfNorm *shape, const float2 *partial, const HalfShare &share,
                                       const u16 *from, u32 channel)
{
    const double n = (double)share.places;
    double sum = 0.0, squares = 0.0;
    for (u32 slot = 0; slot < share.slots; ++slot) {
        sum += (double)partial[slot * shape->slab + channel].x;
        squares += (double)partial[slot * shape->slab + channel].y;
    }
    return make_double2((double)half_low(from[channel]) + sum / n, squares - sum * sum / n);
}

inline __device__ double half_warp_sum(double value)
{
    for (u32 far = 16; far > 0; far /= 2) {
        value += __shfl_xor_sync(0xffffffffu, value, far);
    }
    return value;
}

// An octet of a thread's places, normalised; `channel` in the slab; slab0, picture and place0 say where those are.
inline __device__ void half_normalise(const HalfNorm *shape, const float *weights, float *memory, const HalfShare &share,
                                      const u16 *from, const float2 *moments, u32 picture, u32 slab0, u32 place0,
                                      u32 channel)
{
    float mean[8], scale[8];
#pragma unroll
    for (u32 i = 0; i < 8; ++i) {
        const float2 of_group = moments[(channel + i) / shape->group];
        mean[i] = of_group.x;
        scale[i] = of_group.y;
    }
    const Instruction *steps = (const Instruction *)(shape + 1);
    const i64 to = shape->output + (i64)picture * shape->out_picture + (i64)place0 * shape->out_place
        + slab0 + channel;
#pragma unroll 1
    for (u32 first = share.first; first < share.places; first += AHEAD * share.step) {
        uint4 octets[AHEAD];
        half_places(shape, from + channel, share, first, octets);
#pragma unroll 1
        for (u32 place = first; place < min(first + AHEAD * share.step, share.places); place += share.step) {
            float it[8];
            half_unpack(it, octets[0]);
#pragma unroll
            for (u32 i = 0; i < 8; ++i) {
                it[i] = (it[i] - mean[i]) * scale[i];
            }
            half_run<false>(steps, shape->count, weights, memory, picture, slab0 + channel, place0 + place, 8,
                            it);
            half_write(it, memory, to + (i64)place * shape->out_place, false, 1, 8);
#pragma unroll
            for (u32 k = 0; k + 1 < AHEAD; ++k) { // so that there is one copy of the program
                octets[k] = octets[k + 1];
            }
        }
    }
}

// All of this block's octets.
inline __device__ void half_normalise_all(const HalfNorm *shape, const float *weights, float *memory,
                                          const HalfShare &share, const u16 *from, const float2 *moments, u32 picture,
                                          u32 slab0, u32 place0)
{
    for (u32 group = share.group; group < share.groups && share.slot < share.slots; group += blockDim.x / 32) {
        const u32 channel = (group * share.lanes + threadIdx.x % 32 % share.lanes) * 8;
        half_normalise(shape, weights, memory, share, from, moments, picture, slab0, place0, channel);
    }
}
#endif
