//! Variance-preserving training tables: σ_t = √((1 − ᾱ_t)/ᾱ_t) for t = 0, 1, …, and the time of a noise level.

use crate::error::{Error, require};
use libm::{cos, log, sqrt};

/// How β_t of a variance-preserving process is given.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Betas {
    /// β linear in t (DDPM: 1e-4 to 0.02 over 1000 steps).
    Linear {
        /// β of the first step.
        first: f64,
        /// β of the last step.
        last: f64,
    },
    /// √β linear in t (latent diffusion: 0.00085 to 0.012).
    ScaledLinear {
        /// β of the first step.
        first: f64,
        /// β of the last step.
        last: f64,
    },
    /// ᾱ a squared cosine with offset 0.008, β ≤ 0.999 (Nichol and Dhariwal 2021).
    Cosine,
}

impl Betas {
    /// Write σ_t for t = 0 … `sigmas.len()` − 1, increasing.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a β is not in (0, 1), or the table is shorter than 2.
    pub fn sigmas(&self, sigmas: &mut [f64]) -> Result<(), Error> {
        let count = sigmas.len();
        require(count >= 2, "the table's length", "at least 2", count as f64)?;
        let mut alpha_bar = 1.0;
        for (t, sigma) in sigmas.iter_mut().enumerate() {
            let beta = self.beta(t, count);
            require(beta > 0.0 && beta < 1.0, "beta", "in (0, 1)", beta)?;
            alpha_bar *= 1.0 - beta;
            *sigma = sqrt((1.0 - alpha_bar) / alpha_bar);
        }
        Ok(())
    }

    fn beta(&self, t: usize, count: usize) -> f64 {
        let u = t as f64 / (count - 1) as f64;
        match *self {
            Self::Linear { first, last } => first + u * (last - first),
            Self::ScaledLinear { first, last } => {
                let root = sqrt(first) + u * (sqrt(last) - sqrt(first));
                root * root
            }
            Self::Cosine => {
                let f = |t: f64| {
                    let c = cos((t / count as f64 + 0.008) / 1.008 * core::f64::consts::FRAC_PI_2);
                    c * c
                };
                (1.0 - f(t as f64 + 1.0) / f(t as f64)).min(0.999)
            }
        }
    }
}

/// The fractional time t of a noise level on a network's own training table: t interpolated linearly in ln σ.
///
/// # Errors
/// [`Error::Domain`] outside the table.
pub fn time_of(sigmas: &[f64], sigma: f64) -> Result<f64, Error> {
    let (low, high) = match sigmas {
        [low, .., high] => (*low, *high),
        _ => return Err(Error::Length { name: "the table of noise levels", expected: 2, found: sigmas.len() }),
    };
    if !(sigma >= low && sigma <= high) {
        return Err(Error::Domain { sigma, low, high });
    }
    let above = sigmas.partition_point(|&s| s <= sigma).min(sigmas.len() - 1);
    let (a, b) = (sigmas[above - 1], sigmas[above]);
    Ok((above - 1) as f64 + log(sigma / a) / log(b / a))
}
