//! The training template, \[RWT\] eq. 9, as data: what goes into a network, what should come out, what a mistake costs.
//!
//! min E w(σ) ‖D(X + σ n, σ) − X‖² over σ, X and n. The library makes the noisy image, the network's input and time, the
//! target, the weight, the loss and its gradient with respect to the network's raw output, for every [`Prediction`], so
//! that any framework can train on them. Arrays are one image each, f32.
//!
//! ```
//! use rwt_core::training::{Levels, Training, Weight};
//! use rwt_core::{Prediction, Time};
//! let training = Training { prediction: Prediction::NoiseVp, weight: Weight::Noise, time: Time::Sigma };
//! let levels = Levels::LogUniform { low: 0.01, high: 50.0 };
//! let (clean, seed, example) = ([0.5, -0.5], 1, 0);
//! let sigma = levels.draw(seed, example)?;
//! let (mut noisy, mut input, mut target, mut gradient) = ([0.0; 2], [0.0; 2], [0.0; 2], [0.0; 2]);
//! training.noisy(sigma, &clean, seed, example, &mut noisy)?;
//! training.input(sigma, &noisy, &mut input)?;
//! training.target(sigma, &clean, &noisy, &mut target)?;
//! let raw = input; // the network's answer to (input, training.time.of(sigma))
//! let loss = training.loss(sigma, &raw, &target, &mut gradient)?;
//! assert!(loss > 0.0);
//! # Ok::<(), rwt_core::Error>(())
//! ```

use crate::error::{Error, require, require_len};
use crate::noise;
use crate::prediction::Prediction;
use crate::time_map::Time;
use crate::update::update;
use crate::walk::Step;
use libm::{exp, log};

/// w(σ), the weight of the denoised image's squared error.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Weight {
    /// 1.
    Denoised,
    /// 1/σ²: ‖ε_θ − n‖² for a network that predicts the noise, \[RWT\] eq. 16 (DDPM), and σ²‖s_θ + n/σ‖² for one that
    /// predicts the score, eq. 17 with λ = σ² (NCSN).
    Noise,
    /// (σ² + σ_data²)/(σ σ_data)², Karras et al. 2022.
    Edm {
        /// The data's standard deviation.
        sigma_data: f64,
    },
    /// Any other; for eq. 17 with another λ(σ) it is λ(σ)/σ⁴.
    Function(fn(f64) -> f64),
}

impl Weight {
    /// w(σ).
    pub fn of(&self, sigma: f64) -> f64 {
        match *self {
            Self::Denoised => 1.0,
            Self::Noise => 1.0 / (sigma * sigma),
            Self::Edm { sigma_data } => {
                let product = sigma * sigma_data;
                (sigma * sigma + sigma_data * sigma_data) / (product * product)
            }
            Self::Function(weight) => weight(sigma),
        }
    }
}

/// p(σ): which noise levels a network is trained on.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Levels<'a> {
    /// Uniform on a table (DDPM, NCSN).
    Table(&'a [f64]),
    /// ln σ uniform.
    LogUniform {
        /// The smallest level.
        low: f64,
        /// The largest level.
        high: f64,
    },
    /// ln σ normal (EDM: mean −1.2, deviation 1.2).
    LogNormal {
        /// The mean of ln σ.
        mean: f64,
        /// The standard deviation of ln σ.
        deviation: f64,
    },
}

impl Levels<'_> {
    /// The level of a training example.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an empty table, ends that are not 0 < low ≤ high < ∞, or a level that is then not positive
    /// and finite.
    pub fn draw(&self, seed: u64, example: u64) -> Result<f64, Error> {
        let sigma = self.level(seed, example)?;
        require(sigma > 0.0 && sigma.is_finite(), "the level drawn", "finite and above 0", sigma)?;
        Ok(sigma)
    }

    fn level(&self, seed: u64, example: u64) -> Result<f64, Error> {
        let u = noise::uniform(seed, example, LEVEL_DRAW, 0);
        match *self {
            Self::Table(table) => {
                require(!table.is_empty(), "the table's length", "at least 1", 0.0)?;
                Ok(table[((u * table.len() as f64) as usize).min(table.len() - 1)])
            }
            Self::LogUniform { low, high } => {
                require(low > 0.0 && low <= high, "low", "above 0 and at most high", low)?;
                require(high.is_finite(), "high", "finite", high)?;
                Ok(exp(log(low) + u * (log(high) - log(low))))
            }
            Self::LogNormal { mean, deviation } => {
                let mut normal = [0.0];
                noise::fill(seed, example, LEVEL_DRAW, 0, &mut normal);
                Ok(exp(mean + deviation * f64::from(normal[0])))
            }
        }
    }
}

