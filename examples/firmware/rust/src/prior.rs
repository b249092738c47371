//! The exact denoiser of a Gaussian field, as in ../c/prior.c, to the bit.

use crate::{Image, SIDE};
use core::convert::Infallible;
use rwt_core::Denoiser;
use tables::{BASIS, RADIUS, SPECTRUM};

#[allow(clippy::excessive_precision)] // as numpy prints them
mod tables {
    include!(concat!(env!("OUT_DIR"), "/prior.rs"));
}

/// A Gaussian field of mean 0 whose spectrum was fitted to pictures, see ../fit.py.
pub struct GaussianField;

impl GaussianField {
    /// Of a pixel.
    pub const VARIANCE: f64 = tables::VARIANCE;
}

/// B image or Bᵀ image, along rows (lines of step 1) or columns; B is orthogonal.
fn transform(image: &mut [f32], line: usize, step: usize, is_inverse: bool) {
    for l in 0..SIDE {
        let mut whole = [0f32; SIDE];
        for (k, sum) in whole.iter_mut().enumerate() {
            for i in 0..SIDE {
                let place = if is_inverse { i * SIDE + k } else { k * SIDE + i };
                *sum += BASIS[place] * image[l * line + i * step];
            }
        }
        for (k, sum) in whole.iter().enumerate() {
            image[l * line + k * step] = *sum;
        }
    }
}

impl Denoiser for GaussianField {
    type Error = Infallible;

    fn denoise(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), Infallible> {
        denoised.copy_from_slice(x);
        transform(denoised, SIDE, 1, false);
        transform(denoised, 1, SIDE, false);
        let noise = (sigma * sigma) as f32;
        for (d, radius) in denoised.iter_mut().zip(&RADIUS) {
            let variance = SPECTRUM[usize::from(*radius)];
            *d *= variance / (variance + noise);
        }
        transform(denoised, SIDE, 1, true);
        transform(denoised, 1, SIDE, true);
        Ok(())
    }
}

/// The true picture: soft spots.
pub fn picture(pixel: usize) -> f32 {
    const SPOTS: [[f32; 4]; 4] =
        [[8.0, 9.0, 30.0, 0.9], [22.0, 20.0, 50.0, -0.8], [6.0, 25.0, 20.0, -0.6], [27.0, 6.0, 40.0, 0.7]];
    let (row, column) = ((pixel / SIDE) as f32, (pixel % SIDE) as f32);
    let mut sum = 0.0;
    for [down, right, square, height] in SPOTS {
        let (down, right) = (row - down, column - right);
        let falls = square / (square + down * down + right * right);
        sum += height * falls * falls;
    }
    sum
}

/// In dB over a range of 2.
pub fn psnr(image: &Image) -> f64 {
    let mut squares = 0.0;
    for (pixel, found) in image.iter().enumerate() {
        let error = f64::from(*found) - f64::from(picture(pixel));
        squares += error * error;
    }
    10.0 * libm::log10(4.0 * image.len() as f64 / squares)
}
