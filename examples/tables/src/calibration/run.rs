//! One case at one noise: truths, measurements, samples.

use super::{Case, Ranks};
use crate::mixtures::{Instance, Posterior};
use rwt_core::{Chain, Error, Mixture, Problem, Progress, Schedule, WalkError, gla, noise};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering};

/// Samples of each posterior.
pub const CHAINS: u64 = 19;
const LEVELS: usize = 50;
/// The chain whose noise makes truths and measurements: no walk has it.
const FAR: u64 = 1 << 40;

/// What the sampler is told, to plant a mistake.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Told {
    /// The truth.
    Right,
    /// A multiple of η.
    Eta(f64),
    /// Two machines drew chains of the same numbers.
    SameChains,
}

/// What was found over the repetitions.
#[derive(Clone, Debug)]
pub struct Calibration {
    /// Ranks of all elements.
    pub ranks: Ranks,
    /// Ranks of one element of each repetition, which are independent of one another.
    pub single: Ranks,
    /// Share of the elements whose truth lies in the 90 % interval, and its standard error over repetitions.
    pub coverage: (f64, f64),
    /// Root mean square distance of the samples' expected mean from the posterior's, in posterior standard deviations: what the
    /// finite number of samples makes is taken away.
    pub bias: f64,
    /// Root mean square ratio of the samples' standard deviation to the posterior's.
    pub spread: f64,
}

/// What one repetition gives.
struct One {
    ranks: Vec<u8>,
    squared_bias: f64,
    squared_spread: f64,
}

/// Repeat: draw a truth, measure it with noise of standard deviation `eta`, sample [`CHAINS`] times by guided look-ahead.
/// `done` is called after each repetition, by any thread. The result does not depend on the number of threads.
///
/// # Errors
/// Those of the walk; [`Error::Parameter`] for fewer than 2 repetitions.
pub fn calibrate(
    case: &Case,
    eta: f64,
    told: Told,
    repetitions: u32,
    seed: u64,
    done: impl Fn() + Sync,
) -> Result<Calibration, WalkError> {
    if repetitions < 2 {
        let found = f64::from(repetitions);
        return Err(Error::Parameter { name: "repetitions", expected: "at least 2", found }.into());
    }
    let next = AtomicU32::new(0);
    let work = || {
        let mut own = Vec::new();
        loop {
            let repetition = next.fetch_add(1, Ordering::Relaxed);
            if repetition >= repetitions {
                return Ok(own);
            }
            own.push((repetition, one(case, eta, told, repetition, seed)?));
            done();
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let found: Result<Vec<_>, WalkError> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        handles.into_iter().map(|handle| handle.join().expect("a repetition never panics")).collect()
    });
    let mut all: Vec<_> = found?.into_iter().flatten().collect();
    all.sort_by_key(|(repetition, _)| *repetition);
    Ok(summary(&all))
}

fn summary(all: &[(u32, One)]) -> Calibration {
    let (mut ranks, mut single) = (Ranks::default(), Ranks::default());
    let (mut covered, mut squares, mut bias, mut spread) = (0.0, 0.0, 0.0, 0.0);
    for (repetition, one) in all {
        let mut own = Ranks::default();
        one.ranks.iter().for_each(|rank| own.add(*rank));
        ranks.0.iter_mut().zip(own.0).for_each(|(sum, count)| *sum += count);
        single.add(one.ranks[*repetition as usize % one.ranks.len()]);
        covered += own.coverage();
        squares += own.coverage() * own.coverage();
        bias += one.squared_bias;
        spread += one.squared_spread;
    }
    let count = all.len() as f64;
    let coverage = covered / count;
    let error = ((squares / count - coverage * coverage).max(0.0) / (count - 1.0)).sqrt();
    let (bias, spread) = ((bias / count).max(0.0).sqrt(), (spread / count).sqrt());
    Calibration { ranks, single, coverage: (coverage, error), bias, spread }
}

fn one(case: &Case, eta: f64, told: Told, repetition: u32, seed: u64) -> Result<One, WalkError> {
    let n = case.instance.dimension();
    let seed = seed ^ u64::from(repetition) << 32;
    let truth = case.instance.truth(seed, FAR);
    let instance = measure(case, &truth, eta, seed);
    let mut samples = vec![0f32; CHAINS as usize * n];
    let assumed = if let Told::Eta(factor) = told { factor * eta } else { eta };
    let machines = if told == Told::SameChains { 2 } else { 1 };
    for x in samples.chunks_mut(CHAINS.div_ceil(machines) as usize * n) {
        sample(case, &instance, assumed, seed, x)?;
    }
    let (mean, std) = Posterior::new(&instance).moments();
    let mut found = One { ranks: Vec::with_capacity(n), squared_bias: 0.0, squared_spread: 0.0 };
    for i in 0..n {
        let values = || samples.iter().skip(i).step_by(n).map(|x| f64::from(*x));
        let average = values().sum::<f64>() / CHAINS as f64;
        let variance = values().map(|x| (x - average).powi(2)).sum::<f64>() / (CHAINS - 1) as f64;
        found.ranks.push(values().filter(|x| *x < f64::from(truth[i])).count() as u8);
        let square = (average - mean[i]).powi(2) - variance / CHAINS as f64;
        found.squared_bias += square / (std[i] * std[i] * n as f64);
        found.squared_spread += variance / (std[i] * std[i] * n as f64);
    }
    Ok(found)
}

/// y = A truth + η e.
fn measure(case: &Case, truth: &[f32], eta: f64, seed: u64) -> Instance {
    let m = case.operator.measurement_len();
    let (mut y, mut e) = (vec![0f32; m], vec![0f32; m]);
    case.operator.apply(truth, &mut y, &mut vec![0f32; case.operator.scratch_len()]);
    noise::fill(seed, FAR, 2, 0, &mut e);
    y.iter_mut().zip(&e).for_each(|(y, e)| *y += (eta * f64::from(*e)) as f32);
    Instance { y, eta, ..case.instance.clone() }
}

/// As many samples as x has room for.
fn sample(case: &Case, instance: &Instance, eta: f64, seed: u64, x: &mut [f32]) -> Result<(), WalkError> {
    let operator = &*case.operator;
    let (mean, variance) = instance.moments();
    let problem = Problem::gaussian(&operator, &instance.y, eta, mean, variance);
    let logarithms: Vec<f64> = instance.weights.iter().map(|w| w.ln()).collect();
    let mut prior = Mixture::new(&logarithms, &instance.means, 1.0)?;
    let mut levels = [0.0; LEVELS];
    Schedule::Geometric { sigma_max: case.sigma_max, sigma_min: eta / 5.0 }.levels(&mut levels)?;
    let mut workspace = vec![0f32; problem.workspace_len(x.len() / instance.dimension())];
    let go = |_: Progress<'_>| ControlFlow::Continue(());
    gla(&problem, &levels, Chain { seed, chain: 0 }, &mut prior, x, &mut workspace, go)
}
