//! Evaluating D(x, σ) on pictures of one size.

use std::num::NonZeroUsize;

use rwt_core::{Chain, Denoiser, Tweedie};

use crate::engine::Worker;
use crate::padding::{Padding, padded_size};
use crate::symmetry::{Symmetry, chain_key, pick};
use crate::{Error, OnnxDenoiser};

/// The engine counts elements in 32 bits.
const ELEMENT_LIMIT: usize = i32::MAX as usize;

/// What is to be done with the output of a network that predicts the denoised picture.
const NOTHING: Tweedie = Tweedie { input: 0.0, output: 1.0 };

/// One thread's access to a model, for pictures of one height and width.
///
/// Make one a thread: on the embedded engine it computes on one worker of its own, so evaluators run in parallel and no
/// result depends on how many there are. It owns the padded pictures, and on ONNX Runtime the output, which are bound to
/// the network once; the embedded engine allocates the activations and the padded output anew in each evaluation.
pub struct Evaluator<'a> {
    model: &'a OnnxDenoiser,
    views: Views,
    channels: usize,
    length: usize,
    batch: usize,
    worker: Worker,
    /// Pictures of a call that wait for their evaluation.
    waiting: Vec<usize>,
}

/// How pictures are shown to the network.
struct Views {
    /// One for each symmetry of the model, first the picture as it is.
    paddings: Vec<Padding>,
    /// The chain of a call's first picture.
    chains: Option<Chain>,
    /// Pictures in a row that belong to one chain.
    slices: NonZeroUsize,
}

impl Views {
    /// That of the picture at this place in a call.
    fn of(&self, place: usize, sigma: f64) -> &Padding {
        let chain = (place / self.slices) as u64;
        let key = |first: Chain| chain_key(Chain { chain: first.chain.wrapping_add(chain), ..first });
        &self.paddings[self.chains.map_or(0, |first| pick(key(first), sigma, self.paddings.len()))]
    }
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(model: &'a OnnxDenoiser, height: usize, width: usize) -> Result<Self, Error> {
        let info = model.info();
        let sizes = [height, width].map(|size| padded_size(size, info.margin, info.multiple));
        let total = sizes[0].checked_mul(sizes[1]).and_then(|n| n.checked_mul(info.channels));
        let refused = Error::Size { height, width, limit: ELEMENT_LIMIT };
        if height == 0 || width == 0 || total.is_none_or(|n| n > ELEMENT_LIMIT) {
            return Err(refused);
        }
        let batch = model.batch([sizes[0], sizes[1]])?;
        let symmetries = if info.square { Symmetry::COUNT } else { 1 };
        let padding = |number| Padding::new(height, width, info.margin, info.multiple, Symmetry::number(number));
        Ok(Self {
            model,
            channels: info.channels,
            length: info.channels * height * width,
            views: Views {
                paddings: (0..symmetries).map(padding).collect::<Option<_>>().ok_or(refused)?,
                chains: None,
                slices: NonZeroUsize::MIN,
            },
            batch,
            worker: model.engine().worker(),
            waiting: Vec::new(),
        })
    }

    /// The padded shape that the network sees, \[n, channels, height, width\] with n = 1.
    pub fn padded_shape(&self) -> [usize; 4] {
        let (height, width) = self.views.paddings[0].size();
        [1, self.channels, height, width]
    }

    /// The most pictures that the engine evaluates at a time: the number that suits it, or that the budget of memory
    /// allows. Where the engine compiles the network for each shape, fewer pictures are evaluated one by one.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Get ready for this many pictures at a time, or as many as [`Evaluator::batch`] says if that is less. Where the
    /// engine compiles the network for each shape, this does it; pictures that are not square and shown on their side are
    /// another shape, compiled when the first comes.
    ///
    /// # Errors
    /// [`Error::Engine`], [`Error::Provider`] or [`Error::Read`] if it cannot.
    pub fn prepare(&mut self, pictures: usize) -> Result<(), Error> {
        self.batch = self.batch.min(pictures.max(1));
        let (height, width) = self.views.paddings[0].size();
        self.model.engine().prepare([self.batch, self.channels, height, width])
    }

