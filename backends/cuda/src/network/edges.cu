// Between a walk and the network: what depends on the noise level, borders, Tweedie's formula.
//
// rwt_net_time(levels, level, time)                              one thread: what the network is told of *level
// rwt_net_times(levels, level, times, count, is_integer)         one block: the same for each of count pictures, f32 or i64
// rwt_net_copy_row(from, to, from_level, to_level, length)       any block: a row of a table from or to a level's place;
//   without a level there is only one row
// rwt_net_enter(levels, level, symmetries, x, padded, shape)     any block, grid [over a padded plane, planes]
// rwt_net_leave(levels, level, symmetries, x, answer, denoised, shape)    any block, grid [over a plane, planes]
//   symmetries [levels][pictures]: in which symmetry each picture is shown, 1 transposed + 2 upside down + 4 left to right
#include "program.cuh"

struct Level { // of rwt_onnx::Level
    double scale, time, input, output;
};

struct Edges {
    u32 height, width, padded_height, padded_width, margin, channels, answers, pictures; // channels of x and the answer
};

extern "C" __global__ void rwt_net_time(const Level *levels, const u32 *level, float *time)
{
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        *time = (float)levels[*level].time;
    }
}

extern "C" __global__ void rwt_net_times(const Level *levels, const u32 *level, void *times, u32 count, u32 is_integer)
{
    const double time = levels[*level].time;
    for (u32 i = threadIdx.x; i < count; i += blockDim.x) {
        if (is_integer) {
            ((i64 *)times)[i] = (i64)time;
        } else {
            ((float *)times)[i] = (float)time;
        }
    }
}

extern "C" __global__ void rwt_net_copy_row(const float *from, float *to, const u32 *from_level, const u32 *to_level,
                                            u32 length)
{
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < length) {
        u64 from_row = from_level ? *from_level : 0, to_row = to_level ? *to_level : 0;
        to[to_row * length + i] = from[from_row * length + i];
    }
}

// The place inside 0 .. size that a place of the padded axis shows; the edge is not repeated.
inline __device__ u32 net_reflected(u32 place, u32 margin, u32 size)
{
    if (size == 1) {
        return 0;
    }
    u32 period = 2 * (size - 1);
    u32 offset = (place + (period - margin % period)) % period;
    return offset < period - offset ? offset : period - offset;
}

inline __device__ u32 net_mirrored(u32 place, u32 size, u32 is_mirrored)
{
    return is_mirrored ? size - 1 - place : place;
}

inline __device__ u32 net_symmetry(const u32 *symmetries, const u32 *level, const Edges *shape)
{
    return symmetries[(u64)*level * shape->pictures + blockIdx.y / shape->channels];
}

extern "C" __global__ void rwt_net_enter(const Level *levels, const u32 *level, const u32 *symmetries, const float *x,
                                         float *padded, const Edges *shape)
{
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x, width = shape->padded_width;
    if (i >= shape->padded_height * width) {
        return;
    }
    const u32 row = i / width, column = i - row * width, symmetry = net_symmetry(symmetries, level, shape);
    const u32 along_y = symmetry & 1 ? column : row, along_x = symmetry & 1 ? row : column;
    const u32 from_row
        = net_mirrored(net_reflected(along_y, shape->margin, shape->height), shape->height, symmetry & 2);
    const u32 from_column
        = net_mirrored(net_reflected(along_x, shape->margin, shape->width), shape->width, symmetry & 4);
    const float *plane = x + (u64)blockIdx.y * shape->height * shape->width;
    const float scale = (float)levels[*level].scale;
    padded[(u64)blockIdx.y * shape->padded_height * width + i] = scale * plane[from_row * shape->width + from_column];
}

extern "C" __global__ void rwt_net_leave(const Level *levels, const u32 *level, const u32 *symmetries, const float *x,
                                         const float *answer, float *denoised, const Edges *shape)
{
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x, width = shape->width;
    if (i >= shape->height * width) {
        return;
    }
    const u32 row = i / width, column = i - row * width, symmetry = net_symmetry(symmetries, level, shape);
    const u32 along_y = net_mirrored(row, shape->height, symmetry & 2);
    const u32 along_x = net_mirrored(column, width, symmetry & 4);
    const u32 picture = blockIdx.y / shape->channels, channel = blockIdx.y - picture * shape->channels;
    const u64 plane = (u64)picture * shape->answers + channel;
    const u32 padded_row = shape->margin + (symmetry & 1 ? along_x : along_y);
    const u32 padded_column = shape->margin + (symmetry & 1 ? along_y : along_x);
    const u64 place = (u64)padded_row * shape->padded_width + padded_column;
    const float raw = answer[plane * shape->padded_height * shape->padded_width + place];
    const u64 at = (u64)blockIdx.y * shape->height * width + i;
    const Level *now = levels + *level;
    const bool is_nothing = now->input == 0.0 && now->output == 1.0;
    denoised[at] = is_nothing ? raw : (float)(now->input * (double)x[at] + now->output * (double)raw);
}
