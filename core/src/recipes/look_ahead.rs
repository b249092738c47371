//! The look-ahead step.

use super::{begin, change, check_epsilon, draw, root};
use crate::error::Error;
use crate::walk::Step;
use libm::sqrt;

/// The look-ahead step: the noise of a step is added before the evaluation and used again after it; second order with
/// one evaluation a level. Evaluates at up to √2 times the first level (for ε = 1). MATH.md §5: with Δ = s² − s'²,
/// τ = max(ε(s² − Δ/4)/(1 − ε/2), Δ/2), κ = √(2τ − Δ), w = κ/2, ŝ² = s² + w²:
///
/// x ← x + w n; x ← x + (τ/ŝ²)(D(x, ŝ) − x) + (κ − w) n with the same n.
///
/// # Errors
/// ε outside (0, 2), levels that do not decrease, too few rows.
pub fn look_ahead(levels: &[f64], epsilon: f64, rows: &mut [Step]) -> Result<usize, Error> {
    check_epsilon(epsilon)?;
    let mut rows = begin(levels, rows)?;
    for (k, pair) in levels.windows(2).enumerate() {
        let (s, change) = (pair[0], change(pair[0], pair[1]));
        let full = epsilon * (s * s - change / 4.0) / (1.0 - epsilon / 2.0);
        let tau = if full < change / 2.0 { change / 2.0 } else { full };
        let kappa = root(2.0 * tau - change);
        let w = kappa / 2.0;
        let raised = sqrt(s * s + w * w);
        rows.push(Step { sigma: s, x: 1.0, noise: w, draw: draw(k), ..Step::default() });
        rows.push(Step::tweedie(raised, tau / (raised * raised), kappa - w, draw(k)));
    }
    rows.end(levels)
}
