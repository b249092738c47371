//! The paper's explicit template, [RWT] eq. 22–24.

use crate::denoiser::Denoiser;
use crate::error::{WalkError, require};
use crate::operator::Operator;
use crate::posterior::{Chain, Observe, Problem, Run, start};
use crate::update::update;
use crate::walk::Step;
use libm::sqrt;

/// Sample one chain of the posterior into `x` by the explicit template:
///
/// x ← x + τ\[(D − x)/s² + Aᵀ(y − A x)/η²\] + √(2τT) n, τ = min(ε s², η²/‖A‖²), T linear from `first_temperature` to 1,
///
/// no noise in the last step, and x = D(x, s_min) with the data's Gaussian step at the end. Its step is bounded by η²,
/// so it needs many levels (the paper takes 750) and crawls where η is small: prefer [`gla`](crate::gla). Arguments
/// and errors are those of [`gla`](crate::gla); it evaluates the denoiser `levels.len()` times.
///
/// # Errors
/// Everything that [`WalkError`] lists.
pub fn template<A: Operator, D: Denoiser>(
    problem: &Problem<'_, A>,
    levels: &[f64],
    epsilon: f64,
    first_temperature: f64,
    chain: Chain,
    denoiser: &mut D,
    x: &mut [f32],
    workspace: &mut [f32],
    observer: impl Observe,
) -> Result<(), WalkError<D::Error>> {
    let arrays = problem.begin(levels, x, workspace)?;
    require(epsilon > 0.0 && epsilon < 2.0, "epsilon", "in (0, 2)", epsilon)?;
    require((0.0..=1.0).contains(&first_temperature), "first temperature", "in [0, 1]", first_temperature)?;
    let mut run = Run { denoiser, observer, evaluations: 0, total: levels.len() };
    start(problem.mean, levels[0], chain, x)?;
    let (norm, eta2) = (problem.operator.norm(), problem.eta * problem.eta);
    let (last, before) = levels.split_last().unwrap_or((&0.0, &[]));
    for (k, &s) in before.iter().enumerate() {
        run.evaluate(x, s, arrays.denoised)?;
        problem.residual(x, arrays.residual);
        problem.operator.adjoint(arrays.residual, arrays.image);
        let tau = (epsilon * s * s).min(eta2 / (norm * norm));
        let progress = k as f64 / (before.len().max(2) - 1) as f64;
        let t = first_temperature + (1.0 - first_temperature) * progress;
        let noise = if k + 1 == before.len() { 0.0 } else { sqrt(2.0 * tau * t) };
        let row = Step { gradient: tau / eta2, ..Step::tweedie(s, tau / (s * s), noise, k as u32 + 1) };
        update(&row, chain.seed, chain.chain, x, arrays.denoised, &[], arrays.image)?;
        run.observe(arrays.denoised, s)?;
    }
    problem.end(&mut run, *last, x, arrays)
}
