/* rwt: random walks with Tweedie. The C interface of librwt.
 * SPDX-License-Identifier: MIT OR Apache-2.0
 * Generated from ffi/src; change it there and run: RWT_BLESS=1 cargo test -p rwt-ffi --test header
 *
 * Arrays are dense, row-major float; an image is [channels, height, width]. Noise levels and eta are in the units of
 * the image. A function that can fail returns a status, writes its out-parameters only on success, and leaves a text
 * for rwt_last_error() otherwise. Handles are opaque; a denoiser and an operator can be shared between threads and
 * freed as soon as the samplers that use them are created.
 */

#ifndef RWT_H
#define RWT_H

#include <stddef.h>
#include <stdint.h>

#define RWT_VERSION_MAJOR 0
#define RWT_VERSION_MINOR 1
#define RWT_VERSION_PATCH 0

#ifndef RWT_API
#define RWT_API
#endif
#if defined(__GNUC__)
#define RWT_MUST_USE __attribute__((warn_unused_result))
#else
#define RWT_MUST_USE
#endif

/** RWT_OK or an error of rwt_status_code. */
typedef int32_t rwt_status;

/**
 * Words of an rwt_walk.
 */
#define RWT_WALK_WORDS 32

/**
 * Images of workspace that a walk takes beside x and y.
 */
#define RWT_WALK_IMAGES 2

/**
 * What a status says. Numbers are only ever added.
 */
typedef enum rwt_status_code {
  /**
   * Success.
   */
  RWT_OK = 0,
  /**
   * A pointer is NULL, a number is out of range, or an array has the wrong length.
   */
  RWT_ERR_ARGUMENT = 1,
  /**
   * The caller's array is too short.
   */
  RWT_ERR_CAPACITY = 2,
  /**
   * Not in this build, or an option struct from a newer header that sets what this library does not know.
   */
  RWT_ERR_UNSUPPORTED = 3,
  /**
   * A file cannot be read.
   */
  RWT_ERR_IO = 4,
  /**
   * A model file cannot be used.
   */
  RWT_ERR_MODEL = 5,
  /**
   * The denoiser failed, or its callback returned a status that is not 0.
   */
  RWT_ERR_DENOISER = 6,
  /**
   * NaN or infinity in x or in what the denoiser returned.
   */
  RWT_ERR_NOT_FINITE = 7,
  /**
   * The progress callback or rwt_sampler_cancel stopped the run; what was sampled so far is readable.
   */
  RWT_ERR_CANCELLED = 8,
  /**
   * The sampler is serving another call.
   */
  RWT_ERR_BUSY = 9,
  /**
   * There is no image to read yet.
   */
  RWT_ERR_NO_SAMPLES = 10,
  /**
   * A fault inside the library; please report it.
   */
  RWT_ERR_INTERNAL = 11,
  /**
   * There is not enough memory for images of this size, or for so many chains.
   */
  RWT_ERR_MEMORY = 12,
  /**
   * The operator is not what it says (its adjoint, its norm), or its callback failed.
   */
  RWT_ERR_OPERATOR = 13,
} rwt_status_code;

/**
 * How a posterior is sampled.
 */
typedef enum rwt_method {
  /**
   * Guided look-ahead, 2 levels - 1 evaluations; nothing to tune (the default).
   */
  RWT_METHOD_GLA = 0,
  /**
   * The preconditioned walk, one evaluation a level.
   */
  RWT_METHOD_PRECONDITIONED = 1,
  /**
   * The explicit template of Park et al. 2025, one evaluation a level; wants hundreds of levels.
   */
  RWT_METHOD_TEMPLATE = 2,
} rwt_method;

/**
 * Which sampler a plan is. The formulas are in the documentation of rwt_core::recipes.
 */
typedef enum rwt_recipe {
  /**
   * Second-order multistep, an SDE with churn lambda (the default).
   */
  RWT_RECIPE_MULTISTEP = 0,
  /**
   * DDIM with eta.
   */
  RWT_RECIPE_DDIM = 1,
  /**
   * DDPM with the variance beta.
   */
  RWT_RECIPE_DDPM_LARGE = 2,
  /**
   * DDPM with the variance of the forward posterior.
   */
  RWT_RECIPE_DDPM_SMALL = 3,
  /**
   * Look-ahead with epsilon; two rows a level.
   */
  RWT_RECIPE_LOOK_AHEAD = 4,
  /**
   * The simple rule with epsilon and a linear ramp of temperatures.
   */
  RWT_RECIPE_SIMPLE = 5,
  /**
   * The simple rule with epsilon and the temperature that keeps the marginals.
   */
  RWT_RECIPE_MARGINAL_PRESERVING = 6,
  /**
   * NCSN's annealed Langevin dynamics with epsilon, reference and inner; it takes steps of
   *    epsilon/(2 reference^2) sigma^2, which must be below 2 sigma^2: set epsilon (2e-5 in the paper for 0.01).
   */
  RWT_RECIPE_NCSN = 7,
  /**
   * Reverse-diffusion predictor of the VE-SDE.
   */
  RWT_RECIPE_VE_SDE = 8,
  /**
   * Ancestral predictor of the VE-SDE.
   */
  RWT_RECIPE_VE_ANCESTRAL = 9,
  /**
   * Reverse-diffusion predictor of the VP-SDE.
   */
  RWT_RECIPE_VP_SDE = 10,
  /**
   * Euler steps of the probability flow in sigma^2 (in sigma: DDIM with eta 0).
   */
  RWT_RECIPE_EULER_IN_VARIANCE = 11,
  /**
   * Karras et al. 2022, Euler steps with churn.
   */
  RWT_RECIPE_EDM_EULER = 12,
  /**
   * Karras et al. 2022, Heun's method with churn.
   */
  RWT_RECIPE_EDM_HEUN = 13,
  /**
   * Exponential SDE integrator with churn lambda.
   */
  RWT_RECIPE_EXPONENTIAL = 14,
  /**
   * DPM-Solver++(2M) as published, an SDE with churn lambda.
   */
  RWT_RECIPE_DPM_SOLVER = 15,
  /**
   * DDPM with the variances in list, one for each step, in the scale of the VP process.
   */
  RWT_RECIPE_DDPM_LIST = 16,
  /**
   * The simple rule with epsilon and the temperatures in list, one for each step.
   */
  RWT_RECIPE_SIMPLE_LIST = 17,
  /**
   * The simple rule as in the experiments of Park et al. 2025, quirks included: it starts from N(0, I), has no noise
   *    at the last level and ends there; temperature_last may exceed 1.
   */
  RWT_RECIPE_PAPER = 18,
  /**
   * The forward process: the levels increase from 0 or more.
   */
  RWT_RECIPE_FORWARD = 19,
} rwt_recipe;

/**
 * How noise levels fall.
 */
typedef enum rwt_schedule_kind {
  /**
   * Equal ratios (the default).
   */
  RWT_SCHEDULE_GEOMETRIC = 0,
  /**
   * Equal differences.
   */
  RWT_SCHEDULE_LINEAR = 1,
  /**
   * Karras et al. 2022 with rho.
   */
  RWT_SCHEDULE_KARRAS = 2,
  /**
   * Sigmoid, start 0, end 3, temperature 0.3.
   */
  RWT_SCHEDULE_SIGMOID = 3,
} rwt_schedule_kind;

/**
 * How a variance-preserving process is given.
 */
typedef enum rwt_vp_kind {
  /**
   * beta linear from first to last (DDPM: 1e-4, 0.02).
   */
  RWT_VP_LINEAR = 0,
  /**
   * sqrt(beta) linear from first to last (latent diffusion: 0.00085, 0.012).
   */
  RWT_VP_SCALED_LINEAR = 1,
  /**
   * Squared cosine of Nichol and Dhariwal 2021; first and last have no meaning.
   */
  RWT_VP_COSINE = 2,
} rwt_vp_kind;

/**
 * Which engine runs a network.
 */
typedef enum rwt_engine {
  /**
   * The engine inside this library (the default): chains run in parallel, on one thread each.
   */
  RWT_ENGINE_EMBEDDED = 0,
  /**
   * ONNX Runtime, found when a model is opened: one evaluation at a time, on several threads. With RWT_PROVIDER_CUDA walks
   * stay on the GPU as with RWT_ENGINE_CUDA.
   */
  RWT_ENGINE_ONNX_RUNTIME = 1,
  /**
   * Kernels of our own on an NVIDIA GPU, in f32 or bf16; NVIDIA's driver is found when a model is opened. Posterior samples of
   * missing pixels, periodic blurs and Fourier coefficients of one coil, and samples of the prior, are walked there too,
   * many chains together, without a trip to the host; other walks fetch each evaluation.
   */
  RWT_ENGINE_CUDA = 2,
} rwt_engine;

