// Products of matrices by a warp as the PTX ISA defines them, and copies in the background.

#include "cuda.hpp"

#include <deque>

namespace {

struct Copy {
  char *to;
  const void *from;
  unsigned size, group;
};

struct Copies {
  std::deque<Copy> pending;
  unsigned groups;  // committed
};

Copies copies[1024];
unsigned under_way;

unsigned short bf16(float value) {
  if (value != value) return 0x7fff;
  unsigned bits = __float_as_uint(value);
  return (unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// Element `at` of a register pair by pair.
float element(const unsigned *registers, unsigned at) {
  return __uint_as_float(registers[at / 2] >> 16 * (at % 2) << 16);
}

struct Fragments {
  float c[4];
  unsigned a[4], b[2];
};

// PTX ISA, "Matrix fragments for mma.m16n8k16 with floating point type". Products are added to c in the order of k.
void multiply(const rwt_brought &brought, rwt_taken &taken) {
  float a[16][16], b[16][8], d[16][8];
  for (unsigned lane = 0; lane < 32; lane++) {
    const Fragments &of = *(const Fragments *)brought[lane];
    const unsigned group = lane >> 2, in_group = lane % 4;
    for (unsigned i = 0; i < 8; i++) {
      const bool is_upper = i < 2 || (4 <= i && i < 6);
      a[is_upper ? group : group + 8][in_group * 2 + (i & 1) + (i < 4 ? 0 : 8)] = element(of.a, i);
    }
    for (unsigned i = 0; i < 4; i++) {
      b[in_group * 2 + (i & 1) + (i < 2 ? 0 : 8)][group] = element(of.b, i);
      d[i < 2 ? group : group + 8][in_group * 2 + (i & 1)] = of.c[i];
    }
  }
  for (unsigned row = 0; row < 16; row++) {
    for (unsigned k = 0; k < 16; k++) {
      for (unsigned column = 0; column < 8; column++) d[row][column] += a[row][k] * b[k][column];
    }
  }
  for (unsigned lane = 0; lane < 32; lane++) {
    for (unsigned i = 0; i < 4; i++) {
      const float value = d[i < 2 ? lane / 4 : lane / 4 + 8][lane % 4 * 2 + (i & 1)];
      memcpy(taken[lane] + 4 * i, &value, 4);
    }
  }
}

// PTX ISA, ldmatrix: lanes 8 m to 8 m + 7 say where the rows of matrix m are; register m of lane l is of its row l / 4,
// or of its column if transposed.
template <bool TRANSPOSED> void matrices(const rwt_brought &brought, rwt_taken &taken) {
  for (unsigned m = 0; m < 4; m++) {
    unsigned short matrix[8][8];
    for (unsigned row = 0; row < 8; row++) memcpy(matrix[row], *(const char *const *)brought[8 * m + row], 16);
    for (unsigned lane = 0; lane < 32; lane++) {
      const unsigned row = lane / 4, column = lane % 4 * 2;
      const unsigned short first = TRANSPOSED ? matrix[column][row] : matrix[row][column];
      const unsigned short second = TRANSPOSED ? matrix[column + 1][row] : matrix[row][column + 1];
      const unsigned pair = (unsigned)second << 16 | first;
      memcpy(taken[lane] + 4 * m, &pair, 4);
    }
  }
}

}  // namespace

unsigned rwt_host_pack(float low, float high) { return (unsigned)bf16(high) << 16 | bf16(low); }

void rwt_host_fetch(char *to, const void *from, unsigned size) {
  if (((uintptr_t)to | (uintptr_t)from) % 16) rwt_wrong("a copy of 16 bytes is not aligned", rwt_thread() % 32);
  Copies &mine = copies[rwt_thread()];
  memset(to, 0xff, 16);
  mine.pending.push_back({to, from, size, mine.groups});
  under_way++;
}

void rwt_host_commit() { copies[rwt_thread()].groups++; }

void rwt_host_wait(unsigned left) {
  Copies &mine = copies[rwt_thread()];
  while (!mine.pending.empty() && mine.pending.front().group + left < mine.groups) {
    const Copy &copy = mine.pending.front();
    memset(copy.to, 0, 16);
    if (copy.size) memcpy(copy.to, copy.from, copy.size);
    mine.pending.pop_front();
    under_way--;
  }
}

unsigned rwt_host_left() {
  const unsigned left = under_way;
  for (Copies &mine : copies) {
    if (left) mine.pending.clear();
    mine.groups = 0;
  }
  under_way = 0;
  return left;
}

void rwt_host_matrices(unsigned to[4], const char *row, bool transposed) {
  if ((uintptr_t)row % 16) rwt_wrong("a matrix's row is not aligned", rwt_thread() % 32);
  rwt_together(&row, sizeof row, to, transposed ? matrices<true> : matrices<false>);
}

void rwt_host_multiply(float sums[4], const unsigned a[4], const unsigned b[2]) {
  Fragments mine;
  memcpy(mine.c, sums, sizeof mine.c);
  memcpy(mine.a, a, sizeof mine.a);
  memcpy(mine.b, b, sizeof mine.b);
  rwt_together(&mine, sizeof mine, sums, multiply);
}
