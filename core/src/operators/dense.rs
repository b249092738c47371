//! A matrix.

use crate::error::{Error, require_len};
use crate::operator::{Operator, dot};

/// A dense matrix, row-major, m rows of n columns.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a> {
    matrix: &'a [f32],
    rows: usize,
    columns: usize,
}

impl<'a> Dense<'a> {
    /// An m × n matrix.
    ///
    /// # Errors
    /// [`Error::Length`] unless `matrix` has rows · columns > 0 elements.
    pub fn new(matrix: &'a [f32], rows: usize, columns: usize) -> Result<Self, Error> {
        require_len("matrix", rows.saturating_mul(columns).max(1), matrix.len())?;
        Ok(Self { matrix, rows, columns })
    }
}

impl Operator for Dense<'_> {
    fn image_len(&self) -> usize {
        self.columns
    }

    fn measurement_len(&self) -> usize {
        self.rows
    }

    fn apply(&self, x: &[f32], y: &mut [f32], _scratch: &mut [f32]) {
        for (row, y) in self.matrix.chunks_exact(self.columns).zip(y) {
            *y = dot(row, x) as f32;
        }
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], _scratch: &mut [f32]) {
        x.fill(0.0);
        for (row, y) in self.matrix.chunks_exact(self.columns).zip(y) {
            for (x, a) in x.iter_mut().zip(row) {
                *x += y * a;
            }
        }
    }

    /// The Frobenius norm.
    fn norm(&self) -> f64 {
        libm::sqrt(dot(self.matrix, self.matrix))
    }
}
