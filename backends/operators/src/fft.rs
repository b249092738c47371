//! Fourier transforms of planes.

use std::fmt;
use std::sync::Arc;

use num_complex::Complex;
use rustfft::{Fft, FftPlanner};

/// The unitary transform of \[height, width\] and its inverse; the frequency zero is first.
#[derive(Clone)]
pub(crate) struct Fft2 {
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Along rows and columns, forward and inverse.
    plans: [[Arc<dyn Fft<f32>>; 2]; 2],
    scratch: usize,
}

impl Fft2 {
    pub(crate) fn new(height: usize, width: usize) -> Self {
        let mut planner = FftPlanner::new();
        let plans = [
            [planner.plan_fft_forward(width), planner.plan_fft_forward(height)],
            [planner.plan_fft_inverse(width), planner.plan_fft_inverse(height)],
        ];
        let longest = plans.iter().flatten().map(|plan| plan.get_inplace_scratch_len()).max();
        Self { height, width, plans, scratch: longest.unwrap_or(0) }
    }

    /// Elements of a plane.
    pub(crate) fn len(&self) -> usize {
        self.height * self.width
    }

    /// f32 elements of scratch of a transform, with a plane to work in: its first part.
    pub(crate) fn scratch_len(&self) -> usize {
        2 * (2 * self.len() + self.scratch)
    }

    /// A plane and the rest of the scratch.
    pub(crate) fn plane<'a>(&self, scratch: &'a mut [f32]) -> (&'a mut [Complex<f32>], &'a mut [Complex<f32>]) {
        let scratch: &mut [Complex<f32>] = bytemuck::cast_slice_mut(&mut scratch[..self.scratch_len()]);
        scratch.split_at_mut(self.len())
    }

    pub(crate) fn forward(&self, plane: &mut [Complex<f32>], scratch: &mut [Complex<f32>]) {
        self.transform(0, plane, scratch);
    }

    pub(crate) fn inverse(&self, plane: &mut [Complex<f32>], scratch: &mut [Complex<f32>]) {
        self.transform(1, plane, scratch);
    }

    fn transform(&self, direction: usize, plane: &mut [Complex<f32>], scratch: &mut [Complex<f32>]) {
        let [rows, columns] = &self.plans[direction];
        let (turned, scratch) = scratch.split_at_mut(self.len());
        rows.process_with_scratch(plane, scratch);
        transpose(plane, turned, self.height, self.width);
        columns.process_with_scratch(turned, scratch);
        transpose(turned, plane, self.width, self.height);
        let scale = 1.0 / (self.len() as f32).sqrt();
        plane.iter_mut().for_each(|value| *value *= scale);
    }
}

fn transpose(from: &[Complex<f32>], to: &mut [Complex<f32>], height: usize, width: usize) {
    for row in 0..height {
        for column in 0..width {
            to[column * height + row] = from[row * width + column];
        }
    }
}

impl fmt::Debug for Fft2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fft2({} x {})", self.height, self.width)
    }
}
