//! Known samplers as rows. MATH.md §2 and §5; s is a level, s' the next one, r = s'/s.
//!
//! Every recipe takes decreasing levels and writes: one row that draws x = s₀ n, one or two rows for each step from a
//! level to the next, and the last row x = D(x, s_min). It returns how many rows it wrote.
//!
//! ```
//! use rwt_core::{Schedule, Step, Walk, recipes};
//! let mut levels = [0.0; 50];
//! Schedule::Geometric { sigma_max: 20.0, sigma_min: 0.01 }.levels(&mut levels)?;
//! let mut rows = [Step::default(); 51];
//! let count = recipes::multistep(&levels, 0.25, &mut rows)?;
//! assert_eq!(Walk::new(&rows[..count])?.evaluations(), 50);
//! # Ok::<(), rwt_core::Error>(())
//! ```

use crate::error::{Error, require};
use crate::schedule::check_levels;
use crate::walk::Step;
use libm::{exp, log, sqrt};

/// The temperature of the simple rule, T of [RWT] eq. 10: 1 is Langevin dynamics at a fixed level, a reverse SDE's
/// step has 1/2, a probability-flow step 0.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Temperature {
    /// Linear in the step's number, [RWT] §V-B.
    Ramp {
        /// T of the first step.
        first: f64,
        /// T of the last step.
        last: f64,
    },
    /// T = 1 − (1 − r²)/(2ε), which keeps the marginals to first order; where that is negative, T = 0 and τ is
    /// raised to (s² − s'²)/2.
    MarginalPreserving,
}

/// The variance of a DDPM step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DdpmVariance {
    /// β_t.
    Large,
    /// β̃_t, the variance of the forward posterior.
    Small,
}

/// The paper's simple rule: τ = ε s², b² = 2τT; no noise in the last step of the ramp.
///
/// # Errors
/// ε outside (0, 2), a temperature that is negative or not finite, levels that do not decrease, too few rows.
pub fn simple(levels: &[f64], epsilon: f64, temperature: Temperature, rows: &mut [Step]) -> Result<usize, Error> {
    require(epsilon > 0.0 && epsilon < 2.0, "epsilon", "in (0, 2)", epsilon)?;
    if let Temperature::Ramp { first, last } = temperature {
        require(first >= 0.0 && first.is_finite(), "first temperature", "finite and at least 0", first)?;
        require(last >= 0.0 && last.is_finite(), "last temperature", "finite and at least 0", last)?;
    }
    let steps = levels.len().saturating_sub(1);
    transitions(levels, rows, |k, s, next| {
        let (mut a, change) = (epsilon, s * s - next * next);
        let t = match temperature {
            Temperature::Ramp { first, last } => {
                first + (last - first) * k as f64 / steps.max(2).saturating_sub(1) as f64
            }
            Temperature::MarginalPreserving => {
                let t = 1.0 - change / (s * s) / (2.0 * epsilon);
                if t < 0.0 {
                    a = change / (2.0 * s * s);
                }
                t.max(0.0)
            }
        };
        let quiet = k + 1 == steps && matches!(temperature, Temperature::Ramp { .. });
        Step::tweedie(s, a, if quiet { 0.0 } else { s * sqrt(2.0 * a * t) }, draw(k))
    })
}

/// DDPM in the walk's variable: τ = s² − s'².
///
/// # Errors
/// Levels that do not decrease, too few rows.
pub fn ddpm(levels: &[f64], variance: DdpmVariance, rows: &mut [Step]) -> Result<usize, Error> {
    transitions(levels, rows, |k, s, next| {
        let change = s * s - next * next;
        let b2 = match variance {
            DdpmVariance::Large => change * (1.0 + next * next) / (1.0 + s * s),
            DdpmVariance::Small => change * next * next / (s * s),
        };
        Step::tweedie(s, change / (s * s), sqrt(b2), draw(k))
    })
}

