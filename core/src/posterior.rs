//! Conditional sampling of p(x | y), y = A x + e, e ~ N(0, η² I), without approximating the likelihood. MATH.md §6.
//!
//! Three methods share one problem: [`gla`](crate::gla) (the default), the [`preconditioned`](crate::preconditioned)
//! walk and the paper's explicit [`template`](crate::template). Each samples one chain or several side by side in the
//! caller's memory; the noise of each depends on (seed, chain) alone.
//!
//! What none of them repairs: the weights of well separated narrow modes. Several chains show that there are several modes
//! ([`Modes`](crate::Modes) looks); the shares of the chains that end in each are not the posterior's.

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

/// Which chain of which run; of chains side by side the first, the others have the numbers after it.
///
/// (seed, chain) is the noise: who has the same pair has the same noise. So give chains on several machines numbers of their
/// own, or seeds: chains that are drawn twice count once, and no diagnostic of chains that agree (split R̂, the effective
/// sample size) tells. And simulate a measurement with the noise of another seed, or of a chain that no walk has: a
/// sample follows measurement noise that is its own noise of a late level too, and fits better than it should.
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
    /// Evaluations of the denoiser so far in this chain, or in each of these chains.
    pub evaluations: usize,
    /// Evaluations of each whole chain.
    pub total: usize,
    /// The noise level of this evaluation.
    pub sigma: f64,
    /// What the newest solve left of its equation, ‖rest‖/‖residual‖, at most over the chains: 0 where it has a closed form,
    /// about 1 where conjugate gradients got nowhere. Guided look-ahead stays right with an inexact solve, but gains less.
    pub solver: f64,
    /// The newest denoised image at the walk's own place, of each chain in turn: the best estimates so far.
    pub denoised: &'a [f32],
}

