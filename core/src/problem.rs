//! An inverse problem, and what every way to sample it does with the measurements.

use crate::error::{Error, require, require_len};
use crate::likelihood::Likelihood;
use crate::operator::{Operator, conjugate_gradients};

/// What was measured, and what is known of the image beforehand.
#[derive(Debug)]
pub struct Problem<'a, A> {
    /// A.
    pub operator: &'a A,
    /// y, in the operator's layout.
    pub y: &'a [f32],
    /// How y scatters around A x.
    pub likelihood: Likelihood<'a>,
    /// The data's mean: where a walk starts.
    pub mean: f64,
    /// The data's variance per element.
    pub variance: f64,
}

impl<A> Clone for Problem<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Problem<'_, A> {}

/// The workspace, cut into arrays: of all chains, or of one.
pub(crate) struct Arrays<'a> {
    pub denoised: &'a mut [f32],
    pub image: &'a mut [f32],
    pub other: &'a mut [f32],
    /// (ŷ − A D)/η̂; y − A D for Gaussian noise.
    pub residual: &'a mut [f32],
    /// 1/η̂; empty for Gaussian noise.
    pub weights: &'a mut [f32],
    /// Of one chain at a time, as is the scratch.
    pub measured: &'a mut [f32],
    pub scratch: &'a mut [f32],
}

impl Arrays<'_> {
    /// Call `work(place, x, arrays)` with the parts of each chain.
    pub(crate) fn each<E>(
        &mut self,
        n: usize,
        x: &mut [f32],
        mut work: impl FnMut(u64, &mut [f32], Arrays<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (m, weights) = (self.measured.len(), self.weights.len() / (x.len() / n.max(1)).max(1));
        for (place, x) in x.chunks_exact_mut(n.max(1)).enumerate() {
            let part = |length: usize| place * length..(place + 1) * length;
            let arrays = Arrays {
                denoised: &mut self.denoised[part(n)],
                image: &mut self.image[part(n)],
                other: &mut self.other[part(n)],
                residual: &mut self.residual[part(m)],
                weights: &mut self.weights[part(weights)],
                measured: self.measured,
                scratch: self.scratch,
            };
            work(place as u64, x, arrays)?;
        }
        Ok(())
    }
}

impl<'a, A: Operator> Problem<'a, A> {
    /// Gaussian noise of standard deviation `eta` on every measurement.
    pub fn gaussian(operator: &'a A, y: &'a [f32], eta: f64, mean: f64, variance: f64) -> Self {
        Self { operator, y, likelihood: Likelihood::Gaussian { eta }, mean, variance }
    }

    /// f32 elements of workspace that every method needs for chains side by side: for each three images and a measurement,
    /// and once another measurement and the operator's own scratch. Counts take a measurement more for each, and the scratch of
    /// conjugate gradients.
    pub fn workspace_len(&self, chains: usize) -> usize {
        let (n, m) = (self.operator.image_len(), self.operator.measurement_len());
        let per_chain = 3 * n + m + self.weights_len();
        chains * per_chain + m + self.scratch_len()
    }

    fn weights_len(&self) -> usize {
        if self.likelihood.gaussian().is_some() { 0 } else { self.operator.measurement_len() }
    }

    fn scratch_len(&self) -> usize {
        let operator = self.operator.solve_len().max(self.operator.scratch_len());
        if self.likelihood.gaussian().is_some() {
            operator
        } else {
            operator.max(Whitened { operator: self.operator, weights: &[] }.solve_len())
        }
    }

    /// The last noise level that leaves the likelihood as it is: a fifth of the measurements' smallest standard deviation,
    /// seen in the image; η/(5 ‖A‖) for Gaussian noise. A walk that ends above it is too wide by what it leaves.
    pub fn last_level(&self) -> f64 {
        1.0 / (5.0 * libm::sqrt(self.likelihood.information(self.y)) * self.operator.norm())
    }

