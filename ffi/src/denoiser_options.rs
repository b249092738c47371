//! Opening a model file: on which engine, and what it says of itself.

use crate::denoiser::Shared;
#[cfg(feature = "onnx")]
use crate::denoiser_info::rwt_denoiser_info;
use crate::options::{self, SizedStruct, text};
use crate::status::{Failure, guard, rwt_status, rwt_status_code::*};
use std::ffi::c_char;

/// Which engine runs a network.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum rwt_engine {
    /** The engine inside this library (the default): chains run in parallel, on one thread each. */
    RWT_ENGINE_EMBEDDED = 0,
    /** ONNX Runtime, found when a model is opened: one evaluation at a time, on several threads. With RWT_PROVIDER_CUDA walks
     * stay on the GPU as with RWT_ENGINE_CUDA. */
    RWT_ENGINE_ONNX_RUNTIME = 1,
    /** Kernels of our own on an NVIDIA GPU, in f32 or bf16; NVIDIA's driver is found when a model is opened. Posterior samples of
     * missing pixels, periodic blurs and Fourier coefficients of one coil, and samples of the prior, are walked there too,
     * many chains together, without a trip to the host; other walks fetch each evaluation. */
    RWT_ENGINE_CUDA = 2,
}

/// What computes inside ONNX Runtime. Every build of it has the CPU's; the others come in builds of their own.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum rwt_provider {
    /** ONNX Runtime's own kernels for the CPU (the default). */
    RWT_PROVIDER_CPU = 0,
    /** Intel's OpenVINO (the build of `pip install onnxruntime-openvino`). */
    RWT_PROVIDER_OPENVINO = 1,
    /** NVIDIA's CUDA (onnxruntime-gpu, which may need the packages of its extras cuda and cudnn beside it), in f32, on the
     * stream of the walk. A cpu_fallback, or a library built without the cuda feature, copies each image instead. Not run
     * on a GPU yet, as the three below. */
    RWT_PROVIDER_CUDA = 2,
    /** NVIDIA's TensorRT (onnxruntime-gpu, and TensorRT). */
    RWT_PROVIDER_TENSORRT = 3,
    /** Apple's Core ML (the builds for macOS). */
    RWT_PROVIDER_COREML = 4,
    /** Microsoft's DirectML (onnxruntime-directml). */
    RWT_PROVIDER_DIRECTML = 5,
}

/// The numbers that an engine may compute with. Fewer bits are faster and less exact: compare before relying on them.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum rwt_precision {
    /** 32 bits (the default); CUDA without TF32, while TensorRT may use it. */
    RWT_PRECISION_F32 = 0,
    /** bfloat16: RWT_ENGINE_CUDA (a GPU of compute capability 8.0 or later; samples and sums stay in 32 bits, and last bits
     * can depend on how many images are evaluated together), OpenVINO and TensorRT. */
    RWT_PRECISION_BF16 = 1,
    /** Half precision: OpenVINO, TensorRT and Core ML. */
    RWT_PRECISION_F16 = 2,
}

/// Metadata that a file lacks, such as {"rwt.time", "sigma"}.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rwt_key {
    /** One of the keys that backends/onnx/src/lib.rs lists. */
    pub key: *const c_char,
    /** Its value, as it would stand in the file. */
    pub value: *const c_char,
}

/// Options of rwt_denoiser_open_with; fill with rwt_denoiser_options_init first. Strings are UTF-8.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rwt_denoiser_options {
    /** sizeof(rwt_denoiser_options). */
    pub struct_size: usize,
    /** One of rwt_engine. */
    pub engine: i32,
    /** Threads of an evaluation by ONNX Runtime; 0: one for each core. */
    pub threads: u32,
    /** The file of ONNX Runtime's library; NULL: the environment variable ORT_DYLIB_PATH, else the system's, else that of
     * the Python environment which VIRTUAL_ENV or CONDA_PREFIX names. A process uses one. */
    pub library: *const c_char,
    /** One of rwt_provider, for ONNX Runtime. */
    pub provider: i32,
    /** One of rwt_precision, for ONNX Runtime and RWT_ENGINE_CUDA. */
    pub precision: i32,
    /** The provider's device; NULL: its first. "CPU", "GPU", "GPU.1", "NPU" for OpenVINO, else a number. For
     * RWT_ENGINE_CUDA and RWT_PROVIDER_CUDA: its number, see rwt_cuda_device_count. */
    pub device: *const c_char,
    /** Not 0: operators that the provider lacks may run on the CPU. With 0 a network that has some is refused. */
    pub cpu_fallback: u32,
    /** The most images of an evaluation; 0: a number that suits the provider. The embedded engine takes one. */
    pub batch: u32,
    /** The most bytes that an evaluation may take beside the weights: fewer images are evaluated at a time, and a single
     * one that needs more is refused when a sampler is made (rwt_denoiser_tiled). 4 GiB; UINT64_MAX: nothing is counted or refused. */
    pub memory: u64,
    /** Metadata that the file lacks. Those that contradict it are an error. */
    pub keys: *const rwt_key,
    /** How many keys. */
    pub key_count: usize,
    /** Not 0: with RWT_ENGINE_CUDA, large steps are computed by NVIDIA's cuDNN 9 and cuBLASLt where they open, looked for in the
     * folders of the environment variable RWT_CUDA_LIBRARIES, then where the system looks. 0 gives the same bits whether
     * they are there or not. */
    pub libraries: u32,
    /** 0. */
    pub reserved: u32,
}

