//! Is an operator what it says?

use crate::error::{Error, require_len};
use crate::noise::fill;
use crate::operator::{Operator, dot};
use libm::{fabs, sqrt};

/// The largest relative error of ⟨A x, y⟩ = ⟨x, Aᵀ y⟩ that rounding explains in single precision.
const ADJOINT_TOLERANCE: f64 = 1e-5;
/// Random pairs that are compared, and steps of the power iteration.
const PAIRS: u32 = 3;
const POWER_STEPS: u32 = 30;

/// What [`check_operator`] found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OperatorReport {
    /// The largest |⟨A x, y⟩ − ⟨x, Aᵀ y⟩|/(‖A x‖‖y‖ + ‖x‖‖Aᵀ y‖) over some random x and y.
    pub adjoint_error: f64,
    /// ‖A‖ by power iteration: from below, and close.
    pub norm: f64,
}

/// f32 elements of workspace that [`check_operator`] needs.
pub fn check_len<A: Operator + ?Sized>(operator: &A) -> usize {
    2 * (operator.image_len() + operator.measurement_len()) + operator.scratch_len()
}

/// Test an operator on random arrays: its adjoint, its norm, and that everything is finite. Do it once with an operator of
/// your own; a wrong adjoint makes wrong samples that look right.
///
/// # Errors
/// [`Error::Operator`] with what is wrong; [`Error::Length`] for a workspace of another length than [`check_len`].
pub fn check_operator<A: Operator + ?Sized>(operator: &A, workspace: &mut [f32]) -> Result<OperatorReport, Error> {
    require_len("workspace", check_len(operator), workspace.len())?;
    let (n, m) = (operator.image_len(), operator.measurement_len());
    let (x, rest) = workspace.split_at_mut(n);
    let (back, rest) = rest.split_at_mut(n);
    let (y, rest) = rest.split_at_mut(m);
    let (forth, scratch) = rest.split_at_mut(m);
    let mut adjoint_error = 0f64;
    for pair in 0..PAIRS {
        fill(1, 0, 2 * pair, 0, x);
        fill(1, 0, 2 * pair + 1, 0, y);
        forth.fill(f32::NAN);
        back.fill(f32::NAN);
        operator.apply(x, forth, scratch);
        operator.adjoint(y, back, scratch);
        let (left, right) = (dot(forth, y), dot(x, back));
        let scale = sqrt(dot(forth, forth) * dot(y, y)) + sqrt(dot(x, x) * dot(back, back));
        if !(left.is_finite() && right.is_finite() && scale.is_finite()) {
            return Err(Error::Operator { what: "A x and its adjoint", expected: 0.0, found: left + right });
        }
        if scale > 0.0 {
            adjoint_error = adjoint_error.max(fabs(left - right) / scale);
        }
    }
    if adjoint_error > ADJOINT_TOLERANCE {
        let what = "the relative difference of <A x, y> and <x, A' y>";
        return Err(Error::Operator { what, expected: ADJOINT_TOLERANCE, found: adjoint_error });
    }
    let norm = power_iteration(operator, x, forth, scratch);
    if norm > operator.norm() * (1.0 + 1e-4) || !operator.norm().is_finite() {
        return Err(Error::Operator { what: "the norm that it says", expected: norm, found: operator.norm() });
    }
    Ok(OperatorReport { adjoint_error, norm })
}

/// ‖A‖ from a random x.
fn power_iteration<A: Operator + ?Sized>(operator: &A, x: &mut [f32], y: &mut [f32], scratch: &mut [f32]) -> f64 {
    let mut norm = 0.0;
    for _ in 0..POWER_STEPS {
        let length = sqrt(dot(x, x));
        if length == 0.0 {
            return 0.0;
        }
        x.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
        operator.apply(x, y, scratch);
        norm = sqrt(dot(y, y));
        operator.adjoint(y, x, scratch);
    }
    norm
}
