//! A denoiser of the caller's own kernels.

use crate::array::Array;
use crate::chains::require;
use crate::denoiser::{CudaDenoiser, Io};
use crate::device::Device;
use crate::error::Error;
use crate::kernel::{Kernel, Module, arguments};
use rwt_core::Chain;

/// One of the caller's kernels, and how it is launched: a grid of ⌈elements / (threads · each)⌉ × chains blocks, where
/// elements are those of one picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// Its name in the PTX or cubin: `extern "C" __global__`.
    pub name: String,
    /// Threads of a block.
    pub threads: u32,
    /// Elements that a thread makes.
    pub each: u32,
    /// Bytes of dynamic shared memory, with the static at most 48 KiB.
    pub shared: u32,
}

/// A denoiser of the caller's own kernels, in PTX or a cubin. They are enqueued one after another, each as
///
/// ```c
/// extern "C" __global__ void name(const float *x, float *denoised, const double *sigma, const unsigned *level,
///                                 unsigned chains, unsigned channels, unsigned height, unsigned width,
///                                 const void *data, void *workspace);
/// ```
///
/// x and denoised are \[chains, channels, height, width\]; \*sigma is the noise level and \*level its place in the walk; data
/// is what the caller gave, workspace memory of the asked size that nobody else writes during an evaluation. The last one
/// must have written all of denoised; x must stay as it is. blockIdx.y is the chain. See examples/cuda_kernel.
#[derive(Debug)]
pub struct UserKernels {
    kernels: Vec<(Kernel, Launch)>,
    data: Array<u8>,
    workspace_per_chain: usize,
    workspace: Option<Array<u8>>,
    chains: usize,
    shape: [usize; 3],
}

impl UserKernels {
    /// Load an image, PTX text or a cubin, and look the kernels up. `data` goes to the device now; `workspace` is in bytes a
    /// chain.
    ///
    /// # Errors
    /// [`Error::Driver`] for an image that the driver refuses, [`Error::Launch`] for a kernel that it has not,
    /// [`Error::Plan`] for no kernels or no threads, [`Error::OutOfMemory`].
    pub fn load(
        device: &Device,
        image: &[u8],
        launches: &[Launch],
        data: &[u8],
        workspace: usize,
    ) -> Result<Self, Error> {
        require(!launches.is_empty(), "kernels", "at least 1", 0)?;
        for launch in launches {
            require((1..=1024).contains(&launch.threads), "threads", "1 to 1024", launch.threads as usize)?;
            require(launch.each > 0, "elements of a thread", "at least 1", 0)?;
            require(launch.shared <= 48 << 10, "bytes of shared memory", "at most 49152", launch.shared as usize)?;
        }
        let module = Module::load(device, image)?;
        let kernels = launches.iter().map(|launch| Ok((module.kernel(&launch.name)?, launch.clone())));
        Ok(Self {
            kernels: kernels.collect::<Result<_, Error>>()?,
            data: Array::from_host(device, data)?,
            workspace_per_chain: workspace,
            workspace: None,
            chains: 0,
            shape: [0; 3],
        })
    }
}

impl CudaDenoiser for UserKernels {
    fn plan(
        &mut self,
        device: &Device,
        chains: usize,
        shape: [usize; 3],
        _: &[f64],
        _: Option<Chain>,
    ) -> Result<(), Error> {
        for size in shape.into_iter().chain([chains]) {
            require(u32::try_from(size).is_ok(), "chains, channels, height and width", "below 2^32", size)?;
        }
        let needed = self.workspace_per_chain.saturating_mul(chains);
        if self.workspace.as_ref().is_none_or(|workspace| workspace.len() < needed) {
            self.workspace = Some(Array::zeros(device, needed)?);
        }
        (self.chains, self.shape) = (chains, shape);
        Ok(())
    }

    fn enqueue(&mut self, io: &Io) -> Result<(), Error> {
        let [channels, height, width] = self.shape.map(|size| size as u32);
        let (chains, elements) = (self.chains as u32, self.shape.iter().product::<usize>() as u64);
        let (data, workspace) = (self.data.address(), self.workspace.as_ref().map_or(0, Array::address));
        let Io { x, denoised, sigma, level } = *io;
        let arguments = arguments![x, denoised, sigma, level, chains, channels, height, width, data, workspace];
        for (kernel, Launch { threads, each, shared, .. }) in &self.kernels {
            let blocks = elements.div_ceil(u64::from(*threads) * u64::from(*each));
            let blocks = u32::try_from(blocks).unwrap_or(u32::MAX);
            // SAFETY: the documented parameters, which the caller promises with the image; all arrays live as long as self.
            unsafe { kernel.launch([blocks, chains, 1], [*threads, 1, 1], *shared, arguments)? };
        }
        Ok(())
    }
}
