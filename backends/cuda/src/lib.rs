//! Walks of `rwt` and their denoisers on NVIDIA's GPUs, without a trip to the host in between.
//!
//! Nothing of CUDA is needed to build this; the driver is looked for when a [`Device`] is opened.

mod array;
mod denoiser;
mod device;
mod driver;
mod error;
mod kernel;

pub use array::{Array, Element};
pub use denoiser::{CudaDenoiser, Io};
pub use device::Device;
pub use driver::{DeviceInfo, devices};
pub use error::Error;
pub use kernel::{Kernel, Module};
