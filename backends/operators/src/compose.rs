//! Operators made of others.

use rwt_core::{Error, Operator};

use crate::{require, require_len};

/// A ∘ B: first B, then A.
#[derive(Clone, Debug)]
pub struct Composed<A, B> {
    after: A,
    before: B,
}

impl<A: Operator, B: Operator> Composed<A, B> {
    /// `after` measures what `before` gives.
    ///
    /// # Errors
    /// [`Error::Length`] if they do not fit.
    pub fn new(after: A, before: B) -> Result<Self, Error> {
        require_len("measurement of the first operator", after.image_len(), before.measurement_len())?;
        Ok(Self { after, before })
    }
}

impl<A: Operator, B: Operator> Operator for Composed<A, B> {
    fn image_len(&self) -> usize {
        self.before.image_len()
    }

    fn measurement_len(&self) -> usize {
        self.after.measurement_len()
    }

    fn scratch_len(&self) -> usize {
        self.after.image_len() + self.after.scratch_len().max(self.before.scratch_len())
    }

    fn apply(&self, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        let (between, scratch) = scratch.split_at_mut(self.after.image_len());
        self.before.apply(x, between, scratch);
        self.after.apply(between, y, scratch);
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], scratch: &mut [f32]) {
        let (between, scratch) = scratch.split_at_mut(self.after.image_len());
        self.after.adjoint(y, between, scratch);
        self.before.adjoint(between, x, scratch);
    }

    fn norm(&self) -> f64 {
        self.after.norm() * self.before.norm()
    }
}

/// Two measurements of the same image, one behind the other.
#[derive(Clone, Debug)]
pub struct Stacked<A, B> {
    first: A,
    second: B,
}

impl<A: Operator, B: Operator> Stacked<A, B> {
    /// Both see images of the same length.
    ///
    /// # Errors
    /// [`Error::Length`] if they do not.
    pub fn new(first: A, second: B) -> Result<Self, Error> {
        require_len("image of the second operator", first.image_len(), second.image_len())?;
        Ok(Self { first, second })
    }
}

impl<A: Operator, B: Operator> Operator for Stacked<A, B> {
    fn image_len(&self) -> usize {
        self.first.image_len()
    }

    fn measurement_len(&self) -> usize {
        self.first.measurement_len() + self.second.measurement_len()
    }

    fn scratch_len(&self) -> usize {
        self.image_len() + self.first.scratch_len().max(self.second.scratch_len())
    }

    fn apply(&self, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        let (first, second) = y.split_at_mut(self.first.measurement_len());
        self.first.apply(x, first, scratch);
        self.second.apply(x, second, scratch);
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], scratch: &mut [f32]) {
        let (first, second) = y.split_at(self.first.measurement_len());
        let (other, scratch) = scratch.split_at_mut(self.image_len());
        self.first.adjoint(first, x, scratch);
        self.second.adjoint(second, other, scratch);
        x.iter_mut().zip(other.iter()).for_each(|(x, other)| *x += other);
    }

    fn norm(&self) -> f64 {
        self.first.norm().hypot(self.second.norm())
    }
}

/// c A.
#[derive(Clone, Debug)]
pub struct Scaled<A> {
    operator: A,
    scale: f32,
}

impl<A: Operator> Scaled<A> {
    /// Times a finite number that is not 0.
    ///
    /// # Errors
    /// [`Error::Parameter`] for another one.
    pub fn new(operator: A, scale: f32) -> Result<Self, Error> {
        require(scale.is_finite() && scale != 0.0, "scale", "finite and not 0", f64::from(scale))?;
        Ok(Self { operator, scale })
    }
}

impl<A: Operator> Operator for Scaled<A> {
    fn image_len(&self) -> usize {
        self.operator.image_len()
    }

    fn measurement_len(&self) -> usize {
        self.operator.measurement_len()
    }

    fn scratch_len(&self) -> usize {
        self.operator.scratch_len()
    }

    fn apply(&self, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        self.operator.apply(x, y, scratch);
        y.iter_mut().for_each(|y| *y *= self.scale);
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], scratch: &mut [f32]) {
        self.operator.adjoint(y, x, scratch);
        x.iter_mut().for_each(|x| *x *= self.scale);
    }

    fn norm(&self) -> f64 {
        f64::from(self.scale.abs()) * self.operator.norm()
    }

    fn solve_len(&self) -> usize {
        self.operator.solve_len()
    }

    fn solve(&self, noise_variance: f64, q: f64, r: &mut [f32], scratch: &mut [f32]) -> f64 {
        let square = f64::from(self.scale) * f64::from(self.scale);
        self.operator.solve(noise_variance, q * square, r, scratch)
    }
}
