/* Numbers as text: printf would take more flash than the library. */
#ifndef PRINT_H
#define PRINT_H

#include <stddef.h>
#include <stdint.h>

/* A name, and a number in decimal. */
void print_number(const char *name, uint32_t value);
/* A name, and 32 bits in hexadecimal. */
void print_bits(const char *name, uint32_t value);
/* A name, and a number with two decimals, within 2^24. */
void print_hundredths(const char *name, double value);
/* FNV-1a over the bytes, going on from a hash; HASH_START begins. */
uint32_t hash(uint32_t before, const void *bytes, size_t count);

#define HASH_START 2166136261U

#endif