    /// Everything that can be checked before the first evaluation.
    pub(crate) fn check(&self) -> Result<(), Error> {
        require_len("y", self.operator.measurement_len(), self.y.len())?;
        self.likelihood.check(self.y)?;
        require(self.variance > 0.0 && self.variance.is_finite(), "variance", "finite and above 0", self.variance)?;
        require(self.mean.is_finite(), "mean", "finite", self.mean)
    }

    /// Cut the workspace for this many chains; the length of x and of the workspace must be right.
    pub(crate) fn cut<'w>(&self, chains: usize, x: &[f32], workspace: &'w mut [f32]) -> Result<Arrays<'w>, Error> {
        let (n, m) = (self.operator.image_len(), self.operator.measurement_len());
        require_len("x", chains * n, x.len())?;
        require_len("workspace", self.workspace_len(chains), workspace.len())?;
        let (denoised, rest) = workspace.split_at_mut(chains * n);
        let (image, rest) = rest.split_at_mut(chains * n);
        let (other, rest) = rest.split_at_mut(chains * n);
        let (residual, rest) = rest.split_at_mut(chains * m);
        let (weights, rest) = rest.split_at_mut(chains * self.weights_len());
        let (measured, scratch) = rest.split_at_mut(m);
        Ok(Arrays { denoised, image, other, residual, weights, measured, scratch })
    }

    /// `residual` ← (ŷ − A D)/η̂ and `weights` ← 1/η̂, D being uncertain by the variance q; y − A D for Gaussian noise.
    pub(crate) fn linearise(&self, q: f64, arrays: &mut Arrays<'_>) {
        self.operator.apply(arrays.denoised, arrays.residual, arrays.scratch);
        if arrays.weights.is_empty() {
            for (r, y) in arrays.residual.iter_mut().zip(self.y) {
                *r = y - *r;
            }
            return;
        }
        let q = q * self.operator.norm() * self.operator.norm();
        self.likelihood.linearise(self.y, q, arrays.residual, arrays.weights);
    }

    /// The variance of the noise in what [`Problem::linearise`] writes: 1 where it is in units of the noise.
    pub(crate) fn noise_variance(&self) -> f64 {
        self.likelihood.gaussian().map_or(1.0, |eta| eta * eta)
    }

    /// `update` ← Âᵀ(η² I + q Â Âᵀ)⁻¹ residual with Â = A/η̂; `residual` is overwritten. What the solve left.
    pub(crate) fn pull(
        &self,
        q: f64,
        weights: &[f32],
        residual: &mut [f32],
        scratch: &mut [f32],
        update: &mut [f32],
    ) -> f64 {
        let left = if weights.is_empty() {
            self.operator.solve(self.noise_variance(), q, residual, scratch)
        } else {
            conjugate_gradients(&Whitened { operator: self.operator, weights }, 1.0, q, residual, scratch)
        };
        weigh(weights, residual);
        self.operator.adjoint(residual, update, scratch);
        left
    }
}

/// Multiply by the weights, if there are any.
pub(crate) fn weigh(weights: &[f32], measured: &mut [f32]) {
    for (m, weight) in measured.iter_mut().zip(weights) {
        *m *= weight;
    }
}

/// A/η̂, η̂ of each measurement its own.
struct Whitened<'a, A: ?Sized> {
    operator: &'a A,
    weights: &'a [f32],
}

impl<A: Operator + ?Sized> Operator for Whitened<'_, A> {
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
        weigh(self.weights, y);
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], scratch: &mut [f32]) {
        let (weighted, scratch) = scratch.split_at_mut(self.weights.len());
        weighted.copy_from_slice(y);
        weigh(self.weights, weighted);
        self.operator.adjoint(weighted, x, scratch);
    }

    fn norm(&self) -> f64 {
        self.operator.norm() * f64::from(self.weights.iter().copied().fold(0.0, f32::max))
    }
}
