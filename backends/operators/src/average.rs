//! Means of blocks.

use rwt_core::{Error, Operator};

use crate::{image_len, require};

/// Each measurement is the mean of a block of `factor` × `factor` pixels: \[channels, height / factor, width / factor\].
#[derive(Clone, Debug)]
pub struct Averages {
    channels: usize,
    height: usize,
    width: usize,
    factor: usize,
}

impl Averages {
    /// For images of a size that is a multiple of the factor.
    ///
    /// # Errors
    /// [`Error::Parameter`] if it is not, or the image is empty.
    pub fn new(channels: usize, height: usize, width: usize, factor: usize) -> Result<Self, Error> {
        image_len(channels, height, width)?;
        require(factor > 0, "factor", "at least 1", factor as f64)?;
        require(height.is_multiple_of(factor), "height", "a multiple of the factor", height as f64)?;
        require(width.is_multiple_of(factor), "width", "a multiple of the factor", width as f64)?;
        Ok(Self { channels, height, width, factor })
    }

    /// Call `visit(pixel, block)`.
    fn each(&self, mut visit: impl FnMut(usize, usize)) {
        let (columns, blocks) = (self.width / self.factor, self.height / self.factor * (self.width / self.factor));
        for channel in 0..self.channels {
            for row in 0..self.height {
                let (pixels, start) =
                    ((channel * self.height + row) * self.width, channel * blocks + row / self.factor * columns);
                for column in 0..self.width {
                    visit(pixels + column, start + column / self.factor);
                }
            }
        }
    }
}

impl Operator for Averages {
    fn image_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    fn measurement_len(&self) -> usize {
        self.image_len() / (self.factor * self.factor)
    }

    fn apply(&self, x: &[f32], y: &mut [f32], _scratch: &mut [f32]) {
        let weight = 1.0 / (self.factor * self.factor) as f32;
        y.fill(0.0);
        self.each(|pixel, block| y[block] += weight * x[pixel]);
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], _scratch: &mut [f32]) {
        let weight = 1.0 / (self.factor * self.factor) as f32;
        self.each(|pixel, block| x[pixel] = weight * y[block]);
    }

    /// 1/factor.
    fn norm(&self) -> f64 {
        1.0 / self.factor as f64
    }

    fn solve_len(&self) -> usize {
        0
    }

    /// A Aᵀ = I/factor².
    fn solve(&self, noise_variance: f64, q: f64, r: &mut [f32], _scratch: &mut [f32]) -> f64 {
        let scale = 1.0 / (noise_variance + q * self.norm() * self.norm());
        r.iter_mut().for_each(|r| *r = (f64::from(*r) * scale) as f32);
        0.0
    }
}
