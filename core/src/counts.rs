//! Counts: how they scatter around what an operator says.

use crate::error::{Error, require, require_len};
use libm::{exp, fabs, log as ln, sqrt};

/// Counts y ~ Poisson(gain · v + background), v = A x: microscopy, emission tomography, low light.
///
/// The rate must be positive for every image that can be; where a denoiser proposes one for which it is not, the probability
/// of a count of 0 goes on as exp(−rate).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Poisson<'a> {
    /// Counts for each unit of v, above 0.
    pub gain: f64,
    /// Counts at v = 0, one for all measurements or one for each, not negative: dark counts, scatter, and for images on
    /// \[−1, 1\] also gain · (A 1).
    pub background: &'a [f32],
}

/// Counts behind an absorber, y ~ Poisson(blank · exp(−v) + background): v = A x is a line integral of the attenuation, without
/// unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transmission<'a> {
    /// Counts without an absorber, one for all measurements or one for each, above 0.
    pub blank: &'a [f32],
    /// Counts that come whatever the absorber is, one for all measurements or one for each, not negative: scatter, dark counts.
    pub background: &'a [f32],
}

/// A measurement as a Gaussian one that touches its likelihood at a v̂.
pub(crate) struct Gaussian {
    /// (ŷ − v)/η̂, v being where A D is.
    residual: f64,
    /// 1/η̂.
    weight: f64,
}

/// A distribution of counts.
pub(crate) trait Counts {
    fn check(&self, m: usize) -> Result<(), Error>;

    /// The expected count of measurement i at v.
    fn rate(&self, i: usize, v: f64) -> f64;

    /// Measurement i, at the v̂ that maximises ln p(y|v̂) − (v̂ − v)²/2q.
    fn gaussian(&self, i: usize, y: f64, v: f64, q: f64) -> Gaussian;

    /// Fisher's information at the v that explains y best.
    fn at_data(&self, i: usize, y: f64) -> f64;

    /// See [`Likelihood::linearise`](crate::Likelihood).
    fn linearise(&self, y: &[f32], q: f64, v: &mut [f32], weights: &mut [f32]) {
        for (i, (v, own)) in v.iter_mut().zip(weights).enumerate() {
            if q <= 0.0 {
                (*v, *own) = (0.0, 0.0); // an operator that sees nothing
                continue;
            }
            let Gaussian { residual, weight } = self.gaussian(i, f64::from(y[i]), f64::from(*v), q);
            (*v, *own) = (residual as f32, weight as f32);
        }
    }

    /// See [`Likelihood::standardise`](crate::Likelihood::standardise).
    fn standardise(&self, y: &[f32], v: &mut [f32]) {
        for (i, (v, y)) in v.iter_mut().zip(y).enumerate() {
            let rate = self.rate(i, f64::from(*v));
            *v = ((f64::from(*y) - rate) / sqrt(rate.max(LEAST_COUNT))) as f32;
        }
    }

    /// The largest information of all measurements.
    fn information(&self, y: &[f32]) -> f64 {
        (0..y.len()).map(|i| self.at_data(i, f64::from(y[i]))).fold(0.0, f64::max)
    }
}

/// A variance of counts is taken to be at least this.
const LEAST_COUNT: f64 = 0.5;
/// The least information of a measurement, as a part of what is known of v before: a count of 0 has none, but a slope.
const LEAST_INFORMATION: f64 = 0.01;
/// Each at least halves the interval.
const NEWTON_STEPS: usize = 50;

