//! The samplers of Karras et al. 2022, algorithm 2.

use super::{Rows, begin, draw};
use crate::error::{Error, require};
use crate::walk::Step;
use core::f64::consts::SQRT_2;
use libm::sqrt;

/// How much noise EDM's stochastic sampler adds before a step: level s is raised to s(1 + γ) with
/// γ = min(amount/N, √2 − 1) over N levels, where s lies in `from`..=`to`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Churn {
    /// S_churn; 0 is the deterministic sampler.
    pub amount: f64,
    /// S_tmin.
    pub from: f64,
    /// S_tmax.
    pub to: f64,
    /// S_noise, the standard deviation of the noise that is added.
    pub noise: f64,
}

impl Default for Churn {
    /// The deterministic sampler.
    fn default() -> Self {
        Self { amount: 0.0, from: 0.0, to: f64::INFINITY, noise: 1.0 }
    }
}

impl Churn {
    fn check(&self) -> Result<(), Error> {
        require(self.amount >= 0.0 && self.amount.is_finite(), "churn", "finite and at least 0", self.amount)?;
        require(self.noise >= 0.0 && self.noise.is_finite(), "churn noise", "finite and at least 0", self.noise)?;
        require(self.from >= 0.0, "churn from", "at least 0", self.from)?;
        require(self.to >= self.from, "churn to", "at least churn from", self.to)
    }

    /// Raise level s: a row that adds noise, if any is added, and the raised level.
    fn raise(&self, k: usize, s: f64, count: usize, rows: &mut Rows<'_>) -> f64 {
        let gamma =
            if (self.from..=self.to).contains(&s) { (self.amount / count as f64).min(SQRT_2 - 1.0) } else { 0.0 };
        if gamma == 0.0 {
            return s;
        }
        let noise = s * sqrt(gamma * (2.0 + gamma)) * self.noise;
        rows.push(Step { x: 1.0, noise, draw: draw(k), ..Step::default() });
        s * (1.0 + gamma)
    }
}

/// EDM with Euler steps and churn; the last step goes to 0. Up to two rows a level.
///
/// # Errors
/// A churn out of range, levels that do not decrease, too few rows.
pub fn edm_euler(levels: &[f64], churn: Churn, rows: &mut [Step]) -> Result<usize, Error> {
    steps(levels, churn, rows, |_, _| None)
}

/// EDM with Heun's method and churn: two evaluations a level but for the last step, which goes to 0. Up to three rows a
/// level. The corrector, x ← x + c (D(x, s') − D(x̂, ŝ)) with c = (ŝ − s')/2s', uses the D before.
///
/// # Errors
/// A churn out of range, levels that do not decrease, too few rows.
pub fn edm_heun(levels: &[f64], churn: Churn, rows: &mut [Step]) -> Result<usize, Error> {
    steps(levels, churn, rows, |raised, next| {
        let c = (raised - next) / (2.0 * next);
        (next > 0.0).then_some(Step { sigma: next, x: 1.0, denoised: c, previous: -c, ..Step::default() })
    })
}

fn steps(
    levels: &[f64],
    churn: Churn,
    rows: &mut [Step],
    corrector: impl Fn(f64, f64) -> Option<Step>,
) -> Result<usize, Error> {
    churn.check()?;
    let mut rows = begin(levels, rows)?;
    for (k, &s) in levels.iter().enumerate() {
        let next = levels.get(k + 1).copied().unwrap_or(0.0);
        let raised = churn.raise(k, s, levels.len(), &mut rows);
        rows.push(Step::tweedie(raised, (raised - next) / raised, 0.0, draw(k)));
        if let Some(step) = corrector(raised, next) {
            rows.push(step);
        }
    }
    rows.done()
}
