//! Posterior mean and standard deviation as samples come, and the PSNR.

use crate::error::{Error, require, require_len};
use libm::{log10, sqrt};

/// Streaming mean and variance over samples, element by element (Welford), in the caller's memory.
#[derive(Debug)]
pub struct Moments<'a> {
    count: u64,
    mean: &'a mut [f64],
    squares: &'a mut [f64],
}

impl<'a> Moments<'a> {
    /// No samples yet; both arrays have the length of a sample and are cleared.
    ///
    /// # Errors
    /// [`Error::Length`] if they differ.
    pub fn new(mean: &'a mut [f64], squares: &'a mut [f64]) -> Result<Self, Error> {
        require_len("squares", mean.len(), squares.len())?;
        mean.fill(0.0);
        squares.fill(0.0);
        Ok(Self { count: 0, mean, squares })
    }

    /// Take in one sample.
    ///
    /// # Errors
    /// [`Error::Length`] if it has another length.
    pub fn add(&mut self, sample: &[f32]) -> Result<(), Error> {
        require_len("sample", self.mean.len(), sample.len())?;
        self.count += 1;
        let weight = 1.0 / self.count as f64;
        for ((mean, squares), value) in self.mean.iter_mut().zip(self.squares.iter_mut()).zip(sample) {
            let difference = f64::from(*value) - *mean;
            *mean += difference * weight;
            *squares += difference * (f64::from(*value) - *mean);
        }
        Ok(())
    }

    /// How many samples were taken in.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean.
    pub fn mean(&self) -> &[f64] {
        self.mean
    }

    /// The standard deviation of an element over the samples (n − 1 in the denominator; 0 for fewer than 2).
    pub fn std(&self, element: usize) -> f64 {
        if self.count < 2 { 0.0 } else { sqrt(self.squares[element].max(0.0) / (self.count - 1) as f64) }
    }
}

/// The peak signal-to-noise ratio in dB, 10 log₁₀(range²/MSE), \[RWT\] eq. 26; `range` is the width of the data range.
///
/// # Errors
/// [`Error::Length`] if the images differ in length or are empty, [`Error::Parameter`] for a range that is not positive.
pub fn psnr(a: &[f32], b: &[f32], range: f64) -> Result<f64, Error> {
    require(range > 0.0 && range.is_finite(), "range", "finite and above 0", range)?;
    require_len("b", a.len().max(1), b.len())?;
    require_len("a", b.len(), a.len())?;
    let squares: f64 =
        a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)) * (f64::from(*a) - f64::from(*b))).sum();
    Ok(10.0 * log10(range * range * a.len() as f64 / squares))
}
