//! A denoiser on an NVIDIA GPU, and the walks that can stay there.

use crate::denoiser_options::refusal;
use crate::noise_model::Noise;
use crate::operator::{Diagonal, Kind, Measurement};
use crate::status::{Failure, rwt_status_code, rwt_status_code::*};
use rwt_core::{Chain, Denoiser, Method, Step, Walk};
use rwt_cuda::{
    Chains, Condition, CudaDenoiser, Device, DeviceFourier, DeviceMask, Error, Libraries, OnHost, OnnxNetwork,
    Precision, Prior, RuntimeNetwork, Watch,
};
use rwt_onnx::{ModelInfo, RuntimeOptions};
use std::ffi::CString;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Pictures of an evaluation, where nobody says.
const BATCH: usize = 16;

/// A network, whoever computes it.
type Network = Box<dyn CudaDenoiser + Send>;

/// A network on a device; one thread at a time uses it.
pub(crate) struct CudaModel {
    pub info: ModelInfo,
    pub engine: CString,
    batch: usize,
    device: Device,
    on_host: Mutex<OnHost<Network>>,
}

/// Who computes a network on a device.
pub(crate) enum Computer<'a> {
    /// Kernels of our own, and NVIDIA's libraries.
    Own(Precision, Libraries),
    OnnxRuntime(&'a RuntimeOptions),
}

/// One thread's access, for images of one shape.
pub(crate) struct CudaEvaluator<'a> {
    model: &'a CudaModel,
    shape: [usize; 3],
    pictures: usize,
    first: Option<Chain>,
}

/// A walk of several chains.
pub(crate) struct DeviceWalk<'a> {
    pub levels: &'a [f64],
    pub method: Method,
    pub first: Chain,
    pub chains: usize,
}

impl CudaModel {
    pub fn open(
        path: &str,
        keys: &[(&str, &str)],
        index: usize,
        batch: usize,
        computer: &Computer<'_>,
    ) -> Result<Self, Failure> {
        let named = |error| match error {
            Error::Network(error) => refusal(path, &error),
            error @ Error::Operator { .. } => Failure::new(RWT_ERR_MODEL, format!("{path}: {error}")),
            error => failure(error),
        };
        let device = Device::open(index).map_err(failure)?;
        let (network, info, engine): (Network, ModelInfo, String) = match *computer {
            Computer::OnnxRuntime(options) => {
                let network = RuntimeNetwork::open(&device, path, keys, options).map_err(named)?;
                let (info, engine) = (network.info().clone(), network.engine());
                (Box::new(network), info, engine)
            }
            Computer::Own(precision, libraries) => {
                precision.check(&device).map_err(failure)?;
                let network = OnnxNetwork::open(path, keys).map_err(named)?;
                let info = network.info().clone();
                let engine = if precision == Precision::Bf16 { "CUDA in bf16" } else { "CUDA" };
                (Box::new(network.with_precision(precision).with_libraries(libraries)), info, engine.into())
            }
        };
        let engine = CString::new(format!("{engine}, {}", device.info().name)).unwrap_or_default();
        let on_host = Mutex::new(OnHost::new(&device, network).map_err(failure)?);
        let batch = if batch == 0 { BATCH } else { batch.min(65_535) };
        Ok(Self { info, engine, batch, device, on_host })
    }

    fn lock(&self) -> MutexGuard<'_, OnHost<Network>> {
        self.on_host.lock().unwrap_or_else(PoisonError::into_inner) // it is planned anew for each use
    }

    pub fn evaluator(&self, shape: [usize; 3]) -> CudaEvaluator<'_> {
        CudaEvaluator { model: self, shape, pictures: self.batch, first: None }
    }
}

