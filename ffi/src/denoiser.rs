//! A denoiser from a model file or from a C function.

use crate::denoiser_options::{Texts, open, rwt_denoiser_options, text};
use crate::options::{self, SizedStruct};
#[cfg(feature = "onnx")]
use crate::status::rwt_status_code::*;
use crate::status::{Failure, guard, rwt_status};
use std::ffi::{CString, c_char, c_void};
use std::sync::{Arc, Mutex};

/// What a denoiser says of itself; fill with rwt_denoiser_info_init or rwt_denoiser_get_info.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rwt_denoiser_info {
    /** sizeof(rwt_denoiser_info). */
    pub struct_size: usize,
    /** Channels of an image; 0: any. */
    pub channels: usize,
    /** Smallest value of an image. */
    pub range_low: f64,
    /** Largest value of an image. */
    pub range_high: f64,
    /** Smallest noise level that it can be asked for. */
    pub sigma_min: f64,
    /** Largest noise level that it can be asked for. */
    pub sigma_max: f64,
    /** Mean of the images that it knows. */
    pub mean: f64,
    /** Variance of an element of the images that it knows. */
    pub variance: f64,
    /** The most images that a callback takes in one call, one after another; a model's own number is not told here. */
    pub batch: usize,
}

// SAFETY: repr(C), numbers only, nine words without padding.
unsafe impl SizedStruct for rwt_denoiser_info {
    fn defaults() -> Self {
        Self {
            struct_size: size_of::<Self>(),
            channels: 0,
            range_low: -1.0,
            range_high: 1.0,
            sigma_min: 0.001,
            sigma_max: 1000.0,
            mean: 0.0,
            variance: 0.25,
            batch: 1,
        }
    }
}

/// The caller's denoiser: write D(x, sigma), n floats, into denoised. They are one image, or with rwt_denoiser_info.batch
/// above 1 up to that many, one after another. Returns 0, or another status to stop the run.
/// It is called by one thread at a time, maybe not the one that made it; it must not unwind or longjmp.
pub type rwt_denoise_fn = Option<
    unsafe extern "C" fn(user: *mut c_void, x: *const f32, n: usize, sigma: f64, denoised: *mut f32) -> rwt_status,
>;

/// Called once, when nobody needs user any more.
pub type rwt_release_fn = Option<unsafe extern "C" fn(user: *mut c_void)>;

/// A denoiser; immutable, can be shared between threads and samplers.
pub struct rwt_denoiser {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub info: rwt_denoiser_info,
    engine: CString,
    kind: Kind,
}

impl Shared {
    #[cfg(feature = "onnx")]
    pub fn onnx(info: rwt_denoiser_info, model: rwt_onnx::OnnxDenoiser) -> Self {
        let engine = CString::new(model.engine_name()).unwrap_or_default();
        Self { info, engine, kind: Kind::Onnx(Box::new(model)) }
    }
}

enum Kind {
    #[cfg(feature = "onnx")]
    Onnx(Box<rwt_onnx::OnnxDenoiser>),
    Callback(Mutex<Callback>),
}

pub(crate) struct Callback {
    denoise: unsafe extern "C" fn(*mut c_void, *const f32, usize, f64, *mut f32) -> rwt_status,
    user: *mut c_void,
    release: rwt_release_fn,
}

// SAFETY: the caller promises that user may be used from any one thread at a time; the mutex keeps that.
unsafe impl Send for Callback {}

impl Drop for Callback {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: the caller's function with the caller's pointer, once.
            unsafe { release(self.user) }
        }
    }
}

