// What is done with each element after a kernel has computed it: a list of instructions on one number.
// Its operands are arrays that are broadcast: element (i0, i1, i2) lies at offset + i0 s0 + i1 s1 + i2 s2.
#ifndef RWT_NETWORK_PROGRAM
#define RWT_NETWORK_PROGRAM
#include "functions.cuh"

enum { NET_VALUE = 0, NET_WEIGHTS = 1, NET_MEMORY = 2, NET_HALF_MEMORY = 3 }; // where an array lies; the last: bf16

enum { // the numbers of network/program.rs
    NET_ADD, NET_SUBTRACT, NET_SUBTRACT_FROM, NET_MULTIPLY, NET_DIVIDE, NET_DIVIDE_BY_IT, NET_MAXIMUM, NET_MINIMUM,
    NET_RELU, NET_LEAKY_RELU, NET_SIGMOID, NET_SILU, NET_NEGATE, NET_ABSOLUTE, NET_RECIPROCAL, NET_SQUARE_ROOT,
    NET_EXP, NET_LOG, NET_SIN, NET_COS, NET_TANH, NET_ERF, NET_GELU, NET_POWER
};

struct Instruction {
    i64 offset;
    i32 code;
    float value; // the operand, for NET_VALUE; a parameter
    u32 stride[3];
    i32 source;
};

inline __device__ const float *net_array(i32 source, i64 offset, const float *weights, const float *memory)
{
    return (source == NET_WEIGHTS ? weights : memory) + offset;
}

// FULL: with the functions that are never fused into another kernel.
template <bool FULL>
inline __device__ float net_run(const Instruction *steps, u32 count, const float *weights, const float *memory, u32 i0,
                                u32 i1, u32 i2, float it)
{
    for (u32 k = 0; k < count; ++k) {
        const Instruction *step = steps + k;
        float b = step->value;
        if (step->source != NET_VALUE) {
            i64 at = (i64)i0 * step->stride[0] + (i64)i1 * step->stride[1] + (i64)i2 * step->stride[2];
            b = net_array(step->source, step->offset, weights, memory)[at];
        }
        switch (step->code) {
        case NET_ADD: it = it + b; break;
        case NET_SUBTRACT: it = it - b; break;
        case NET_SUBTRACT_FROM: it = b - it; break;
        case NET_MULTIPLY: it = it * b; break;
        case NET_DIVIDE: it = it / b; break;
        case NET_DIVIDE_BY_IT: it = b / it; break;
        case NET_MAXIMUM: it = it > b ? it : (b != b ? b : (it != it ? it : b)); break;
        case NET_MINIMUM: it = it < b ? it : (b != b ? b : (it != it ? it : b)); break;
        case NET_RELU: it = it > 0.0f ? it : (it != it ? it : 0.0f); break;
        case NET_LEAKY_RELU: it = it < 0.0f ? it * b : it; break;
        case NET_SIGMOID: it = net_sigmoid(it); break;
        case NET_SILU: it = it * net_sigmoid(it); break;
        case NET_NEGATE: it = -it; break;
        case NET_ABSOLUTE: it = fabsf(it); break;
        case NET_RECIPROCAL: it = 1.0f / it; break;
        case NET_SQUARE_ROOT: it = sqrtf(it); break;
        default:
            if (FULL) {
                switch (step->code) {
                case NET_EXP: it = net_exp(it); break;
                case NET_LOG: it = (float)net_log(it); break;
                case NET_SIN: it = net_sine(it, 0); break;
                case NET_COS: it = net_sine(it, 1); break;
                case NET_TANH: it = net_tanh(it); break;
                case NET_ERF: it = net_erf(it); break;
                case NET_GELU: it = 0.5f * it * (1.0f + net_erf(it * 0.707106781f)); break;
                case NET_POWER: it = net_power(it, b); break;
                default: break;
                }
            }
        }
    }
    return it;
}
#endif
