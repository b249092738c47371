//! Counts: how they scatter around what an operator says.

use crate::error::{Error, require, require_len};
use libm::{exp, fabs, log as ln, sqrt};

/// Counts y ~ Poisson(gain · v + background), v = A x: microscopy, emission tomography, low light.
///
/// The rate must be positive for every image that can be; where a denoiser proposes one for which it is not, a count of 0
/// goes on as exp(−rate).
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

/// The likelihood of one measurement at a v.
pub(crate) struct Local {
    /// d ln p(y|v)/dv over the weight.
    slope: f64,
    /// The root of Fisher's information, E((d ln p/dv)²): 1/η̂.
    weight: f64,
}

/// A distribution of counts.
pub(crate) trait Counts {
    fn check(&self, m: usize) -> Result<(), Error>;

    /// Measurement i near v.
    fn local(&self, i: usize, y: f64, v: f64) -> Local;

    /// The v̂ that maximises ln p(y|v̂) − (v̂ − v)²/2q.
    fn most_probable(&self, i: usize, y: f64, v: f64, q: f64) -> f64;

    /// Fisher's information at the v that explains y best.
    fn at_data(&self, i: usize, y: f64) -> f64;

    /// See [`Likelihood::linearise`](crate::Likelihood).
    fn linearise(&self, y: &[f32], q: f64, v: &mut [f32], weights: &mut [f32]) {
        for (i, (v, own)) in v.iter_mut().zip(weights).enumerate() {
            let (y, here) = (f64::from(y[i]), f64::from(*v));
            let at = self.most_probable(i, y, here, q);
            let Local { slope, weight } = self.local(i, y, at);
            (*v, *own) = ((weight * (at - here) + slope) as f32, weight as f32);
        }
    }

    /// The largest information of all measurements.
    fn information(&self, y: &[f32]) -> f64 {
        (0..y.len()).map(|i| self.at_data(i, f64::from(y[i]))).fold(0.0, f64::max)
    }
}

/// A variance of counts is taken to be at least this.
const LEAST_COUNT: f64 = 0.5;
/// Each at least halves the interval.
const NEWTON_STEPS: usize = 50;

impl Counts for Poisson<'_> {
    fn check(&self, m: usize) -> Result<(), Error> {
        require(self.gain > 0.0 && self.gain.is_finite(), "gain", "finite and above 0", self.gain)?;
        check("background", "finite, not negative", self.background, m, 0.0)
    }

    fn local(&self, i: usize, y: f64, v: f64) -> Local {
        let rate = self.gain * v + of(self.background, i);
        let deviation = sqrt(rate.max(LEAST_COUNT));
        let score = if y > 0.0 { y / rate - 1.0 } else { -1.0 };
        Local { slope: score * deviation, weight: self.gain / deviation }
    }

    fn most_probable(&self, i: usize, y: f64, v: f64, q: f64) -> f64 {
        let background = of(self.background, i);
        let spread = self.gain * self.gain * q;
        let change = self.gain * v + background - spread;
        // the root of r² − change r − spread y that is a rate
        let root = sqrt(change * change + 4.0 * spread * y);
        let rate = if y == 0.0 {
            change
        } else if change > 0.0 {
            (change + root) / 2.0
        } else {
            2.0 * spread * y / (root - change)
        };
        (rate - background) / self.gain
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

    fn local(&self, i: usize, y: f64, v: f64) -> Local {
        let passed = of(self.blank, i) * exp(-v);
        let rate = passed + of(self.background, i);
        let deviation = sqrt(rate.max(LEAST_COUNT));
        let score = if y > 0.0 { 1.0 - y / rate } else { 1.0 };
        Local { slope: score * deviation, weight: passed / deviation }
    }

    /// Newton's steps, held between v and what the data say.
    fn most_probable(&self, i: usize, y: f64, v: f64, q: f64) -> f64 {
        let data = ln(of(self.blank, i) / (y - of(self.background, i)).max(LEAST_COUNT));
        let (mut low, mut high) = (v.min(data), v.max(data));
        let mut at = (low + high) / 2.0;
        for _ in 0..NEWTON_STEPS {
            let Local { slope, weight } = self.local(i, y, at);
            let excess = at - v - q * slope * weight;
            *(if excess < 0.0 { &mut low } else { &mut high }) = at;
            let next = at - excess / (1.0 + q * weight * weight);
            let next = if next > low && next < high { next } else { (low + high) / 2.0 };
            if fabs(next - at) <= 1e-9 * (1.0 + fabs(at)) {
                return next;
            }
            at = next;
        }
        at
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
