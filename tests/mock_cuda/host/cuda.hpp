// What kernels use of CUDA, for a compiler of the processor: included before each kernel's source.
//
// Blocks run one after another. The threads of a block are fibres: one runs until it waits or ends, then the next.
// Floating-point operations round as on a device; a fused multiply-add is written, never made.

#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <utility>

#include "tensor.hpp"

struct dim3 {
  unsigned x, y, z;
};
typedef dim3 uint3;

// What the kernel sees; set before it goes on.
extern dim3 threadIdx, blockIdx, blockDim, gridDim;
static const int warpSize = 32;

// A launch. The mock's src/source.rs is the other side.
struct rwt_shape {
  dim3 blocks, threads;
  unsigned dynamic, reverse;
};

const char *rwt_run(const rwt_shape &shape, void (*kernel)(const void *const *), const void *const *arguments);
void *rwt_dynamic_shared();
void rwt_barrier(const char *file, int line);
void rwt_shuffle(unsigned members, uint64_t value, uint64_t results[32]);
void rwt_wrong(const char *what, unsigned lane);

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __shared__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __syncthreads() rwt_barrier(__FILE__, __LINE__)

// The functions whose bits differ between compilers are not for kernels.
#pragma GCC poison expf exp2f logf log2f log10f sinf cosf tanf tanhf sinhf coshf powf erff rsqrtf __expf __logf __powf

#define RWT_VECTORS(type, name)                                                                    \
  struct alignas(2 * sizeof(type)) name##2 {                                                       \
    type x, y;                                                                                     \
  };                                                                                               \
  struct alignas(4 * sizeof(type) > 16 ? 16 : 4 * sizeof(type)) name##4 {                          \
    type x, y, z, w;                                                                               \
  };                                                                                               \
  static inline name##2 make_##name##2(type x, type y) { return {x, y}; }                          \
  static inline name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }
RWT_VECTORS(float, float)
RWT_VECTORS(double, double)
RWT_VECTORS(int, int)
RWT_VECTORS(unsigned, uint)
RWT_VECTORS(unsigned char, uchar)
RWT_VECTORS(unsigned short, ushort)
RWT_VECTORS(unsigned long long, ulonglong)
#undef RWT_VECTORS

template <class To, class From> static inline To rwt_bits(From from) {
  static_assert(sizeof(To) == sizeof(From), "as wide");
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}
static inline unsigned __float_as_uint(float a) { return rwt_bits<unsigned>(a); }
static inline float __uint_as_float(unsigned a) { return rwt_bits<float>(a); }
static inline int __float_as_int(float a) { return rwt_bits<int>(a); }
static inline float __int_as_float(int a) { return rwt_bits<float>(a); }
static inline long long __double_as_longlong(double a) { return rwt_bits<long long>(a); }
static inline double __longlong_as_double(long long a) { return rwt_bits<double>(a); }

// As PTX has them: the other operand of what is not a number, and -0 before +0.
template <class T> static inline T rwt_least(T a, T b) {
  if (a != a || b != b) return a != a ? b : a;
  return a < b || (a == b && signbit(a)) ? a : b;
}
template <class T> static inline T rwt_greatest(T a, T b) {
  if (a != a || b != b) return a != a ? b : a;
  return a > b || (a == b && !signbit(a)) ? a : b;
}
#define fminf rwt_least<float>
#define fmaxf rwt_greatest<float>
#define fmin rwt_least<double>
#define fmax rwt_greatest<double>
template <class T> static inline T min(T a, T b) { return a < b ? a : b; }
template <class T> static inline T max(T a, T b) { return a > b ? a : b; }
template <> inline float min(float a, float b) { return rwt_least(a, b); }
template <> inline float max(float a, float b) { return rwt_greatest(a, b); }
template <> inline double min(double a, double b) { return rwt_least(a, b); }
template <> inline double max(double a, double b) { return rwt_greatest(a, b); }
static inline unsigned min(unsigned a, int b) { return min(a, (unsigned)b); }
static inline unsigned max(unsigned a, int b) { return max(a, (unsigned)b); }

static inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
static inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fsub_rn(float a, float b) { return a - b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fdiv_rn(float a, float b) { return a / b; }
static inline float __fsqrt_rn(float a) { return sqrtf(a); }
static inline double __dadd_rn(double a, double b) { return a + b; }
static inline double __dmul_rn(double a, double b) { return a * b; }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((uint64_t)a * b >> 32); }
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return (unsigned long long)((unsigned __int128)a * b >> 64);
}
static inline int __popc(unsigned a) { return __builtin_popcount(a); }
static inline int __clz(int a) { return a ? __builtin_clz((unsigned)a) : 32; }
static inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned by) {
  return (unsigned)(((uint64_t)high << 32 | low) << (by & 31) >> 32);
}
static inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned by) {
  return (unsigned)(((uint64_t)high << 32 | low) >> (by & 31));
}
template <class T> static inline T __ldg(const T *from) { return *from; }