/**
 * What computes inside ONNX Runtime. Every build of it has the CPU's; the others come in builds of their own.
 */
typedef enum rwt_provider {
  /**
   * ONNX Runtime's own kernels for the CPU (the default).
   */
  RWT_PROVIDER_CPU = 0,
  /**
   * Intel's OpenVINO (the build of `pip install onnxruntime-openvino`).
   */
  RWT_PROVIDER_OPENVINO = 1,
  /**
   * NVIDIA's CUDA (onnxruntime-gpu, which may need the packages of its extras cuda and cudnn beside it), in f32, on the
   * stream of the walk. A cpu_fallback, or a library built without the cuda feature, copies each image instead. Not run
   * on a GPU yet, as the three below.
   */
  RWT_PROVIDER_CUDA = 2,
  /**
   * NVIDIA's TensorRT (onnxruntime-gpu, and TensorRT).
   */
  RWT_PROVIDER_TENSORRT = 3,
  /**
   * Apple's Core ML (the builds for macOS).
   */
  RWT_PROVIDER_COREML = 4,
  /**
   * Microsoft's DirectML (onnxruntime-directml).
   */
  RWT_PROVIDER_DIRECTML = 5,
} rwt_provider;

/**
 * The numbers that an engine may compute with. Fewer bits are faster and less exact: compare before relying on them.
 */
typedef enum rwt_precision {
  /**
   * 32 bits (the default); CUDA without TF32, while TensorRT may use it.
   */
  RWT_PRECISION_F32 = 0,
  /**
   * bfloat16: RWT_ENGINE_CUDA (a GPU of compute capability 8.0 or later; samples and sums stay in 32 bits, and last bits
   * can depend on how many images are evaluated together), OpenVINO and TensorRT.
   */
  RWT_PRECISION_BF16 = 1,
  /**
   * Half precision: OpenVINO, TensorRT and Core ML.
   */
  RWT_PRECISION_F16 = 2,
} rwt_precision;

/**
 * A denoiser; immutable, can be shared between threads and samplers.
 */
typedef struct rwt_denoiser rwt_denoiser;

/**
 * A linear measurement operator; immutable, can be shared between threads and samplers.
 */
typedef struct rwt_operator rwt_operator;

/**
 * A sampler; it serves one call at a time, except rwt_sampler_cancel, which any thread may call at any time.
 */
typedef struct rwt_sampler rwt_sampler;

/**
 * A device as NVIDIA's driver lists it.
 */
typedef struct rwt_cuda_device {
  /**
   * sizeof(rwt_cuda_device).
   */
  size_t struct_size;
  /**
   * Bytes of its memory.
   */
  uint64_t memory;
  /**
   * Compute capability.
   */
  uint32_t capability_major;
  /**
   * See capability_major.
   */
  uint32_t capability_minor;
  /**
   * As its maker calls it; ends with 0.
   */
  char name[128];
} rwt_cuda_device;

/**
 * Metadata that a file lacks, such as {"rwt.time", "sigma"}.
 */
typedef struct rwt_key {
  /**
   * One of the keys that backends/onnx/src/lib.rs lists.
   */
  const char *key;
  /**
   * Its value, as it would stand in the file.
   */
  const char *value;
} rwt_key;

/**
 * Options of rwt_denoiser_open_with; fill with rwt_denoiser_options_init first. Strings are UTF-8.
 */
typedef struct rwt_denoiser_options {
  /**
   * sizeof(rwt_denoiser_options).
   */
  size_t struct_size;
  /**
   * One of rwt_engine.
   */
  int32_t engine;
  /**
   * Threads of an evaluation by ONNX Runtime; 0: one for each core.
   */
  uint32_t threads;
  /**
   * The file of ONNX Runtime's library; NULL: the environment variable ORT_DYLIB_PATH, else the system's, else that of
   * the Python environment which VIRTUAL_ENV or CONDA_PREFIX names. A process uses one.
   */
  const char *library;
  /**
   * One of rwt_provider, for ONNX Runtime.
   */
  int32_t provider;
  /**
   * One of rwt_precision, for ONNX Runtime and RWT_ENGINE_CUDA.
   */
  int32_t precision;
  /**
   * The provider's device; NULL: its first. "CPU", "GPU", "GPU.1", "NPU" for OpenVINO, else a number. For
   * RWT_ENGINE_CUDA and RWT_PROVIDER_CUDA: its number, see rwt_cuda_device_count.
   */
  const char *device;
  /**
   * Not 0: operators that the provider lacks may run on the CPU. With 0 a network that has some is refused.
   */
  uint32_t cpu_fallback;
  /**
   * The most images of an evaluation; 0: a number that suits the provider. The embedded engine takes one.
   */
  uint32_t batch;
  /**
   * The most bytes that an evaluation may take beside the weights: fewer images are evaluated at a time, and a single
   * one that needs more is refused when a sampler is made (rwt_denoiser_tiled). 4 GiB; UINT64_MAX: nothing is counted or refused.
   */
  uint64_t memory;
  /**
   * Metadata that the file lacks. Those that contradict it are an error.
   */
  const struct rwt_key *keys;
  /**
   * How many keys.
   */
  size_t key_count;
  /**
   * Not 0: with RWT_ENGINE_CUDA, large steps are computed by NVIDIA's cuDNN 9 and cuBLASLt where they open, looked for in the
   * folders of the environment variable RWT_CUDA_LIBRARIES, then where the system looks. 0 gives the same bits whether
   * they are there or not.
   */
  uint32_t libraries;
  /**
   * 0.
   */
  uint32_t reserved;
} rwt_denoiser_options;

/**
 * What a denoiser says of itself; fill with rwt_denoiser_info_init or rwt_denoiser_get_info.
 */
typedef struct rwt_denoiser_info {
  /**
   * sizeof(rwt_denoiser_info).
   */
  size_t struct_size;
  /**
   * Channels of an image; 0: any.
   */
  size_t channels;
  /**
   * Smallest value of an image.
   */
  double range_low;
  /**
   * Largest value of an image.
   */
  double range_high;
  /**
   * Smallest noise level that it can be asked for.
   */
  double sigma_min;
  /**
   * Largest noise level that it can be asked for.
   */
  double sigma_max;
  /**
   * Mean of the images that it knows.
   */
  double mean;
  /**
   * Variance of an element of the images that it knows.
   */
  double variance;
  /**
   * The most images (tiles, slices) that a callback takes in one call; a model's own number is not told here.
   */
  size_t batch;
} rwt_denoiser_info;

/**
 * The caller's denoiser: write D(x, sigma), n floats, into denoised. They are one image, or with rwt_denoiser_info.batch
 * above 1 up to that many, one after another. In a denoiser that was made tiled or slicewise, n is that of tiles or slices;
 * an image that is smaller than a tile is a tile as it is. Returns 0, or another status to stop the run.
 * It is called by one thread at a time, maybe not the one that made it; it must not unwind or longjmp.
 */
typedef rwt_status (*rwt_denoise_fn)(void *user, const float *x, size_t n, double sigma, float *denoised);

/**
 * Called once, when nobody needs user any more.
 */
typedef void (*rwt_release_fn)(void *user);

/**
 * How well an image explains what was measured, by rwt_fit. The noise of m measurements has chi^2 of mean m and standard
 * deviation sqrt(2 m); for the truth, and for a posterior sample over pictures and measurements, it is the same.
 */
typedef struct rwt_fit_report {
  /**
   * sizeof(rwt_fit_report).
   */
  size_t struct_size;
  /**
   * m, how many measurements were compared: those with a finite eta.
   */
  size_t measurements;
  /**
   * The sum of ((y_i - (A x)_i) / eta_i)^2.
   */
  double chi2;
  /**
   * sqrt(2 m), the standard deviation of chi^2 for the truth.
   */
  double std;
  /**
   * chi^2 as a standard normal number: far below 0 the image follows the noise of the measurements, far above 0 it
   * does not explain them. Beyond +-4 by chance 6 times in 10^5.
   */
  double z;
  /**
   * The probability of a smaller chi^2 for the truth.
   */
  double probability;
} rwt_fit_report;

