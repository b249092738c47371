//! Annealed Langevin dynamics.

use super::{begin, draw};
use crate::error::{Error, require};
use crate::walk::Step;
use libm::sqrt;

/// NCSN's annealed Langevin dynamics: at every level s, the last one too, `inner` steps
///
/// x ← x + (α/2) score + √α n, α = ε s²/s_ref², T = 1,
///
/// then x = D (NCSN itself leaves that out). `reference` is s_ref; `None` is NCSN's own, the smallest level.
///
/// # Errors
/// No inner step, ε or s_ref not positive, steps too large to be stable (α ≥ 4s²), levels that do not decrease, too few
/// rows.
pub fn ncsn(
    levels: &[f64],
    epsilon: f64,
    reference: Option<f64>,
    inner: usize,
    rows: &mut [Step],
) -> Result<usize, Error> {
    require(inner >= 1, "inner steps", "at least 1", inner as f64)?;
    let steps = levels.len().saturating_mul(inner);
    require(steps < 1 << 24, "levels times inner steps", "below 16777216", steps as f64)?;
    let reference = reference.unwrap_or(levels.last().copied().unwrap_or(1.0));
    require(reference > 0.0 && reference.is_finite(), "the reference level", "finite and above 0", reference)?;
    let a = epsilon / (reference * reference) / 2.0;
    require(a > 0.0 && a < 2.0, "epsilon/(2 reference^2)", "in (0, 2), where Langevin steps are stable", a)?;
    let mut rows = begin(levels, rows)?;
    for (k, &s) in levels.iter().enumerate() {
        for step in 0..inner {
            rows.push(Step::tweedie(s, a, s * sqrt(2.0 * a), draw(k * inner + step)));
        }
    }
    rows.end(levels)
}
