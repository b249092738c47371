// Kernels that use what CUDA has for them, for tests of the mock driver itself.

typedef unsigned int u32;
typedef unsigned long long u64;

__constant__ float table[8] = {1, 2, 3, 4, 5, 6, 7, 8};

struct pair {
  float x;
  double y;
};

// Arithmetic on two words: bits of out[i * 16 + 0..16].
extern "C" __global__ void probe_words(const u32 *a, const u32 *b, u32 n, u32 *out) {
  u32 i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  u32 p = a[i], q = b[i];
  float f = __uint_as_float(p), g = __uint_as_float(q);
  u32 *o = out + 16ull * i;
  o[0] = p * q + 7u;
  o[1] = (u32)((u64)p * q >> 32);
  o[2] = p / (q | 1u);
  o[3] = p % (q | 1u);
  o[4] = (u32)((int)p >> (q & 31u));
  o[5] = (p << (q & 31u)) | (p >> ((32u - (q & 31u)) & 31u));
  o[6] = (u32)min((int)p, (int)q) ^ max(p, q);
  o[7] = __float_as_uint(f + g);
  o[8] = __float_as_uint(f * g);
  o[9] = __float_as_uint(f / g);
  o[10] = __float_as_uint(sqrtf(fabsf(f)));
  o[11] = __float_as_uint(fmaf(f, g, f));
  o[12] = __float_as_uint(fminf(f, g));
  o[13] = __float_as_uint(fmaxf(f, g));
  o[14] = __float_as_uint((float)p + (float)(int)q * table[q & 7u]);
  switch (q % 7u) {
    case 0: o[15] = 11; break;
    case 1: o[15] = p; break;
    case 2: o[15] = p ^ q; break;
    case 3: o[15] = ~p; break;
    case 4: o[15] = p & q; break;
    case 5: o[15] = p | q; break;
    default: o[15] = 0;
  }
}

// The same on two f64 and two u64: out[i * 8 + 0..8].
extern "C" __global__ void probe_longs(const double *a, const double *b, u32 n, u64 *out) {
  u32 i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  double p = a[i], q = b[i];
  u64 r = (u64)__double_as_longlong(p), s = (u64)__double_as_longlong(q);
  u64 *o = out + 8ull * i;
  o[0] = (u64)__double_as_longlong(p * q - p);
  o[1] = (u64)__double_as_longlong(p / q);
  o[2] = (u64)__double_as_longlong(sqrt(fabs(p)));
  o[3] = (u64)__double_as_longlong(fma(p, q, p));
  o[4] = __float_as_uint((float)p);
  o[5] = r * s + (r >> (s & 63u));
  o[6] = r / (s | 1u) ^ (u64)((long long)r >> 7);
  o[7] = r < s ? r : s;
}

// Sums over each block of 128 threads in three ways, which must agree: shared memory, shuffles, and dynamic shared memory.
extern "C" __global__ void __launch_bounds__(128) probe_sums(const float4 *a, u32 n, float *out) {
  extern __shared__ __align__(16) float dynamic[];
  __shared__ __align__(16) float4 tile[128];
  __shared__ float warps[4];
  u32 t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
  tile[t] = i < n ? a[i] : make_float4(0.f, 0.f, 0.f, 0.f);
  __syncthreads();
  float4 other = tile[127u - t];
  dynamic[t] = other.x + other.y + (other.z + other.w);
  __syncthreads();
  for (u32 half = 64; half; half >>= 1) {
    if (t < half) dynamic[t] += dynamic[t + half];
    __syncthreads();
  }
  float sum = tile[t].x + tile[t].y + (tile[t].z + tile[t].w);
  for (int lane = 16; lane; lane >>= 1) sum += __shfl_xor_sync(0xffffffffu, sum, lane);
  double down = (double)(i & 31u);
  for (u32 lane = 16; lane; lane >>= 1) down += __shfl_down_sync(0xffffffffu, down, lane);
  if ((t & 31u) == 0) warps[t / 32u] = sum;
  __syncthreads();
  if (t == 0) {
    out[3u * blockIdx.x] = dynamic[0];
    out[3u * blockIdx.x + 1u] = warps[0] + warps[1] + (warps[2] + warps[3]);
    out[3u * blockIdx.x + 2u] = (float)down;
  }
}

// How many elements are above the limit, and the first of them.
extern "C" __global__ void probe_atomics(const float *a, u64 n, pair limit, u64 *first, u32 *count) {
  u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n && a[i] > limit.x && (double)a[i] > limit.y) {
    atomicMin(first, i);
    atomicAdd(count, 1u);
  }
  __syncwarp();
}

// What the launch says of itself: 4 words a thread.
extern "C" __global__ void probe_places(u32 *out) {
  u32 block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  u32 thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  u32 *o = out + 4u * (block * (blockDim.x * blockDim.y * blockDim.z) + thread);
  o[0] = threadIdx.x | threadIdx.y << 8 | threadIdx.z << 16;
  o[1] = blockIdx.x | blockIdx.y << 8 | blockIdx.z << 16;
  o[2] = blockDim.x | blockDim.y << 8 | blockDim.z << 16;
  o[3] = gridDim.x | gridDim.y << 8 | gridDim.z << 16;
}

// Writes where it is told to.
extern "C" __global__ void probe_write(u32 *at, u64 offset) { at[offset] = 1u; }

// Reads four floats at once where the array may lie anywhere.
extern "C" __global__ void probe_misaligned(float *out) {
  __shared__ float careless[128];
  careless[threadIdx.x] = (float)threadIdx.x;
  __syncthreads();
  float4 four = ((const float4 *)careless)[threadIdx.x & 15u];
  out[threadIdx.x] = four.x + four.w;
}

// Half of the threads wait for the other half, which waits elsewhere.
extern "C" __global__ void probe_deadlock(u32 *out) {
  if (threadIdx.x < 16u) {
    __syncthreads();
    out[threadIdx.x] = 1u;
  } else {
    __syncthreads();
    out[threadIdx.x] = 2u;
  }
}

// The barrier between write and read is missing: what is read depends on the order of threads.
extern "C" __global__ void probe_race(u32 *out) {
  __shared__ u32 line[64];
  line[threadIdx.x] = threadIdx.x;
  out[threadIdx.x] = line[63u - threadIdx.x];
}
