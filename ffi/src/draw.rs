//! Drawing groups of chains side by side.

use crate::budget;
use crate::denoiser_parts::Lent;
use crate::evaluator::Evaluator;
use crate::queue::Group;
use crate::run::Work;
use crate::sampler_options::rwt_method;
use crate::status::{Failure, rwt_status_code::*, zeros};
use rwt_core::{Chain, Method, PosteriorWalk, Progress, SliceWalker, Walk, WalkError};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// A group under way.
pub(crate) struct Drawing {
    pub(crate) group: Group,
    /// The level whose place the folder has, and since when.
    stored: (usize, Instant),
    /// The newest denoised images of a walk that is cancelled.
    pub(crate) estimate: Option<Vec<f32>>,
}

impl Work<'_> {
    /// Draw groups of chains until there are no more.
    pub(crate) fn draw(&self) -> Result<(), Failure> {
        let length = self.sampler.len();
        let mut evaluator = self.sampler.denoiser.evaluator(self.sampler.shape)?;
        evaluator.prepare(self.sampler.spread.side_by_side, self.sampler.spread.pictures)?;
        let mut workspace = zeros(self.workspace_len(self.sampler.spread.side_by_side))?;
        while let Some(group) = self.queue.take(&self.sampler.cancel).map_err(|()| cancelled())? {
            let mut x = zeros(group.count * length)?;
            let chain = self.sampler.options.chain(group.first);
            evaluator.begin(chain);
            let room = &mut workspace[..self.workspace_len(group.count)];
            let mut drawing = Drawing { group, stored: (group.level, Instant::now()), estimate: None };
            match self.chains(chain, &mut evaluator, &mut x, room, &mut drawing) {
                Ok(()) => self.finish(&drawing, x)?,
                Err(WalkError::Cancelled { .. }) => {
                    drop(x);
                    self.give_up(drawing)?;
                    return Err(cancelled());
                }
                Err(error) => {
                    let said = self.sampler.operator.as_ref().and_then(|operator| operator.failure.lock().ok()?.take());
                    let number = self.sampler.options.first_chain + group.first as u64;
                    return Err(match said {
                        Some(said) => Failure::new(RWT_ERR_OPERATOR, format!("{said} in chain {number}: {error}")),
                        None => failure(number, length, error),
                    });
                }
            }
        }
        Ok(())
    }

    fn workspace_len(&self, chains: usize) -> usize {
        budget::workspace_len(self.sampler.operator.as_deref(), self.sampler.len(), chains)
    }

    /// Write the samples of a group, and hand them over.
    fn finish(&self, drawing: &Drawing, x: Vec<f32>) -> Result<(), Failure> {
        let (length, Group { first, count, .. }) = (self.sampler.len(), drawing.group);
        if let Some(folder) = self.folder {
            for (k, image) in x.chunks_exact(length).enumerate() {
                folder.write_sample(first + k, image, drawing.stored.0)?;
            }
        }
        if let Ok(mut collector) = self.collector.lock() {
            for (k, image) in images(x, count)?.into_iter().enumerate() {
                collector.finished(first + k, Some(image))?;
            }
            self.queue.taken_in(collector.next());
        }
        if let Ok(mut report) = self.report.lock() {
            report.progress.chains_done += count as u32;
        }
        Ok(())
    }

    /// Hand over the estimates of a group that was cancelled.
    fn give_up(&self, drawing: Drawing) -> Result<(), Failure> {
        let Some(estimate) = drawing.estimate else { return Ok(()) };
        let images = images(estimate, drawing.group.count)?;
        if let Ok(mut collector) = self.collector.lock() {
            for (k, image) in images.into_iter().enumerate() {
                collector.cancelled(drawing.group.first + k, image);
            }
        }
        Ok(())
    }

    /// Draw as many chains as x has room for.
    fn chains(
        &self,
        first: Chain,
        evaluator: &mut Evaluator<'_>,
        x: &mut [f32],
        workspace: &mut [f32],
        drawing: &mut Drawing,
    ) -> Result<(), WalkError<String>> {
        let Some(operator) = &self.sampler.operator else {
            return self.prior_chains(first, evaluator, x, workspace, drawing);
        };
        #[cfg(feature = "cuda")]
        if let Some(walked) = self.posterior_on_device(operator, first, evaluator, x, drawing) {
            return walked;
        }
        let problem = self.sampler.problem(operator, self.y);
        let group = drawing.group;
        let walk =
            PosteriorWalk::new(&problem, &self.levels, self.method(), first, group.count)?.resume(group.level)?;
        if let Some(folder) = self.folder.filter(|_| group.level > 0) {
            for (k, x) in x.chunks_exact_mut(self.sampler.len()).enumerate() {
                if let Err(failure) = folder.read_place(group.first + k, group.level, x) {
                    self.fail(failure);
                    return Err(WalkError::Cancelled { row: 0 });
                }
            }
        }
        walk.run(evaluator, x, workspace, |progress| self.observe(&progress, drawing))
    }

    pub(crate) fn method(&self) -> Method {
        let options = &self.sampler.options;
        let (epsilon, temperature) = (options.epsilon, options.temperature);
        let chosen = (temperature >= 0.0).then_some(temperature);
        match options.method {
            method if method == rwt_method::RWT_METHOD_GLA as i32 => Method::GuidedLookAhead,
            method if method == rwt_method::RWT_METHOD_PRECONDITIONED as i32 => {
                Method::Preconditioned { epsilon, temperature: chosen }
            }
            _ => Method::Template { epsilon, first_temperature: chosen.unwrap_or(0.0) },
        }
    }

    /// Tell the caller of an evaluation; write where the walk stands, now and then and on cancelling.
    fn observe(&self, progress: &Progress<'_>, drawing: &mut Drawing) -> ControlFlow<()> {
        let is_cancelled = self.tell(drawing.group.count, progress.sigma, progress.solver);
        let Some(folder) = self.folder else {
            return self.stop_if(is_cancelled, progress.denoised, drawing);
        };
        let Some(level) = progress.level else {
            return ControlFlow::Continue(()); // the walk stands nowhere; it goes on to the next place
        };
        let pause = Duration::from_secs(u64::from(self.sampler.options.checkpoint_seconds));
        if is_cancelled || drawing.stored.1.elapsed() >= pause {
            for (k, x) in progress.x.chunks_exact(self.sampler.len()).enumerate() {
                if let Err(failure) = folder.write_place(drawing.group.first + k, level, x, drawing.stored.0) {
                    self.fail(failure);
                    return ControlFlow::Break(());
                }
            }
            drawing.stored = (level, Instant::now());
        }
        self.stop_if(is_cancelled, progress.denoised, drawing)
    }

    /// On cancelling, keep the newest denoised images.
    fn stop_if(&self, is_cancelled: bool, denoised: &[f32], drawing: &mut Drawing) -> ControlFlow<()> {
        if !is_cancelled {
            return ControlFlow::Continue(());
        }
        drawing.estimate = zeros(denoised.len()).ok();
        if let Some(estimate) = &mut drawing.estimate {
            estimate.copy_from_slice(denoised);
        }
        ControlFlow::Break(())
    }

    fn prior_chains(
        &self,
        first: Chain,
        evaluator: &mut Evaluator<'_>,
        x: &mut [f32],
        workspace: &mut [f32],
        drawing: &mut Drawing,
    ) -> Result<(), WalkError<String>> {
        #[cfg(feature = "cuda")]
        if let Some(walked) = self.prior_on_device(first, evaluator, x, drawing) {
            return walked;
        }
        let chains = drawing.group.count;
        let (denoised, previous) = workspace.split_at_mut(x.len());
        let mut walker = SliceWalker::new(Lent(evaluator), first.seed, first.chain, chains, x, denoised, previous)?;
        Walk::new(&self.rows)?.sample(&mut walker, |_, step, walker| {
            if step.denoised == 0.0 {
                return ControlFlow::Continue(());
            }
            self.stop_if(self.tell(chains, step.sigma, 0.0), walker.denoised(), drawing)
        })
    }
}

