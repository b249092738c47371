/* Restore a picture of 32 x 32 most of whose pixels are missing, without a heap and an operating system: a sample of
 * the posterior by guided look-ahead, then one estimate by the preconditioned walk without noise.
 *
 * Memory: x, y and the workspace of two images are the four images; the walk, its options, levels and the mask are the
 * rest. The denoiser has its own.
 */
#include "board.h"
#include "denoiser.h"
#include "picture.h"
#include "print.h"
#include "rwt.h"

enum { LEVELS = 32, SEED = 7 };

static const double ETA = 0.02;

static float x[PIXELS], y[PIXELS], workspace[RWT_WALK_IMAGES * PIXELS];
static uint8_t mask[PIXELS];
static double levels[LEVELS];
static rwt_walk walk;
static uint32_t denoising; /* ticks */

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

/* The options are copied: their stack is free again when the walk goes on. */
__attribute__((noinline)) static rwt_status begin(int32_t method)
{
    rwt_walk_options options;
    const rwt_status status = rwt_walk_options_init(&options, sizeof options);
    if (status)
        return status;
    options.method = method;
    options.epsilon = 1; /* of the preconditioned walk, as the next: each step ends at the mean of what is known */
    options.temperature = 0;
    options.eta = ETA;
    options.variance = small_network_variance();
    options.seed = SEED;
    options.mask = mask;
    options.y = y;
    options.levels = levels;
    options.pixels = PIXELS;
    options.level_count = LEVELS;
    return rwt_walk_begin(&walk, &options, PIXELS, x, RWT_WALK_IMAGES * PIXELS, workspace);
}

/* The library asks, the caller runs its denoiser. */
static rwt_status restore(int32_t method, denoiser denoise)
{
    rwt_status status = begin(method);
    while (!status) {
        double sigma;
        float *denoised;
        status = rwt_walk_request(&walk, &sigma, &denoised);
        if (status || !denoised)
            break;
        const uint32_t start = board_ticks();
        status = denoise(x, sigma, denoised) ? RWT_ERR_DENOISER : RWT_OK;
        denoising += board_ticks() - start;
        if (!status)
            status = rwt_walk_advance(&walk);
    }
    return status;
}

__attribute__((noinline)) static rwt_status set_levels(void)
{
    rwt_plan_options plan;
    const rwt_status status = rwt_plan_options_init(&plan, sizeof plan);
    plan.sigma_max = 2;
    plan.sigma_min = ETA / 2;
    return status ? status : rwt_schedule(&plan, levels, LEVELS);
}

static void print_image(const char *name, const float *image)
{
    for (size_t i = 0; i < PIXELS; i++) {
        const union {
            float number;
            uint32_t bits;
        } pixel = {image[i]};
        print_bits(name, pixel.bits);
    }
}

int main(void)
{
    const double error = small_network_error(x, workspace);
    rwt_status status = measure();
    const double before = picture_psnr(y);
    board_paint();
    const uint32_t start = board_ticks();
    if (!status)
        status = set_levels();
    if (!status)
        status = restore(RWT_METHOD_GLA, small_network);
    const double sampled = picture_psnr(x);
    const uint32_t sample = hash(HASH_START, x, sizeof x);
    if (!status)
        status = restore(RWT_METHOD_PRECONDITIONED, small_network);
    const uint32_t ticks = board_ticks() - start;
    const uint32_t stack = board_stack();
    if (status) {
        board_print(rwt_last_error());
        print_number("\nstatus", (uint32_t)status);
        return 1;
    }
    print_number("millionths_from_pytorch", (uint32_t)(error * 1e6));
    print_hundredths("psnr_before", before);
    print_hundredths("psnr_of_a_sample", sampled);
    print_hundredths("psnr_after", picture_psnr(x));
    print_bits("measurement", hash(HASH_START, y, sizeof y));
    print_bits("levels", hash(HASH_START, levels, sizeof levels));
    print_bits("sample", sample);
    print_bits("image", hash(HASH_START, x, sizeof x));
    print_number("ticks", ticks);
    print_number("of_the_denoiser", denoising);
    print_number("stack", stack);
    print_image("measured", y);
    print_image("pixel", x);
    return 0;
}
