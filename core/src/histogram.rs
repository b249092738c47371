//! Quantiles of a posterior as samples come, in bounded memory.

use crate::error::{Error, require, require_len};
use libm::ceil;

/// A streaming histogram of every element over samples, in the caller's memory: `bins` equal bins from `low` to `high`,
/// and what lies below and above is counted too, so that nothing is lost.
///
/// A count is 16 bits, so there is room for 65 535 samples.
#[derive(Debug)]
pub struct Histogram<'a> {
    low: f64,
    high: f64,
    bins: usize,
    samples: u16,
    counts: &'a mut [u16],
}

impl<'a> Histogram<'a> {
    /// No samples yet. `low` and `high` are in the units of the samples; `counts` is `[elements, bins + 2]`, for each
    /// element what is below, the bins, what is above, and is cleared.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless low < high, finite, and there is an element and a bin; [`Error::Length`] for another
    /// length of `counts`.
    pub fn new(elements: usize, low: f64, high: f64, bins: usize, counts: &'a mut [u16]) -> Result<Self, Error> {
        check(low, high, bins)?;
        require(elements > 0, "elements", "at least 1", 0.0)?;
        require_len("counts", elements.saturating_mul(bins.saturating_add(2)), counts.len())?;
        counts.fill(0);
        Ok(Self { low, high, bins, samples: 0, counts })
    }

    /// Go on with the counts of a histogram of this range, [`Histogram::counts`]; they say how many samples it had.
    ///
    /// # Errors
    /// [`Error::Parameter`] as [`Histogram::new`]; [`Error::Length`] unless the counts are whole elements with as many samples
    /// each.
    pub fn resume(low: f64, high: f64, bins: usize, counts: &'a mut [u16]) -> Result<Self, Error> {
        check(low, high, bins)?;
        let elements = (counts.len() / bins.saturating_add(2)).max(1);
        require_len("counts", elements.saturating_mul(bins.saturating_add(2)), counts.len())?;
        let total = |counts: &[u16]| counts.iter().map(|count| usize::from(*count)).sum::<usize>();
        let samples = total(&counts[..bins + 2]);
        for counts in counts.chunks_exact(bins + 2) {
            require_len("samples of an element", samples, total(counts))?;
        }
        require(samples <= usize::from(u16::MAX), "samples", "at most 65535", samples as f64)?;
        Ok(Self { low, high, bins, samples: samples as u16, counts })
    }

    /// Take in one sample, or nothing of it if there is an error.
    ///
    /// # Errors
    /// [`Error::Length`] if it has another length, [`Error::Parameter`] if it is not finite everywhere or is one too many.
    pub fn add(&mut self, sample: &[f32]) -> Result<(), Error> {
        require_len("sample", self.elements(), sample.len())?;
        require(self.samples < u16::MAX, "samples", "at most 65535", f64::from(self.samples) + 1.0)?;
        if let Some(found) = sample.iter().find(|v| !v.is_finite()) {
            return Err(Error::Parameter { name: "sample", expected: "finite everywhere", found: f64::from(*found) });
        }
        self.samples += 1;
        let scale = self.bins as f64 / (self.high - self.low);
        for (counts, value) in self.counts.chunks_exact_mut(self.bins + 2).zip(sample) {
            let value = f64::from(*value);
            let place = if value < self.low {
                0
            } else if value > self.high {
                self.bins + 1
            } else {
                1 + (((value - self.low) * scale) as usize).min(self.bins - 1)
            };
            counts[place] += 1;
        }
        Ok(())
    }

    /// Take in all samples of another histogram, as if they had been added one by one; nothing if there is an error.
    ///
    /// # Errors
    /// [`Error::Parameter`] if its range differs or the samples are too many together, [`Error::Length`] if its bins or
    /// elements differ.
    pub fn merge(&mut self, other: &Histogram<'_>) -> Result<(), Error> {
        require(other.low == self.low, "low", "the same in both histograms", other.low)?;
        require(other.high == self.high, "high", "the same in both histograms", other.high)?;
        require_len("bins of the other histogram", self.bins, other.bins)?;
        require_len("counts of the other histogram", self.counts.len(), other.counts.len())?;
        let together = u32::from(self.samples) + u32::from(other.samples);
        require(together <= u32::from(u16::MAX), "samples", "at most 65535", f64::from(together))?;
        self.samples = together as u16;
        for (count, other) in self.counts.iter_mut().zip(other.counts.iter()) {
            *count += other;
        }
        Ok(())
    }

    /// How many samples were taken in.
    pub fn samples(&self) -> u64 {
        u64::from(self.samples)
    }

    /// Elements of a sample.
    pub fn elements(&self) -> usize {
        self.counts.len() / (self.bins + 2)
    }

    /// The counts, `[elements, bins + 2]`: below the range, in each bin, above it.
    pub fn counts(&self) -> &[u16] {
        self.counts
    }

    /// Write the `probability` quantile of each element to `out`, in the units of the samples.
    ///
    /// It lies in the bin of the ⌈probability · samples⌉-th smallest value (the smallest for 0), interpolated as if the
    /// bin's values were spread evenly: within one bin's width, (high − low)/bins, of that value. −∞ says that the
    /// value is below the range, ∞ above it.
    ///
    /// # Errors
    /// [`Error::Length`] if `out` has not one place for each element, [`Error::Parameter`] for a probability outside
    /// \[0, 1\] or if there are no samples yet.
    pub fn quantile(&self, probability: f64, out: &mut [f32]) -> Result<(), Error> {
        require_len("out", self.elements(), out.len())?;
        require((0.0..=1.0).contains(&probability), "probability", "in [0, 1]", probability)?;
        require(self.samples > 0, "samples", "at least 1", 0.0)?;
        let rank = probability * f64::from(self.samples);
        for (counts, out) in self.counts.chunks_exact(self.bins + 2).zip(out) {
            *out = self.value(counts, rank) as f32;
        }
        Ok(())
    }

    /// Where `rank` values (any real number from 0 to all) of an element lie below.
    fn value(&self, counts: &[u16], rank: f64) -> f64 {
        let (mut place, mut before) = (0, 0.0);
        while before + f64::from(counts[place]) < ceil(rank).max(1.0) {
            before += f64::from(counts[place]);
            place += 1;
        }
        if place == 0 {
            f64::NEG_INFINITY
        } else if place > self.bins {
            f64::INFINITY
        } else {
            let inside = (place - 1) as f64 + (rank - before) / f64::from(counts[place]);
            self.low + inside * ((self.high - self.low) / self.bins as f64)
        }
    }
}

fn check(low: f64, high: f64, bins: usize) -> Result<(), Error> {
    require(low.is_finite(), "low", "finite", low)?;
    require(high > low && (high - low).is_finite(), "high", "finite and above low", high)?;
    require(bins > 0, "bins", "at least 1", 0.0)
}
