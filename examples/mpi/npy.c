#include "mpi_inpaint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void write_npy(const char *folder, const char *name, const frame *f, const float *values)
{
    const size_t length = strlen(folder) + strlen(name) + 2, n = frame_size(f);
    char *path = allocate(length, 1), header[118];
    snprintf(path, length, "%s/%s", folder, name);
    memset(header, ' ', sizeof header);
    const int written =
        snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu, %zu), }",
                 f->channels, f->height, f->width);
    header[written] = ' ';
    header[sizeof header - 1] = '\n';
    FILE *file = fopen(path, "wb");
    if (!file || fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, file) != 10 ||
        fwrite(header, 1, sizeof header, file) != sizeof header || fwrite(values, sizeof *values, n, file) != n ||
        fclose(file) != 0)
        fail("%s: %s", path, strerror(errno));
    free(path);
}
