//! Guided look-ahead: two evaluations a level, nothing to tune. The default way to sample a posterior.

use crate::denoiser::Denoiser;
use crate::error::WalkError;
use crate::operator::{Operator, dot};
use crate::posterior::{Arrays, Chain, Observe, Problem, Run, start};
use crate::update::update;
use crate::walk::Step;
use libm::sqrt;

/// Sample one chain of the posterior into `x` by guided look-ahead, MATH.md §6.
///
/// `levels` fall from about the data's largest extent to at most η/5; the denoiser is evaluated at up to √2 times the
/// first of them, 2 · (levels − 1) + 1 times in all. `workspace` has [`workspace_len`](crate::workspace_len) elements,
/// whatever they hold; `x` is only written.
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
    let mut run = Run { denoiser, observer, evaluations: 0, total: 2 * levels.len() - 1 };
    start(problem.mean, levels[0], chain, x)?;
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
    let Arrays { denoised, image: u, other: g, residual, measured, scratch } = arrays;
    let w = sqrt((s * s + next * next) / 2.0);
    let raised = sqrt(s * s + w * w);
    let ahead = Step { x: 1.0, noise: w, draw, ..Step::default() };
    update(&ahead, chain.seed, chain.chain, x, &[], &[], &[])?;
    run.evaluate(x, raised, denoised)?;
    run.observe(denoised, raised)?;

    let variance = raised * raised;
    problem.residual(denoised, residual);
    measured.copy_from_slice(residual);
    problem.pull(variance * problem.variance / (variance + problem.variance), measured, scratch, u);
    let length = sqrt(dot(u, u));
    let mut t = 0.0;
    if length > 0.0 {
        covariance(run, raised, length, x, denoised, u, g)?;
        problem.operator.apply(g, measured);
        let curvature = dot(measured, measured) + problem.eta * problem.eta * dot(u, g).max(0.0);
        t = if curvature > 0.0 { dot(residual, measured).max(0.0) / curvature } else { 0.0 };
        run.observe(denoised, raised)?;
    }
    let guided = Step { denoised: 1.0, gradient: t, noise: w, draw, ..Step::default() };
    update(&guided, chain.seed, chain.chain, x, denoised, &[], g)?;
    Ok(())
}

/// g ← Cov(X|x) u = ŝ² J u, the denoiser's Jacobian by a forward difference along u; x is moved.
fn covariance<D: Denoiser>(
    run: &mut Run<'_, D, impl Observe>,
    sigma: f64,
    length: f64,
    x: &mut [f32],
    denoised: &[f32],
    u: &[f32],
    g: &mut [f32],
) -> Result<(), WalkError<D::Error>> {
    let delta = 0.01 * sigma * sqrt(x.len() as f64) / length;
    for (x, u) in x.iter_mut().zip(u) {
        *x += (delta * f64::from(*u)) as f32;
    }
    run.evaluate(x, sigma, g)?;
    let scale = (sigma * sigma / delta) as f32;
    for (g, d) in g.iter_mut().zip(denoised) {
        *g = scale * (*g - d);
    }
    Ok(())
}
