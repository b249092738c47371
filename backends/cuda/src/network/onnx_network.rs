//! A denoiser in an ONNX file, on the device.

use super::arena::Places;
use super::kernels::Kernels;
use super::lower::lower;
use super::operators;
use super::planned::Planned;
use super::precision::Precision;
use super::shapes::Edges;
use crate::chains::require;
use crate::denoiser::{CudaDenoiser, Io};
use crate::device::Device;
use crate::error::Error;
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
    /// Launches of an evaluation.
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
        Ok(Self { network, precision: Precision::F32, kernels: None, planned: None })
    }

    /// In these numbers from now on; [`Precision::F32`] before. The next plan is made anew, and in bf16 it is
    /// [`Error::TooOld`] on a device of a compute capability below 8.0.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, kernels: None, planned: None, ..self }
    }

    /// What the model says about itself.
    pub fn info(&self) -> &ModelInfo {
        self.network.info()
    }

    /// What it takes of the device, once it is planned.
    pub fn needed(&self) -> Option<Needed> {
        self.planned.as_ref().map(|(planned, ..)| planned.needed)
    }

    fn build(&mut self, device: &Device, chains: usize, shape: [usize; 3], levels: usize) -> Result<Planned, Error> {
        let [_, height, width] = shape;
        let [padded_height, padded_width] = self.network.padded(height, width)?;
        let graph = self.network.at(chains, [padded_height, padded_width])?;
        let answers = graph.values[graph.output].shape[1];
        let lowered = lower(&graph, self.precision)?;
        let kernels = match &self.kernels {
            Some(kernels) => Arc::clone(kernels),
            None => Arc::new(Kernels::load(device, self.precision)?),
        };
        self.kernels = Some(Arc::clone(&kernels));
        let info = self.network.info();
        let [height, width, padded_height, padded_width, margin, channels, answers, pictures] =
            [height, width, padded_height, padded_width, info.margin, info.channels, answers, chains].map(|n| n as u32);
        let size = Edges { height, width, padded_height, padded_width, margin, channels, answers, pictures };
        let weights = self.planned.take().map(|(planned, ..)| planned.weights()); // its memory is free now
        Planned::new(device, kernels, &lowered, size, weights, levels)
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
        let channels = self.info().channels;
        if shape[0] != channels {
            return Err(rwt_onnx::Error::Channels { expected: channels, found: shape[0] }.into());
        }
        let most = 65_535 / channels; // blocks in y
        require((1..=most).contains(&chains), "chains", "1 to 65535 planes together", chains)?;
        let levels = sigmas.iter().map(|&sigma| self.network.level(sigma)).collect::<Result<Vec<_>, _>>()?;
        let is_same = self.planned.as_ref().is_some_and(|(_, of, size)| (*of, *size) == (chains, shape));
        if !is_same {
            let planned = self.build(device, chains, shape, levels.len())?;
            self.planned = Some((planned, chains, shape));
        }
        let size = self.network.padded(shape[1], shape[2])?;
        let mask = if size[0] == size[1] { 7 } else { 6 };
        let symmetry = |sigma: f64, picture: usize| {
            let chain = |first: Chain| Chain { chain: first.chain.wrapping_add(picture as u64), ..first };
            first.map_or(0, |first| self.network.symmetry(chain(first), sigma) & mask)
        };
        let symmetries = sigmas.iter().flat_map(|&sigma| (0..chains).map(move |picture| (sigma, picture)));
        let symmetries: Vec<u32> = symmetries.map(|(sigma, picture)| symmetry(sigma, picture)).collect();
        let (planned, ..) = self.planned.as_mut().expect("just planned");
        planned.set_levels(device, &levels, &symmetries)
    }

    fn enqueue(&mut self, io: &Io) -> Result<(), Error> {
        self.planned.as_ref().ok_or(Error::NotPlanned)?.0.enqueue(io)
    }
}
