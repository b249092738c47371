// Elementary functions in plain arithmetic: the same bits from every compiler.
#ifndef RWT_NETWORK_FUNCTIONS
#define RWT_NETWORK_FUNCTIONS
#include "../portable.cuh"

typedef long long i64;

// e^x to about one unit in the last place; 0 below -104, infinity above 89.
inline __device__ float net_exp(float x)
{
    if (!(x > -104.0f)) {
        return x != x ? x : 0.0f;
    }
    if (x > 89.0f) {
        return __uint_as_float(0x7f800000u);
    }
    const float shift = 12582912.0f; // 1.5 * 2^23: adding it rounds to an integer
    float n = fmaf(x, 1.44269504f, shift) - shift;
    float r = fmaf(n, -0.693145752f, x);
    r = fmaf(n, -1.42860677e-6f, r);
    float p = 1.38888889e-3f; // 1/6!
    p = fmaf(p, r, 8.33333333e-3f);
    p = fmaf(p, r, 4.16666667e-2f);
    p = fmaf(p, r, 1.66666667e-1f);
    p = fmaf(p, r, 0.5f);
    p = fmaf(p, r, 1.0f);
    p = fmaf(p, r, 1.0f);
    i32 e = (i32)n;
    i32 half = e / 2; // two factors, for the ends of the exponent's range
    return p * __int_as_float((half + 127) << 23) * __int_as_float((e - half + 127) << 23);
}

inline __device__ float net_sigmoid(float x)
{
    return 1.0f / (1.0f + net_exp(-x));
}

inline __device__ double net_exp_f64(double x)
{
    if (!(x > -745.0)) {
        return x != x ? x : 0.0;
    }
    if (x > 709.0) {
        return __longlong_as_double(0x7ff0000000000000ll);
    }
    const double shift = 6755399441055744.0; // 1.5 * 2^52
    double n = fma(x, 1.4426950408889634, shift) - shift;
    double r = fma(n, -0.6931471805599453, x);
    r = fma(n, -2.3190468138462996e-17, r);
    double p = 1.0;
    for (i32 k = 13; k > 0; --k) {
        p = fma(p * r, 1.0 / (double)k, 1.0);
    }
    i32 e = (i32)n;
    i32 half = e / 2;
    return p * __longlong_as_double((i64)(half + 1023) << 52) * __longlong_as_double((i64)(e - half + 1023) << 52);
}

// ln x of a float, in f64.
inline __device__ double net_log(float x)
{
    if (!(x > 0.0f)) {
        return x == 0.0f ? __longlong_as_double((i64)0xfff0000000000000ull) : __longlong_as_double(0x7ff8000000000000ll);
    }
    if (__float_as_uint(x) >= 0x7f800000u) {
        return (double)x;
    }
    i64 bits = __double_as_longlong((double)x); // no float is subnormal here
    i32 e = (i32)(bits >> 52) - 1023;
    double m = __longlong_as_double((bits & 0x000fffffffffffffll) | 0x3ff0000000000000ll);
    if (m > 1.4142135623730951) {
        m = 0.5 * m;
        e += 1;
    }
    double s = (m - 1.0) / (m + 1.0), s2 = s * s, sum = 0.0;
    for (i32 k = 23; k > 0; k -= 2) {
        sum = fma(sum, s2, 1.0 / (double)k);
    }
    return fma((double)e, 0.6931471805599453, 2.0 * s * sum);
}

// sin(x + quarter * pi / 2) for |x| up to about 1e6.
inline __device__ float net_sine(float x, i32 quarter)
{
    const double shift = 6755399441055744.0;
    double d = (double)x;
    double n = fma(d, 0.6366197723675814, shift) - shift;
    double r = fma(n, -1.5707963267948966, d);
    r = fma(n, -6.123233995736766e-17, r);
    i32 q = ((i32)(i64)n + quarter) & 3;
    double r2 = r * r, p = 0.0;
    for (i32 k = 18; k > 0; k -= 2) { // sum of (-1)^j r^2j / (2j + odd)!
        double next = (q & 1) ? (double)k * (double)(k - 1) : (double)k * (double)(k + 1);
        p = -r2 / next * (1.0 + p);
    }
    double value = (q & 1) ? 1.0 + p : r * (1.0 + p);
    return (float)((q & 2) ? -value : value);
}

inline __device__ float net_tanh(float x)
{
    double e = net_exp_f64(-2.0 * fabs((double)x));
    double t = (1.0 - e) / (1.0 + e);
    return (float)(x < 0.0f ? -t : t);
}

inline __device__ float net_erf(float x)
{
    double d = fabs((double)x);
    if (x != x) {
        return x;
    }
    double value = 1.0;
    if (d < 4.0) { // erf x = 2/sqrt(pi) x e^(-x^2) sum of (2 x^2)^k / (1 3 5 ... (2k + 1))
        double term = 1.0, sum = 1.0;
        for (i32 k = 1; k < 100; ++k) {
            term = term * 2.0 * d * d / (double)(2 * k + 1);
            sum += term;
        }
        value = 1.1283791670955126 * d * net_exp_f64(-d * d) * sum;
    }
    return (float)(x < 0.0f ? -value : value);
}

inline __device__ float net_power(float x, float p)
{
    if (p == 2.0f) {
        return x * x;
    }
    if (p == 0.5f) {
        return sqrtf(x);
    }
    if (p == 0.0f) {
        return 1.0f;
    }
    if (x == 0.0f) {
        return p > 0.0f ? 0.0f : __uint_as_float(0x7f800000u);
    }
    float size = (float)net_exp_f64((double)p * net_log(fabsf(x)));
    if (x > 0.0f) {
        return size;
    }
    bool is_whole = fabsf(p) < 16777216.0f && (float)(i32)p == p;
    if (!is_whole) {
        return __uint_as_float(0x7fc00000u);
    }
    return ((i32)p & 1) ? -size : size;
}
#endif
