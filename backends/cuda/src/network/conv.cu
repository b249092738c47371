// Convolutions and transposed convolutions as matrix products whose right factor is gathered from the picture.
//
// rwt_net_conv(weights, memory, shape)   block 256, grid [ceil(columns / 64), ceil(rows / 64), groups * phases]
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

extern "C" __global__ void __launch_bounds__(256) rwt_net_conv(const float *weights, float *memory, const Conv *shape)
{
    __shared__ __align__(16) float shared[TILE * TILE];
    const u32 t = threadIdx.x;
    const u32 phase = blockIdx.z % shape->phases, group = blockIdx.z / shape->phases;
    const u32 rows = shape->rows, depth = shape->depth, height = shape->height, width = shape->width;
    const u32 row0 = blockIdx.y * TILE, column = blockIdx.x * TILE + t % TILE;
    const bool is_column = column < shape->columns;
    const u32 picture = is_column ? column / shape->places : 0, place = is_column ? column % shape->places : 0;
    const u32 qy = place / shape->row_places, qx = place % shape->row_places;
    const i32 y0 = (i32)qy * shape->stride_y + shape->start_y, x0 = (i32)qx * shape->stride_x + shape->start_x;
    const float *input = memory + shape->input + (i64)picture * shape->picture + (i64)group * shape->group;
    const ConvPlace *table = (const ConvPlace *)((const char *)shape + shape->table) + (u64)phase * depth;
    const i64 corner = (i64)y0 * width + x0;
    const u32 left_row = t / 4, left_k = t % 4 * 4;
    const float *left = net_array(shape->weights_source, shape->weights, weights, memory)
        + ((i64)blockIdx.z * rows + row0 + left_row) * depth;
    const bool is_row = row0 + left_row < rows;

    float sums[4][4] = {};
    float a[4], b[4];
    for (u32 k0 = 0; k0 < depth; k0 += DEPTH) {
#pragma unroll
        for (u32 i = 0; i < 4; ++i) {
            u32 k = k0 + left_k + i;
            a[i] = is_row && k < depth ? left[k] : 0.0f;
        }
#pragma unroll
        for (u32 i = 0; i < 4; ++i) {
            u32 k = k0 + t / TILE + 4 * i;
            b[i] = 0.0f;
            if (is_column && k < depth) {
                ConvPlace at = table[k];
                i32 y = y0 + (at.shift >> 16), x = x0 + (at.shift & 0xffff) - 32768;
                if ((u32)y < height && (u32)x < width) {
                    b[i] = input[corner + at.offset];
                }
            }
        }
        __syncthreads();
#pragma unroll
        for (u32 i = 0; i < 4; ++i) {
            shared[(left_k + i) * LEFT_ROW + left_row] = a[i];
            shared[LEFT + (t / TILE + 4 * i) * TILE + t % TILE] = b[i];
        }
        __syncthreads();
        net_multiply(shared, sums);
    }
    net_spread(shared, sums);

    const u32 y = qy * shape->phase_stride_y + phase / shape->phases_x;
    const u32 x = qx * shape->phase_stride_x + phase % shape->phases_x;
    if (!is_column || y >= shape->out_height || x >= shape->out_width) {
        return;
    }
    const u32 out_place = y * shape->out_width + x, out_plane = shape->out_height * shape->out_width;
    const Instruction *steps = (const Instruction *)(shape + 1);
    float *output = memory + shape->output + (i64)picture * shape->out_picture + out_place;
#pragma unroll 1
    for (u32 row = t / TILE; row < TILE && row0 + row < rows; row += 4) {
        u32 channel = group * rows + row0 + row;
        float value = shared[row * TILE + t % TILE];
        output[(i64)channel * out_plane]
            = net_run<false>(steps, shape->count, weights, memory, picture, channel, out_place, value);
    }
}
