//! The Langevin corrector of the score SDEs: its step depends on the score's norm, so it cannot be a row of a plan.

use crate::denoiser::Denoiser;
use crate::error::{Error, WalkError, require};
use crate::operator::dot;
use crate::walk::{Step, Walk};
use crate::walker::{SliceWalker, Walker};
use core::ops::ControlFlow;
use libm::sqrt;

/// Draws of the corrector are counted from here, far from those of rows.
const FIRST_DRAW: u32 = 1 << 31;

/// Langevin steps at a row's level before its predictor step, Song et al. 2021, algorithm 4:
///
/// x ← x + τ score + √(2τ) n, τ = 2 (ρ‖n‖/‖score‖)²
///
/// with the norms of each chain's own noise and score, so that no chain depends on those beside it. (Their code averages
/// the norms over the batch.)
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Corrector {
    /// ρ, the "signal-to-noise ratio" of a step, below 1; 0.16 in their experiments.
    pub ratio: f64,
    /// Steps at each level.
    pub steps: u32,
}

impl Corrector {
    /// Correct at every level where the walk evaluates, then take the walk's step: predictor–corrector sampling, with
    /// rows of [`recipes::ve_sde`](crate::recipes::ve_sde) or any other that does not use a denoised image or a noise of the
    /// row before. It evaluates the denoiser `steps` + 1 times a row. A chain whose score is exactly 0 is not moved.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a ratio outside (0, 1) or too many steps, [`Error::Row`] for a row that uses what a step
    /// between would change, and those of [`Walk::sample`].
    pub fn sample<'s, D: Denoiser>(
        &self,
        walk: &Walk<'_>,
        walker: &mut SliceWalker<'s, D>,
        mut observe: impl FnMut(usize, &Step, &SliceWalker<'s, D>) -> ControlFlow<()>,
    ) -> Result<(), WalkError<D::Error>> {
        require(self.ratio > 0.0 && self.ratio < 1.0, "ratio", "in (0, 1)", self.ratio)?;
        let draws = walk.steps().len() as f64 * f64::from(self.steps);
        require(draws < f64::from(FIRST_DRAW), "rows times steps", "below 2147483648", draws)?;
        for (row, step) in walk.steps().iter().enumerate() {
            let noise_again = row > 0 && step.denoised != 0.0 && {
                let before = &walk.steps()[row - 1];
                before.noise != 0.0 && step.noise != 0.0 && before.draw == step.draw
            };
            if step.previous != 0.0 || noise_again {
                let found = if noise_again { step.noise } else { step.previous };
                let name = "previous, or the noise of the row before (a corrector steps between them),";
                return Err(Error::Row { row, name, found }.into());
            }
        }
        let mut draw = FIRST_DRAW;
        for (row, step) in walk.steps().iter().enumerate() {
            let place = |error| walk.place(row, error);
            if step.denoised != 0.0 {
                for _ in 0..self.steps {
                    walker.denoise(step.sigma).map_err(place)?;
                    walker.langevin(step.sigma, self.ratio, draw).map_err(WalkError::Plan)?;
                    draw = draw.wrapping_add(1);
                }
            }
            walk.step(walker, step).map_err(place)?;
            if observe(row, step, walker).is_break() {
                return Err(WalkError::Cancelled { row });
            }
        }
        Ok(())
    }
}

impl<D: Denoiser> SliceWalker<'_, D> {
    /// One Langevin step of every chain from the newest denoised image.
    fn langevin(&mut self, sigma: f64, ratio: f64, draw: u32) -> Result<(), Error> {
        self.each_chain(|seed, chain, x, denoised, previous| {
            let (mut noise, mut drift) = (0.0, 0.0);
            crate::noise::for_each_block(seed, chain, draw, x.len(), |_, normals| noise += dot(normals, normals));
            for (d, x) in denoised.iter().zip(x.iter()) {
                let difference = f64::from(*d) - f64::from(*x);
                drift += difference * difference; // σ⁴ ‖score‖²
            }
            if drift == 0.0 {
                return Ok(()); // at a mode: no step is finite
            }
            let tau = 2.0 * ratio * ratio * noise * (sigma * sigma / drift * sigma * sigma);
            let row = Step::tweedie(sigma, tau / (sigma * sigma), sqrt(2.0 * tau), draw);
            crate::update::update(&row, seed, chain, x, denoised, previous, &[])
        })
    }
}