// One thread at a time runs.
template <class T, class U> static inline T atomicMin(T *at, U value) {
  T old = *at;
  *at = old < (T)value ? old : (T)value;
  return old;
}
template <class T, class U> static inline T atomicMax(T *at, U value) {
  T old = *at;
  *at = old > (T)value ? old : (T)value;
  return old;
}
template <class T, class U> static inline T atomicAdd(T *at, U value) {
  T old = *at;
  *at = old + (T)value;
  return old;
}
template <class T, class U> static inline T atomicOr(T *at, U value) {
  T old = *at;
  *at = old | (T)value;
  return old;
}
static inline void __threadfence() {}
static inline void __threadfence_block() {}

static inline unsigned rwt_lane() {
  return (threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) & 31;
}

static inline void __syncwarp(unsigned members = 0xffffffffu) {
  uint64_t results[32];
  rwt_shuffle(members, 0, results);
}

// The value of lane `from`, or the lane's own where that is not `inside` the lanes that are looked at.
template <class T> static inline T rwt_from(unsigned members, T value, unsigned from, bool inside) {
  uint64_t word = 0, results[32];
  static_assert(sizeof value <= sizeof word, "at most 64 bits");
  memcpy(&word, &value, sizeof value);
  rwt_shuffle(members, word, results);
  unsigned lane = inside ? from : rwt_lane();
  if (!(members >> lane & 1)) rwt_wrong("a shuffle reads a lane that is no member", lane);
  memcpy(&value, &results[lane], sizeof value);
  return value;
}
template <class T> static inline T __shfl_sync(unsigned members, T value, int from, int width = 32) {
  unsigned lane = rwt_lane(), first = lane & ~(unsigned)(width - 1);
  return rwt_from(members, value, first | ((unsigned)from & (unsigned)(width - 1)), true);
}
template <class T> static inline T __shfl_xor_sync(unsigned members, T value, int bits, int width = 32) {
  unsigned lane = rwt_lane(), last = lane | (unsigned)(width - 1), from = lane ^ ((unsigned)bits & 31);
  return rwt_from(members, value, from, from <= last);
}
template <class T> static inline T __shfl_down_sync(unsigned members, T value, unsigned by, int width = 32) {
  unsigned lane = rwt_lane(), last = lane | (unsigned)(width - 1), from = lane + (by & 31);
  return rwt_from(members, value, from, from <= last);
}
template <class T> static inline T __shfl_up_sync(unsigned members, T value, unsigned by, int width = 32) {
  unsigned lane = rwt_lane(), first = lane & ~(unsigned)(width - 1);
  return rwt_from(members, value, lane - (by & 31), (int)lane - (int)(by & 31) >= (int)first);
}
static inline unsigned __ballot_sync(unsigned members, int holds) {
  uint64_t results[32];
  rwt_shuffle(members, holds != 0, results);
  unsigned ballot = 0;
  for (unsigned lane = 0; lane < 32; lane++) ballot |= members >> lane & 1 ? (unsigned)results[lane] << lane : 0;
  return ballot;
}
static inline int __any_sync(unsigned members, int holds) { return __ballot_sync(members, holds) != 0; }
static inline int __all_sync(unsigned members, int holds) { return __ballot_sync(members, holds) == members; }

// A kernel as the mock finds it.
template <class... P, size_t... I>
static inline void rwt_call(void (*kernel)(P...), const void *const *arguments, std::index_sequence<I...>) {
  kernel(*static_cast<const P *>(arguments[I])...);
}
template <class... P> static inline void rwt_call(void (*kernel)(P...), const void *const *arguments) {
  rwt_call(kernel, arguments, std::index_sequence_for<P...>());
}
template <class... P> static inline const unsigned *rwt_sizes(void (*)(P...)) {
  static const unsigned sizes[] = {sizeof(P)..., 0};
  return sizes;
}
#define RWT_KERNEL(name)                                                                           \
  extern "C" __attribute__((visibility("default"))) const char *mock_run_##name(                   \
      const rwt_shape *shape, const void *const *arguments) {                                      \
    return rwt_run(*shape, [](const void *const *a) { rwt_call(name, a); }, arguments);            \
  }                                                                                                \
  extern "C" __attribute__((visibility("default"))) const unsigned *mock_sizes_##name() { return rwt_sizes(name); }