// SAFETY: repr(C), numbers and pointers; numbers of 4 bytes stand in pairs: no padding on 64-bit targets.
unsafe impl SizedStruct for rwt_denoiser_options {
    fn defaults() -> Self {
        Self {
            struct_size: size_of::<Self>(),
            engine: rwt_engine::RWT_ENGINE_EMBEDDED as i32,
            threads: 0,
            library: std::ptr::null(),
            provider: rwt_provider::RWT_PROVIDER_CPU as i32,
            precision: rwt_precision::RWT_PRECISION_F32 as i32,
            device: std::ptr::null(),
            cpu_fallback: 0,
            batch: 0,
            memory: 1 << 32,
            keys: std::ptr::null(),
            key_count: 0,
            libraries: 0,
            reserved: 0,
        }
    }
}

/// Write the defaults into *options; size is sizeof *options.
///
/// # Safety
/// `options` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_denoiser_options_init(options: *mut rwt_denoiser_options, size: usize) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    guard(|| unsafe { options::write(options, size, rwt_denoiser_options::defaults()) })
}

/// The strings of the options, borrowed from the caller.
pub(crate) struct Texts<'a> {
    library: Option<&'a str>,
    device: Option<&'a str>,
    keys: Vec<(&'a str, &'a str)>,
}

impl<'a> Texts<'a> {
    /// # Safety
    /// The options' pointers are NULL or as their documentation says.
    pub(crate) unsafe fn read(options: &rwt_denoiser_options) -> Result<Self, Failure> {
        // SAFETY: the caller's word.
        let given = unsafe { options::slice("keys", options.keys, options.key_count)? };
        let mut keys = Vec::with_capacity(given.len());
        for entry in given {
            // SAFETY: the caller's word.
            let (key, value) = unsafe { (text("a key", entry.key)?, text("the value of a key", entry.value)?) };
            keys.push((key.ok_or_else(|| Failure::null("a key"))?, value.ok_or_else(|| Failure::null("a value"))?));
        }
        // SAFETY: the caller's word.
        let (library, device) = unsafe { (text("library", options.library)?, text("device", options.device)?) };
        Ok(Self { library, device, keys })
    }
}

#[cfg(feature = "onnx")]
pub(crate) fn open(path: &str, options: &rwt_denoiser_options, texts: &Texts<'_>) -> Result<Shared, Failure> {
    use rwt_onnx::{EngineChoice, OnnxDenoiser, OpenOptions, Precision, Provider};
    if options.engine == rwt_engine::RWT_ENGINE_CUDA as i32 {
        return open_on_device(path, options, texts, None);
    }
    if options.libraries != 0 {
        return Err(Failure::argument("libraries is an option of RWT_ENGINE_CUDA: leave it at 0"));
    }
    let engine = engine(options, texts)?;
    if let EngineChoice::Runtime(runtime) = &engine
        && cfg!(feature = "cuda")
        && (runtime.provider, runtime.precision) == (Provider::Cuda, Precision::F32)
        && !runtime.cpu_fallback
    {
        return open_on_device(path, options, texts, Some(runtime));
    }
    let how = OpenOptions { engine, keys: &texts.keys, memory: options.memory };
    let model = OnnxDenoiser::open_with(path, &how).map_err(|error| refusal(path, &error))?;
    Ok(Shared::onnx(described(model.info()), model))
}

#[cfg(feature = "onnx")]
fn described(about: &rwt_onnx::ModelInfo) -> rwt_denoiser_info {
    rwt_denoiser_info {
        channels: about.channels,
        range_low: about.range.0,
        range_high: about.range.1,
        sigma_min: about.sigma_min,
        sigma_max: about.sigma_max,
        mean: about.mean,
        variance: about.variance,
        ..rwt_denoiser_info::defaults()
    }
}

