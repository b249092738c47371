//! A network's own training table: which time a noise level has. MATH.md §3.

use crate::error::{Error, require, require_len};
use crate::schedule::check_levels;
use libm::{exp, log};

/// What to do with a noise level outside the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outside {
    /// Refuse it: the network never saw it.
    #[default]
    Refuse,
    /// Take the nearest end of the table; a level must still be positive.
    Clamp,
}

/// The noise levels that a network was trained on, increasing; a level's index is its integer time t. Between them t is
/// fractional, linear in ln σ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeMap<'a> {
    sigmas: &'a [f64],
    outside: Outside,
}

impl<'a> TimeMap<'a> {
    /// A table of at least 2 increasing levels, for example from [`Betas::sigmas`](crate::vp::Betas::sigmas).
    ///
    /// # Errors
    /// [`Error::Length`] for fewer than 2 levels, [`Error::Row`] for the first that is not finite, positive and above
    /// the one before.
    pub fn new(sigmas: &'a [f64], outside: Outside) -> Result<Self, Error> {
        require_len("the table of noise levels (at least 2)", sigmas.len().max(2), sigmas.len())?;
        let mut before = 0.0;
        for (row, &found) in sigmas.iter().enumerate() {
            if !(found > before && found.is_finite()) {
                return Err(Error::Row { row, name: "the table's noise level, which must increase,", found });
            }
            before = found;
        }
        Ok(Self { sigmas, outside })
    }

    /// The table.
    pub fn sigmas(&self) -> &'a [f64] {
        self.sigmas
    }

    /// The fractional time of a level, in \[0, table length − 1\].
    ///
    /// # Errors
    /// [`Error::Domain`] outside the table, unless that is clamped; always for NaN.
    pub fn time(&self, sigma: f64) -> Result<f64, Error> {
        let (low, high) = (self.sigmas[0], self.sigmas[self.sigmas.len() - 1]);
        let inside = sigma >= low && sigma <= high;
        if sigma.is_nan() || sigma <= 0.0 || (!inside && self.outside == Outside::Refuse) {
            return Err(Error::Domain { sigma, low, high });
        }
        let sigma = sigma.clamp(low, high);
        let above = self.sigmas.partition_point(|&s| s <= sigma).min(self.sigmas.len() - 1);
        Ok((above - 1) as f64 + part(self.sigmas[above - 1], self.sigmas[above], sigma))
    }

    /// The integer time whose level is nearest in ln σ.
    ///
    /// # Errors
    /// As [`TimeMap::time`].
    pub fn index(&self, sigma: f64) -> Result<usize, Error> {
        Ok((self.time(sigma)? + 0.5) as usize)
    }

    /// The level of a fractional time.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a time outside \[0, table length − 1\], unless that is clamped; always for NaN.
    pub fn sigma(&self, time: f64) -> Result<f64, Error> {
        let last = (self.sigmas.len() - 1) as f64;
        let inside = (0.0..=last).contains(&time) || (self.outside == Outside::Clamp && !time.is_nan());
        require(inside, "time", "within the table", time)?;
        Ok(self.level(time.clamp(0.0, last)))
    }

    /// The level of a time within the table.
    fn level(&self, time: f64) -> f64 {
        let below = (time as usize).min(self.sigmas.len() - 2);
        let (a, b) = (self.sigmas[below], self.sigmas[below + 1]);
        let part = time - below as f64;
        // the table's own levels to the last bit
        if part == 0.0 {
            a
        } else if part == 1.0 {
            b
        } else {
            exp(log(a) + part * (log(b) - log(a)))
        }
    }

    /// Write decreasing levels at equal steps of fractional time, from the table's last level to its first.
    ///
    /// # Errors
    /// [`Error::Length`] for fewer than 2 levels, [`Error::Level`] for so many that two are the same.
    pub fn levels(&self, levels: &mut [f64]) -> Result<(), Error> {
        require_len("levels (at least 2)", levels.len().max(2), levels.len())?;
        let (steps, last) = (levels.len() - 1, self.sigmas.len() - 1);
        for (k, level) in levels.iter_mut().enumerate() {
            *level = self.level((steps - k) as f64 * last as f64 / steps as f64);
        }
        check_levels(levels)
    }

    /// For a network that takes integer times only: move every level to the table's nearest, drop those that meet, and
    /// return how many are left at the front. (To round t alone would leave σ wrong by up to half a step of the table.)
    ///
    /// # Errors
    /// As [`TimeMap::time`], and [`Error::Level`] for levels that do not decrease; nothing is written then.
    pub fn snap(&self, levels: &mut [f64]) -> Result<usize, Error> {
        check_levels(levels)?;
        for &sigma in levels.iter() {
            self.index(sigma)?;
        }
        let mut count = 0;
        for k in 0..levels.len() {
            let snapped = self.sigmas[self.index(levels[k])?];
            if count == 0 || snapped < levels[count - 1] {
                levels[count] = snapped;
                count += 1;
            }
        }
        Ok(count)
    }
}

/// What a network is given as its time.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Time<'a> {
    /// σ itself.
    Sigma,
    /// ln σ (NCSN++ with continuous levels).
    LogSigma,
    /// ln σ / 4 (c_noise of Karras et al. 2022).
    QuarterLogSigma,
    /// The fractional index on the training table (DDPM).
    Index(TimeMap<'a>),
    /// The nearest integer index on the training table; levels should be snapped to it first.
    Integer(TimeMap<'a>),
}

impl Time<'_> {
    /// The time of a noise level.
    ///
    /// # Errors
    /// As [`TimeMap::time`], and [`Error::Parameter`] for a level that is not positive and finite.
    pub fn of(&self, sigma: f64) -> Result<f64, Error> {
        require(sigma > 0.0 && sigma.is_finite(), "sigma", "finite and above 0", sigma)?;
        Ok(match self {
            Self::Sigma => sigma,
            Self::LogSigma => log(sigma),
            Self::QuarterLogSigma => log(sigma) / 4.0,
            Self::Index(map) => map.time(sigma)?,
            Self::Integer(map) => map.index(sigma)? as f64,
        })
    }
}

/// The value at σ of a table over increasing σ: linear in ln σ, constant beyond the ends. The table is not empty.
pub(crate) fn interpolate(sigmas: &[f64], value: impl Fn(usize) -> f64, sigma: f64) -> f64 {
    let above = sigmas.partition_point(|&s| s <= sigma);
    if above == 0 || above == sigmas.len() {
        return value(above.min(sigmas.len() - 1));
    }
    let (below, next) = (value(above - 1), value(above));
    below + part(sigmas[above - 1], sigmas[above], sigma) * (next - below)
}

/// Where σ lies between a and b on a logarithmic scale.
fn part(a: f64, b: f64, sigma: f64) -> f64 {
    let ratio = b / a;
    // the logarithm of a ratio keeps its digits where levels are close, differences stay finite where they are far
    if ratio.is_finite() { log(sigma / a) / log(ratio) } else { (log(sigma) - log(a)) / (log(b) - log(a)) }
}