impl CudaEvaluator<'_> {
    pub fn batch(&self) -> usize {
        self.pictures
    }

    pub fn prepare(&mut self, pictures: usize) -> Result<(), Failure> {
        self.pictures = self.pictures.min(pictures.max(1));
        self.model.lock().prepare(self.pictures, self.shape).map_err(failure)
    }

    /// Which chains the pictures belong to. Slices of volumes are shown as they are.
    pub fn begin(&mut self, chain: Chain, slices: NonZeroUsize) {
        self.first = (slices == NonZeroUsize::MIN).then_some(chain);
    }

    pub fn denoise(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), String> {
        let mut on_host = self.model.lock();
        on_host.prepare(self.pictures, self.shape).map_err(|error| error.to_string())?; // others may have used it
        on_host.set_chains(self.first);
        on_host.denoise(x, sigma, denoised).map_err(|error| error.to_string())
    }

    /// Sample the posterior on the device; `None` where it cannot be walked there.
    pub fn posterior(
        &mut self,
        operator: &Measurement,
        (y, eta): (&[f32], f64),
        prior: Prior,
        walk: &DeviceWalk<'_>,
        x: &mut [f32],
        watch: Watch<'_>,
    ) -> Option<Result<(), Error>> {
        let is_known = matches!(walk.method, Method::GuidedLookAhead | Method::Preconditioned { .. });
        if !is_known || !matches!(operator.noise, Noise::Gaussian) {
            return None;
        }
        let (device, [channels, height, width]) = (&self.model.device, self.shape);
        let mut on_host = self.model.lock(); // what is enqueued from here on is on the device's one stream
        let on_host = &mut *on_host;
        match &operator.kind {
            Kind::Mask(mask) => {
                let condition = DeviceMask::new(device, &mask.mask, mask.channels, y, eta);
                Some(condition.and_then(|condition| self.conditioned(on_host, condition, prior, walk, x, watch)))
            }
            Kind::Diagonal(_, Diagonal::Blur { kernel, size }) => {
                let condition = DeviceFourier::blur(device, [channels, height, width], kernel, *size, y, eta);
                Some(condition.and_then(|condition| self.conditioned(on_host, condition, prior, walk, x, watch)))
            }
            Kind::Diagonal(_, Diagonal::Fourier { mask }) => {
                let condition = DeviceFourier::undersampled(device, height, width, mask, y, eta);
                Some(condition.and_then(|condition| self.conditioned(on_host, condition, prior, walk, x, watch)))
            }
            Kind::Other(_) => None,
        }
    }

    fn conditioned(
        &self,
        on_host: &mut OnHost<Network>,
        mut condition: impl Condition,
        prior: Prior,
        walk: &DeviceWalk<'_>,
        x: &mut [f32],
        watch: Watch<'_>,
    ) -> Result<(), Error> {
        let mut chains = Chains::new(&self.model.device, on_host.denoiser(), walk.chains, self.shape)?;
        let walked = chains.posterior(&mut condition, prior, walk.levels, walk.method, walk.first, Some(watch));
        self.fetch(&chains, walked, x)
    }

    /// Walk rows on the device.
    pub fn prior(
        &mut self,
        rows: &[Step],
        first: Chain,
        count: usize,
        x: &mut [f32],
        watch: Watch<'_>,
    ) -> Result<(), Error> {
        let mut on_host = self.model.lock();
        let mut chains = Chains::new(&self.model.device, on_host.denoiser(), count, self.shape)?;
        let walked = chains.walk(&Walk::new(rows)?, first, Some(watch));
        self.fetch(&chains, walked, x)
    }

    /// The samples, or of a walk that is cancelled the newest denoised images.
    fn fetch<D>(&self, chains: &Chains<D>, walked: Result<(), Error>, x: &mut [f32]) -> Result<(), Error>
    where
        D: CudaDenoiser,
    {
        match walked {
            Ok(()) => chains.x().read(&self.model.device, x),
            Err(error @ Error::Cancelled { .. }) => {
                chains.denoised().read(&self.model.device, x)?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }
}

/// What a device's error is to a C program.
pub(crate) fn failure(error: Error) -> Failure {
    let code: rwt_status_code = match &error {
        Error::NoDriver { .. } | Error::NoDevice { .. } | Error::TooOld { .. } => RWT_ERR_UNSUPPORTED,
        Error::OutOfMemory { .. } => RWT_ERR_MEMORY,
        Error::NotFinite { .. } => RWT_ERR_NOT_FINITE,
        Error::Cancelled { .. } => RWT_ERR_CANCELLED,
        Error::Plan(_) | Error::Length { .. } => RWT_ERR_ARGUMENT,
        _ => RWT_ERR_DENOISER,
    };
    Failure::new(code, error.to_string())
}
