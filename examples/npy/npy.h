/* Arrays for numpy. A helper of the examples, no part of rwt. */
#ifndef NPY_H
#define NPY_H

#include <stddef.h>

/* Writes folder/name, row-major. 0, or what errno says. */
int npy_write(const char *folder, const char *name, const float *values, size_t dimensions, const size_t *shape);

#endif
