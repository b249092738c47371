//! One run: chains over threads, progress, cancelling.

use crate::sampler::{Results, rwt_sampler};
use crate::status::{Failure, panic_text, rwt_status_code::*, zeros};
use rwt_core::{Schedule, Step, recipes};
use std::ffi::c_void;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

/// How far a run is.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rwt_progress {
    /** sizeof(rwt_progress) in the library; read no further. */
    pub struct_size: usize,
    /** Evaluations of the denoiser done, over all chains. */
    pub evaluations: u64,
    /** Evaluations of the whole run. */
    pub total: u64,
    /** Chains that are finished. */
    pub chains_done: u32,
    /** Chains of the run. */
    pub chains: u32,
    /** Noise level of this evaluation. */
    pub sigma: f64,
    /** What the newest solve with the operator left of its equation, relatively: 0 where it has a closed form, about 1 where
     * conjugate gradients got nowhere. */
    pub solver: f64,
}

/// Called after every evaluation; non-zero cancels the run. It must not unwind or longjmp.
pub type rwt_progress_fn = Option<unsafe extern "C" fn(user: *mut c_void, progress: *const rwt_progress) -> i32>;

/// What the threads of a run share.
pub(crate) struct Work<'a> {
    pub(crate) sampler: &'a rwt_sampler,
    pub(crate) y: Vec<f32>,
    pub(crate) levels: Vec<f64>,
    pub(crate) rows: Vec<Step>,
    /// Chains that are walked side by side.
    pub(crate) side_by_side: usize,
    pub(crate) groups: Mutex<std::iter::Enumerate<std::slice::ChunksMut<'a, Option<Vec<f32>>>>>,
    report: Mutex<Report>,
    failure: Mutex<Option<Failure>>,
    finished: Mutex<Vec<usize>>,
}

/// The caller's callback and what it is told.
struct Report {
    callback: rwt_progress_fn,
    user: *mut c_void,
    progress: rwt_progress,
}

// SAFETY: the caller promises that user may be used from any one thread at a time; the mutex around it keeps that.
unsafe impl Send for Report {}

pub(crate) fn run(
    sampler: &rwt_sampler,
    y: &[f32],
    callback: rwt_progress_fn,
    user: *mut c_void,
    results: &mut Results,
) -> Result<(), Failure> {
    let y = measurement(sampler, y)?;
    let options = &sampler.options;
    let (levels, rows) = plan(sampler)?;
    *results = Results { samples: zeros(options.chains as usize)?, ..Results::default() };
    let progress = rwt_progress {
        struct_size: size_of::<rwt_progress>(),
        evaluations: 0,
        total: options.evaluations(sampler.operator.is_some()) * u64::from(options.chains),
        chains_done: 0,
        chains: options.chains,
        sigma: 0.0,
        solver: 0.0,
    };
    let side_by_side = sampler.spread.side_by_side;
    let work = Work {
        sampler,
        y,
        levels,
        rows,
        side_by_side,
        groups: Mutex::new(results.samples.chunks_mut(side_by_side).enumerate()),
        report: Mutex::new(Report { callback, user, progress }),
        failure: Mutex::new(None),
        finished: Mutex::default(),
    };
    work.spread();
    let failure = work.failure.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut finished = work.finished.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    finished.sort_unstable();
    results.y = work.y;
    if let Err(failure) = moments(sampler.len(), &finished, results) {
        *results = Results::default(); // samples without their mean would read as zeros
        return Err(failure);
    }
    failure.map_or(Ok(()), Err)
}

/// The measurement, or nothing without an operator.
fn measurement(sampler: &rwt_sampler, y: &[f32]) -> Result<Vec<f32>, Failure> {
    match &sampler.operator {
        Some(operator) => operator.measured(y),
        None if y.is_empty() => Ok(Vec::new()),
        None => Err(Failure::argument(format!("y must have 0 elements, found {}: there is no operator", y.len()))),
    }
}

