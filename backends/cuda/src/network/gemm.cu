// Matrix products of arrays with any strides.
//
// rwt_net_gemm_SIZE(weights, memory, shape), SIZE = 32, 64: in tiles of SIZE x SIZE
//   block 256, grid [ceil(columns / SIZE), ceil(rows / SIZE), batches]
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

// Where a thread's elements of a tile of SIZE x DEPTH (or DEPTH x SIZE) lie: neighbours read neighbours.
template <u32 SLICES>
inline __device__ void net_place(bool along_depth, u32 i, u32 *across, u32 *k)
{
    using T = Tile<SLICES>;
    u32 t = threadIdx.x;
    *across = along_depth ? t / T::LANES : t % T::SIZE;
    *k = along_depth ? t % T::LANES + T::LANES * i : t / T::SIZE + THREADS / T::SIZE * i;
}

template <u32 SLICES>
inline __device__ void net_gemm(const float *weights, float *memory, const Gemm *shape)
{
    using T = Tile<SLICES>;
    __shared__ __align__(16) float shared[T::SHARED];
    const u32 t = threadIdx.x, outer = blockIdx.z / shape->inner_batches, inner = blockIdx.z % shape->inner_batches;
    const u32 rows = shape->rows, columns = shape->columns, depth = shape->depth;
    const u32 row0 = blockIdx.y * T::SIZE, column0 = blockIdx.x * T::SIZE;
    const Matrix *l = &shape->left, *r = &shape->right;
    const float *left = net_array(l->source, l->offset + outer * l->outer + inner * l->inner, weights, memory);
    const float *right = net_array(r->source, r->offset + outer * r->outer + inner * r->inner, weights, memory);
    const i64 left_row = l->row, left_k = l->column, right_k = r->row, right_column = r->column;
    const bool left_along = left_k == 1, right_along = right_k == 1 && right_column != 1;

    float sums[4][4] = {};
    float a[T::EACH], b[T::EACH];
    auto fetch = [&](u32 k0) {
#pragma unroll
        for (u32 i = 0; i < T::EACH; ++i) {
            u32 across, k;
            net_place<SLICES>(left_along, i, &across, &k);
            bool is_inside = row0 + across < rows && k0 + k < depth;
            a[i] = is_inside ? left[(i64)(row0 + across) * left_row + (i64)(k0 + k) * left_k] : 0.0f;
            net_place<SLICES>(right_along, i, &across, &k);
            is_inside = column0 + across < columns && k0 + k < depth;
            b[i] = is_inside ? right[(i64)(k0 + k) * right_k + (i64)(column0 + across) * right_column] : 0.0f;
        }
    };
    fetch(0);
    for (u32 k0 = 0; k0 < depth; k0 += T::DEPTH) {
        __syncthreads();
#pragma unroll
        for (u32 i = 0; i < T::EACH; ++i) {
            u32 across, k;
            net_place<SLICES>(left_along, i, &across, &k);
            shared[k * T::LEFT_ROW + across] = a[i];
            net_place<SLICES>(right_along, i, &across, &k);
            shared[T::LEFT + k * T::SIZE + across] = b[i];
        }
        __syncthreads();
        if (k0 + T::DEPTH < depth) {
            fetch(k0 + T::DEPTH); // arrives while this step is multiplied
        }
        net_multiply<SLICES>(shared, sums);
    }
    net_spread<SLICES>(shared, sums);

    const u32 column = column0 + t % T::SIZE;
    const Instruction *steps = (const Instruction *)(shape + 1);
    if (column >= columns) {
        return;
    }
    float *output = memory + shape->output + (i64)blockIdx.z * rows * columns + column;
#pragma unroll 1
    for (u32 row = t / T::SIZE; row < T::SIZE && row0 + row < rows; row += THREADS / T::SIZE) {
        float value = net_sum<SLICES>(shared, row, t % T::SIZE);
        output[(i64)(row0 + row) * columns]
            = net_run<false>(steps, shape->count, weights, memory, blockIdx.z, row0 + row, column, value);
    }
}

extern "C" __global__ void __launch_bounds__(256, 2) rwt_net_gemm_32(const float *weights, float *memory, const Gemm *shape)
{
    net_gemm<4>(weights, memory, shape);
}

extern "C" __global__ void __launch_bounds__(256, 2) rwt_net_gemm_64(const float *weights, float *memory, const Gemm *shape)
{
    net_gemm<1>(weights, memory, shape);
}
