// A row of a plan, and what was found not to be finite in one.
#ifndef RWT_ROW
#define RWT_ROW
#include "math.cuh"

// core's Step, 56 bytes.
struct rwt_row {
    double sigma, x, denoised, previous, gradient, noise;
    u32 draw, reserved;
};

// *bad is the smallest (row << 40 | chain * n + element) that is not finite, or all ones.
const int RWT_ELEMENT_BITS = 40;

// Was something of an earlier row not finite? x is left as it is then.
inline __device__ bool rwt_is_spoilt(const u64 *bad, u32 row)
{
    return *bad >> RWT_ELEMENT_BITS < row;
}

inline __device__ void rwt_report(u64 *bad, u32 row, u64 element)
{
    atomicMin(bad, (u64)row << RWT_ELEMENT_BITS | element);
}

#endif
