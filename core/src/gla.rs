//! Guided look-ahead: two evaluations a level, nothing to tune. The default way to sample a posterior.

use crate::denoiser::Denoiser;
use crate::error::{Error, WalkError};
use crate::level::Level;
use crate::operator::{Operator, dot};
use crate::posterior::{Chain, Method, Observe};
use crate::posterior_walk::{PosteriorWalk, chains_of};
use crate::problem::{Arrays, Problem, weigh};
use crate::update::update;
use crate::walk::Step;
use libm::sqrt;

/// Sample one chain of the posterior into `x` by guided look-ahead, MATH.md §6; or several, if `x` holds several images.
///
/// At every level, with x = z + w n and D = D(x, ŝ): z ← D + t g + w n, g = Cov(X|x) Aᵀ(η² + q A Aᵀ)⁻¹(y − A D).
///
/// `levels` fall from about the data's largest extent to at most [`Problem::last_level`]; the denoiser is evaluated at up to
/// √2 times the first of them, 2 · (levels − 1) + 1 times in all, each time with all chains. `workspace` has
/// [`Problem::workspace_len`] elements, whatever they hold; `x` is only written. A chain has the same noise beside
/// others as alone.
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
    let chains = chains_of(problem.operator, x)?;
    let walk = PosteriorWalk::new(problem, levels, Method::GuidedLookAhead, chain, chains)?;
    walk.run(denoiser, x, workspace, observer)
}

/// The scalars of the present level.
pub(crate) fn level<A>(walk: &PosteriorWalk<'_, A>) -> Level {
    Level::guided(walk.levels[walk.level], walk.levels[walk.level + 1], walk.problem.variance)
}

/// The noise that is added and taken again, and its draw.
fn noise<A>(walk: &PosteriorWalk<'_, A>) -> Step {
    Step { noise: level(walk).noise, draw: walk.level as u32 + 1, ..Step::default() }
}

/// x = z + w n.
pub(crate) fn look_ahead<A: Operator>(
    walk: &PosteriorWalk<'_, A>,
    x: &mut [f32],
    arrays: &mut Arrays<'_>,
) -> Result<(), Error> {
    let ahead = Step { x: 1.0, ..noise(walk) };
    walk.each(x, arrays, |chain, x, _| update(&ahead, chain.seed, chain.chain, x, &[], &[], &[]))
}

/// u = Aᵀ(η² + q A Aᵀ)⁻¹(y − A D), and x moved along it in every chain that is pulled at all; is any?
pub(crate) fn pull<A: Operator>(
    walk: &mut PosteriorWalk<'_, A>,
    x: &mut [f32],
    arrays: &mut Arrays<'_>,
) -> Result<bool, WalkError> {
    let (problem, Level { sigma: raised, q, .. }) = (walk.problem, level(walk));
    let (mut is_pulled, mut solver) = (false, 0.0);
    walk.each(x, arrays, |_, x, mut arrays| {
        problem.linearise(q, &mut arrays);
        let Arrays { image: u, residual, weights, measured, scratch, .. } = arrays;
        measured.copy_from_slice(residual);
        solver = problem.pull(q, weights, measured, scratch, u).max(solver);
        let delta = displacement(raised, u);
        if delta > 0.0 {
            is_pulled = true;
            for (x, u) in x.iter_mut().zip(u.iter()) {
                *x += (delta * f64::from(*u)) as f32;
            }
        }
        Ok::<(), Error>(())
    })?;
    walk.finite("the pull of the measurement", arrays.image)?;
    walk.solver = solver;
    Ok(is_pulled)
}

/// z = D + t g + w n.
pub(crate) fn guide<A: Operator>(
    walk: &PosteriorWalk<'_, A>,
    x: &mut [f32],
    arrays: &mut Arrays<'_>,
) -> Result<(), WalkError> {
    let (problem, raised) = (walk.problem, level(walk).sigma);
    let mut is_finite = true;
    walk.each(x, arrays, |chain, x, arrays| {
        let Arrays { denoised, image: u, other: g, residual, weights, measured, scratch, .. } = arrays;
        let delta = displacement(raised, u);
        let mut t = 0.0;
        if delta > 0.0 {
            covariance(raised * raised / delta, denoised, g);
            problem.operator.apply(g, measured, scratch);
            weigh(weights, measured);
            let curvature = dot(measured, measured) + problem.noise_variance() * dot(u, g).max(0.0);
            is_finite &= curvature.is_finite();
            t = if curvature > 0.0 { dot(residual, measured).max(0.0) / curvature } else { 0.0 };
        }
        let guided = Step { denoised: 1.0, gradient: t, ..noise(walk) };
        update(&guided, chain.seed, chain.chain, x, denoised, &[], g)
    })?;
    if is_finite { Ok(()) } else { Err(walk.not_finite("the measurement of the guide", 0)) }
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
