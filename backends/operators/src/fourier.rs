//! Undersampled Fourier coefficients: magnetic resonance imaging on a Cartesian grid.

use num_complex::Complex;
use rwt_core::{Error, Operator};

use crate::fft::Fft2;
use crate::{image_len, require_finite, require_len};

/// Unitary Fourier coefficients of a complex image where a mask is not zero, seen by one coil or several.
///
/// A complex image is two channels, real and imaginary part: \[2, height, width\]. The measurement is \[coils, 2, height,
/// width\], zero where nothing was measured; the frequency zero is at row 0, column 0, as transforms leave it. A noise of
/// standard deviation η is meant on the real and on the imaginary part each, so that a complex variance is 2η².
#[derive(Clone, Debug)]
pub struct Fourier {
    fft: Fft2,
    mask: Vec<bool>,
    /// \[coils, height, width\]; empty for one coil that sees everything alike.
    sensitivities: Vec<Complex<f32>>,
    norm: f64,
}

impl Fourier {
    /// One coil. `mask` has height · width bytes, not zero where the coefficient is measured.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an empty image, [`Error::Length`] for a mask of another length.
    pub fn new(height: usize, width: usize, mask: &[u8]) -> Result<Self, Error> {
        require_len("mask", image_len(1, height, width)?, mask.len())?;
        let mask = mask.iter().map(|&byte| byte != 0).collect();
        Ok(Self { fft: Fft2::new(height, width), mask, sensitivities: Vec::new(), norm: 1.0 })
    }

    /// Several coils with their sensitivities, \[coils, 2, height, width\].
    ///
    /// # Errors
    /// Those of [`Fourier::new`]; [`Error::Length`] unless the sensitivities are whole planes, [`Error::Parameter`] if one
    /// is not finite.
    pub fn with_coils(height: usize, width: usize, mask: &[u8], sensitivities: &[f32]) -> Result<Self, Error> {
        let one = Self::new(height, width, mask)?;
        let n = one.fft.len();
        let coils = (sensitivities.len() / (2 * n)).max(1);
        require_len("sensitivities", coils * 2 * n, sensitivities.len())?;
        require_finite("sensitivities", sensitivities)?;
        let coil = |coil: &[f32]| (0..n).map(|i| Complex::new(coil[i], coil[n + i])).collect::<Vec<_>>();
        let sensitivities: Vec<_> = sensitivities.chunks_exact(2 * n).flat_map(coil).collect();
        // ‖A x‖² ≤ Σ ‖s x‖²
        let seen = |i: usize| sensitivities.iter().skip(i).step_by(n).map(|s| f64::from(s.norm_sqr())).sum::<f64>();
        let norm = (0..n).map(seen).fold(0.0, f64::max).sqrt();
        Ok(Self { sensitivities, norm, ..one })
    }

    fn coils(&self) -> usize {
        (self.sensitivities.len() / self.fft.len()).max(1)
    }

    /// What a coil sees of a pixel.
    fn sensitivity(&self, coil: usize, pixel: usize) -> Complex<f32> {
        self.sensitivities.get(coil * self.fft.len() + pixel).copied().unwrap_or(Complex::new(1.0, 0.0))
    }
}

impl Operator for Fourier {
    fn image_len(&self) -> usize {
        2 * self.fft.len()
    }

    fn measurement_len(&self) -> usize {
        self.coils() * self.image_len()
    }

    fn scratch_len(&self) -> usize {
        self.fft.scratch_len()
    }

    fn apply(&self, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        let n = self.fft.len();
        let (plane, scratch) = self.fft.plane(scratch);
        for (coil, y) in y.chunks_exact_mut(2 * n).enumerate() {
            for (i, p) in plane.iter_mut().enumerate() {
                *p = self.sensitivity(coil, i) * Complex::new(x[i], x[n + i]);
            }
            self.fft.forward(plane, scratch);
            for (i, p) in plane.iter().enumerate() {
                (y[i], y[n + i]) = if self.mask[i] { (p.re, p.im) } else { (0.0, 0.0) };
            }
        }
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], scratch: &mut [f32]) {
        let n = self.fft.len();
        let (plane, scratch) = self.fft.plane(scratch);
        x.fill(0.0);
        for (coil, y) in y.chunks_exact(2 * n).enumerate() {
            for (i, p) in plane.iter_mut().enumerate() {
                *p = if self.mask[i] { Complex::new(y[i], y[n + i]) } else { Complex::default() };
            }
            self.fft.inverse(plane, scratch);
            for (i, p) in plane.iter().enumerate() {
                let value = self.sensitivity(coil, i).conj() * p;
                x[i] += value.re;
                x[n + i] += value.im;
            }
        }
    }

    fn norm(&self) -> f64 {
        self.norm
    }

    /// One coil: A Aᵀ is the mask.
    fn solve(&self, noise_variance: f64, q: f64, r: &mut [f32], scratch: &mut [f32]) -> f64 {
        if !self.sensitivities.is_empty() {
            return rwt_core::conjugate_gradients(self, noise_variance, q, r, scratch);
        }
        let scale = (1.0 / (noise_variance + q)) as f32;
        for part in r.chunks_exact_mut(self.fft.len()) {
            for (r, measured) in part.iter_mut().zip(&self.mask) {
                *r = if *measured { *r * scale } else { 0.0 };
            }
        }
        0.0
    }
}
