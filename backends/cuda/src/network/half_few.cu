// The attention of half_attention.cu for few queries: a block has 16 of them, and its warps a quarter of the keys each.
// What they have added up is put together in their order. half.cuh lists the kernels.
#include "half_head.cuh"

enum { OWN = 16, KEYS = WARPS * OWN }; // keys of a warp and of a block at a time

template <u32 V> struct HalfParts { // of each warp, for each of the 16 queries
    float sums[WARPS][16][V];
    float2 moments[WARPS][16]; // largest score, and total
};

// This warp's part of all.
template <u32 D, u32 V> inline __device__ void half_part(HalfParts<V> *parts, const HalfHead<D, V, OWN> &mine)
{
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32;
#pragma unroll
    for (u32 half = 0; half < 2; ++half) {
        const u32 row = lane / 4 + 8 * half;
        float all = mine.total[half] + __shfl_xor_sync(0xffffffffu, mine.total[half], 1);
        all += __shfl_xor_sync(0xffffffffu, all, 2);
        if (lane % 4 == 0) {
            parts->moments[warp][row] = make_float2(mine.most[half], all);
        }
#pragma unroll
        for (u32 i = 0; i < V / 8; ++i) {
            const float2 pair = make_float2(mine.sums[i][2 * half], mine.sums[i][2 * half + 1]);
            *(float2 *)(parts->sums[warp][row] + 8 * i + lane % 4 * 2) = pair;
        }
    }
}

// All parts of an octet of a query.
template <u32 V> inline __device__ void half_join(const HalfParts<V> *parts, u32 row, u32 octet, float it[8])
{
    float most = parts->moments[0][row].x, total = 0.0f;
#pragma unroll
    for (u32 warp = 1; warp < WARPS; ++warp) {
        most = fmaxf(most, parts->moments[warp][row].x);
    }
#pragma unroll
    for (u32 warp = 0; warp < WARPS; ++warp) {
        const float2 moments = parts->moments[warp][row];
        const float factor = half_exp2(moments.x - most), *sums = parts->sums[warp][row] + 8 * octet;
        total = fmaf(moments.y, factor, total);
#pragma unroll
        for (u32 i = 0; i < 8; ++i) {
            it[i] = fmaf(sums[i], factor, warp == 0 ? 0.0f : it[i]);
        }
    }
#pragma unroll
    for (u32 i = 0; i < 8; ++i) {
        it[i] = it[i] / total;
    }
}

template <u32 D, u32 V> inline __device__ void half_attend_few(float *memory, const HalfAttention *shape)
{
    enum { TILES = KEYS * 2 * (D + V), PARTS = sizeof(HalfParts<V>) };
    __shared__ __align__(128) char shared[(u32)TILES > (u32)PARTS ? (u32)TILES : (u32)PARTS];
    const Shared key_tile = half_shared(shared), value_tile = key_tile + KEYS * 2 * D;
    const u32 batch = blockIdx.y / shape->heads, head = blockIdx.y % shape->heads, q0 = blockIdx.x * 16;
    const u32 keys = shape->keys, key_place = shape->key.place, value_place = shape->value.place;
    const u32 length = shape->length, element = blockIdx.z * V, value_length = shape->value_length - element;
    const u32 own = threadIdx.x / 32 * OWN;
    u16 *half = (u16 *)memory;
    const u16 *key = half + half_offset(&shape->key, batch, head);
    const u16 *value = half + half_offset(&shape->value, batch, head) + element;
    const float scale = shape->scale * 1.44269504f; // to base 2
    HalfHead<D, V, OWN> mine;
    mine.begin(half + half_offset(&shape->query, batch, head), shape, q0);
    half_fetch_rows<D, KEYS>(key_tile, key, key_place, 0, keys, length);
    half_commit();
#pragma unroll 1
    for (u32 k0 = 0; k0 < keys; k0 += KEYS) {
        float scores[OWN / 8][4];
        half_wait<0>();
        __syncthreads(); // the keys are there, and nobody is at the last values
        half_fetch_rows<V, KEYS>(value_tile, value, value_place, k0, keys, value_length);
        half_commit();
        mine.score(key_tile + own * 2 * D, scores);
        mine.weigh(scores, keys > k0 + own ? keys - k0 - own : 0, scale);
        half_wait<0>();
        __syncthreads(); // the values are there, and nobody is at the keys
        half_fetch_rows<D, KEYS>(key_tile, key, key_place, k0 + KEYS, keys, length);
        half_commit();
        mine.add(value_tile + own * 2 * V, scores);
    }
    half_wait<0>();
    __syncthreads();
    HalfParts<V> *parts = (HalfParts<V> *)shared;
    half_part<D, V>(parts, mine);
    __syncthreads();
    u16 *output = half + half_offset(&shape->output, batch, head) + element;
    for (u32 e = threadIdx.x; e < 16 * (V / 8); e += THREADS) {
        const u32 row = e / (V / 8), octet = e % (V / 8);
        if (q0 + row < shape->queries && 8 * octet < value_length) {
            float it[8];
            half_join<V>(parts, row, octet, it);
            *(uint4 *)(output + (i64)(q0 + row) * shape->output.place + 8 * octet) = half_octet(it);
        }
    }
}

extern "C" __global__ void __launch_bounds__(128) rwt_half_attention_few_64(const float *, float *memory,
                                                                            const HalfAttention *shape)
{
    half_attend_few<64, 64>(memory, shape);
}

extern "C" __global__ void __launch_bounds__(128) rwt_half_attention_few_128(const float *, float *memory,
                                                                             const HalfAttention *shape)
{
    half_attend_few<128, 128>(memory, shape);
}

extern "C" __global__ void __launch_bounds__(128) rwt_half_attention_few_256(const float *, float *memory,
                                                                             const HalfAttention *shape)
{
    half_attend_few<256, 128>(memory, shape);
}
