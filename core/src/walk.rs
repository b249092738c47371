//! A plan is a list of rows; a row is one update.

use crate::error::Error;

/// One row of a plan: where the denoiser is evaluated, and the coefficients of
///
/// x ← x·x + denoised·D(x, sigma) + previous·(the D of the row before) + gradient·∇log p(y | x) + noise·n(draw)
///
/// Each coefficient is named after what it multiplies. The layout is the same in Rust, C and CUDA.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Step {
    /// The noise level at which this row evaluates the denoiser, in the units of x. No meaning if `denoised` is zero.
    pub sigma: f64,
    /// Coefficient of x.
    pub x: f64,
    /// Coefficient of the denoised image; the denoiser runs in this row if and only if it is not zero.
    pub denoised: f64,
    /// Coefficient of the denoised image of the evaluation before.
    pub previous: f64,
    /// Coefficient of the gradient of the log-likelihood at x.
    pub gradient: f64,
    /// Coefficient of the noise: its standard deviation.
    pub noise: f64,
    /// Which draw of noise; rows with the same number use the same noise.
    pub draw: u32,
    /// Zero.
    pub reserved: u32,
}

impl Step {
    /// The first row: x ← sigma · n(0), whatever x held before.
    pub fn start(sigma: f64) -> Self {
        Self { sigma, noise: sigma, ..Self::default() }
    }

    /// x ← x + a (D(x, sigma) − x) + noise · n(draw), \[RWT\] eq. 11.
    pub fn tweedie(sigma: f64, a: f64, noise: f64, draw: u32) -> Self {
        Self { sigma, x: 1.0 - a, denoised: a, noise, draw, ..Self::default() }
    }

    /// Forward: from an image with noise of standard deviation `from` to one with `to` > `from`. `from` = 0 is a clean
    /// image.
    pub fn forward(from: f64, to: f64, draw: u32) -> Self {
        let noise = libm::sqrt((to - from) * (to + from));
        Self { sigma: to, x: 1.0, noise, draw, ..Self::default() }
    }

    /// The last row: x ← D(x, sigma).
    pub fn end(sigma: f64) -> Self {
        Self::tweedie(sigma, 1.0, 0.0, 0)
    }

    /// Every coefficient is finite, and an evaluation is at a positive level.
    pub(crate) fn check(&self, row: usize) -> Result<(), Error> {
        let coefficients = [
            ("x", self.x),
            ("denoised", self.denoised),
            ("previous", self.previous),
            ("gradient", self.gradient),
            ("noise", self.noise),
        ];
        if let Some(&(name, found)) = coefficients.iter().find(|(_, found)| !found.is_finite()) {
            return Err(Error::Row { row, name, found });
        }
        if self.denoised != 0.0 && !(self.sigma > 0.0 && self.sigma.is_finite()) {
            return Err(Error::Row { row, name: "sigma", found: self.sigma });
        }
        Ok(())
    }

    /// The step size τ = a σ² of \[RWT\] eq. 10.
    pub fn step_size(&self) -> f64 {
        self.denoised * self.sigma * self.sigma
    }

    /// The temperature T = b²/2τ of \[RWT\] eq. 10 (1: Langevin at a fixed level; 1/2: one reverse-SDE step; 0: none).
    pub fn temperature(&self) -> f64 {
        self.noise * self.noise / (2.0 * self.step_size())
    }
}

/// A plan whose rows have been checked. It sees scalars only, never an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Walk<'a> {
    steps: &'a [Step],
}

impl<'a> Walk<'a> {
    /// Check the rows.
    ///
    /// # Errors
    /// [`Error::Row`] for a coefficient that is not finite, an evaluation at a level that is not positive, or a
    /// `previous` term before a second evaluation.
    pub fn new(steps: &'a [Step]) -> Result<Self, Error> {
        let mut evaluations = 0;
        for (row, step) in steps.iter().enumerate() {
            step.check(row)?;
            let evaluates = step.denoised != 0.0;
            evaluations += usize::from(evaluates);
            if step.previous != 0.0 && (!evaluates || evaluations < 2) {
                return Err(Error::Row { row, name: "previous (without an evaluation before)", found: step.previous });
            }
        }
        Ok(Self { steps })
    }

    /// The rows.
    pub fn steps(&self) -> &'a [Step] {
        self.steps
    }

    /// How many times the denoiser runs.
    pub fn evaluations(&self) -> usize {
        self.steps.iter().filter(|step| step.denoised != 0.0).count()
    }

    /// Does any row use the denoised image of the row before?
    pub fn uses_previous(&self) -> bool {
        self.steps.iter().any(|step| step.previous != 0.0)
    }
}
