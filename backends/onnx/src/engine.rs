//! The engines behind one door.

use std::path::PathBuf;
use std::sync::Arc;

use rten::ThreadPool;

use crate::embedded::Embedded;
use crate::runtime::Runtime;
use crate::{Error, ModelInfo};

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
    /// Threads of an evaluation; 0: one for each core.
    pub threads: usize,
}

/// A loaded network.
pub(crate) enum Engine {
    Embedded(Box<Embedded>),
    Runtime(Box<Runtime>),
}

impl Engine {
    /// Load a model whose bytes, operators and names (of the time and the output) have been checked.
    pub(crate) fn load(
        bytes: Vec<u8>,
        names: &[&'static str; 2],
        info: &ModelInfo,
        choice: &EngineChoice,
    ) -> Result<Self, Error> {
        Ok(match choice {
            EngineChoice::Embedded => Self::Embedded(Box::new(Embedded::load(bytes, names, info)?)),
            EngineChoice::Runtime(options) => Self::Runtime(Box::new(Runtime::load(&bytes, names, info, options)?)),
        })
    }

    /// Its name, version and provider.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Embedded(_) => "rten 0.27, CPU",
            Self::Runtime(runtime) => runtime.name(),
        }
    }

    /// What an evaluator owns to run it.
    pub(crate) fn worker(&self) -> Option<Arc<ThreadPool>> {
        matches!(self, Self::Embedded(_)).then(|| Arc::new(ThreadPool::with_num_threads(1)))
    }

    /// Run on one padded picture, \[1, channels, height, width\], and hand over the output of that shape, or with learned
    /// variances of twice the channels.
    pub(crate) fn run(
        &self,
        worker: Option<&Arc<ThreadPool>>,
        shape: [usize; 4],
        x: &[f32],
        time: f64,
        output: impl FnOnce(&[f32]),
    ) -> Result<(), Error> {
        match self {
            Self::Embedded(engine) => engine.run(worker, shape, x, time, output),
            Self::Runtime(engine) => engine.run(shape, x, time, output),
        }
    }
}
