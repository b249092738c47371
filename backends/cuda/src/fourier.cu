// Operators that are diagonal in Fourier space: A = F^-1 diag(h) F (a periodic blur of real planes, channels of which make a
// picture) or A = diag(h) F with h of 0 and 1 (undersampled Fourier coefficients of one complex picture, whose real and
// imaginary parts are its two channels). F is unitary. Planes lie one after another, re and im apart; y_hat is the measurement
// in Fourier space, one picture's, the same for all chains; h is one plane for all.
//
// | kernel | grid | block |
// | rwt_dft, rwt_fourier_residual, rwt_fourier_pull, rwt_fourier_step | any | any |
// | rwt_fourier_sums | (blocks, chains): the partial sums are [chains, blocks] | a power of two, at most 256 |
// | rwt_fourier_noise | (ceil(n / (16 * threads)), chains) | a multiple of 32, at most 128 |
#include "noise.cuh"
#include "posterior.cuh"

// The discrete Fourier transform of all planes, of `plane` elements each, along one axis of `length` elements that are `stride`
// apart: out_k = scale sum_j in_j (c_jk + i sign s_jk); the tables hold cos and sin of 2 pi j / length. im_in may be NULL:
// zeros. Before every plane but the first, in_gap (out_gap) elements of the arrays that are read (written) are left out.
extern "C" __global__ void rwt_dft(u64 total, u64 plane, u32 length, u32 stride, const float *cosines, const float *sines,
                                   float sign, float scale, u64 in_gap, const float *re_in, const float *im_in, u64 out_gap,
                                   float *re_out, float *im_out)
{
    const u64 step = (u64)gridDim.x * blockDim.x;
    const u32 group = length * stride;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < total; i += step) {
        const u64 before = i / plane;
        const u32 within = (u32)(i % group), k = within / stride;
        u64 at = i - within + within % stride + before * in_gap;
        float re = 0.0f, im = 0.0f;
        u32 turn = 0;
        for (u32 j = 0; j < length; j++, at += stride) {
            const float a = re_in[at], b = im_in ? im_in[at] : 0.0f, c = cosines[turn], s = sign * sines[turn];
            re = fmaf(-b, s, fmaf(a, c, re));
            im = fmaf(b, c, fmaf(a, s, im));
            turn += k;
            if (turn >= length)
                turn -= length;
        }
        re_out[i + before * out_gap] = scale * re;
        im_out[i + before * out_gap] = scale * im;
    }
}

// r <- y_hat - h d, in Fourier space, over all planes of all chains, a picture of which has `picture` frequencies in planes of
// `frequencies`. With a noise n, n_gap apart as in rwt_dft: r <- epsilon y_hat - h d + spread eta n.
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
