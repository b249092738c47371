//! The preconditioned walk: stable at any measurement noise, one evaluation a level.

use crate::denoiser::Denoiser;
use crate::error::{Error, WalkError, require};
use crate::noise::fill;
use crate::operator::Operator;
use crate::posterior::{Arrays, Chain, Observe, Problem, Run, start};
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
/// measured. Arguments and errors are those of [`gla`](crate::gla); it evaluates the denoiser `levels.len()` times.
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
    let mut arrays = problem.begin(levels, x, workspace)?;
    require(epsilon > 0.0 && epsilon < 2.0, "epsilon", "in (0, 2)", epsilon)?;
    if let Some(t) = temperature {
        require((0.0..=1.0).contains(&t), "temperature", "in [0, 1]", t)?;
    }
    let mut run = Run { denoiser, observer, evaluations: 0, total: levels.len(), solver: 0.0 };
    start(problem.mean, levels[0], chain, x, &mut arrays)?;
    for (k, pair) in levels.windows(2).enumerate() {
        let (s, r) = (pair[0], pair[1] / pair[0]);
        run.evaluate(x, s, arrays.denoised)?;
        let t = temperature.unwrap_or((1.0 - (1.0 - r * r) / (2.0 * epsilon)).max(0.0));
        let spread = sqrt(2.0 * epsilon * t);
        let mut solver = 0.0;
        arrays.each(chain, x, |chain, x, arrays| {
            solver = step(problem, s, epsilon, spread, k as u32, chain, x, arrays)?.max(solver);
            Ok::<(), Error>(())
        })?;
        run.solver = solver;
        run.finite("x", x, s)?;
        run.observe(arrays.denoised, s)?;
    }
    problem.end(&mut run, levels[levels.len() - 1], x, arrays)
}

/// One step as x ← x + v + s² Aᵀ(η² + s² A Aᵀ)⁻¹(ε(y − A x) + √(2εT) η n₂ − A v) with v = ε(D − x) + √(2εT) s n₁: by
/// M Aᵀ/η² = s² Aᵀ(η² + s² A Aᵀ)⁻¹ the same, without the large terms in 1/η² that would cancel.
fn step<A: Operator>(
    problem: &Problem<'_, A>,
    s: f64,
    epsilon: f64,
    spread: f64,
    k: u32,
    chain: Chain,
    x: &mut [f32],
    arrays: Arrays<'_>,
) -> Result<f64, Error> {
    let Arrays { denoised, image: u, other: v, residual, measured, scratch, .. } = arrays;
    let drift = Step { x: -epsilon, denoised: epsilon, noise: spread * s, draw: 2 * k + 1, ..Step::default() };
    v.copy_from_slice(x);
    update(&drift, chain.seed, chain.chain, v, denoised, &[], &[])?;
    problem.residual(x, residual, scratch);
    fill(chain.seed, chain.chain, 2 * k + 2, 0, measured);
    for (r, n) in residual.iter_mut().zip(measured.iter()) {
        *r = (epsilon * f64::from(*r) + spread * problem.eta * f64::from(*n)) as f32;
    }
    problem.operator.apply(v, measured, scratch);
    for (r, m) in residual.iter_mut().zip(measured.iter()) {
        *r -= m;
    }
    let left = problem.pull(s * s, residual, scratch, u);
    for ((x, v), u) in x.iter_mut().zip(v.iter()).zip(u.iter()) {
        *x = (f64::from(*x) + f64::from(*v) + s * s * f64::from(*u)) as f32;
    }
    Ok(left)
}
