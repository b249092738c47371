//! A denoiser, from wherever it comes.

use crate::denoiser_callback::Callback;
use crate::denoiser_info::rwt_denoiser_info;
use crate::denoiser_options::{Texts, open, rwt_denoiser_options};
use crate::denoiser_parts::TileSize;
use crate::options;
use crate::status::{Failure, guard, rwt_status};
use std::ffi::{CString, c_char};
use std::sync::{Arc, Mutex};

/// A denoiser; immutable, can be shared between threads and samplers.
pub struct rwt_denoiser {
    pub(crate) shared: Arc<Shared>,
}

/// What the handles of a denoiser and the samplers that use it share.
pub(crate) struct Shared {
    pub info: rwt_denoiser_info,
    pub engine: CString,
    pub kind: Kind,
}

pub(crate) enum Kind {
    #[cfg(feature = "onnx")]
    Onnx(Box<rwt_onnx::OnnxDenoiser>),
    #[cfg(feature = "cuda")]
    Cuda(Box<crate::cuda_model::CudaModel>),
    Callback(Mutex<Callback>),
    Tiled(Arc<Shared>, TileSize),
    Slicewise(Arc<Shared>),
}

impl Shared {
    #[cfg(feature = "onnx")]
    pub fn onnx(info: rwt_denoiser_info, model: rwt_onnx::OnnxDenoiser) -> Self {
        let engine = CString::new(model.engine_name()).unwrap_or_default();
        Self { info, engine, kind: Kind::Onnx(Box::new(model)) }
    }

    /// May several threads evaluate at a time?
    pub fn is_concurrent(&self) -> bool {
        match &self.kind {
            #[cfg(feature = "onnx")]
            Kind::Onnx(model) => model.is_parallel(),
            #[cfg(feature = "cuda")]
            Kind::Cuda(_) => false, // one stream
            Kind::Callback(_) => false,
            Kind::Tiled(inner, _) | Kind::Slicewise(inner) => inner.is_concurrent(),
        }
    }

    /// A handle of its own, in the caller's pointer.
    ///
    /// # Safety
    /// `out` points to a pointer.
    pub unsafe fn hand_over(self, out: *mut *mut rwt_denoiser) {
        // SAFETY: the caller's word.
        unsafe { *out = Box::into_raw(Box::new(rwt_denoiser { shared: Arc::new(self) })) };
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
/// be used, if it lacks the provider, or if there is no such GPU: there is no silent fall-back.
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
        let (path, options) = unsafe { (options::text("path", path)?, options::read(options)?) };
        let path = path.ok_or_else(|| Failure::null("path"))?;
        // SAFETY: the caller's word, as documented.
        let shared = open(path, &options, &unsafe { Texts::read(&options)? })?;
        // SAFETY: not NULL, the caller's word.
        unsafe { shared.hand_over(out) };
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
