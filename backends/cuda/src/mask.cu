// Missing pixels: y has the layout of the image, the same for all chains, and holds anything where mask, of `pixels` bytes, is
// 0; every channel has the same mask. The formulas are those of core/src/mask_walk.rs.
//
// | kernel | grid | block |
// | rwt_mask_pull | (any, chains) | any |
// | rwt_mask_sums | (blocks, chains): the partial sums are [chains, blocks] | a power of two, at most 256 |
// | rwt_mask_precondition | (ceil(n / (16 * threads)), chains) | a multiple of 32, at most 128 |
#include "noise.cuh"
#include "posterior.cuh"

// u <- (eta^2 + q)^-1 (y - D) where the mask keeps it, else 0.
extern "C" __global__ void rwt_mask_pull(const rwt_level *levels, const u32 *level, double eta, u64 pixels, u32 channels,
                                         const u8 *mask, const float *y, const float *denoised, float *u, u64 *bad)
{
    const float scale = pull_scale(eta, levels[*level].q);
    const u64 step = (u64)gridDim.x * blockDim.x, origin = blockIdx.y * pixels * channels;
    for (u64 pixel = (u64)blockIdx.x * blockDim.x + threadIdx.x; pixel < pixels; pixel += step)
        for (u32 channel = 0; channel < channels; channel++) {
            const u64 i = channel * pixels + pixel;
            const float d = denoised[origin + i];
            if (!rwt_is_finite(d))
                rwt_report(bad, *level, origin + i);
            u[origin + i] = mask[pixel] ? (y[i] - d) * scale : 0.0f;
        }
}

// The parts of |A g|^2 and (y - A D).A g.
extern "C" __global__ void rwt_mask_sums(u64 pixels, u32 channels, const u8 *mask, const float *y, const float *denoised,
                                         const float *g, double *gg_parts, double *rg_parts)
{
    const u64 step = (u64)gridDim.x * blockDim.x, origin = blockIdx.y * pixels * channels;
    double gg = 0.0, rg = 0.0;
    for (u64 pixel = (u64)blockIdx.x * blockDim.x + threadIdx.x; pixel < pixels; pixel += step)
        for (u32 channel = 0; mask[pixel] && channel < channels; channel++) {
            const u64 i = channel * pixels + pixel;
            const double wide = g[origin + i];
            gg += wide * wide;
            rg += (double)(y[i] - denoised[origin + i]) * wide;
        }
    gg = block_sum(gg);
    rg = block_sum(rg);
    if (threadIdx.x == 0) {
        gg_parts[blockIdx.y * gridDim.x + blockIdx.x] = gg;
        rg_parts[blockIdx.y * gridDim.x + blockIdx.x] = rg;
    }
}

// A level of the preconditioned walk, with the noise of draws 2k + 1 and 2k + 2.
extern "C" __global__ void rwt_mask_precondition(const rwt_level *levels, const u32 *level, double eta, u64 seed,
                                                 u64 first_chain, u64 pixels, u32 channels, const u8 *mask, const float *y,
                                                 const float *denoised, float *x, u64 *bad)
{
    __shared__ __align__(16) float shared[2 * 128 * RWT_WORDS];
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, now = *level, chain = blockIdx.y;
    const u64 n = pixels * channels, origin = chain * n;
    const u64 start = ((u64)blockIdx.x * (blockDim.x / 32) + warp) * (32 * RWT_WORDS);
    if (rwt_is_spoilt(bad, now) || start >= n)
        return;
    float *const first = shared + 2 * warp * RWT_TILE, *const second = first + RWT_TILE;
    rwt_fill_tile(seed, first_chain + chain, 2 * now + 1, start, first);
    rwt_fill_tile(seed, first_chain + chain, 2 * now + 2, start, second);
    __syncwarp();
    const rwt_level l = levels[now];
    const float scale = pull_scale(eta, l.q), wide = (float)(l.spread * l.sigma);
    const double eta_noise = l.spread * sqrt(eta * eta);
    for (u32 part = 0; part < RWT_WORDS; part++) {
        const u32 within = part * 32 + lane;
        const u64 i = start + within;
        if (i >= n)
            return;
        const u32 slot = rwt_place(within);
        const bool keeps = mask[i % pixels];
        const float d = denoised[origin + i], v = wide * first[slot];
        const float residual = keeps ? y[i] - d : 0.0f;
        const float r = (float)(l.epsilon * (double)residual + eta_noise * (double)second[slot]) - v;
        const float u = keeps ? r * scale : 0.0f;
        const double here = x[origin + i];
        const float moved = (float)(here + l.epsilon * ((double)d - here) + (double)v + l.sigma * l.sigma * (double)u);
        x[origin + i] = moved;
        if (!(rwt_is_finite(d) && rwt_is_finite(moved)))
            rwt_report(bad, now, origin + i);
    }
}
