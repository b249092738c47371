//! Separate clusters of chains.

use crate::error::{Error, require, require_len};
use crate::noise::fill;
use libm::{exp, sqrt};

/// The fewest chains that can be judged.
const LEAST: usize = 6;

/// How far power iteration goes at most.
const ITERATIONS: usize = 1000;

/// The cosine between one step and the next at which it stops.
const CONVERGED: f64 = 1.0 - 1e-13;

/// Whether the samples of several chains fall into two separate clusters.
///
/// The samples are seen along their leading principal coordinate (from their pairwise distances, Torgerson, Psychometrika 17
/// (1952) 401), cut in two where the sum of squares within the parts is smallest, and judged by the ratio of the sum of
/// squares between the parts to that within (Engelman and Hartigan, JASA 64 (1969) 1647). For N samples of any
/// Gaussian, of whatever covariance and dimension, the ratio is distributed as for N numbers from N(0, 1), so the rate
/// of false alarms depends on N alone. The critical ratio is that of the flattest single mode, the uniform
/// distribution (as in Tibshirani, Walther and Hastie's gap statistic, JRSS B 63 (2001) 411), at 5 %: a Gaussian has less.
///
/// Two modes with the shares w and 1 − w of the chains, d within-mode standard deviations apart along the line between
/// them, have a ratio of about w (1 − w) d²: they are found if it exceeds [`Modes::critical`]. Not found are modes that differ
/// less than the posterior spreads in another direction, and three or more in a row with equal weights and distances. A
/// single far chain of a heavy or long tail can look like a mode (`smaller` is 1 then).
///
/// Measured, in percent of the sets (two modes: of N(0, I) in 16 dimensions, d apart):
///
/// | chains | false alarms: any Gaussian | exponential | Student's t, 3 degrees | found, equal weights: d = 4 | 6 | 8 | 12 | found, w = 1/4: d = 6 | 8 | 12 |
/// | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
/// | 6 | 2.7 | 10 | 4.5 | | | | | | | |
/// | 8 | 1.5 | 8.7 | 3.4 | 9 | 39 | 82 | 100 | 24 | 61 | 98 |
/// | 16 | 0.4 | 5.4 | 2.1 | 14 | 81 | 100 | 100 | 53 | 95 | 100 |
/// | 32 | 0.05 | 2.2 | 1.5 | 28 | 99 | 100 | 100 | 86 | 100 | 100 |
/// | 64 | < 0.01 | 0.5 | 1.1 | 56 | 100 | 100 | 100 | 100 | 100 | 100 |
///
/// Samples in pairs of opposite noise ([`ANTITHETIC`](crate::noise::ANTITHETIC)) are not independent: N/2 pairs exceed the
/// critical ratio of N chains too often (of a Gaussian 9.5 % with 6, 6.8 % with 8, 2.8 % with 16), and that of N/2 chains less
/// often than they should (1.4, 0.9 and 0.4 %).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Modes {
    /// The sum of squares between the parts over that within them, along the leading coordinate.
    pub ratio: f64,
    /// Chains whose coordinate is above this are the one part, the others the other.
    pub cut: f64,
    /// Chains of the smaller part.
    pub smaller: usize,
    chains: usize,
}

impl Modes {
    /// Look at `samples`, `[chains, n]`, of at least 6 chains, better 16 or more. `coordinates` (one for each chain) receives
    /// the leading coordinate, in the units of the samples, its mean 0, its sign without meaning; `scratch` is
    /// chains · (chains + 1) numbers. It takes about chains² n/2 operations.
    ///
    /// # Errors
    /// [`Error::Parameter`] for fewer than 6 chains, samples that are not finite or are all the same; [`Error::Length`] unless
    /// `samples` is whole images, or for another length of `coordinates` or `scratch`.
    pub fn new(samples: &[f32], chains: usize, coordinates: &mut [f64], scratch: &mut [f64]) -> Result<Self, Error> {
        require(chains >= LEAST, "chains", "at least 6", chains as f64)?;
        let n = (samples.len() / chains).max(1);
        require_len("samples (whole images)", chains.saturating_mul(n), samples.len())?;
        Self::of_images(samples.chunks_exact(n), coordinates, scratch)
    }

