/* Restore a picture of 32 x 32 most of whose pixels are missing, without a heap and an operating system.
 *
 * Memory: x, y and the workspace of two images are the four images; the walk, its options, levels and the mask are the rest.
 */
#include <math.h>

#include "board.h"
#include "denoiser.h"
#include "print.h"
#include "rwt.h"

enum { LEVELS = 24, SEED = 7 };

static const double ETA = 0.02, RANGE = 2;

static float x[PIXELS], y[PIXELS], workspace[RWT_WALK_IMAGES * PIXELS];
static uint8_t mask[PIXELS];
static double levels[LEVELS];
static rwt_walk walk;
static uint64_t denoising; /* instructions */

/* The true picture: soft spots. */
static float picture(size_t i)
{
    static const float SPOTS[4][4] = {{8, 9, 30, 0.9F}, {22, 20, 50, -0.8F}, {6, 25, 20, -0.6F}, {27, 6, 40, 0.7F}};
    const float row = (float)(i / SIDE), column = (float)(i % SIDE);
    float sum = 0;
    for (size_t s = 0; s < 4; s++) {
        const float down = row - SPOTS[s][0], right = column - SPOTS[s][1];
        const float falls = SPOTS[s][2] / (SPOTS[s][2] + down * down + right * right);
        sum += SPOTS[s][3] * falls * falls;
    }
    return sum;
}

/* Three pixels of ten, with noise that no chain of the seed has. */
static rwt_status measure(void)
{
    const rwt_status status = rwt_noise(SEED, UINT32_MAX, 0, PIXELS, y);
    uint32_t state = 1;
    for (size_t i = 0; i < PIXELS; i++) {
        state = state * 1664525U + 1013904223U;
        mask[i] = (state >> 16) % 10 < 3;
        y[i] = mask[i] ? picture(i) + (float)ETA * y[i] : 0;
    }
    return status;
}

/* In dB over the range; of 32 x 32 floats. */
static double psnr(const float *image)
{
    double squares = 0;
    for (size_t i = 0; i < PIXELS; i++) {
        const double error = (double)image[i] - (double)picture(i);
        squares += error * error;
    }
    return 10 * log10(RANGE * RANGE * PIXELS / squares);
}

/* The options are copied: their stack is free again when the walk goes on. */
__attribute__((noinline)) static rwt_status begin(void)
{
    rwt_plan_options plan;
    rwt_status status = rwt_plan_options_init(&plan, sizeof plan);
    plan.sigma_max = 4;
    plan.sigma_min = ETA / 5;
    if (!status)
        status = rwt_schedule(&plan, levels, LEVELS);
    rwt_walk_options options;
    if (!status)
        status = rwt_walk_options_init(&options, sizeof options);
    if (status)
        return status;
    options.eta = ETA;
    options.variance = gaussian_field_variance();
    options.seed = SEED;
    options.mask = mask;
    options.y = y;
    options.levels = levels;
    options.pixels = PIXELS;
    options.level_count = LEVELS;
    return rwt_walk_begin(&walk, &options, PIXELS, x, RWT_WALK_IMAGES * PIXELS, workspace);
}

/* The library asks, the caller runs its denoiser. */
static rwt_status restore(denoiser denoise)
{
    rwt_status status = begin();
    while (!status) {
        double sigma;
        float *denoised;
        status = rwt_walk_request(&walk, &sigma, &denoised);
        if (status || !denoised)
            break;
        const uint64_t start = board_instructions();
        status = denoise(x, sigma, denoised) ? RWT_ERR_DENOISER : RWT_OK;
        denoising += board_instructions() - start;
        if (!status)
            status = rwt_walk_advance(&walk);
    }
    return status;
}

static void print_image(const float *image)
{
    for (size_t i = 0; i < PIXELS; i++) {
        const union {
            float number;
            uint32_t bits;
        } pixel = {image[i]};
        print_bits("pixel", pixel.bits);
    }
}

int main(void)
{
    rwt_status status = measure();
    const double before = psnr(y);
    board_paint();
    const uint64_t start = board_instructions();
    if (!status)
        status = restore(gaussian_field);
    const uint64_t instructions = board_instructions() - start;
    const uint32_t stack = board_stack();
    if (status) {
        board_print(rwt_last_error());
        print_number("\nstatus", (uint32_t)status);
        return 1;
    }
    print_hundredths("psnr_before", before);
    print_hundredths("psnr_after", psnr(x));
    print_bits("measurement", hash(HASH_START, y, sizeof y));
    print_bits("levels", hash(HASH_START, levels, sizeof levels));
    print_bits("image", hash(HASH_START, x, sizeof x));
    print_number("instructions", (uint32_t)instructions);
    print_number("of_the_denoiser", (uint32_t)denoising);
    print_number("stack", stack);
    print_image(x);
    return 0;
}
