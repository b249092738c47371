//! The settings of the experiments in \[RWT\] (Park et al. 2025, §V), as they are there.
//!
//! These rows reproduce the paper's iteration, quirks and all. What differs from [`simple`](super::simple()) with
//! [`Temperature::MarginalPreserving`](super::Temperature::MarginalPreserving), and what it costs in the root mean square
//! error of the spectrum of samples from a 256 × 256 Gaussian with a 1/f² spectrum (`examples/tables`, program `errors`):
//!
//! | | as published | start at s₀ n, not N(0, I) | and end with x = D | and T keeps the marginals | our default on these levels |
//! | --- | --- | --- | --- | --- | --- |
//! | [`Paper::VP_PRETRAINED`], 1000 steps | .0474 | .0474 | .0469 | .0088 | .0006 |
//! | [`Paper::VP_SIGMOID`], 100 steps | .0662 | .0662 | .0661 | .0310 | .0014 |
//! | [`Paper::VE_GEOMETRIC`], 1000 steps | .0508 | .0508 | .0511 | .0025 | .0004 |
//!
//! So it is the linear temperature that costs; the start is forgotten, and the missing noise of the last step is small.
//!
//! In conditional sampling ([`paper_template`](crate::paper_template)) the step is also clipped at η², which is right
//! for ‖A‖ ≤ 1 only; [`template`](crate::template()) clips at η²/‖A‖². Independent Gaussian elements of variance 0.3, half
//! of them measured (program `errors` again): standard deviation of the samples over the exact one for measured · for
//! missing elements:
//!
//! | | evaluations | η = 0.2 | η = 0.05 | η = 0.01 |
//! | --- | --- | --- | --- | --- |
//! | [`Paper::VP_INPAINTING`] | 750 | .96 · .93 | .98 · 1.02 | .29 · 1.74 |
//! | [`template`](crate::template()) on the same levels | 750 | .96 · .93 | .94 · 55 | .13 · 264 |
//! | [`preconditioned`](crate::preconditioned()) | 100 | .92 · 1.01 | .91 · 1.02 | .90 · 1.03 |
//! | [`gla`](crate::gla()), the default | 99 | .98 · 1.00 | .99 · 1.00 | .99 · .99 |
//!
//! With steps of at most η², a start at the first level (157) cannot be left where nothing was measured: here the start
//! at N(0, I) is what makes the paper's setting work, and no start helps at small η.

use super::simple::linear;
use super::{begin, check_epsilon, draw, root};
use crate::error::{Error, require};
use crate::schedule::Schedule;
use crate::vp::Betas;
use crate::walk::Step;

/// The first and the last level of 1000 variance-preserving steps with β linear from 1e-4 to 0.02.
const VP: Schedule = Schedule::Sigmoid {
    sigma_max: 157.407_280_810_407_57,
    sigma_min: 0.010_000_500_037_503_126,
    start: 0.0,
    end: 3.0,
    temperature: 0.3,
};
const VE: Schedule = Schedule::Geometric { sigma_max: 348.0, sigma_min: 0.01 };

/// One experiment of the paper's: levels, step size and temperatures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paper {
    /// The noise levels; `None` is the training table of the VP network, largest first.
    pub schedule: Option<Schedule>,
    /// How many levels, each with one step.
    pub steps: usize,
    /// ε of τ = ε σ².
    pub epsilon: f64,
    /// T_0.
    pub first_temperature: f64,
    /// T_end; 1 but in the experiment of Figure 3, which goes from 0.2 to 1.4.
    pub last_temperature: f64,
}

impl Paper {
    /// Unconditional, VP network, its own training schedule.
    pub const VP_PRETRAINED: Self = Self::new(None, 1000, 0.4, 0.4);
    /// Unconditional, VP network, sigmoid schedule.
    pub const VP_SIGMOID: Self = Self::new(Some(VP), 100, 0.7, 0.1);
    /// Unconditional, VE network (images in \[0, 1\]).
    pub const VE_GEOMETRIC: Self = Self::new(Some(VE), 1000, 0.16, 0.4);
    /// Inpainting with a VP network (images in \[−1, 1\]), 92 % of the pixels missing, η = 0.2.
    pub const VP_INPAINTING: Self = Self::new(Some(VP), 750, 0.77683, 0.0);
    /// Super-resolution ×4 with a VP network, η = 0.2.
    pub const VP_SUPER_RESOLUTION: Self = Self::new(Some(VP), 750, 0.15651, 0.0);
    /// Inpainting with a VE network.
    pub const VE_INPAINTING: Self = Self::new(Some(VE), 1000, 0.29487, 0.0);
    /// Super-resolution ×4 with a VE network.
    pub const VE_SUPER_RESOLUTION: Self = Self::new(Some(VE), 1000, 0.15651, 0.0);

    const fn new(schedule: Option<Schedule>, steps: usize, epsilon: f64, first_temperature: f64) -> Self {
        Self { schedule, steps, epsilon, first_temperature, last_temperature: 1.0 }
    }

    /// Write the levels, [`Paper::steps`] of them.
    ///
    /// # Errors
    /// [`Error::Length`] for another number, [`Error::Parameter`] for the network's own table unless `steps` is its 1000, and
    /// those of [`Schedule::levels`].
    pub fn levels(&self, levels: &mut [f64]) -> Result<(), Error> {
        crate::error::require_len("levels", self.steps, levels.len())?;
        match self.schedule {
            Some(schedule) => schedule.levels(levels),
            None => {
                require(self.steps == 1000, "steps on the network's own table", "1000", self.steps as f64)?;
                Betas::Linear { first: 1e-4, last: 0.02 }.sigmas(levels)?;
                levels.reverse();
                Ok(())
            }
        }
    }

    /// The rows over any decreasing levels, whatever `schedule` and `steps` are: x ← n, then at each level x ← x + ε(D − x) + √(2εT) σ n, without noise at
    /// the last one. One row more than there are levels.
    ///
    /// # Errors
    /// ε outside (0, 2), a temperature that is negative or not finite, levels that do not decrease, too few rows.
    pub fn rows(&self, levels: &[f64], rows: &mut [Step]) -> Result<usize, Error> {
        self.check()?;
        let mut rows = begin(levels, rows)?;
        rows.restart(Step::start(1.0));
        for (k, &s) in levels.iter().enumerate() {
            let noise = s * root(2.0 * self.epsilon * self.temperature(k, levels.len()));
            rows.push(Step::tweedie(s, self.epsilon, noise, draw(k)));
        }
        rows.done()
    }

    /// T of step k of `steps`: linear, and 0 at the last.
    pub(crate) fn temperature(&self, k: usize, steps: usize) -> f64 {
        if k + 1 == steps { 0.0 } else { linear(self.first_temperature, self.last_temperature, k, steps) }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        check_epsilon(self.epsilon)?;
        for (name, t) in [("T_0", self.first_temperature), ("T_end", self.last_temperature)] {
            require(t >= 0.0 && t.is_finite(), name, "finite and at least 0", t)?;
        }
        Ok(())
    }
}
