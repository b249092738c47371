//! The seam to what was measured.

use crate::device::Device;
use crate::error::Error;
use cudarc::driver::sys::CUdeviceptr;
use rwt_core::Chain;

/// Where a walk stands, all in the device's memory.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// x, f32 \[chains, n\].
    pub x: CUdeviceptr,
    /// D(x, σ), \[chains, n\].
    pub denoised: CUdeviceptr,
    /// The pull of the measurement u, \[chains, n\].
    pub u: CUdeviceptr,
    /// Of guided look-ahead: Cov(X|x) u, \[chains, n\].
    pub g: CUdeviceptr,
    /// The parts of |A g|² and of (y − A D)·A g, f64 \[chains, [`Place::BLOCKS`]\] each.
    pub parts: [CUdeviceptr; 2],
    /// The levels' scalars, [`rwt_core::Level`] each.
    pub levels: CUdeviceptr,
    /// Which of them is the present one, one u32.
    pub level: CUdeviceptr,
    /// What is not finite, one u64: the smallest (level · 2⁴⁰ + element over all chains).
    pub bad: CUdeviceptr,
    /// Chains.
    pub chains: usize,
    /// The noise of the first of them.
    pub first: Chain,
}

impl Place {
    /// Into how many parts, each of a block of threads, a sum over a chain is cut.
    pub const BLOCKS: u32 = 64;
}

/// Measurements y = A x + η n on a device, and how a walk follows them; everything is enqueued, as by
/// [`CudaDenoiser::enqueue`](crate::CudaDenoiser::enqueue).
pub trait Condition {
    /// η.
    fn eta(&self) -> f64;

    /// Elements of a picture.
    fn image_len(&self) -> usize;

    /// Get ready for so many chains.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    fn plan(&mut self, device: &Device, chains: usize) -> Result<(), Error>;

    /// u ← Aᵀ(η² + q A Aᵀ)⁻¹(y − A D); what of D is not finite is noted.
    ///
    /// # Errors
    /// A kernel that could not be enqueued; so in what follows.
    fn pull(&self, place: &Place) -> Result<(), Error>;

    /// The parts of |A g|² and of (y − A D)·A g.
    fn sums(&self, place: &Place) -> Result<(), Error>;

    /// A level of the preconditioned walk.
    fn precondition(&self, place: &Place) -> Result<(), Error>;
}
