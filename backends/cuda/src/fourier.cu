// Operators that are diagonal in Fourier space: A = F^-1 diag(h) F (a periodic blur of real planes, channels of which make a
// picture) or A = diag(h) F with h of 0 and 1 (undersampled Fourier coefficients of one complex picture, whose real and
// imaginary parts are its two channels). F is unitary. Planes lie one after another, re and im apart; y_hat is the measurement
// in Fourier space, one picture's, the same for all chains; h is one plane for all.
//
// | kernel | grid | block |
// | rwt_dft | (planes, ceil(length / 32), ceil(rows / 32)) | 256 |
// | rwt_fourier_residual, rwt_fourier_pull, rwt_fourier_step | any | any |
// | rwt_fourier_sums | (blocks, chains): the partial sums are [chains, blocks] | a power of two, at most 256 |
// | rwt_fourier_noise | (ceil(n / (16 * threads)), chains) | a multiple of 32, at most 128 |
#include "noise.cuh"
#include "posterior.cuh"

const u32 RWT_DFT_TILE = 32, RWT_DFT_DEPTH = 16;

// out[k][row] = length^(-1/2) sum_j (re + i im)[row][j] exp(sign 2 pi i j k / length) of each plane [rows, length], written
// as [length, rows]; planes lie `stride` and `out_stride` elements apart. im may be null, for 0, and out_im, for what is
// not wanted. cosine and sine [length] of 2 pi j / length; sign is -1 forward, 1 back.
extern "C" __global__ void rwt_dft(const float *re, const float *im, u64 stride, float *out_re, float *out_im,
                                   u64 out_stride, u32 rows, u32 length, const float *cosine, const float *sine,
                                   float sign)
{
    __shared__ float values_re[RWT_DFT_DEPTH][RWT_DFT_TILE + 1], values_im[RWT_DFT_DEPTH][RWT_DFT_TILE + 1];
    __shared__ float powers_re[RWT_DFT_DEPTH][RWT_DFT_TILE], powers_im[RWT_DFT_DEPTH][RWT_DFT_TILE];
    const u32 t = threadIdx.x, first_k = blockIdx.y * RWT_DFT_TILE, first_row = blockIdx.z * RWT_DFT_TILE;
    re += blockIdx.x * stride;
    im = im ? im + blockIdx.x * stride : im;
    const u32 k = first_k + t % 32 < length ? first_k + t % 32 : 0; // of the powers that this thread looks up
    u32 power[2] = {(u32)((u64)(t / 32) * k % length), (u32)((u64)(t / 32 + 8) * k % length)};
    const u32 ahead = (u32)((u64)RWT_DFT_DEPTH * k % length);
    float sum_re[2][2] = {{0.0f, 0.0f}, {0.0f, 0.0f}}, sum_im[2][2] = {{0.0f, 0.0f}, {0.0f, 0.0f}};
    for (u32 from = 0; from < length; from += RWT_DFT_DEPTH) {
#pragma unroll
        for (u32 half = 0; half < 2; half++) {
            const u32 j = from + t % 16, row = first_row + t / 16 + 16 * half;
            const bool inside = j < length && row < rows;
            const u64 i = (u64)row * length + j;
            values_re[t % 16][t / 16 + 16 * half] = inside ? re[i] : 0.0f;
            values_im[t % 16][t / 16 + 16 * half] = inside && im ? im[i] : 0.0f;
            powers_re[t / 32 + 8 * half][t % 32] = cosine[power[half]];
            powers_im[t / 32 + 8 * half][t % 32] = sign * sine[power[half]];
            power[half] = power[half] >= length - ahead ? power[half] - (length - ahead) : power[half] + ahead;
        }
        __syncthreads();
#pragma unroll
        for (u32 j = 0; j < RWT_DFT_DEPTH; j++) {
#pragma unroll
            for (u32 a = 0; a < 2; a++) {
                const float w_re = powers_re[j][t / 16 + 16 * a], w_im = powers_im[j][t / 16 + 16 * a];
#pragma unroll
                for (u32 b = 0; b < 2; b++) {
                    const float v_re = values_re[j][t % 16 + 16 * b], v_im = values_im[j][t % 16 + 16 * b];
                    sum_re[a][b] = fmaf(v_re, w_re, fmaf(-v_im, w_im, sum_re[a][b]));
                    sum_im[a][b] = fmaf(v_re, w_im, fmaf(v_im, w_re, sum_im[a][b]));
                }
            }
        }
        __syncthreads();
    }
    const float scale = 1.0f / sqrtf((float)length);
#pragma unroll
    for (u32 each = 0; each < 4; each++) {
        const u32 a = each / 2, b = each % 2, to = first_k + t / 16 + 16 * a, row = first_row + t % 16 + 16 * b;
        if (to < length && row < rows) {
            const u64 i = blockIdx.x * out_stride + (u64)to * rows + row;
            out_re[i] = scale * sum_re[a][b];
            if (out_im) {
                out_im[i] = scale * sum_im[a][b];
            }
        }
    }
}

