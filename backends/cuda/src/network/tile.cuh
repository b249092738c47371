// A tile of a matrix product, 64 x 64, by 256 threads: 16 steps of depth at a time through shared memory, 4 x 4 sums a
// thread. The order of summation depends on nothing but the depth.
#ifndef RWT_NETWORK_TILE
#define RWT_NETWORK_TILE
#include "program.cuh"

enum { TILE = 64, DEPTH = 16, THREADS = 256, LEFT_ROW = TILE + 4, LEFT = DEPTH * LEFT_ROW };

// left[k][row], right[k][column] of the shared memory; sums of rows 4 (t / 16) ..., columns 4 (t % 16) ...
inline __device__ void net_multiply(const float *shared, float sums[4][4])
{
    const float *left = shared + 4 * (threadIdx.x / 16), *right = shared + LEFT + 4 * (threadIdx.x % 16);
#pragma unroll
    for (u32 k = 0; k < DEPTH; ++k) {
        float4 a = *(const float4 *)(left + k * LEFT_ROW), b = *(const float4 *)(right + k * TILE);
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

// The tile's sums into shared memory, [row][column].
inline __device__ void net_spread(float *shared, const float sums[4][4])
{
    __syncthreads();
#pragma unroll
    for (u32 i = 0; i < 4; ++i) {
        float4 row = make_float4(sums[i][0], sums[i][1], sums[i][2], sums[i][3]);
        *(float4 *)(shared + (4 * (threadIdx.x / 16) + i) * TILE + 4 * (threadIdx.x % 16)) = row;
    }
    __syncthreads();
}
#endif
