// Networks in bf16: what is common to the kernels half_*.cu, and their parameters.
//
// A half array lies in `memory` beside those in f32, as bf16 [pictures, places, channels]: its offsets and strides count
// bf16 elements from the array's beginning. Eight neighbouring channels (an octet, 16 bytes) are read and written at
// once: offsets and strides of half arrays are multiples of 8, except those of single channels. Sums are in f32; what is
// stored is rounded once, to nearest even. Weights in bf16 lie in `weights`, offsets in bf16 elements, multiples of 8.
// A program's operands are indexed by (picture, channel, place of the output's picture).
//
// kernel(weights, memory, shape)      shape           block       grid, |x| = ceil(x)
// rwt_half_conv_128x128               HalfConv        256         [|rows / 128| |channels / 128|, 1, phases]
// rwt_half_conv_128x64, _64x64        HalfConv        128         [|rows / 128 or 64| |channels / 64|, 1, phases]
// rwt_half_conv_32x32, _32x16         HalfConv        256         [|rows / 32| |channels / 32 or 16|, 1, phases]
//   All take every shape. The first that has at least 128 blocks is a good choice, else the last but one, if that has 32.
// rwt_half_norm                       HalfNorm        32 ... 512  [pictures channels / slab]; may be in place
// rwt_half_norm_sums, then _by        HalfNormParts   32 ... 512  [pictures channels / slab, parts]; may be in place
//   In place of the one before where that had less than 64 blocks with more than 2048 octets (slab / 8 * places) each:
//   with enough parts for about 128 blocks.
// rwt_half_pointwise                  HalfPointwise   any to 256  over pictures |channels / 8| places
// rwt_half_copy                       HalfCopy[parts] any to 256  [over the largest total, parts]
// rwt_half_pool                       HalfWindow      any to 256  over pictures channels / 8 places of the output
// rwt_half_attention_64, _128         HalfAttention   128         [|queries / 64|, batches heads]
// rwt_half_attention_256              HalfAttention   128         [|queries / 64|, batches heads, |value_length / 128|]
// rwt_half_attention_few_64, _128     HalfAttention   128         [|queries / 16|, batches heads]
// rwt_half_attention_few_256          HalfAttention   128         [|queries / 16|, batches heads, |value_length / 128|]
//   For heads (length and value_length) of at most that length; few: where the others would have less than 64 blocks.
#ifndef RWT_NETWORK_HALF
#define RWT_NETWORK_HALF
#include "half_program.cuh"

struct HalfTap { // an element of a convolution's kernel
    i32 dy, dx;
};

// half_conv.cu: a convolution, a transposed one in phases, or a product with shared weights (one tap).
struct HalfConv {
    i64 input, weights, output;        // weights: dense [phases][channels][taps][cin]
    u32 rows, channels;                // places of all pictures in one phase; output channels
    u32 cin, taps;                     // input channels, a multiple of 8
    u32 places, row_places;            // of a picture and of a row of it, in one phase
    i32 stride_y, stride_x, start_y, start_x;
    u32 height, width, shift;          // of the input as the kernel sees it: it lies at (y >> shift, x >> shift)
    u32 in_picture, in_row, in_place;  // strides
    u32 out_height, out_width;
    u32 out_picture, out_channel, out_place;
    u32 is_float;                      // f32 with any strides; else bf16, channels a multiple of 8, out_channel 1
    u32 phases, phases_x, phase_stride_y, phase_stride_x;
    u32 count, table;                  // instructions after this; bytes from here to the taps [phases][taps]
};

// half_norm.cu: (x - mean) / sqrt(variance + epsilon) over the places and channels of a group, then the program.
struct HalfNorm {
    i64 input, output;
    u32 in_picture, in_place, out_picture, out_place;
    u32 places, channels;
    u32 slab, group; // channels of a block: a multiple of 8 and of the group, at most 1024, a divisor of channels
    float epsilon;
    u32 count;       // instructions after this
};

// half_norm_parts.cu: the same by two kernels, for few large pictures.
struct HalfNormParts {
    i64 sums;            // f32 [pictures, parts, channels, 2] that the first writes and the second reads; a multiple of 2
    u32 parts, reserved; // of the places: at most as many as there are
    HalfNorm norm;       // instructions after this
};

// half_move.cu: a program on each element, and all conversions.
struct HalfPointwise {
    Instruction input; // its code does not count; from any source
    i64 output;
    u32 size[3];       // pictures, channels, places of the output
    u32 given;         // channels that there are: zeros are written beyond
    u32 to[3];         // the output's strides; of channels 1 in bf16
    u32 is_float;      // f32 with any number of channels; else bf16, channels a multiple of 8
    u32 count, reserved;
};

// half_move.cu: parts of arrays to other places.
struct HalfCopy {
    i64 input, output;
    u32 size[6], from[6], to[6]; // strides in elements
    u32 each, total;             // 8: what is counted are octets; 1: elements, at any strides and offsets
};

// half_move.cu: pooling. mode 0 mean over the kernel, 1 mean over what lies inside, 2 largest.
struct HalfWindow {
    i64 input, output;
    u32 mode, pictures, channels;
    u32 height, width, out_height, out_width;
    i32 before_y, before_x; // padding
    u32 kernel_y, kernel_x, stride_y, stride_x;
    u32 in_picture, in_row, in_place, out_picture, out_place;
};

// half_attention.cu: elements of a head are neighbours; lengths are multiples of 8.
struct HalfHeads {
    i64 offset;
    u32 batch, head, place, reserved; // strides
};

struct HalfAttention {
    HalfHeads query, key, value, output;
    u32 heads, queries, keys, length, value_length;
    float scale;
};
#endif
