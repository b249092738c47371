//! How measurements scatter around A x.

use crate::counts::{Counts, Poisson, Transmission};
use crate::error::{Error, require, require_len};
use libm::sqrt;

/// The distribution of the measurements y given v = A x.
///
/// Gaussian noise enters as it is. Others enter through the derivatives of their log-likelihood: at every level each
/// measurement is replaced by the Gaussian that touches its likelihood at a v̂, with the same slope there, and its
/// curvature or Fisher's information. For counts v̂ is the most probable under N((A D)ᵢ, q‖A‖²), the denoiser's guess and its
/// uncertainty: where the guess is still rough, that is what the data say; as σ falls, it goes to A D (ours). So the likelihood is
/// the true one where the walk ends, as with Gaussian noise, and the steps are stable at any count.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Likelihood<'a> {
    /// y = v + eta n, n ~ N(0, 1), eta in the units of v.
    Gaussian {
        /// η.
        eta: f64,
    },
    /// Counts of what emits.
    Poisson(Poisson<'a>),
    /// Counts behind an absorber.
    Transmission(Transmission<'a>),
    /// The caller's own.
    Own(&'a dyn LogLikelihood),
}

/// A likelihood p(y|v), v = A x, known by its derivatives; with an operator that keeps every pixel, v is the image itself.
pub trait LogLikelihood: Sync {
    /// Write the gradient d ln p(y|v)/dvᵢ over `v`, and into `information` for each measurement a positive number by which
    /// the gradient changes: Fisher's information, the curvature, or an upper bound of it. Too large a number makes the
    /// walk timid, too small a one lets it overshoot.
    ///
    /// v is A D for a denoised image D; all must be finite.
    fn derivatives(&self, y: &[f32], v: &mut [f32], information: &mut [f32]);

    /// About the largest information of a measurement, above 0: what the last noise level must be small against.
    fn largest_information(&self) -> f64;
}

impl Likelihood<'_> {
    /// Check the numbers, and measurements against them.
    ///
    /// # Errors
    /// [`Error::Parameter`] or [`Error::Length`] with what is wrong.
    pub fn check(&self, y: &[f32]) -> Result<(), Error> {
        let mut expected = "finite everywhere";
        match self {
            Self::Gaussian { eta } => require(*eta > 0.0 && eta.is_finite(), "eta", "finite and above 0", *eta)?,
            Self::Poisson(poisson) => poisson.check(y.len())?,
            Self::Transmission(transmission) => transmission.check(y.len())?,
            Self::Own(own) => {
                let found = own.largest_information();
                require(found > 0.0 && found.is_finite(), "largest information", "finite and above 0", found)?;
            }
        }
        let is_count = matches!(self, Self::Poisson(_) | Self::Transmission(_));
        if is_count {
            expected = "a count everywhere, from 0 to 1e12";
        }
        match y.iter().find(|v| !v.is_finite() || is_count && !(0.0..=1e12).contains(*v)) {
            Some(found) => Err(Error::Parameter { name: "y", expected, found: f64::from(*found) }),
            None => Ok(()),
        }
    }

    /// η, if all measurements have the same whatever they are.
    pub(crate) fn gaussian(&self) -> Option<f64> {
        if let Self::Gaussian { eta } = self { Some(*eta) } else { None }
    }

    /// The largest information that a measurement can have, 1/η² for Gaussian noise.
    pub(crate) fn information(&self, y: &[f32]) -> f64 {
        match self {
            Self::Gaussian { eta } => 1.0 / (eta * eta),
            Self::Poisson(poisson) => poisson.information(y),
            Self::Transmission(transmission) => transmission.information(y),
            Self::Own(own) => own.largest_information(),
        }
    }

    /// `v` = A x ← the deviations of y from it in units of their standard deviation: (y − v)/η, (y − rate)/√rate for counts, for
    /// a caller's likelihood the gradient over the root of the information. `scratch` has the length of v.
    ///
    /// # Errors
    /// [`Error::Length`] unless all three have the same length.
    pub fn standardise(&self, y: &[f32], v: &mut [f32], scratch: &mut [f32]) -> Result<(), Error> {
        require_len("v", y.len(), v.len())?;
        require_len("scratch", y.len(), scratch.len())?;
        match self {
            Self::Poisson(poisson) => poisson.standardise(y, v),
            Self::Transmission(transmission) => transmission.standardise(y, v),
            Self::Gaussian { .. } | Self::Own(_) => self.linearise(y, 0.0, v, scratch),
        }
        Ok(())
    }

    /// Replace the measurements by Gaussian ones, where `v` = A D is uncertain by the variance q: `v` ← (ŷ − A D)/η̂ and
    /// `weights` ← 1/η̂.
    pub(crate) fn linearise(&self, y: &[f32], q: f64, v: &mut [f32], weights: &mut [f32]) {
        match self {
            Self::Gaussian { eta } => {
                weights.fill((1.0 / eta) as f32);
                v.iter_mut().zip(y).for_each(|(v, y)| *v = ((f64::from(*y) - f64::from(*v)) / eta) as f32);
            }
            Self::Poisson(poisson) => poisson.linearise(y, q, v, weights),
            Self::Transmission(transmission) => transmission.linearise(y, q, v, weights),
            Self::Own(own) => {
                own.derivatives(y, v, weights);
                for (v, weight) in v.iter_mut().zip(weights) {
                    *weight = sqrt(f64::from(*weight)) as f32;
                    *v /= *weight;
                }
            }
        }
    }
}

impl core::fmt::Debug for Likelihood<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Gaussian { eta } => write!(f, "Gaussian {{ eta: {eta:?} }}"),
            Self::Poisson(poisson) => poisson.fmt(f),
            Self::Transmission(transmission) => transmission.fmt(f),
            Self::Own(_) => f.write_str("Own"),
        }
    }
}
