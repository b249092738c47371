//! Noise levels, largest first, in f64 with closed forms. MATH.md §4.

use crate::error::{Error, require};
use libm::{exp, pow};

/// How the noise levels of a plan fall from the largest to the smallest.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Schedule {
    /// σ_max (σ_min/σ_max)^{k/(N−1)}.
    Geometric {
        /// The first level.
        sigma_max: f64,
        /// The last level.
        sigma_min: f64,
    },
    /// Equal differences.
    Linear {
        /// The first level.
        sigma_max: f64,
        /// The last level.
        sigma_min: f64,
    },
    /// Equal differences of σ^{1/ρ}, Karras et al. 2022 (ρ = 7).
    Karras {
        /// The first level.
        sigma_max: f64,
        /// The last level.
        sigma_min: f64,
        /// The exponent ρ > 0.
        rho: f64,
    },
    /// The sigmoid of Chen 2023 as in \[RWT\] eq. 25 (start 0, end 3, temperature 0.3).
    Sigmoid {
        /// The first level.
        sigma_max: f64,
        /// The last level.
        sigma_min: f64,
        /// Where the sigmoid begins.
        start: f64,
        /// Where it ends.
        end: f64,
        /// Its width.
        temperature: f64,
    },
}

impl Schedule {
    /// The paper's sigmoid schedule between two levels.
    pub fn sigmoid(sigma_max: f64, sigma_min: f64) -> Self {
        Self::Sigmoid { sigma_max, sigma_min, start: 0.0, end: 3.0, temperature: 0.3 }
    }

    /// The first and the last level.
    pub fn range(&self) -> (f64, f64) {
        match *self {
            Self::Geometric { sigma_max, sigma_min }
            | Self::Linear { sigma_max, sigma_min }
            | Self::Karras { sigma_max, sigma_min, .. }
            | Self::Sigmoid { sigma_max, sigma_min, .. } => (sigma_max, sigma_min),
        }
    }

    /// Write `levels.len()` ≥ 2 decreasing levels.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless 0 < σ_min < σ_max < ∞ and the shape's own parameters are in range.
    pub fn levels(&self, levels: &mut [f64]) -> Result<(), Error> {
        let (sigma_max, sigma_min) = self.range();
        let count = levels.len();
        require(count >= 2, "levels", "at least 2", count as f64)?;
        require(sigma_min > 0.0 && sigma_min.is_finite(), "sigma_min", "finite and above 0", sigma_min)?;
        require(sigma_max > sigma_min && sigma_max.is_finite(), "sigma_max", "finite and above sigma_min", sigma_max)?;
        self.check_shape()?;
        for (k, level) in levels.iter_mut().enumerate() {
            *level = self.level(k as f64 / (count - 1) as f64);
        }
        if !matches!(self, Self::Sigmoid { .. }) {
            levels[count - 1] = sigma_min; // without the rounding of pow; the sigmoid's own formula ends just above
        }
        check_levels(levels)
    }

    fn check_shape(&self) -> Result<(), Error> {
        match *self {
            Self::Karras { rho, .. } => require(rho > 0.0 && rho.is_finite(), "rho", "finite and above 0", rho),
            Self::Sigmoid { start, end, temperature, .. } => {
                require(
                    temperature > 0.0 && temperature.is_finite(),
                    "temperature",
                    "finite and above 0",
                    temperature,
                )?;
                require(end > start && (end - start).is_finite(), "end", "finite and above start", end)
            }
            _ => Ok(()),
        }
    }

    /// The level at u in [0, 1].
    fn level(&self, u: f64) -> f64 {
        match *self {
            Self::Geometric { sigma_max, sigma_min } => sigma_max * pow(sigma_min / sigma_max, u),
            Self::Linear { sigma_max, sigma_min } => sigma_max + u * (sigma_min - sigma_max),
            Self::Karras { sigma_max, sigma_min, rho } => {
                let (a, b) = (pow(sigma_max, 1.0 / rho), pow(sigma_min, 1.0 / rho));
                pow(a + u * (b - a), rho)
            }
            Self::Sigmoid { sigma_max, sigma_min, start, end, temperature } => {
                let s = |v: f64| 1.0 / (1.0 + exp(-v));
                let (a, b) = (s(start / temperature), s(end / temperature));
                let v = (b - s((u * (end - start) + start) / temperature)) / (b - a);
                v.max(1e-9) * (sigma_max - sigma_min) + sigma_min
            }
        }
    }
}

/// Levels must be finite, positive and strictly decreasing.
///
/// # Errors
/// [`Error::Level`] names the first that is not.
pub fn check_levels(levels: &[f64]) -> Result<(), Error> {
    let mut before = f64::INFINITY;
    for (index, &found) in levels.iter().enumerate() {
        if !(found > 0.0 && found < before) {
            return Err(Error::Level { index, found, before });
        }
        before = found;
    }
    Ok(())
}
