// A warp's 16 queries, and what it has added up for them.
#ifndef RWT_NETWORK_HALF_HEAD
#define RWT_NETWORK_HALF_HEAD
#include "half.cuh"

enum { WARPS = 4, THREADS = 32 * WARPS };

// Where an octet of a row lies in shared memory: eight rows, read together, lie in different banks.
template <u32 D> inline __device__ u32 half_at(u32 row, u32 octet)
{
    return row * 2 * D + ((octet ^ (row & 7)) << 4);
}

// ROWS rows of SIZE keys or values from k0 on into shared memory; zeros beyond the ends.
template <u32 SIZE, u32 ROWS>
inline __device__ void half_fetch_rows(Shared to, const u16 *from, u32 place, u32 k0, u32 keys, u32 length)
{
#pragma unroll 2
    for (u32 i = 0; i < ROWS * SIZE / 8 / THREADS; ++i) {
        const u32 e = threadIdx.x + i * THREADS, row = e / (SIZE / 8), octet = e % (SIZE / 8);
        const bool is_there = (k0 + row < keys) & (8 * octet < length);
        const i64 at = is_there ? (i64)(k0 + row) * place + 8 * octet : 0;
        half_fetch(to + half_at<SIZE>(row, octet), from + at, is_there);
    }
}

// Heads of D elements, V of their values, KEYS at a time.
template <u32 D, u32 V, u32 KEYS> struct HalfHead {
    enum { TILES = KEYS / 8, PARTS = V / 8 };

    u32 q[D / 16][4];       // queries g and g + 8 of the warp, g = lane / 4
    float sums[PARTS][4];   // not yet divided
    float most[2], total[2]; // of those queries; of the total this lane's keys

    inline __device__ void begin(const u16 *query, const HalfAttention *shape, u32 q0)
    {
        const u32 lane = threadIdx.x % 32;
#pragma unroll
        for (u32 i = 0; i < D / 16 * 4; ++i) {
            const u32 row = q0 + lane / 4 + 8 * (i % 2), element = i / 4 * 16 + lane % 4 * 2 + i / 2 % 2 * 8;
            const bool is_there = row < shape->queries && element < shape->length;
            q[i / 4][i % 4] = is_there ? *(const u32 *)(query + (i64)row * shape->query.place + element) : 0;
        }
#pragma unroll
        for (u32 i = 0; i < PARTS * 4; ++i) {
            sums[i / 4][i % 4] = 0.0f;
        }
        most[0] = most[1] = -1e30f; // finite: a warp may have no key at all
        total[0] = total[1] = 0.0f;
    }

    inline __device__ void score(Shared keys, float scores[TILES][4])
    {
        const u32 lane = threadIdx.x % 32;
#pragma unroll
        for (u32 i = 0; i < TILES * 4; ++i) {
            scores[i / 4][i % 4] = 0.0f;
        }
#pragma unroll
        for (u32 k = 0; k < D / 16; ++k) {
#pragma unroll
            for (u32 j = 0; j < TILES; j += 2) {
                u32 b[4];
                half_matrices(b, keys + half_at<D>(8 * j + lane % 8 + lane / 16 * 8, 2 * k + lane / 8 % 2));
                half_multiply(scores[j], q[k], b);
                half_multiply(scores[j + 1], q[k], b + 2);
            }
        }
    }

    // Scores become weights; `left` keys are there. Scores times `scale` are logarithms to base 2.
    inline __device__ void weigh(float scores[TILES][4], u32 left, float scale)
    {
        const u32 lane = threadIdx.x % 32;
        float largest[2] = {most[0], most[1]};
#pragma unroll
        for (u32 i = 0; i < TILES * 4; ++i) {
            const bool is_there = i / 4 * 8 + lane % 4 * 2 + i % 2 < left;
            float &score = scores[i / 4][i % 4];
            score = is_there ? score * scale : __uint_as_float(0xff800000u);
            largest[i / 2 % 2] = fmaxf(largest[i / 2 % 2], score);
        }
#pragma unroll
        for (u32 half = 0; half < 2; ++half) {
            largest[half] = fmaxf(largest[half], __shfl_xor_sync(0xffffffffu, largest[half], 1));
            largest[half] = fmaxf(largest[half], __shfl_xor_sync(0xffffffffu, largest[half], 2));
            const float shrink = half_exp2(most[half] - largest[half]);
            most[half] = largest[half];
            total[half] *= shrink;
#pragma unroll
            for (u32 i = 0; i < PARTS; ++i) {
                sums[i][2 * half] *= shrink;
                sums[i][2 * half + 1] *= shrink;
            }
        }
#pragma unroll
        for (u32 i = 0; i < TILES * 4; ++i) {
            float &score = scores[i / 4][i % 4];
            score = half_exp2(score - largest[i / 2 % 2]);
            total[i / 2 % 2] += score;
        }
    }

    inline __device__ void add(Shared values, const float scores[TILES][4])
    {
        const u32 lane = threadIdx.x % 32;
#pragma unroll
        for (u32 k = 0; k < TILES; k += 2) {
            const float *low = scores[k], *high = scores[k + 1];
            const u32 a[4] = {half_pack(low[0], low[1]), half_pack(low[2], low[3]), half_pack(high[0], high[1]),
                              half_pack(high[2], high[3])};
#pragma unroll
            for (u32 j = 0; j < PARTS; j += 2) {
                u32 b[4];
                half_matrices_transposed(b, values + half_at<V>(8 * k + lane % 16, j + lane / 16));
                half_multiply(sums[j], a, b);
                half_multiply(sums[j + 1], a, b + 2);
            }
        }
    }

    inline __device__ void end(u16 *output, const HalfAttention *shape, u32 q0, u32 value_length)
    {
        const u32 lane = threadIdx.x % 32;
#pragma unroll
        for (u32 half = 0; half < 2; ++half) {
            float all = total[half] + __shfl_xor_sync(0xffffffffu, total[half], 1);
            all += __shfl_xor_sync(0xffffffffu, all, 2);
            const float scale = 1.0f / all;
            const u32 row = q0 + lane / 4 + 8 * half;
#pragma unroll
            for (u32 i = 0; i < PARTS; ++i) {
                const u32 element = 8 * i + lane % 4 * 2;
                if (row < shape->queries && element < value_length) {
                    const u32 pair = half_pack(sums[i][2 * half] * scale, sums[i][2 * half + 1] * scale);
                    *(u32 *)(output + (i64)row * shape->output.place + element) = pair;
                }
            }
        }
    }
};

inline __device__ i64 half_offset(const HalfHeads *heads, u32 batch, u32 head)
{
    return heads->offset + (i64)batch * heads->batch + (i64)head * heads->head;
}
#endif
