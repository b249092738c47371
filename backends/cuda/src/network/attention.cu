// softmax(scale Q K^T) V without the matrix in between: keys and values are read 32 at a time, and the sums of each query
// are rescaled whenever its largest score grows (Milakov and Gimelshein 2018; Dao et al. 2022).
//
// rwt_net_attention_D(weights, memory, shape), D = 64, 128, 256, 512: for heads of at most that length
//   block 256, grid [ceil(queries / 16), batches * heads]
#include "program.cuh"

struct Heads {
    i64 offset, batch, head, place, element; // strides
};

struct Attention {
    Heads query, key, value, output;
    u32 heads, queries, keys, length, value_length;
    float scale;
};

enum { QUERIES = 16, KEYS = 32, LANES = 16, CHUNK = 32, WIDE = 64 };

// keys k0 .. k0 + 32, elements d0 .. d0 + SIZE, into shared[key][element]; 0 beyond the ends.
template <u32 SIZE, u32 ROW>
inline __device__ void net_fetch(const float *from, const Heads *strides, u32 k0, u32 keys, u32 d0, u32 length,
                                 float *shared)
{
#pragma unroll 2
    for (u32 e = threadIdx.x; e < KEYS * SIZE; e += 256) {
        bool along = strides->element == 1;
        u32 key = along ? e / SIZE : e % KEYS, d = along ? e % SIZE : e / KEYS;
        bool is_inside = k0 + key < keys && d0 + d < length;
        i64 at = (i64)(k0 + key) * strides->place + (i64)(d0 + d) * strides->element;
        shared[key * ROW + d] = is_inside ? from[at] : 0.0f;
    }
}

template <u32 D>
inline __device__ void net_attend(float *memory, const Attention *shape)
{
    __shared__ float q[QUERIES * (D + 1)];
    __shared__ float chunk[KEYS * (WIDE + 1)];
    __shared__ float scores[QUERIES * (KEYS + 1)];
    const u32 t = threadIdx.x, mine = t / LANES, lane = t % LANES;
    const u32 batch = blockIdx.y / shape->heads, head = blockIdx.y % shape->heads, q0 = blockIdx.x * QUERIES;
    const u32 keys = shape->keys, length = shape->length, value_length = shape->value_length;
    const float *query = memory + shape->query.offset + batch * shape->query.batch + head * shape->query.head;
    const float *key = memory + shape->key.offset + batch * shape->key.batch + head * shape->key.head;
    const float *value = memory + shape->value.offset + batch * shape->value.batch + head * shape->value.head;
#pragma unroll 2
    for (u32 e = t; e < QUERIES * D; e += 256) {
        u32 row = shape->query.element == 1 ? e / D : e % QUERIES, d = shape->query.element == 1 ? e % D : e / QUERIES;
        bool is_inside = q0 + row < shape->queries && d < length;
        i64 at = (i64)(q0 + row) * shape->query.place + (i64)d * shape->query.element;
        q[row * (D + 1) + d] = is_inside ? query[at] * shape->scale : 0.0f;
    }
    float sums[D / LANES] = {};
    float most = __uint_as_float(0xff800000u), total = 0.0f;
    for (u32 k0 = 0; k0 < keys; k0 += KEYS) {
        float score[2] = {0.0f, 0.0f};
        for (u32 d0 = 0; d0 < length; d0 += CHUNK) {
            __syncthreads();
            net_fetch<CHUNK, CHUNK + 1>(key, &shape->key, k0, keys, d0, length, chunk);
            __syncthreads();
#pragma unroll 8
            for (u32 d = 0; d < CHUNK; ++d) {
                float a = q[mine * (D + 1) + d0 + d];
                score[0] = fmaf(a, chunk[lane * (CHUNK + 1) + d], score[0]);
                score[1] = fmaf(a, chunk[(lane + LANES) * (CHUNK + 1) + d], score[1]);
            }
        }
        const float none = __uint_as_float(0xff800000u);
        score[0] = k0 + lane < keys ? score[0] : none;
        score[1] = k0 + lane + LANES < keys ? score[1] : none;
        float largest = fmaxf(most, fmaxf(score[0], score[1]));
        for (u32 far = LANES / 2; far > 0; far /= 2) {
            largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, far));
        }
        const float shrink = net_exp(most - largest);
        score[0] = net_exp(score[0] - largest);
        score[1] = net_exp(score[1] - largest);
        float sum = score[0] + score[1];
        for (u32 far = LANES / 2; far > 0; far /= 2) {
            sum += __shfl_xor_sync(0xffffffffu, sum, far);
        }
        total = fmaf(total, shrink, sum);
        most = largest;
        scores[mine * (KEYS + 1) + lane] = score[0];
        scores[mine * (KEYS + 1) + lane + LANES] = score[1];
#pragma unroll
        for (u32 d0 = 0; d0 < D; d0 += WIDE) {
            __syncthreads();
            net_fetch<WIDE, WIDE + 1>(value, &shape->value, k0, keys, d0, value_length, chunk);
            __syncthreads();
#pragma unroll
            for (u32 j = 0; j < WIDE / LANES; ++j) {
                float s = sums[d0 / LANES + j] * shrink;
#pragma unroll 4
                for (u32 k = 0; k < KEYS; ++k) {
                    s = fmaf(scores[mine * (KEYS + 1) + k], chunk[k * (WIDE + 1) + lane + LANES * j], s);
                }
                sums[d0 / LANES + j] = s;
            }
        }
    }
    if (q0 + mine >= shape->queries) {
        return;
    }
    float *output = memory + shape->output.offset + batch * shape->output.batch + head * shape->output.head
        + (i64)(q0 + mine) * shape->output.place;
#pragma unroll
    for (u32 j = 0; j < D / LANES; ++j) {
        u32 d = lane + LANES * j;
        if (d < value_length) {
            output[(i64)d * shape->output.element] = sums[j] / total;
        }
    }
}

extern "C" __global__ void rwt_net_attention_64(const float *, float *memory, const Attention *shape)
{
    net_attend<64>(memory, shape);
}

extern "C" __global__ void rwt_net_attention_128(const float *, float *memory, const Attention *shape)
{
    net_attend<128>(memory, shape);
}

extern "C" __global__ void rwt_net_attention_256(const float *, float *memory, const Attention *shape)
{
    net_attend<256>(memory, shape);
}

extern "C" __global__ void rwt_net_attention_512(const float *, float *memory, const Attention *shape)
{
    net_attend<512>(memory, shape);
}