/**
 * Whether samples fall into two separate groups, by rwt_modes.
 */
typedef struct rwt_modes_report {
  /**
   * sizeof(rwt_modes_report).
   */
  size_t struct_size;
  /**
   * 1: they fall into two groups, ratio is above critical; 0: nothing says so.
   */
  uint32_t separate;
  /**
   * Samples of the smaller group. 1: one far sample of a long tail can look like a group.
   */
  uint32_t smaller;
  /**
   * The sum of squares between the two groups over that within them, along the direction in which the samples differ
   * most; about w (1 - w) d^2 for two modes of weights w and 1 - w that are d of their own standard deviations apart.
   */
  double ratio;
  /**
   * The ratio that a single mode, even a flat one, exceeds in at most 5 of 100 cases; it depends on the number of
   * samples only. A Gaussian exceeds it in 2.7 % of the cases with 6 samples, 1.5 % with 8, 0.4 % with 16; in
   * antithetic pairs in 10, 7 and 3 %.
   */
  double critical;
  /**
   * Samples whose coordinate is above this are the one group, the others the other.
   */
  double cut;
} rwt_modes_report;

/**
 * The caller's likelihood of m measurements y, given v = A x for an image x: write d ln p(y|v)/dv over v, and into information
 * for each measurement a positive number by which that changes (Fisher's information, the curvature, or an upper bound
 * of it; too large a number makes the walk timid, too small a one lets it overshoot). Returns 0, or another status to stop
 * the run. It is called by one thread at a time, maybe not the one that made it; it must not unwind or longjmp.
 */
typedef rwt_status (*rwt_likelihood_fn)(void *user, const float *y, float *v, float *information, size_t m);

/**
 * What rwt_operator_check found.
 */
typedef struct rwt_operator_report {
  /**
   * sizeof(rwt_operator_report).
   */
  size_t struct_size;
  /**
   * The largest |<A x, y> - <x, A' y>| over (|A x| |y| + |x| |A' y|), for random x and y.
   */
  double adjoint_error;
  /**
   * The norm of A by power iteration.
   */
  double norm;
  /**
   * The bound of the norm that the operator works with.
   */
  double norm_bound;
} rwt_operator_report;

/**
 * One direction of the caller's operator: read n_from floats, write n_to. Returns 0, or another status to stop the run.
 * It is called by one thread at a time, maybe not the one that made it; it must not unwind or longjmp.
 */
typedef rwt_status (*rwt_operator_fn)(void *user, const float *from, size_t n_from, float *to, size_t n_to);

/**
 * Options of rwt_schedule and rwt_plan; fill with rwt_plan_options_init first.
 */
typedef struct rwt_plan_options {
  /**
   * sizeof(rwt_plan_options).
   */
  size_t struct_size;
  /**
   * One of rwt_recipe.
   */
  int32_t recipe;
  /**
   * One of rwt_schedule_kind.
   */
  int32_t schedule;
  /**
   * First noise level.
   */
  double sigma_max;
  /**
   * Last noise level.
   */
  double sigma_min;
  /**
   * Exponent of the Karras levels.
   */
  double rho;
  /**
   * Step size over sigma^2 of the simple rule (all its recipes) and of look-ahead, in (0, 2); NCSN's epsilon.
   */
  double epsilon;
  /**
   * eta of DDIM, in [0, 1].
   */
  double eta;
  /**
   * Churn of the multistep, DPM-Solver and exponential recipes, at least 0; 0 is the ODE.
   */
  double lambda;
  /**
   * First temperature of RWT_RECIPE_SIMPLE and _PAPER (1: Langevin at a fixed level; 1/2: one reverse-SDE step).
   */
  double temperature_first;
  /**
   * Last temperature of RWT_RECIPE_SIMPLE, at most 1, and of _PAPER.
   */
  double temperature_last;
  /**
   * NCSN's reference level; 0: the smallest level.
   */
  double reference;
  /**
   * NCSN's steps at each level.
   */
  uint64_t inner;
  /**
   * Karras' S_churn; 0: deterministic.
   */
  double churn;
  /**
   * Karras' S_tmin.
   */
  double churn_from;
  /**
   * Karras' S_tmax.
   */
  double churn_to;
  /**
   * Karras' S_noise.
   */
  double churn_noise;
  /**
   * Variances or temperatures of the steps, one fewer than the levels; else NULL.
   */
  const double *list;
  /**
   * Elements of list.
   */
  size_t list_count;
} rwt_plan_options;

/**
 * One row of a plan: where the denoiser is evaluated, and the coefficients of
 *
 * x ← x·x + denoised·D(x, sigma) + previous·(the D of the row before) + gradient·∇log p(y | x) + noise·n(draw)
 *
 * Each coefficient is named after what it multiplies. The layout is the same in Rust, C and CUDA.
 */
typedef struct rwt_step {
  /**
   * The noise level at which this row evaluates the denoiser, in the units of x. No meaning if `denoised` is zero.
   */
  double sigma;
  /**
   * Coefficient of x.
   */
  double x;
  /**
   * Coefficient of the denoised image; the denoiser runs in this row if and only if it is not zero.
   */
  double denoised;
  /**
   * Coefficient of the denoised image of the evaluation before.
   */
  double previous;
  /**
   * Coefficient of the gradient of the log-likelihood at x.
   */
  double gradient;
  /**
   * Coefficient of the noise: its standard deviation.
   */
  double noise;
  /**
   * Which draw of noise; rows with the same number use the same noise.
   */
  uint32_t draw;
  /**
   * Zero.
   */
  uint32_t reserved;
} rwt_step;

/**
 * Options of a sampler; fill with rwt_sampler_options_init first.
 */
typedef struct rwt_sampler_options {
  /**
   * sizeof(rwt_sampler_options).
   */
  size_t struct_size;
  /**
   * One of rwt_method. Without an operator the multistep recipe is used, whatever this says.
   */
  int32_t method;
  /**
   * Noise levels; 0: 50 for GLA and without an operator, 200 for the preconditioned walk, 750 for the template.
   */
  uint32_t levels;
  /**
   * Samples to draw, one chain each; chain c has the noise stream c, so rwt_noise with a larger one is independent.
   */
  uint32_t chains;
  /**
   * Threads; 0: one for each core. The samples do not depend on it.
   */
  uint32_t threads;
  /**
   * Seed of all noise. The same seed and chain number are the same noise, in every process: samples of one posterior that
   * are drawn in several processes need chains of their own (first_chain) or a seed each, or they are the same samples; and a measurement that is simulated
   * with rwt_noise needs another seed, or a chain number that no run has, or the samples know its noise.
   */
  uint64_t seed;
  /**
   * Standard deviation of the noise in y, in y's own units; must be set where there is an operator, and be 0 where the
   * operator has a likelihood of its own (rwt_operator_poisson and its like).
   */
  double eta;
  /**
   * First noise level. 0: half as many of the data's standard deviations as the widest gap of the mask has pixels,
   * at least 4; without an operator 40; never beyond the denoiser's range.
   */
  double sigma_max;
  /**
   * Last noise level; 0: a fifth of the standard deviation of y, divided by the operator's norm where that is above 1, within
   * the denoiser's range. Larger, it leaves the samples too wide: see rwt_progress.coarse.
   */
  double sigma_min;
  /**
   * Step size over sigma^2 of the preconditioned walk and the template, in (0, 2); 0: 0.5 and 0.77683.
   */
  double epsilon;
  /**
   * Temperature of the preconditioned walk, first temperature of the template (1: Langevin at a fixed level; 1/2:
   * one reverse-SDE step); below 0: the one that keeps the marginals, and 0.
   */
  double temperature;
  /**
   * The most bytes that a run may take, beside the denoiser's weights and what a callback takes: samples, mean and
   * standard deviation, walks and evaluations. Fewer chains are walked side by side and by fewer threads where that is
   * needed, with the same samples; if one chain alone does not fit, rwt_sampler_create fails with RWT_ERR_MEMORY,
   * and with RWT_ERR_UNSUPPORTED if the denoiser was opened without a limit of its own. 0: no limit.
   */
  uint64_t memory;
  /**
   * Number of the run's first chain: 4 chains from 4 on are the chains 4 to 7 of a run of 8, to the bit, so that a run
   * can be cut over machines. rwt_sampler_sample counts from 0 all the same.
   */
  uint64_t first_chain;
  /**
   * Which samples stay in memory for rwt_sampler_sample: 1: all (the default); k: every k-th, from chain 0 on; 0: none. Mean,
   * standard deviation and quantiles are over all, whatever this says.
   */
  uint32_t keep;
  /**
   * Bins of the histogram of every element that rwt_sampler_quantile reads, 2 bytes each; 0: none (the default). It holds at
   * most 65535 chains.
   */
  uint32_t bins;
  /**
   * Lower end of the histogram; where it equals the upper end, as in the default, the denoiser's range and a quarter of
   * its width on both sides.
   */
  double bins_low;
  /**
   * Upper end of the histogram.
   */
  double bins_high;
  /**
   * How often rwt_sampler_run_in writes where the walks stand, at most.
   */
  uint32_t checkpoint_seconds;
  /**
   * Not 0: chains 2k and 2k + 1 are a pair with the noise of chain k of a run without, the second with the opposite sign. Each
   * sample alone follows the same law, and the mean of all is nearer to the posterior's, as if there were more chains; but
   * samples are not independent (an even number is best), and their standard deviation comes out up to 1/(2 chains) too
   * wide. 0: all chains are independent (the default).
   */
  uint32_t antithetic;
} rwt_sampler_options;

