//! A filter along each axis.

use rwt_core::{Error, Operator};

use crate::{Filter, image_len};

/// A filter along the rows and one along the columns of every channel: \[channels, outputs of the first, outputs of the
/// second\].
#[derive(Clone, Debug)]
pub struct Separable {
    channels: usize,
    /// Along the height and along the width.
    vertical: Filter,
    horizontal: Filter,
}

impl Separable {
    /// `vertical` has the image's height as inputs, `horizontal` its width.
    ///
    /// # Errors
    /// [`Error::Parameter`] for no channels.
    pub fn new(channels: usize, vertical: Filter, horizontal: Filter) -> Result<Self, Error> {
        image_len(channels, vertical.inputs(), horizontal.inputs())?;
        Ok(Self { channels, vertical, horizontal })
    }

    /// Bicubic downsampling, [`Filter::bicubic`] along both axes.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless the sizes are multiples of the factor.
    pub fn bicubic(channels: usize, height: usize, width: usize, factor: usize) -> Result<Self, Error> {
        Self::new(channels, Filter::bicubic(height, factor)?, Filter::bicubic(width, factor)?)
    }

    fn rows(&self) -> usize {
        self.channels * self.vertical.inputs()
    }
}

impl Operator for Separable {
    fn image_len(&self) -> usize {
        self.rows() * self.horizontal.inputs()
    }

    fn measurement_len(&self) -> usize {
        self.channels * self.vertical.outputs() * self.horizontal.outputs()
    }

    fn scratch_len(&self) -> usize {
        self.rows() * self.horizontal.outputs()
    }

    fn apply(&self, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        let (width, narrow) = (self.horizontal.inputs(), self.horizontal.outputs());
        let between = &mut scratch[..self.scratch_len()];
        for (row, target) in x.chunks_exact(width).zip(between.chunks_exact_mut(narrow)) {
            for (output, target) in target.iter_mut().enumerate() {
                let (first, weights) = self.horizontal.row(output);
                *target = row[first..].iter().zip(weights).map(|(x, w)| x * w).sum();
            }
        }
        let (tall, short) = (self.vertical.inputs() * narrow, self.vertical.outputs() * narrow);
        for (plane, target) in between.chunks_exact(tall).zip(y.chunks_exact_mut(short)) {
            for (output, target) in target.chunks_exact_mut(narrow).enumerate() {
                let (first, weights) = self.vertical.row(output);
                target.fill(0.0);
                for (row, weight) in plane[first * narrow..].chunks_exact(narrow).zip(weights) {
                    target.iter_mut().zip(row).for_each(|(y, x)| *y += weight * x);
                }
            }
        }
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], scratch: &mut [f32]) {
        let (width, narrow) = (self.horizontal.inputs(), self.horizontal.outputs());
        let between = &mut scratch[..self.scratch_len()];
        between.fill(0.0);
        let (tall, short) = (self.vertical.inputs() * narrow, self.vertical.outputs() * narrow);
        for (plane, source) in between.chunks_exact_mut(tall).zip(y.chunks_exact(short)) {
            for (output, source) in source.chunks_exact(narrow).enumerate() {
                let (first, weights) = self.vertical.row(output);
                for (row, weight) in plane[first * narrow..].chunks_exact_mut(narrow).zip(weights) {
                    row.iter_mut().zip(source).for_each(|(x, y)| *x += weight * y);
                }
            }
        }
        x.fill(0.0);
        for (row, source) in x.chunks_exact_mut(width).zip(between.chunks_exact(narrow)) {
            for (output, y) in source.iter().enumerate() {
                let (first, weights) = self.horizontal.row(output);
                row[first..].iter_mut().zip(weights).for_each(|(x, w)| *x += y * w);
            }
        }
    }

    fn norm(&self) -> f64 {
        self.vertical.norm() * self.horizontal.norm()
    }
}
