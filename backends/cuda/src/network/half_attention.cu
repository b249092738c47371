// softmax(scale Q K^T) V in bf16, without the matrix in between: a warp has 16 queries, and its sums are rescaled
// whenever a query's largest score grows (Milakov and Gimelshein 2018; Dao et al. 2022). half.cuh lists the kernels.
//
// Values are on their way while scores are made, and the next keys while values are added up.
#include "half_head.cuh"

template <u32 D, u32 V, u32 KEYS> inline __device__ void half_attend(float *memory, const HalfAttention *shape)
{
    typedef HalfHead<D, V, KEYS> Head;
    __shared__ __align__(128) char shared[KEYS * 2 * (D + V)];
    const Shared key_tile = half_shared(shared), value_tile = key_tile + KEYS * 2 * D;
    const u32 batch = blockIdx.y / shape->heads, head = blockIdx.y % shape->heads;
    const u32 q0 = (blockIdx.x * WARPS + threadIdx.x / 32) * 16, keys = shape->keys;
    const u32 key_place = shape->key.place, value_place = shape->value.place;
    const u32 length = shape->length, element = blockIdx.z * V, value_length = shape->value_length - element;
    u16 *half = (u16 *)memory;
    const u16 *key = half + half_offset(&shape->key, batch, head);
    const u16 *value = half + half_offset(&shape->value, batch, head) + element;
    const float scale = shape->scale * 1.44269504f; // to base 2
    Head mine;
    mine.begin(half + half_offset(&shape->query, batch, head), shape, q0);
    half_fetch_rows<D, KEYS>(key_tile, key, key_place, 0, keys, length);
    half_commit();
#pragma unroll 1
    for (u32 k0 = 0; k0 < keys; k0 += KEYS) {
        float scores[Head::TILES][4];
        half_wait<0>();
        __syncthreads(); // the keys are there, and nobody is at the last values
        half_fetch_rows<V, KEYS>(value_tile, value, value_place, k0, keys, value_length);
        half_commit();
        mine.score(key_tile, scores);
        mine.weigh(scores, keys - k0, scale);
        half_wait<0>();
        __syncthreads(); // the values are there, and nobody is at the keys
        half_fetch_rows<D, KEYS>(key_tile, key, key_place, k0 + KEYS, keys, length);
        half_commit();
        mine.add(value_tile, scores);
    }
    half_wait<0>();
    mine.end(half + half_offset(&shape->output, batch, head) + element, shape, q0, value_length);
}

extern "C" __global__ void __launch_bounds__(128) rwt_half_attention_64(const float *, float *memory,
                                                                        const HalfAttention *shape)
{
    half_attend<64, 64, 64>(memory, shape);
}

extern "C" __global__ void __launch_bounds__(128) rwt_half_attention_128(const float *, float *memory,
                                                                         const HalfAttention *shape)
{
    half_attend<128, 128, 64>(memory, shape);
}

extern "C" __global__ void __launch_bounds__(128) rwt_half_attention_256(const float *, float *memory,
                                                                         const HalfAttention *shape)
{
    half_attend<256, 128, 32>(memory, shape);
}
