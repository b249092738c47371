//! What was measured of an image.

use crate::options;
use crate::status::{Failure, guard, rwt_status, zeros};
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

impl MaskData {
    /// The width in pixels of the widest square without a measured pixel.
    pub fn widest_gap(&self) -> usize {
        // side[x]: the side of the largest empty square whose lower right corner is pixel x of the row so far
        let (mut widest, mut side) = (0, vec![0usize; self.width + 1]);
        for row in self.mask.chunks(self.width) {
            let mut diagonal = 0;
            for (x, kept) in row.iter().enumerate() {
                let above = side[x + 1];
                side[x + 1] = if *kept != 0 { 0 } else { 1 + above.min(side[x]).min(diagonal) };
                diagonal = above;
                widest = widest.max(side[x + 1]);
            }
        }
        widest
    }
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
        let bytes = unsafe { options::slice("mask", mask, pixels)? };
        let mut mask = zeros(pixels)?.into_boxed_slice();
        mask.copy_from_slice(bytes);
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
