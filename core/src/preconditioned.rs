//! The preconditioned walk: stable at any measurement noise, one evaluation a level.

use crate::denoiser::Denoiser;
use crate::error::{Error, WalkError, require};
use crate::noise::fill;
use crate::operator::Operator;
use crate::posterior::{Chain, Method, Observe};
use crate::posterior_walk::{PosteriorWalk, chains_of};
use crate::problem::{Arrays, Problem, weigh};
use crate::update::update;
use crate::walk::Step;
use libm::sqrt;

/// Sample one chain of the posterior, or several, into `x` by the preconditioned walk, MATH.md §6: with M = (I/s² + AᵀA/η²)⁻¹,
///
/// x ← x + ε M\[(D − x)/s² + Aᵀ(y − A x)/η²\] + √(2εT) M\[n₁/s + Aᵀn₂/η\]
///
/// at every level but the last; 0 < ε < 2. T is the temperature of \[RWT\] eq. 10: `None` for the one that keeps the
/// marginals to first order, T = 1 − (1 − r²)/(2ε) with r the ratio to the next level; ε = 1 with T = 1/2 is the
/// split-Gibbs step, an exact draw from N(M(D/s² + Aᵀy/η²), M), which leaves too little spread where nothing was
/// measured. Arguments and errors are those of [`gla`](crate::gla()); it evaluates the denoiser `levels.len()` times.
///
/// # Errors
/// Everything that [`WalkError`] lists.
pub fn preconditioned<A: Operator, D: Denoiser>(
    problem: &Problem<'_, A>,
    levels: &[f64],
    epsilon: f64,
    temperature: Option<f64>,
    chain: Chain,
    denoiser: &mut D,
    x: &mut [f32],
    workspace: &mut [f32],
    observer: impl Observe,
) -> Result<(), WalkError<D::Error>> {
    let (method, chains) = (Method::Preconditioned { epsilon, temperature }, chains_of(problem.operator, x)?);
    PosteriorWalk::new(problem, levels, method, chain, chains)?.run(denoiser, x, workspace, observer)
}

/// Can the preconditioned walk use these?
///
/// # Errors
/// [`Error::Parameter`] with what is wrong.
pub fn check_preconditioned(epsilon: f64, temperature: Option<f64>) -> Result<(), Error> {
    require(epsilon > 0.0 && epsilon < 2.0, "epsilon", "in (0, 2)", epsilon)?;
    temperature.map_or(Ok(()), |t| require((0.0..=1.0).contains(&t), "temperature", "in [0, 1]", t))
}

/// √(2εT) on the way from level s to the next.
pub(crate) fn spread(s: f64, next: f64, epsilon: f64, temperature: Option<f64>) -> f64 {
    let r = next / s;
    let t = temperature.unwrap_or((1.0 - (1.0 - r * r) / (2.0 * epsilon)).max(0.0));
    sqrt(2.0 * epsilon * t)
}

/// One level.
pub(crate) fn step<A: Operator>(
    walk: &mut PosteriorWalk<'_, A>,
    epsilon: f64,
    temperature: Option<f64>,
    x: &mut [f32],
    arrays: &mut Arrays<'_>,
) -> Result<(), WalkError> {
    let (s, next) = (walk.levels[walk.level], walk.levels[walk.level + 1]);
    let spread = spread(s, next, epsilon, temperature);
    let (problem, k, mut solver) = (walk.problem, walk.level as u32, 0.0);
    walk.each(x, arrays, |chain, x, arrays| {
        solver = move_one(&problem, s, epsilon, spread, k, chain, x, arrays)?.max(solver);
        Ok::<(), Error>(())
    })?;
    walk.solver = solver;
    walk.finite("x", x)
}

/// x ← x + ε(D − x) + v + s² Aᵀ(η² + s² A Aᵀ)⁻¹(ε(y − A D) + √(2εT) η n₂ − A v) with v = √(2εT) s n₁: by
/// M Aᵀ/η² = s² Aᵀ(η² + s² A Aᵀ)⁻¹ the same, without the large terms in 1/η² that would cancel.
fn move_one<A: Operator>(
    problem: &Problem<'_, A>,
    s: f64,
    epsilon: f64,
    spread: f64,
    k: u32,
    chain: Chain,
    x: &mut [f32],
    mut arrays: Arrays<'_>,
) -> Result<f64, Error> {
    problem.linearise(s * s, &mut arrays);
    let Arrays { denoised, image: u, other: v, residual, weights, measured, scratch, .. } = arrays;
    let noise = Step { noise: spread * s, draw: 2 * k + 1, ..Step::default() };
    update(&noise, chain.seed, chain.chain, v, &[], &[], &[])?;
    fill(chain.seed, chain.chain, 2 * k + 2, 0, measured);
    let noise = spread * sqrt(problem.noise_variance());
    for (r, n) in residual.iter_mut().zip(measured.iter()) {
        *r = (epsilon * f64::from(*r) + noise * f64::from(*n)) as f32;
    }
    problem.operator.apply(v, measured, scratch);
    weigh(weights, measured);
    for (r, m) in residual.iter_mut().zip(measured.iter()) {
        *r -= m;
    }
    let left = problem.pull(s * s, weights, residual, scratch, u);
    for (((x, d), v), u) in x.iter_mut().zip(denoised.iter()).zip(v.iter()).zip(u.iter()) {
        let (here, denoised) = (f64::from(*x), f64::from(*d));
        *x = (here + epsilon * (denoised - here) + f64::from(*v) + s * s * f64::from(*u)) as f32;
    }
    Ok(left)
}
