// The convolutions of half_conv.cu for few places: the depth is split over a block's warps, each of which multiplies from
// registers, and whose sums are added in their order.
//
// A lane needs of each row of a tile eight neighbours in depth. Which of the 32 an instruction takes together does not
// matter, as long as both factors agree.
#include "half_place.cuh"

enum { WARPS = 8, AHEAD = 3, BUFFERS = AHEAD + 1 };

static __device__ __align__(16) u32 half_zeros[4];

template <u32 COLUMNS> struct HalfSlice { // 32 of depth: of rows g, g + 8, ... and columns g, g + 8, ..., g = lane / 4
    uint4 left[4], right[COLUMNS];
};

template <u32 COLUMNS> struct HalfReader {
    HalfDepth depth;
    HalfPlace places[4];
    const uint4 *input, *weights;
    u32 column, columns, weights_row, left; // the last: slices

    inline __device__ void begin(const HalfConv *shape, const float *all_weights, const float *memory, u32 row0,
                                 u32 column0, u32 first, u32 count)
    {
        const u32 lane = threadIdx.x % 32;
        depth.begin(shape, first * HalfDepth::DEPTH + lane % 4);
        input = half_input(shape, memory);
        column = column0 + lane / 4;
        columns = shape->channels;
        weights = half_weights(shape, all_weights, column);
        weights_row = half_weights_row(shape);
        left = count;
#pragma unroll
        for (u32 i = 0; i < 4; ++i) {
            places[i] = half_place(shape, row0 + lane / 4 + 8 * i);
        }
    }

    inline __device__ void read(HalfSlice<COLUMNS> *to)
    {
        const uint4 *zeros = (const uint4 *)half_zeros;
        const bool is_inside = (left > 0) & depth.is_inside();
#pragma unroll
        for (u32 i = 0; i < 4; ++i) {
            u32 octet;
            const bool is_there = depth.find(places[i], &octet) & is_inside;
            to->left[i] = *(is_there ? input + octet : zeros);
        }
#pragma unroll
        for (u32 j = 0; j < COLUMNS; ++j) {
            const bool is_there = is_inside & (column + 8 * j < columns);
            to->right[j] = *(is_there ? weights + (8 * j * weights_row + depth.now) : zeros);
        }
        left -= left > 0 ? 1 : 0;
        depth.next();
    }
};

template <u32 COLUMNS> inline __device__ void half_multiply_slice(const HalfSlice<COLUMNS> *slice, float sums[2][4][4])
{
#pragma unroll
    for (u32 i = 0; i < 2; ++i) {
        const uint4 upper = slice->left[2 * i], lower = slice->left[2 * i + 1];
        const u32 first[4] = {upper.x, lower.x, upper.y, lower.y}, second[4] = {upper.z, lower.z, upper.w, lower.w};
#pragma unroll
        for (u32 j = 0; j < COLUMNS; ++j) {
            const uint4 right = slice->right[j];
            const u32 one[2] = {right.x, right.y}, two[2] = {right.z, right.w};
            half_multiply(sums[i][j], first, one);
            half_multiply(sums[i][j], second, two);
        }
    }
}

// A block of 32 x 8 COLUMNS.
template <u32 COLUMNS> inline __device__ void half_conv_small(const float *weights, float *memory, const HalfConv *shape)
{
    __shared__ __align__(16) float shared[WARPS * SPREAD];
    const u32 blocks = (shape->channels + 8 * COLUMNS - 1) / (8 * COLUMNS), warp = threadIdx.x / 32;
    const u32 row0 = blockIdx.x / blocks * 32, column0 = blockIdx.x % blocks * 8 * COLUMNS;
    const u32 slices = (half_weights_row(shape) + HalfDepth::DEPTH - 1) / HalfDepth::DEPTH;
    const u32 first = slices * warp / WARPS, count = slices * (warp + 1) / WARPS - first;
    HalfReader<COLUMNS> reader;
    HalfSlice<COLUMNS> buffers[BUFFERS];
    float sums[2][4][4] = {};
    reader.begin(shape, weights, memory, row0, column0, first, count);
#pragma unroll
    for (u32 i = 0; i < AHEAD; ++i) {
        reader.read(buffers + i);
    }
#pragma unroll 1
    for (u32 k = 0; k < count; k += BUFFERS) {
#pragma unroll
        for (u32 i = 0; i < BUFFERS; ++i) {
            reader.read(buffers + (i + AHEAD) % BUFFERS);
            if (k + i < count) { // the same in the whole warp
                __syncwarp();
                half_multiply_slice(buffers + i, sums);
            }
        }
    }
    half_spread(shared + warp * SPREAD, sums[0]);
    half_spread(shared + warp * SPREAD + 16 * SPREAD_ROW, sums[1]);
    __syncthreads();
    const u32 row = threadIdx.x / COLUMNS, octet = threadIdx.x % COLUMNS;
    if (row < 32) {
        float it[8] = {};
#pragma unroll 1
        for (u32 other = 0; other < WARPS; ++other) {
            const float *from = shared + other * SPREAD + row * SPREAD_ROW + octet * 8;
#pragma unroll
            for (u32 i = 0; i < 8; ++i) {
                it[i] += from[i];
            }
        }
        half_finish(shape, weights, memory, row0 + row, column0 + octet * 8, it);
    }
}

extern "C" __global__ void __launch_bounds__(256) rwt_half_conv_32x32(const float *weights, float *memory,
                                                                      const HalfConv *shape)
{
    half_conv_small<4>(weights, memory, shape);
}

extern "C" __global__ void __launch_bounds__(256) rwt_half_conv_32x16(const float *weights, float *memory,
                                                                      const HalfConv *shape)
{
    half_conv_small<2>(weights, memory, shape);
}