/**
 * How far a run is.
 */
typedef struct rwt_progress {
  /**
   * sizeof(rwt_progress) in the library; read no further.
   */
  size_t struct_size;
  /**
   * Evaluations of the denoiser done, over all chains.
   */
  uint64_t evaluations;
  /**
   * Evaluations of the whole run.
   */
  uint64_t total;
  /**
   * Chains that are finished.
   */
  uint32_t chains_done;
  /**
   * Chains of the run.
   */
  uint32_t chains;
  /**
   * Noise level of this evaluation.
   */
  double sigma;
  /**
   * What the newest solve with the operator left of its equation, relatively: 0 where it has a closed form, about 1 where
   * conjugate gradients got nowhere.
   */
  double solver;
  /**
   * The last noise level over the largest that leaves the likelihood as it is (a fifth of the measurements' standard
   * deviation, seen in the image): above 1 the samples are too wide by what it leaves. 0 without an operator.
   */
  double coarse;
} rwt_progress;

/**
 * Called after every evaluation; non-zero cancels the run. It must not unwind or longjmp.
 */
typedef int32_t (*rwt_progress_fn)(void *user, const struct rwt_progress *progress);

/**
 * What rwt_sampler_check found. The fits are those of rwt_fit, of counts with the root of their
 * rate as standard deviation; the groups those of rwt_modes.
 */
typedef struct rwt_sampler_report {
  /**
   * sizeof(rwt_sampler_report).
   */
  size_t struct_size;
  /**
   * Measurements that the samples were compared with; 0 without an operator.
   */
  size_t measurements;
  /**
   * Samples that were looked at.
   */
  uint32_t chains;
  /**
   * How many samples' z of chi^2 are beyond +-4: by chance next to none.
   */
  uint32_t beyond;
  /**
   * The chain whose z is farthest from 0.
   */
  uint32_t worst_chain;
  /**
   * Do the samples fall into two groups? 1: yes, 0: nothing says so, -1: unknown, for there are fewer than 6 samples, or
   * they are all the same.
   */
  int32_t separate;
  /**
   * Samples of the smaller group, also where separate is 0; 0 where it is -1.
   */
  size_t smaller;
  /**
   * The mean of the samples' chi^2 over the number of measurements: 1 is right. NaN without an operator, as are the next
   * three.
   */
  double chi2_ratio;
  /**
   * The mean of the samples' z of chi^2. Samples of one y share a part of it, so it may be off 0 by about 1; far above
   * 0 they do not explain y (eta too small, the wrong operator or model), far below 0 they fit it too well (eta too
   * large). A wrong eta is seen as far as the prior says something about y: where the data decide alone, samples
   * fit whatever eta was told. With very many measurements a small error is far from 0 too: 10 at 20000 measurements
   * is a chi2_ratio of 1.1.
   */
  double mean_z;
  /**
   * The z that is farthest from 0.
   */
  double worst_z;
  /**
   * The z of the mean of the samples: below that of the samples, for the mean fits better; far above 0 is an error.
   */
  double z_of_mean;
  /**
   * The ratio of the groups, see rwt_modes_report; NaN where it is unknown.
   */
  double ratio;
  /**
   * The ratio above which there are two groups; NaN where it is unknown. Of antithetic chains a pair counts once.
   */
  double critical;
  /**
   * The largest that a solve with the operator left of its equation in the last run, see rwt_progress.
   */
  double solver;
  /**
   * The last noise level over what it should be at most, see rwt_progress.
   */
  double coarse;
} rwt_sampler_report;

/**
 * A walk under way, in the caller's memory: plain data that may be moved, and needs no freeing.
 */
typedef struct rwt_walk {
  /**
   * The library's own.
   */
  uint64_t words[RWT_WALK_WORDS];
} rwt_walk;

/**
 * A walk over an image most of whose pixels are missing; fill with rwt_walk_options_init first, then set at least eta,
 * mask, y, levels and their counts. The arrays must stay as they are until the walk has ended.
 */
typedef struct rwt_walk_options {
  /**
   * sizeof(rwt_walk_options).
   */
  size_t struct_size;
  /**
   * RWT_METHOD_GLA (the default) or RWT_METHOD_PRECONDITIONED.
   */
  int32_t method;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * Standard deviation of the noise in y, in y's own units.
   */
  double eta;
  /**
   * The data's mean, where the walk starts.
   */
  double mean;
  /**
   * The data's variance per element.
   */
  double variance;
  /**
   * Step size over sigma^2 of the preconditioned walk, in (0, 2).
   */
  double epsilon;
  /**
   * Temperature of the preconditioned walk, at most 1; below 0: the one that keeps the marginals.
   */
  double temperature;
  /**
   * Seed of all noise.
   */
  uint64_t seed;
  /**
   * The chain's number: chain c of a run of rwt_sampler_run with the same seed has the same noise; of an antithetic run
   * it is chain 2^63 + c.
   */
  uint64_t chain;
  /**
   * pixels bytes, not 0 where the pixel was measured, the same ones for every channel.
   */
  const uint8_t *mask;
  /**
   * The measurement, [channels, pixels]; what it holds at missing pixels is not read.
   */
  const float *y;
  /**
   * Noise levels that decrease, as of rwt_schedule; the last about eta/5.
   */
  const double *levels;
  /**
   * Pixels of a channel.
   */
  size_t pixels;
  /**
   * Channels.
   */
  size_t channels;
  /**
   * How many levels, at least 2.
   */
  size_t level_count;
  /**
   * 0, or the levels that are done: what rwt_walk_level said when x was what it is now.
   */
  size_t level;
} rwt_walk_options;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The operator that first applies `before`, then `after` to what that measured: after's images have as many elements as
 * before's measurements.
 * The operators are live handles; `out` points to a pointer.
 */
RWT_API
rwt_status rwt_operator_compose(const struct rwt_operator *after,
                                const struct rwt_operator *before,
                                struct rwt_operator **out);

/**
 * Two measurements of the same image, the second behind the first.
 * The operators are live handles; `out` points to a pointer.
 */
RWT_API
rwt_status rwt_operator_stack(const struct rwt_operator *first,
                              const struct rwt_operator *second,
                              struct rwt_operator **out);

/**
 * The operator times a number, which is finite and not 0.
 * `operator` is a live handle; `out` points to a pointer.
 */
RWT_API rwt_status rwt_operator_scale(const struct rwt_operator *operator_, float factor, struct rwt_operator **out);

/**
 * Operators side by side: the first sees the image's first channels, the next those behind, and so on, and their
 * measurements lie one behind the other. All see the same height and width; the image has as many channels as they have
 * together. A handle may be given several times: an operator for one channel, three times, is one for a picture of three.
 * `operators` points to count live handles; `out` points to a pointer.
 */
RWT_API
rwt_status rwt_operator_blocks(const struct rwt_operator *const *operators,
                               size_t count,
                               struct rwt_operator **out);