/// DDIM(η): η = 0 is the probability flow (also Euler's step in σ), η = 1 is DDPM with the small variance.
///
/// # Errors
/// η outside [0, 1], levels that do not decrease, too few rows.
pub fn ddim(levels: &[f64], eta: f64, rows: &mut [Step]) -> Result<usize, Error> {
    require((0.0..=1.0).contains(&eta), "eta", "in [0, 1]", eta)?;
    transitions(levels, rows, |k, s, next| {
        let r = next / s;
        let keep = eta * eta * (1.0 - r * r);
        Step::tweedie(s, 1.0 - r * sqrt(1.0 - keep), next * sqrt(keep), draw(k))
    })
}

/// DPM-Solver++(2M) and, with churn λ > 0, its SDE form; second order with one evaluation a level.
///
/// # Errors
/// λ negative or not finite, levels that do not decrease, too few rows.
pub fn multistep(levels: &[f64], lambda: f64, rows: &mut [Step]) -> Result<usize, Error> {
    require(lambda >= 0.0 && lambda.is_finite(), "lambda", "finite and at least 0", lambda)?;
    let rho = 1.0 + lambda;
    let mut before = 0.0;
    transitions(levels, rows, |k, s, next| {
        let h = log(s / next);
        let e = exp(-rho * h);
        let extrapolation = if k == 0 { 0.0 } else { (h - (1.0 - e) / rho) / before };
        before = h;
        Step {
            x: e,
            denoised: 1.0 - e + extrapolation,
            previous: -extrapolation,
            noise: next * sqrt(1.0 - exp(-2.0 * lambda * h)),
            ..Step::tweedie(s, 0.0, 0.0, draw(k))
        }
    })
}

/// The look-ahead step: the noise of a step is added before the evaluation and used again after it; second order with
/// one evaluation a level. Evaluates at up to √2 times the first level. MATH.md §5.
///
/// # Errors
/// ε outside (0, 2), levels that do not decrease, too few rows.
pub fn look_ahead(levels: &[f64], epsilon: f64, rows: &mut [Step]) -> Result<usize, Error> {
    require(epsilon > 0.0 && epsilon < 2.0, "epsilon", "in (0, 2)", epsilon)?;
    let mut rows = begin(levels, rows)?;
    for (k, pair) in levels.windows(2).enumerate() {
        let (s, next) = (pair[0], pair[1]);
        let change = s * s - next * next;
        let tau = (epsilon * (s * s - change / 4.0) / (1.0 - epsilon / 2.0)).max(change / 2.0);
        let kappa = sqrt((2.0 * tau - change).max(0.0));
        let w = kappa / 2.0;
        let raised = sqrt(s * s + w * w);
        rows.push(Step { sigma: s, x: 1.0, noise: w, draw: draw(k), ..Step::default() });
        rows.push(Step::tweedie(raised, tau / (raised * raised), kappa - w, draw(k)));
    }
    rows.end(levels)
}

/// Draw 0 is the start's.
fn draw(k: usize) -> u32 {
    k as u32 + 1
}

fn transitions(
    levels: &[f64],
    rows: &mut [Step],
    mut row: impl FnMut(usize, f64, f64) -> Step,
) -> Result<usize, Error> {
    let mut rows = begin(levels, rows)?;
    for (k, pair) in levels.windows(2).enumerate() {
        rows.push(row(k, pair[0], pair[1]));
    }
    rows.end(levels)
}

/// Rows written so far; goes on counting beyond the capacity, to say how many are needed.
struct Rows<'a> {
    rows: &'a mut [Step],
    count: usize,
}

fn begin<'a>(levels: &[f64], rows: &'a mut [Step]) -> Result<Rows<'a>, Error> {
    require(!levels.is_empty() && levels.len() < u32::MAX as usize, "levels", "at least 1", levels.len() as f64)?;
    check_levels(levels)?;
    let mut rows = Rows { rows, count: 0 };
    rows.push(Step::start(levels[0]));
    Ok(rows)
}

impl Rows<'_> {
    fn push(&mut self, step: Step) {
        if let Some(row) = self.rows.get_mut(self.count) {
            *row = step;
        }
        self.count += 1;
    }

    fn end(mut self, levels: &[f64]) -> Result<usize, Error> {
        self.push(Step::end(levels[levels.len() - 1]));
        if self.count > self.rows.len() {
            return Err(Error::Capacity { needed: self.count, capacity: self.rows.len() });
        }
        Ok(self.count)
    }
}
