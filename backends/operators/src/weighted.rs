//! A noise of its own for each measurement.

use rwt_core::{Error, Operator};

use crate::{require, require_finite, require_len};

/// diag(w) A. With w = η/ηᵢ for measurements whose noise has the standard deviation ηᵢ, and y scaled alike
/// ([`Weighted::scale`]), a sampler that is told η samples the right posterior; 0 leaves a measurement out.
#[derive(Clone, Debug)]
pub struct Weighted<A> {
    operator: A,
    weights: Vec<f32>,
    largest: f64,
}

impl<A: Operator> Weighted<A> {
    /// A weight for each measurement, finite, not negative, and not all 0.
    ///
    /// # Errors
    /// [`Error::Length`] for another number of weights, [`Error::Parameter`] for others.
    pub fn new(operator: A, weights: &[f32]) -> Result<Self, Error> {
        require_len("weights", operator.measurement_len(), weights.len())?;
        require_finite("weights", weights)?;
        let (least, largest) = weights.iter().fold((0f32, 0f32), |(a, b), &w| (a.min(w), b.max(w)));
        require(least >= 0.0, "weights", "not negative", f64::from(least))?;
        require(largest > 0.0, "weights", "not all 0", 0.0)?;
        Ok(Self { operator, weights: weights.to_vec(), largest: f64::from(largest) })
    }

    /// y ← diag(w) y, which is what the sampler takes; a measurement of weight 0 becomes 0, whatever it was.
    ///
    /// # Errors
    /// [`Error::Length`] for another length.
    pub fn scale(&self, y: &mut [f32]) -> Result<(), Error> {
        require_len("y", self.weights.len(), y.len())?;
        self.multiply(y);
        Ok(())
    }

    fn multiply(&self, y: &mut [f32]) {
        y.iter_mut().zip(&self.weights).for_each(|(y, &w)| *y = if w == 0.0 { 0.0 } else { *y * w });
    }
}

impl<A: Operator> Operator for Weighted<A> {
    fn image_len(&self) -> usize {
        self.operator.image_len()
    }

    fn measurement_len(&self) -> usize {
        self.operator.measurement_len()
    }

    fn scratch_len(&self) -> usize {
        self.measurement_len() + self.operator.scratch_len()
    }

    fn apply(&self, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        self.operator.apply(x, y, &mut scratch[self.weights.len()..]);
        self.multiply(y);
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], scratch: &mut [f32]) {
        let (weighted, scratch) = scratch.split_at_mut(self.weights.len());
        weighted.copy_from_slice(y);
        self.multiply(weighted);
        self.operator.adjoint(weighted, x, scratch);
    }

    fn norm(&self) -> f64 {
        self.largest * self.operator.norm()
    }
}
