//! A denoiser in an ONNX file, computed by ONNX Runtime on the walk's own stream.

use super::borders::Borders;
use crate::array::Array;
use crate::denoiser::{CudaDenoiser, Io};
use crate::device::Device;
use crate::error::Error;
use crate::kernel::{Kernel, arguments};
use rwt_core::Chain;
use rwt_onnx::{Arrays, ModelInfo, Network, Provider, RuntimeOptions, StreamBinding, StreamRuntime};
use std::path::Path;
use std::sync::Arc;

/// Threads of the kernel that tells the network the time.
const BLOCK: u32 = 128;

/// A denoiser in an ONNX file whose network ONNX Runtime's CUDA provider computes in f32, on the stream of the walk and between
/// arrays in the device's memory, without copies or waiting. The files, padding and symmetries are those of
/// [`OnnxNetwork`](crate::OnnxNetwork); convolutions are cuDNN's, so that results are near its, not the same.
///
/// Each evaluation is enqueued anew, for ONNX Runtime does not promise that its work can be captured into a graph.
pub struct RuntimeNetwork {
    planned: Option<Planned>,
    runtime: StreamRuntime,
    times: Kernel,
    device: Device,
}

/// For pictures of one number and size.
struct Planned {
    bindings: Vec<StreamBinding>,
    borders: Borders,
    x: Array<f32>,
    /// One of 4 or 8 bytes for each picture.
    time: Array<u64>,
    answer: Array<f32>,
    chains: usize,
    shape: [usize; 3],
}

impl std::fmt::Debug for RuntimeNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuntimeNetwork")
            .field("engine", &self.engine())
            .field("info", self.info())
            .finish_non_exhaustive()
    }
}

impl RuntimeNetwork {
    /// Read and check a file, with metadata that it lacks, such as `("rwt.time", "sigma")`, and start ONNX Runtime's CUDA
    /// provider on this device. Of the options the library counts; the provider is CUDA, in f32, and no operator is left to
    /// the processor.
    ///
    /// # Errors
    /// [`Error::Network`] for a file that is damaged or no denoiser; for no ONNX Runtime, one without the CUDA provider
    /// (`pip install onnxruntime-gpu`), or one whose provider does not start.
    pub fn open(
        device: &Device,
        path: impl AsRef<Path>,
        keys: &[(&str, &str)],
        options: &RuntimeOptions,
    ) -> Result<Self, Error> {
        let number = device.info().index.to_string();
        Self::on(
            device,
            path.as_ref(),
            keys,
            &RuntimeOptions { provider: Provider::Cuda, device: number, ..options.clone() },
        )
    }

    /// The same with ONNX Runtime's provider for the processor, on a stand-in for a device.
    ///
    /// # Errors
    /// As [`RuntimeNetwork::open`].
    ///
    /// # Safety
    /// The device's memory is the host's, and its work is done when it is enqueued.
    #[doc(hidden)]
    pub unsafe fn on_processor(
        device: &Device,
        path: impl AsRef<Path>,
        keys: &[(&str, &str)],
        options: &RuntimeOptions,
    ) -> Result<Self, Error> {
        Self::on(device, path.as_ref(), keys, &RuntimeOptions { provider: Provider::Cpu, ..options.clone() })
    }

    fn on(device: &Device, path: &Path, keys: &[(&str, &str)], options: &RuntimeOptions) -> Result<Self, Error> {
        let network = Network::open(path, keys)?;
        let stream = device.stream().cu_stream().cast();
        // SAFETY: the device keeps its stream, and is the field that is dropped last.
        let runtime = unsafe { StreamRuntime::new(network, options, stream) }?;
        let times = device.module(include_str!("../../ptx/edges.ptx"))?.kernel("rwt_net_times")?;
        Ok(Self { planned: None, runtime, times, device: device.clone() })
    }

    /// What the model says about itself.
    pub fn info(&self) -> &ModelInfo {
        self.runtime.network().info()
    }

    /// ONNX Runtime's version and its provider.
    pub fn engine(&self) -> String {
        self.runtime.name()
    }

    fn build(&self, chains: usize, shape: [usize; 3]) -> Result<Planned, Error> {
        let (device, network, channels) = (&self.device, self.runtime.network(), shape[0]);
        let [height, width] = network.padded(shape[1], shape[2])?;
        let (plane, is_single) = (height * width, self.runtime.is_single());
        let answers = if self.info().conventions.learned_variance { 2 * channels } else { channels };
        let borders = Borders::new(device, network, chains, shape)?;
        let x = Array::zeros(device, chains * channels * plane)?;
        let time = Array::zeros(device, chains)?;
        let answer = Array::zeros(device, chains * answers * plane)?;
        let (pictures, runs) = if is_single { (1, chains) } else { (chains, 1) };
        let bind = |run: usize| {
            let picture = (4 * run * plane) as u64;
            let arrays = Arrays {
                x: x.address() + picture * channels as u64,
                time: time.address(), // the same for all
                answer: answer.address() + picture * answers as u64,
            };
            // SAFETY: arrays of these shapes, which are dropped after the bindings.
            unsafe { self.runtime.bind([pictures, channels, height, width], arrays) }
        };
        let bindings = (0..runs).map(bind).collect::<Result<Vec<_>, _>>()?;
        let mut planned = Planned { bindings, borders, x, time, answer, chains, shape };
        planned.bindings[0].run()?; // chooses algorithms and allocates
        device.synchronize()?;
        Ok(planned)
    }
}

impl CudaDenoiser for RuntimeNetwork {
    fn plan(
        &mut self,
        device: &Device,
        chains: usize,
        shape: [usize; 3],
        sigmas: &[f64],
        first: Option<Chain>,
    ) -> Result<(), Error> {
        if !Arc::ptr_eq(device.stream(), self.device.stream()) {
            let why = "it was opened on another device or stream; open it again on this one".into();
            return Err(rwt_onnx::Error::Provider { provider: Provider::Cuda.to_string(), why }.into());
        }
        Borders::check(self.runtime.network(), chains, shape, sigmas)?;
        if self.planned.as_ref().is_none_or(|planned| (planned.chains, planned.shape) != (chains, shape)) {
            self.planned = None; // its memory is free now
            self.planned = Some(self.build(chains, shape)?);
        }
        let planned = self.planned.as_mut().expect("just planned");
        planned.borders.set_levels(device, self.runtime.network(), sigmas, first)
    }

    fn enqueue(&mut self, io: &Io) -> Result<(), Error> {
        let planned = self.planned.as_mut().ok_or(Error::NotPlanned)?;
        let (levels, level, times) = (planned.borders.levels(), io.level, planned.time.address());
        let (count, is_integer) = (planned.chains as u32, u32::from(self.runtime.has_integer_time()));
        let arguments = arguments![levels, level, times, count, is_integer];
        // SAFETY: rwt_net_times' parameters; the times have 8 bytes for each of count pictures.
        unsafe { self.times.launch([1; 3], [BLOCK, 1, 1], 0, arguments)? };
        planned.borders.enter(io, planned.x.address())?;
        planned.bindings.iter_mut().try_for_each(StreamBinding::run)?;
        planned.borders.leave(io, planned.answer.address())
    }

    fn is_capturable(&self) -> bool {
        false
    }
}

impl Drop for RuntimeNetwork {
    /// What is enqueued uses memory of ONNX Runtime's.
    fn drop(&mut self) {
        let _ = self.device.synchronize();
    }
}
