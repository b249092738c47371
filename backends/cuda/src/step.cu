// The update of every walk, x <- the sum of a row's terms, with the bits of core/src/update.rs.
//
// rwt_step   blocks of up to 128 threads, each of which makes 16 elements: grid (ceil(n / 16 threads), chains)
// rwt_begin  1 thread: *sigma <- the present row's
// rwt_next   1 thread: the next row
// rwt_fill   any grid (x) and block (x): n_total elements
//
// x, denoised, previous, gradient [chains, n]; previous, gradient and scale may be null. scale [chains] takes the place of
// the row's coefficient of the gradient. n <= 2^36.
#include "noise.cuh"
#include "row.cuh"

const u32 RWT_STEP_THREADS = 128;

// What an update multiplies with.
struct rwt_terms {
    bool x, denoised, previous, gradient, noise;
    float of_x, of_denoised, of_previous, of_gradient, of_noise;
};

inline __device__ rwt_terms rwt_terms_of(const rwt_row &row, const float *gradient, const float *scale, u64 chain)
{
    rwt_terms terms;
    terms.x = row.x != 0.0;
    terms.denoised = row.denoised != 0.0;
    terms.previous = row.previous != 0.0;
    terms.noise = row.noise != 0.0;
    terms.of_x = (float)row.x;
    terms.of_denoised = (float)row.denoised;
    terms.of_previous = (float)row.previous;
    terms.of_noise = (float)row.noise;
    terms.of_gradient = scale ? scale[chain] : (float)row.gradient;
    terms.gradient = gradient && (scale ? terms.of_gradient != 0.0f : row.gradient != 0.0);
    return terms;
}

inline __device__ void rwt_clear(float &sum)
{
    sum = 0.0f;
}

inline __device__ void rwt_clear(float4 &sum)
{
    sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
}

inline __device__ void rwt_add(float &sum, float coefficient, float value)
{
    sum += coefficient * value;
}

inline __device__ void rwt_add(float4 &sum, float coefficient, float4 value)
{
    sum.x += coefficient * value.x;
    sum.y += coefficient * value.y;
    sum.z += coefficient * value.z;
    sum.w += coefficient * value.w;
}

// The first that is not finite, or 4.
inline __device__ u32 rwt_first_bad(float value)
{
    return rwt_is_finite(value) ? 4 : 0;
}

inline __device__ u32 rwt_first_bad(float4 value)
{
    return !rwt_is_finite(value.x) ? 0 : !rwt_is_finite(value.y) ? 1 : !rwt_is_finite(value.z) ? 2
         : !rwt_is_finite(value.w) ? 3 : 4;
}

// Loads of an array that are under way at a time; more take registers from other warps.
const u32 RWT_PLACES = 2;

// A lane's places in a tile, each of one element or of four, side by side with those of the other lanes. All that is read
// of an array is asked for before it is used.
template <class T>
struct rwt_places {
    u32 left; // elements of the array from the first place on
    T sum[RWT_PLACES], values[RWT_PLACES];

    inline __device__ bool is_inside(u32 k) const
    {
        return k * 32 * (sizeof(T) / sizeof(float)) < left;
    }

    inline __device__ void load(const float *from)
    {
#pragma unroll
        for (u32 k = 0; k < RWT_PLACES; k++) {
            if (is_inside(k)) {
                values[k] = ((const T *)from)[k * 32];
            }
        }
    }

    inline __device__ void store(float *to, const T *from) const
    {
#pragma unroll
        for (u32 k = 0; k < RWT_PLACES; k++) {
            if (is_inside(k)) {
                ((T *)to)[k * 32] = from[k];
            }
        }
    }

    inline __device__ void add(float coefficient)
    {
#pragma unroll
        for (u32 k = 0; k < RWT_PLACES; k++) {
            rwt_add(sum[k], coefficient, values[k]);
        }
    }

