//! What was measured of missing pixels, at each pixel by itself.

use crate::error::{Error, require, require_len};
use crate::operators::Mask;

/// y = x + η n at the pixels that a mask keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured<'a> {
    mask: &'a [u8],
    /// Of the whole image; anything where nothing was measured.
    pub y: &'a [f32],
    pub eta: f64,
}

impl<'a> Measured<'a> {
    pub fn new(mask: Mask<'a>, y: &'a [f32], eta: f64) -> Result<Self, Error> {
        let (mask, channels) = mask.parts();
        let n = mask.len().saturating_mul(channels);
        require_len("y", n, y.len())?;
        require(eta > 0.0 && eta.is_finite(), "eta", "finite and above 0", eta)?;
        let measured = Self { mask, y, eta };
        match measured.keeps().zip(y).find(|(keeps, y)| *keeps && !y.is_finite()) {
            Some((_, y)) => {
                Err(Error::Parameter { name: "y", expected: "finite where the mask keeps it", found: f64::from(*y) })
            }
            None => Ok(measured),
        }
    }

    fn keeps(&self) -> impl Iterator<Item = bool> + use<'a> {
        self.mask.iter().cycle().map(|keep| *keep != 0)
    }

    /// At each pixel: was it measured, and y − `denoised` there; 0 elsewhere.
    pub fn residuals<'d>(&self, denoised: &'d [f32]) -> impl Iterator<Item = (bool, f32)> + use<'a, 'd> {
        let each = self.keeps().zip(self.y).zip(denoised);
        each.map(|((keeps, y), d)| (keeps, if keeps { y - d } else { 0.0 }))
    }

    /// (η² + q)⁻¹ as the mask's own solve has it.
    pub fn scale(&self, q: f64) -> f32 {
        (1.0 / (self.eta * self.eta + q)) as f32
    }

    /// η as the square root of its square, which is what the general walk computes with.
    pub fn eta_again(&self) -> f64 {
        libm::sqrt(self.eta * self.eta)
    }
}
