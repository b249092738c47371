// The exact denoiser of independent Gaussians, as a kernel of one's own: D = m + v / (v + sigma^2) (x - m).
// data: the means of a picture's elements, then their variances, float each.

extern "C" __global__ void gaussian(const float *x, float *denoised, const double *sigma, const unsigned *level,
                                    unsigned chains, unsigned channels, unsigned height, unsigned width,
                                    const float *data, void *workspace)
{
    const unsigned long long n = (unsigned long long)channels * height * width;
    const unsigned long long i = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    const double mean = data[i], variance = data[n + i];
    const unsigned long long at = blockIdx.y * n + i;
    denoised[at] = (float)(mean + variance / (variance + *sigma * *sigma) * (x[at] - mean));
}