    /// Say which chains the pictures of a call belong to: the first to this one, the next to the following number, …. Each
    /// is then shown to the network turned or mirrored and the output turned back; which of the model's symmetries it
    /// is depends on the seed, the chain and σ alone. Without it (at first), or if the model declares none
    /// ([`ModelInfo::square`](crate::ModelInfo::square)), pictures are shown as they are.
    ///
    /// An exact denoiser would not notice. A trained one makes other errors in each symmetry; over a walk they average
    /// out instead of adding up (Terris et al. 2024, "Equivariant plug-and-play image reconstruction").
    pub fn set_chains(&mut self, first: Option<Chain>) {
        self.views.chains = first;
    }

    /// Say that so many pictures of a call, one after another, are the slices of one volume: they belong to one chain, and
    /// are shown in the same symmetry. At first each picture has a chain of its own.
    pub fn set_slices(&mut self, slices: NonZeroUsize) {
        self.views.slices = slices;
    }

    /// What this evaluator needs of memory for so many pictures, or as many of them as are evaluated at a time, in bytes:
    /// [`OnnxDenoiser::memory`], and twice that on ONNX Runtime, which keeps memory in blocks of doubling sizes. 0 if nothing is
    /// counted.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the graph does not fit so many pictures.
    pub fn memory(&self, pictures: usize) -> Result<u64, Error> {
        let (height, width) = self.views.paddings[0].size();
        let needed = self.model.needed(pictures.clamp(1, self.batch), [height, width])?;
        Ok(if self.model.is_parallel() { needed } else { needed.saturating_mul(2) })
    }

    /// Evaluate the waiting pictures, together if the engine can.
    fn flush(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), Error> {
        let count = self.waiting.len();
        let pictures = if count == self.batch || self.model.engine().takes_any_number() { count } else { 1 };
        let Self { model, views, channels, length, worker, waiting, .. } = self;
        let conventions = &model.info().conventions;
        let (time, scale) = (conventions.time_of(sigma)?, conventions.prediction.input_scale(sigma) as f32);
        let part = |place: usize| place * *length..(place + 1) * *length;
        for group in waiting.chunks(pictures.max(1)) {
            let (height, width) = views.of(group[0], sigma).size();
            let padded = *channels * height * width;
            let fill = |input: &mut [f32]| {
                for (&place, padded) in group.iter().zip(input.chunks_exact_mut(padded)) {
                    views.of(place, sigma).pad(&x[part(place)], scale, padded);
                }
            };
            let crop = |output: &[f32]| {
                for (&place, padded) in group.iter().zip(output.chunks_exact(output.len() / pictures)) {
                    views.of(place, sigma).crop(padded, &mut denoised[part(place)]);
                }
            };
            model.engine().run(worker, [pictures, *channels, height, width], time, fill, crop)?;
        }
        self.waiting.clear();
        Ok(())
    }

    fn check(&self, x: &[f32], sigma: f64, denoised: &[f32]) -> Result<(), Error> {
        if !x.len().is_multiple_of(self.length) {
            let expected = x.len().next_multiple_of(self.length);
            return Err(Error::Length { what: "x", expected, found: x.len() });
        }
        if denoised.len() != x.len() {
            return Err(Error::Length { what: "denoised", expected: x.len(), found: denoised.len() });
        }
        self.model.info().check_sigma(sigma)
    }
}

impl Denoiser for Evaluator<'_> {
    type Error = Error;

    /// D(x, σ) of any number of pictures \[channels, height, width\], up to [`Evaluator::batch`] of them at a time; a volume
    /// is evaluated slice by slice ([`Evaluator::set_slices`]), a large picture by tiles ([`rwt_core::Tiles`]). What is NaN or infinite in `x` is so in `denoised`; the walk checks both.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Sigma`], [`Error::NotOnTable`]; [`Error::Engine`] or [`Error::OutputShape`] from the
    /// network, and where it is compiled for a new shape, those of [`Evaluator::prepare`].
    fn denoise(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), Error> {
        self.check(x, sigma, denoised)?;
        self.waiting.clear();
        let upright = self.views.paddings[0].size();
        for on_side in [false, true] {
            for place in 0..x.len() / self.length {
                if (self.views.of(place, sigma).size() != upright) == on_side {
                    self.waiting.push(place);
                }
                if self.waiting.len() == self.batch {
                    self.flush(x, sigma, denoised)?;
                }
            }
            self.flush(x, sigma, denoised)?;
        }
        let rule = self.model.info().conventions.prediction.tweedie(sigma);
        if rule != NOTHING {
            for (denoised, x) in denoised.iter_mut().zip(x) {
                *denoised = (rule.input * f64::from(*x) + rule.output * f64::from(*denoised)) as f32;
            }
        }
        Ok(())
    }
}
