//! Evaluating D(x, σ) on pictures of one size.

use std::sync::Arc;

use rten::ThreadPool;
use rwt_core::Denoiser;

use crate::padding::{Padding, padded_size};
use crate::{Error, OnnxDenoiser};

/// The engine counts elements in 32 bits.
const ELEMENT_LIMIT: usize = i32::MAX as usize;
/// Levels this little outside the domain, relatively, are rounding and let through.
const SIGMA_SLACK: f64 = 1e-6;

/// One thread's access to a model, for pictures of one height and width.
///
/// Make one a thread: it computes on one worker of its own, so evaluators run in parallel and no result depends on how
/// many there are. Pictures are evaluated one after another, so no result depends on the batch either. It owns the
/// padded input; the engine allocates the activations and the padded output anew in each evaluation.
pub struct Evaluator<'a> {
    model: &'a OnnxDenoiser,
    padding: Padding,
    shape: [usize; 4],
    length: usize,
    padded: Vec<f32>,
    pool: Arc<ThreadPool>,
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
        padded.try_reserve_exact(total).map_err(|_| refused)?;
        padded.resize(total, 0.0);
        let padding = Padding::new(height, width, info.margin, info.multiple);
        let (padded_height, padded_width) = padding.size();
        Ok(Self {
            model,
            shape: [1, info.channels, padded_height, padded_width],
            length: info.channels * height * width,
            padding,
            padded,
            pool: Arc::new(ThreadPool::with_num_threads(1)),
        })
    }

    /// The padded shape that the network sees, \[1, channels, height, width\].
    pub fn padded_shape(&self) -> [usize; 4] {
        self.shape
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
        for (image, target) in x.chunks_exact(self.length).zip(denoised.chunks_exact_mut(self.length)) {
            self.padding.pad(image, &mut self.padded);
            let output = self.model.engine().run(&self.pool, self.shape, &self.padded, sigma as f32)?;
            self.padding.crop(&output, target);
        }
        Ok(())
    }
}
