//! What a denoiser knows.

use crate::options::{self, SizedStruct};
use crate::status::{guard, rwt_status};

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
    /** The most images (tiles, slices) that a callback takes in one call; a model's own number is not told here. */
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

/// Write the defaults into *info; size is sizeof *info.
///
/// # Safety
/// `info` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_denoiser_info_init(info: *mut rwt_denoiser_info, size: usize) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    guard(|| unsafe { options::write(info, size, rwt_denoiser_info::defaults()) })
}
