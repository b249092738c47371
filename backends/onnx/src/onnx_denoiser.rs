//! A denoiser in an ONNX file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ndarray::{Array4, ArrayView4};
use rwt_core::Denoiser;

use crate::contents::Contents;
use crate::engine::Engine;
use crate::graph::Graph;
use crate::interface::Interface;
use crate::padding::padded_size;
use crate::{EngineChoice, Error, Evaluator, ModelInfo};

/// The largest model that is loaded, in bytes.
pub(crate) const SIZE_LIMIT: u64 = 1 << 30;

/// The longest chains of operators that the embedded engine, which follows them by recursion (2 MiB of stack do for 3000),
/// and ONNX Runtime are given. No network is as deep.
const DEPTH_LIMITS: [usize; 2] = [2500, 20_000];

/// The most pictures of an evaluation.
const BATCH_LIMIT: usize = 4096;

/// How a model is opened.
#[derive(Debug, Clone)]
pub struct OpenOptions<'a> {
    /// Which engine runs it.
    pub engine: EngineChoice,
    /// Metadata that the file lacks, such as `("rwt.time", "sigma")`.
    pub keys: &'a [(&'a str, &'a str)],
    /// The budget of one evaluation beside the weights, in bytes: what is needed at the same time of the values that the
    /// network computes. A picture that needs more is refused before its evaluation, and fewer pictures are evaluated
    /// at a time. With `u64::MAX` nothing is counted or refused.
    pub memory: u64,
}

impl Default for OpenOptions<'_> {
    /// The embedded engine, no keys, 4 GiB.
    fn default() -> Self {
        Self { engine: EngineChoice::default(), keys: &[], memory: 1 << 32 }
    }
}

/// A trained denoiser, loaded, checked and ready to evaluate. Immutable: share it between threads, and give each its
/// own [`Evaluator`].
pub struct OnnxDenoiser {
    engine: Engine,
    info: ModelInfo,
    budget: Budget,
}

/// What an evaluation may need.
struct Budget {
    graph: Graph,
    interface: Interface,
    limit: u64,
}

impl Budget {
    /// The memory of an evaluation of padded pictures; 0 if nothing is counted.
    fn needed(&self, shape: [usize; 4]) -> Result<u64, Error> {
        if self.limit == u64::MAX { Ok(0) } else { self.graph.peak(&self.interface.shapes(shape), self.limit) }
    }
}

