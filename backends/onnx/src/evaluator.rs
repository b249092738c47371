//! Evaluating D(x, σ) on pictures of one size.

use std::sync::Arc;

use rten::ThreadPool;
use rwt_core::{Denoiser, Tweedie};

use crate::padding::{Padding, padded_size};
use crate::symmetry::{Symmetry, pick};
use crate::{Error, OnnxDenoiser};

/// The engine counts elements in 32 bits.
const ELEMENT_LIMIT: usize = i32::MAX as usize;
/// Levels this little outside the domain, relatively, are rounding and let through.
const SIGMA_SLACK: f64 = 1e-6;

/// What is to be done with the output of a network that predicts the denoised picture.
const NOTHING: Tweedie = Tweedie { input: 0.0, output: 1.0 };

/// One thread's access to a model, for pictures of one height and width.
///
/// Make one a thread: it computes on one worker of its own, so evaluators run in parallel and no result depends on how
/// many there are. Pictures are evaluated one after another, so no result depends on the batch either. It owns the
/// padded input; the engine allocates the activations and the padded output anew in each evaluation.
pub struct Evaluator<'a> {
    model: &'a OnnxDenoiser,
    /// One for each symmetry of the model, first the picture as it is.
    paddings: Vec<Padding>,
    key: Option<u64>,
    channels: usize,
    length: usize,
    padded: Vec<f32>,
    worker: Option<Arc<ThreadPool>>,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(model: &'a OnnxDenoiser, height: usize, width: usize) -> Result<Self, Error> {
        let info = model.info();
        let sizes = [height, width].map(|size| padded_size(size, info.margin, info.multiple));
        let total = sizes[0].checked_mul(sizes[1]).and_then(|n| n.checked_mul(info.channels));
        let refused = Error::Size { height, width, limit: ELEMENT_LIMIT };
        let Some(total) = total.filter(|&n| height > 0 && width > 0 && n <= ELEMENT_LIMIT) else {
            return Err(refused);
        };
        let mut padded = Vec::new();
        padded.try_reserve_exact(total).map_err(|_| Error::Size { height, width, limit: ELEMENT_LIMIT })?;
        padded.resize(total, 0.0);
        let symmetries = if info.square { Symmetry::COUNT } else { 1 };
        let padding = |number| Padding::new(height, width, info.margin, info.multiple, Symmetry::number(number));
        Ok(Self {
            model,
            channels: info.channels,
            length: info.channels * height * width,
            paddings: (0..symmetries).map(padding).collect::<Option<_>>().ok_or(refused)?,
            key: None,
            padded,
            worker: model.engine().worker(),
        })
    }

    /// The padded shape that the network sees, \[1, channels, height, width\].
    pub fn padded_shape(&self) -> [usize; 4] {
        self.shape_of(&self.paddings[0])
    }

    /// With a key, each evaluation shows the network the picture turned or mirrored and turns the output back; which of
    /// the model's symmetries it is depends on the key and σ alone. Without one (at first), or if the model declares
    /// none ([`ModelInfo::square`](crate::ModelInfo::square)), pictures are shown as they are.
    ///
    /// An exact denoiser would not notice. A trained one makes other errors in each symmetry; over a walk they average
    /// out instead of adding up (Terris et al. 2024, "Equivariant plug-and-play image reconstruction").
    pub fn set_symmetry_key(&mut self, key: Option<u64>) {
        self.key = key;
    }

    fn shape_of(&self, padding: &Padding) -> [usize; 4] {
        let (height, width) = padding.size();
        [1, self.channels, height, width]
    }

    fn check(&self, x: &[f32], sigma: f64, denoised: &[f32]) -> Result<(), Error> {
        if !x.len().is_multiple_of(self.length) {
            let expected = x.len().next_multiple_of(self.length);
            return Err(Error::Length { what: "x", expected, found: x.len() });
        }
        if denoised.len() != x.len() {
            return Err(Error::Length { what: "denoised", expected: x.len(), found: denoised.len() });
        }
        let (min, max) = (self.model.info().sigma_min, self.model.info().sigma_max);
        // NaN is in no range
        if !(min * (1.0 - SIGMA_SLACK)..=max * (1.0 + SIGMA_SLACK)).contains(&sigma) {
            return Err(Error::Sigma { min, max, found: sigma });
        }
        Ok(())
    }
}

impl Denoiser for Evaluator<'_> {
    type Error = Error;

    /// D(x, σ) of any number of pictures \[channels, height, width\], one after another. What is NaN or infinite in `x`
    /// is so in `denoised`; the walk checks both.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Sigma`], and [`Error::Engine`] or [`Error::OutputShape`] from the network.
    fn denoise(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), Error> {
        self.check(x, sigma, denoised)?;
        let padding = &self.paddings[self.key.map_or(0, |key| pick(key, sigma, self.paddings.len()))];
        let shape = self.shape_of(padding);
        let conventions = &self.model.info().conventions;
        let time = conventions.time_of(sigma)?;
        let (scale, rule) = (conventions.prediction.input_scale(sigma), conventions.prediction.tweedie(sigma));
        for (image, target) in x.chunks_exact(self.length).zip(denoised.chunks_exact_mut(self.length)) {
            padding.pad(image, scale as f32, &mut self.padded);
            let crop = |output: &[f32]| padding.crop(output, target);
            self.model.engine().run(self.worker.as_ref(), shape, &self.padded, time, crop)?;
            if rule != NOTHING {
                for (denoised, x) in target.iter_mut().zip(image) {
                    *denoised = (rule.input * f64::from(*x) + rule.output * f64::from(*denoised)) as f32;
                }
            }
        }
        Ok(())
    }
}