/**
 * The operator with a weight for each of its measurements, diag(w) A: with w = eta / eta_i for measurements whose noise has
 * the standard deviation eta_i, y multiplied by the weights and eta in the sampler's options, the posterior is the right
 * one. 0 leaves a measurement out. The weights, m = rwt_operator_measurement_len floats, are copied; the operator may be
 * freed afterwards.
 * `operator` is a live handle, `weights` points to m floats; `out` points to a pointer.
 */
RWT_API
rwt_status rwt_operator_weighted(const struct rwt_operator *operator_,
                                 const float *weights,
                                 size_t m,
                                 struct rwt_operator **out);

/**
 * How many devices NVIDIA's driver has, written into *count; 0 without one that it shows. RWT_ERR_UNSUPPORTED with the reason
 * where there is no driver, an older one, or a library built without the cuda feature: computing on the CPU works all the same.
 * `count` points to a number.
 */
RWT_API
rwt_status rwt_cuda_device_count(uint32_t *count);

/**
 * What the driver says of a device, from 0, written into *device; size is sizeof *device. RWT_ERR_ARGUMENT for a device that
 * there is not; RWT_ERR_UNSUPPORTED as rwt_cuda_device_count.
 * `device` points to `size` writable bytes.
 */
RWT_API
rwt_status rwt_cuda_get_device(uint32_t index,
                               struct rwt_cuda_device *device,
                               size_t size);

/**
 * Open a denoiser from an ONNX file with rwt.* metadata, on the embedded engine. RWT_ERR_IO if the file cannot be
 * read, RWT_ERR_MODEL with the reason if it cannot be used, RWT_ERR_MEMORY if already a small image is above the budget.
 * Where the file declares rwt.symmetry square, a sampler
 * shows the network each level turned or mirrored at random, which averages its errors out. Free with
 * rwt_denoiser_free.
 * `path` is a string that ends with 0; `out` points to a pointer.
 */
RWT_API
rwt_status rwt_denoiser_open(const char *path,
                             struct rwt_denoiser **out);

/**
 * The same with options; NULL: the defaults. RWT_ERR_UNSUPPORTED with the reason if ONNX Runtime is chosen and none can
 * be used, if it lacks the provider, or if there is no such GPU: there is no silent fall-back.
 * `path` is a string that ends with 0, `options` NULL or initialised, its pointers NULL or as they are documented; `out`
 * points to a pointer.
 */
RWT_API
rwt_status rwt_denoiser_open_with(const char *path,
                                  const struct rwt_denoiser_options *options,
                                  struct rwt_denoiser **out);

/**
 * What the denoiser says of itself, written into *info; size is sizeof *info.
 * `denoiser` is a live handle; `info` points to `size` writable bytes.
 */
RWT_API
rwt_status rwt_denoiser_get_info(const struct rwt_denoiser *denoiser,
                                 struct rwt_denoiser_info *info,
                                 size_t size);

/**
 * The engine in use with its version and provider, such as "ONNX Runtime 1.31.1, CPU", or "callback"; "" for NULL. Valid
 * until the denoiser is freed.
 * `denoiser` is NULL or a live handle.
 */
RWT_API
const char *rwt_denoiser_engine(const struct rwt_denoiser *denoiser);

/**
 * Free a denoiser; NULL is allowed. Samplers that use it go on.
 * `denoiser` is NULL or a live handle, which is dead afterwards.
 */
RWT_API void rwt_denoiser_free(struct rwt_denoiser *denoiser);

/**
 * A denoiser that calls the caller's function. info says what it knows; NULL: the defaults. release (may be NULL) is
 * called with user exactly once: when the denoiser and every sampler that uses it are freed; never if this call
 * fails.
 * `info` is NULL or was initialised; `denoise` keeps its contract for as long as the denoiser lives; `out` points to
 * a pointer.
 */
RWT_API
rwt_status rwt_denoiser_from_callback(const struct rwt_denoiser_info *info,
                                      rwt_denoise_fn denoise,
                                      void *user,
                                      rwt_release_fn release,
                                      struct rwt_denoiser **out);

/**
 * Write the defaults into *info; size is sizeof *info.
 * `info` points to `size` writable bytes.
 */
RWT_API rwt_status rwt_denoiser_info_init(struct rwt_denoiser_info *info, size_t size);

/**
 * Write the defaults into *options; size is sizeof *options.
 * `options` points to `size` writable bytes.
 */
RWT_API rwt_status rwt_denoiser_options_init(struct rwt_denoiser_options *options, size_t size);

/**
 * A denoiser of large images that shows the given one overlapping tiles of tile_height x tile_width, or of the image where
 * that is smaller. At a border between tiles the outer quarter of the overlap (in pixels, at most half a tile's side) is left
 * out and the rest is blended. 32 to 64 suit the shipped model; 0 makes seams. Tiles agree best with the whole image if
 * their sides, less the overlap, are multiples of the network's cells (rwt.multiple of its file). All tiles of a chain are
 * shown in the same symmetry. An evaluation takes the memory of one tile for each chain side by side; to progress and
 * cancelling all tiles are one evaluation. The given denoiser stays as it is; each is freed by itself. RWT_ERR_ARGUMENT
 * if it is tiled already.
 * `denoiser` is a live handle; `out` points to a pointer.
 */
RWT_API
rwt_status rwt_denoiser_tiled(const struct rwt_denoiser *denoiser,
                              size_t tile_height,
                              size_t tile_width,
                              size_t overlap,
                              struct rwt_denoiser **out);

/**
 * A denoiser of volumes that shows the given one slice by slice. A volume of depth d is an image of d x channels planes,
 * slice after slice, where channels are the given denoiser's own; its info says 0 channels, as any depth is right. All
 * slices of a chain are shown in the same symmetry. The prior of slices is one for each: what they have in common is for
 * the measurement to say. Tiles of slices are the same as slices of tiles. The given denoiser stays as it is; each is freed by
 * itself. RWT_ERR_ARGUMENT if it is slicewise already, or does not say how many channels it knows.
 * `denoiser` is a live handle; `out` points to a pointer.
 */
RWT_API
rwt_status rwt_denoiser_slicewise(const struct rwt_denoiser *denoiser,
                                  struct rwt_denoiser **out);

/**
 * Split R-hat of a number that was kept of several draws of each chain (a pixel, a norm, ...): near 1 if the chains agree,
 * each with itself and all with one another; do not trust them above 1.01. draws is [chains, draws_per_chain], at least
 * 4 draws a chain, finite and not all the same. *out is infinity if no chain moves, but they differ. The samplers of this
 * library draw one independent sample a chain: there is nothing to compare then; this is for chains that you keep
 * running with rwt_update. Source: Vehtari et al., Bayesian Analysis 16 (2021) 667, without ranks and folding.
 * `draws` points to chains * draws_per_chain doubles, `out` to one.
 */
RWT_API
rwt_status rwt_split_rhat(const double *draws,
                          size_t chains,
                          size_t draws_per_chain,
                          double *out);

/**
 * The effective sample size of such a number for its mean: how many independent draws would know the mean as well.
 * draws is [chains, draws_per_chain], at least 10 draws a chain, finite and not all the same. It takes about (number of
 * draws) * (lags until the correlation is gone) operations. Source: Vehtari et al. as above, section 3.2.
 * `draws` points to chains * draws_per_chain doubles, `out` to one.
 */
RWT_API rwt_status rwt_ess(const double *draws, size_t chains, size_t draws_per_chain, double *out);

/**
 * Compare the measurements y with applied = A x (rwt_operator_apply), m floats each. eta is the standard deviation of the
 * noise in y. etas, NULL or m floats, are those of each measurement instead, INFINITY where nothing was measured: y and A x
 * may hold anything there. size is sizeof *report. A single posterior sample is to be judged by its z; the mean of several
 * fits better than the truth does, which is no error.
 * `y`, `applied` and, unless NULL, `etas` point to m floats; `report` points to `size` writable bytes.
 */
RWT_API
rwt_status rwt_fit(const float *y,
                   const float *applied,
                   size_t m,
                   double eta,
                   const float *etas,
                   struct rwt_fit_report *report,
                   size_t size);

