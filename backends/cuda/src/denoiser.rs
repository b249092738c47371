//! The seam to networks on the device.

use crate::device::Device;
use crate::error::Error;
use cudarc::driver::sys::CUdeviceptr;
use rwt_core::Chain;

/// Where an evaluation reads and writes, all in the device's memory. Nothing of it changes while a graph is replayed, but
/// what is in the arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Io {
    /// x, f32 \[chains, channels, height, width\]; not to be written.
    pub x: CUdeviceptr,
    /// Where D(x, σ) goes, of the same shape.
    pub denoised: CUdeviceptr,
    /// σ, one f64.
    pub sigma: CUdeviceptr,
    /// Which of the levels of [`CudaDenoiser::plan`] σ is, one u32.
    pub level: CUdeviceptr,
}

/// An MMSE denoiser D(x, σ) = E\[X | X + σ n = x\] whose work is enqueued on a device's stream.
pub trait CudaDenoiser {
    /// Get ready to evaluate this many pictures at a time at these noise levels: allocate and upload everything. `shape` is
    /// \[channels, height, width\]. Called before each walk; a second call for the same pictures only takes in the levels.
    /// `first` is the chain of the first picture, for a denoiser that shows a picture in symmetries chosen by chain and level;
    /// without it pictures are shown as they are.
    ///
    /// # Errors
    /// What cannot be evaluated, or is not to be had.
    fn plan(
        &mut self,
        device: &Device,
        chains: usize,
        shape: [usize; 3],
        sigmas: &[f64],
        first: Option<Chain>,
    ) -> Result<(), Error>;

    /// Enqueue one evaluation on [`Device::stream`]: without waiting, copying from or to the host, or allocating, for it may
    /// be captured into a graph that is replayed for every level.
    ///
    /// # Errors
    /// A kernel that could not be enqueued.
    fn enqueue(&mut self, io: &Io) -> Result<(), Error>;

    /// May what [`CudaDenoiser::enqueue`] enqueues be captured into a graph? If not, a walk calls it for every evaluation.
    fn is_capturable(&self) -> bool {
        true
    }
}

macro_rules! forwarded {
    ($($holder:ty),*) => { $(
        impl<D: CudaDenoiser + ?Sized> CudaDenoiser for $holder {
            fn plan(
                &mut self,
                device: &Device,
                chains: usize,
                shape: [usize; 3],
                sigmas: &[f64],
                first: Option<Chain>,
            ) -> Result<(), Error> {
                (**self).plan(device, chains, shape, sigmas, first)
            }

            fn enqueue(&mut self, io: &Io) -> Result<(), Error> {
                (**self).enqueue(io)
            }

            fn is_capturable(&self) -> bool {
                (**self).is_capturable()
            }
        }
    )* };
}
forwarded!(&mut D, Box<D>);
