// A row of a plan: core's Step, whose twin this is.
#pragma once
#include "portable.cuh"

struct rwt_row {
    double sigma, x, denoised, previous, gradient, noise;
    u32 draw, reserved;
};
