// Standard normal noise as a function of (seed, chain, draw, element), with the bits of core/src/noise.rs: one word of
// ChaCha8 becomes one normal by the inverse of the normal distribution function, without fused multiply-adds.
#ifndef RWT_NOISE
#define RWT_NOISE
#include "portable.cuh"

// Words of a ChaCha block; a thread makes one.
const u32 RWT_WORDS = 16;
// A warp's blocks together.
const u32 RWT_TILE = 32 * RWT_WORDS;

inline __device__ u32 rwt_rotate(u32 word, int bits)
{
    return word << bits | word >> (32 - bits);
}

inline __device__ void rwt_quarter_round(u32 &a, u32 &b, u32 &c, u32 &d)
{
    a += b;
    d = rwt_rotate(d ^ a, 16);
    c += d;
    b = rwt_rotate(b ^ c, 12);
    a += b;
    d = rwt_rotate(d ^ a, 8);
    c += d;
    b = rwt_rotate(b ^ c, 7);
}

// Chains from 2^63 on are antithetic pairs: 2k and 2k + 1 have the noise of chain k, the second with the opposite sign.
inline __device__ u64 rwt_stream(u64 chain)
{
    return chain >> 63 ? chain << 1 >> 2 : chain;
}

// The bits that are turned over in a chain's words.
inline __device__ u32 rwt_opposite(u64 chain)
{
    return chain >> 63 ? 0u - ((u32)chain & 1u) : 0u;
}

// Key: the seed, little endian, then zeros; counter: draw << 32 | block; stream: the chain's.
inline __device__ void rwt_chacha8(u64 seed, u64 chain, u32 draw, u32 block, u32 words[RWT_WORDS])
{
    const u64 stream = rwt_stream(chain);
    const u32 start[RWT_WORDS] = {0x61707865u, 0x3320646eu, 0x79622d32u, 0x6b206574u, (u32)seed, (u32)(seed >> 32), 0, 0,
                                  0, 0, 0, 0, block, draw, (u32)stream, (u32)(stream >> 32)};
#pragma unroll
    for (int i = 0; i < 16; i++) {
        words[i] = start[i];
    }
#pragma unroll
    for (int round = 0; round < 4; round++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            rwt_quarter_round(words[i], words[4 + i], words[8 + i], words[12 + i]);
        }
#pragma unroll
        for (int i = 0; i < 4; i++) {
            rwt_quarter_round(words[i], words[4 + (i + 1) % 4], words[8 + (i + 2) % 4], words[12 + (i + 3) % 4]);
        }
    }
#pragma unroll
    for (int i = 0; i < 16; i++) {
        words[i] += start[i];
    }
}

// The normal quantile of a word taken as a probability; the coefficients are core's.
inline __device__ float rwt_normal(u32 word)
{
    const u32 sign = word & 0x80000000u;
    const u32 m = word ^ (u32)((i32)word >> 31); // distance from the middle, 31 bits
    const u32 rest = 0x7fffffffu - m;
    const float scale = 1.0f / 2147483648.0f;
    const float x = ((float)(i32)m + 0.5f) * scale;
    const float tail = ((float)(i32)rest + 0.5f) * scale; // 1 - x
    const i32 bits = __float_as_int(tail * (1.0f + x));   // 1 - x^2
    const i32 exponent = (bits - 0x3f3504f3) >> 23;
    const float f = __int_as_float(bits - (i32)((u32)exponent << 23)) - 1.0f;
    float sum = -0.100345194f;
    sum = sum * f + 0.16335627f;
    sum = sum * f + -0.17326018f;
    sum = sum * f + 0.19888279f;
    sum = sum * f + -0.24961464f;
    sum = sum * f + 0.33335263f;
    sum = sum * f + -0.50000584f;
    const float log = (float)exponent * 0.693147180559945309f + (f + f * f * sum);
    const float t = log * (2.0f / (31.0f * 0.693147180559945309f)) + 1.0f;
    sum = 0.04594336f;
    sum = sum * t + 0.056860965f;
    sum = sum * t + -0.14866723f;
    sum = sum * t + -0.22107986f;
    sum = sum * t + 0.11398801f;
    sum = sum * t + 0.24995756f;
    sum = sum * t + 0.01573867f;
    sum = sum * t + -0.039539274f;
    sum = sum * t + 0.07631538f;
    sum = sum * t + 0.06895355f;
    sum = sum * t + -0.008638348f;
    sum = sum * t + -0.067230225f;
    sum = sum * t + -0.13639976f;
    sum = sum * t + -0.25964263f;
    sum = sum * t + -0.5634034f;
    sum = sum * t + -2.3306015f;
    sum = sum * t + 4.400759f;
    return __uint_as_float(__float_as_uint(x * sum) | sign);
}

// Where a tile keeps an element's normal: rows of 16, a thread's own, whose quads are exchanged so that neither the
// threads that write rows nor those that read quads side by side meet in a bank.
inline __device__ u32 rwt_place(u32 element)
{
    const u32 row = element >> 4;
    return row << 4 | ((element >> 2 ^ row >> 1) & 3u) << 2 | (element & 3u);
}

// A warp fills its tile with the elements first..first + 512 of a draw, first being a multiple of 512.
inline __device__ void rwt_fill_tile(u64 seed, u64 chain, u32 draw, u64 first, float *tile)
{
    const u32 lane = threadIdx.x & 31u, opposite = rwt_opposite(chain);
    u32 words[RWT_WORDS];
    rwt_chacha8(seed, chain, draw, (u32)(first >> 4) + lane, words);
#pragma unroll
    for (u32 i = 0; i < RWT_WORDS; i += 4) {
        const float4 quad = make_float4(rwt_normal(words[i] ^ opposite), rwt_normal(words[i + 1] ^ opposite),
                                        rwt_normal(words[i + 2] ^ opposite), rwt_normal(words[i + 3] ^ opposite));
        *(float4 *)(tile + rwt_place(lane * RWT_WORDS + i)) = quad;
    }
}

#endif
