// Convolutions, transposed convolutions and products with shared weights in bf16: rows are places of all pictures,
// columns output channels, depth the taps of the kernel and the input channels of each. half.cuh lists the kernels.
//
// Output place (qy, qx) of phase (py, px) is (qy sy + py, qx sx + px) of the output; a tap reads the input's place
// (qy stride_y + start_y + dy, qx stride_x + start_x + dx), 0 outside.
#include "half_place.cuh"

enum { ROW_BYTES = 16 * HalfDepth::DEPTH };

// Where 16 bytes of a row of a tile lie in shared memory: eight rows, read together, and their quarters, written
// together, lie in different banks.
inline __device__ u32 half_at(u32 row, u32 quarter)
{
    return row * ROW_BYTES + ((quarter ^ (row >> 1 & 3)) << 4);
}

// Blocks of M x N by WARPS_M x WARPS_N warps, each of which multiplies 16 TILES x 32 at a time.
template <u32 M, u32 N, u32 WARPS_M, u32 WARPS_N, u32 STAGES> struct HalfTiles {
    enum { THREADS = 32 * WARPS_M * WARPS_N, STAGE = (M + N) * ROW_BYTES, TILES = M / WARPS_M / 16 };
    enum { STEP = THREADS / 4, LOADS = M / STEP, WEIGHTS = N / STEP }; // rows between a thread's, and how many it fetches

    HalfDepth depth;
    HalfPlace places[LOADS];
    const uint4 *input, *weights;
    u32 column, columns, weights_row;

    inline __device__ void begin(const HalfConv *shape, const float *all_weights, const float *memory, u32 row0,
                                 u32 column0)
    {
        depth.begin(shape, threadIdx.x % 4);
        input = half_input(shape, memory);
        column = column0 + threadIdx.x / 4;
        columns = shape->channels;
        weights = half_weights(shape, all_weights, column);
        weights_row = half_weights_row(shape);
#pragma unroll
        for (u32 i = 0; i < LOADS; ++i) {
            places[i] = half_place(shape, row0 + threadIdx.x / 4 + i * STEP);
        }
    }

    // The next of the depth into a stage.
    inline __device__ void fetch(Shared stage)
    {
        const Shared to = stage + half_at(threadIdx.x / 4, threadIdx.x % 4); // STEP rows on, banks are the same
#pragma unroll
        for (u32 i = 0; i < LOADS; ++i) {
            u32 octet;
            const bool is_there = depth.find(places[i], &octet);
            half_fetch(to + i * STEP * ROW_BYTES, input + (is_there ? octet : 0), is_there);
        }
#pragma unroll
        for (u32 i = 0; i < WEIGHTS; ++i) {
            const bool is_there = depth.is_inside() & (column + i * STEP < columns);
            const u32 octet = i * STEP * weights_row + depth.now;
            half_fetch(to + (M + i * STEP) * ROW_BYTES, weights + (is_there ? octet : 0), is_there);
        }
        depth.next();
    }

    static inline __device__ void multiply(Shared stage, float sums[TILES][4][4])
    {
        const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32;
        const u32 left = half_at(warp / WARPS_N * 16 * TILES + lane % 16, lane / 16);
        const u32 right = half_at(M + warp % WARPS_N * 32 + lane % 8 + lane / 16 * 8, lane / 8 % 2);
#pragma unroll
        for (u32 half = 0; half < 2; ++half) {
            u32 a[TILES][4], b[2][4];
#pragma unroll
            for (u32 j = 0; j < 2; ++j) {
                half_matrices(b[j], stage + ((right + j * 16 * ROW_BYTES) ^ half * 32));
            }
#pragma unroll
            for (u32 i = 0; i < TILES; ++i) {
                half_matrices(a[i], stage + ((left + i * 16 * ROW_BYTES) ^ half * 32));
            }
#pragma unroll
            for (u32 i = 0; i < TILES; ++i) {
#pragma unroll
                for (u32 j = 0; j < 4; ++j) {
                    half_multiply(sums[i][j], a[i], b[j / 2] + j % 2 * 2);
                }
            }
        }
    }
};

template <u32 M, u32 N, u32 WARPS_M, u32 WARPS_N, u32 STAGES>
inline __device__ void half_conv(const float *weights, float *memory, const HalfConv *shape)
{
    typedef HalfTiles<M, N, WARPS_M, WARPS_N, STAGES> Tiles;
    __shared__ __align__(128) char shared[STAGES * Tiles::STAGE];
    const u32 blocks = (shape->channels + N - 1) / N, lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const u32 row0 = blockIdx.x / blocks * M, column0 = blockIdx.x % blocks * N;
    const u32 count = (half_weights_row(shape) + HalfDepth::DEPTH - 1) / HalfDepth::DEPTH;
    const Shared stages = half_shared(shared);
    Tiles tiles;
    tiles.begin(shape, weights, memory, row0, column0);
#pragma unroll
    for (u32 k = 0; k + 1 < STAGES; ++k) {
        tiles.fetch(stages + k * Tiles::STAGE);
        half_commit();
    }
    float sums[Tiles::TILES][4][4] = {};
    u32 now = 0, next = (STAGES - 1) * Tiles::STAGE;
#pragma unroll 1
    for (u32 k = 0; k < count; ++k) {
        half_wait<STAGES - 2>();
        __syncthreads(); // the stage is there, and nobody is at the one before
        tiles.fetch(stages + next);
        half_commit();
        Tiles::multiply(stages + now, sums);
        next = now;
        now = now + Tiles::STAGE == STAGES * Tiles::STAGE ? 0 : now + Tiles::STAGE;
    }
    half_wait<0>();
    __syncthreads();

    float *mine = (float *)shared + warp * SPREAD;
    const u32 row = row0 + warp / WARPS_N * 16 * Tiles::TILES, column = column0 + warp % WARPS_N * 32;
#pragma unroll 1
    for (u32 part = 0; part < Tiles::TILES / 2; ++part) {
        half_spread(mine, sums[0]);
        half_spread(mine + 16 * SPREAD_ROW, sums[1]);
#pragma unroll
        for (u32 i = 2; i < Tiles::TILES; ++i) {
#pragma unroll
            for (u32 j = 0; j < 16; ++j) {
                sums[i - 2][j / 4][j % 4] = sums[i][j / 4][j % 4];
            }
        }
        __syncwarp();
#pragma unroll 1
        for (u32 e = lane; e < 128; e += 32) {
            const float *from = mine + e / 4 * SPREAD_ROW + e % 4 * 8;
            float it[8];
#pragma unroll
            for (u32 i = 0; i < 8; ++i) {
                it[i] = from[i];
            }
            half_finish(shape, weights, memory, row + part * 32 + e / 4, column + e % 4 * 8, it);
        }
        __syncwarp();
    }
}

extern "C" __global__ void __launch_bounds__(256, 2) rwt_half_conv_128x128(const float *weights, float *memory,
                                                                           const HalfConv *shape)
{
    half_conv<128, 128, 2, 4, 3>(weights, memory, shape);
}

extern "C" __global__ void __launch_bounds__(128, 3) rwt_half_conv_128x64(const float *weights, float *memory,
                                                                          const HalfConv *shape)
{
    half_conv<128, 64, 2, 2, 4>(weights, memory, shape);
}

extern "C" __global__ void __launch_bounds__(128, 4) rwt_half_conv_64x64(const float *weights, float *memory,
                                                                         const HalfConv *shape)
{
    half_conv<64, 64, 2, 2, 4>(weights, memory, shape);
}
