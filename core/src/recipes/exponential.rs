//! Exponential integrators: exact for a denoiser that is constant over a step, or linear in ln σ.

use super::{draw, transitions};
use crate::error::{Error, require};
use crate::walk::Step;
use libm::{expm1, log, sqrt};

/// The exponential SDE integrator with churn λ: τ = s²(1 − r^{1+λ}), b² = s'²(1 − r^{2λ}). λ = 0 is DDIM(0), λ = 1 DDPM
/// with the small variance.
///
/// # Errors
/// λ negative or not finite, levels that do not decrease, too few rows.
pub fn exponential(levels: &[f64], lambda: f64, rows: &mut [Step]) -> Result<usize, Error> {
    check_lambda(lambda)?;
    transitions(levels, rows, |k, s, next| {
        let h = log(s / next);
        Ok(Step::tweedie(s, -expm1(-(1.0 + lambda) * h), fresh(next, lambda, h), draw(k)))
    })
}

/// The second-order multistep integrator, exact for a denoiser that is linear in ln σ; an SDE with churn λ > 0. One
/// evaluation a level. With ρ = 1 + λ, h = ln(s/s'), e = exp(−ρh):
///
/// x' = e x + (1 − e) D + \[h − (1 − e)/ρ\]/h_before (D − D_before) + s'√(1 − exp(−2λh)) n
///
/// It is DPM-Solver++(2M) of the "Heun" type; [`dpm_solver`] is the published one.
///
/// # Errors
/// λ negative or not finite, levels that do not decrease, too few rows.
pub fn multistep(levels: &[f64], lambda: f64, rows: &mut [Step]) -> Result<usize, Error> {
    second_order(levels, lambda, rows, |h, gain| h - gain / (1.0 + lambda))
}

/// DPM-Solver++(2M) as published (Lu et al. 2022, algorithm 2), and with churn λ > 0 its SDE form: the slope of D is taken
/// at the middle of the step, (1 − e) h/2 in place of h − (1 − e)/ρ in [`multistep`].
///
/// # Errors
/// λ negative or not finite, levels that do not decrease, too few rows.
pub fn dpm_solver(levels: &[f64], lambda: f64, rows: &mut [Step]) -> Result<usize, Error> {
    second_order(levels, lambda, rows, |h, gain| gain * h / 2.0)
}

/// `slope(h, 1 − e)` multiplies the slope of D in ln σ.
fn second_order(
    levels: &[f64],
    lambda: f64,
    rows: &mut [Step],
    slope: impl Fn(f64, f64) -> f64,
) -> Result<usize, Error> {
    check_lambda(lambda)?;
    let mut before = 0.0;
    transitions(levels, rows, |k, s, next| {
        let h = log(s / next);
        let gain = -expm1(-(1.0 + lambda) * h);
        let extrapolation = if k == 0 { 0.0 } else { slope(h, gain) / before };
        before = h;
        Ok(Step {
            denoised: gain + extrapolation,
            previous: -extrapolation,
            ..Step::tweedie(s, gain, fresh(next, lambda, h), draw(k))
        })
    })
}

fn check_lambda(lambda: f64) -> Result<(), Error> {
    require(lambda >= 0.0 && lambda.is_finite(), "lambda", "finite and at least 0", lambda)
}

/// The standard deviation of the noise that churn renews.
fn fresh(next: f64, lambda: f64, h: f64) -> f64 {
    next * sqrt(-expm1(-2.0 * lambda * h))
}
