//! A blur that wraps around.

use num_complex::Complex;
use rwt_core::{Error, Operator};

use crate::fft::Fft2;
use crate::{image_len, require, require_finite, require_len};

/// A convolution of every channel by a kernel of odd height and width, periodic: what leaves on one side comes in on the
/// other. The measurement has the image's shape. Diagonal in Fourier space.
#[derive(Clone, Debug)]
pub struct PeriodicBlur {
    channels: usize,
    fft: Fft2,
    /// The kernel's transform.
    spectrum: Vec<Complex<f32>>,
}

impl PeriodicBlur {
    /// `kernel` is row-major, of `kernel_size` \[height, width\], at most the image's; its middle is the pixel itself.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an empty image or a size that is even or too large, [`Error::Length`] if the kernel has
    /// another length.
    pub fn new(
        channels: usize,
        height: usize,
        width: usize,
        kernel: &[f32],
        kernel_size: [usize; 2],
    ) -> Result<Self, Error> {
        image_len(channels, height, width)?;
        for (size, limit) in kernel_size.into_iter().zip([height, width]) {
            let fits = size % 2 == 1 && size <= limit;
            require(fits, "height and width of the kernel", "odd, at most the image's", size as f64)?;
        }
        require_len("kernel", kernel_size[0] * kernel_size[1], kernel.len())?;
        require_finite("kernel", kernel)?;
        let fft = Fft2::new(height, width);
        let mut spectrum = vec![Complex::default(); fft.len()];
        for (index, &weight) in kernel.iter().enumerate() {
            let row = (index / kernel_size[1] + height - kernel_size[0] / 2) % height;
            let column = (index % kernel_size[1] + width - kernel_size[1] / 2) % width;
            spectrum[row * width + column].re += weight;
        }
        let mut scratch = vec![0.0; fft.scratch_len()];
        fft.forward(&mut spectrum, fft.plane(&mut scratch).1);
        let scale = (fft.len() as f32).sqrt(); // the transform is unitary, a convolution is not
        spectrum.iter_mut().for_each(|value| *value *= scale);
        Ok(Self { channels, fft, spectrum })
    }

    /// to ← the inverse transform of `weight(h)` times the transform of each channel of from.
    fn filter(&self, planes: &mut [f32], scratch: &mut [f32], weight: impl Fn(Complex<f32>) -> Complex<f32>) {
        for values in planes.chunks_exact_mut(self.fft.len()) {
            let (plane, scratch) = self.fft.plane(scratch);
            plane.iter_mut().zip(values.iter()).for_each(|(p, &value)| *p = Complex::new(value, 0.0));
            self.fft.forward(plane, scratch);
            plane.iter_mut().zip(&self.spectrum).for_each(|(p, &h)| *p *= weight(h));
            self.fft.inverse(plane, scratch);
            values.iter_mut().zip(plane.iter()).for_each(|(value, p)| *value = p.re);
        }
    }
}

impl Operator for PeriodicBlur {
    fn image_len(&self) -> usize {
        self.channels * self.fft.len()
    }

    fn measurement_len(&self) -> usize {
        self.image_len()
    }

    fn scratch_len(&self) -> usize {
        self.fft.scratch_len()
    }

    fn apply(&self, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        y.copy_from_slice(x);
        self.filter(y, scratch, |h| h);
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], scratch: &mut [f32]) {
        x.copy_from_slice(y);
        self.filter(x, scratch, |h| h.conj());
    }

    /// The spectrum's largest magnitude.
    fn norm(&self) -> f64 {
        self.spectrum.iter().map(|h| f64::from(h.norm())).fold(0.0, f64::max)
    }

    fn solve_len(&self) -> usize {
        self.scratch_len()
    }

    fn solve(&self, noise_variance: f64, q: f64, r: &mut [f32], scratch: &mut [f32]) -> f64 {
        let inverse = |h: Complex<f32>| 1.0 / (noise_variance + q * f64::from(h.norm_sqr()));
        self.filter(r, scratch, |h| Complex::new(inverse(h) as f32, 0.0));
        0.0
    }
}