/// A denoiser in the hands of one thread.
pub(crate) enum Evaluator<'a> {
    #[cfg(feature = "onnx")]
    Onnx(Box<rwt_onnx::Evaluator<'a>>),
    /// with the most images of a call
    Callback(&'a Mutex<Callback>, usize),
}

impl Shared {
    pub fn evaluator(&self, height: usize, width: usize) -> Result<Evaluator<'_>, Failure> {
        let _ = (height, width);
        match &self.kind {
            #[cfg(feature = "onnx")]
            Kind::Onnx(model) => {
                let evaluator = model.evaluator(height, width);
                Ok(Evaluator::Onnx(Box::new(evaluator.map_err(|error| {
                    let code =
                        if matches!(error, rwt_onnx::Error::Memory { .. }) { RWT_ERR_MEMORY } else { RWT_ERR_MODEL };
                    Failure::new(code, error.to_string())
                })?)))
            }
            Kind::Callback(callback) => Ok(Evaluator::Callback(callback, self.info.batch)),
        }
    }

    /// May several threads evaluate at a time?
    pub fn is_concurrent(&self) -> bool {
        match &self.kind {
            #[cfg(feature = "onnx")]
            Kind::Onnx(model) => model.is_parallel(),
            Kind::Callback(_) => false,
        }
    }
}

impl Evaluator<'_> {
    /// The most chains that are worth walking side by side.
    pub fn batch(&self) -> usize {
        match self {
            #[cfg(feature = "onnx")]
            Self::Onnx(evaluator) => evaluator.batch(),
            Self::Callback(_, batch) => *batch,
        }
    }

    /// Get ready for this many chains side by side.
    pub fn prepare(&mut self, chains: usize) -> Result<(), Failure> {
        let _ = chains;
        #[cfg(feature = "onnx")]
        if let Self::Onnx(evaluator) = self {
            return evaluator.prepare(chains).map_err(|error| match error {
                rwt_onnx::Error::Provider { .. } => Failure::new(RWT_ERR_UNSUPPORTED, error.to_string()),
                error => Failure::new(RWT_ERR_MODEL, error.to_string()),
            });
        }
        Ok(())
    }

    /// Show each level of this chain, and those after it, in a symmetry of its own, if the model has any.
    pub fn begin(&mut self, chain: rwt_core::Chain) {
        let _ = chain;
        #[cfg(feature = "onnx")]
        if let Self::Onnx(evaluator) = self {
            evaluator.set_chains(Some(chain));
        }
    }
}

impl rwt_core::Denoiser for Evaluator<'_> {
    type Error = String;

    fn denoise(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), String> {
        match self {
            #[cfg(feature = "onnx")]
            Self::Onnx(evaluator) => evaluator.denoise(x, sigma, denoised).map_err(|e| e.to_string()),
            Self::Callback(callback, _) => {
                let callback = callback.lock().map_err(|_| "a thread panicked in the callback".to_owned())?;
                // SAFETY: the caller's function, with arrays of the length that it is told.
                let status =
                    unsafe { (callback.denoise)(callback.user, x.as_ptr(), x.len(), sigma, denoised.as_mut_ptr()) };
                if status == 0 { Ok(()) } else { Err(format!("the callback returned status {status}")) }
            }
        }
    }
}

/// Open a denoiser from an ONNX file with rwt.* metadata, on the embedded engine. RWT_ERR_IO if the file cannot be
/// read, RWT_ERR_MODEL with the reason if it cannot be used, RWT_ERR_MEMORY if already a small image is above the budget.
/// Where the file declares rwt.symmetry square, a sampler
/// shows the network each level turned or mirrored at random, which averages its errors out. Free with
/// rwt_denoiser_free.
///
/// # Safety
/// `path` is a string that ends with 0; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_denoiser_open(path: *const c_char, out: *mut *mut rwt_denoiser) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    unsafe { rwt_denoiser_open_with(path, std::ptr::null(), out) }
}

/// The same with options; NULL: the defaults. RWT_ERR_UNSUPPORTED with the reason if ONNX Runtime is chosen and none can
/// be used, or if it lacks the provider: there is no silent fall-back.
///
/// # Safety
/// `path` is a string that ends with 0, `options` NULL or initialised, its pointers NULL or as they are documented; `out`
/// points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_denoiser_open_with(
    path: *const c_char,
    options: *const rwt_denoiser_options,
    out: *mut *mut rwt_denoiser,
) -> rwt_status {
    guard(|| {
        if out.is_null() {
            return Err(Failure::null("out"));
        }
        // SAFETY: the caller's word, as documented.
        let (path, options) = unsafe { (text("path", path)?, options::read(options)?) };
        let path = path.ok_or_else(|| Failure::null("path"))?;
        // SAFETY: the caller's word, as documented.
        let shared = open(path, &options, &unsafe { Texts::read(&options)? })?;
        // SAFETY: not NULL, the caller's word.
        unsafe { *out = Box::into_raw(Box::new(rwt_denoiser { shared: Arc::new(shared) })) };
        Ok(())
    })
}

