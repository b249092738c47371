//! The seam to what was measured.

use crate::device::Device;
use crate::error::Error;
use cudarc::driver::sys::CUdeviceptr;
use rwt_core::{Chain, Level};

/// Where a condition reads and writes, all in the device's memory.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// x, \[chains, n\].
    pub x: CUdeviceptr,
    /// D(x, σ), \[chains, n\].
    pub denoised: CUdeviceptr,
    /// Of guided look-ahead: D at the displaced x before, Cov(X|x) u after; \[chains, n\].
    pub g: CUdeviceptr,
    /// The step t along g of each chain, f32.
    pub t: CUdeviceptr,
    /// Which level it is, one u32.
    pub level: CUdeviceptr,
    /// What is not finite, one u64.
    pub bad: CUdeviceptr,
    /// Chains.
    pub chains: usize,
    /// The noise of the first of them.
    pub first: Chain,
}

/// Measurements y = A x + η n on a device, and how a walk follows them; everything is enqueued, as by
/// [`CudaDenoiser::enqueue`](crate::CudaDenoiser::enqueue).
pub trait Condition {
    /// η.
    fn eta(&self) -> f64;

    /// Elements of a picture.
    fn image_len(&self) -> usize;

    /// Get ready for these levels of so many chains.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    fn plan(&mut self, device: &Device, chains: usize, levels: &[Level]) -> Result<(), Error>;

    /// x ← x + δ u, u = Aᵀ(η² + q A Aᵀ)⁻¹(y − A D).
    ///
    /// # Errors
    /// A kernel that could not be enqueued; so in what follows.
    fn pull(&self, place: &Place) -> Result<(), Error>;

    /// g ← σ²/δ (g − D), and t, the step along it.
    fn guide(&self, place: &Place) -> Result<(), Error>;

    /// A level of the preconditioned walk.
    fn precondition(&self, place: &Place) -> Result<(), Error>;

    /// x ← D + q Aᵀ(η² + q A Aᵀ)⁻¹(y − A D).
    fn end(&self, place: &Place) -> Result<(), Error>;
}
