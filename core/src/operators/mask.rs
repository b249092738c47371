//! Missing pixels.

use crate::error::{Error, require};
use crate::operator::Operator;

/// Keeps the pixels of a mask, the same for every channel; measurements are laid out as the image is, zero where
/// nothing was measured. A mask of its own for each channel is a mask of as many bytes as the image has elements, for
/// one channel.
#[derive(Clone, Copy, Debug)]
pub struct Mask<'a> {
    mask: &'a [u8],
    channels: usize,
}

impl<'a> Mask<'a> {
    /// `mask` has one byte a pixel (height · width), non-zero where the pixel was measured.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an empty mask or no channels.
    pub fn new(mask: &'a [u8], channels: usize) -> Result<Self, Error> {
        require(!mask.is_empty(), "pixels of the mask", "at least 1", 0.0)?;
        require(channels > 0, "channels", "at least 1", 0.0)?;
        Ok(Self { mask, channels })
    }

    /// Is this element of the image measured?
    pub fn keeps(&self, element: usize) -> bool {
        self.mask[element % self.mask.len()] != 0
    }

    pub(crate) fn parts(&self) -> (&'a [u8], usize) {
        (self.mask, self.channels)
    }

    fn each(&self, from: &[f32], to: &mut [f32]) {
        for (from, to) in from.chunks_exact(self.mask.len()).zip(to.chunks_exact_mut(self.mask.len())) {
            for ((from, to), keep) in from.iter().zip(to).zip(self.mask) {
                *to = if *keep != 0 { *from } else { 0.0 };
            }
        }
    }
}

impl Operator for Mask<'_> {
    fn image_len(&self) -> usize {
        self.mask.len() * self.channels
    }

    fn measurement_len(&self) -> usize {
        self.image_len()
    }

    fn apply(&self, x: &[f32], y: &mut [f32], _scratch: &mut [f32]) {
        self.each(x, y);
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], _scratch: &mut [f32]) {
        self.each(y, x);
    }

    fn norm(&self) -> f64 {
        1.0
    }

    fn solve_len(&self) -> usize {
        0
    }

    fn solve(&self, noise_variance: f64, q: f64, r: &mut [f32], _scratch: &mut [f32]) -> f64 {
        let scale = (1.0 / (noise_variance + q)) as f32;
        for plane in r.chunks_exact_mut(self.mask.len()) {
            for (r, keep) in plane.iter_mut().zip(self.mask) {
                *r = if *keep != 0 { *r * scale } else { 0.0 };
            }
        }
        0.0
    }
}
