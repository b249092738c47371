// The instructions of program.cuh on an octet: eight neighbouring channels of a place.
#ifndef RWT_NETWORK_HALF_PROGRAM
#define RWT_NETWORK_HALF_PROGRAM
#include "program.cuh"
#include "tensor.cuh"

// Two bf16 from the lower and the upper half of a word.
inline __device__ float half_low(u32 pair)
{
    return __uint_as_float(pair << 16);
}

inline __device__ float half_high(u32 pair)
{
    return __uint_as_float(pair & 0xffff0000u);
}

inline __device__ void half_unpack(float to[8], uint4 octet)
{
    const u32 pairs[4] = {octet.x, octet.y, octet.z, octet.w};
#pragma unroll
    for (u32 i = 0; i < 4; ++i) {
        to[2 * i] = half_low(pairs[i]);
        to[2 * i + 1] = half_high(pairs[i]);
    }
}

inline __device__ uint4 half_octet(const float from[8])
{
    return make_uint4(half_pack(from[0], from[1]), half_pack(from[2], from[3]), half_pack(from[4], from[5]),
                      half_pack(from[6], from[7]));
}

inline __device__ bool half_is_aligned(const void *pointer)
{
    return ((u64)pointer & 15) == 0;
}

// Channels i1 ... of place i2 of picture i0 of an operand, of which `valid` are there; 0 for the others.
inline __device__ void half_read(float to[8], const Instruction *from, const float *weights, const float *memory, u32 i0,
                                 u32 i1, u32 i2, u32 valid)
{
    const u32 stride = from->stride[1];
    const i64 at = from->offset + (i64)i0 * from->stride[0] + (i64)i1 * stride + (i64)i2 * from->stride[2];
    if (from->source == NET_VALUE) {
#pragma unroll
        for (u32 i = 0; i < 8; ++i) {
            to[i] = from->value;
        }
    } else if (from->source == NET_HALF_MEMORY) {
        const u16 *array = (const u16 *)memory + at;
        if (stride == 1 && valid == 8 && half_is_aligned(array)) {
            half_unpack(to, *(const uint4 *)array);
        } else {
#pragma unroll
            for (u32 i = 0; i < 8; ++i) {
                to[i] = i < valid ? half_low(array[i * stride]) : 0.0f;
            }
        }
    } else {
        const float *array = (from->source == NET_WEIGHTS ? weights : memory) + at;
        if (stride == 1 && valid == 8 && half_is_aligned(array)) {
            const float4 a = *(const float4 *)array, b = *(const float4 *)(array + 4);
            to[0] = a.x, to[1] = a.y, to[2] = a.z, to[3] = a.w;
            to[4] = b.x, to[5] = b.y, to[6] = b.z, to[7] = b.w;
        } else {
#pragma unroll
            for (u32 i = 0; i < 8; ++i) {
                to[i] = i < valid ? array[i * stride] : 0.0f;
            }
        }
    }
}

// 2^x to about one unit in the last place of f32, for x from -126 to 127 and no more than that beyond.
inline __device__ float half_exp2(float x)
{
    const float shift = 12582912.0f; // 1.5 * 2^23: adding it rounds to an integer
    x = x < -126.0f ? -126.0f : x > 127.0f ? 127.0f : x;
    const float whole = x + shift, r = x - (whole - shift);
    float p = 1.33335581e-3f; // ln(2)^5 / 5!
    p = fmaf(p, r, 9.61812911e-3f);
    p = fmaf(p, r, 5.55041087e-2f);
    p = fmaf(p, r, 2.40226507e-1f);
    p = fmaf(p, r, 6.93147181e-1f);
    p = fmaf(p, r, 1.0f);
    return p * __uint_as_float((__float_as_uint(whole) << 23) + 0x3f800000u); // what is not a number stays so
}

// In half the time of net_sigmoid, which is exact for longer.
inline __device__ float half_sigmoid(float x)
{
    return 1.0f / (1.0f + half_exp2(-1.44269504f * x));
}

// One instruction of net_run on one number.
template <bool FULL> inline __device__ float half_one(i32 code, float it, float b)
{
    if (code == NET_SIGMOID || code == NET_SILU) {
        return half_sigmoid(it) * (code == NET_SILU ? it : 1.0f);
    }
    const Instruction step = {0, code, b, {0, 0, 0}, NET_VALUE};
    return net_run<FULL>(&step, 1, nullptr, nullptr, 0, 0, 0, it);
}

// The same on eight. FULL: with the functions that are never fused into another kernel.
template <bool FULL> inline __device__ void half_apply(i32 code, float it[8], float b[8])
{
#define HALF_EACH(CODE) \
    case CODE: \
        _Pragma("unroll") for (u32 i = 0; i < 8; ++i) \
        { \
            it[i] = half_one<false>(CODE, it[i], b[i]); \
        } \
        break
    switch (code) { // once for all eight
        HALF_EACH(NET_ADD);
        HALF_EACH(NET_SUBTRACT);
        HALF_EACH(NET_SUBTRACT_FROM);
        HALF_EACH(NET_MULTIPLY);
        HALF_EACH(NET_DIVIDE);
        HALF_EACH(NET_DIVIDE_BY_IT);
        HALF_EACH(NET_MAXIMUM);
        HALF_EACH(NET_MINIMUM);
        HALF_EACH(NET_RELU);
        HALF_EACH(NET_LEAKY_RELU);
        HALF_EACH(NET_SIGMOID);
        HALF_EACH(NET_SILU);
        HALF_EACH(NET_NEGATE);
        HALF_EACH(NET_ABSOLUTE);
        HALF_EACH(NET_RECIPROCAL);
        HALF_EACH(NET_SQUARE_ROOT);
    default:
        if (FULL) {
#pragma unroll 1
            for (u32 k = 0; k < 8; ++k) { // long ones one after another: the eight numbers go round
                const float value = half_one<true>(code, it[0], b[0]);
#pragma unroll
                for (u32 i = 0; i < 7; ++i) {
                    it[i] = it[i + 1];
                    b[i] = b[i + 1];
                }
                it[7] = value;
            }
        }
    }
#undef HALF_EACH
}

template <bool FULL>
inline __device__ void half_run(const Instruction *steps, u32 count, const float *weights, const float *memory, u32 i0,
                                u32 i1, u32 i2, u32 valid, float it[8])
{
#pragma unroll 1
    for (u32 k = 0; k < count; ++k) {
        float b[8];
        half_read(b, steps + k, weights, memory, i0, i1, i2, valid);
        half_apply<FULL>(steps[k].code, it, b);
    }
}

// `valid` channels to where a multiple of 8 bf16 or any number of f32 lie.
inline __device__ void half_write(const float it[8], float *memory, i64 at, bool is_float, u32 stride, u32 valid)
{
    if (!is_float) {
        *(uint4 *)((u16 *)memory + at) = half_octet(it);
        return;
    }
#pragma unroll
    for (u32 i = 0; i < 8; ++i) {
        if (i < valid) {
            memory[at + (i64)i * stride] = it[i];
        }
    }
}
#endif
