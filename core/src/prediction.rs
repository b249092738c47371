//! What a network predicts, and Tweedie's formula as two scalars on its raw output. MATH.md §3.

use libm::sqrt;

/// What a network was trained to output. With c = 1/√(1 + σ²) = √ᾱ, the network of a variance-preserving (VP) process
/// sees c·x, that of a variance-exploding (VE) process sees x.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Prediction {
    /// The denoised image, input x.
    DenoisedVe,
    /// The denoised image ("sample"), input c·x.
    DenoisedVp,
    /// The noise n of x = X + σ n, input x.
    NoiseVe,
    /// The noise, input c·x (DDPM, guided diffusion).
    NoiseVp,
    /// The score ∇log p_σ(x), input x (NCSN).
    ScoreVe,
    /// The score of the VP marginal at c·x, input c·x; \[RWT\] eq. 13.
    ScoreVp,
    /// The velocity v = c n − c σ X, input c·x (Salimans and Ho 2022).
    VelocityVp,
    /// The raw F of Karras et al. 2022, input x/√(σ² + σ_data²).
    Edm {
        /// The data's standard deviation.
        sigma_data: f64,
    },
}

/// D(x, σ) = `input`·x + `output`·raw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tweedie {
    /// Coefficient of x.
    pub input: f64,
    /// Coefficient of the network's raw output.
    pub output: f64,
}

impl Prediction {
    /// What x is multiplied by before it enters the network.
    pub fn input_scale(&self, sigma: f64) -> f64 {
        match *self {
            Self::DenoisedVe | Self::NoiseVe | Self::ScoreVe => 1.0,
            Self::DenoisedVp | Self::NoiseVp | Self::ScoreVp | Self::VelocityVp => 1.0 / sqrt(1.0 + sigma * sigma),
            Self::Edm { sigma_data } => 1.0 / sqrt(sigma * sigma + sigma_data * sigma_data),
        }
    }

    /// The two scalars that turn the raw output into the denoised image.
    pub fn tweedie(&self, sigma: f64) -> Tweedie {
        let s2 = sigma * sigma;
        let c = 1.0 / sqrt(1.0 + s2);
        let (input, output) = match *self {
            Self::DenoisedVe | Self::DenoisedVp => (0.0, 1.0),
            Self::NoiseVe | Self::NoiseVp => (1.0, -sigma),
            Self::ScoreVe => (1.0, s2),
            Self::ScoreVp => (1.0, s2 * c), // ∇log p_σ(x) = c ∇log p_t(c x)
            Self::VelocityVp => (c * c, -c * sigma),
            Self::Edm { sigma_data } => {
                let total = s2 + sigma_data * sigma_data;
                (sigma_data * sigma_data / total, sigma * sigma_data / sqrt(total))
            }
        };
        Tweedie { input, output }
    }

    /// D(x, σ) of one element.
    pub fn denoised(&self, x: f64, sigma: f64, raw: f64) -> f64 {
        let t = self.tweedie(sigma);
        t.input * x + t.output * raw
    }

    /// The raw output that a network with this prediction has for a given denoised image; the inverse of `denoised`.
    pub fn raw(&self, x: f64, sigma: f64, denoised: f64) -> f64 {
        let t = self.tweedie(sigma);
        (denoised - t.input * x) / t.output
    }
}