/// Why a file cannot be opened.
#[cfg(feature = "onnx")]
pub(crate) fn refusal(path: &str, error: &rwt_onnx::Error) -> Failure {
    use rwt_onnx::Error;
    match error {
        Error::Runtime { .. } | Error::Provider { .. } => Failure::new(RWT_ERR_UNSUPPORTED, error.to_string()),
        Error::Read { .. } => Failure::new(RWT_ERR_IO, error.to_string()),
        Error::Memory { .. } => Failure::new(RWT_ERR_MEMORY, format!("{path}: {error}")),
        error => Failure::new(RWT_ERR_MODEL, format!("{path}: {error}")),
    }
}

#[cfg(feature = "cuda")]
fn open_on_device(
    path: &str,
    options: &rwt_denoiser_options,
    texts: &Texts<'_>,
    runtime: Option<&rwt_onnx::RuntimeOptions>,
) -> Result<Shared, Failure> {
    use crate::cuda_model::{Computer, CudaModel};
    let index = match texts.device {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            Failure::argument(format!("device must be the number of an NVIDIA GPU such as \"0\", found {text:?}"))
        })?,
    };
    let computer = runtime.map_or_else(|| own_kernels(options), |runtime| Ok(Computer::OnnxRuntime(runtime)))?;
    let model = CudaModel::open(path, &texts.keys, index, options.batch as usize, &computer)?;
    let (info, engine) = (described(&model.info), model.engine.clone());
    Ok(Shared { info, engine, kind: crate::denoiser::Kind::Cuda(Box::new(model)) })
}

#[cfg(feature = "cuda")]
fn own_kernels(options: &rwt_denoiser_options) -> Result<crate::cuda_model::Computer<'_>, Failure> {
    use rwt_cuda::{Libraries, Precision};
    let precision = match options.precision {
        0 => Precision::F32,
        1 => Precision::Bf16,
        other => {
            let what = "with RWT_ENGINE_CUDA, precision must be RWT_PRECISION_F32 or RWT_PRECISION_BF16";
            return Err(Failure::argument(format!("{what}, found {other}")));
        }
    };
    if options.provider != 0 {
        let what = "RWT_ENGINE_CUDA has no provider: leave it at 0, or choose RWT_ENGINE_ONNX_RUNTIME";
        return Err(Failure::argument(format!("{what}, found {}", options.provider)));
    }
    let libraries = if options.libraries == 0 { Libraries::Never } else { Libraries::WhereWorthwhile };
    Ok(crate::cuda_model::Computer::Own(precision, libraries))
}

#[cfg(all(feature = "onnx", not(feature = "cuda")))]
fn open_on_device(
    _: &str,
    _: &rwt_denoiser_options,
    _: &Texts<'_>,
    _: Option<&rwt_onnx::RuntimeOptions>,
) -> Result<Shared, Failure> {
    Err(Failure::new(RWT_ERR_UNSUPPORTED, "this library was built without the cuda feature"))
}

#[cfg(feature = "onnx")]
fn engine(options: &rwt_denoiser_options, texts: &Texts<'_>) -> Result<rwt_onnx::EngineChoice, Failure> {
    use rwt_onnx::{EngineChoice, Precision, Provider, RuntimeOptions};
    let wrong = |what: &str, found: i32| Err(Failure::argument(format!("{what}, found {found}")));
    let provider = match options.provider {
        0 => Provider::Cpu,
        1 => Provider::OpenVino,
        2 => Provider::Cuda,
        3 => Provider::TensorRt,
        4 => Provider::CoreMl,
        5 => Provider::DirectMl,
        other => return wrong("provider must be one of rwt_provider", other),
    };
    let precision = match options.precision {
        0 => Precision::F32,
        1 => Precision::Bf16,
        2 => Precision::F16,
        other => return wrong("precision must be one of rwt_precision", other),
    };
    match options.engine {
        0 if (provider, precision) != (Provider::Cpu, Precision::F32) => {
            Err(Failure::argument("the embedded engine computes on the CPU in f32: choose RWT_ENGINE_ONNX_RUNTIME"))
        }
        0 => Ok(EngineChoice::Embedded),
        1 => Ok(EngineChoice::Runtime(RuntimeOptions {
            library: texts.library.map(Into::into),
            threads: options.threads as usize,
            provider,
            device: texts.device.unwrap_or_default().into(),
            precision,
            cpu_fallback: options.cpu_fallback != 0,
            batch: options.batch as usize,
        })),
        other => wrong("engine must be one of rwt_engine", other),
    }
}

#[cfg(not(feature = "onnx"))]
pub(crate) fn open(path: &str, options: &rwt_denoiser_options, texts: &Texts<'_>) -> Result<Shared, Failure> {
    let _ = (options, texts.library, texts.device, &texts.keys);
    Err(Failure::new(
        RWT_ERR_UNSUPPORTED,
        format!("cannot open {path}: this library was built without the onnx feature"),
    ))
}
