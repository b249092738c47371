//! The paper's explicit template, \[RWT\] eq. 22–24.

use crate::denoiser::Denoiser;
use crate::error::WalkError;
use crate::operator::Operator;
use crate::posterior::{Chain, Method, Observe};
use crate::posterior_walk::{PosteriorWalk, chains_of};
use crate::problem::{Arrays, Problem, weigh};
use crate::recipes::paper::Paper;
use crate::update::update;
use crate::walk::Step;
use libm::sqrt;

/// Sample one chain of the posterior, or several, into `x` by the explicit template:
///
/// x ← x + τ\[(D − x)/s² + Aᵀ(y − A x)/η²\] + √(2τT) n, τ = min(ε s², η²/‖A‖²), T linear from `first_temperature` to 1,
///
/// no noise in the last step, and x = D(x, s_min) with the data's Gaussian step at the end. Its step is bounded by η²,
/// so it needs many levels (the paper takes 750) and crawls where η is small: prefer [`gla`](crate::gla()). Arguments
/// and errors are those of [`gla`](crate::gla()); it evaluates the denoiser `levels.len()` times.
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
    let (method, chains) = (Method::Template { epsilon, first_temperature }, chains_of(problem.operator, x)?);
    PosteriorWalk::new(problem, levels, method, chain, chains)?.run(denoiser, x, workspace, observer)
}

/// Sample one chain of the posterior, or several, as the experiments of \[RWT\] do: x ← n ~ N(0, I), then at every level the step
/// of [`template`] with τ = min(ε s², η²), T linear and no noise at the last level; the last x is the sample. The clip is
/// right for ‖A‖ ≤ 1 only. Arguments and errors are those of [`gla`](crate::gla()); it evaluates the denoiser
/// `levels.len()` times.
///
/// # Errors
/// Everything that [`WalkError`] lists; [`Error::Parameter`](crate::Error::Parameter) for a likelihood that is not Gaussian, which the paper has not.
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
    let chains = chains_of(problem.operator, x)?;
    let walk = PosteriorWalk::new(problem, levels, Method::PaperTemplate(*rule), chain, chains)?;
    walk.run(denoiser, x, workspace, observer)
}

/// The paper's rule for this many steps, with temperatures up to 1.
pub(crate) fn rule(steps: usize, epsilon: f64, first_temperature: f64) -> Paper {
    Paper { schedule: None, steps, epsilon, first_temperature, last_temperature: 1.0 }
}

/// One level.
pub(crate) fn step<A: Operator>(
    walk: &PosteriorWalk<'_, A>,
    x: &mut [f32],
    arrays: &mut Arrays<'_>,
) -> Result<(), WalkError> {
    let (problem, k, s) = (walk.problem, walk.level, walk.levels[walk.level]);
    let (rule, steps, norm) = match walk.method {
        Method::PaperTemplate(rule) => (rule, walk.levels.len(), 1.0),
        Method::Template { epsilon, first_temperature } => {
            let steps = walk.levels.len() - 1;
            (rule(steps, epsilon, first_temperature), steps, problem.operator.norm())
        }
        _ => return Ok(()),
    };
    let temperature = rule.temperature(k, steps);
    walk.each(x, arrays, |chain, x, mut arrays| {
        let largest = gradient(&problem, s * s, x, &mut arrays);
        let tau = (rule.epsilon * s * s).min(1.0 / (largest * norm * norm));
        let noise = sqrt(2.0 * tau * temperature);
        let row = Step { gradient: tau, ..Step::tweedie(s, tau / (s * s), noise, k as u32 + 1) };
        update(&row, chain.seed, chain.chain, x, arrays.denoised, &[], arrays.image)
    })?;
    walk.finite("x", x)
}

/// `image` ← Aᵀ(ŷ − A x)/η̂², the likelihood's gradient at x; the largest 1/η̂².
fn gradient<A: Operator>(problem: &Problem<'_, A>, q: f64, x: &[f32], arrays: &mut Arrays<'_>) -> f64 {
    problem.linearise(q, arrays);
    let Arrays { denoised, image, other, residual, weights, measured, scratch } = arrays;
    for ((o, x), d) in other.iter_mut().zip(x).zip(denoised.iter()) {
        *o = x - d;
    }
    problem.operator.apply(other, measured, scratch);
    weigh(weights, measured);
    let scale = 1.0 / problem.noise_variance();
    for (r, m) in residual.iter_mut().zip(measured.iter()) {
        *r = (scale * f64::from(*r - m)) as f32;
    }
    weigh(weights, residual);
    problem.operator.adjoint(residual, image, scratch);
    let largest = weights.iter().copied().fold(0.0, f32::max);
    if weights.is_empty() { scale } else { f64::from(largest) * f64::from(largest) }
}
