//! A denoiser of the caller's.

use crate::denoiser::{Kind, Shared, rwt_denoiser};
use crate::denoiser_info::rwt_denoiser_info;
use crate::options;
use crate::status::{Failure, guard, rwt_status};
use std::ffi::c_void;
use std::sync::Mutex;

/// The caller's denoiser: write D(x, sigma), n floats, into denoised. They are one image, or with rwt_denoiser_info.batch
/// above 1 up to that many, one after another. In a denoiser that was made tiled or slicewise, n is that of tiles or slices;
/// an image that is smaller than a tile is a tile as it is. Returns 0, or another status to stop the run.
/// It is called by one thread at a time, maybe not the one that made it; it must not unwind or longjmp.
pub type rwt_denoise_fn = Option<
    unsafe extern "C" fn(user: *mut c_void, x: *const f32, n: usize, sigma: f64, denoised: *mut f32) -> rwt_status,
>;

/// Called once, when nobody needs user any more.
pub type rwt_release_fn = Option<unsafe extern "C" fn(user: *mut c_void)>;

/// A C function and its pointer.
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

impl Callback {
    /// Call the caller's function once.
    pub fn denoise(&self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), String> {
        // SAFETY: the caller's function, with arrays of the length that it is told.
        let status = unsafe { (self.denoise)(self.user, x.as_ptr(), x.len(), sigma, denoised.as_mut_ptr()) };
        if status == 0 { Ok(()) } else { Err(format!("the callback returned status {status}")) }
    }
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
        unsafe { Shared { info, engine: c"callback".to_owned(), kind }.hand_over(out) };
        Ok(())
    })
}
