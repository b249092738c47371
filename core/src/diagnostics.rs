//! Whether chains of which several draws are kept have converged, and how many independent draws they are worth.

use crate::error::{Error, require, require_len};
use libm::{log10, sqrt};

/// Split R̂ of a scalar: near 1 if the chains agree, each with itself and all with one another; do not trust them above
/// 1.01 (Vehtari et al.).
///
/// Every chain is cut in two halves (the middle draw of an odd number is left out), n draws each, and
/// R̂² = (n − 1)/n + (variance of the halves' means)/(mean of the halves' variances). `draws` is `[chains, draws]`, at
/// least 4 draws a chain.
///
/// The scalar (a pixel, a norm, ‖y − A x‖, …) must have a finite variance. ∞ if no half moves, but they differ.
///
/// This is for who keeps several draws of a chain, e.g. of an explicit [`template`](crate::template) that is kept running
/// at the last level. The samplers here give one independent draw a chain: there is nothing to compare then.
///
/// Source: Gelman et al., Bayesian Data Analysis, 3rd ed., §11.4; Vehtari, Gelman, Simpson, Carpenter, Bürkner, Bayesian
/// Analysis 16 (2021) 667, arXiv:1903.08008, without their ranks and folding.
///
/// # Errors
/// [`Error::Length`] unless `draws` is whole chains of at least 4 draws, [`Error::Parameter`] for no chains, for draws that
/// are not finite, too large to be squared, or all the same.
pub fn split_rhat(draws: &[f64], chains: usize) -> Result<f64, Error> {
    let halves = Halves::new(draws, chains, 4)?;
    let (within, between) = halves.variances()?;
    let n = halves.len as f64;
    Ok(sqrt((n - 1.0) / n + between / within))
}

/// The effective sample size of a scalar for its mean: the variance of the mean of all draws is the variance of the scalar
/// over this.
///
/// Over split chains as in [`split_rhat`]; the autocorrelations are those of all halves together, summed by Geyer's
/// initial monotone sequence, and the result is at most S log₁₀ S, S being the number of draws. `draws` is
/// `[chains, draws]`, at least 10 draws a chain: with fewer no autocorrelation is looked at. It takes about
/// (number of draws) · (lags until the correlation is gone) operations and no memory.
///
/// The samplers here give one independent draw a chain: the effective sample size is the number of chains then, and there
/// is nothing to estimate.
///
/// Source: Vehtari et al., arXiv:1903.08008, §3.2; Geyer, Statistical Science 7 (1992) 473.
///
/// # Errors
/// [`Error::Length`] unless `draws` is whole chains of at least 10 draws, [`Error::Parameter`] as [`split_rhat`].
pub fn ess(draws: &[f64], chains: usize) -> Result<f64, Error> {
    let halves = Halves::new(draws, chains, 10)?;
    let (within, between) = halves.variances()?;
    let n = halves.len as f64;
    let total = within * (n - 1.0) / n + between;
    let correlations = |lag| halves.covariances(lag).map(|covariance| 1.0 - (within - covariance) / total);
    let mut pair = [1.0, correlations(0)[1]];
    let (mut lag, mut time, mut smallest) = (2, -1.0, f64::INFINITY);
    while lag + 2 < halves.len && pair[0] + pair[1] > 0.0 {
        smallest = smallest.min(pair[0] + pair[1]);
        time += 2.0 * smallest;
        pair = correlations(lag);
        lag += 2;
    }
    time += pair[0].max(0.0);
    let count = 2.0 * chains as f64 * n;
    Ok(count / time.max(1.0 / log10(count)))
}

/// The halves of all chains, `len` draws each.
struct Halves<'a> {
    draws: &'a [f64],
    each: usize,
    len: usize,
}

impl<'a> Halves<'a> {
    fn new(draws: &'a [f64], chains: usize, least: usize) -> Result<Self, Error> {
        require(chains > 0, "chains", "at least 1", 0.0)?;
        let each = (draws.len() / chains).max(least);
        require_len("draws (whole chains)", chains.saturating_mul(each), draws.len())?;
        if let Some(found) = draws.iter().find(|v| !v.is_finite()) {
            return Err(Error::Parameter { name: "draws", expected: "finite everywhere", found: *found });
        }
        require(draws.iter().any(|v| *v != draws[0]), "draws", "not all the same", draws[0])?;
        Ok(Self { draws, each, len: each / 2 })
    }

    fn iter(&self) -> impl Iterator<Item = &'a [f64]> {
        let len = self.len;
        self.draws.chunks_exact(self.each).flat_map(move |chain| [&chain[..len], &chain[chain.len() - len..]])
    }

    /// The mean of the halves' variances, and the variance of their means.
    fn variances(&self) -> Result<(f64, f64), Error> {
        let (mut count, mut within, mut centre, mut squares) = (0.0, 0.0, 0.0, 0.0);
        for half in self.iter() {
            let mean = mean(half);
            count += 1.0;
            within += half.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (half.len() - 1) as f64;
            let difference = mean - centre;
            centre += difference / count;
            squares += difference * (mean - centre);
        }
        let (within, between) = (within / count, squares / (count - 1.0));
        let total = within + between;
        require(total > 0.0 && total.is_finite(), "the variance of the draws", "finite and above 0", total)?;
        Ok((within, between))
    }

    /// The mean autocovariance of the halves at `lag` and at the lag after it (the biased one: over n).
    fn covariances(&self, lag: usize) -> [f64; 2] {
        let mut sums = [0.0; 2];
        for half in self.iter() {
            let mean = mean(half);
            for (sum, lag) in sums.iter_mut().zip(lag..) {
                *sum += half.iter().zip(&half[lag..]).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
            }
        }
        sums.map(|sum| sum / (2 * (self.draws.len() / self.each) * self.len) as f64)
    }
}

/// The mean, exact for draws that are all the same.
fn mean(draws: &[f64]) -> f64 {
    draws[0] + draws.iter().map(|v| v - draws[0]).sum::<f64>() / draws.len() as f64
}
