// Standard normal noise as a function of (seed, chain, draw, element): core's, with its bits (core/src/noise.rs).
#pragma once
#include "portable.cuh"

// Normals of one block of ChaCha, one thread's work.
#define RWT_BLOCK 16
// Floats between the blocks of neighbouring lanes in shared memory: whole float4, few conflicts of banks.
#define RWT_LANE 20
// Floats of shared memory for each warp.
#define RWT_WARP (32 * RWT_LANE)

__device__ inline u32 rotate(u32 value, int by)
{
    return value << by | value >> (32 - by);
}

__device__ inline void quarter(u32 &a, u32 &b, u32 &c, u32 &d)
{
    a += b, d = rotate(d ^ a, 16);
    c += d, b = rotate(b ^ c, 12);
    a += b, d = rotate(d ^ a, 8);
    c += d, b = rotate(b ^ c, 7);
}

// A block of ChaCha8 whose key is the seed, then zeros.
__device__ inline void chacha8(u64 seed, u64 stream, u64 block, u32 words[RWT_BLOCK])
{
    const u32 start[RWT_BLOCK] = {
        0x61707865u, 0x3320646eu, 0x79622d32u, 0x6b206574u, (u32)seed,   (u32)(seed >> 32),  0u,          0u,
        0u,          0u,          0u,          0u,          (u32)block, (u32)(block >> 32), (u32)stream, (u32)(stream >> 32),
    };
    for (int i = 0; i < RWT_BLOCK; i++)
        words[i] = start[i];
    for (int round = 0; round < 4; round++) {
        quarter(words[0], words[4], words[8], words[12]);
        quarter(words[1], words[5], words[9], words[13]);
        quarter(words[2], words[6], words[10], words[14]);
        quarter(words[3], words[7], words[11], words[15]);
        quarter(words[0], words[5], words[10], words[15]);
        quarter(words[1], words[6], words[11], words[12]);
        quarter(words[2], words[7], words[8], words[13]);
        quarter(words[3], words[4], words[9], words[14]);
    }
    for (int i = 0; i < RWT_BLOCK; i++)
        words[i] += start[i];
}

// The normal quantile of a word taken as a probability, by the polynomials of core/src/noise.rs.
__device__ inline float normal_from_word(u32 word)
{
    const float ln2 = 0.693147180559945309f;
    const u32 sign = word & 0x80000000u;
    const u32 m = word ^ (u32)((i32)word >> 31); // distance from the middle, 31 bits
    const u32 rest = 0x7fffffffu - m;
    const float unit = 1.0f / 2147483648.0f;
    const float x = ((float)(i32)m + 0.5f) * unit;
    const float tail = ((float)(i32)rest + 0.5f) * unit; // 1 - x, exact where x is near 1
    const i32 bits = __float_as_int(tail * (1.0f + x));  // 1 - x^2
    const i32 exponent = (bits - 0x3f3504f3) >> 23;
    const float f = __int_as_float(bits - (i32)((u32)exponent << 23)) - 1.0f;
    float log = -0.100345194f;
    log = log * f + 0.16335627f;
    log = log * f + -0.17326018f;
    log = log * f + 0.19888279f;
    log = log * f + -0.24961464f;
    log = log * f + 0.33335263f;
    log = log * f + -0.50000584f;
    const float whole = (float)exponent * ln2 + (f + f * f * log);
    const float t = whole * (2.0f / (31.0f * ln2)) + 1.0f;
    float inverse = 0.04594336f;
    inverse = inverse * t + 0.056860965f;
    inverse = inverse * t + -0.14866723f;
    inverse = inverse * t + -0.22107986f;
    inverse = inverse * t + 0.11398801f;
    inverse = inverse * t + 0.24995756f;
    inverse = inverse * t + 0.01573867f;
    inverse = inverse * t + -0.039539274f;
    inverse = inverse * t + 0.07631538f;
    inverse = inverse * t + 0.06895355f;
    inverse = inverse * t + -0.008638348f;
    inverse = inverse * t + -0.067230225f;
    inverse = inverse * t + -0.13639976f;
    inverse = inverse * t + -0.25964263f;
    inverse = inverse * t + -0.5634034f;
    inverse = inverse * t + -2.3306015f;
    inverse = inverse * t + 4.400759f;
    return __uint_as_float(__float_as_uint(x * inverse) | sign);
}

// The normals of 32 * 16 elements from `element` on, a multiple of 16, into this warp's shared memory: each lane makes those
// of one block, to be read in any order by warp_normals.
__device__ inline void make_warp_normals(u64 seed, u64 chain, u32 draw, u64 element, u32 lane, float *shared)
{
    u32 words[RWT_BLOCK];
    chacha8(seed, chain, ((u64)draw << 32) + element / RWT_BLOCK + lane, words);
    __syncwarp(); // what was there has been read
    for (int i = 0; i < RWT_BLOCK; i += 4)
        *(float4 *)(shared + lane * RWT_LANE + i) =
            make_float4(normal_from_word(words[i]), normal_from_word(words[i + 1]), normal_from_word(words[i + 2]),
                        normal_from_word(words[i + 3]));
    __syncwarp();
}

// Four normals of those, from the element `at` on, a multiple of 4.
__device__ inline float4 warp_normals(const float *shared, u32 at)
{
    return *(const float4 *)(shared + at / RWT_BLOCK * RWT_LANE + at % RWT_BLOCK);
}