/**
 * Do samples, [chains, n], one of each chain, fall into two separate groups? At least 6 chains, better 16 or more; finite,
 * and not all the same. coordinates, NULL or one double for each chain, receives each sample's place along the direction in
 * which they differ most, in the units of the samples, its mean 0, its sign without meaning. size is sizeof *report. It
 * takes about chains^2 n / 2 operations and chains^2 doubles of memory. Not found are modes that are nearer to one
 * another than the samples spread in another direction. Two modes being there does not say that their weights are
 * right. Source: Engelman and Hartigan, JASA 64 (1969) 1647.
 * `samples` points to chains * n floats, `coordinates` is NULL or points to as many doubles as there are chains, `report`
 * points to `size` writable bytes.
 */
RWT_API
rwt_status rwt_modes(const float *samples,
                     size_t chains,
                     size_t n,
                     double *coordinates,
                     struct rwt_modes_report *report,
                     size_t size);

/**
 * D(x, sigma) of an image [channels, height, width], n = channels * height * width floats, into as many of denoised. x must be
 * finite and sigma within the denoiser's range. The image is shown as it is, in no other symmetry. Any thread may call
 * this at any time; those that share a callback wait for each other. Each call sets the denoiser up anew: to walk by
 * yourself over many levels this costs a little, a sampler does it once.
 * `denoiser` is a live handle; `x` and `denoised` point to n floats each and do not overlap.
 */
RWT_API
rwt_status rwt_denoiser_evaluate(const struct rwt_denoiser *denoiser,
                                 const float *x,
                                 size_t n,
                                 size_t channels,
                                 size_t height,
                                 size_t width,
                                 double sigma,
                                 float *denoised);

/**
 * The operator that keeps the pixels where mask[height * width] is not 0, the same ones for every channel. Its
 * measurement has the layout of the image; what it holds at missing pixels is ignored. mask is copied.
 * `mask` points to height * width bytes; `out` points to a pointer.
 */
RWT_API
rwt_status rwt_operator_mask(const uint8_t *mask,
                             size_t channels,
                             size_t height,
                             size_t width,
                             struct rwt_operator **out);

/**
 * The operator, measured in counts: y ~ Poisson(gain (A x) + background), as in microscopy, emission tomography or low light.
 * background has one element for all measurements or one for each (count is 1 or m), not negative: what is counted
 * where A x is 0; for images on [-1, 1] that includes gain (A 1). Images that can be must have positive rates. A sampler
 * of it takes eta = 0. The array is copied; the operator may be freed afterwards.
 * `operator` is a live handle; `background` points to count floats; `out` points to a pointer.
 */
RWT_API
rwt_status rwt_operator_poisson(const struct rwt_operator *operator_,
                                double gain,
                                const float *background,
                                size_t count,
                                struct rwt_operator **out);

/**
 * The operator, measured in counts behind an absorber: y ~ Poisson(blank exp(-A x) + background), as in tomography by X-rays;
 * A x is a line integral of the attenuation, without unit. blank is what is counted without an absorber, above 0;
 * background what is counted whatever it is, not negative; each has one element for all measurements or one for each (their
 * counts are 1 or m). For images on [-1, 1] of an attenuation c (x + 1), scale the operator by c (rwt_operator_scale) and
 * blank by exp(-c (A 1)). A sampler of it takes eta = 0. The arrays are copied; the operator may be freed afterwards.
 * `operator` is a live handle; the arrays point to so many floats; `out` points to a pointer.
 */
RWT_API
rwt_status rwt_operator_transmission(const struct rwt_operator *operator_,
                                     const float *blank,
                                     size_t blank_count,
                                     const float *background,
                                     size_t background_count,
                                     struct rwt_operator **out);

/**
 * The operator with a likelihood of the caller's. information is about the largest that the function writes: the last noise
 * level is small against what it stands for. A sampler of it takes eta = 0. With a mask that keeps all, the likelihood
 * is one of the image itself. release (may be NULL) is called with user exactly once: when the operator and every sampler
 * that uses it are freed; never if this call fails.
 * `operator` is a live handle; `likelihood` keeps its contract for as long as the operator lives; `out` points to a
 * pointer.
 */
RWT_API
rwt_status rwt_operator_likelihood(const struct rwt_operator *operator_,
                                   rwt_likelihood_fn likelihood,
                                   double information,
                                   void *user,
                                   rwt_release_fn release,
                                   struct rwt_operator **out);

/**
 * Test an operator on random arrays: that its adjoint is one, that the norm is what it says, that all is finite.
 * RWT_ERR_OPERATOR with what is wrong. report may be NULL; size is sizeof *report.
 * `operator` is a live handle; `report` is NULL or points to `size` writable bytes.
 */
RWT_API
rwt_status rwt_operator_check(const struct rwt_operator *operator_,
                              struct rwt_operator_report *report,
                              size_t size);

/**
 * The elements of a measurement; 0 for NULL.
 * `operator` is NULL or a live handle.
 */
RWT_API size_t rwt_operator_measurement_len(const struct rwt_operator *operator_);

/**
 * y = A x: x has n elements, those of an image, y has m, those of a measurement.
 * `operator` is a live handle; `x` points to n floats, `y` to m that nobody else touches.
 */
RWT_API
rwt_status rwt_operator_apply(const struct rwt_operator *operator_,
                              const float *x,
                              size_t n,
                              float *y,
                              size_t m);

/**
 * x = A' y, the adjoint.
 * `operator` is a live handle; `y` points to m floats, `x` to n that nobody else touches.
 */
RWT_API
rwt_status rwt_operator_adjoint(const struct rwt_operator *operator_,
                                const float *y,
                                size_t m,
                                float *x,
                                size_t n);

/**
 * Free an operator; NULL is allowed. Samplers that use it go on.
 * `operator` is NULL or a live handle, which is dead afterwards.
 */
RWT_API void rwt_operator_free(struct rwt_operator *operator_);

/**
 * An operator that calls the caller's functions, for images of channels x height x width and measurements of m
 * elements. norm is an upper bound of the largest singular value; 0: it is measured here, by power iteration. Unless
 * trusted is not 0, it is tested here as rwt_operator_check does; RWT_ERR_OPERATOR with what is wrong. release (may be
 * NULL) is called with user exactly once: when the operator and every sampler that uses it are freed; never if this call
 * fails.
 * The functions keep their contract for as long as the operator lives; `out` points to a pointer.
 */
RWT_API
rwt_status rwt_operator_from_callbacks(size_t channels,
                                       size_t height,
                                       size_t width,
                                       size_t m,
                                       double norm,
                                       rwt_operator_fn apply,
                                       rwt_operator_fn adjoint,
                                       uint32_t trusted,
                                       void *user,
                                       rwt_release_fn release,
                                       struct rwt_operator **out);

/**
 * Means of blocks of factor x factor pixels; the measurement is [channels, height / factor, width / factor]. Height and
 * width must be multiples of the factor.
 * `out` points to a pointer.
 */
RWT_API
rwt_status rwt_operator_average(size_t channels,
                                size_t height,
                                size_t width,
                                size_t factor,
                                struct rwt_operator **out);

/**
 * Bicubic downsampling with antialiasing, as image libraries do it (Pillow's numbers); the measurement is [channels,
 * height / factor, width / factor]. Height and width must be multiples of the factor.
 * `out` points to a pointer.
 */
RWT_API
rwt_status rwt_operator_bicubic(size_t channels,
                                size_t height,
                                size_t width,
                                size_t factor,
                                struct rwt_operator **out);

/**
 * A convolution of every channel by a kernel [kernel_height, kernel_width], both odd, whose middle is the pixel itself;
 * the measurement has the image's shape. periodic 0: outside of the image are zeros; else what leaves on one side comes
 * in on the other, which has a closed form and is faster. The kernel is copied.
 * `kernel` points to kernel_height * kernel_width floats; `out` points to a pointer.
 */
RWT_API
rwt_status rwt_operator_blur(size_t channels,
                             size_t height,
                             size_t width,
                             const float *kernel,
                             size_t kernel_height,
                             size_t kernel_width,
                             uint32_t periodic,
                             struct rwt_operator **out);

/**
 * Unitary Fourier coefficients of a complex image, [2, height, width] with the real part first, where
 * mask[height * width] is not 0: magnetic resonance imaging on a grid. The measurement is [coils, 2, height, width], zero
 * where nothing was measured, with the frequency zero at row 0, column 0; eta is the noise of the real and of the
 * imaginary part each: where a complex normal noise is told by its variance E|e|^2, that is split over the parts and is
 * 2 eta^2. sensitivities is [coils, 2, height, width], or NULL for one coil (then coils is 1), which has a
 * closed form. Both are copied.
 * `mask` points to height * width bytes, `sensitivities` is NULL or points to its floats; `out` points to a pointer.
 */
