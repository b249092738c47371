//! DDPM and the predictors of the score SDEs.

use super::{change, check_temperature, draw, root, transitions};
use crate::error::{Error, require_len};
use crate::walk::Step;
use libm::sqrt;

/// The variance of a DDPM step.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum DdpmVariance<'a> {
    /// β_t ("fixed large").
    Large,
    /// β̃_t, the variance of the forward posterior ("fixed small").
    Small,
    /// s_t² of each step in the scale of x_t, one fewer than the levels.
    List(&'a [f64]),
}

/// DDPM in the walk's variable: τ = s² − s'².
///
/// # Errors
/// A list of wrong length; a variance that is negative or makes T exceed 1, with its row; levels that do not decrease,
/// too few rows.
pub fn ddpm(levels: &[f64], variance: DdpmVariance<'_>, rows: &mut [Step]) -> Result<usize, Error> {
    if let DdpmVariance::List(list) = variance {
        require_len("the list of variances", levels.len().saturating_sub(1), list.len())?;
    }
    transitions(levels, rows, |k, s, next| {
        let change = change(s, next);
        let b2 = match variance {
            DdpmVariance::Large => change * (1.0 + next * next) / (1.0 + s * s),
            DdpmVariance::Small => change * next * next / (s * s),
            DdpmVariance::List(list) if list[k] >= 0.0 => list[k] * (1.0 + next * next),
            DdpmVariance::List(list) => {
                return Err(Error::Row { row: k + 1, name: "the variance, which must be at least 0,", found: list[k] });
            }
        };
        check_temperature(k + 1, b2 / (2.0 * change))?;
        Ok(Step::tweedie(s, change / (s * s), root(b2), draw(k)))
    })
}

/// The reverse-diffusion predictor of the VE-SDE: τ = b² = s² − s'².
///
/// # Errors
/// Levels that do not decrease, too few rows.
pub fn ve_sde(levels: &[f64], rows: &mut [Step]) -> Result<usize, Error> {
    transitions(levels, rows, |k, s, next| {
        let change = change(s, next);
        Ok(Step::tweedie(s, change / (s * s), sqrt(change), draw(k)))
    })
}

/// The ancestral predictor of the VE-SDE; in the walk's variable it is DDPM with [`DdpmVariance::Small`].
///
/// # Errors
/// Levels that do not decrease, too few rows.
pub fn ve_ancestral(levels: &[f64], rows: &mut [Step]) -> Result<usize, Error> {
    ddpm(levels, DdpmVariance::Small, rows)
}

/// The reverse-diffusion predictor of the VP-SDE, x_{t−1} = (2 − √α) x_t + β score + √β n with α = 1 − β.
///
/// # Errors
/// Levels that do not decrease, too few rows.
pub fn vp_sde(levels: &[f64], rows: &mut [Step]) -> Result<usize, Error> {
    transitions(levels, rows, |k, s, next| {
        let beta = change(s, next) / (1.0 + s * s); // 1 − ᾱ_t/ᾱ_{t−1}
        let alpha_root = sqrt((1.0 + next * next) / (1.0 + s * s));
        let lost = beta / (1.0 + alpha_root); // 1 − √α
        let a = beta * alpha_root * (1.0 + s * s) / (s * s);
        let noise = sqrt(beta * (1.0 + next * next));
        Ok(Step { x: 1.0 - lost * lost - a, ..Step::tweedie(s, a, noise, draw(k)) })
    })
}
