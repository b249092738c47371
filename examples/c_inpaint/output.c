#define _XOPEN_SOURCE 700 /* mkdir */

#include "c_inpaint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "picture.h"

#define GAP 4 /* pixels between a panel's images */
#define RGB 3

size_t frame_size(const frame *f)
{
    return f->channels * f->height * f->width;
}

void make_folder(const char *path)
{
    char *part = allocate(strlen(path) + 1, 1);
    for (size_t i = 0; i <= strlen(path); i++) {
        if (i > 0 && (path[i] == '/' || path[i] == '\0') && mkdir(part, 0777) != 0 && errno != EEXIST)
            fail("the folder %s: %s; give another with --out FOLDER", part, strerror(errno));
        part[i] = path[i];
    }
    struct stat found;
    if (stat(path, &found) != 0 || !S_ISDIR(found.st_mode))
        fail("%s is no folder; give another with --out FOLDER", path);
    free(part);
}

void write_image(const options *o, const char *name, const frame *f, image i)
{
    const size_t length = strlen(o->out) + strlen(name) + 2;
    char *path = allocate(length, 1);
    snprintf(path, length, "%s/%s", o->out, name);
    if (picture_write(path, i.pixels, i.channels, f->height, f->width, f->low, f->high) != PICTURE_OK)
        fail("%s", picture_last_error());
    free(path);
}

void write_panel(const options *o, const char *name, const frame *f, const image *images, size_t count)
{
    const frame panel = {RGB, f->height, count * (f->width + GAP) - GAP, f->low, f->high};
    float *pixels = allocate(frame_size(&panel), sizeof *pixels);
    for (size_t i = 0; i < frame_size(&panel); i++)
        pixels[i] = f->high;
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < RGB; c++)
            for (size_t row = 0; row < f->height; row++) {
                const size_t from = (images[i].channels == RGB ? c : 0) * f->height + row;
                const size_t to = c * f->height + row;
                memcpy(pixels + to * panel.width + i * (f->width + GAP), images[i].pixels + from * f->width,
                       f->width * sizeof *pixels);
            }
    write_image(o, name, &panel, (image){pixels, RGB});
    free(pixels);
}
