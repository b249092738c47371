//! Missing pixels.

use crate::array::Array;
use crate::condition::{Condition, Place};
use crate::device::Device;
use crate::error::Error;
use crate::kernel::{Kernel, arguments};
use crate::kernels::{STEP_THREADS, THREADS, blocks_of};

/// y = x + η n at the pixels that a mask keeps, the same ones for every channel.
#[derive(Debug)]
pub struct DeviceMask {
    mask: Array<u8>,
    y: Array<f32>,
    channels: usize,
    eta: f64,
    pull: Kernel,
    sums: Kernel,
    precondition: Kernel,
}

impl DeviceMask {
    /// `mask` has a byte for each pixel, not 0 where it was measured; `y` has the layout of the image \[channels, pixels\] and may
    /// hold anything where nothing was measured.
    ///
    /// # Errors
    /// [`Error::Plan`] for no pixels or channels, an η that is not positive, or a y that is not finite; [`Error::Length`];
    /// [`Error::OutOfMemory`].
    pub fn new(device: &Device, mask: &[u8], channels: usize, y: &[f32], eta: f64) -> Result<Self, Error> {
        rwt_core::Mask::new(mask, channels)?;
        let expected = mask.len() * channels;
        if y.len() != expected {
            return Err(Error::Length { name: "y", expected, found: y.len() });
        }
        let wrong = |name, expected, found| Err(rwt_core::Error::Parameter { name, expected, found }.into());
        if !(eta > 0.0 && eta.is_finite()) {
            return wrong("eta", "finite and above 0", eta);
        }
        let kept = y.iter().enumerate().filter(|(i, _)| mask[i % mask.len()] != 0);
        if let Some((_, y)) = kept.clone().find(|(_, y)| !y.is_finite()) {
            return wrong("y", "finite where the mask keeps it", f64::from(*y));
        }
        let module = device.module(include_str!("../ptx/mask.ptx"))?;
        Ok(Self {
            mask: Array::from_host(device, mask)?,
            y: Array::from_host(device, y)?,
            channels,
            eta,
            pull: module.kernel("rwt_mask_pull")?,
            sums: module.kernel("rwt_mask_sums")?,
            precondition: module.kernel("rwt_mask_precondition")?,
        })
    }
}

impl Condition for DeviceMask {
    fn eta(&self) -> f64 {
        self.eta
    }

    fn image_len(&self) -> usize {
        self.y.len()
    }

    fn plan(&mut self, _: &Device, _: usize) -> Result<(), Error> {
        Ok(())
    }

    fn pull(&self, place: &Place) -> Result<(), Error> {
        let (pixels, channels, eta) = (self.mask.len() as u64, self.channels as u32, self.eta);
        let (mask, y) = (self.mask.address(), self.y.address());
        let Place { denoised, u, levels, level, bad, .. } = *place;
        let arguments = arguments![levels, level, eta, pixels, channels, mask, y, denoised, u, bad];
        let grid = [blocks_of(pixels), place.chains as u32, 1];
        // SAFETY: rwt_mask_pull's parameters, arrays of chains * n elements, y of n, the mask of one plane.
        unsafe { self.pull.launch(grid, [THREADS, 1, 1], 0, arguments) }
    }

    fn sums(&self, place: &Place) -> Result<(), Error> {
        let (pixels, channels) = (self.mask.len() as u64, self.channels as u32);
        let (mask, y) = (self.mask.address(), self.y.address());
        let Place { denoised, g, parts: [gg, rg], .. } = *place;
        let arguments = arguments![pixels, channels, mask, y, denoised, g, gg, rg];
        let grid = [Place::BLOCKS, place.chains as u32, 1];
        // SAFETY: rwt_mask_sums' parameters, lengths as above; a part for each block.
        unsafe { self.sums.launch(grid, [THREADS, 1, 1], 0, arguments) }
    }

    fn precondition(&self, place: &Place) -> Result<(), Error> {
        let (pixels, channels, eta) = (self.mask.len() as u64, self.channels as u32, self.eta);
        let (mask, y, n) = (self.mask.address(), self.y.address(), self.y.len() as u64);
        let Place { x, denoised, levels, level, bad, .. } = *place;
        let (seed, chain) = (place.first.seed, place.first.chain);
        let arguments = arguments![levels, level, eta, seed, chain, pixels, channels, mask, y, denoised, x, bad];
        let grid = [n.div_ceil(16 * u64::from(STEP_THREADS)) as u32, place.chains as u32, 1];
        // SAFETY: rwt_mask_precondition's parameters, lengths as above.
        unsafe { self.precondition.launch(grid, [STEP_THREADS, 1, 1], 0, arguments) }
    }
}