impl Counts for Poisson<'_> {
    fn check(&self, m: usize) -> Result<(), Error> {
        require(self.gain > 0.0 && self.gain.is_finite(), "gain", "finite and above 0", self.gain)?;
        check("background", "finite, not negative", self.background, m, 0.0)
    }

    fn rate(&self, i: usize, v: f64) -> f64 {
        self.gain * v + of(self.background, i)
    }

    /// The log-likelihood is concave: with its own curvature y/rate².
    fn gaussian(&self, i: usize, y: f64, v: f64, q: f64) -> Gaussian {
        let (before, spread) = (self.rate(i, v), self.gain * self.gain * q);
        let change = before - spread;
        // the root of r² − change r − spread y that is a rate
        let root = sqrt(change * change + 4.0 * spread * y);
        let rate = if y == 0.0 {
            change
        } else if change > 0.0 {
            (change + root) / 2.0
        } else {
            2.0 * spread * y / (root - change)
        };
        let (score, curvature) = if y > 0.0 { (y / rate - 1.0, y / (rate * rate)) } else { (-1.0, 0.0) };
        let weight = sqrt(curvature.max(LEAST_INFORMATION / spread));
        Gaussian { residual: weight * (rate - before) + score / weight, weight: self.gain * weight }
    }

    fn at_data(&self, i: usize, y: f64) -> f64 {
        self.gain * self.gain / y.max(of(self.background, i)).max(1.0)
    }
}

impl Counts for Transmission<'_> {
    fn check(&self, m: usize) -> Result<(), Error> {
        check("blank", "finite and above 0", self.blank, m, f64::MIN_POSITIVE)?;
        check("background", "finite, not negative", self.background, m, 0.0)
    }

    fn rate(&self, i: usize, v: f64) -> f64 {
        of(self.blank, i) * exp(-v) + of(self.background, i)
    }

    /// Newton's steps, held between v and what the data say; with Fisher's information, for the curvature can be negative.
    fn gaussian(&self, i: usize, y: f64, v: f64, q: f64) -> Gaussian {
        let data = ln(of(self.blank, i) / (y - of(self.background, i)).max(LEAST_COUNT));
        let (mut low, mut high) = (v.min(data), v.max(data));
        let mut at = (low + high) / 2.0;
        for _ in 0..NEWTON_STEPS {
            let (score, information) = self.derivatives(i, y, at);
            let excess = at - v - q * score;
            *(if excess < 0.0 { &mut low } else { &mut high }) = at;
            let next = at - excess / (1.0 + q * information);
            let next = if next > low && next < high { next } else { (low + high) / 2.0 };
            let step = fabs(next - at);
            at = next;
            if step <= 1e-9 * (1.0 + fabs(at)) {
                break;
            }
        }
        let (score, information) = self.derivatives(i, y, at);
        let weight = sqrt(information.max(LEAST_INFORMATION / q));
        Gaussian { residual: weight * (at - v) + score / weight, weight }
    }

    fn at_data(&self, i: usize, y: f64) -> f64 {
        let passed = (y - of(self.background, i)).max(1.0);
        passed * passed / (passed + of(self.background, i))
    }
}

/// The element of an array that has one for each measurement, or one for all.
fn of(array: &[f32], i: usize) -> f64 {
    f64::from(if array.len() == 1 { array[0] } else { array[i] })
}

/// One number or m of them, finite and at least `least` each.
fn check(name: &'static str, expected: &'static str, array: &[f32], m: usize, least: f64) -> Result<(), Error> {
    if array.len() != 1 {
        require_len(name, m, array.len())?;
    }
    match array.iter().find(|v| !(v.is_finite() && f64::from(**v) >= least)) {
        Some(found) => Err(Error::Parameter { name, expected, found: f64::from(*found) }),
        None => Ok(()),
    }
}

impl Transmission<'_> {
    /// d ln p(y|v)/dv and Fisher's information, E((d ln p/dv)²).
    fn derivatives(&self, i: usize, y: f64, v: f64) -> (f64, f64) {
        let passed = of(self.blank, i) * exp(-v);
        let rate = passed + of(self.background, i);
        let score = if y > 0.0 { passed * (1.0 - y / rate) } else { passed };
        (score, if rate > 0.0 { passed * passed / rate } else { 0.0 })
    }
}
