// Normalisations: of the contiguous elements of a group, in f64 between threads and f32 within one.
//
// rwt_net_norm(weights, memory, shape)   block 32 to 1024, grid [rows]
//   Element i of row r is (r / groups, (r % groups) * (length / inner) + i / inner, i % inner) to the instructions.
// rwt_net_softmax(weights, memory, shape)   the same blocks: e^(x - max) / sum over each row.
// rwt_net_reduce(weights, memory, shape)   the same blocks: one number of each row; kind 0 sum, 1 mean, 2 max, 3 min,
//   4 sum of squares.
#include "program.cuh"

struct Rows {
    i64 input, output;
    i32 source;
    u32 length, groups, inner;
    float epsilon;
    i32 kind;
    u32 count, reserved;
};

// The sum over a block's threads, in a fixed order, given to all.
inline __device__ double net_block_sum(double value, double *shared)
{
    for (u32 far = 16; far > 0; far /= 2) {
        value += __shfl_xor_sync(0xffffffffu, value, far);
    }
    __syncthreads();
    if (threadIdx.x % 32 == 0) {
        shared[threadIdx.x / 32] = value;
    }
    __syncthreads();
    double sum = 0.0;
    for (u32 warp = 0; warp < blockDim.x / 32; ++warp) {
        sum += shared[warp];
    }
    return sum;
}

inline __device__ float net_block_max(float value, double *shared)
{
    for (u32 far = 16; far > 0; far /= 2) {
        value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, far));
    }
    __syncthreads();
    if (threadIdx.x % 32 == 0) {
        shared[threadIdx.x / 32] = (double)value;
    }
    __syncthreads();
    float most = (float)shared[0];
    for (u32 warp = 1; warp < blockDim.x / 32; ++warp) {
        most = fmaxf(most, (float)shared[warp]);
    }
    return most;
}

extern "C" __global__ void __launch_bounds__(1024) rwt_net_norm(const float *weights, float *memory, const Rows *shape)
{
    __shared__ double shared[32];
    const u32 length = shape->length, inner = shape->inner, row = blockIdx.x;
    const float *x = net_array(shape->source, shape->input, weights, memory) + (i64)row * length;
    float *output = memory + shape->output + (i64)row * length;
    float sum = 0.0f;
    for (u32 i = threadIdx.x; i < length; i += blockDim.x) {
        sum += x[i];
    }
    const float mean = (float)(net_block_sum((double)sum, shared) / (double)length);
    float squares = 0.0f;
    for (u32 i = threadIdx.x; i < length; i += blockDim.x) {
        float far = x[i] - mean;
        squares = fmaf(far, far, squares);
    }
    const double variance = net_block_sum((double)squares, shared) / (double)length;
    const float scale = (float)(1.0 / sqrt(variance + (double)shape->epsilon));
    const Instruction *steps = (const Instruction *)(shape + 1);
    const u32 i0 = row / shape->groups, channel0 = row % shape->groups * (length / inner);
    for (u32 i = threadIdx.x; i < length; i += blockDim.x) {
        u32 channel = i / inner;
        output[i] = net_run<false>(steps, shape->count, weights, memory, i0, channel0 + channel, i - channel * inner,
                                   (x[i] - mean) * scale);
    }
}

extern "C" __global__ void __launch_bounds__(1024) rwt_net_softmax(const float *weights, float *memory, const Rows *shape)
{
    __shared__ double shared[32];
    const u32 length = shape->length;
    const float *x = net_array(shape->source, shape->input, weights, memory) + (i64)blockIdx.x * length;
    float *output = memory + shape->output + (i64)blockIdx.x * length;
    float most = __uint_as_float(0xff800000u);
    for (u32 i = threadIdx.x; i < length; i += blockDim.x) {
        most = fmaxf(most, x[i]);
    }
    most = net_block_max(most, shared);
    float sum = 0.0f;
    for (u32 i = threadIdx.x; i < length; i += blockDim.x) {
        float e = net_exp(x[i] - most);
        output[i] = e;
        sum += e;
    }
    const float total = (float)net_block_sum((double)sum, shared);
    for (u32 i = threadIdx.x; i < length; i += blockDim.x) {
        output[i] = output[i] / total;
    }
}

extern "C" __global__ void __launch_bounds__(1024) rwt_net_reduce(const float *weights, float *memory, const Rows *shape)
{
    __shared__ double shared[32];
    const u32 length = shape->length;
    const i32 kind = shape->kind;
    const float *x = net_array(shape->source, shape->input, weights, memory) + (i64)blockIdx.x * length;
    float sum = 0.0f, most = __uint_as_float(0xff800000u);
    for (u32 i = threadIdx.x; i < length; i += blockDim.x) {
        sum = kind == 4 ? fmaf(x[i], x[i], sum) : sum + x[i];
        most = fmaxf(most, kind == 3 ? -x[i] : x[i]);
    }
    double total = net_block_sum((double)sum, shared);
    most = net_block_max(most, shared);
    if (threadIdx.x == 0) {
        total = kind == 1 ? total / (double)length : total;
        memory[shape->output + blockIdx.x] = kind == 2 ? most : kind == 3 ? -most : (float)total;
    }
}
