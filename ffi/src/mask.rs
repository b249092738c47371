//! Missing pixels.

use crate::operator::{Kind, Measurement, rwt_operator};
use crate::options;
use crate::status::{Failure, guard, rwt_status, rwt_status_code::*, zeros};
use rwt_core::{Mask, Operator};

/// The mask's own copy of its bytes.
pub(crate) struct MaskData {
    pub mask: Box<[u8]>,
    pub channels: usize,
    pub width: usize,
}

impl MaskData {
    /// y, zero where nothing was measured.
    pub fn measured(&self, y: &[f32]) -> Result<Vec<f32>, Failure> {
        let keep = |i: usize| self.mask[i % self.mask.len()] != 0;
        if let Some(i) = (0..y.len()).find(|&i| keep(i) && !y[i].is_finite()) {
            let (pixel, channel) = (i % self.mask.len(), i / self.mask.len());
            let (row, column) = (pixel / self.width, pixel % self.width);
            let text = format!(
                "y is {} at channel {channel}, row {row}, column {column}, which the mask keeps: set the mask to 0 there",
                y[i]
            );
            return Err(Failure::new(RWT_ERR_NOT_FINITE, text));
        }
        let mut own = zeros(y.len())?;
        own.iter_mut().zip(y).enumerate().for_each(|(i, (own, y))| *own = if keep(i) { *y } else { 0.0 });
        Ok(own)
    }

    fn with<R>(&self, default: R, work: impl FnOnce(Mask<'_>) -> R) -> R {
        Mask::new(&self.mask, self.channels).map_or(default, work)
    }

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
        let data = MaskData { mask, channels, width };
        let gap = data.widest_gap();
        let handle = Measurement::handle(Kind::Mask(data), [channels, height, width], gap, Default::default())?;
        // SAFETY: not NULL, the caller's word.
        unsafe { *out = handle };
        Ok(())
    })
}

impl Operator for MaskData {
    fn image_len(&self) -> usize {
        self.mask.len() * self.channels
    }

    fn measurement_len(&self) -> usize {
        self.image_len()
    }

    fn apply(&self, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        self.with((), |mask| mask.apply(x, y, scratch));
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], scratch: &mut [f32]) {
        self.with((), |mask| mask.adjoint(y, x, scratch));
    }

    fn norm(&self) -> f64 {
        1.0
    }

    fn solve_len(&self) -> usize {
        0
    }

    fn solve(&self, noise_variance: f64, q: f64, r: &mut [f32], scratch: &mut [f32]) -> f64 {
        self.with(0.0, |mask| mask.solve(noise_variance, q, r, scratch))
    }
}
