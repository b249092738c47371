//! Status codes, errors on their way to C, and the barrier that no panic crosses.

use crate::last_error;
use core::ffi::c_char;
use core::fmt::Display;
#[cfg(feature = "std")]
use std::panic::{AssertUnwindSafe, catch_unwind};

/// `RWT_OK` or an error of `rwt_status_code`.
pub type rwt_status = i32;

/// What a status says. Numbers are only ever added.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum rwt_status_code {
    /** Success. */
    RWT_OK = 0,
    /** A pointer is NULL, a number is out of range, or an array has the wrong length. */
    RWT_ERR_ARGUMENT = 1,
    /** The caller's array is too short. */
    RWT_ERR_CAPACITY = 2,
    /** Not in this build, or an option struct from a newer header that sets what this library does not know. */
    RWT_ERR_UNSUPPORTED = 3,
    /** A file cannot be read. */
    RWT_ERR_IO = 4,
    /** A model file cannot be used. */
    RWT_ERR_MODEL = 5,
    /** The denoiser failed, or its callback returned a status that is not 0. */
    RWT_ERR_DENOISER = 6,
    /** NaN or infinity in x or in what the denoiser returned. */
    RWT_ERR_NOT_FINITE = 7,
    /** The progress callback or rwt_sampler_cancel stopped the run; what was sampled so far is readable. */
    RWT_ERR_CANCELLED = 8,
    /** The sampler is serving another call. */
    RWT_ERR_BUSY = 9,
    /** There is no image to read yet. */
    RWT_ERR_NO_SAMPLES = 10,
    /** A fault inside the library; please report it. */
    RWT_ERR_INTERNAL = 11,
    /** There is not enough memory for images of this size, or for so many chains. */
    RWT_ERR_MEMORY = 12,
    /** The operator is not what it says (its adjoint, its norm), or its callback failed. */
    RWT_ERR_OPERATOR = 13,
}

use rwt_status_code::*;

/// An error on its way to C. Texts take a heap: without std there is none.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub code: rwt_status_code,
    #[cfg(feature = "std")]
    pub text: String,
}

impl Failure {
    #[cfg(feature = "std")]
    pub fn new(code: rwt_status_code, text: impl Display) -> Self {
        Self { code, text: text.to_string() }
    }

    #[cfg(not(feature = "std"))]
    pub fn new(code: rwt_status_code, _text: impl Display) -> Self {
        Self { code }
    }

    pub fn argument(text: impl Display) -> Self {
        Self::new(RWT_ERR_ARGUMENT, text)
    }

    pub fn null(name: &str) -> Self {
        Self::argument(format_args!("{name} is NULL"))
    }
}

/// n zeros, or an error where there is no room for them.
#[cfg(feature = "std")]
pub(crate) fn zeros<T: Clone + Default>(n: usize) -> Result<Vec<T>, Failure> {
    let mut zeros = Vec::new();
    let size = size_of::<T>();
    zeros
        .try_reserve_exact(n)
        .map_err(|_| Failure::new(RWT_ERR_MEMORY, format!("no memory for {n} elements of {size} bytes")))?;
    zeros.resize(n, T::default());
    Ok(zeros)
}

impl From<rwt_core::Error> for Failure {
    fn from(error: rwt_core::Error) -> Self {
        let code = match error {
            rwt_core::Error::Capacity { .. } => RWT_ERR_CAPACITY,
            _ => RWT_ERR_ARGUMENT,
        };
        Self::new(code, error)
    }
}

/// Run an entry: its error or panic becomes a status and a text.
#[cfg(feature = "std")]
pub(crate) fn guard(entry: impl FnOnce() -> Result<(), Failure>) -> rwt_status {
    let failure = match catch_unwind(AssertUnwindSafe(entry)) {
        Ok(Ok(())) => return RWT_OK as rwt_status,
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::new(RWT_ERR_INTERNAL, format!("internal fault: {}", panic_text(&*panic))),
    };
    last_error::remember(&failure);
    failure.code as rwt_status
}

/// Run an entry: its error becomes a status.
#[cfg(not(feature = "std"))]
pub(crate) fn guard(entry: impl FnOnce() -> Result<(), Failure>) -> rwt_status {
    match entry() {
        Ok(()) => RWT_OK as rwt_status,
        Err(failure) => {
            last_error::remember(&failure);
            failure.code as rwt_status
        }
    }
}

#[cfg(feature = "std")]
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown")
}

/// The text of the last error in this thread; "" if there was none. Never NULL; valid until the next call of this
/// library in this thread. In a library without std: a fixed text for the status of the last error.
#[unsafe(no_mangle)]
pub extern "C" fn rwt_last_error() -> *const c_char {
    last_error::pointer()
}

/// The library's version, for instance "0.1.0".
#[unsafe(no_mangle)]
pub extern "C" fn rwt_version_string() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The library's version as major · 1000000 + minor · 1000 + patch.
#[unsafe(no_mangle)]
pub extern "C" fn rwt_version() -> u32 {
    let part = |text: &str| text.parse::<u32>().unwrap_or(0);
    part(env!("CARGO_PKG_VERSION_MAJOR")) * 1_000_000
        + part(env!("CARGO_PKG_VERSION_MINOR")) * 1000
        + part(env!("CARGO_PKG_VERSION_PATCH"))
}
