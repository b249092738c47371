//! The paper's explicit template, \[RWT\] eq. 22–24.

use crate::denoiser::Denoiser;
use crate::error::{WalkError, require};
use crate::operator::Operator;
use crate::posterior::{Arrays, Chain, Observe, Problem, Run, start};
use crate::recipes::paper::Paper;
use crate::update::update;
use crate::walk::Step;
use libm::sqrt;

/// Sample one chain of the posterior, or several, into `x` by the explicit template:
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
    require((0.0..=1.0).contains(&first_temperature), "first temperature", "in [0, 1]", first_temperature)?;
    let clip = problem.eta * problem.eta / (problem.operator.norm() * problem.operator.norm());
    let (&last, before) = levels.split_last().unwrap_or((&0.0, &[]));
    let rule = Paper { schedule: None, steps: before.len(), epsilon, first_temperature, last_temperature: 1.0 };
    let mut run = Run { denoiser, observer, evaluations: 0, total: levels.len(), solver: 0.0 };
    let mut arrays = problem.begin(levels, x, workspace)?;
    rule.check()?;
    start(problem.mean, levels[0], chain, x, &mut arrays)?;
    walk(problem, before, &rule, clip, chain, &mut run, x, &mut arrays)?;
    problem.end(&mut run, last, x, arrays)
}

/// Sample one chain of the posterior, or several, as the experiments of \[RWT\] do: x ← n ~ N(0, I), then at every level the step
/// of [`template`] with τ = min(ε s², η²), T linear and no noise at the last level; the last x is the sample. The clip is
/// right for ‖A‖ ≤ 1 only. Arguments and errors are those of [`gla`](crate::gla); it evaluates the denoiser
/// `levels.len()` times.
///
/// # Errors
/// Everything that [`WalkError`] lists.
pub fn paper_template<A: Operator, D: Denoiser>(
    problem: &Problem<'_, A>,
    levels: &[f64],
    rule: &Paper,
    chain: Chain,
    denoiser: &mut D,
    x: &mut [f32],
    workspace: &mut [f32],
    observer: impl Observe,
) -> Result<(), WalkError<D::Error>> {
    let mut run = Run { denoiser, observer, evaluations: 0, total: levels.len(), solver: 0.0 };
    let mut arrays = problem.begin(levels, x, workspace)?;
    rule.check()?;
    start(0.0, 1.0, chain, x, &mut arrays)?;
    walk(problem, levels, rule, problem.eta * problem.eta, chain, &mut run, x, &mut arrays)?;
    run.finite("x", x, levels[levels.len() - 1])
}

/// One step at each level.
fn walk<A: Operator, D: Denoiser>(
    problem: &Problem<'_, A>,
    levels: &[f64],
    rule: &Paper,
    clip: f64,
    chain: Chain,
    run: &mut Run<'_, D, impl Observe>,
    x: &mut [f32],
    arrays: &mut Arrays<'_>,
) -> Result<(), WalkError<D::Error>> {
    for (k, &s) in levels.iter().enumerate() {
        run.evaluate(x, s, arrays.denoised)?;
        let tau = (rule.epsilon * s * s).min(clip);
        let noise = sqrt(2.0 * tau * rule.temperature(k, levels.len()));
        let gradient = tau / (problem.eta * problem.eta);
        let row = Step { gradient, ..Step::tweedie(s, tau / (s * s), noise, k as u32 + 1) };
        arrays.each(chain, x, |chain, x, arrays| {
            problem.residual(x, arrays.residual, arrays.scratch);
            problem.operator.adjoint(arrays.residual, arrays.image, arrays.scratch);
            update(&row, chain.seed, chain.chain, x, arrays.denoised, &[], arrays.image)
        })?;
        run.finite("x", x, s)?;
        run.observe(arrays.denoised, s)?;
    }
    Ok(())
}
