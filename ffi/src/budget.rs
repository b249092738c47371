//! What a run takes of memory, counted before it is taken.

use crate::evaluator::Evaluator;
use crate::operator::Measurement;
use crate::sampler_options::rwt_sampler_options;
use crate::status::{Failure, rwt_status_code::RWT_ERR_MEMORY};
use rwt_core::{Problem, Step};

/// How the chains of a run are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spread {
    /// At most.
    pub threads: usize,
    /// Chains that are walked together.
    pub side_by_side: usize,
    /// Pictures that the engine evaluates at a time.
    pub pictures: usize,
}

/// What is to be spread.
pub(crate) struct Demand<'a> {
    pub options: &'a rwt_sampler_options,
    pub operator: Option<&'a Measurement>,
    pub evaluator: &'a Evaluator<'a>,
    /// Elements of an image.
    pub length: usize,
    /// Several threads may evaluate at a time.
    pub is_concurrent: bool,
}

const F32: u64 = size_of::<f32>() as u64;

/// f32 elements that a walk of chains side by side needs beside x.
pub(crate) fn workspace_len(operator: Option<&Measurement>, length: usize, chains: usize) -> usize {
    operator.map_or(2 * chains * length, |operator| {
        let likelihood = operator.noise.likelihood(1.0);
        Problem { operator, y: &[], likelihood, mean: 0.0, variance: 1.0 }.workspace_len(chains)
    })
}

impl Demand<'_> {
    /// As wide as the engine likes and the budget allows: fewer chains side by side first, then fewer threads.
    pub fn spread(&self) -> Result<Spread, Failure> {
        let (batch, slices, limit) = (self.evaluator.batch(), self.evaluator.slices(), self.options.memory);
        let mut spread = self.of((batch / slices).max(1), batch);
        if limit == 0 {
            return Ok(spread);
        }
        let shared = self.shared();
        let room = limit.saturating_sub(shared);
        loop {
            let each = self.thread(&spread)?;
            let Spread { threads, side_by_side, pictures } = spread;
            if shared <= limit && each.saturating_mul(threads as u64) <= room {
                return Ok(spread);
            }
            // an eighth less at a time: one less of a few, and few trials with many
            let less = |n: usize| n - n.div_ceil(8);
            spread = if side_by_side > 1 {
                self.of(less(side_by_side), batch)
            } else if pictures > 1 {
                Spread { pictures: less(pictures), ..spread }
            } else if shared > limit || each > room {
                return Err(refusal(limit, shared, each));
            } else {
                return Ok(Spread { threads: (room / each.max(1)).min(threads as u64) as usize, ..spread });
            };
        }
    }

    /// With at most so many chains side by side, in groups of about the same size, and pictures at a time.
    fn of(&self, most: usize, pictures: usize) -> Spread {
        let chains = self.options.chains as usize;
        let side_by_side = chains.div_ceil(chains.div_ceil(most)).max(1);
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let wanted = if self.options.threads == 0 { cores() } else { self.options.threads as usize };
        let threads = if self.is_concurrent { wanted.min(chains.div_ceil(side_by_side)) } else { 1 };
        let shown = side_by_side.saturating_mul(self.evaluator.slices());
        Spread { threads, side_by_side, pictures: pictures.min(shown) }
    }

    /// Bytes that a run takes once: the samples that are kept, their mean, squares and histogram, the measurement and the plan.
    fn shared(&self) -> u64 {
        let (chains, length, levels) =
            (u64::from(self.options.chains), self.length as u64, u64::from(self.options.levels));
        let kept = if self.options.keep == 0 { 0 } else { chains.div_ceil(u64::from(self.options.keep)) };
        let (slot, sample) = ((size_of::<Option<Vec<f32>>>() + size_of::<usize>()) as u64, F32 * length);
        let (measurement, plan) = match self.operator {
            Some(operator) => (F32 * rwt_core::Operator::measurement_len(operator) as u64, 0),
            None => (0, size_of::<Step>() as u64 * (levels + 1)),
        };
        let bins = if self.options.bins == 0 { 0 } else { u64::from(self.options.bins) + 2 };
        let moments = (2 * size_of::<f64>() as u64 * length).saturating_add(bins.saturating_mul(2 * length));
        let once = moments.saturating_add(measurement + plan + size_of::<f64>() as u64 * levels);
        kept.saturating_mul(sample).saturating_add(chains.saturating_mul(slot)).saturating_add(once)
    }

    /// Bytes that each thread takes: the walk, an evaluation, and what is kept when it is cancelled or waits for another
    /// thread's chains.
    fn thread(&self, spread: &Spread) -> Result<u64, Failure> {
        let chains = spread.side_by_side;
        let images = (chains as u64).saturating_mul(self.length as u64);
        if images > isize::MAX as u64 / 64 {
            return Ok(u64::MAX);
        }
        let walk = workspace_len(self.operator, self.length, chains) as u64 + 3 * images;
        Ok(self.evaluator.memory(chains, spread.pictures)?.saturating_add(F32 * walk))
    }
}

fn refusal(limit: u64, shared: u64, each: u64) -> Failure {
    let needed = shared.saturating_add(each);
    Failure::new(
        RWT_ERR_MEMORY,
        format!(
            "a run needs {needed} bytes: {shared} for the samples of all chains, their mean and the measurement, {each} to \
             walk one; memory allows {limit}. Take fewer chains, or smaller parts of the image (rwt_denoiser_tiled)"
        ),
    )
}