RWT_API
rwt_status rwt_operator_fourier(size_t height,
                                size_t width,
                                const uint8_t *mask,
                                const float *sensitivities,
                                size_t coils,
                                struct rwt_operator **out);

/**
 * A real image, [1, height, width], as a complex one, [2, height, width] with the real part first: multiplied by
 * exp(i phase), as the image of a magnetic resonance scan is before the correction of its phase. phase[height * width] is
 * in radians and copied; NULL for 0 everywhere. Composed with rwt_operator_fourier, the scan of a real image.
 * `phase` is NULL or points to height * width floats; `out` points to a pointer.
 */
RWT_API
rwt_status rwt_operator_phase(size_t height,
                              size_t width,
                              const float *phase,
                              struct rwt_operator **out);

/**
 * Line integrals: tomography with parallel beams at `count` angles in radians; the measurement is [channels, count,
 * bins]. Bins are a pixel wide; a pixel at (x, y) from the image's middle, y down, falls on x cos + y sin from the
 * detector's middle. The angles are copied.
 * `angles` points to `count` doubles; `out` points to a pointer.
 */
RWT_API
rwt_status rwt_operator_radon(size_t channels,
                              size_t height,
                              size_t width,
                              const double *angles,
                              size_t count,
                              size_t bins,
                              struct rwt_operator **out);

/**
 * A matrix [rows, channels * height * width], which is copied.
 * `matrix` points to its floats; `out` points to a pointer.
 */
RWT_API
rwt_status rwt_operator_dense(const float *matrix,
                              size_t rows,
                              size_t channels,
                              size_t height,
                              size_t width,
                              struct rwt_operator **out);

/**
 * A matrix in compressed rows: starts has rows + 1 elements, the first is 0; the values and columns of a row lie from its
 * start up to the next. Everything is copied.
 * `starts` points to rows + 1 numbers, `columns` and `values` to as many as its last says; `out` points to a pointer.
 */
RWT_API
rwt_status rwt_operator_sparse(const size_t *starts,
                               const uint32_t *columns,
                               const float *values,
                               size_t rows,
                               size_t channels,
                               size_t height,
                               size_t width,
                               struct rwt_operator **out);

/**
 * Write n >= 2 decreasing noise levels into levels. options may be NULL: the defaults. A library without std may have
 * written levels that are too close to one another when it says so.
 * `options` is NULL or was initialised; `levels` points to n doubles.
 */
RWT_API rwt_status rwt_schedule(const struct rwt_plan_options *options, double *levels, size_t n);

/**
 * Write the rows of a plan over n decreasing levels (increasing for RWT_RECIPE_FORWARD) into steps, and how many into *count. With steps NULL and
 * capacity 0 only *count is written. options may be NULL: the defaults. RWT_ERR_CAPACITY if steps is too short; then
 * too only *count is written.
 * `options` is NULL or was initialised; `levels` points to n doubles, `steps` to `capacity` rows, `count` to a size_t.
 */
RWT_API
rwt_status rwt_plan(const struct rwt_plan_options *options,
                    const double *levels,
                    size_t n,
                    struct rwt_step *steps,
                    size_t capacity,
                    size_t *count);

/**
 * x <- step.x x + step.denoised denoised + step.previous previous + step.gradient gradient + step.noise n, in one
 * pass over the n elements of one chain; n is standard normal noise given by (seed, chain, step.draw). A term whose
 * coefficient is 0 is not read: its array may be NULL.
 * `step` points to a row; `x` and every array whose coefficient is not 0 point to n floats; `x` overlaps none of them.
 */
RWT_API
rwt_status rwt_update(const struct rwt_step *step,
                      uint64_t seed,
                      uint64_t chain,
                      size_t n,
                      float *x,
                      const float *denoised,
                      const float *previous,
                      const float *gradient);

/**
 * Write n elements of standard normal noise, draw number draw of (seed, chain), into out. A sampler's chain c uses the draws
 * 0, 1, ... of (its seed, c), and so does rwt_update: to simulate a measurement take another seed, or a chain number
 * beyond all chains such as UINT32_MAX, or the samples know the noise. Of a plan's rows only those with the same draw share
 * their noise. Chains from 2^63 on are antithetic: 2^63 + c has the noise of chain c of an antithetic run.
 * `out` points to n floats.
 */
RWT_API
rwt_status rwt_noise(uint64_t seed,
                     uint64_t chain,
                     uint32_t draw,
                     size_t n,
                     float *out);

/**
 * Write the defaults into *options; size is sizeof *options.
 * `options` points to `size` writable bytes.
 */
RWT_API rwt_status rwt_plan_options_init(struct rwt_plan_options *options, size_t size);

/**
 * Print a plan of count rows into out as text that ends with 0: a table to read, or comma-separated values if csv is
 * not 0. sigmas is a network's training table of n increasing levels, for a column with the network's times; NULL and 0:
 * no such column. *needed (may be NULL) is the size of the text with its 0, also for RWT_ERR_CAPACITY, when out holds
 * the text's beginning; out may be NULL with capacity 0 to ask for the size.
 * `steps` points to `count` rows, `sigmas` to `n` doubles, `out` to `capacity` bytes, `needed` to a size_t.
 */
RWT_API
rwt_status rwt_plan_print(const struct rwt_step *steps,
                          size_t count,
                          const double *sigmas,
                          size_t n,
                          int32_t csv,
                          char *out,
                          size_t capacity,
                          size_t *needed);

/**
 * A sampler for images of channels x height x width. operator NULL: samples of the prior, without a measurement.
 * options NULL: the defaults. Everything is checked here, the budget of memory too (RWT_ERR_MEMORY); the denoiser and the
 * operator may be freed afterwards.
 * The handles are live; `options` is NULL or was initialised; `out` points to a pointer.
 */
RWT_API
rwt_status rwt_sampler_create(const struct rwt_denoiser *denoiser,
                              const struct rwt_operator *operator_,
                              const struct rwt_sampler_options *options,
                              size_t channels,
                              size_t height,
                              size_t width,
                              struct rwt_sampler **out);

/**
 * Draw all chains. y is the measurement, n = rwt_operator_measurement_len floats, finite wherever it was measured; without an operator y is NULL and n is 0. progress may be NULL; it is called after every
 * evaluation, by one thread at a time and maybe not the caller's, and cancels by returning non-zero.
 * RWT_ERR_CANCELLED: each chain that had begun has its newest denoised image as its sample.
 *
 * No method here gives well separated narrow modes their right weights: several chains show that there are such modes
 * (rwt_sampler_check), but the share of the chains in each is not its probability.
 * `sampler` is a live handle; `y` points to n floats; `progress` keeps its contract.
 */
RWT_API
rwt_status rwt_sampler_run(const struct rwt_sampler *sampler,
                           const float *y,
                           size_t n,
                           rwt_progress_fn progress,
                           void *user);

/**
 * The same in a folder, which is made if it is not there: every sample is written there when it is finished, as
 * sample-NNNNNNNN.npy by its chain's number (numpy's format, [channels, height, width], float32), and on cancelling and every
 * checkpoint_seconds where each unfinished walk stands. What the folder has is not drawn again, so an interrupted run
 * goes on where it stood, and one of more chains goes on with those that are missing: to the bit as if it had not been
 * interrupted, if the engine itself gives the same bits again (on a CPU they do; another kind of machine may not). Walks
 * without an operator begin anew. Several processes may use the folder at a time, each for chains of its own (first_chain).
 *
 * RWT_ERR_ARGUMENT if the folder is of another run (run.txt in it says of which), RWT_ERR_IO if it cannot be used. Cancelling
 * takes effect after at most two evaluations, when the walks stand between two levels. The denoiser is asked once more
 * than needed, to tell whether it is the same.
 * As rwt_sampler_run; `folder` is a string that ends with 0.
 */
RWT_API
rwt_status rwt_sampler_run_in(const struct rwt_sampler *sampler,
                              const char *folder,
                              const float *y,
                              size_t n,
                              rwt_progress_fn progress,
                              void *user);

/**
 * Cancel the run under way, if any: it returns RWT_ERR_CANCELLED within one evaluation, in a
 * folder within two. Any thread may call this.
 * `sampler` is a live handle.
 */
