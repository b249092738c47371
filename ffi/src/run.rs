//! One run: chains over threads, progress, cancelling.

use crate::collector::{Collector, Results};
use crate::folder::{Folder, digest};
use crate::operator::Measurement;
use crate::progress::{Report, rwt_progress, rwt_progress_fn};
use crate::queue::{Group, Queue};
use crate::sampler::rwt_sampler;
use crate::status::{Failure, panic_text, rwt_status_code::*, zeros};
use rwt_core::{Operator, Problem, Schedule, Step, noise, recipes};
use std::collections::VecDeque;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

/// What the threads of a run share.
pub(crate) struct Work<'a> {
    pub(crate) sampler: &'a rwt_sampler,
    pub(crate) y: &'a [f32],
    pub(crate) levels: Vec<f64>,
    pub(crate) rows: Vec<Step>,
    pub(crate) folder: Option<&'a Folder>,
    pub(crate) queue: Queue,
    pub(crate) collector: Mutex<Collector<'a>>,
    pub(crate) report: Mutex<Report>,
    failure: Mutex<Option<Failure>>,
    largest_rest: Mutex<f64>,
}

pub(crate) fn run(
    sampler: &rwt_sampler,
    y: &[f32],
    path: Option<&Path>,
    (callback, user): (rwt_progress_fn, *mut c_void),
    results: &mut Results,
) -> Result<(), Failure> {
    let y = measurement(sampler, y)?;
    let (levels, rows) = plan(sampler, &y)?;
    let folder = match path {
        Some(path) => {
            let run = describe(sampler, &y, &levels)?;
            Some(Folder::open(path, &run, sampler.shape, sampler.options.first_chain)?)
        }
        None => None,
    };
    *results = Results::new(&sampler.options, sampler.len())?;
    let coarse = coarseness(sampler, &y, &levels);
    let outcome = spread(sampler, &y, levels, rows, folder.as_ref(), (callback, user, coarse), results);
    (results.y, results.coarse) = (y, coarse);
    match outcome {
        Ok(cancelled) => cancelled.map_or(Ok(()), Err),
        Err(failure) => {
            *results = Results::default(); // samples without their mean would read as zeros
            Err(failure)
        }
    }
}

/// Draw what is to be drawn, and take it in; the failure that stopped the walks, if one did.
fn spread(
    sampler: &rwt_sampler,
    y: &[f32],
    levels: Vec<f64>,
    rows: Vec<Step>,
    folder: Option<&Folder>,
    (callback, user, coarse): (rwt_progress_fn, *mut c_void, f64),
    results: &mut Results,
) -> Result<Option<Failure>, Failure> {
    let mut collector = Collector::new(&sampler.options, results, folder)?;
    let (groups, done) = groups(sampler, folder, &mut collector)?;
    let progress = rwt_progress {
        struct_size: size_of::<rwt_progress>(),
        evaluations: done.evaluations,
        total: sampler.options.evaluations(sampler.operator.is_some()) * u64::from(sampler.options.chains),
        chains_done: done.chains,
        chains: sampler.options.chains,
        sigma: 0.0,
        solver: 0.0,
        coarse,
    };
    let work = Work {
        sampler,
        y,
        levels,
        rows,
        folder,
        queue: Queue::new(groups, ahead(sampler, folder)),
        collector: Mutex::new(collector),
        report: Mutex::new(Report { callback, user, progress }),
        failure: Mutex::new(None),
        largest_rest: Mutex::new(0.0),
    };
    work.run();
    let failure = work.failure.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    let solver = work.largest_rest.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    let collector = work.collector.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    let (started, finished, averaged) = collector.end()?;
    (results.started, results.finished, results.averaged, results.solver) = (started, finished, averaged, solver);
    Ok(failure)
}

