// A tile of a matrix product by 256 threads, 4 x 4 sums a thread, through shared memory. The threads are as many slices of
// the depth: one, for tiles of 64 x 64, or four, for tiles of 32 x 32 where there are few. The order of summation depends on
// the depth and the slices alone.
#ifndef RWT_NETWORK_TILE
#define RWT_NETWORK_TILE
#include "program.cuh"

enum { THREADS = 256, SLICE = 16 };

template <u32 SLICES>
struct Tile {
    static constexpr u32 SIZE = SLICES == 1 ? 64 : 32;     // rows and columns
    static constexpr u32 DEPTH = SLICES * SLICE;           // in shared memory at a time
    static constexpr u32 EACH = SIZE * DEPTH / THREADS;    // elements of a factor that a thread fetches
    static constexpr u32 LANES = DEPTH / EACH;             // threads side by side along the depth of the left factor
    static constexpr u32 LEFT_ROW = SIZE + 32 / LANES;     // so that a warp's stores meet every bank
    static constexpr u32 LEFT = DEPTH * LEFT_ROW;          // where the right factor begins
    static constexpr u32 SUMS = SLICES * SIZE * SIZE;
    static constexpr u32 SHARED = LEFT + DEPTH * SIZE > SUMS ? LEFT + DEPTH * SIZE : SUMS;
    static constexpr u32 ACROSS = SIZE / 4;                // threads of a slice side by side
};

// left[k][row], right[k][column] of the shared memory; a thread's sums are of four rows and four columns of its slice.
template <u32 SLICES>
inline __device__ void net_multiply(const float *shared, float sums[4][4])
{
    using T = Tile<SLICES>;
    const u32 slice = threadIdx.x / (THREADS / SLICES), t = threadIdx.x % (THREADS / SLICES);
    const float *left = shared + slice * SLICE * T::LEFT_ROW + 4 * (t / T::ACROSS);
    const float *right = shared + T::LEFT + slice * SLICE * T::SIZE + 4 * (t % T::ACROSS);
#pragma unroll
    for (u32 k = 0; k < SLICE; ++k) {
        float4 a = *(const float4 *)(left + k * T::LEFT_ROW), b = *(const float4 *)(right + k * T::SIZE);
        float x[4] = {a.x, a.y, a.z, a.w}, y[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
        for (u32 i = 0; i < 4; ++i) {
#pragma unroll
            for (u32 j = 0; j < 4; ++j) {
                sums[i][j] = fmaf(x[i], y[j], sums[i][j]);
            }
        }
    }
}

// The sums into shared memory, [slice][row][column].
template <u32 SLICES>
inline __device__ void net_spread(float *shared, const float sums[4][4])
{
    using T = Tile<SLICES>;
    const u32 slice = threadIdx.x / (THREADS / SLICES), t = threadIdx.x % (THREADS / SLICES);
    __syncthreads();
#pragma unroll
    for (u32 i = 0; i < 4; ++i) {
        float4 row = make_float4(sums[i][0], sums[i][1], sums[i][2], sums[i][3]);
        u32 at = (slice * T::SIZE + 4 * (t / T::ACROSS) + i) * T::SIZE + 4 * (t % T::ACROSS);
        *(float4 *)(shared + at) = row;
    }
    __syncthreads();
}

// One element of the tile, the slices added one after another.
template <u32 SLICES>
inline __device__ float net_sum(const float *shared, u32 row, u32 column)
{
    using T = Tile<SLICES>;
    float sum = shared[row * T::SIZE + column];
#pragma unroll
    for (u32 slice = 1; slice < SLICES; ++slice) {
        sum += shared[(slice * T::SIZE + row) * T::SIZE + column];
    }
    return sum;
}
#endif
