#include "npy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { HEADER = 118 }; /* with the ten bytes before it a multiple of 64 */

int npy_write(const char *folder, const char *name, const float *values, size_t dimensions, const size_t *shape)
{
    char path[4096], header[HEADER + 1];
    size_t count = 1;
    int length = snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (size_t i = 0; i < dimensions; i++) {
        count *= shape[i];
        if (length < HEADER)
            length += snprintf(header + length, sizeof header - (size_t)length, i ? ", %zu" : "%zu", shape[i]);
    }
    if (length < HEADER)
        length += snprintf(header + length, sizeof header - (size_t)length, dimensions == 1 ? ",), }" : "), }");
    if (length >= HEADER || snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return ENAMETOOLONG;
    memset(header + length, ' ', HEADER - (size_t)length);
    header[HEADER - 1] = '\n';
    errno = 0;
    FILE *file = fopen(path, "wb");
    if (!file)
        return errno;
    const int whole = fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, file) == 10 &&
                      fwrite(header, 1, HEADER, file) == HEADER && fwrite(values, sizeof *values, count, file) == count;
    return (fclose(file) == 0) & whole ? 0 : errno ? errno : EIO;
}