fn cancelled() -> Failure {
    Failure::new(RWT_ERR_CANCELLED, "cancelled; the chains that had begun can be read")
}

/// Each chain's image; one alone is moved.
fn images(together: Vec<f32>, count: usize) -> Result<Vec<Vec<f32>>, Failure> {
    if count == 1 {
        return Ok(vec![together]);
    }
    let own = |image: &[f32]| {
        let mut own = zeros(image.len())?;
        own.copy_from_slice(image);
        Ok(own)
    };
    together.chunks_exact(together.len() / count).map(own).collect()
}

fn failure(first: u64, length: usize, error: WalkError<String>) -> Failure {
    match error {
        WalkError::Plan(error) => error.into(),
        WalkError::Denoiser { row, sigma, error } => Failure::new(
            RWT_ERR_DENOISER,
            format!("the denoiser failed at evaluation {row} (sigma {sigma}) of chain {first}: {error}"),
        ),
        WalkError::NotFinite { name, row, sigma, element } => {
            let (chain, element) = (first + (element / length) as u64, element % length);
            Failure::new(
                RWT_ERR_NOT_FINITE,
                format!("chain {chain}: {}", WalkError::<String>::NotFinite { name, row, sigma, element }),
            )
        }
        other => Failure::new(RWT_ERR_NOT_FINITE, format!("chain {first}: {other}")),
    }
}
