// A row of a plan on the device: core's update, with its bits (core/src/update.rs).
//
// | kernel | grid | block |
// | rwt_step | (ceil(n / (16 * threads)), chains) | a multiple of 32, at most 256 |
// | rwt_begin, rwt_next | 1 | 1 |
// | rwt_fill | any | any |
#include "noise.cuh"
#include "row.cuh"

// The coefficients of a row, and which of its terms there are.
struct terms {
    float x, denoised, previous, gradient, noise;
    bool has_x, has_denoised, has_previous, has_gradient, has_noise;
};

__device__ static terms terms_of(const rwt_row &row, const float *scale, u32 chain)
{
    const double gradient = scale ? (double)scale[chain] : row.gradient;
    return {(float)row.x,         (float)row.denoised,   (float)row.previous, (float)gradient,  (float)row.noise,
            row.x != 0.0,         row.denoised != 0.0,   row.previous != 0.0, gradient != 0.0, row.noise != 0.0};
}

// x <- x.x + d.D + p.D before + g.gradient + n.noise at one element, the terms in this order.
__device__ static float sum_of(const terms &t, float x, float denoised, float previous, float gradient, float noise)
{
    float sum = 0.0f;
    if (t.has_x)
        sum += t.x * x;
    if (t.has_denoised)
        sum += t.denoised * denoised;
    if (t.has_previous)
        sum += t.previous * previous;
    if (t.has_gradient)
        sum += t.gradient * gradient;
    if (t.has_noise)
        sum += t.noise * noise;
    return sum;
}

__device__ static float4 load4(const float *array, u64 at, bool is_read)
{
    return is_read ? *(const float4 *)(array + at) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
}

extern "C" __global__ void rwt_step(const rwt_row *rows, const u32 *level, u64 seed, u64 first_chain, u64 n, float *x,
                                    const float *denoised, float *previous, const float *gradient, const float *scale,
                                    u64 *bad)
{
    __shared__ __align__(16) float shared[8 * RWT_WARP];
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, now = *level, chain = blockIdx.y;
    if (is_lost(bad, now))
        return;
    const terms t = terms_of(rows[now], scale, chain);
    float *const normals = shared + warp * RWT_WARP;
    // 512 elements a warp
    const u64 start = ((u64)blockIdx.x * (blockDim.x / 32) + warp) * (32 * RWT_BLOCK);
    if (start >= n)
        return;
    if (t.has_noise)
        make_warp_normals(seed, first_chain + chain, rows[now].draw, start, lane, normals);
    const u64 origin = chain * n;
    for (u32 part = 0; part < 4; part++) {
        const u32 within = part * 128 + lane * 4;
        const u64 i = start + within;
        const float4 z = t.has_noise ? warp_normals(normals, within) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        if (n % 4 == 0 && i + 4 <= n) {
            const u64 at = origin + i;
            const float4 a = load4(x, at, t.has_x), d = load4(denoised, at, t.has_denoised);
            const float4 p = load4(previous, at, t.has_previous), g = load4(gradient, at, t.has_gradient);
            if (t.has_denoised && !(is_finite(d.x) && is_finite(d.y) && is_finite(d.z) && is_finite(d.w)))
                report_bad(bad, now, at + (!is_finite(d.x) ? 0 : !is_finite(d.y) ? 1 : !is_finite(d.z) ? 2 : 3));
            *(float4 *)(x + at) =
                make_float4(sum_of(t, a.x, d.x, p.x, g.x, z.x), sum_of(t, a.y, d.y, p.y, g.y, z.y),
                            sum_of(t, a.z, d.z, p.z, g.z, z.z), sum_of(t, a.w, d.w, p.w, g.w, z.w));
            if (previous && t.has_denoised)
                *(float4 *)(previous + at) = d;
            continue;
        }
        const float each[4] = {z.x, z.y, z.z, z.w};
        for (u32 k = 0; k < 4 && i + k < n; k++) {
            const u64 at = origin + i + k;
            const float d = t.has_denoised ? denoised[at] : 0.0f;
            if (!is_finite(d))
                report_bad(bad, now, at);
            x[at] = sum_of(t, t.has_x ? x[at] : 0.0f, d, t.has_previous ? previous[at] : 0.0f,
                           t.has_gradient ? gradient[at] : 0.0f, each[k]);
            if (previous && t.has_denoised)
                previous[at] = d;
        }
    }
}

// *sigma <- the present row's.
extern "C" __global__ void rwt_begin(const rwt_row *rows, const u32 *level, double *sigma)
{
    *sigma = rows[*level].sigma;
}

// The next row is the present one.
extern "C" __global__ void rwt_next(u32 *level)
{
    *level += 1;
}

// x <- value everywhere.
extern "C" __global__ void rwt_fill(float *x, u64 n, float value)
{
    const u64 step = (u64)gridDim.x * blockDim.x;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step)
        x[i] = value;
}
