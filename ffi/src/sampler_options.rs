//! Options of a sampler, and the levels that follow from them.

use crate::denoiser_info::rwt_denoiser_info;
use crate::noise_model::Noise;
use crate::operator::Measurement;
use crate::options::{self, SizedStruct};
use crate::status::{Failure, guard, rwt_status};
use rwt_core::{Chain, noise};

/// How a posterior is sampled.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum rwt_method {
    /** Guided look-ahead, 2 levels - 1 evaluations; nothing to tune (the default). */
    RWT_METHOD_GLA = 0,
    /** The preconditioned walk, one evaluation a level. */
    RWT_METHOD_PRECONDITIONED = 1,
    /** The explicit template of Park et al. 2025, one evaluation a level; wants hundreds of levels. */
    RWT_METHOD_TEMPLATE = 2,
}

/// Options of a sampler; fill with rwt_sampler_options_init first.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rwt_sampler_options {
    /** sizeof(rwt_sampler_options). */
    pub struct_size: usize,
    /** One of rwt_method. Without an operator the multistep recipe is used, whatever this says. */
    pub method: i32,
    /** Noise levels; 0: 50 for GLA and without an operator, 200 for the preconditioned walk, 750 for the template. */
    pub levels: u32,
    /** Samples to draw, one chain each; chain c has the noise stream c, so rwt_noise with a larger one is independent. */
    pub chains: u32,
    /** Threads; 0: one for each core. The samples do not depend on it. */
    pub threads: u32,
    /** Seed of all noise. The same seed and chain number are the same noise, in every process: samples of one posterior that
     * are drawn in several processes need chains of their own (first_chain) or a seed each, or they are the same samples; and a measurement that is simulated
     * with rwt_noise needs another seed, or a chain number that no run has, or the samples know its noise. */
    pub seed: u64,
    /** Standard deviation of the noise in y, in y's own units; must be set where there is an operator, and be 0 where the
     * operator has a likelihood of its own (rwt_operator_poisson and its like). */
    pub eta: f64,
    /** First noise level. 0: half as many of the data's standard deviations as the widest gap of the mask has pixels,
     * at least 4; without an operator 40; never beyond the denoiser's range. */
    pub sigma_max: f64,
    /** Last noise level; 0: a fifth of the standard deviation of y, divided by the operator's norm where that is above 1, within
     * the denoiser's range. Larger, it leaves the samples too wide: see rwt_progress.coarse. */
    pub sigma_min: f64,
    /** Step size over sigma^2 of the preconditioned walk and the template, in (0, 2); 0: 0.5 and 0.77683. */
    pub epsilon: f64,
    /** Temperature of the preconditioned walk, first temperature of the template (1: Langevin at a fixed level; 1/2:
     * one reverse-SDE step); below 0: the one that keeps the marginals, and 0. */
    pub temperature: f64,
    /** The most bytes that a run may take, beside the denoiser's weights and what a callback takes: samples, mean and
     * standard deviation, walks and evaluations. Fewer chains are walked side by side and by fewer threads where that is
     * needed, with the same samples; if one chain alone does not fit, rwt_sampler_create fails with RWT_ERR_MEMORY,
     * and with RWT_ERR_UNSUPPORTED if the denoiser was opened without a limit of its own. 0: no limit. */
    pub memory: u64,
    /** Number of the run's first chain: 4 chains from 4 on are the chains 4 to 7 of a run of 8, to the bit, so that a run
     * can be cut over machines. rwt_sampler_sample counts from 0 all the same. */
    pub first_chain: u64,
    /** Which samples stay in memory for rwt_sampler_sample: 1: all (the default); k: every k-th, from chain 0 on; 0: none. Mean,
     * standard deviation and quantiles are over all, whatever this says. */
    pub keep: u32,
    /** Bins of the histogram of every element that rwt_sampler_quantile reads, 2 bytes each; 0: none (the default). It holds at
     * most 65535 chains. */
    pub bins: u32,
    /** Lower end of the histogram; where it equals the upper end, as in the default, the denoiser's range and a quarter of
     * its width on both sides. */
    pub bins_low: f64,
    /** Upper end of the histogram. */
    pub bins_high: f64,
    /** How often rwt_sampler_run_in writes where the walks stand, at most. */
    pub checkpoint_seconds: u32,
    /** Not 0: chains 2k and 2k + 1 are a pair with the noise of chain k of a run without, the second with the opposite sign. Each
     * sample alone follows the same law, and the mean of all is nearer to the posterior's, as if there were more chains; but
     * samples are not independent (an even number is best), and their standard deviation comes out up to 1/(2 chains) too
     * wide. 0: all chains are independent (the default). */
    pub antithetic: u32,
}

// SAFETY: repr(C), numbers only, 8 + 4·4 + 8·8 + 2·4 + 2·8 + 2·4 bytes without padding.
unsafe impl SizedStruct for rwt_sampler_options {
    fn defaults() -> Self {
        Self {
            struct_size: size_of::<Self>(),
            method: rwt_method::RWT_METHOD_GLA as i32,
            levels: 0,
            chains: 8,
            threads: 0,
            seed: 1,
            eta: 0.0,
            sigma_max: 0.0,
            sigma_min: 0.0,
            epsilon: 0.0,
            temperature: -1.0,
            memory: 0,
            first_chain: 0,
            keep: 1,
            bins: 0,
            bins_low: 0.0,
            bins_high: 0.0,
            checkpoint_seconds: 60,
            antithetic: 0,
        }
    }
}

/// Write the defaults into *options; size is sizeof *options.
///
/// # Safety
/// `options` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_sampler_options_init(options: *mut rwt_sampler_options, size: usize) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    guard(|| unsafe { options::write(options, size, rwt_sampler_options::defaults()) })
}