    inline __device__ void report(u64 *bad, u32 row, u64 element) const
    {
#pragma unroll
        for (u32 k = 0; k < RWT_PLACES; k++) {
            const u32 found = is_inside(k) ? rwt_first_bad(values[k]) : 4;
            if (found < 4) {
                rwt_report(bad, row, element + k * 32 * (sizeof(T) / sizeof(float)) + found);
            }
        }
    }
};

// A warp's tile, from element `first` of a chain that begins at `start`.
template <class T>
inline __device__ void rwt_update_tile(const rwt_terms &terms, u64 start, u64 first, u64 n, float *x,
                                       const float *denoised, float *previous, const float *gradient,
                                       const float *normals, u32 row, u64 *bad)
{
    const u32 width = sizeof(T) / sizeof(float), lane = threadIdx.x & 31u;
    const u32 inside = n - first < RWT_TILE ? (u32)(n - first) : RWT_TILE;
#pragma unroll
    for (u32 from = lane * width; from < inside; from += 32 * RWT_PLACES * width) {
        const u64 i = start + first + from;
        rwt_places<T> places;
        places.left = inside - from;
#pragma unroll
        for (u32 k = 0; k < RWT_PLACES; k++) {
            rwt_clear(places.sum[k]);
            rwt_clear(places.values[k]);
        }
        if (terms.x) {
            places.load(x + i);
            places.add(terms.of_x);
        }
        if (terms.denoised) {
            places.load(denoised + i);
            places.add(terms.of_denoised);
            places.report(bad, row, i);
        }
        if (terms.previous) {
            places.load(previous + i);
            places.add(terms.of_previous);
        }
        if (terms.gradient) {
            places.load(gradient + i);
            places.add(terms.of_gradient);
        }
        if (terms.noise) {
#pragma unroll
            for (u32 k = 0; k < RWT_PLACES; k++) {
                places.values[k] = *(const T *)(normals + rwt_place(from + k * 32 * width));
            }
            places.add(terms.of_noise);
        }
        places.store(x + i, places.sum);
        if (terms.denoised && previous) {
            places.load(denoised + i);
            places.store(previous + i, places.values);
        }
    }
}

extern "C" __global__ void rwt_step(const rwt_row *rows, const u32 *level, u64 seed, u64 first_chain, u64 n, float *x,
                                    const float *denoised, float *previous, const float *gradient, const float *scale,
                                    u64 *bad)
{
    __shared__ __align__(16) float normals[RWT_STEP_THREADS * RWT_WORDS];
    const u32 row = *level, warp = threadIdx.x & ~31u;
    const u64 first = ((u64)blockIdx.x * blockDim.x + warp) * RWT_WORDS, chain = blockIdx.y;
    if (first >= n || rwt_is_spoilt(bad, row)) {
        return;
    }
    const rwt_terms terms = rwt_terms_of(rows[row], gradient, scale, chain);
    float *tile = normals + warp * RWT_WORDS;
    if (terms.noise) {
        rwt_fill_tile(seed, first_chain + chain, rows[row].draw, first, tile);
        __syncwarp();
    }
    const u64 addresses = (u64)x | (u64)denoised | (u64)previous | (u64)gradient;
    if ((n & 3u) == 0 && (addresses & 15u) == 0) {
        rwt_update_tile<float4>(terms, chain * n, first, n, x, denoised, previous, gradient, tile, row, bad);
    } else {
        rwt_update_tile<float>(terms, chain * n, first, n, x, denoised, previous, gradient, tile, row, bad);
    }
}

extern "C" __global__ void rwt_begin(const rwt_row *rows, const u32 *level, double *sigma)
{
    *sigma = rows[*level].sigma;
}

extern "C" __global__ void rwt_next(u32 *level)
{
    ++*level;
}

extern "C" __global__ void rwt_fill(float *x, u64 n_total, float value)
{
    const u64 stride = (u64)gridDim.x * blockDim.x;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < n_total; i += stride) {
        x[i] = value;
    }
}
