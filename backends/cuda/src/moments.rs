//! Mean and standard deviation of samples that stay on the device.

use crate::array::Array;
use crate::device::Device;
use crate::error::Error;
use crate::kernel::{Kernel, arguments};

/// Streaming mean and variance over samples, element by element, as [`rwt_core::Moments`] and with its bits.
#[derive(Debug)]
pub struct DeviceMoments {
    device: Device,
    kernel: Kernel,
    count: u64,
    mean: Array<f64>,
    squares: Array<f64>,
}

impl DeviceMoments {
    /// No samples yet, of n elements each.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn new(device: &Device, n: usize) -> Result<Self, Error> {
        let kernel = device.module(include_str!("../ptx/moments.ptx"))?.kernel("rwt_moments")?;
        let (mean, squares) = (Array::zeros(device, n)?, Array::zeros(device, n)?);
        Ok(Self { device: device.clone(), kernel, count: 0, mean, squares })
    }

    /// Take in samples, one after another in the array.
    ///
    /// # Errors
    /// [`Error::Length`] unless they are whole; [`Error::Launch`].
    pub fn add(&mut self, samples: &Array<f32>) -> Result<(), Error> {
        let n = self.mean.len();
        let chains = samples.len() / n;
        if chains * n != samples.len() || u32::try_from(chains).is_err() {
            return Err(Error::Length { name: "samples", expected: chains * n, found: samples.len() });
        }
        let (samples, chains, n, count) = (samples.address(), chains as u32, n as u64, self.count);
        let (mean, squares) = (self.mean.address(), self.squares.address());
        let grid = [n.div_ceil(256).min(u64::from(u32::MAX)) as u32, 1, 1];
        // SAFETY: rwt_moments' parameters; samples has chains * n elements, the others n.
        unsafe { self.kernel.launch(grid, [256, 1, 1], 0, arguments![samples, chains, n, count, mean, squares])? };
        self.count += u64::from(chains);
        Ok(())
    }

    /// How many samples were taken in.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Mean and standard deviation of each element (n − 1 in the denominator; 0 for fewer than 2 samples), on the host.
    ///
    /// # Errors
    /// [`Error::Driver`].
    pub fn read(&self) -> Result<(Vec<f64>, Vec<f64>), Error> {
        let n = self.mean.len();
        let (mut mean, mut squares) = (vec![0.0; n], vec![0.0; n]);
        self.mean.read(&self.device, &mut mean)?;
        self.squares.read(&self.device, &mut squares)?;
        let count = self.count;
        for square in &mut squares {
            *square = if count < 2 { 0.0 } else { f64::sqrt(square.max(0.0) / (count - 1) as f64) };
        }
        Ok((mean, squares))
    }
}
