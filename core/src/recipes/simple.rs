//! The paper's simple rule and its temperatures.

use super::{change, check_epsilon, check_temperature, draw, root, transitions};
use crate::error::{Error, require, require_len};
use crate::time_map::interpolate;
use crate::walk::Step;

/// The temperature of the simple rule, T of \[RWT\] eq. 10: 1 is Langevin dynamics at a fixed level, a reverse SDE's
/// step has 1/2, a probability-flow step 0.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Temperature<'a> {
    /// The same at every step.
    Constant(f64),
    /// Linear in the step's number, \[RWT\] §V-B.
    Linear {
        /// T of the first step.
        first: f64,
        /// T of the last step.
        last: f64,
    },
    /// T = 1 − (1 − r²)/(2ε), which keeps the marginals to first order; where that is negative, T = 0 and τ is
    /// raised to (s² − s'²)/2.
    MarginalPreserving,
    /// The T for which the total variance is exact, from the denoiser's own mean squared error m(σ) for each element:
    /// b² = s'² − (1 − ε)² s² + ε² m(s). An m(s) above s² counts as s², which no MMSE denoiser exceeds. Where that is negative, T = 0 and τ is raised as above.
    Calibrated {
        /// Noise levels, increasing.
        sigmas: &'a [f64],
        /// m(σ) = E|D(X + σ n, σ) − X|² for each element there, from 0 to σ² (no MMSE denoiser has more). Between them
        /// m/σ² is linear in ln σ, and constant beyond the ends.
        errors: &'a [f64],
    },
    /// T of each step, one fewer than the levels.
    List(&'a [f64]),
}

/// The simple rule: τ = ε s², b² = 2τT.
///
/// # Errors
/// ε outside (0, 2), a temperature outside \[0, 1\] with its row, lists of wrong lengths, levels that do not decrease, too
/// few rows. Temperatures above 1 are an experiment of the paper's: see [`paper::Paper`](super::paper::Paper).
pub fn simple(levels: &[f64], epsilon: f64, temperature: Temperature<'_>, rows: &mut [Step]) -> Result<usize, Error> {
    check_epsilon(epsilon)?;
    let steps = levels.len().saturating_sub(1);
    temperature.check(steps)?;
    transitions(levels, rows, |k, s, next| {
        let change = change(s, next);
        let fixed = |t: f64| Ok((epsilon, 2.0 * epsilon * s * s * check_temperature(k + 1, t)?));
        // a, b² unless that is negative; then the a that keeps the variance without noise, for an error m = part · s²
        let exact = |b2: f64, part: f64| {
            let (d, rest) = (change / (s * s), 1.0 - part);
            if b2 < 0.0 { (d / (1.0 + root(1.0 - rest * d)), 0.0) } else { (epsilon, b2) }
        };
        let (a, b2) = match temperature {
            Temperature::Constant(t) => fixed(t)?,
            Temperature::Linear { first, last } => fixed(linear(first, last, k, steps))?,
            Temperature::List(list) => fixed(list[k])?,
            Temperature::MarginalPreserving => exact(2.0 * epsilon * s * s - change, 1.0),
            Temperature::Calibrated { sigmas, errors } => {
                let part = |index: usize| errors[index] / (sigmas[index] * sigmas[index]);
                let (a, part) = (epsilon, interpolate(sigmas, part, s));
                exact((a * (2.0 - a) + a * a * part) * s * s - change, part)
            }
        };
        check_temperature(k + 1, b2 / (2.0 * a * s * s))?;
        Ok(Step::tweedie(s, a, root(b2), draw(k)))
    })
}

/// Linear from `first` at step 0 to `last` at the last of `steps`.
pub(super) fn linear(first: f64, last: f64, k: usize, steps: usize) -> f64 {
    first + (last - first) * k as f64 / steps.max(2).saturating_sub(1) as f64
}

impl Temperature<'_> {
    fn check(&self, steps: usize) -> Result<(), Error> {
        match *self {
            Temperature::List(list) => require_len("the list of temperatures", steps, list.len()),
            Temperature::Calibrated { sigmas, errors } => {
                require(!sigmas.is_empty(), "the table of errors", "not empty", 0.0)?;
                require_len("errors", sigmas.len(), errors.len())?;
                let mut before = 0.0;
                for (row, (&sigma, &found)) in sigmas.iter().zip(errors).enumerate() {
                    if !(sigma > before && sigma.is_finite()) {
                        let name = "sigma of the table of errors, which must increase,";
                        return Err(Error::Row { row, name, found: sigma });
                    }
                    if !(found >= 0.0 && found <= sigma * sigma * (1.0 + 1e-9)) {
                        let name = "the mean squared error, which must be from 0 to sigma squared,";
                        return Err(Error::Row { row, name, found });
                    }
                    before = sigma;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