RWT_API rwt_status rwt_sampler_cancel(const struct rwt_sampler *sampler);

/**
 * Free a sampler; NULL is allowed. No call of it may be under way.
 * `sampler` is NULL or a live handle, which is dead afterwards.
 */
RWT_API void rwt_sampler_free(struct rwt_sampler *sampler);

/**
 * Write the defaults into *options; size is sizeof *options.
 * `options` points to `size` writable bytes.
 */
RWT_API rwt_status rwt_sampler_options_init(struct rwt_sampler_options *options, size_t size);

/**
 * Look at the samples of the last run: do they explain what was measured as well as they should, and do they fall into two
 * groups? size is sizeof *report. Unfinished samples of a cancelled run are looked at too, and will not fit. No z and
 * no group tells whether the weights of separate modes are right. It applies the operator once to each sample and
 * needs memory for a picture and two measurements.
 * `sampler` is a live handle; `report` points to `size` writable bytes.
 */
RWT_API
rwt_status rwt_sampler_check(const struct rwt_sampler *sampler,
                             struct rwt_sampler_report *report,
                             size_t size);

/**
 * How many chains have begun: all after a whole run. After a cancelled one they are the first ones by number, except in a
 * folder, where later ones may have been finished before. 0 while the sampler is busy.
 * `sampler` is NULL or a live handle.
 */
RWT_API
uint32_t rwt_sampler_started(const struct rwt_sampler *sampler);

/**
 * How many chains were finished; after a cancelled run with several threads not always the first ones. 0 while the sampler is busy.
 * `sampler` is NULL or a live handle.
 */
RWT_API
uint32_t rwt_sampler_finished(const struct rwt_sampler *sampler);

/**
 * The sample of one chain, n floats in [channels, height, width]; RWT_ERR_ARGUMENT for one that is not kept.
 * `sampler` is a live handle; `out` points to n floats.
 */
RWT_API rwt_status rwt_sampler_sample(const struct rwt_sampler *sampler, uint32_t chain, float *out, size_t n);

/**
 * The mean over the samples: the estimate with the least expected squared error. After a cancelled run it is over the
 * finished chains, or over those that had begun if none was finished.
 * `sampler` is a live handle; `out` points to n floats.
 */
RWT_API rwt_status rwt_sampler_mean(const struct rwt_sampler *sampler, float *out, size_t n);

/**
 * The standard deviation over the samples that the mean is over, element by element: how sure it is. 0 for one sample.
 * `sampler` is a live handle; `out` points to n floats.
 */
RWT_API rwt_status rwt_sampler_std(const struct rwt_sampler *sampler, float *out, size_t n);

/**
 * The quantile of every element over the samples, from a histogram (rwt_sampler_options.bins): half of them lie below the
 * quantile of probability 0.5. It is right to a bin's width; -infinity where it is below the histogram, infinity above.
 * RWT_ERR_ARGUMENT if bins is 0 or probability not in [0, 1].
 * `sampler` is a live handle; `out` points to n floats.
 */
RWT_API
rwt_status rwt_sampler_quantile(const struct rwt_sampler *sampler,
                                double probability,
                                float *out,
                                size_t n);

/**
 * The peak signal-to-noise ratio of two images of n floats in dB; range is the width of the data range. NaN if
 * an argument cannot be used; infinity for equal images.
 * `a` and `b` point to n floats.
 */
RWT_API double rwt_psnr(const float *a, const float *b, size_t n, double range);

/**
 * The text of the last error in this thread; "" if there was none. Never NULL; valid until the next call of this
 * library in this thread. In a library without std: a fixed text for the status of the last error.
 */
RWT_API const char *rwt_last_error(void);

/**
 * The library's version, for instance "0.1.0".
 */
RWT_API const char *rwt_version_string(void);

/**
 * The library's version as major · 1000000 + minor · 1000 + patch.
 */
RWT_API uint32_t rwt_version(void);

/**
 * Write the n increasing noise levels sigma_t = sqrt((1 - alpha_bar_t)/alpha_bar_t), t = 0 .. n - 1, that a network of
 * a variance-preserving process was trained on. kind is one of rwt_vp_kind.
 * `sigmas` points to n doubles.
 */
RWT_API rwt_status rwt_vp_table(int32_t kind, double first, double last, double *sigmas, size_t n);

/**
 * The same for explicit values: n betas, or, if are_alpha_bars is not 0, n decreasing alpha_bars.
 * `values` and `sigmas` point to n doubles each and do not overlap.
 */
RWT_API rwt_status rwt_vp_table_of(const double *values, int32_t are_alpha_bars, double *sigmas, size_t n);

/**
 * The fractional time of a noise level on a network's training table of n increasing levels, linear in ln sigma, into
 * *time. Outside the table: RWT_ERR_ARGUMENT, or the nearest end if clamp is not 0.
 * `sigmas` points to n doubles, `time` to a double.
 */
RWT_API rwt_status rwt_table_time(const double *sigmas, size_t n, double sigma, int32_t clamp, double *time);

/**
 * Write count >= 2 decreasing levels at equal steps of time, from the table's last level to its first.
 * `sigmas` points to n doubles, `levels` to `count` doubles that do not overlap them.
 */
RWT_API rwt_status rwt_table_levels(const double *sigmas, size_t n, double *levels, size_t count);

/**
 * For a network that takes integer times only: move the *count decreasing levels to the table's nearest, drop those that
 * meet, and write how many are left into *count. Outside the table as in rwt_table_time.
 * `sigmas` points to n doubles, `count` to a size_t, `levels` to *count doubles; none of them overlap.
 */
RWT_API
rwt_status rwt_table_snap(const double *sigmas,
                          size_t n,
                          int32_t clamp,
                          double *levels,
                          size_t *count);

/**
 * Bytes of an rwt_walk as this library knows it; sizeof(rwt_walk) as the header knows it.
 */
RWT_API size_t rwt_walk_size(void);

/**
 * Begin a walk that makes x a posterior sample of an image with missing pixels, to the bit the one of rwt_sampler_run with
 * the same numbers; its arrays are the caller's, and its denoiser is run by the caller:
 *
 *     status = rwt_walk_begin(&walk, &options, n, x, RWT_WALK_IMAGES * n, workspace);
 *     while (!status && !(status = rwt_walk_request(&walk, &sigma, &denoised)) && denoised) {
 *         ... write D(x, sigma) into denoised[n], from a network, a chip, another processor ...
 *         status = rwt_walk_advance(&walk);
 *     }
 *
 * n must be channels * pixels. x holds what stood there if options.level is not 0, else anything; the workspace anything.
 * What options points to, x and the workspace must stay where they are until the walk has ended.
 * `walk` points to an rwt_walk; `options` was initialised, and its arrays have the lengths that it tells; `x` points to n
 * floats, `workspace` to `workspace_len`; nothing overlaps.
 */
RWT_API
rwt_status rwt_walk_begin(struct rwt_walk *walk,
                          const struct rwt_walk_options *options,
                          size_t n,
                          float *x,
                          size_t workspace_len,
                          float *workspace);

/**
 * Where to evaluate the denoiser next: write D(x, *sigma) of the walk's x into the n floats at *denoised, then call
 * rwt_walk_advance. *denoised is NULL when the walk has ended, and x is the sample. Asked again, it says the same.
 * `walk` points to an rwt_walk, `sigma` to a double, `denoised` to a pointer.
 */
RWT_API rwt_status rwt_walk_request(struct rwt_walk *walk, double *sigma, float **denoised);

/**
 * Take in the denoised image that was asked for; nothing, if none was. RWT_ERR_NOT_FINITE if NaN or infinity is in it.
 * `walk` points to an rwt_walk.
 */
RWT_API rwt_status rwt_walk_advance(struct rwt_walk *walk);

/**
 * Write the levels that are done into *level if the walk stands between two levels, which it can after rwt_walk_advance,
 * else SIZE_MAX. A walk that begins with this level and the x of now goes on with the same bits.
 * `walk` points to an rwt_walk, `level` to a size_t.
 */
RWT_API
rwt_status rwt_walk_level(struct rwt_walk *walk,
                          size_t *level);

/**
 * Write the defaults into *options; size is sizeof *options.
 * `options` points to `size` writable bytes.
 */
RWT_API rwt_status rwt_walk_options_init(struct rwt_walk_options *options, size_t size);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* RWT_H */
