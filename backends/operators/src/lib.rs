//! Measurement operators for `rwt`, each with its exact adjoint, a bound of its norm and, where there is one, a closed form
//! of (η²I + q AAᵀ)⁻¹. They own what they need; images and measurements are dense f32, row-major, \[channels, height,
//! width\] where nothing else is said.
//!
//! | operator | measurement | solve |
//! | --- | --- | --- |
//! | [`rwt_core::Mask`] | the image, zero where nothing was measured | closed |
//! | [`Averages`] | means of blocks of pixels | closed |
//! | [`Separable`] | bicubic downsampling, or a separable blur with zeros outside | conjugate gradients |
//! | [`Convolution`] | any small blur with zeros outside | conjugate gradients |
//! | [`PeriodicBlur`] | a blur that wraps around | closed, in Fourier space |
//! | [`Fourier`] | undersampled Fourier coefficients of a complex image, of one coil or several | closed for one |
//! | [`Radon`] | line integrals at some angles | conjugate gradients |
//! | [`Sparse`], [`rwt_core::Dense`] | a matrix | conjugate gradients |
//! | [`Composed`], [`Stacked`], [`Scaled`] | of others | conjugate gradients |
//! | [`Blocks`] | of others, each for a part of the image | as those |
//! | [`Phase`] | a real image as a complex one | closed |
//! | [`Weighted`] | of another, with a noise of its own for each | conjugate gradients |
//!
//! [`rwt_core::check_operator`] tests any of them, or your own.

mod average;
mod blocks;
mod compose;
mod convolution;
mod fft;
mod filter;
mod fourier;
mod periodic;
mod phase;
mod radon;
mod separable;
mod sparse;
mod weighted;

pub use average::Averages;
pub use blocks::Blocks;
pub use compose::{Composed, Scaled, Stacked};
pub use convolution::Convolution;
pub use filter::Filter;
pub use fourier::Fourier;
pub use periodic::PeriodicBlur;
pub use phase::Phase;
pub use radon::Radon;
pub use separable::Separable;
pub use sparse::Sparse;
pub use weighted::Weighted;

use rwt_core::Error;

/// `Ok` if it holds, else an error that names the parameter.
fn require(holds: bool, name: &'static str, expected: &'static str, found: f64) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Parameter { name, expected, found }) }
}

/// `Ok` if an array has its length.
fn require_len(name: &'static str, expected: usize, found: usize) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::Length { name, expected, found }) }
}

/// Elements of an image of at least one pixel.
fn image_len(channels: usize, height: usize, width: usize) -> Result<usize, Error> {
    let product = channels.checked_mul(height).and_then(|n| n.checked_mul(width)).filter(|&n| n <= u32::MAX as usize);
    let found = channels as f64 * height as f64 * width as f64;
    require(product.is_some_and(|n| n > 0), "channels times height times width", "from 1 to 2^32 - 1", found)?;
    Ok(product.unwrap_or(0))
}

/// All finite, or the first that is not.
fn require_finite(name: &'static str, values: &[f32]) -> Result<(), Error> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(&found) => Err(Error::Parameter { name, expected: "finite everywhere", found: f64::from(found) }),
        None => Ok(()),
    }
}
