//! Guided look-ahead: two evaluations a level, nothing to tune. The default way to sample a posterior.

use crate::denoiser::Denoiser;
use crate::error::{Error, WalkError};
use crate::operator::{Operator, dot};
use crate::posterior::{Arrays, Chain, Observe, Problem, Run, start};
use crate::update::update;
use crate::walk::Step;
use libm::sqrt;

/// Sample one chain of the posterior into `x` by guided look-ahead, MATH.md §6; or several, if `x` holds several images.
///
/// `levels` fall from about the data's largest extent to at most η/5; the denoiser is evaluated at up to √2 times the
/// first of them, 2 · (levels − 1) + 1 times in all, each time with all chains. `workspace` has
/// [`workspace_len`](crate::workspace_len) elements, whatever they hold; `x` is only written. A chain has the same
/// noise beside others as alone.
///
/// # Errors
/// Everything that [`WalkError`] lists. After [`WalkError::Cancelled`] `x` holds the walk's present place.
pub fn gla<A: Operator, D: Denoiser>(
    problem: &Problem<'_, A>,
    levels: &[f64],
    chain: Chain,
    denoiser: &mut D,
    x: &mut [f32],
    workspace: &mut [f32],
    observer: impl Observe,
) -> Result<(), WalkError<D::Error>> {
    let mut arrays = problem.begin(levels, x, workspace)?;
    let mut run = Run { denoiser, observer, evaluations: 0, total: 2 * levels.len() - 1, solver: 0.0 };
    start(problem.mean, levels[0], chain, x, &mut arrays)?;
    for (k, pair) in levels.windows(2).enumerate() {
        level(problem, &mut run, pair[0], pair[1], k as u32 + 1, chain, x, &mut arrays)?;
    }
    problem.end(&mut run, levels[levels.len() - 1], x, arrays)
}

/// z = D + t g + w n with x = z + w n, D = D(x, ŝ), g = Cov(X|x) Aᵀ(η² + q A Aᵀ)⁻¹(y − A D).
fn level<A: Operator, D: Denoiser>(
    problem: &Problem<'_, A>,
    run: &mut Run<'_, D, impl Observe>,
    s: f64,
    next: f64,
    draw: u32,
    chain: Chain,
    x: &mut [f32],
    arrays: &mut Arrays<'_>,
) -> Result<(), WalkError<D::Error>> {
    let w = sqrt((s * s + next * next) / 2.0);
    let raised = sqrt(s * s + w * w);
    let ahead = Step { x: 1.0, noise: w, draw, ..Step::default() };
    arrays.each(chain, x, |chain, x, _| update(&ahead, chain.seed, chain.chain, x, &[], &[], &[]))?;
    run.evaluate(x, raised, arrays.denoised)?;
    run.observe(arrays.denoised, raised)?;

    let variance = raised * raised;
    let q = variance * problem.variance / (variance + problem.variance);
    let (mut is_pulled, mut solver) = (false, 0.0);
    arrays.each(chain, x, |_, x, arrays| {
        let Arrays { denoised, image: u, residual, measured, scratch, .. } = arrays;
        problem.residual(denoised, residual, scratch);
        measured.copy_from_slice(residual);
        solver = problem.pull(q, measured, scratch, u).max(solver);
        let delta = displacement(raised, u);
        if delta > 0.0 {
            is_pulled = true;
            for (x, u) in x.iter_mut().zip(u.iter()) {
                *x += (delta * f64::from(*u)) as f32;
            }
        }
        Ok::<(), Error>(())
    })?;
    run.finite("the pull of the measurement", arrays.image, raised)?;
    run.solver = solver;
    if is_pulled {
        run.evaluate(x, raised, arrays.other)?;
        run.observe(arrays.denoised, raised)?;
    }
    let mut is_finite = true;
    arrays.each(chain, x, |chain, x, arrays| {
        let Arrays { denoised, image: u, other: g, residual, measured, scratch, .. } = arrays;
        let delta = displacement(raised, u);
        let mut t = 0.0;
        if delta > 0.0 {
            covariance(variance / delta, denoised, g);
            problem.operator.apply(g, measured, scratch);
            let curvature = dot(measured, measured) + problem.eta * problem.eta * dot(u, g).max(0.0);
            is_finite &= curvature.is_finite();
            t = if curvature > 0.0 { dot(residual, measured).max(0.0) / curvature } else { 0.0 };
        }
        let guided = Step { denoised: 1.0, gradient: t, noise: w, draw, ..Step::default() };
        update(&guided, chain.seed, chain.chain, x, denoised, &[], g)
    })?;
    if is_finite { Ok(()) } else { Err(run.not_finite("the measurement of the guide", raised, 0)) }
}

/// The step of the difference along u: a hundredth of the noise's length; 0 where there is nothing to follow.
fn displacement(sigma: f64, u: &[f32]) -> f64 {
    let length = sqrt(dot(u, u));
    if length > 0.0 { 0.01 * sigma * sqrt(u.len() as f64) / length } else { 0.0 }
}

/// g ← Cov(X|x) u = ŝ² J u, the denoiser's Jacobian by the forward difference from `denoised` to g.
fn covariance(scale: f64, denoised: &[f32], g: &mut [f32]) {
    for (g, d) in g.iter_mut().zip(denoised) {
        *g = scale as f32 * (*g - d);
    }
}
