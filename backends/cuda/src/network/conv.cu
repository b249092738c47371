// Convolutions and transposed convolutions as matrix products whose right factor is gathered from the picture.
//
// rwt_net_conv_SIZE(weights, memory, shape), SIZE = 32, 64: in tiles of SIZE x SIZE
//   block 256, grid [ceil(columns / SIZE), ceil(rows / SIZE), groups * phases]
//   rows: output channels of a group; columns: places of all pictures; depth: channels of a group times kernel elements.
//   Output place (qy, qx) of phase (py, px) is (qy sy + py, qx sx + px) of the output's grid; kernel element k reads
//   input place (qy stride_y + start_y + dy[k], qx stride_x + start_x + dx[k]), 0 outside.
#include "tile.cuh"

struct ConvPlace { // one step of depth
    i32 offset;    // from the place of the kernel's corner
    i32 shift;     // dy * 65536 + dx + 32768
};

struct Conv {
    i64 input, weights, output; // elements from the arrays' beginnings
    i32 weights_source;
    u32 rows, columns, depth;
    u32 places, row_places; // of a picture and of a row of it, in one phase
    i32 stride_y, stride_x, start_y, start_x;
    u32 height, width, picture, group; // of the input; elements between pictures and groups
    u32 out_height, out_width, out_picture;
    u32 phases, phases_x, phase_stride_y, phase_stride_x;
    u32 count, table; // instructions after this; bytes from here to the table [phases][depth]
    u32 reserved;
};

// What a thread fetches of a step of depth.
template <u32 SLICES>
struct Fetched {
    float left[Tile<SLICES>::EACH], right[Tile<SLICES>::EACH];
};

template <u32 SLICES>
inline __device__ void net_conv(const float *weights, float *memory, const Conv *shape)
{
    using T = Tile<SLICES>;
    __shared__ __align__(16) float shared[T::SHARED];
    const u32 t = threadIdx.x;
    const u32 phase = blockIdx.z % shape->phases, group = blockIdx.z / shape->phases;
    const u32 rows = shape->rows, depth = shape->depth, height = shape->height, width = shape->width;
    const u32 row0 = blockIdx.y * T::SIZE, column = blockIdx.x * T::SIZE + t % T::SIZE;
    const bool is_column = column < shape->columns;
    const u32 picture = is_column ? column / shape->places : 0, place = is_column ? column % shape->places : 0;
    const u32 qy = place / shape->row_places, qx = place % shape->row_places;
    const i32 y0 = (i32)qy * shape->stride_y + shape->start_y, x0 = (i32)qx * shape->stride_x + shape->start_x;
    const float *corner = memory + shape->input + (i64)picture * shape->picture + (i64)group * shape->group
        + (i64)y0 * width + x0;
    const ConvPlace *table = (const ConvPlace *)((const char *)shape + shape->table) + (u64)phase * depth;
    const u32 left_row = t / T::LANES, left_k = t % T::LANES;
    const u32 right_k = t / T::SIZE;
    const float *left = net_array(shape->weights_source, shape->weights, weights, memory)
        + ((i64)blockIdx.z * rows + row0 + left_row) * depth;
    const u32 row_end = row0 + left_row < rows ? depth : 0, column_end = is_column ? depth : 0;

    auto fetch = [&](u32 k0, Fetched<SLICES> &it) {
#pragma unroll
        for (u32 i = 0; i < T::EACH; ++i) {
            u32 k = k0 + left_k + T::LANES * i;
            it.left[i] = k < row_end ? left[k] : 0.0f;
        }
#pragma unroll
        for (u32 i = 0; i < T::EACH; ++i) {
            u32 k = k0 + right_k + THREADS / T::SIZE * i;
            it.right[i] = 0.0f;
            if (k < column_end) {
                ConvPlace at = table[k];
                i32 y = y0 + (at.shift >> 16), x = x0 + (at.shift & 0xffff) - 32768;
                if ((u32)y < height && (u32)x < width) {
                    it.right[i] = corner[at.offset];
                }
            }
        }
    };

    float sums[4][4] = {};
    Fetched<SLICES> it;
    fetch(0, it);
    for (u32 k0 = 0; k0 < depth; k0 += T::DEPTH) {
        __syncthreads();
#pragma unroll
        for (u32 i = 0; i < T::EACH; ++i) {
            shared[(left_k + T::LANES * i) * T::LEFT_ROW + left_row] = it.left[i];
            shared[T::LEFT + (right_k + THREADS / T::SIZE * i) * T::SIZE + t % T::SIZE] = it.right[i];
        }
        __syncthreads();
        if (k0 + T::DEPTH < depth) {
            fetch(k0 + T::DEPTH, it); // arrives while this step is multiplied
        }
        net_multiply<SLICES>(shared, sums);
    }
    net_spread<SLICES>(shared, sums);

    const u32 y = qy * shape->phase_stride_y + phase / shape->phases_x;
    const u32 x = qx * shape->phase_stride_x + phase % shape->phases_x;
    if (!is_column || y >= shape->out_height || x >= shape->out_width) {
        return;
    }
    const u32 out_place = y * shape->out_width + x, out_plane = shape->out_height * shape->out_width;
    const Instruction *steps = (const Instruction *)(shape + 1);
    float *output = memory + shape->output + (i64)picture * shape->out_picture + out_place;
#pragma unroll 1
    for (u32 row = t / T::SIZE; row < T::SIZE && row0 + row < rows; row += THREADS / T::SIZE) {
        u32 channel = group * rows + row0 + row;
        float value = net_sum<SLICES>(shared, row, t % T::SIZE);
        output[(i64)channel * out_plane]
            = net_run<false>(steps, shape->count, weights, memory, picture, channel, out_place, value);
    }
}

extern "C" __global__ void __launch_bounds__(256, 2) rwt_net_conv_32(const float *weights, float *memory, const Conv *shape)
{
    net_conv<4>(weights, memory, shape);
}

extern "C" __global__ void __launch_bounds__(256, 2) rwt_net_conv_64(const float *weights, float *memory, const Conv *shape)
{
    net_conv<1>(weights, memory, shape);
}
