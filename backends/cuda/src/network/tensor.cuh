// What has no other name than in PTX: products of small matrices by a warp, and copies that go on in the background.
// Without a compiler of CUDA, the functions of the same meaning that rwt_host_... name are those of the build's header.
#ifndef RWT_NETWORK_TENSOR
#define RWT_NETWORK_TENSOR
#include "../portable.cuh"

typedef unsigned short u16;

#ifdef __CUDACC__
typedef u32 Shared; // an address in shared memory, in bytes

inline __device__ Shared half_shared(const void *pointer)
{
    return (u32)__cvta_generic_to_shared(pointer);
}

// Two numbers as bf16, rounded to nearest even; the first in the lower half.
inline __device__ u32 half_pack(float low, float high)
{
    u32 packed;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
    return packed;
}

// 16 bytes into shared memory, or zeros; done after half_wait of its group. Both addresses are multiples of 16.
inline __device__ void half_fetch(Shared to, const void *from, bool is_there)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(is_there ? 16 : 0) : "memory");
}

inline __device__ void half_commit() // what this thread fetched since the last is a group
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}

template <u32 LEFT> inline __device__ void half_wait() // until at most LEFT of this thread's groups are under way
{
    asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory");
}

// Four 8 x 8 matrices of 16 bits: lane l says where row l % 8 of matrix l / 8 lies, 16 bytes; of each matrix it gets the
// elements 2 (l % 4) and the next of row l / 4.
inline __device__ void half_matrices(u32 to[4], Shared row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(row)
                 : "memory");
}

inline __device__ void half_matrices_transposed(u32 to[4], Shared row) // of each matrix's transpose
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(row)
                 : "memory");
}

// sums += a b, of 16 x 16 and 16 x 8. Lane l, g = l / 4, t = l % 4, has of the sums (g, 2t), (g, 2t + 1), (g + 8, 2t),
// (g + 8, 2t + 1); of a in pairs (g, 2t), (g + 8, 2t), (g, 2t + 8), (g + 8, 2t + 8) and the next column; of b in pairs
// (2t, g), (2t + 8, g) and the next row.
inline __device__ void half_multiply(float sums[4], const u32 a[4], const u32 b[2])
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#else
typedef char *Shared;

inline Shared half_shared(void *pointer)
{
    return (Shared)pointer;
}

inline u32 half_pack(float low, float high)
{
    return rwt_host_pack(low, high);
}

inline void half_fetch(Shared to, const void *from, bool is_there)
{
    rwt_host_fetch(to, from, is_there ? 16 : 0);
}

inline void half_commit()
{
    rwt_host_commit();
}

template <u32 LEFT> inline void half_wait()
{
    rwt_host_wait(LEFT);
}

inline void half_matrices(u32 to[4], Shared row)
{
    rwt_host_matrices(to, row, false);
}

inline void half_matrices_transposed(u32 to[4], Shared row)
{
    rwt_host_matrices(to, row, true);
}

inline void half_multiply(float sums[4], const u32 a[4], const u32 b[2])
{
    rwt_host_multiply(sums, a, b);
}
#endif
#endif
