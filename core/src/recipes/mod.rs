//! Known samplers as rows: the tables of \[RWT\], completed.
//!
//! # What a row says
//!
//! s is a level, s' the next one, r = s'/s < 1. x is the image plus s n (the variance-exploding scale; for a
//! variance-preserving method x = x_t/√ᾱ_t and s² = (1 − ᾱ_t)/ᾱ_t). With x' = x + a (D(x, s) − x) + b n:
//!
//! | method | function | τ = a s² | b² | T = b²/2τ | order |
//! | --- | --- | --- | --- | --- | --- |
//! | NCSN, M steps a level, α = ε s²/s_ref² | [`ncsn`] | α/2 | α | 1 | – |
//! | VE-SDE, reverse diffusion | [`ve_sde`] | s² − s'² | s² − s'² | 1/2 | 1 |
//! | VE-SDE, ancestral | [`ve_ancestral`] | s² − s'² | s'²(s² − s'²)/s² | r²/2 | 1 |
//! | VE-SDE, predictor–corrector | [`Corrector`](crate::Corrector) | 2(ρ‖n‖/‖score‖)² | 2τ | 1 | – |
//! | DDPM, variance β_t | [`ddpm`] with [`DdpmVariance::Large`] | s² − s'² | (s² − s'²)(1 + s'²)/(1 + s²) | α_t/2 | 1 |
//! | DDPM, variance β̃_t | [`ddpm`] with [`DdpmVariance::Small`] | s² − s'² | s'²(s² − s'²)/s² | r²/2 | 1 |
//! | DDPM, any variances | [`ddpm`] with [`DdpmVariance::List`] | s² − s'² | s_t²/ᾱ_{t−1} | s_t² α_t/(2(1 − α_t)) | 1 |
//! | VP-SDE, reverse diffusion | [`vp_sde`] | β√α_t/ᾱ_t; x also times 1 − (1 − √α_t)² | β/ᾱ_{t−1} | √α_t/2 | 1 |
//! | DDIM(η) | [`ddim`] | s²(1 − r√(1 − η²(1 − r²))) | η²s'²(1 − r²) | b²/2τ | 1 |
//! | probability flow, Euler in σ = DDIM(0) | [`euler`] | s²(1 − r) | 0 | 0 | 1 |
//! | probability flow, Euler in σ² | [`euler_in_variance`] | (s² − s'²)/2 | 0 | 0 | 1 |
//! | EDM, Euler with churn, ŝ = s(1 + γ) | [`edm_euler`] | ŝ²(1 − s'/ŝ) at ŝ | (ŝ² − s²)S², before | – | 1 |
//! | EDM, Heun with churn | [`edm_heun`] | two rows | (ŝ² − s²)S², before | – | 2 |
//! | exponential SDE, churn λ | [`exponential`] | s²(1 − r^{1+λ}) | s'²(1 − r^{2λ}) | b²/2τ | 1 |
//! | DPM-Solver++(2M), with churn λ its SDE form | [`dpm_solver`] | uses the D before, too | s'²(1 − r^{2λ}) | – | 2 |
//! | the same of "Heun" type, our default with λ = 1/4 | [`multistep`] | uses the D before, too | s'²(1 − r^{2λ}) | – | 2 |
//! | look-ahead ε | [`look_ahead`] | two rows, one noise | | – | 2 |
//! | the simple rule of \[RWT\] §V-B | [`simple`] | ε s² | 2τT | as chosen: [`Temperature`] | 1 if it keeps the marginals |
//! | the settings of \[RWT\]'s experiments | [`paper`] | ε s² | 2τT | linear | – |
//! | forward process | [`forward`] | 0 | s'² − s² | – | exact |
//!
//! Where to read more: [`Schedule`](crate::Schedule), [`Betas`](crate::vp::Betas) and
//! [`TimeMap::levels`](crate::TimeMap::levels) make the levels; [`Prediction`](crate::Prediction) makes D from what a
//! network predicts; posterior sampling is in [`gla`](crate::gla()).
//!
//! Sources: NCSN \[Song & Ermon 2019\], SDE \[Song et al. 2021\], DDPM \[Ho et al. 2020\], DDIM \[Song, Meng, Ermon 2021\],
//! EDM \[Karras et al. 2022\], DPM-Solver++ \[Lu et al. 2022\]. Note that NCSN divides by its smallest level, while the
//! table of \[RWT\] prints the largest: s_ref is a parameter.
//!
//! # How to use them
//!
//! A recipe takes decreasing levels and writes: one row that draws x = s₀ n, the rows of each step, and the last row
//! x = D(x, s_min) (for EDM: its own last step, to s' = 0). It returns how many rows it wrote, and refuses with the row's
//! number what cannot be a walk: a temperature above 1, a negative variance, levels that do not decrease or reach 0, and
//! numbers that an f64 does not hold. [`forward`] takes increasing levels and has no first and last row of its own;
//! [`paper`] starts and ends as the paper does, and lets its last temperature exceed 1.
//!
//! ```
//! use rwt_core::{Schedule, Step, Walk, recipes};
//! let mut levels = [0.0; 50];
//! Schedule::Geometric { sigma_max: 20.0, sigma_min: 0.01 }.levels(&mut levels)?;
//! let mut rows = [Step::default(); 51];
//! let count = recipes::multistep(&levels, 0.25, &mut rows)?;
//! assert_eq!(Walk::new(&rows[..count])?.evaluations(), 50);
//! # Ok::<(), rwt_core::Error>(())
//! ```

