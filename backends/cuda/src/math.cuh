// What is asked of a number's bits, the same from every compiler.
#ifndef RWT_MATH
#define RWT_MATH
#include "portable.cuh"

inline __device__ bool rwt_is_finite(float value)
{
    return (__float_as_uint(value) & 0x7f800000u) != 0x7f800000u;
}

inline __device__ bool rwt_is_finite(double value)
{
    return (__double_as_longlong(value) & 0x7ff0000000000000ll) != 0x7ff0000000000000ll;
}

#endif