    /// The same of images that lie anywhere, one for each chain.
    ///
    /// # Errors
    /// As [`Modes::new`]; [`Error::Length`] too if an image has another length than the first.
    pub fn of_images<'a>(
        images: impl Iterator<Item = &'a [f32]> + Clone,
        coordinates: &mut [f64],
        scratch: &mut [f64],
    ) -> Result<Self, Error> {
        let chains = images.clone().count();
        require(chains >= LEAST, "chains", "at least 6", chains as f64)?;
        require_len("coordinates", chains, coordinates.len())?;
        require_len("scratch", chains.saturating_mul(chains.saturating_add(1)), scratch.len())?;
        let n = images.clone().next().map_or(0, <[f32]>::len);
        for image in images.clone() {
            require_len("samples (each image)", n, image.len())?;
            if let Some(found) = image.iter().find(|v| !v.is_finite()) {
                return Err(Error::Parameter {
                    name: "samples",
                    expected: "finite everywhere",
                    found: f64::from(*found),
                });
            }
        }
        let (sorted, matrix) = scratch.split_at_mut(chains);
        let spread = distances(images, chains, matrix);
        require(spread > 0.0, "the spread of the samples", "above 0", spread)?;
        leading(matrix, sorted, coordinates);
        sorted.copy_from_slice(coordinates);
        sorted.sort_unstable_by(f64::total_cmp);
        Ok(best_cut(sorted))
    }

    /// The ratio above which the parts are called separate: 4 exp((1.9 + 13/N)/√N) − 1 for N chains, a fit (within 4 %) to the
    /// 95 % quantiles of 200 000 (N > 64: 40 000) sets of N uniform numbers, 8 ≤ N ≤ 512; 3 for N → ∞.
    pub fn critical(chains: usize) -> f64 {
        let n = chains as f64;
        4.0 * exp((1.9 + 13.0 / n) / sqrt(n)) - 1.0
    }

    /// Do the chains fall into separate parts?
    pub fn separate(&self) -> bool {
        self.ratio > Self::critical(self.chains)
    }
}

/// Write −d²/2 of each pair's distance d, `[chains, chains]`; returns the sum of all d²/2.
///
/// Less the mean of its columns, this has the leading principal coordinate as its leading eigenvector of mean 0.
fn distances<'a>(images: impl Iterator<Item = &'a [f32]> + Clone, chains: usize, out: &mut [f64]) -> f64 {
    let mut sum = 0.0;
    for (i, a) in images.clone().enumerate() {
        for (j, b) in images.clone().enumerate().take(i + 1) {
            let difference = |(a, b): (&f32, &f32)| f64::from(*a) - f64::from(*b);
            let half = a.iter().zip(b).map(difference).map(|d| d * d).sum::<f64>() / 2.0;
            out[i * chains + j] = -half;
            out[j * chains + i] = -half;
            sum += half;
        }
    }
    sum
}

/// Power iteration from a fixed random start: `coordinates` receives the leading eigenvector, its length the root of the
/// eigenvalue.
fn leading(distances: &[f64], next: &mut [f64], coordinates: &mut [f64]) {
    for (i, coordinate) in coordinates.iter_mut().enumerate() {
        let mut normal = [0f32];
        fill(0, 0, 0, i as u64, &mut normal);
        *coordinate = f64::from(normal[0]);
    }
    centre(coordinates);
    for _ in 0..ITERATIONS {
        for (next, row) in next.iter_mut().zip(distances.chunks_exact(coordinates.len())) {
            *next = inner(row, coordinates);
        }
        centre(next);
        let (norm, before) = (sqrt(inner(next, next)), sqrt(inner(coordinates, coordinates)));
        let cosine = inner(next, coordinates) / (norm * before);
        let scale = sqrt(norm / before) / norm;
        coordinates.iter_mut().zip(next.iter()).for_each(|(coordinate, next)| *coordinate = next * scale);
        if cosine >= CONVERGED {
            break;
        }
    }
}

/// ⟨a, b⟩.
fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Take the mean away.
fn centre(values: &mut [f64]) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter_mut().for_each(|v| *v -= mean);
}

/// Cut sorted numbers of mean 0 where the parts' sums of squares are smallest.
fn best_cut(sorted: &[f64]) -> Modes {
    let (n, total) = (sorted.len() as f64, sorted.iter().map(|v| v * v).sum::<f64>());
    let (mut between, mut place, mut sum) = (0.0, 1, 0.0);
    for (k, value) in sorted[..sorted.len() - 1].iter().enumerate() {
        sum += value;
        let low = (k + 1) as f64;
        let candidate = sum * sum * n / (low * (n - low));
        if candidate > between {
            (between, place) = (candidate, k + 1);
        }
    }
    Modes {
        ratio: between / (total - between).max(0.0),
        cut: (sorted[place - 1] + sorted[place]) / 2.0,
        smaller: place.min(sorted.len() - place),
        chains: sorted.len(),
    }
}
