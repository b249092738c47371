//! What can go wrong when a model is opened or evaluated.

use std::fmt;
use std::path::PathBuf;

/// Why a model was refused, or an evaluation failed. Each says what was expected, what was found and what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The path as given.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is larger than this crate loads, in bytes.
    #[error(
        "the model has {found} bytes, expected at most {expected}; export a smaller network or in f32 without optimiser state"
    )]
    TooLarge {
        /// The largest size accepted.
        expected: u64,
        /// The size of the file.
        found: u64,
    },
    /// The bytes are not a complete ONNX model.
    #[error("not a complete ONNX model: {0}; the file may be cut off or damaged: fetch or export it again")]
    Malformed(String),
    /// A tensor refers to another file, which is never opened.
    #[error(
        "tensor {tensor} is stored in another file, expected inside the model; save it again with all tensors embedded"
    )]
    ExternalData {
        /// The name of the tensor.
        tensor: String,
    },
    /// The network uses operators that the engine does not run.
    #[error("expected operators that the engine runs on their own, found {}; export with another opset (18 works well) or replace these layers", names.join(", "))]
    Operators {
        /// Their names, sorted, each once.
        names: Vec<String>,
    },
    /// Metadata are missing or contradict each other or the graph. Every key that is wrong is listed.
    #[error("the model's metadata: {}; set these metadata_props and save again", join(.0))]
    Metadata(Vec<KeyProblem>),
    /// The graph's inputs or outputs are not `x`, `sigma` → `denoised`.
    #[error("{what}: expected {expected}, found {found}; export with these names and dynamic axes")]
    Interface {
        /// Which part of the graph's interface.
        what: &'static str,
        /// What a denoiser has there.
        expected: String,
        /// What this file has there.
        found: String,
    },
    /// The network's output has another shape than its input, `[n, channels, height, width]`.
    #[error("the network's output: expected shape {expected:?}, found {found:?}; check the export and rwt.multiple")]
    OutputShape {
        /// The padded input's shape.
        expected: [usize; 4],
        /// The output's shape.
        found: Vec<usize>,
    },
    /// The trial evaluation at load gave NaN or infinity.
    #[error(
        "the trial evaluation at sigma = {sigma}: expected finite values, found {found}; the weights are damaged or training diverged"
    )]
    NotFinite {
        /// The noise level of the trial.
        sigma: f64,
        /// The first value that is not finite.
        found: f32,
    },
    /// There is no ONNX Runtime that can be used.
    #[error(
        "no ONNX Runtime can be used: {}; wanted is 1.{wanted} or later: `pip install onnxruntime`, then give the path of onnxruntime/capi/libonnxruntime.so.* as the option or in ORT_DYLIB_PATH",
        tried.join("; ")
    )]
    Runtime {
        /// The oldest minor version of ONNX Runtime 1 that can be used.
        wanted: u32,
        /// Each path that was tried, with the reason.
        tried: Vec<String>,
    },
    /// An execution provider of ONNX Runtime cannot be used.
    #[error("ONNX Runtime's provider {provider}: {why}")]
    Provider {
        /// Its name.
        provider: String,
        /// Why not, and what to do.
        why: String,
    },
    /// An evaluation would take more memory than the budget.
    #[error(
        "an evaluation would take more than {needed} bytes beside the weights, expected at most {limit}; cut the picture into tiles or raise the budget of memory"
    )]
    Memory {
        /// The budget.
        limit: u64,
        /// What was counted until it was exceeded.
        needed: u64,
    },
    /// The memory of an evaluation cannot be told beforehand.
    #[error(
        "the shapes at {node} cannot be followed: {why}; export with sizes that depend on those of x alone, or lift the limit of memory"
    )]
    Shapes {
        /// The operator and what it writes.
        node: String,
        /// What does not fit or is not known.
        why: String,
    },
    /// The engine refused to load or run the model.
    #[error("the engine failed while {stage}: {message}; export the model again and compare it with ONNX Runtime")]
    Engine {
        /// What it was doing.
        stage: &'static str,
        /// Its own words.
        message: String,
    },
    /// A picture of this size cannot be evaluated.
    #[error(
        "height {height}, width {width}: expected at least 1 each and at most {limit} padded elements; cut the picture into tiles"
    )]
    Size {
        /// Rows asked for.
        height: usize,
        /// Columns asked for.
        width: usize,
        /// The largest number of elements of one padded picture.
        limit: usize,
    },
    /// A slice's length is not that of whole pictures, or the output's is not the input's.
    #[error("{what}: expected {expected} elements, found {found}; pass whole [channels, height, width] pictures")]
    Length {
        /// Which argument.
        what: &'static str,
        /// The length it should have; for `x` the nearest whole number of pictures at or above.
        expected: usize,
        /// The length it has.
        found: usize,
    },
    /// An array's channel axis is not the model's.
    #[error("expected {expected} channels, found {found}; pass [n, channels, height, width]")]
    Channels {
        /// The model's channels.
        expected: usize,
        /// The array's second axis.
        found: usize,
    },
    /// A network with integer times was asked for a level between two of its table.
    #[error(
        "sigma = {found}: expected a level of the model's training table, such as {nearest}; snap the levels of the walk to it"
    )]
    NotOnTable {
        /// The level asked for.
        found: f64,
        /// The table's nearest.
        nearest: f64,
    },
    /// The noise level is not finite or outside the domain of training.
    #[error("sigma: expected {min} to {max}, found {found}; plan the walk inside the model's range")]
    Sigma {
        /// The lowest level trained on.
        min: f64,
        /// The highest level trained on.
        max: f64,
        /// The level asked for.
        found: f64,
    },
}

/// One key of the metadata that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyProblem {
    /// The key, such as `rwt.range`.
    pub key: &'static str,
    /// What a valid file has there.
    pub expected: String,
    /// What this file has there.
    pub found: String,
}

impl fmt::Display for KeyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.key, self.expected, self.found)
    }
}

fn join(problems: &[KeyProblem]) -> String {
    problems.iter().map(KeyProblem::to_string).collect::<Vec<_>>().join("; ")
}