/// How many samples may be there that were not taken in. Each thread counts two of each chain that it walks; and what is
/// kept is counted anyway.
fn ahead(sampler: &rwt_sampler, folder: Option<&Folder>) -> usize {
    let is_bounded = sampler.options.memory != 0 && sampler.options.keep != 1 && folder.is_none();
    if is_bounded { 2 * sampler.spread.threads * sampler.spread.side_by_side } else { usize::MAX }
}

/// What a folder has of a run.
#[derive(Default)]
struct Done {
    chains: u32,
    evaluations: u64,
}

/// The chains that are to be walked, those side by side that stand at the same level.
fn groups(
    sampler: &rwt_sampler,
    folder: Option<&Folder>,
    collector: &mut Collector<'_>,
) -> Result<(VecDeque<Group>, Done), Failure> {
    let chains = sampler.options.chains as usize;
    let conditional = sampler.operator.is_some();
    let levels = folder
        .filter(|_| conditional)
        .map(|folder| folder.levels(chains, sampler.options.levels as usize))
        .transpose()?;
    let (mut groups, mut done) = (VecDeque::<Group>::new(), Done::default());
    for chain in 0..chains {
        if folder.is_some_and(|folder| folder.is_finished(chain)) {
            collector.finished(chain, None)?;
            done.chains += 1;
            done.evaluations += sampler.options.evaluations(conditional);
            continue;
        }
        let level = levels.as_ref().map_or(0, |levels| levels[chain]);
        done.evaluations += sampler.options.evaluations_to(level);
        match groups.back_mut() {
            Some(group)
                if group.first + group.count == chain
                    && group.level == level
                    && group.count < sampler.spread.side_by_side =>
            {
                group.count += 1;
            }
            _ => {
                let text = || format!("no memory for the groups of {chains} chains");
                groups.try_reserve(1).map_err(|_| Failure::new(RWT_ERR_MEMORY, text()))?;
                groups.push_back(Group { first: chain, count: 1, level });
            }
        }
    }
    Ok((groups, done))
}

/// The measurement, or nothing without an operator.
fn measurement(sampler: &rwt_sampler, y: &[f32]) -> Result<Vec<f32>, Failure> {
    match &sampler.operator {
        Some(operator) => operator.measured(y),
        None if y.is_empty() => Ok(Vec::new()),
        None => Err(Failure::argument(format!("y must have 0 elements, found {}: there is no operator", y.len()))),
    }
}

impl rwt_sampler {
    /// What is sampled.
    pub(crate) fn problem<'a>(&self, operator: &'a Measurement, y: &'a [f32]) -> Problem<'a, Measurement> {
        let info = &self.denoiser.info;
        let likelihood = operator.noise.likelihood(self.options.eta);
        Problem { operator, y, likelihood, mean: info.mean, variance: info.variance }
    }
}

/// The levels, and without an operator the rows of the walk.
fn plan(sampler: &rwt_sampler, y: &[f32]) -> Result<(Vec<f64>, Vec<Step>), Failure> {
    let options = &sampler.options;
    let mut levels = zeros(options.levels as usize)?;
    let (sigma_max, mut sigma_min) = (options.sigma_max, options.sigma_min);
    if let Some(operator) = &sampler.operator {
        let problem = sampler.problem(operator, y);
        problem.likelihood.check(y)?;
        if sigma_min == 0.0 {
            sigma_min = options.last_level(problem.last_level(), sampler.denoiser.info.sigma_min);
        }
    }
    Schedule::Geometric { sigma_max, sigma_min }.levels(&mut levels)?;
    let mut rows = Vec::new();
    if sampler.operator.is_none() {
        rows = zeros(levels.len() + 1)?;
        recipes::multistep(&levels, 0.25, &mut rows)?;
    }
    Ok((levels, rows))
}

/// See [`rwt_progress`].
fn coarseness(sampler: &rwt_sampler, y: &[f32], levels: &[f64]) -> f64 {
    let last = levels.last().copied().unwrap_or_default();
    sampler.operator.as_ref().map_or(0.0, |operator| last / sampler.problem(operator, y).last_level())
}