/// The levels, and without an operator the rows of the walk.
fn plan(sampler: &rwt_sampler) -> Result<(Vec<f64>, Vec<Step>), Failure> {
    let options = &sampler.options;
    let mut levels = zeros(options.levels as usize)?;
    let (sigma_max, sigma_min) = (options.sigma_max, options.sigma_min);
    Schedule::Geometric { sigma_max, sigma_min }.levels(&mut levels)?;
    let mut rows = Vec::new();
    if sampler.operator.is_none() {
        rows = zeros(levels.len() + 1)?;
        recipes::multistep(&levels, 0.25, &mut rows)?;
    }
    Ok((levels, rows))
}

/// Mean and squares over the finished chains, or over those that began if there are none, in the order of their numbers.
fn moments(n: usize, done: &[usize], results: &mut Results) -> Result<(), Failure> {
    let Results { samples, finished, averaged, mean, squares, .. } = results;
    *mean = zeros(n)?;
    *squares = zeros(n)?;
    let mut moments = rwt_core::Moments::new(mean, squares)?;
    for (chain, sample) in samples.iter().enumerate() {
        if let Some(sample) = sample.as_ref().filter(|_| done.is_empty() || done.binary_search(&chain).is_ok()) {
            moments.add(sample)?;
        }
    }
    *finished = done.len() as u32;
    *averaged = moments.count() as u32;
    Ok(())
}

impl Work<'_> {
    /// Run the chains on as many threads as the options and the denoiser allow.
    fn spread(&self) {
        std::thread::scope(|scope| {
            let start = |_| std::thread::Builder::new().spawn_scoped(scope, || self.thread());
            // where the system has no more threads, those that there are do the work
            let handles: Vec<_> = (0..self.sampler.spread.threads).map_while(|k| start(k).ok()).collect();
            if handles.is_empty() {
                self.thread();
            }
            for handle in handles {
                if let Err(panic) = handle.join() {
                    self.fail(Failure::new(RWT_ERR_INTERNAL, format!("internal fault: {}", panic_text(&*panic))));
                }
            }
        });
    }

    fn thread(&self) {
        if let Err(failure) = self.draw() {
            self.fail(failure);
        }
    }

    /// Tell the caller of an evaluation; on cancelling, keep the newest denoised images.
    pub(crate) fn observe(
        &self,
        (sigma, solver): (f64, f64),
        denoised: &[f32],
        estimate: &mut Option<Vec<f32>>,
    ) -> ControlFlow<()> {
        if let Ok(mut report) = self.report.lock() {
            report.progress.evaluations += (denoised.len() / self.sampler.len()) as u64;
            report.progress.sigma = sigma;
            report.progress.solver = solver;
            // SAFETY: the caller's function with the caller's pointer, under the lock.
            let answer = report.callback.map_or(0, |call| unsafe { call(report.user, &raw const report.progress) });
            if answer != 0 {
                self.sampler.cancel.store(true, Ordering::Relaxed);
            }
        }
        if self.sampler.cancel.load(Ordering::Relaxed) {
            *estimate = zeros(denoised.len()).ok();
            if let Some(estimate) = estimate {
                estimate.copy_from_slice(denoised);
            }
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    pub(crate) fn chain_done(&self, chain: usize) {
        if let Ok(mut finished) = self.finished.lock() {
            finished.push(chain);
        }
        if let Ok(mut report) = self.report.lock() {
            report.progress.chains_done += 1;
        }
    }

    /// Keep the first failure and stop the other threads.
    pub(crate) fn fail(&self, failure: Failure) {
        self.sampler.cancel.store(true, Ordering::Relaxed);
        if let Ok(mut first) = self.failure.lock() {
            let serious =
                first.as_ref().is_none_or(|f| f.code == RWT_ERR_CANCELLED && failure.code != RWT_ERR_CANCELLED);
            if serious {
                *first = Some(failure);
            }
        }
    }
}
