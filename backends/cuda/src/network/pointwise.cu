// Elementwise arithmetic, and moving elements.
//
// rwt_net_pointwise(weights, memory, shape)   any block, grid over size[0] size[1] size[2] elements
// rwt_net_copy(weights, memory, parts)        any block, grid [over the largest part, parts]
// rwt_net_pad(weights, memory, shape)         any block, grid over the output; mode 0 constant, 1 reflect, 2 edge
// rwt_net_pool(weights, memory, shape)        any block, grid over the output; kind 0 mean over the kernel, 1 mean over
//   what lies inside, 2 max
#include "program.cuh"

struct Pointwise {
    Instruction input; // its code does not count
    i64 output;
    u32 size[3];
    u32 count;
};

extern "C" __global__ void rwt_net_pointwise(const float *weights, float *memory, const Pointwise *shape)
{
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x, size1 = shape->size[1], size2 = shape->size[2];
    if (i >= shape->size[0] * size1 * size2) {
        return;
    }
    const u32 rest = i / size2, i2 = i - rest * size2, i0 = rest / size1, i1 = rest - i0 * size1;
    const Instruction *input = &shape->input;
    const i64 at = (i64)i0 * input->stride[0] + (i64)i1 * input->stride[1] + (i64)i2 * input->stride[2];
    const float value = net_array(input->source, input->offset, weights, memory)[at];
    const Instruction *steps = (const Instruction *)(shape + 1);
    memory[shape->output + i] = net_run<true>(steps, shape->count, weights, memory, i0, i1, i2, value);
}

struct Copy {
    i64 input, output;
    u32 size[6], from[6], to[6]; // strides
    i32 source;
    u32 total;
};

extern "C" __global__ void rwt_net_copy(const float *weights, float *memory, const Copy *parts)
{
    const Copy *part = parts + blockIdx.y;
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= part->total) {
        return;
    }
    i64 from = 0, to = 0;
#pragma unroll
    for (i32 axis = 5; axis >= 0; --axis) {
        u32 size = part->size[axis];
        if (size != 1) {
            u32 rest = i / size, place = i - rest * size;
            from += (i64)place * part->from[axis];
            to += (i64)place * part->to[axis];
            i = rest;
        }
    }
    memory[part->output + to] = net_array(part->source, part->input, weights, memory)[from];
}

struct Window {
    i64 input, output;
    i32 source, mode;
    u32 planes, height, width, out_height, out_width;
    i32 before_y, before_x; // padding
    u32 kernel_y, kernel_x, stride_y, stride_x;
    float value;
};

// The place inside 0 .. size that a place outside shows; -1 for a constant.
inline __device__ i32 net_inside(i32 place, i32 size, i32 mode)
{
    if ((u32)place < (u32)size) {
        return place;
    }
    if (mode == 2) {
        return place < 0 ? 0 : size - 1;
    }
    if (mode == 1) {
        i32 mirrored = place < 0 ? -place : 2 * (size - 1) - place; // once: checked by the host
        return mirrored;
    }
    return -1;
}

extern "C" __global__ void rwt_net_pad(const float *weights, float *memory, const Window *shape)
{
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x, size = shape->out_height * shape->out_width;
    if (i >= shape->planes * size) {
        return;
    }
    const u32 plane = i / size, place = i - plane * size, row = place / shape->out_width;
    const i32 y = net_inside((i32)row - shape->before_y, (i32)shape->height, shape->mode);
    const i32 x = net_inside((i32)(place - row * shape->out_width) - shape->before_x, (i32)shape->width, shape->mode);
    const float *input = net_array(shape->source, shape->input, weights, memory);
    const i64 at = ((i64)plane * shape->height + y) * shape->width + x;
    memory[shape->output + i] = y < 0 || x < 0 ? shape->value : input[at];
}

extern "C" __global__ void rwt_net_pool(const float *weights, float *memory, const Window *shape)
{
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x, size = shape->out_height * shape->out_width;
    if (i >= shape->planes * size) {
        return;
    }
    const u32 plane = i / size, place = i - plane * size, row = place / shape->out_width;
    const i32 y0 = (i32)(row * shape->stride_y) - shape->before_y;
    const i32 x0 = (i32)((place - row * shape->out_width) * shape->stride_x) - shape->before_x;
    const float *input = net_array(shape->source, shape->input, weights, memory)
        + (i64)plane * shape->height * shape->width;
    float sum = 0.0f, most = __uint_as_float(0xff800000u);
    u32 inside = 0;
    for (u32 dy = 0; dy < shape->kernel_y; ++dy) {
        for (u32 dx = 0; dx < shape->kernel_x; ++dx) {
            i32 y = y0 + (i32)dy, x = x0 + (i32)dx;
            if ((u32)y < shape->height && (u32)x < shape->width) {
                float value = input[(i64)y * shape->width + x];
                sum += value;
                most = fmaxf(most, value);
                inside += 1;
            }
        }
    }
    const u32 over = shape->mode == 0 ? shape->kernel_y * shape->kernel_x : inside;
    memory[shape->output + i] = shape->mode == 2 ? most : sum / (float)over;
}
