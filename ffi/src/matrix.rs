//! A matrix that a handle owns.

use rwt_core::{Dense, Operator};

/// A matrix of its own.
pub(crate) struct Matrix {
    pub values: Vec<f32>,
    pub rows: usize,
    pub columns: usize,
}

impl Matrix {
    fn with<R>(&self, default: R, work: impl FnOnce(Dense<'_>) -> R) -> R {
        Dense::new(&self.values, self.rows, self.columns).map_or(default, work)
    }
}

impl Operator for Matrix {
    fn image_len(&self) -> usize {
        self.columns
    }

    fn measurement_len(&self) -> usize {
        self.rows
    }

    fn apply(&self, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        self.with((), |matrix| matrix.apply(x, y, scratch));
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], scratch: &mut [f32]) {
        self.with((), |matrix| matrix.adjoint(y, x, scratch));
    }

    fn norm(&self) -> f64 {
        self.with(0.0, |matrix| matrix.norm())
    }
}