/// What must be the same for a run to go on.
fn describe(sampler: &rwt_sampler, y: &[f32], levels: &[f64]) -> Result<String, Failure> {
    let (o, [channels, height, width]) = (&sampler.options, sampler.shape);
    let mut x = zeros(sampler.len())?;
    noise::fill(0, 0, 0, 0, &mut x);
    let mut applied = zeros(y.len())?;
    let mut scatter = zeros(y.len())?;
    if let Some(operator) = &sampler.operator {
        operator.apply(&x, &mut applied, &mut zeros::<f32>(operator.scratch_len())?);
        scatter.copy_from_slice(&applied);
        let likelihood = operator.noise.likelihood(o.eta);
        likelihood.standardise(y, &mut scatter, &mut zeros::<f32>(y.len())?)?;
        if let Some(said) = operator.failure.lock().ok().and_then(|mut failure| failure.take()) {
            return Err(Failure::new(RWT_ERR_OPERATOR, said));
        }
    }
    let mut denoised = zeros(x.len())?;
    let mut evaluator = sampler.denoiser.evaluator(sampler.shape)?;
    evaluator.prepare(1, sampler.spread.pictures)?;
    let asked = rwt_core::Denoiser::denoise(&mut evaluator, &x, levels[0], &mut denoised);
    asked.map_err(|error| Failure::new(RWT_ERR_DENOISER, format!("the denoiser failed: {error}")))?;
    Ok(format!(
        "rwt {}\nshape {channels} x {height} x {width}\nmethod {}\neta {}\nseed {}\nantithetic {}\nlevels {}\nsigma_max {}\nsigma_min {}\nepsilon {}\n\
         temperature {}\nengine {}\nmean {}\nvariance {}\ny {:016x}\noperator {:016x}\nlikelihood {:016x}\ndenoiser {:016x}\n",
        env!("CARGO_PKG_VERSION"),
        o.method,
        o.eta,
        o.seed,
        u32::from(o.antithetic != 0),
        levels.len(),
        levels[0],
        levels[levels.len() - 1],
        o.epsilon,
        o.temperature,
        sampler.denoiser.engine.to_string_lossy(),
        sampler.denoiser.info.mean,
        sampler.denoiser.info.variance,
        digest(y),
        digest(&applied),
        digest(&scatter),
        digest(&denoised),
    ))
}

impl Work<'_> {
    /// Run the chains on as many threads as the options and the denoiser allow.
    fn run(&self) {
        std::thread::scope(|scope| {
            let start = |_| std::thread::Builder::new().spawn_scoped(scope, || self.thread());
            // where the system has no more threads, those that there are do the work
            let handles: Vec<_> = (0..self.sampler.spread.threads).map_while(|k| start(k).ok()).collect();
            if handles.is_empty() {
                self.thread();
            }
        });
    }

    fn thread(&self) {
        match catch_unwind(AssertUnwindSafe(|| self.draw())) {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => self.fail(failure),
            // others may wait for these chains
            Err(panic) => {
                self.fail(Failure::new(RWT_ERR_INTERNAL, format!("internal fault: {}", panic_text(&*panic))));
            }
        }
    }

    /// Tell the caller of evaluations of that many chains; is the run to be cancelled?
    pub(crate) fn tell(&self, chains: usize, sigma: f64, solver: f64) -> bool {
        if let Ok(mut report) = self.report.lock() {
            report.progress.evaluations += chains as u64;
            (report.progress.sigma, report.progress.solver) = (sigma, solver);
            if !report.tell() {
                self.sampler.cancel.store(true, Ordering::Relaxed);
            }
        }
        if let Ok(mut largest) = self.largest_rest.lock() {
            *largest = solver.max(*largest);
        }
        self.sampler.cancel.load(Ordering::Relaxed)
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
