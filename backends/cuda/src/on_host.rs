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
    /// A denoiser that takes nothing yet: see [`OnHost::prepare`].
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn new(device: &Device, denoiser: D) -> Result<Self, Error> {
        Ok(Self {
            device: device.clone(),
            denoiser,
            shape: [0; 3],
            x: Array::zeros(device, 1)?,
            denoised: Array::zeros(device, 1)?,
            sigma: Array::zeros(device, 1)?,
            level: Array::zeros(device, 1)?,
            first: None,
        })
    }

    /// Take up to `pictures` of this shape \[channels, height, width\] at a time; more are evaluated one batch after another.
    ///
    /// # Errors
    /// [`Error::Plan`] for no pictures or no pixels, [`Error::OutOfMemory`].
    pub fn prepare(&mut self, pictures: usize, shape: [usize; 3]) -> Result<(), Error> {
        let n = shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size)).unwrap_or(usize::MAX);
        require((1..=1 << 36).contains(&n), "elements of a picture", "1 to 2^36", n)?;
        require((1..=65_535).contains(&pictures), "pictures at a time", "1 to 65535", pictures)?;
        let total = n * pictures;
        if total != self.x.len() {
            (self.x, self.denoised) = (Array::zeros(&self.device, 1)?, Array::zeros(&self.device, 1)?);
            (self.x, self.denoised) = (Array::zeros(&self.device, total)?, Array::zeros(&self.device, total)?);
        }
        self.shape = shape;
        Ok(())
    }

    /// Say which chain the first picture of a call belongs to, see [`CudaDenoiser::plan`].
    pub fn set_chains(&mut self, first: Option<Chain>) {
        self.first = first;
    }

    /// The denoiser, for walks on the device.
    pub fn denoiser(&mut self) -> &mut D {
        &mut self.denoiser
    }

    fn batch(&mut self, place: usize, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), Error> {
        let n: usize = self.shape.iter().product();
        let chain = |first: Chain| Chain { chain: first.chain.wrapping_add(place as u64), ..first };
        self.denoiser.plan(&self.device, x.len() / n, self.shape, &[sigma], self.first.map(chain))?;
        self.sigma.write(&self.device, &[sigma])?;
        self.level.write(&self.device, &[0])?;
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
        let n = self.shape.iter().product::<usize>().max(1);
        let whole = x.len() / n * n;
        if whole != x.len() {
            return Err(Error::Length { name: "x (whole pictures)", expected: whole, found: x.len() });
        }
        if denoised.len() != x.len() {
            return Err(Error::Length { name: "denoised", expected: x.len(), found: denoised.len() });
        }
        let most = self.x.len();
        let batches = x.chunks(most).zip(denoised.chunks_mut(most)).enumerate();
        batches.into_iter().try_for_each(|(k, (x, denoised))| self.batch(k * (most / n), x, sigma, denoised))
    }
}