/// Write the defaults into *info; size is sizeof *info.
///
/// # Safety
/// `info` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_denoiser_info_init(info: *mut rwt_denoiser_info, size: usize) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    guard(|| unsafe { options::write(info, size, rwt_denoiser_info::defaults()) })
}

/// A denoiser that calls the caller's function. info says what it knows; NULL: the defaults. release (may be NULL) is
/// called with user exactly once: when the denoiser and every sampler that uses it are freed; never if this call
/// fails.
///
/// # Safety
/// `info` is NULL or was initialised; `denoise` keeps its contract for as long as the denoiser lives; `out` points to
/// a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_denoiser_from_callback(
    info: *const rwt_denoiser_info,
    denoise: rwt_denoise_fn,
    user: *mut c_void,
    release: rwt_release_fn,
    out: *mut *mut rwt_denoiser,
) -> rwt_status {
    guard(|| {
        // SAFETY: the caller's word, as documented.
        let info = unsafe { options::read(info)? };
        let denoise = denoise.ok_or_else(|| Failure::null("denoise"))?;
        if out.is_null() {
            return Err(Failure::null("out"));
        }
        let numbers = [info.range_low, info.range_high, info.sigma_min, info.sigma_max, info.mean, info.variance];
        let ordered = info.range_low < info.range_high && 0.0 < info.sigma_min && info.sigma_min < info.sigma_max;
        if info.batch == 0 {
            return Err(Failure::argument("info.batch must be at least 1"));
        }
        if !(ordered && info.variance > 0.0 && numbers.iter().all(|v| v.is_finite())) {
            let text = "info must be finite with range_low < range_high, 0 < sigma_min < sigma_max and variance > 0";
            return Err(Failure::argument(text));
        }
        let kind = Kind::Callback(Mutex::new(Callback { denoise, user, release }));
        // SAFETY: not NULL, the caller's word.
        unsafe {
            *out = Box::into_raw(Box::new(rwt_denoiser {
                shared: Arc::new(Shared { info, engine: c"callback".to_owned(), kind }),
            }))
        };
        Ok(())
    })
}

/// What the denoiser says of itself, written into *info; size is sizeof *info.
///
/// # Safety
/// `denoiser` is a live handle; `info` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_denoiser_get_info(
    denoiser: *const rwt_denoiser,
    info: *mut rwt_denoiser_info,
    size: usize,
) -> rwt_status {
    guard(|| {
        // SAFETY: NULL or a live handle, the caller's word; the same for info.
        unsafe {
            let denoiser = denoiser.as_ref().ok_or_else(|| Failure::null("denoiser"))?;
            options::write(info, size, denoiser.shared.info)
        }
    })
}

/// The engine in use with its version and provider, such as "ONNX Runtime 1.31.1, CPU", or "callback"; "" for NULL. Valid
/// until the denoiser is freed.
///
/// # Safety
/// `denoiser` is NULL or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_denoiser_engine(denoiser: *const rwt_denoiser) -> *const c_char {
    // SAFETY: NULL or a live handle, the caller's word.
    unsafe { denoiser.as_ref() }.map_or(c"".as_ptr(), |denoiser| denoiser.shared.engine.as_ptr())
}

/// Free a denoiser; NULL is allowed. Samplers that use it go on.
///
/// # Safety
/// `denoiser` is NULL or a live handle, which is dead afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_denoiser_free(denoiser: *mut rwt_denoiser) {
    if !denoiser.is_null() {
        // SAFETY: made by Box::into_raw, freed once by the caller's word.
        let handle = unsafe { Box::from_raw(denoiser) };
        let _ = guard(|| {
            drop(handle);
            Ok(())
        });
    }
}