/// More levels than anyone needs; a larger number is a mistake.
const MAX_LEVELS: u32 = 1_000_000;

impl rwt_sampler_options {
    /// Defaults that depend on the method filled in, everything checked. `gap` is the width of the widest region
    /// that was not measured, in pixels; none without a measurement.
    pub(crate) fn resolve(mut self, info: &rwt_denoiser_info, operator: Option<&Measurement>) -> Result<Self, Failure> {
        let gap = operator.map(|operator| operator.gap);
        let (levels, epsilon) = match self.method {
            0 => (50, 1.0),
            1 => (200, 0.5),
            2 => (750, 0.77683),
            other => return Err(Failure::argument(format!("method must be one of rwt_method, found {other}"))),
        };
        let levels = if gap.is_some() { levels } else { 50 };
        self.levels = if self.levels == 0 { levels } else { self.levels };
        self.epsilon = if self.epsilon == 0.0 { epsilon } else { self.epsilon };
        let (eta, epsilon, temperature) = (self.eta, self.epsilon, self.temperature);
        check(epsilon > 0.0 && epsilon < 2.0, || format!("epsilon must be in (0, 2), found {epsilon}"))?;
        check(temperature <= 1.0 && temperature.is_finite(), || {
            format!("temperature must be at most 1, or negative for the default, found {temperature}")
        })?;
        check(self.chains > 0, || "chains must be at least 1, found 0".to_owned())?;
        let (first, chains) = (self.first_chain, self.chains);
        check(first.checked_add(u64::from(chains)).is_some_and(|end| end <= noise::ANTITHETIC), || {
            format!("first_chain plus chains must be at most 2^63, found {first} and {chains}")
        })?;
        check((2..=MAX_LEVELS).contains(&self.levels), || {
            format!("levels must be 2 to {MAX_LEVELS}, found {}", self.levels)
        })?;
        match operator.map(|operator| &operator.noise) {
            Some(Noise::Gaussian) => check(eta > 0.0 && eta.is_finite(), || {
                format!("eta must be above 0, found {eta}: set it to the standard deviation of the noise in y")
            })?,
            Some(_) => {
                check(eta == 0.0, || format!("eta must be 0, found {eta}: the operator has a likelihood of its own"))?
            }
            None => {}
        }
        self.resolve_bins(info)?;
        self.resolve_range(info, gap)?;
        Ok(self)
    }

    fn resolve_range(&mut self, info: &rwt_denoiser_info, gap: Option<usize>) -> Result<(), Failure> {
        // The look-ahead evaluates at up to √2 times a level.
        let highest = info.sigma_max / if gap.is_some() && self.method == 0 { 1.5 } else { 1.0 };
        if self.sigma_max == 0.0 {
            // The mean of a region w pixels wide is known to sigma/w: the first level hides what was not measured.
            let deviations = gap.map_or(40.0, |w| (w as f64 / 2.0).max(4.0));
            self.sigma_max = highest.min(deviations * info.variance.sqrt());
        }
        let (low, first) = (info.sigma_min, self.sigma_max);
        check(first > low && first <= highest, || {
            format!("sigma_max must be above {low} and at most {highest}, found {first}")
        })?;
        if self.sigma_min == 0.0 && gap.is_none() {
            self.sigma_min = low;
        }
        // 0 with an operator: the measurement will say
        let last = self.sigma_min;
        check((last >= low || last == 0.0) && last < first, || {
            format!("sigma_min must be at least {low} and below sigma_max ({first}), found {last}")
        })
    }

    fn resolve_bins(&mut self, info: &rwt_denoiser_info) -> Result<(), Failure> {
        if self.bins_low == self.bins_high {
            let more = (info.range_high - info.range_low) / 4.0;
            (self.bins_low, self.bins_high) = (info.range_low - more, info.range_high + more);
        }
        let (low, high, chains) = (self.bins_low, self.bins_high, self.chains);
        check(self.bins == 0 || chains <= u32::from(u16::MAX), || {
            format!("with bins there can be at most 65535 chains, found {chains}")
        })?;
        check(low < high && (high - low).is_finite(), || {
            format!("bins_low must be below bins_high, both finite, found {low} and {high}")
        })
    }

    /// The last level where none was given: `own` leaves the likelihood as it is, `low` is the smallest that the denoiser knows.
    pub(crate) fn last_level(&self, own: f64, low: f64) -> f64 {
        let target = if self.eta > 0.0 { own.min(self.eta / 5.0) } else { own };
        target.min(self.sigma_max / 2.0).max(low)
    }

    /// The noise of the chain at this place in the run.
    pub(crate) fn chain(&self, place: usize) -> Chain {
        let origin = if self.antithetic == 0 { 0 } else { noise::ANTITHETIC };
        Chain { seed: self.seed, chain: origin + self.first_chain + place as u64 }
    }

    /// Evaluations of one chain up to a level.
    pub(crate) fn evaluations_to(&self, level: usize) -> u64 {
        let level = level as u64;
        if self.method == rwt_method::RWT_METHOD_GLA as i32 { 2 * level } else { level }
    }

    /// Evaluations of one chain.
    pub(crate) fn evaluations(&self, conditional: bool) -> u64 {
        let levels = u64::from(self.levels);
        if conditional && self.method == rwt_method::RWT_METHOD_GLA as i32 { 2 * levels - 1 } else { levels }
    }
}

fn check(ok: bool, text: impl FnOnce() -> String) -> Result<(), Failure> {
    if ok { Ok(()) } else { Err(Failure::argument(text())) }
}
