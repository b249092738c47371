//! A blur by any small kernel.

use rwt_core::{Error, Operator};

use crate::{image_len, require, require_finite, require_len};

/// A convolution of every channel by a kernel of odd height and width whose middle is the pixel itself; outside of the
/// image are zeros. The measurement has the image's shape.
#[derive(Clone, Debug)]
pub struct Convolution {
    channels: usize,
    size: [usize; 2],
    kernel: Vec<f32>,
    kernel_size: [usize; 2],
}

impl Convolution {
    /// `kernel` is row-major, of `kernel_size` \[height, width\].
    ///
    /// # Errors
    /// [`Error::Parameter`] for an empty image or an even size, [`Error::Length`] if the kernel has another length.
    pub fn new(
        channels: usize,
        height: usize,
        width: usize,
        kernel: &[f32],
        kernel_size: [usize; 2],
    ) -> Result<Self, Error> {
        image_len(channels, height, width)?;
        for size in kernel_size {
            require(size % 2 == 1, "height and width of the kernel", "odd", size as f64)?;
        }
        require_len("kernel", kernel_size[0].saturating_mul(kernel_size[1]), kernel.len())?;
        require_finite("kernel", kernel)?;
        Ok(Self { channels, size: [height, width], kernel: kernel.to_vec(), kernel_size })
    }

    /// to ← the sum of `from` shifted by every place of the kernel; for the adjoint the other way.
    fn shifted_sum(&self, from: &[f32], to: &mut [f32], is_adjoint: bool) {
        let [height, width] = self.size;
        to.fill(0.0);
        for (index, &weight) in self.kernel.iter().enumerate() {
            let [dy, dx] = [index / self.kernel_size[1], index % self.kernel_size[1]];
            let [mut dy, mut dx] =
                [dy as isize - (self.kernel_size[0] / 2) as isize, dx as isize - (self.kernel_size[1] / 2) as isize];
            if is_adjoint {
                (dy, dx) = (-dy, -dx);
            }
            // to[row] += weight · from[row − d]
            let [(first_row, rows), (first_column, columns)] =
                [(dy, height), (dx, width)].map(|(d, size)| (d.max(0) as usize, size.saturating_sub(d.unsigned_abs())));
            for plane in 0..self.channels {
                for row in first_row..first_row + rows {
                    let target = (plane * height + row) * width + first_column;
                    let source = ((plane * height + row) * width + first_column) as isize - dy * width as isize - dx;
                    let source = &from[source as usize..][..columns];
                    to[target..target + columns].iter_mut().zip(source).for_each(|(to, from)| *to += weight * from);
                }
            }
        }
    }
}

impl Operator for Convolution {
    fn image_len(&self) -> usize {
        self.channels * self.size[0] * self.size[1]
    }

    fn measurement_len(&self) -> usize {
        self.image_len()
    }

    fn apply(&self, x: &[f32], y: &mut [f32], _scratch: &mut [f32]) {
        self.shifted_sum(x, y, false);
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], _scratch: &mut [f32]) {
        self.shifted_sum(y, x, true);
    }

    /// The sum of the kernel's absolute values.
    fn norm(&self) -> f64 {
        self.kernel.iter().map(|weight| f64::from(weight.abs())).sum()
    }
}
