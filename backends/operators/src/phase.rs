//! Real images as complex ones.

use rwt_core::{Error, Operator};

use crate::{image_len, require_finite, require_len};

/// A real image \[1, height, width\] as a complex one, \[2, height, width\] with the real part first: x e^{iφ}, where φ is
/// known, as after the phase correction of a magnetic resonance scan. Its adjoint is the real part of e^{−iφ} y, so half of
/// a complex noise stays: that in phase with the image.
#[derive(Clone, Debug)]
pub struct Phase {
    /// cos φ and sin φ.
    directions: Vec<[f32; 2]>,
}

impl Phase {
    /// φ = 0: the image is the real part.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an empty image.
    pub fn none(height: usize, width: usize) -> Result<Self, Error> {
        Ok(Self { directions: vec![[1.0, 0.0]; image_len(2, height, width)? / 2] })
    }

    /// `phase`, \[height, width\], in radians.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an empty image or a phase that is not finite, [`Error::Length`] for another length.
    pub fn new(height: usize, width: usize, phase: &[f32]) -> Result<Self, Error> {
        require_len("phase", image_len(2, height, width)? / 2, phase.len())?;
        require_finite("phase", phase)?;
        let direction = |&phase: &f32| {
            let (sin, cos) = f64::from(phase).sin_cos();
            [cos as f32, sin as f32]
        };
        Ok(Self { directions: phase.iter().map(direction).collect() })
    }
}

impl Operator for Phase {
    fn image_len(&self) -> usize {
        self.directions.len()
    }

    fn measurement_len(&self) -> usize {
        2 * self.directions.len()
    }

    fn apply(&self, x: &[f32], y: &mut [f32], _scratch: &mut [f32]) {
        let (real, imaginary) = y.split_at_mut(self.directions.len());
        for (i, [cos, sin]) in self.directions.iter().enumerate() {
            (real[i], imaginary[i]) = (cos * x[i], sin * x[i]);
        }
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], _scratch: &mut [f32]) {
        let (real, imaginary) = y.split_at(self.directions.len());
        for (i, [cos, sin]) in self.directions.iter().enumerate() {
            x[i] = cos * real[i] + sin * imaginary[i];
        }
    }

    fn norm(&self) -> f64 {
        1.0
    }

    fn solve_len(&self) -> usize {
        0
    }

    /// A Aᵀ keeps what is in phase.
    fn solve(&self, noise_variance: f64, q: f64, r: &mut [f32], _scratch: &mut [f32]) -> f64 {
        let (across, along) = (1.0 / noise_variance, 1.0 / (noise_variance + q));
        let (real, imaginary) = r.split_at_mut(self.directions.len());
        for (i, &[cos, sin]) in self.directions.iter().enumerate() {
            let (cos, sin, re, im) = (f64::from(cos), f64::from(sin), f64::from(real[i]), f64::from(imaginary[i]));
            let in_phase = (along - across) * (cos * re + sin * im);
            (real[i], imaginary[i]) = ((across * re + in_phase * cos) as f32, (across * im + in_phase * sin) as f32);
        }
        0.0
    }
}
