//! A denoiser on a device for walks on the host.

use crate::array::Array;
use crate::chains::require;
use crate::denoiser::{CudaDenoiser, Io};
use crate::device::Device;
use crate::error::Error;
use rwt_core::{Chain, Denoiser};

/// A denoiser on a device for walks on the host, whatever they measure: x goes to the device at each evaluation, and D(x, σ)
/// comes back.
#[derive(Debug)]
pub struct OnHost<D> {
    device: Device,
    denoiser: D,
    shape: [usize; 3],
    x: Array<f32>,
    denoised: Array<f32>,
    sigma: Array<f64>,
    level: Array<u32>,
    first: Option<Chain>,
}

impl<D: CudaDenoiser> OnHost<D> {
    /// For up to `pictures` of this shape \[channels, height, width\] at a time; more are evaluated one batch after another.
    ///
    /// # Errors
    /// [`Error::Plan`] for no pictures or no pixels, [`Error::OutOfMemory`].
    pub fn new(device: &Device, denoiser: D, pictures: usize, shape: [usize; 3]) -> Result<Self, Error> {
        let n = shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size)).unwrap_or(usize::MAX);
        require((1..=1 << 36).contains(&n), "elements of a picture", "1 to 2^36", n)?;
        require((1..=65_535).contains(&pictures), "pictures at a time", "1 to 65535", pictures)?;
        let total = n.saturating_mul(pictures);
        Ok(Self {
            device: device.clone(),
            denoiser,
            shape,
            x: Array::zeros(device, total)?,
            denoised: Array::zeros(device, total)?,
            sigma: Array::zeros(device, 1)?,
            level: Array::zeros(device, 1)?,
            first: None,
        })
    }

    /// Say which chain the first picture of a call belongs to, see [`CudaDenoiser::plan`].
    pub fn set_chains(&mut self, first: Option<Chain>) {
        self.first = first;
    }

    fn batch(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), Error> {
        let n: usize = self.shape.iter().product();
        self.denoiser.plan(&self.device, x.len() / n, self.shape, &[sigma], self.first)?;
        self.sigma.write(&self.device, &[sigma])?;
        self.x.write(&self.device, x)?;
        self.denoiser.enqueue(&Io {
            x: self.x.address(),
            denoised: self.denoised.address(),
            sigma: self.sigma.address(),
            level: self.level.address(),
        })?;
        self.denoised.read_first(&self.device, denoised)
    }
}

impl<D: CudaDenoiser> Denoiser for OnHost<D> {
    type Error = Error;

    fn denoise(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), Error> {
        let n: usize = self.shape.iter().product();
        let whole = x.len() / n * n;
        if whole != x.len() {
            return Err(Error::Length { name: "x (whole pictures)", expected: whole, found: x.len() });
        }
        if denoised.len() != x.len() {
            return Err(Error::Length { name: "denoised", expected: x.len(), found: denoised.len() });
        }
        let most = self.x.len();
        x.chunks(most).zip(denoised.chunks_mut(most)).try_for_each(|(x, denoised)| self.batch(x, sigma, denoised))
    }
}
