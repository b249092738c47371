// What every kernel includes: numbers by their width, and arithmetic whose bits are the same everywhere.
//
// The sources are compiled to PTX without contraction (--fmad=false), and as C++ on processors (-ffp-contract=off): a
// multiplication and an addition stay two operations; where one is meant it is written fmaf. Functions of a device's own
// (expf and the like) are not used, for they have other bits elsewhere.
#pragma once

typedef unsigned char u8;
typedef unsigned int u32;
typedef int i32;
typedef unsigned long long u64;

// Neither infinite nor NaN.
__device__ inline bool is_finite(float value)
{
    return (__float_as_uint(value) & 0x7f800000u) != 0x7f800000u;
}

// Where something is not finite: the row, above 40 bits of the element over all chains.
__device__ inline void report_bad(u64 *bad, u32 row, u64 element)
{
    atomicMin(bad, (u64)row << 40 | element);
}

// Was something found in an earlier row? Then nothing is worth computing.
__device__ inline bool is_lost(const u64 *bad, u32 row)
{
    return (*bad >> 40) < row;
}
