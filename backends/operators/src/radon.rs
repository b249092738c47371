//! Line integrals: tomography with parallel beams.

use rwt_core::{Error, Operator};

use crate::{image_len, require};

/// Projections of every channel at some angles: \[channels, angles, bins\].
///
/// A pixel at (x, y) from the image's middle, in pixels, x to the right and y down, falls on s = x cos θ + y sin θ and is
/// shared between the two bins beside it, linearly; bins are one pixel wide, their middle is s = 0. So each bin is about
/// the integral along its line. Exactly adjoint by construction: both directions use the same weights.
#[derive(Clone, Debug)]
pub struct Radon {
    channels: usize,
    height: usize,
    width: usize,
    bins: usize,
    /// cos θ, sin θ.
    directions: Vec<[f64; 2]>,
    norm: f64,
}

impl Radon {
    /// Angles in radians; `bins` of the detector, which may be narrower than the image.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an empty image, no bins, no angles, or an angle that is not finite.
    pub fn new(channels: usize, height: usize, width: usize, angles: &[f64], bins: usize) -> Result<Self, Error> {
        image_len(channels, height, width)?;
        require(bins > 0, "bins", "at least 1", 0.0)?;
        require(!angles.is_empty(), "angles", "at least 1", 0.0)?;
        if let Some(&found) = angles.iter().find(|angle| !angle.is_finite()) {
            return Err(Error::Parameter { name: "angle", expected: "finite", found });
        }
        image_len(channels, angles.len(), bins)?;
        let directions: Vec<_> = angles.iter().map(|angle| [angle.cos(), angle.sin()]).collect();
        let mut radon = Self { channels: 1, height, width, bins, directions, norm: 0.0 };
        // the weights are not negative: the norm is at most the root of the largest sums of columns and of rows
        let mut rows = vec![0f32; radon.measurement_len()];
        radon.apply(&vec![1.0; height * width], &mut rows, &mut []);
        let largest = rows.into_iter().fold(0.0, f32::max);
        radon.norm = (f64::from(largest) * angles.len() as f64).sqrt();
        radon.channels = channels;
        Ok(radon)
    }

    /// Call `visit(pixel, bin, weight)` for one plane and angle.
    fn each(&self, [cosine, sine]: [f64; 2], mut visit: impl FnMut(usize, usize, f32)) {
        let middle = |size: usize| (size as f64 - 1.0) / 2.0;
        for row in 0..self.height {
            let start = (row as f64 - middle(self.height)) * sine + middle(self.bins);
            for column in 0..self.width {
                let place = start + (column as f64 - middle(self.width)) * cosine;
                let (bin, share) = (place.floor(), (place - place.floor()) as f32);
                for (bin, weight) in [(bin, 1.0 - share), (bin + 1.0, share)] {
                    if bin >= 0.0 && bin < self.bins as f64 {
                        visit(row * self.width + column, bin as usize, weight);
                    }
                }
            }
        }
    }
}

impl Operator for Radon {
    fn image_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    fn measurement_len(&self) -> usize {
        self.channels * self.directions.len() * self.bins
    }

    fn apply(&self, x: &[f32], y: &mut [f32], _scratch: &mut [f32]) {
        y.fill(0.0);
        let (pixels, sinogram) = (self.height * self.width, self.directions.len() * self.bins);
        for (x, y) in x.chunks_exact(pixels).zip(y.chunks_exact_mut(sinogram)) {
            for (&direction, y) in self.directions.iter().zip(y.chunks_exact_mut(self.bins)) {
                self.each(direction, |pixel, bin, weight| y[bin] += weight * x[pixel]);
            }
        }
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], _scratch: &mut [f32]) {
        x.fill(0.0);
        let (pixels, sinogram) = (self.height * self.width, self.directions.len() * self.bins);
        for (x, y) in x.chunks_exact_mut(pixels).zip(y.chunks_exact(sinogram)) {
            for (&direction, y) in self.directions.iter().zip(y.chunks_exact(self.bins)) {
                self.each(direction, |pixel, bin, weight| x[pixel] += weight * y[bin]);
            }
        }
    }

    fn norm(&self) -> f64 {
        self.norm
    }
}
