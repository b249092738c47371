//! A plan as a table to read, or as comma-separated values.

use crate::time_map::TimeMap;
use crate::walk::{Step, Walk};
use core::fmt;

/// Prints a walk, one line a row: its number, σ, the network's time t if a table is given, τ, T and the coefficients. A row
/// that only adds noise has no τ and T; a row that uses two denoised images has none either, and a level outside the
/// table has no t.
#[derive(Clone, Copy, Debug)]
pub struct WalkTable<'a> {
    walk: Walk<'a>,
    times: Option<TimeMap<'a>>,
    csv: bool,
}

impl<'a> Walk<'a> {
    /// The walk as a table; with `times`, each level's time on the network's training table.
    pub fn table(&self, times: Option<TimeMap<'a>>) -> WalkTable<'a> {
        WalkTable { walk: *self, times, csv: false }
    }
}

impl WalkTable<'_> {
    /// The same as comma-separated values with a line of names; numbers in full, empty where there is none.
    pub fn csv(self) -> Self {
        Self { csv: true, ..self }
    }

    /// What a line shows: σ, t, τ, T and the coefficients.
    fn numbers(&self, step: &Step) -> [Option<f64>; 9] {
        let evaluates = step.denoised != 0.0;
        let level = (step.sigma > 0.0).then_some(step.sigma);
        let time = level.and_then(|sigma| self.times?.time(sigma).ok());
        let plain = evaluates && step.previous == 0.0;
        let (tau, t) = (step.step_size(), step.temperature());
        let rule = |value: f64| (plain && tau > 0.0).then_some(value);
        let coefficients = [step.x, step.denoised, step.previous, step.gradient, step.noise].map(Some);
        let [x, denoised, previous, gradient, noise] = coefficients;
        [level, time, rule(tau), rule(t), x, denoised, previous, gradient, noise]
    }
}

const NAMES: [&str; 9] = ["sigma", "t", "tau", "T", "x", "denoised", "previous", "gradient", "noise"];

impl fmt::Display for WalkTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |column: usize| column != 1 || self.times.is_some();
        f.write_str(if self.csv { "row" } else { "  row" })?;
        for (_, name) in NAMES.iter().enumerate().filter(|(column, _)| shown(*column)) {
            if self.csv { write!(f, ",{name}")? } else { write!(f, " {name:>12}")? }
        }
        f.write_str(if self.csv { ",draw\n" } else { "  draw\n" })?;
        for (row, step) in self.walk.steps().iter().enumerate() {
            if self.csv {
                write!(f, "{row}")?
            } else {
                write!(f, "{row:>5}")?
            }
            for (_, number) in self.numbers(step).into_iter().enumerate().filter(|(column, _)| shown(*column)) {
                match number {
                    Some(value) if self.csv => write!(f, ",{value}")?,
                    None if self.csv => f.write_str(",")?,
                    Some(value) => aligned(f, value)?,
                    None => write!(f, " {:>12}", "-")?,
                }
            }
            if self.csv { writeln!(f, ",{}", step.draw)? } else { writeln!(f, " {:>5}", step.draw)? }
        }
        Ok(())
    }
}

/// At least six significant digits in twelve columns.
fn aligned(f: &mut fmt::Formatter<'_>, value: f64) -> fmt::Result {
    let size = value.abs();
    if value == 0.0 {
        write!(f, " {:>12}", 0)
    } else if (1e-3..1e5).contains(&size) {
        let decimals = if size >= 1e3 {
            2
        } else if size >= 1.0 {
            5
        } else {
            8
        };
        write!(f, " {value:>12.decimals$}")
    } else {
        write!(f, " {value:>12.5e}")
    }
}

impl fmt::Display for Walk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table(None).fmt(f)
    }
}