/// Draw 0 is the image's noise, draw 1 the level's.
const LEVEL_DRAW: u32 = 1;

/// How a network is trained.
#[derive(Clone, Copy, Debug)]
pub struct Training<'a> {
    /// What the network predicts.
    pub prediction: Prediction,
    /// The weight of the denoised image's squared error.
    pub weight: Weight,
    /// What the network is told of σ: `time.of(sigma)`.
    pub time: Time<'a>,
}

impl Training<'_> {
    /// `noisy` ← clean + σ n; the noise depends on (seed, example) alone.
    ///
    /// # Errors
    /// [`Error::Length`] if the lengths differ, [`Error::Parameter`] for a σ outside 1e-20 to 1e20.
    pub fn noisy(&self, sigma: f64, clean: &[f32], seed: u64, example: u64, noisy: &mut [f32]) -> Result<(), Error> {
        check(sigma, clean.len(), "noisy", noisy.len())?;
        noisy.copy_from_slice(clean);
        update(&Step::forward(0.0, sigma, 0), seed, example, noisy, &[], &[], &[])
    }

    /// `input` ← what the network sees, [`Prediction::input_scale`] times the noisy image.
    ///
    /// # Errors
    /// As [`Training::noisy`].
    pub fn input(&self, sigma: f64, noisy: &[f32], input: &mut [f32]) -> Result<(), Error> {
        check(sigma, noisy.len(), "input", input.len())?;
        let scale = self.prediction.input_scale(sigma);
        for (input, x) in input.iter_mut().zip(noisy) {
            *input = (scale * f64::from(*x)) as f32;
        }
        Ok(())
    }

    /// `target` ← the raw output whose denoised image is the clean one.
    ///
    /// # Errors
    /// As [`Training::noisy`].
    pub fn target(&self, sigma: f64, clean: &[f32], noisy: &[f32], target: &mut [f32]) -> Result<(), Error> {
        check(sigma, clean.len(), "noisy", noisy.len())?;
        check(sigma, clean.len(), "target", target.len())?;
        for ((target, x), clean) in target.iter_mut().zip(noisy).zip(clean) {
            *target = self.prediction.raw(f64::from(*x), sigma, f64::from(*clean)) as f32;
        }
        Ok(())
    }

    /// The weight of the raw output's squared error: w(σ) times the square of its coefficient in D.
    pub fn raw_weight(&self, sigma: f64) -> f64 {
        let output = self.prediction.tweedie(sigma).output;
        self.weight.of(sigma) * output * output
    }

    /// The loss w(σ)‖D − X‖²/n of one image of n elements, and its gradient with respect to the raw output.
    ///
    /// # Errors
    /// As [`Training::noisy`], and [`Error::Parameter`] for a weight that is negative or not finite.
    pub fn loss(&self, sigma: f64, raw: &[f32], target: &[f32], gradient: &mut [f32]) -> Result<f64, Error> {
        check(sigma, raw.len(), "target", target.len())?;
        check(sigma, raw.len(), "gradient", gradient.len())?;
        let weight = self.raw_weight(sigma);
        require(weight >= 0.0 && weight.is_finite(), "the weight", "finite and at least 0", weight)?;
        let scale = weight / raw.len().max(1) as f64;
        let mut sum = 0.0;
        for ((gradient, raw), target) in gradient.iter_mut().zip(raw).zip(target) {
            let error = f64::from(*raw) - f64::from(*target);
            sum += error * error;
            *gradient = (2.0 * scale * error) as f32;
        }
        Ok(scale * sum)
    }
}

/// Far beyond what single precision holds of an image and its noise.
const RANGE: core::ops::RangeInclusive<f64> = 1e-20..=1e20;

fn check(sigma: f64, expected: usize, name: &'static str, found: usize) -> Result<(), Error> {
    require(RANGE.contains(&sigma), "sigma", "from 1e-20 to 1e20", sigma)?;
    require_len(name, expected, found)
}
