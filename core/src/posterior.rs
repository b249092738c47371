//! Conditional sampling of p(x | y), y = A x + e, e ~ N(0, η² I), without approximating the likelihood. MATH.md §6.
//!
//! Three methods share one problem: [`gla`](crate::gla) (the default), the [`preconditioned`](crate::preconditioned)
//! walk and the paper's explicit [`template`](crate::template). Each samples one chain in the caller's memory; its
//! noise depends on (seed, chain) alone. What none of them repairs: the weights of well separated narrow modes. Run
//! several chains and look at all of them.

use crate::denoiser::Denoiser;
use crate::error::{Error, WalkError, require, require_len};
use crate::operator::Operator;
use crate::schedule::check_levels;
use core::ops::ControlFlow;

/// What was measured, and what is known of the image beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a, A> {
    /// A.
    pub operator: &'a A,
    /// y, in the operator's layout.
    pub y: &'a [f32],
    /// η, the standard deviation of the measurement's noise, in the units of x.
    pub eta: f64,
    /// The data's mean: where a walk starts.
    pub mean: f64,
    /// The data's variance per element.
    pub variance: f64,
}

/// Which chain of which run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The run's seed.
    pub seed: u64,
    /// The chain's number, its stream of noise.
    pub chain: u64,
}

/// What an observer is told after each evaluation.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Evaluations of the denoiser so far in this chain.
    pub evaluations: usize,
    /// Evaluations of the whole chain.
    pub total: usize,
    /// The noise level of this evaluation.
    pub sigma: f64,
    /// The newest denoised image at the walk's own place: the best estimate so far.
    pub denoised: &'a [f32],
}

/// An observer: called after each evaluation; [`ControlFlow::Break`] cancels.
pub trait Observe: FnMut(Progress<'_>) -> ControlFlow<()> {}
impl<F: FnMut(Progress<'_>) -> ControlFlow<()>> Observe for F {}

/// f32 elements of workspace that every method needs: three images, two measurements and the operator's own scratch.
pub fn workspace_len<A: Operator>(operator: &A) -> usize {
    3 * operator.image_len() + 2 * operator.measurement_len() + operator.solve_len()
}

/// The workspace, cut into arrays.
pub(crate) struct Arrays<'a> {
    pub denoised: &'a mut [f32],
    pub image: &'a mut [f32],
    pub other: &'a mut [f32],
    pub residual: &'a mut [f32],
    pub measured: &'a mut [f32],
    pub scratch: &'a mut [f32],
}

impl<A: Operator> Problem<'_, A> {
    /// Check everything that can be checked before the first evaluation, and cut the workspace.
    pub(crate) fn begin<'w>(&self, levels: &[f64], x: &[f32], workspace: &'w mut [f32]) -> Result<Arrays<'w>, Error> {
        let (n, m) = (self.operator.image_len(), self.operator.measurement_len());
        require_len("x", n, x.len())?;
        require_len("y", m, self.y.len())?;
        require_len("workspace", workspace_len(self.operator), workspace.len())?;
        require(levels.len() >= 2, "levels", "at least 2", levels.len() as f64)?;
        check_levels(levels)?;
        require(self.eta > 0.0 && self.eta.is_finite(), "eta", "finite and above 0", self.eta)?;
        require(self.variance > 0.0 && self.variance.is_finite(), "variance", "finite and above 0", self.variance)?;
        require(self.mean.is_finite(), "mean", "finite", self.mean)?;
        if let Some(found) = self.y.iter().find(|v| !v.is_finite()) {
            return Err(Error::Parameter { name: "y", expected: "finite everywhere", found: f64::from(*found) });
        }
        let (denoised, rest) = workspace.split_at_mut(n);
        let (image, rest) = rest.split_at_mut(n);
        let (other, rest) = rest.split_at_mut(n);
        let (residual, rest) = rest.split_at_mut(m);
        let (measured, scratch) = rest.split_at_mut(m);
        Ok(Arrays { denoised, image, other, residual, measured, scratch })
    }

    /// residual ← y − A image.
    pub(crate) fn residual(&self, image: &[f32], residual: &mut [f32]) {
        self.operator.apply(image, residual);
        for (r, y) in residual.iter_mut().zip(self.y) {
            *r = y - *r;
        }
    }

    /// `update` ← Aᵀ(η² I + q A Aᵀ)⁻¹ residual; `residual` is overwritten.
    pub(crate) fn pull(&self, q: f64, residual: &mut [f32], scratch: &mut [f32], update: &mut [f32]) {
        self.operator.solve(self.eta * self.eta, q, residual, scratch);
        self.operator.adjoint(residual, update);
    }

    /// The end of every method: x ← D(x, σ), then the exact Gaussian step from variance σ² towards the data.
    pub(crate) fn end<D: Denoiser>(
        &self,
        run: &mut Run<'_, D, impl Observe>,
        sigma: f64,
        x: &mut [f32],
        arrays: Arrays<'_>,
    ) -> Result<(), WalkError<D::Error>> {
        run.evaluate(x, sigma, arrays.denoised)?;
        self.residual(arrays.denoised, arrays.residual);
        self.pull(sigma * sigma, arrays.residual, arrays.scratch, arrays.image);
        for ((x, d), u) in x.iter_mut().zip(arrays.denoised.iter()).zip(arrays.image.iter()) {
            *x = (f64::from(*d) + sigma * sigma * f64::from(*u)) as f32;
        }
        run.finite("x", x, sigma)?;
        run.observe(arrays.denoised, sigma)
    }
}

/// A chain under way: it counts evaluations, checks what the denoiser returns and reports.
pub(crate) struct Run<'a, D, O> {
    pub denoiser: &'a mut D,
    pub observer: O,
    pub evaluations: usize,
    pub total: usize,
}

impl<D: Denoiser, O: Observe> Run<'_, D, O> {
    /// D(x, sigma), refused if it is not finite.
    pub fn evaluate(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), WalkError<D::Error>> {
        let row = self.evaluations;
        self.denoiser.denoise(x, sigma, denoised).map_err(|error| WalkError::Denoiser { row, sigma, error })?;
        self.evaluations += 1;
        self.finite("the denoised image", denoised, sigma)
    }

    /// An error at the last evaluation's row unless the whole image is finite.
    pub fn finite(&self, name: &'static str, image: &[f32], sigma: f64) -> Result<(), WalkError<D::Error>> {
        match image.iter().position(|v| !v.is_finite()) {
            Some(element) => Err(WalkError::NotFinite { name, row: self.evaluations - 1, sigma, element }),
            None => Ok(()),
        }
    }

    pub fn observe(&mut self, denoised: &[f32], sigma: f64) -> Result<(), WalkError<D::Error>> {
        let progress = Progress { evaluations: self.evaluations, total: self.total, sigma, denoised };
        match (self.observer)(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(WalkError::Cancelled { row: self.evaluations - 1 }),
        }
    }
}

/// x ← mean + sigma · n(0).
pub(crate) fn start(mean: f64, sigma: f64, chain: Chain, x: &mut [f32]) -> Result<(), Error> {
    x.fill(mean as f32);
    let step = crate::walk::Step { x: 1.0, ..crate::walk::Step::start(sigma) };
    crate::update::update(&step, chain.seed, chain.chain, x, &[], &[], &[])
}
