//! DDIM and Euler steps of the probability flow.

use super::{change, draw, root, transitions};
use crate::error::{Error, require};
use crate::walk::Step;
use libm::sqrt;

/// DDIM(η): η = 0 is the probability flow (also Euler's step in σ), η = 1 is DDPM with the small variance.
///
/// # Errors
/// η outside \[0, 1\], levels that do not decrease, too few rows.
pub fn ddim(levels: &[f64], eta: f64, rows: &mut [Step]) -> Result<usize, Error> {
    require((0.0..=1.0).contains(&eta), "eta", "in [0, 1]", eta)?;
    transitions(levels, rows, |k, s, next| {
        let keep = eta * eta * change(s, next) / (s * s);
        // 1 − r √(1 − keep), as (1 − r²(1 − keep))/(1 + r √(1 − keep)) to keep its digits where r is near 1
        let kept = next / s * root(1.0 - keep);
        let a = (change(s, next) + next * next * keep) / (s * s) / (1.0 + kept);
        Ok(Step::tweedie(s, a, next * sqrt(keep), draw(k)))
    })
}

/// Euler steps in σ of the probability flow: τ = s²(1 − r). The same as [`ddim`] with η = 0.
///
/// # Errors
/// Levels that do not decrease, too few rows.
pub fn euler(levels: &[f64], rows: &mut [Step]) -> Result<usize, Error> {
    ddim(levels, 0.0, rows)
}

/// Euler steps in σ² of the probability flow, the VE-SDE's ODE: τ = (s² − s'²)/2.
///
/// # Errors
/// Levels that do not decrease, too few rows.
pub fn euler_in_variance(levels: &[f64], rows: &mut [Step]) -> Result<usize, Error> {
    transitions(levels, rows, |k, s, next| Ok(Step::tweedie(s, change(s, next) / (2.0 * s * s), 0.0, draw(k))))
}