// r <- y_hat - h d, in Fourier space, over all planes of all chains, a picture of which has `picture` frequencies in planes of
// `frequencies`. With a noise n, n_gap elements of which lie between planes: r <- epsilon y_hat - h d + spread eta n.
extern "C" __global__ void rwt_fourier_residual(const rwt_level *levels, const u32 *level, double eta, u64 total, u64 frequencies,
                                                u64 picture, const float *h_re, const float *h_im,
                                                const float *y_re, const float *y_im, const float *d_re, const float *d_im,
                                                u64 n_gap, const float *n_re, const float *n_im, float *r_re, float *r_im)
{
    const u64 step = (u64)gridDim.x * blockDim.x;
    const float times = n_re ? (float)levels[*level].epsilon : 1.0f;
    const float noise = (float)(levels[*level].spread * eta);
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < total; i += step) {
        const u64 f = i % frequencies, p = i % picture;
        const float a = h_re[f], b = h_im[f];
        float re = times * y_re[p] - (a * d_re[i] - b * d_im[i]), im = times * y_im[p] - (a * d_im[i] + b * d_re[i]);
        if (n_re) {
            const u64 at = i + i / frequencies * n_gap;
            re += noise * n_re[at];
            im += noise * n_im[at];
        }
        r_re[i] = re;
        r_im[i] = im;
    }
}

// u <- conj(h) r / (eta^2 + q |h|^2).
extern "C" __global__ void rwt_fourier_pull(const rwt_level *levels, const u32 *level, double eta, u64 total, u64 frequencies,
                                            const float *h_re, const float *h_im, const float *r_re, const float *r_im,
                                            float *u_re, float *u_im)
{
    const u64 step = (u64)gridDim.x * blockDim.x;
    const double q = levels[*level].q;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < total; i += step) {
        const u64 f = i % frequencies;
        const double a = h_re[f], b = h_im[f];
        const float solved = (float)(1.0 / (eta * eta + q * (a * a + b * b)));
        u_re[i] = solved * (h_re[f] * r_re[i] + h_im[f] * r_im[i]);
        u_im[i] = solved * (h_re[f] * r_im[i] - h_im[f] * r_re[i]);
    }
}

// The parts of |A g|^2 and (y - A D).A g, of g in Fourier space, with the residual r; by Parseval. n: a chain's frequencies.
extern "C" __global__ void rwt_fourier_sums(u64 n, u64 frequencies, const float *h_re, const float *h_im, const float *r_re,
                                            const float *r_im, const float *g_re, const float *g_im, double *gg_parts,
                                            double *rg_parts)
{
    const u64 step = (u64)gridDim.x * blockDim.x, origin = blockIdx.y * n;
    double gg = 0.0, rg = 0.0;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        const u64 f = i % frequencies, at = origin + i;
        const double re = (double)h_re[f] * g_re[at] - (double)h_im[f] * g_im[at];
        const double im = (double)h_re[f] * g_im[at] + (double)h_im[f] * g_re[at];
        gg += re * re + im * im;
        rg += (double)r_re[at] * re + (double)r_im[at] * im;
    }
    gg = block_sum(gg);
    rg = block_sum(rg);
    if (threadIdx.x == 0) {
        gg_parts[blockIdx.y * gridDim.x + blockIdx.x] = gg;
        rg_parts[blockIdx.y * gridDim.x + blockIdx.x] = rg;
    }
}

// The noise of a level of the preconditioned walk, by draws 2k + 1 and 2k + 2: v <- spread sigma n1, w <- epsilon D + v,
// n2 <- n2. n elements a chain.
extern "C" __global__ void rwt_fourier_noise(const rwt_level *levels, const u32 *level, u64 seed, u64 first_chain, u64 n,
                                             const float *denoised, float *v, float *w, float *n2, u64 *bad)
{
    __shared__ __align__(16) float shared[2 * 128 * RWT_WORDS];
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, now = *level, chain = blockIdx.y;
    const u64 start = ((u64)blockIdx.x * (blockDim.x / 32) + warp) * (32 * RWT_WORDS), origin = chain * n;
    if (start >= n)
        return;
    float *const first = shared + 2 * warp * RWT_TILE, *const second = first + RWT_TILE;
    rwt_fill_tile(seed, first_chain + chain, 2 * now + 1, start, first);
    rwt_fill_tile(seed, first_chain + chain, 2 * now + 2, start, second);
    __syncwarp();
    const rwt_level l = levels[now];
    const float wide = (float)(l.spread * l.sigma);
    for (u32 part = 0; part < RWT_WORDS; part++) {
        const u32 within = part * 32 + lane;
        const u64 i = start + within;
        if (i >= n)
            return;
        const u32 slot = rwt_place(within);
        const float d = denoised[origin + i], noise = wide * first[slot];
        if (!rwt_is_finite(d))
            rwt_report(bad, now, origin + i);
        v[origin + i] = noise;
        w[origin + i] = (float)(l.epsilon * (double)d + (double)noise);
        n2[origin + i] = second[slot];
    }
}

// x <- x + epsilon (D - x) + v + sigma^2 u.
extern "C" __global__ void rwt_fourier_step(const rwt_level *levels, const u32 *level, u64 total, const float *denoised,
                                            const float *v, const float *u, float *x, u64 *bad)
{
    const u64 step = (u64)gridDim.x * blockDim.x;
    const rwt_level l = levels[*level];
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < total; i += step) {
        const double here = x[i];
        const float moved = (float)(here + l.epsilon * ((double)denoised[i] - here) + (double)v[i] +
                                    l.sigma * l.sigma * (double)u[i]);
        x[i] = moved;
        if (!rwt_is_finite(moved))
            rwt_report(bad, *level, i);
    }
}
