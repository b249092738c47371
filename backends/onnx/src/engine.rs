//! The engines behind one door.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use crate::embedded::{self, Embedded};
use crate::interface::Interface;
use crate::runtime::{self, Runtime};
use crate::source::Source;
use crate::{Error, Precision, Provider};

/// Which engine runs a network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum EngineChoice {
    /// The engine inside this crate, in pure Rust. Evaluators run in parallel, on one thread each.
    #[default]
    Embedded,
    /// ONNX Runtime, found on this machine when the model is opened. One evaluation at a time, on several threads.
    Runtime(RuntimeOptions),
}

/// How ONNX Runtime is found and run. A process uses one library: the first that a model was opened with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuntimeOptions {
    /// The library's file. `None`: that of the environment variable ORT_DYLIB_PATH; without it, the system's, or that of
    /// the Python environment that VIRTUAL_ENV or CONDA_PREFIX names.
    pub library: Option<PathBuf>,
    /// Threads of an evaluation on the CPU; 0: one for each core.
    pub threads: usize,
    /// What computes.
    pub provider: Provider,
    /// Which of the provider's devices: "CPU", "GPU", "GPU.1", "NPU" for OpenVINO (CPU if this is empty), a number for
    /// CUDA, TensorRT and DirectML (0), nothing for the others.
    pub device: String,
    /// The numbers that it may compute with.
    pub precision: Precision,
    /// Operators that the provider lacks may run on the CPU. Without this, a network that has some is refused.
    pub cpu_fallback: bool,
    /// The most pictures of one evaluation; 0: a number that suits the provider and the size. Fewer are taken where more would be
    /// above the budget of memory ([`OpenOptions::memory`](crate::OpenOptions::memory)).
    pub batch: usize,
}

impl FromStr for EngineChoice {
    type Err = String;

    /// From a name as command lines take it: embedded; onnxruntime (on the CPU), openvino, cuda, tensorrt, coreml or
    /// directml, maybe with -bf16 or -f16 behind.
    fn from_str(name: &str) -> Result<Self, String> {
        let (provider, precision) = match name.rsplit_once('-') {
            Some((provider, "bf16")) => (provider, Precision::Bf16),
            Some((provider, "f16")) => (provider, Precision::F16),
            _ => (name, Precision::F32),
        };
        let provider = match provider {
            "embedded" if precision == Precision::F32 => return Ok(Self::Embedded),
            "onnxruntime" => Provider::Cpu,
            "openvino" => Provider::OpenVino,
            "cuda" => Provider::Cuda,
            "tensorrt" => Provider::TensorRt,
            "coreml" => Provider::CoreMl,
            "directml" => Provider::DirectMl,
            _ => {
                let names =
                    "embedded, onnxruntime, openvino, cuda, tensorrt, coreml or directml, maybe with -bf16 or -f16";
                return Err(format!("expected {names}, found {name:?}"));
            }
        };
        Ok(Self::Runtime(RuntimeOptions { provider, precision, ..RuntimeOptions::default() }))
    }
}

/// A loaded network.
pub(crate) enum Engine {
    Embedded(Box<Embedded>),
    Runtime(Box<Runtime>),
}

/// What an evaluator owns of it: the arrays that the engine reads and writes.
pub(crate) enum Worker {
    Embedded(embedded::Worker),
    Runtime(runtime::Worker),
}

impl Engine {
    /// Load a model whose bytes, operators and interface have been checked; `path` is where they come from.
    pub(crate) fn load(
        bytes: Vec<u8>,
        path: Option<&Path>,
        interface: &Interface,
        choice: &EngineChoice,
    ) -> Result<Self, Error> {
        Ok(match choice {
            EngineChoice::Embedded => Self::Embedded(Box::new(Embedded::load(bytes, interface)?)),
            EngineChoice::Runtime(options) => {
                let source = match path.filter(|_| options.provider.wants_fixed_shapes()) {
                    Some(path) => Source::file(bytes, path)?,
                    None => Source::Bytes(Arc::new(bytes)),
                };
                Self::Runtime(Box::new(Runtime::load(source, interface, options)?))
            }
        })
    }

    /// Its name, version and provider.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Embedded(_) => "rten 0.27, CPU",
            Self::Runtime(runtime) => runtime.name(),
        }
    }

    /// The most pictures of so many pixels that it takes at a time. The embedded engine gains nothing from more than one.
    pub(crate) fn batch(&self, pixels: usize) -> usize {
        match self {
            Self::Embedded(_) => 1,
            Self::Runtime(runtime) => runtime.batch(pixels),
        }
    }

    /// Does it take any number of pictures up to the batch, or only one and the batch?
    pub(crate) fn takes_any_number(&self) -> bool {
        matches!(self, Self::Runtime(runtime) if runtime.takes_any_number())
    }

    /// The trial evaluations are over: what was compiled for their shape is not needed any more.
    pub(crate) fn was_tried(&self) {
        if let Self::Runtime(runtime) = self {
            runtime.forget();
        }
    }

    /// Compile for pictures of a shape, if that is done for each.
    pub(crate) fn prepare(&self, shape: [usize; 4]) -> Result<(), Error> {
        match self {
            Self::Embedded(_) => Ok(()),
            Self::Runtime(runtime) => runtime.prepare(shape),
        }
    }

    pub(crate) fn worker(&self) -> Worker {
        match self {
            Self::Embedded(_) => Worker::Embedded(embedded::Worker::new()),
            Self::Runtime(_) => Worker::Runtime(runtime::Worker::default()),
        }
    }

    /// Run on padded pictures of `shape`, \[n, channels, height, width\], that `fill` writes, and hand over the output of
    /// that shape, or with learned variances of twice the channels.
    pub(crate) fn run(
        &self,
        worker: &mut Worker,
        shape: [usize; 4],
        time: f64,
        fill: impl FnOnce(&mut [f32]),
        output: impl FnOnce(&[f32]),
    ) -> Result<(), Error> {
        match (self, worker) {
            (Self::Embedded(engine), Worker::Embedded(worker)) => engine.run(worker, shape, time, fill, output),
            (Self::Runtime(engine), Worker::Runtime(worker)) => engine.run(worker, shape, time, fill, output),
            _ => Err(Error::Engine { stage: "running", message: "the evaluator is another engine's".into() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_have_names() {
        let named = |name: &str| name.parse::<EngineChoice>();
        assert_eq!(named("embedded"), Ok(EngineChoice::Embedded));
        assert_eq!(named("onnxruntime"), Ok(EngineChoice::Runtime(RuntimeOptions::default())));
        let Ok(EngineChoice::Runtime(options)) = named("openvino-bf16") else { panic!("OpenVINO is a provider") };
        assert_eq!((options.provider, options.precision), (Provider::OpenVino, Precision::Bf16));
        for wrong in ["", "embedded-bf16", "openvino-int8", "CPU"] {
            assert!(named(wrong).unwrap_err().contains(&format!("found {wrong:?}")));
        }
    }
}
