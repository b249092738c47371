//! The methods of rwt-core on an instance.

use super::{Instance, Posterior, max_sliced_wasserstein};
use rwt_core::{Chain, Dense, Mixture, Problem, Progress, Schedule, WalkError, gla, preconditioned};
use std::ops::ControlFlow;

/// Samples that are judged, against ten times as many exact ones.
pub const SAMPLES: usize = 1000;
const DIRECTIONS: u64 = 100;
const SIGMA_MAX: f64 = 60.0;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Independent samples of the posterior itself: the distance that is left to finite numbers.
    Exact,
    /// Guided look-ahead.
    Gla,
    /// The preconditioned walk.
    Preconditioned,
}

impl Method {
    /// [`SAMPLES`] samples, one after another, of about as many evaluations each.
    ///
    /// # Errors
    /// Those of the method.
    pub fn sample(self, instance: &Instance, evaluations: usize, seed: u64) -> Result<Vec<f32>, WalkError> {
        let n = instance.dimension();
        let operator = Dense::new(&instance.matrix, instance.y.len(), n)?;
        let (mean, variance) = instance.moments();
        let problem = Problem::gaussian(&operator, &instance.y, instance.eta, mean, variance);
        let logarithms: Vec<f64> = instance.weights.iter().map(|w| w.ln()).collect();
        let mut prior = Mixture::new(&logarithms, &instance.means, 1.0)?;
        let geometric = Schedule::Geometric { sigma_max: SIGMA_MAX, sigma_min: instance.eta / 5.0 };
        let levels = |count: usize| {
            let mut levels = vec![0.0; count];
            geometric.levels(&mut levels).map(|()| levels)
        };
        let mut x = vec![0f32; SAMPLES * n];
        let workspace = &mut vec![0f32; problem.workspace_len(SAMPLES)][..];
        let (chain, go) = (Chain { seed, chain: 0 }, |_: Progress<'_>| ControlFlow::Continue(()));
        match self {
            Self::Exact => x = Posterior::new(instance).draw(seed, SAMPLES),
            Self::Gla => gla(&problem, &levels(evaluations / 2)?, chain, &mut prior, &mut x, workspace, go)?,
            Self::Preconditioned => {
                preconditioned(&problem, &levels(evaluations)?, 0.5, None, chain, &mut prior, &mut x, workspace, go)?;
            }
        }
        Ok(x)
    }
}

/// The distance of a method's samples from the exact posterior: the mean of several runs, each with noise, exact samples
/// and directions of its own, and on a thread of its own.
///
/// # Errors
/// The first of a run's.
pub fn distance(instance: &Instance, method: Method, evaluations: usize, runs: u64) -> Result<f64, WalkError> {
    let sum: Result<f64, WalkError> = std::thread::scope(|scope| {
        let start = |seed| scope.spawn(move || run(instance, method, evaluations, seed));
        let threads: Vec<_> = (0..runs).map(start).collect();
        threads.into_iter().map(|thread| thread.join().expect("a run never panics")).sum()
    });
    Ok(sum? / runs as f64)
}

fn run(instance: &Instance, method: Method, evaluations: usize, seed: u64) -> Result<f64, WalkError> {
    let samples = method.sample(instance, evaluations, seed)?;
    let exact = Posterior::new(instance).draw(seed | 1 << 32, 10 * SAMPLES);
    Ok(max_sliced_wasserstein(&samples, &exact, instance.dimension(), DIRECTIONS, seed | 2 << 32))
}
