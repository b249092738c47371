//! What was measured of an image.

use crate::options;
use crate::status::{Failure, guard, rwt_status};
use std::sync::Arc;

/// A linear measurement operator; immutable, can be shared between threads and samplers.
pub struct rwt_operator {
    pub(crate) shared: Arc<MaskData>,
}

/// The mask's own copy of its bytes.
pub(crate) struct MaskData {
    pub mask: Box<[u8]>,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
}

/// The operator that keeps the pixels where mask[height * width] is not 0, the same ones for every channel. Its
/// measurement has the layout of the image; what it holds at missing pixels is ignored. mask is copied.
///
/// # Safety
/// `mask` points to height * width bytes; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_mask(
    mask: *const u8,
    channels: usize,
    height: usize,
    width: usize,
    out: *mut *mut rwt_operator,
) -> rwt_status {
    guard(|| {
        if out.is_null() {
            return Err(Failure::null("out"));
        }
        let pixels = height.checked_mul(width).filter(|p| *p > 0 && p.checked_mul(channels).is_some());
        let pixels = pixels.ok_or_else(|| {
            Failure::argument(format!("an image cannot have {channels} x {height} x {width} elements"))
        })?;
        // SAFETY: the caller's word, as documented.
        let mask: Box<[u8]> = unsafe { options::slice("mask", mask, pixels)? }.into();
        rwt_core::Mask::new(&mask, channels)?;
        if mask.iter().all(|m| *m == 0) {
            return Err(Failure::argument(
                "the mask keeps no pixel: pass operator NULL to sample without a measurement",
            ));
        }
        let shared = Arc::new(MaskData { mask, channels, height, width });
        // SAFETY: not NULL, the caller's word.
        unsafe { *out = Box::into_raw(Box::new(rwt_operator { shared })) };
        Ok(())
    })
}

/// Free an operator; NULL is allowed. Samplers that use it go on.
///
/// # Safety
/// `operator` is NULL or a live handle, which is dead afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_free(operator: *mut rwt_operator) {
    if !operator.is_null() {
        // SAFETY: made by Box::into_raw, freed once by the caller's word.
        drop(unsafe { Box::from_raw(operator) });
    }
}
