//! Priors whose MMSE denoiser is known exactly: the oracle of the tests, and small priors for firmware.

use crate::denoiser::Denoiser;
use crate::error::{Error, require, require_len};
use core::convert::Infallible;
use libm::exp;

/// A Gaussian with independent elements.
#[derive(Clone, Copy, Debug)]
pub struct Gaussian<'a> {
    mean: &'a [f32],
    variance: &'a [f32],
}

impl<'a> Gaussian<'a> {
    /// Mean and variance (≥ 0) of each element.
    ///
    /// # Errors
    /// [`Error::Length`] if the lengths differ or are 0, [`Error::Parameter`] for a negative variance.
    pub fn new(mean: &'a [f32], variance: &'a [f32]) -> Result<Self, Error> {
        require_len("variance", mean.len().max(1), variance.len())?;
        for v in variance {
            require(*v >= 0.0 && v.is_finite(), "variance", "finite and at least 0", f64::from(*v))?;
        }
        Ok(Self { mean, variance })
    }
}

impl Denoiser for Gaussian<'_> {
    type Error = Infallible;

    fn denoise(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), Infallible> {
        let n = self.mean.len();
        for (x, denoised) in x.chunks(n).zip(denoised.chunks_mut(n)) {
            for i in 0..x.len() {
                let (mean, variance) = (f64::from(self.mean[i]), f64::from(self.variance[i]));
                let gain = variance / (variance + sigma * sigma);
                denoised[i] = (mean + gain * (f64::from(x[i]) - mean)) as f32;
            }
        }
        Ok(())
    }
}

/// A mixture of Gaussians with one common isotropic variance.
#[derive(Clone, Copy, Debug)]
pub struct Mixture<'a> {
    log_weights: &'a [f64],
    means: &'a [f32],
    variance: f64,
}

impl<'a> Mixture<'a> {
    /// K components: logarithms of their weights (up to a constant), means `[K, n]`, the variance of each element.
    ///
    /// # Errors
    /// [`Error::Length`] unless `means` is a positive multiple of `log_weights`; [`Error::Parameter`] for a variance
    /// that is not positive.
    pub fn new(log_weights: &'a [f64], means: &'a [f32], variance: f64) -> Result<Self, Error> {
        let count = log_weights.len().max(1);
        require_len("means", (means.len() / count).max(1) * count, means.len())?;
        require_len("log_weights", count, log_weights.len())?;
        require(variance > 0.0 && variance.is_finite(), "variance", "finite and above 0", variance)?;
        Ok(Self { log_weights, means, variance })
    }

    /// Elements of a sample.
    pub fn dimension(&self) -> usize {
        self.means.len() / self.log_weights.len()
    }

    /// ln(weight · N(x; mean, total·I)) of a component, up to a constant common to all.
    fn log_joint(&self, component: usize, x: &[f32], total: f64) -> f64 {
        let n = self.dimension();
        let mean = &self.means[component * n..(component + 1) * n];
        let distance: f64 =
            x.iter().zip(mean).map(|(x, m)| (f64::from(*x) - f64::from(*m)) * (f64::from(*x) - f64::from(*m))).sum();
        self.log_weights[component] - distance / (2.0 * total)
    }
}

impl Denoiser for Mixture<'_> {
    type Error = Infallible;

    fn denoise(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), Infallible> {
        let n = self.dimension();
        let total = self.variance + sigma * sigma;
        let gain = self.variance / total;
        for (x, denoised) in x.chunks(n).zip(denoised.chunks_mut(n)) {
            let components = 0..self.log_weights.len();
            let largest = components.clone().map(|k| self.log_joint(k, x, total)).fold(f64::NEG_INFINITY, f64::max);
            let mut sum = 0.0;
            denoised.fill(0.0);
            for k in components {
                let weight = exp(self.log_joint(k, x, total) - largest);
                sum += weight;
                for (d, m) in denoised.iter_mut().zip(&self.means[k * n..(k + 1) * n]) {
                    *d += (weight * f64::from(*m)) as f32;
                }
            }
            for (d, x) in denoised.iter_mut().zip(x) {
                let centre = f64::from(*d) / sum;
                *d = (centre + gain * (f64::from(*x) - centre)) as f32;
            }
        }
        Ok(())
    }
}