/// An observer: called after each evaluation; [`ControlFlow::Break`] cancels.
pub trait Observe: FnMut(Progress<'_>) -> ControlFlow<()> {}
impl<F: FnMut(Progress<'_>) -> ControlFlow<()>> Observe for F {}

/// f32 elements of workspace that every method needs for chains side by side: for each three images and a measurement,
/// and once another measurement and the operator's own scratch.
pub fn workspace_len<A: Operator>(operator: &A, chains: usize) -> usize {
    let (n, m) = (operator.image_len(), operator.measurement_len());
    chains * (3 * n + m) + m + operator.solve_len().max(operator.scratch_len())
}

/// The workspace, cut into arrays: of all chains, or of one.
pub(crate) struct Arrays<'a> {
    pub chains: usize,
    pub denoised: &'a mut [f32],
    pub image: &'a mut [f32],
    pub other: &'a mut [f32],
    pub residual: &'a mut [f32],
    /// Of one chain at a time, as is the scratch.
    pub measured: &'a mut [f32],
    pub scratch: &'a mut [f32],
}

impl Arrays<'_> {
    /// Call `work(chain, x, arrays)` with the parts of each chain.
    pub(crate) fn each<E>(
        &mut self,
        first: Chain,
        x: &mut [f32],
        mut work: impl FnMut(Chain, &mut [f32], Arrays<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (n, m) = (x.len() / self.chains, self.measured.len());
        for (place, x) in x.chunks_exact_mut(n.max(1)).enumerate() {
            let (images, measurements) = (place * n..(place + 1) * n, place * m..(place + 1) * m);
            let arrays = Arrays {
                chains: 1,
                denoised: &mut self.denoised[images.clone()],
                image: &mut self.image[images.clone()],
                other: &mut self.other[images],
                residual: &mut self.residual[measurements],
                measured: self.measured,
                scratch: self.scratch,
            };
            work(Chain { seed: first.seed, chain: first.chain.wrapping_add(place as u64) }, x, arrays)?;
        }
        Ok(())
    }
}

impl<A: Operator> Problem<'_, A> {
    /// Check everything that can be checked before the first evaluation, and cut the workspace.
    pub(crate) fn begin<'w>(&self, levels: &[f64], x: &[f32], workspace: &'w mut [f32]) -> Result<Arrays<'w>, Error> {
        let (n, m) = (self.operator.image_len(), self.operator.measurement_len());
        let chains = (x.len() / n.max(1)).max(1);
        require_len("x (whole images)", chains * n, x.len())?;
        require_len("y", m, self.y.len())?;
        require_len("workspace", workspace_len(self.operator, chains), workspace.len())?;
        require(levels.len() >= 2, "levels", "at least 2", levels.len() as f64)?;
        check_levels(levels)?;
        require(self.eta > 0.0 && self.eta.is_finite(), "eta", "finite and above 0", self.eta)?;
        require(self.variance > 0.0 && self.variance.is_finite(), "variance", "finite and above 0", self.variance)?;
        require(self.mean.is_finite(), "mean", "finite", self.mean)?;
        if let Some(found) = self.y.iter().find(|v| !v.is_finite()) {
            return Err(Error::Parameter { name: "y", expected: "finite everywhere", found: f64::from(*found) });
        }
        let (denoised, rest) = workspace.split_at_mut(chains * n);
        let (image, rest) = rest.split_at_mut(chains * n);
        let (other, rest) = rest.split_at_mut(chains * n);
        let (residual, rest) = rest.split_at_mut(chains * m);
        let (measured, scratch) = rest.split_at_mut(m);
        Ok(Arrays { chains, denoised, image, other, residual, measured, scratch })
    }

    /// residual ← y − A image.
    pub(crate) fn residual(&self, image: &[f32], residual: &mut [f32], scratch: &mut [f32]) {
        self.operator.apply(image, residual, scratch);
        for (r, y) in residual.iter_mut().zip(self.y) {
            *r = y - *r;
        }
    }

    /// `update` ← Aᵀ(η² I + q A Aᵀ)⁻¹ residual; `residual` is overwritten. What the solve left.
    pub(crate) fn pull(&self, q: f64, residual: &mut [f32], scratch: &mut [f32], update: &mut [f32]) -> f64 {
        let left = self.operator.solve(self.eta * self.eta, q, residual, scratch);
        self.operator.adjoint(residual, update, scratch);
        left
    }

    /// The end of every method: x ← D(x, σ), then the exact Gaussian step from variance σ² towards the data.
    pub(crate) fn end<D: Denoiser>(
        &self,
        run: &mut Run<'_, D, impl Observe>,
        sigma: f64,
        x: &mut [f32],
        mut arrays: Arrays<'_>,
    ) -> Result<(), WalkError<D::Error>> {
        run.evaluate(x, sigma, arrays.denoised)?;
        run.solver = 0.0;
        arrays.each(Chain { seed: 0, chain: 0 }, x, |_, x, arrays| {
            self.residual(arrays.denoised, arrays.residual, arrays.scratch);
            let left = self.pull(sigma * sigma, arrays.residual, arrays.scratch, arrays.image);
            run.solver = run.solver.max(left);
            for ((x, d), u) in x.iter_mut().zip(arrays.denoised.iter()).zip(arrays.image.iter()) {
                *x = (f64::from(*d) + sigma * sigma * f64::from(*u)) as f32;
            }
            Ok::<(), Error>(())
        })?;
        run.finite("x", x, sigma)?;
        run.observe(arrays.denoised, sigma)
    }
}

/// Chains under way: it counts evaluations, checks what the denoiser returns and reports.
pub(crate) struct Run<'a, D, O> {
    pub denoiser: &'a mut D,
    pub observer: O,
    pub evaluations: usize,
    pub total: usize,
    /// See [`Progress::solver`].
    pub solver: f64,
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
            Some(element) => Err(self.not_finite(name, sigma, element)),
            None => Ok(()),
        }
    }

    /// The error at the last evaluation's row.
    pub fn not_finite(&self, name: &'static str, sigma: f64, element: usize) -> WalkError<D::Error> {
        WalkError::NotFinite { name, row: self.evaluations - 1, sigma, element }
    }

    pub fn observe(&mut self, denoised: &[f32], sigma: f64) -> Result<(), WalkError<D::Error>> {
        let progress =
            Progress { evaluations: self.evaluations, total: self.total, sigma, solver: self.solver, denoised };
        match (self.observer)(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(WalkError::Cancelled { row: self.evaluations - 1 }),
        }
    }
}

/// x ← mean + sigma · n(0), in each chain.
pub(crate) fn start(mean: f64, sigma: f64, first: Chain, x: &mut [f32], arrays: &mut Arrays<'_>) -> Result<(), Error> {
    x.fill(mean as f32);
    let step = crate::walk::Step { x: 1.0, ..crate::walk::Step::start(sigma) };
    arrays.each(first, x, |chain, x, _| crate::update::update(&step, chain.seed, chain.chain, x, &[], &[], &[]))
}
