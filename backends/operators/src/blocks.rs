//! Operators side by side: each has a part of the image of its own.

use rwt_core::{Error, Operator, dot};

use crate::require;

/// diag(A₁, A₂, …): the image is the operators' images one behind the other, and so is the measurement. With one operator
/// for each channel, or for each group of channels, an image of several channels.
#[derive(Clone, Debug)]
pub struct Blocks<A> {
    operators: Vec<A>,
}

impl<A: Operator> Blocks<A> {
    /// At least one.
    ///
    /// # Errors
    /// [`Error::Parameter`] for none.
    pub fn new(operators: Vec<A>) -> Result<Self, Error> {
        require(!operators.is_empty(), "operators", "at least one", 0.0)?;
        Ok(Self { operators })
    }

    fn sum(&self, of: impl Fn(&A) -> usize) -> usize {
        self.operators.iter().map(of).sum()
    }

    fn most(&self, of: impl Fn(&A) -> usize) -> usize {
        self.operators.iter().map(of).max().unwrap_or(0)
    }
}

impl<A: Operator> Operator for Blocks<A> {
    fn image_len(&self) -> usize {
        self.sum(A::image_len)
    }

    fn measurement_len(&self) -> usize {
        self.sum(A::measurement_len)
    }

    fn scratch_len(&self) -> usize {
        self.most(A::scratch_len)
    }

    fn apply(&self, mut x: &[f32], mut y: &mut [f32], scratch: &mut [f32]) {
        for operator in &self.operators {
            let (image, x_rest) = x.split_at(operator.image_len());
            let (measurement, y_rest) = y.split_at_mut(operator.measurement_len());
            operator.apply(image, measurement, scratch);
            (x, y) = (x_rest, y_rest);
        }
    }

    fn adjoint(&self, mut y: &[f32], mut x: &mut [f32], scratch: &mut [f32]) {
        for operator in &self.operators {
            let (measurement, y_rest) = y.split_at(operator.measurement_len());
            let (image, x_rest) = x.split_at_mut(operator.image_len());
            operator.adjoint(measurement, image, scratch);
            (x, y) = (x_rest, y_rest);
        }
    }

    fn norm(&self) -> f64 {
        self.operators.iter().map(A::norm).fold(0.0, f64::max)
    }

    fn solve_len(&self) -> usize {
        self.most(A::solve_len)
    }

    /// Each block by itself, in its closed form where it has one.
    fn solve(&self, noise_variance: f64, q: f64, mut r: &mut [f32], scratch: &mut [f32]) -> f64 {
        let (mut all, mut left) = (0.0, 0.0);
        for operator in &self.operators {
            let (block, rest) = r.split_at_mut(operator.measurement_len());
            let squares = dot(block, block);
            let relative = operator.solve(noise_variance, q, block, scratch);
            all += squares;
            left += squares * relative * relative;
            r = rest;
        }
        if all > 0.0 { (left / all).sqrt() } else { 0.0 }
    }
}