mod edm;
mod exponential;
mod flow;
mod look_ahead;
mod ncsn;
pub mod paper;
mod sde;
mod simple;

pub use edm::{Churn, edm_euler, edm_heun};
pub use exponential::{dpm_solver, exponential, multistep};
pub use flow::{ddim, euler, euler_in_variance};
pub use look_ahead::look_ahead;
pub use ncsn::ncsn;
pub use sde::{DdpmVariance, ddpm, ve_ancestral, ve_sde, vp_sde};
pub use simple::{Temperature, simple};

use crate::error::{Error, require};
use crate::schedule::check_levels;
use crate::walk::Step;
use libm::sqrt;

/// The forward process, step by step: x ← x + √(s'² − s²) n from one level to the next, for levels that increase; the
/// first may be 0. The rows act on a clean image (at `levels[0]` = 0). [`Step::forward`] goes anywhere in one step.
///
/// # Errors
/// Levels that are negative, not finite or do not increase, too few rows.
pub fn forward(levels: &[f64], rows: &mut [Step]) -> Result<usize, Error> {
    let mut written = Rows { rows, count: 0, wrong: None };
    check_count(levels)?;
    let mut before = None;
    for (row, &found) in levels.iter().enumerate() {
        if !(found >= before.unwrap_or(0.0) && Some(found) != before && found.is_finite()) {
            let name = "the level, which must be finite, at least 0 and above the one before,";
            return Err(Error::Row { row, name, found });
        }
        if let Some(before) = before {
            written.push(Step::forward(before, found, row as u32));
        }
        before = Some(found);
    }
    written.done()
}

/// Draw 0 is the start's.
fn draw(k: usize) -> u32 {
    k as u32 + 1
}

/// s² − s'², without the loss of digits where the levels are close.
fn change(s: f64, next: f64) -> f64 {
    (s - next) * (s + next)
}

/// The start, one row for each pair of levels, and the end x = D.
fn transitions(
    levels: &[f64],
    rows: &mut [Step],
    mut row: impl FnMut(usize, f64, f64) -> Result<Step, Error>,
) -> Result<usize, Error> {
    let mut rows = begin(levels, rows)?;
    for (k, pair) in levels.windows(2).enumerate() {
        rows.push(row(k, pair[0], pair[1])?);
    }
    rows.end(levels)
}

/// T of row `row`, refused if it is negative, not finite, or above 1 by more than rounding.
fn check_temperature(row: usize, t: f64) -> Result<f64, Error> {
    if (0.0..=1.0 + 1e-9).contains(&t) {
        return Ok(t);
    }
    Err(Error::Row { row, name: "the temperature, which must be in [0, 1],", found: t })
}

fn check_count(levels: &[f64]) -> Result<(), Error> {
    require(!levels.is_empty() && levels.len() < 1 << 24, "levels", "1 to 16777215", levels.len() as f64)
}

/// ε of τ = ε s², for which a walk at a fixed level is stable.
fn check_epsilon(epsilon: f64) -> Result<(), Error> {
    require(epsilon > 0.0 && epsilon < 2.0, "epsilon", "in (0, 2)", epsilon)
}

/// Rows written so far; goes on counting beyond the capacity, to say how many are needed.
struct Rows<'a> {
    rows: &'a mut [Step],
    count: usize,
    wrong: Option<Error>,
}

fn begin<'a>(levels: &[f64], rows: &'a mut [Step]) -> Result<Rows<'a>, Error> {
    check_count(levels)?;
    check_levels(levels)?;
    let mut rows = Rows { rows, count: 0, wrong: None };
    rows.push(Step::start(levels[0]));
    Ok(rows)
}

impl Rows<'_> {
    fn push(&mut self, step: Step) {
        if let Some(row) = self.rows.get_mut(self.count) {
            *row = step;
        }
        // levels at the ends of what an f64 holds
        self.wrong = self.wrong.or(step.check(self.count).err());
        self.count += 1;
    }

    /// Another first row.
    fn restart(&mut self, step: Step) {
        self.count = 0;
        self.push(step);
    }

    fn end(mut self, levels: &[f64]) -> Result<usize, Error> {
        self.push(Step::end(levels[levels.len() - 1]));
        self.done()
    }

    fn done(self) -> Result<usize, Error> {
        if let Some(error) = self.wrong {
            return Err(error);
        }
        if self.count > self.rows.len() {
            return Err(Error::Capacity { needed: self.count, capacity: self.rows.len() });
        }
        Ok(self.count)
    }
}

/// √ of what is at least 0 up to rounding; NaN stays NaN.
fn root(value: f64) -> f64 {
    if value < 0.0 { 0.0 } else { sqrt(value) }
}
