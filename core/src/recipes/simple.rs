//! The paper's simple rule and its temperatures.

use super::{change, check_epsilon, check_temperature, draw, root, transitions};
use crate::error::{Error, require_len};
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
        /// m(σ) = E|D(X + σ n, σ) − X|² for each element there, at least 0; interpolated linearly in ln σ, and constant
        /// beyond the ends.
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
        // where the rule asks for less noise than none, the smallest step that keeps the variance
        let or_flow = |b2: f64| if b2 < 0.0 { (change / (2.0 * s * s), 0.0) } else { (epsilon, b2) };
        let fixed = |t: f64| Ok((epsilon, 2.0 * epsilon * s * s * check_temperature(k + 1, t)?));
        let (a, b2) = match temperature {
            Temperature::Constant(t) => fixed(t)?,
            Temperature::Linear { first, last } => fixed(linear(first, last, k, steps))?,
            Temperature::List(list) => fixed(list[k])?,
            Temperature::MarginalPreserving => or_flow(2.0 * epsilon * s * s - change),
            Temperature::Calibrated { sigmas, errors } => {
                let (a, m) = (epsilon, interpolate(sigmas, errors, s).min(s * s));
                or_flow(a * (2.0 - a) * s * s - change + a * a * m)
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
                require_len("errors", sigmas.len().max(1), errors.len())?;
                let mut before = 0.0;
                for (row, (&sigma, &error)) in sigmas.iter().zip(errors).enumerate() {
                    if !(sigma > before && sigma.is_finite()) {
                        return Err(Error::Row {
                            row,
                            name: "sigma of the table of errors (must increase)",
                            found: sigma,
                        });
                    }
                    if !(error >= 0.0 && error.is_finite()) {
                        return Err(Error::Row { row, name: "the table's mean squared error", found: error });
                    }
                    before = sigma;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
