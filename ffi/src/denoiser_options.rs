//! Opening a model file: on which engine, and what it says of itself.

use crate::denoiser::{Shared, rwt_denoiser_info};
use crate::options::{self, SizedStruct};
use crate::status::{Failure, guard, rwt_status, rwt_status_code::*};
use std::ffi::c_char;

/// Which engine runs a network.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum rwt_engine {
    /** The engine inside this library (the default): chains run in parallel, on one thread each. */
    RWT_ENGINE_EMBEDDED = 0,
    /** ONNX Runtime, found when a model is opened: one evaluation at a time, on several threads. */
    RWT_ENGINE_ONNX_RUNTIME = 1,
}

/// Options of rwt_denoiser_open_with; fill with rwt_denoiser_options_init first.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rwt_denoiser_options {
    /** sizeof(rwt_denoiser_options). */
    pub struct_size: usize,
    /** One of rwt_engine. */
    pub engine: i32,
    /** Threads of an evaluation by ONNX Runtime; 0: one for each core. */
    pub threads: u32,
    /** The file of ONNX Runtime's library, UTF-8; NULL: the environment variable ORT_DYLIB_PATH, else the system's, else
    that of the Python environment which VIRTUAL_ENV or CONDA_PREFIX names. A process uses one. */
    pub library: *const c_char,
}

// SAFETY: repr(C), numbers and a pointer; two numbers of 4 bytes side by side: no padding on 64-bit targets.
unsafe impl SizedStruct for rwt_denoiser_options {
    fn defaults() -> Self {
        let engine = rwt_engine::RWT_ENGINE_EMBEDDED as i32;
        Self { struct_size: size_of::<Self>(), engine, threads: 0, library: std::ptr::null() }
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

#[cfg(feature = "onnx")]
pub(crate) fn open(path: &str, options: &rwt_denoiser_options, library: Option<&str>) -> Result<Shared, Failure> {
    use rwt_onnx::{EngineChoice, Error, OnnxDenoiser, OpenOptions, RuntimeOptions};
    let engine = match options.engine {
        0 => EngineChoice::Embedded,
        1 => EngineChoice::Runtime(RuntimeOptions {
            library: library.map(Into::into),
            threads: options.threads as usize,
            ..RuntimeOptions::default()
        }),
        other => return Err(Failure::argument(format!("engine must be one of rwt_engine, found {other}"))),
    };
    if let Err(error) = std::fs::File::open(path) {
        return Err(Failure::new(RWT_ERR_IO, format!("cannot open the model {path}: {error}")));
    }
    let model = OnnxDenoiser::open_with(path, &OpenOptions { engine, ..OpenOptions::default() }).map_err(|error| match error {
        Error::Runtime { .. } => Failure::new(RWT_ERR_UNSUPPORTED, error.to_string()),
        error => Failure::new(RWT_ERR_MODEL, format!("{path}: {error}")),
    })?;
    let about = model.info();
    let info = rwt_denoiser_info {
        channels: about.channels,
        range_low: about.range.0,
        range_high: about.range.1,
        sigma_min: about.sigma_min,
        sigma_max: about.sigma_max,
        mean: about.mean,
        variance: about.variance,
        ..rwt_denoiser_info::defaults()
    };
    Ok(Shared::onnx(info, model))
}

#[cfg(not(feature = "onnx"))]
pub(crate) fn open(path: &str, options: &rwt_denoiser_options, library: Option<&str>) -> Result<Shared, Failure> {
    let _ = (options, library);
    Err(Failure::new(
        RWT_ERR_UNSUPPORTED,
        format!("cannot open {path}: this library was built without the onnx feature"),
    ))
}
