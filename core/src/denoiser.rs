//! The seam to networks: an MMSE denoiser.

/// An MMSE denoiser D(x, σ) = E\[X | X + σ n = x\].
///
/// Arrays are dense f32, row-major, `[chains, channels, height, width]` or any shape whose product is the slice's
/// length. σ is in the units of x, one for all chains of a call. A volume of depth d is an image of d · channels planes: its
/// slices stand one after another, so a denoiser that takes several images evaluates it slice by slice. Images that are
/// too large for it are taken by [`Tiles`](crate::Tiles).
pub trait Denoiser {
    /// What can go wrong in an evaluation.
    type Error;

    /// Write D(x, sigma) into `denoised`, which has the length of `x`. Every element is written on success.
    fn denoise(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), Self::Error>;
}

/// A closure `|x, sigma, denoised|` is a denoiser.
impl<F, E> Denoiser for F
where
    F: FnMut(&[f32], f64, &mut [f32]) -> Result<(), E>,
{
    type Error = E;

    fn denoise(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), E> {
        self(x, sigma, denoised)
    }
}
