//! Walks of `rwt` and their denoisers on NVIDIA's GPUs, without a trip to the host in between.
//!
//! Nothing of CUDA is needed to build this; the driver is looked for when a [`Device`] is opened.

mod array;
mod chains;
mod condition;
mod denoiser;
mod device;
mod driver;
mod error;
mod fourier;
mod graph;
mod kernel;
mod kernels;
mod libraries;
mod mask;
mod moments;
mod network;
mod on_host;
mod posterior;
mod row;
mod spectrum;
mod user_kernels;

pub use array::{Array, Element};
pub use chains::{Chains, Watch};
pub use condition::{Condition, Place};
pub use denoiser::{CudaDenoiser, Io};
pub use device::Device;
pub use driver::{DeviceInfo, devices};
pub use error::Error;
pub use fourier::DeviceFourier;
pub use kernel::{Kernel, Module};
pub use libraries::{Libraries, LibraryUse};
pub use mask::DeviceMask;
pub use moments::DeviceMoments;
pub use network::{Needed, OnnxNetwork, Precision, RuntimeNetwork};
pub use on_host::OnHost;
pub use posterior::Prior;
pub use user_kernels::{Launch, UserKernels};
