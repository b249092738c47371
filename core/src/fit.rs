//! Does a sample explain the measurements as well as it should?

use crate::error::{Error, require, require_len};
use core::f64::consts::FRAC_1_SQRT_2;
use libm::{cbrt, erfc, sqrt};

/// χ² = Σ (yᵢ − (A x)ᵢ)²/ηᵢ² of an image, and what it would be for the truth.
///
/// The noise of m measurements has ‖e‖²/η² ~ χ²(m), mean m, standard deviation √(2m). What is to be expected of
/// χ² = ‖y − A x‖²/η²:
///
/// | x | χ² |
/// | --- | --- |
/// | the truth | χ²(m) |
/// | a posterior sample | χ²(m) over all (truth, y): given y, sample and truth are drawn alike, hence so are their residuals |
/// | the mean of N posterior samples of one y | mean m − (1 − 1/N) d, d = tr(A C Aᵀ)/η² |
///
/// C being the posterior's covariance and d, from 0 to m, the number of measurements by which y decides about x. So a single
/// posterior sample is to be judged by χ²(m), while a mean of samples fits better than the truth does: that is no error.
///
/// Samples of one y are not independent tries: given y their χ² has the mean d + ‖y − A E\[x|y\]‖²/η², whose second term
/// they share. For white prior and noise (variances v and η², A = I, g = v/(v + η²)) this mean itself spreads by
/// (1 − g) √(2m) over y: where the data decide (g near 1) the samples' z scatter like independent ones, where the prior
/// decides they are off together, by about 1 − g. All this goes for a prior that is right; many z beyond a few on one side
/// say that η, A, the prior or the sampler is not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// χ².
    chi2: f64,
    /// m.
    measurements: usize,
}

impl Fit {
    /// Compare the measurements `y` with `applied` = A x, both in the operator's layout. `eta(i)` is the standard deviation
    /// of the noise of measurement i, in the units of y, and ∞ where nothing was measured (y and A x may hold anything
    /// there); the measurements are those with a finite one.
    ///
    /// # Errors
    /// [`Error::Length`] if the lengths differ, [`Error::Parameter`] if an η is not above 0, all are infinite, or y or A x
    /// is not finite where something was measured.
    pub fn new(y: &[f32], applied: &[f32], eta: impl Fn(usize) -> f64) -> Result<Self, Error> {
        require_len("applied", y.len(), applied.len())?;
        let (mut chi2, mut measurements) = (0.0, 0);
        for (i, (y, applied)) in y.iter().zip(applied).enumerate() {
            let eta = eta(i);
            require(eta > 0.0, "eta", "above 0", eta)?;
            if eta.is_finite() {
                require(y.is_finite(), "y", "finite where measured", f64::from(*y))?;
                require(applied.is_finite(), "applied", "finite where measured", f64::from(*applied))?;
                let deviation = (f64::from(*y) - f64::from(*applied)) / eta;
                chi2 += deviation * deviation;
                measurements += 1;
            }
        }
        Self::from_chi2(chi2, measurements)
    }

    /// A χ² that the caller has summed, of so many measurements.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a χ² that is negative or not finite, or no measurements.
    pub fn from_chi2(chi2: f64, measurements: usize) -> Result<Self, Error> {
        require(measurements > 0, "measurements", "at least 1", 0.0)?;
        require(chi2 >= 0.0 && chi2.is_finite(), "chi2", "finite and at least 0", chi2)?;
        Ok(Self { chi2, measurements })
    }

    /// χ².
    pub fn chi2(&self) -> f64 {
        self.chi2
    }

    /// m, how many measurements were compared; this is also the mean of χ² for the truth.
    pub fn measurements(&self) -> usize {
        self.measurements
    }

    /// √(2m), the standard deviation of χ² for the truth.
    pub fn std(&self) -> f64 {
        sqrt(2.0 * self.measurements as f64)
    }

    /// χ² as a standard normal number: far below 0 the image fits the measurements too well (it follows their noise, or η was
    /// given too large), far above 0 too badly. Beyond ±4 by chance 6 times in 10⁵.
    ///
    /// Wilson and Hilferty, PNAS 17 (1931) 684: ((χ²/m)^⅓ − 1 + 2/(9m))/√(2/(9m)).
    pub fn z(&self) -> f64 {
        let variance = 2.0 / (9.0 * self.measurements as f64);
        (cbrt(self.chi2 / self.measurements as f64) - 1.0 + variance) / sqrt(variance)
    }

    /// The probability of a smaller χ² for the truth, Φ(z); wrong by at most 0.053 for m = 1, 0.006 from 3 on,
    /// 0.0013 from 10 on, 1.2e-4 from 100 on.
    pub fn probability(&self) -> f64 {
        erfc(-self.z() * FRAC_1_SQRT_2) / 2.0
    }
}