impl OnnxDenoiser {
    /// Open a model file of at most 1 GiB.
    ///
    /// # Errors
    /// [`Error::Read`], and those of [`OnnxDenoiser::from_bytes`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(path, &OpenOptions::default())
    }

    /// The same with options. A provider of ONNX Runtime other than the CPU's takes the weights from the file itself, when
    /// the model is opened and for each new size: replace the file by another one if you must, but do not write into it.
    ///
    /// # Errors
    /// [`Error::Read`], and those of [`OnnxDenoiser::from_bytes_with`].
    pub fn open_with(path: impl AsRef<Path>, options: &OpenOptions<'_>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = read(path)?;
        Self::load(bytes, Some(path), options)
    }

    /// Load a model from the bytes of its file.
    ///
    /// The file is refused unless it is complete, self-contained, uses operators that the engine runs, has the inputs,
    /// the output and the metadata that the crate's documentation lists, and gives finite values of the right shape in
    /// trial evaluations over its noise levels. Other files are never opened.
    ///
    /// What an evaluation needs is counted from the shapes in the graph before the engine sees it, and refused above
    /// [`OpenOptions::memory`]. Engines are large programs all the same: load files of strangers in a process that has
    /// little to lose.
    ///
    /// # Errors
    /// Every variant of [`Error`] that is about a model; each names what was expected and found.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Error> {
        Self::from_bytes_with(bytes, &OpenOptions::default())
    }

    /// The same with options.
    ///
    /// # Errors
    /// Those of [`OnnxDenoiser::from_bytes`]; [`Error::Runtime`] if ONNX Runtime is chosen and none can be used; a key that
    /// the file has with another value is a contradiction.
    pub fn from_bytes_with(bytes: Vec<u8>, options: &OpenOptions<'_>) -> Result<Self, Error> {
        Self::load(bytes, None, options)
    }

    /// Check the bytes of a model, which were read from `path`, and load them.
    fn load(bytes: Vec<u8>, path: Option<&Path>, options: &OpenOptions<'_>) -> Result<Self, Error> {
        let found = bytes.len() as u64;
        if found > SIZE_LIMIT {
            return Err(Error::TooLarge { expected: SIZE_LIMIT, found });
        }
        let mut contents = Contents::read(&bytes)?;
        let is_embedded = matches!(options.engine, EngineChoice::Embedded);
        let names = contents.check(is_embedded)?;
        contents.metadata.extend(options.keys.iter().map(|(key, value)| (key.to_string(), value.to_string())));
        let info = ModelInfo::from_metadata(&contents.metadata)?;
        let graph = Graph::read(&bytes)?;
        graph.check_depth(DEPTH_LIMITS[usize::from(!is_embedded)])?;
        let interface = Interface::new(&graph, names, &info)?;
        let (height, width) = trial_size(&info);
        let size = [height, width].map(|size| padded_size(size, info.margin, info.multiple));
        let budget = Budget { graph, interface, limit: options.memory };
        budget.needed([1, info.channels, size[0], size[1]])?; // before the engine folds constants
        let engine = Engine::load(bytes, path, &budget.interface, &options.engine)?;
        let model = Self { engine, info, budget };
        model.try_out()?;
        model.engine.was_tried();
        Ok(model)
    }

    /// The engine, its version and its provider, such as "ONNX Runtime 1.31.1, CPU".
    pub fn engine_name(&self) -> &str {
        self.engine.name()
    }

    /// Do evaluators of this model run in parallel? If not, they wait for each other.
    pub fn is_parallel(&self) -> bool {
        matches!(self.engine, Engine::Embedded(_))
    }

    /// What the model says about itself.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// An evaluator for pictures of `height` × `width`, any sizes from 1. Each starts a worker thread: keep it.
    ///
    /// # Errors
    /// [`Error::Size`] if a size is zero or too large for the engine, [`Error::Memory`] if a picture is above the budget,
    /// [`Error::Shapes`] if the graph does not fit the size.
    pub fn evaluator(&self, height: usize, width: usize) -> Result<Evaluator<'_>, Error> {
        Evaluator::new(self, height, width)
    }

    /// D(x, σ) of an array \[n, channels, height, width\] with any n and strides, in a new array of that shape.
    ///
    /// # Errors
    /// [`Error::Channels`], and those of [`OnnxDenoiser::evaluator`] and of the evaluation.
    pub fn denoise_view(&self, x: ArrayView4<f32>, sigma: f64) -> Result<Array4<f32>, Error> {
        let (_, channels, height, width) = x.dim();
        if channels != self.info.channels {
            return Err(Error::Channels { expected: self.info.channels, found: channels });
        }
        let mut evaluator = self.evaluator(height, width)?;
        let mut denoised = Array4::zeros(x.raw_dim());
        let x = x.as_standard_layout();
        if let (Some(x), Some(denoised)) = (x.as_slice(), denoised.as_slice_mut()) {
            evaluator.denoise(x, sigma, denoised)?;
        }
        Ok(denoised)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// How many pictures of a padded size are evaluated at a time.
    pub(crate) fn batch(&self, size: [usize; 2]) -> Result<usize, Error> {
        self.needed(1, size)?;
        let fits = |pictures| !matches!(self.needed(pictures, size), Err(Error::Memory { .. }));
        let (mut most, mut too_many) = (1, self.engine.batch(size[0] * size[1]).min(BATCH_LIMIT) + 1);
        while too_many - most > 1 {
            let middle = most + (too_many - most) / 2;
            if fits(middle) { most = middle } else { too_many = middle }
        }
        // some exports have a free axis of pictures, and a constant for it inside
        Ok(if self.needed(most, size).is_ok() { most } else { 1 })
    }

    /// The memory of padded pictures, lying on their side, too, if they may be shown so.
    pub(crate) fn needed(&self, pictures: usize, [height, width]: [usize; 2]) -> Result<u64, Error> {
        let upright = self.budget.needed([pictures, self.info.channels, height, width])?;
        if !self.info.square || height == width {
            return Ok(upright);
        }
        Ok(upright.max(self.budget.needed([pictures, self.info.channels, width, height])?))
    }

    /// What an evaluation of `pictures` of a height and width needs at the same time beside the weights, in bytes, by the
    /// shapes in the graph, twice: engines keep what they freed, and pack what they multiply. The embedded engine took less
    /// with every network that was tried; ONNX Runtime took more with very few channels, which it computes in blocks of
    /// 16, and with 64-bit values. 0 if nothing is counted.
    ///
    /// # Errors
    /// [`Error::Memory`] above the budget, [`Error::Shapes`] if the graph does not fit the size.
    pub fn memory(&self, pictures: usize, height: usize, width: usize) -> Result<u64, Error> {
        self.needed(pictures, [height, width].map(|size| padded_size(size, self.info.margin, self.info.multiple)))
    }

    /// Evaluate a small picture, not square, at three levels.
    fn try_out(&self) -> Result<(), Error> {
        let (height, width) = trial_size(&self.info);
        let mut evaluator = self.evaluator(height, width)?;
        let x = vec![self.info.mean as f32; self.info.channels * height * width];
        let mut denoised = vec![0.0; x.len()];
        let (min, max) = (self.info.sigma_min, self.info.sigma_max);
        let middle = match &self.info.conventions.table[..] {
            [] => (min * max).sqrt(),
            table => table[table.partition_point(|&s| s < (min * max).sqrt()).min(table.len() - 1)],
        };
        for sigma in [min, middle, max] {
            evaluator.denoise(&x, sigma, &mut denoised)?;
            if let Some(&found) = denoised.iter().find(|value| !value.is_finite()) {
                return Err(Error::NotFinite { sigma, found });
            }
        }
        Ok(())
    }
}

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let read = || {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut bytes = Vec::with_capacity(length.min(SIZE_LIMIT) as usize);
        // The limit holds for what is read, too: a pipe has no length, and a file may grow.
        file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes)?;
        Ok((length, bytes))
    };
    let (length, bytes) = read().map_err(|source| Error::Read { path: path.into(), source })?;
    if length > SIZE_LIMIT {
        return Err(Error::TooLarge { expected: SIZE_LIMIT, found: length });
    }
    Ok(bytes)
}

/// The height and width of the trial evaluations.
fn trial_size(info: &ModelInfo) -> (usize, usize) {
    (1, info.multiple + 1)
}
