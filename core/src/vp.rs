//! Variance-preserving training tables: σ_t = √((1 − ᾱ_t)/ᾱ_t) for t = 0, 1, …; [`TimeMap`](crate::TimeMap) reads them.

use crate::error::{Error, require, require_len};
use libm::{cos, sqrt};

/// How β_t of a variance-preserving process is given.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Betas<'a> {
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
    /// β_t as given.
    List(&'a [f64]),
    /// ᾱ_t as given, decreasing within (0, 1).
    AlphaBars(&'a [f64]),
}

impl Betas<'_> {
    /// Write σ_t for t = 0 … `sigmas.len()` − 1, increasing.
    ///
    /// # Errors
    /// [`Error::Row`] for a β (or 1 − the ratio of ᾱ to the one before) that is not in (0, 1) or so small or large that the
    /// levels do not increase or are not finite, [`Error::Parameter`] for a table
    /// shorter than 2, [`Error::Length`] for a list of another length.
    pub fn sigmas(&self, sigmas: &mut [f64]) -> Result<(), Error> {
        let count = sigmas.len();
        require(count >= 2, "the table's length", "at least 2", count as f64)?;
        if let Self::List(list) | Self::AlphaBars(list) = self {
            require_len("the table's list", count, list.len())?;
        }
        let (mut alpha_bar, mut before) = (1.0, 0.0);
        for (t, sigma) in sigmas.iter_mut().enumerate() {
            let beta = self.beta(t, count);
            if !(beta > 0.0 && beta < 1.0) {
                return Err(Error::Row { row: t, name: "beta, which must be in (0, 1),", found: beta });
            }
            alpha_bar = if let Self::AlphaBars(list) = self { list[t] } else { alpha_bar * (1.0 - beta) };
            *sigma = sqrt((1.0 - alpha_bar) / alpha_bar);
            if !(*sigma > before && sigma.is_finite()) {
                return Err(Error::Row {
                    row: t,
                    name: "the noise level, which must increase and be finite,",
                    found: *sigma,
                });
            }
            before = *sigma;
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
            Self::List(list) => list[t],
            Self::AlphaBars(list) if t == 0 => 1.0 - list[0],
            Self::AlphaBars(list) => 1.0 - list[t] / list[t - 1],
        }
    }
}
