/* What was measured: simulated from a picture that is known, or a damaged picture and its mask. */
#define _XOPEN_SOURCE 700

#include "c_inpaint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "picture.h"

/* The samples' chains use the random streams 0, 1, 2, ...; the simulated measurement another. */
#define MEASUREMENT_STREAM (UINT32_MAX - 1)
enum { NOISE_DRAW, MASK_DRAW };

static float *read_picture(const options *o, const rwt_denoiser_info *info, frame *f);
static uint8_t *read_mask(const options *o, const frame *f);
static uint8_t *random_mask(const options *o, size_t n);

measurement measure(const options *o, const rwt_denoiser_info *info)
{
    measurement m = {.truth = NULL};
    m.y = read_picture(o, info, &m.f);
    const size_t n = frame_size(&m.f), plane = m.f.height * m.f.width;
    if (o->mask) {
        m.mask = read_mask(o, &m.f);
    } else {
        m.mask = random_mask(o, plane);
        m.truth = m.y;
        m.y = allocate(n, sizeof *m.y);
        check(rwt_noise(o->seed, MEASUREMENT_STREAM, NOISE_DRAW, n, m.y), "the noise");
        const float eta = (float)o->noise * (m.f.high - m.f.low) / 2;
        for (size_t i = 0; i < n; i++)
            m.y[i] = m.truth[i] + eta * m.y[i];
    }
    for (size_t i = 0; i < n; i++)
        if (!m.mask[i % plane])
            m.y[i] = m.f.low; /* for the eye; the library ignores missing pixels */
    write_image(o, "measured.png", &m.f, (image){m.y, m.f.channels});
    return m;
}

/* Exactly round(missing * n) pixels, those with the smallest of n random numbers. */
typedef struct ranked {
    float value;
    size_t pixel;
} ranked;

static int by_value(const void *left, const void *right)
{
    const ranked *a = left, *b = right;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return a->pixel < b->pixel ? -1 : a->pixel > b->pixel;
}

static uint8_t *random_mask(const options *o, size_t n)
{
    float *values = allocate(n, sizeof *values);
    check(rwt_noise(o->seed, MEASUREMENT_STREAM, MASK_DRAW, n, values), "the mask's random numbers");
    ranked *order = allocate(n, sizeof *order);
    for (size_t i = 0; i < n; i++)
        order[i] = (ranked){values[i], i};
    qsort(order, n, sizeof *order, by_value);
    uint8_t *mask = allocate(n, sizeof *mask);
    const size_t missing = (size_t)llround(o->missing * (double)n);
    for (size_t i = 0; i < n; i++)
        mask[order[i].pixel] = i >= missing;
    free(order);
    free(values);
    return mask;
}

static uint8_t *read_mask(const options *o, const frame *f)
{
    picture_mask file;
    if (picture_mask_read(o->mask, &file) != PICTURE_OK)
        fail("the mask: %s", picture_last_error());
    if (file.height != f->height || file.width != f->width)
        fail("the mask has %zu x %zu pixels and the picture %zu x %zu; give a mask of the picture's size", file.width,
             file.height, f->width, f->height);
    uint8_t *mask = allocate(file.height * file.width, sizeof *mask);
    memcpy(mask, file.measured, file.height * file.width);
    picture_mask_free(&file);
    return mask;
}

/* The picture in the denoiser's channels and range. A simulation cuts it to a small square. */
static float *read_picture(const options *o, const rwt_denoiser_info *info, frame *f)
{
    picture file;
    const float low = (float)info->range_low, high = (float)info->range_high;
    if (picture_read(o->picture, low, high, &file) != PICTURE_OK ||
        (!o->mask && picture_square(&file, o->size) != PICTURE_OK))
        fail("the picture: %s", picture_last_error());
    const size_t channels = info->channels ? info->channels : file.channels; /* 0: any */
    if (channels != file.channels && !(channels == 1 && file.was_grey))
        fail("the model wants pictures of %zu channel(s) and this one is %s; give another with --model FILE", channels,
             file.was_grey ? "grey" : "coloured");
    *f = (frame){channels, file.height, file.width, low, high};
    float *pixels = allocate(frame_size(f), sizeof *pixels);
    memcpy(pixels, file.pixels, frame_size(f) * sizeof *pixels); /* all planes, or the first of equal ones */
    picture_free(&file);
    return pixels;
}
