// What the kernels' header tensor.cuh asks of a build without CUDA.

#pragma once

#include <stddef.h>

// Two numbers as bf16, to nearest even; what is not a number is 0x7fff.
unsigned rwt_host_pack(float low, float high);
// A copy of 16 bytes in the background, of which `size` (0 or 16) are there. Until its group is waited for, what lies at
// the destination is not a number.
void rwt_host_fetch(char *to, const void *from, unsigned size);
void rwt_host_commit();
void rwt_host_wait(unsigned left);
// ldmatrix.m8n8.x4, transposed or not, and mma.m16n8k16.
void rwt_host_matrices(unsigned to[4], const char *row, bool transposed);
void rwt_host_multiply(float sums[4], const unsigned a[4], const unsigned b[2]);

// What block.cpp has for them. All 32 lanes come with 48 bytes; the last of them acts for all; each takes 16 bytes.
typedef char rwt_brought[32][48];
typedef char rwt_taken[32][16];
void rwt_together(const void *mine, size_t bytes, void *result, void (*act)(const rwt_brought &, rwt_taken &));
unsigned rwt_thread();  // its number in the block
// Copies that nobody waited for, forgotten now.
unsigned rwt_host_left();
