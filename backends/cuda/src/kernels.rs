//! The kernels of walks, loaded once a device.

use crate::device::Device;
use crate::error::Error;
use crate::kernel::Kernel;

/// Threads of a block of the kernels that make noise, each of which makes 16 elements.
pub(crate) const STEP_THREADS: u32 = 128;
/// Threads of a block of the others.
pub(crate) const THREADS: u32 = 256;

/// Enough blocks of [`THREADS`] for so many elements, over which they stride.
pub(crate) fn blocks_of(elements: u64) -> u32 {
    elements.div_ceil(u64::from(THREADS)).clamp(1, 4096) as u32
}

/// What walks need, whatever was measured.
#[derive(Debug)]
pub(crate) struct Kernels {
    /// Make σ of the present row known.
    pub begin: Kernel,
    /// x ← the row's sum.
    pub step: Kernel,
    /// The next row.
    pub next: Kernel,
    /// One value everywhere.
    pub fill: Kernel,
    /// The length of the pull, in parts.
    pub length: Kernel,
    /// The step of the difference along it.
    pub delta: Kernel,
    /// x moved along it.
    pub displace: Kernel,
    /// What the denoiser makes of that.
    pub covariance: Kernel,
    /// The step along this.
    pub guide: Kernel,
    /// The last place.
    pub end: Kernel,
}

impl Kernels {
    pub fn load(device: &Device) -> Result<Self, Error> {
        let step = device.module(include_str!("../ptx/step.ptx"))?;
        let posterior = device.module(include_str!("../ptx/posterior.ptx"))?;
        Ok(Self {
            begin: step.kernel("rwt_begin")?,
            step: step.kernel("rwt_step")?,
            next: step.kernel("rwt_next")?,
            fill: step.kernel("rwt_fill")?,
            length: posterior.kernel("rwt_length")?,
            delta: posterior.kernel("rwt_delta")?,
            displace: posterior.kernel("rwt_displace")?,
            covariance: posterior.kernel("rwt_covariance")?,
            guide: posterior.kernel("rwt_guide")?,
            end: posterior.kernel("rwt_end")?,
        })
    }
}
