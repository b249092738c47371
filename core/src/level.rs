//! The scalars of a level of a walk that samples a posterior, MATH.md §6; every backend takes them from here.

use crate::preconditioned;
use libm::sqrt;

/// The scalars of a level of a walk that samples a posterior. The layout is the same in Rust and CUDA.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// The noise level of the evaluations.
    pub sigma: f64,
    /// The variance by which the denoised image is taken to be uncertain.
    pub q: f64,
    /// Of [`gla`](crate::gla()): the standard deviation w of the noise that is added and taken again.
    pub noise: f64,
    /// Of [`preconditioned`](crate::preconditioned()): the step size ε.
    pub epsilon: f64,
    /// Of [`preconditioned`](crate::preconditioned()): √(2εT).
    pub spread: f64,
}

impl Level {
    /// A level of guided look-ahead, from s on the way to the next: w² = (s² + next²)/2, q = ŝ²v/(ŝ² + v) with ŝ² = s² + w²
    /// and the data's variance v.
    pub fn guided(s: f64, next: f64, variance: f64) -> Self {
        let noise = sqrt((s * s + next * next) / 2.0);
        let sigma = sqrt(s * s + noise * noise);
        let raised = sigma * sigma;
        Self { sigma, q: raised * variance / (raised + variance), noise, ..Self::default() }
    }

    /// A level of the preconditioned walk, from s on the way to the next.
    pub fn preconditioned(s: f64, next: f64, epsilon: f64, temperature: Option<f64>) -> Self {
        Self { epsilon, spread: preconditioned::spread(s, next, epsilon, temperature), ..Self::last(s) }
    }

    /// The last level, where the walk ends.
    pub fn last(s: f64) -> Self {
        Self { sigma: s, q: s * s, ..Self::default() }
    }
}
