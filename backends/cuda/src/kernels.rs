//! The kernels of walks, loaded once a device.

use crate::device::Device;
use crate::error::Error;
use crate::kernel::{Kernel, Module};

/// What every walk needs.
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
}

impl Kernels {
    pub fn load(device: &Device) -> Result<Self, Error> {
        let module = Module::load(device, include_bytes!("../ptx/step.ptx"))?;
        let kernel = |name: &str| module.kernel(name);
        Ok(Self {
            begin: kernel("rwt_begin")?,
            step: kernel("rwt_step")?,
            next: kernel("rwt_next")?,
            fill: kernel("rwt_fill")?,
        })
    }
}
