//! What can be wrong with a plan, a shape or a number.

use core::convert::Infallible;

/// A plan or an argument that cannot be used; it says what was expected and what was found.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter lies outside its range.
    #[error("{name} must be {expected}, found {found}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its range in words.
        expected: &'static str,
        /// What was given.
        found: f64,
    },
    /// Noise levels must decrease and be positive and finite.
    #[error("noise level {index} is {found}; levels must be finite, positive and below the level before ({before})")]
    Level {
        /// Which level.
        index: usize,
        /// Its value.
        found: f64,
        /// The level before it (infinity for the first).
        before: f64,
    },
    /// A number of a plan's row, or of a table's, cannot be: a coefficient that is not finite, an evaluation at a level that
    /// is not positive, a temperature above 1, a β outside (0, 1), ….
    #[error("row {row}: {name} is {found}")]
    Row {
        /// Which row of the plan or the table, from 0.
        row: usize,
        /// Which number of it, and what it must be.
        name: &'static str,
        /// Its value.
        found: f64,
    },
    /// The caller's array of rows is too short.
    #[error("the plan has {needed} rows, room was given for {capacity}")]
    Capacity {
        /// Rows of the plan.
        needed: usize,
        /// Rows that fit.
        capacity: usize,
    },
    /// An array has another length than it must have.
    #[error("{name} must have {expected} elements, found {found}")]
    Length {
        /// Which array.
        name: &'static str,
        /// Its length by the other arguments.
        expected: usize,
        /// Its length.
        found: usize,
    },
    /// An operator is not what it says.
    #[error("{what}: expected at most or about {expected:e}, found {found:e}; check A and its adjoint")]
    Operator {
        /// What was compared.
        what: &'static str,
        /// What a right operator has there.
        expected: f64,
        /// What this one has.
        found: f64,
    },
    /// σ lies outside what a table or a network covers.
    #[error("noise level {sigma} is outside the range {low} to {high}")]
    Domain {
        /// The noise level.
        sigma: f64,
        /// The smallest that is covered.
        low: f64,
        /// The largest that is covered.
        high: f64,
    },
}

/// Why a walk stopped before its end. `E` is the denoiser's own error.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WalkError<E = Infallible> {
    /// The plan or the arguments cannot be used.
    #[error(transparent)]
    Plan(#[from] Error),
    /// The denoiser failed.
    #[error("the denoiser failed at row {row} (sigma {sigma})")]
    Denoiser {
        /// The row of the plan.
        row: usize,
        /// The noise level asked for.
        sigma: f64,
        /// The denoiser's own error.
        error: E,
    },
    /// An array holds NaN or infinity.
    #[error("{name} is not finite at row {row} (sigma {sigma}), element {element}")]
    NotFinite {
        /// Which array.
        name: &'static str,
        /// The row of the plan.
        row: usize,
        /// The noise level there.
        sigma: f64,
        /// The first element that is not finite.
        element: usize,
    },
    /// The observer asked to stop.
    #[error("cancelled after row {row}")]
    Cancelled {
        /// The last row that was done.
        row: usize,
    },
}

impl WalkError {
    /// The same, where the denoiser has errors of its own.
    pub(crate) fn lift<E>(self) -> WalkError<E> {
        match self {
            Self::Plan(error) => WalkError::Plan(error),
            Self::Denoiser { error, .. } => match error {},
            Self::NotFinite { name, row, sigma, element } => WalkError::NotFinite { name, row, sigma, element },
            Self::Cancelled { row } => WalkError::Cancelled { row },
        }
    }
}

/// `value` if `ok`, else an error that names it.
pub(crate) fn require(ok: bool, name: &'static str, expected: &'static str, found: f64) -> Result<(), Error> {
    if ok { Ok(()) } else { Err(Error::Parameter { name, expected, found }) }
}

/// An error unless `found == expected`.
pub(crate) fn require_len(name: &'static str, expected: usize, found: usize) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::Length { name, expected, found }) }
}
