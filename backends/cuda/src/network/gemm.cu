// Matrix products of arrays with any strides.
//
// rwt_net_gemm(weights, memory, shape)   block 256, grid [ceil(columns / 64), ceil(rows / 64), batches]
//   output[batch][row][column] = sum over k of left[batch][row][k] right[batch][k][column], dense.
#include "tile.cuh"

struct Matrix {
    i64 offset, outer, inner, row, column; // strides in elements: of batch / inner_batches, batch % inner_batches, ...
    i32 source;
    u32 reserved;
};

struct Gemm {
    Matrix left, right;
    i64 output;
    u32 rows, columns, depth, inner_batches;
    u32 count, reserved;
};

// Four elements a thread of a tile of 64 x 16 (or 16 x 64): where a thread's elements lie is chosen so that neighbours
// read neighbours.
inline __device__ void net_place(bool along_depth, u32 i, u32 *across, u32 *k)
{
    u32 t = threadIdx.x;
    *across = along_depth ? t / 4 : t % TILE;
    *k = along_depth ? t % 4 * 4 + i : t / TILE + 4 * i;
}

extern "C" __global__ void __launch_bounds__(256) rwt_net_gemm(const float *weights, float *memory, const Gemm *shape)
{
    __shared__ __align__(16) float shared[TILE * TILE];
    const u32 t = threadIdx.x, outer = blockIdx.z / shape->inner_batches, inner = blockIdx.z % shape->inner_batches;
    const u32 rows = shape->rows, columns = shape->columns, depth = shape->depth;
    const u32 row0 = blockIdx.y * TILE, column0 = blockIdx.x * TILE;
    const Matrix *l = &shape->left, *r = &shape->right;
    const float *left = net_array(l->source, l->offset + outer * l->outer + inner * l->inner, weights, memory);
    const float *right = net_array(r->source, r->offset + outer * r->outer + inner * r->inner, weights, memory);
    const i64 left_row = l->row, left_k = l->column, right_k = r->row, right_column = r->column;
    const bool left_along = left_k == 1, right_along = right_k == 1 && right_column != 1;

    float sums[4][4] = {};
    float a[4], b[4];
    for (u32 k0 = 0; k0 < depth; k0 += DEPTH) {
#pragma unroll
        for (u32 i = 0; i < 4; ++i) {
            u32 across, k;
            net_place(left_along, i, &across, &k);
            bool is_inside = row0 + across < rows && k0 + k < depth;
            a[i] = is_inside ? left[(i64)(row0 + across) * left_row + (i64)(k0 + k) * left_k] : 0.0f;
            net_place(right_along, i, &across, &k);
            is_inside = column0 + across < columns && k0 + k < depth;
            b[i] = is_inside ? right[(i64)(k0 + k) * right_k + (i64)(column0 + across) * right_column] : 0.0f;
        }
        __syncthreads();
#pragma unroll
        for (u32 i = 0; i < 4; ++i) {
            u32 across, k;
            net_place(left_along, i, &across, &k);
            shared[k * LEFT_ROW + across] = a[i];
            net_place(right_along, i, &across, &k);
            shared[LEFT + k * TILE + across] = b[i];
        }
        __syncthreads();
        net_multiply(shared, sums);
    }
    net_spread(shared, sums);

    const u32 column = column0 + t % TILE;
    const Instruction *steps = (const Instruction *)(shape + 1);
    if (column >= columns) {
        return;
    }
    float *output = memory + shape->output + (i64)blockIdx.z * rows * columns + column;
#pragma unroll 1
    for (u32 row = t / TILE; row < TILE && row0 + row < rows; row += 4) {
        float value = shared[row * TILE + t % TILE];
        output[(i64)(row0 + row) * columns]
            = net_run<false>(steps, shape->count, weights, memory, blockIdx.z, row0 + row, column, value);
    }
}
