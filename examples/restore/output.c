/* Reading the picture, and what is written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npy.h"
#include "picture.h"
#include "restore.h"

enum { GAP = 4 };

float *read_truth(const options *o, const rwt_denoiser_info *info, size_t *side)
{
    picture file;
    if (info->channels != CHANNELS)
        fail("the model knows images of %zu channels; this program shows it coloured pictures", info->channels);
    if (picture_read(o->picture, (float)info->range_low, (float)info->range_high, &file) != PICTURE_OK ||
        picture_square(&file, o->size) != PICTURE_OK)
        fail("the picture: %s", picture_last_error());
    *side = file.height / FACTOR * FACTOR;
    if (*side == 0)
        fail("the picture is smaller than %d x %d", FACTOR, FACTOR);
    float *truth = floats(CHANNELS * *side * *side);
    for (size_t plane = 0; plane < CHANNELS; plane++)
        for (size_t row = 0; row < *side; row++)
            memcpy(truth + (plane * *side + row) * *side, file.pixels + (plane * file.height + row) * file.width,
                   *side * sizeof *truth);
    picture_free(&file);
    return truth;
}

static void write_npy(const options *o, const char *name, const float *values, size_t count)
{
    const int error = npy_write(o->out, name, values, 1, &count);
    if (error)
        fail("%s/%s: %s", o->out, name, strerror(error));
}

void write_arrays(const options *o, const measurement *measured, float *const images[PANEL], size_t side)
{
    const size_t n = CHANNELS * side * side;
    write_npy(o, "truth.npy", images[0], n);
    write_npy(o, "measurement.npy", measured->y, measured->m);
    write_npy(o, "mean.npy", images[4], n);
    write_npy(o, "std.npy", images[5], n);
}

void write_panel(const options *o, float *const images[PANEL], size_t side)
{
    const size_t width = PANEL * (side + GAP) - GAP;
    float *panel = floats(CHANNELS * side * width);
    char path[4096];
    for (size_t i = 0; i < CHANNELS * side * width; i++)
        panel[i] = 1;
    for (size_t k = 0; k < PANEL; k++)
        for (size_t row = 0; row < CHANNELS * side; row++)
            memcpy(panel + row * width + k * (side + GAP), images[k] + row * side, side * sizeof *panel);
    snprintf(path, sizeof path, "%s/panel.png", o->out);
    if (picture_write(path, panel, CHANNELS, side, width, -1, 1) != PICTURE_OK)
        fail("%s", picture_last_error());
    free(panel);
}
