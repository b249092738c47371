// Integers of a fixed width, as the device and the host's compilers have them.
#ifndef RWT_PORTABLE
#define RWT_PORTABLE

typedef unsigned char u8;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;

#endif
