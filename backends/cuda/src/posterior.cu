// Guided look-ahead and the ends of walks, whatever was measured: core/src/gla.rs. u is the pull of the measurement,
// A^T (eta^2 + q A A^T)^-1 (y - A D), [chains, n]; sums are in double precision and in a fixed order.
//
// | kernel | grid | block |
// | rwt_length, rwt_covariance | (blocks, chains): partial is [chains, blocks] | a power of two, at most 256 |
// | rwt_delta, rwt_guide | (1, chains) | 1 |
// | rwt_displace, rwt_end | (any, chains) | any |
#include "posterior.cuh"

// partial <- sum of u^2.
extern "C" __global__ void rwt_length(u64 n, const float *u, double *partial)
{
    const u64 step = (u64)gridDim.x * blockDim.x, origin = blockIdx.y * n;
    double sum = 0.0;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step)
        sum += (double)u[origin + i] * (double)u[origin + i];
    sum = block_sum(sum);
    if (threadIdx.x == 0)
        partial[blockIdx.y * gridDim.x + blockIdx.x] = sum;
}

// The step of the difference along u: a hundredth of the noise's length; 0 where there is nothing to follow. What is not
// finite is reported at the chain's first element.
extern "C" __global__ void rwt_delta(const rwt_level *levels, const u32 *level, u64 n, u32 blocks, const double *partial,
                                     double *delta, u64 *bad)
{
    double sum = 0.0;
    for (u32 block = 0; block < blocks; block++)
        sum += partial[blockIdx.y * blocks + block];
    const double length = sqrt(sum);
    if (!(length <= 1.7976931348623157e308))
        rwt_report(bad, *level, blockIdx.y * n);
    delta[blockIdx.y] = length > 0.0 ? 0.01 * levels[*level].sigma * sqrt((double)n) / length : 0.0;
}

// x <- x + delta u.
extern "C" __global__ void rwt_displace(u64 n, const double *delta, const float *u, float *x)
{
    const u64 step = (u64)gridDim.x * blockDim.x, origin = blockIdx.y * n;
    const double by = delta[blockIdx.y];
    if (by > 0.0)
        for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step)
            x[origin + i] += (float)(by * (double)u[origin + i]);
}

// g <- Cov(X|x) u = sigma^2 J u, the denoiser's Jacobian by the forward difference from D to g; partial <- sum of u g. What
// of g is not finite is reported.
extern "C" __global__ void rwt_covariance(const rwt_level *levels, const u32 *level, u64 n, const double *delta, const float *u,
                                          const float *denoised, float *g, double *partial, u64 *bad)
{
    const u64 step = (u64)gridDim.x * blockDim.x, origin = blockIdx.y * n;
    const double by = delta[blockIdx.y], sigma = levels[*level].sigma;
    const float over = by > 0.0 ? (float)(sigma * sigma / by) : 0.0f;
    double sum = 0.0;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        const u64 at = origin + i;
        if (!rwt_is_finite(g[at]))
            rwt_report(bad, *level, at);
        const float value = over * (g[at] - denoised[at]);
        g[at] = value;
        sum += (double)u[at] * (double)value;
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0)
        partial[blockIdx.y * gridDim.x + blockIdx.x] = sum;
}

// t, the step along g: r.Ag / (|Ag|^2 + eta^2 u.g), from the parts of the three sums.
extern "C" __global__ void rwt_guide(const u32 *level, double eta, u64 n, u32 blocks, const double *ug_parts,
                                     const double *gg_parts, const double *rg_parts, float *t, u64 *bad)
{
    double ug = 0.0, gg = 0.0, rg = 0.0;
    for (u32 block = 0; block < blocks; block++) {
        const u64 at = blockIdx.y * blocks + block;
        ug += ug_parts[at];
        gg += gg_parts[at];
        rg += rg_parts[at];
    }
    const double curvature = gg + eta * eta * (ug > 0.0 ? ug : 0.0);
    if (!(curvature <= 1.7976931348623157e308))
        rwt_report(bad, *level, blockIdx.y * n);
    t[blockIdx.y] = curvature > 0.0 && rg > 0.0 ? (float)(rg / curvature) : 0.0f;
}

// x <- D + q u.
extern "C" __global__ void rwt_end(const rwt_level *levels, const u32 *level, u64 n, const float *denoised, const float *u,
                                   float *x, u64 *bad)
{
    const u64 step = (u64)gridDim.x * blockDim.x, origin = blockIdx.y * n;
    const double q = levels[*level].q;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        const float value = (float)((double)denoised[origin + i] + q * (double)u[origin + i]);
        x[origin + i] = value;
        if (!rwt_is_finite(value))
            rwt_report(bad, *level, origin + i);
    }
}
