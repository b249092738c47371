//! A denoiser in an ONNX file, on the device.

use super::arena::Places;
use super::borders::Borders;
use super::calls::Calls;
use super::kernels::Kernels;
use super::lower::lower;
use super::operators;
use super::planned::Planned;
use super::precision::Precision;
use crate::denoiser::{CudaDenoiser, Io};
use crate::device::Device;
use crate::error::Error;
use crate::libraries::{Libraries, LibraryUse, Opened};
use rwt_core::Chain;
use rwt_onnx::{ModelInfo, Network};
use std::path::Path;
use std::sync::Arc;

/// A denoiser in an ONNX file whose network is executed on the device, in f32 unless [`OnnxNetwork::with_precision`] says
/// otherwise. The files are those of `rwt_onnx`, and in f32 D(x, σ) is the same to about 1e-6: the same conventions, padding
/// and symmetries, and results that are reproduced bit by bit.
///
/// What depends on the noise level alone is computed once a level, in [`CudaDenoiser::plan`]; an evaluation is a sequence
/// of launches. A picture that is not square once padded is not transposed among its symmetries.
pub struct OnnxNetwork {
    network: Network,
    precision: Precision,
    kernels: Option<Arc<Kernels>>,
    libraries: Libraries,
    opened: Option<Arc<Opened>>,
    planned: Option<(Planned, usize, [usize; 3])>,
}

/// What a planned network takes of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needed {
    /// Bytes of the weights as they are used, and of constants made of them.
    pub weights: u64,
    /// Bytes of what an evaluation computes, which shares memory as soon as it is no longer needed.
    pub activations: u64,
    /// Bytes of tables, by noise level and by kernel.
    pub tables: u64,
    /// Launches of an evaluation, and calls of libraries, each of which may be several.
    pub launches: usize,
}

impl std::fmt::Debug for OnnxNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxNetwork").field("info", self.info()).field("needed", &self.needed()).finish_non_exhaustive()
    }
}

impl OnnxNetwork {
    /// Read and check a file, with metadata that it lacks, such as `("rwt.time", "sigma")`. No device is needed yet.
    ///
    /// # Errors
    /// [`Error::Network`] for a file that is damaged or no denoiser; [`Error::Operator`] for a node that cannot be computed
    /// on the device.
    pub fn open(path: impl AsRef<Path>, keys: &[(&str, &str)]) -> Result<Self, Error> {
        Self::new(Network::open(path, keys)?)
    }

    /// The same from the bytes of a file.
    ///
    /// # Errors
    /// As [`OnnxNetwork::open`].
    pub fn from_bytes(bytes: Vec<u8>, keys: &[(&str, &str)]) -> Result<Self, Error> {
        Self::new(Network::from_bytes(bytes, keys)?)
    }

    /// Try the smallest picture that is not square.
    fn new(network: Network) -> Result<Self, Error> {
        operators::check(&network)?;
        let size = network.padded(1, network.info().multiple + 1)?;
        Places::new(&lower(&network.at(1, size)?, Precision::F32)?);
        let (precision, libraries) = (Precision::F32, Libraries::default());
        Ok(Self { network, precision, kernels: None, libraries, opened: None, planned: None })
    }

    /// In these numbers from now on; [`Precision::F32`] before. The next plan is made anew, and in bf16 it is
    /// [`Error::TooOld`] on a device of a compute capability below 8.0.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, kernels: None, planned: None, ..self }
    }

    /// Let NVIDIA's libraries compute these steps, if they open when it is planned: without this, none.
    ///
    /// They are looked for in the folders of `RWT_CUDA_LIBRARIES` (absolute ones, separated as in PATH), then where the
    /// system's loader looks: cuDNN 9 (`libcudnn.so.9`, `cudnn64_9.dll`) and cuBLASLt of CUDA 13 or 12 (`libcublasLt.so.13`,
    /// `cublasLt64_12.dll`, …). Where one is missing, too old, or answers with an error while it is planned, our own kernels
    /// do the work, and [`OnnxNetwork::library_use`] says so. D(x, σ) is the same to about 10⁻⁵.
    #[must_use]
    pub fn with_libraries(self, libraries: Libraries) -> Self {
        Self { libraries, planned: None, ..self }
    }

    /// What the model says about itself.
    pub fn info(&self) -> &ModelInfo {
        self.network.info()
    }

    /// What it takes of the device, once it is planned.
    pub fn needed(&self) -> Option<Needed> {
        self.planned.as_ref().map(|(planned, ..)| planned.needed)
    }

    /// What NVIDIA's libraries compute of it, once it is planned.
    pub fn library_use(&self) -> Option<&LibraryUse> {
        self.planned.as_ref().map(|(planned, ..)| &planned.used)
    }

    fn build(&mut self, device: &Device, chains: usize, shape: [usize; 3], levels: usize) -> Result<Planned, Error> {
        let graph = self.network.at(chains, self.network.padded(shape[1], shape[2])?)?;
        let lowered = lower(&graph, self.precision)?;
        let kernels = match &self.kernels {
            Some(kernels) => Arc::clone(kernels),
            None => Arc::new(Kernels::load(device, self.precision)?),
        };
        self.kernels = Some(Arc::clone(&kernels));
        let opened = match self.libraries {
            Libraries::Never => None,
            _ => Some(Arc::clone(self.opened.get_or_insert_with(|| Arc::new(Opened::new(device))))),
        };
        let calls = Calls::new(self.libraries, opened);
        let borders = Borders::new(device, &self.network, chains, shape)?;
        let weights = self.planned.take().map(|(planned, ..)| planned.weights()); // its memory is free now
        Planned::new(device, kernels, calls, &lowered, borders, weights, levels)
    }
}

impl CudaDenoiser for OnnxNetwork {
    fn plan(
        &mut self,
        device: &Device,
        chains: usize,
        shape: [usize; 3],
        sigmas: &[f64],
        first: Option<Chain>,
    ) -> Result<(), Error> {
        Borders::check(&self.network, chains, shape, sigmas)?;
        let is_same = self.planned.as_ref().is_some_and(|(_, of, size)| (*of, *size) == (chains, shape));
        if !is_same {
            let planned = self.build(device, chains, shape, sigmas.len())?;
            self.planned = Some((planned, chains, shape));
        }
        let (planned, ..) = self.planned.as_mut().expect("just planned");
        planned.set_levels(device, &self.network, sigmas, first)
    }

    fn enqueue(&mut self, io: &Io) -> Result<(), Error> {
        self.planned.as_ref().ok_or(Error::NotPlanned)?.0.enqueue(io)
    }
}
