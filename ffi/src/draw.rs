//! Drawing a group of chains side by side.

use crate::denoiser::Evaluator;
use crate::run::Work;
use crate::sampler_options::rwt_method;
use crate::status::{Failure, rwt_status_code::*, zeros};
use rwt_core::{Chain, Problem, Progress, SliceWalker, Walk, WalkError};
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

impl Work<'_> {
    /// Draw groups of chains until there are no more.
    pub(crate) fn draw(&self) -> Result<(), Failure> {
        let ([_, height, width], length) = (self.sampler.shape, self.sampler.len());
        let mut evaluator = self.sampler.denoiser.evaluator(height, width)?;
        evaluator.prepare(self.side_by_side)?;
        let mut workspace = zeros(self.workspace_len(self.side_by_side))?;
        let cancelled = || Failure::new(RWT_ERR_CANCELLED, "cancelled; the chains that had begun can be read");
        // those that began are the first ones: nobody takes a group after a cancelling
        let next = || {
            let mut groups = self.groups.lock().ok()?;
            let stops = groups.len() > 0 && self.sampler.cancel.load(Ordering::Relaxed);
            if stops { Some(Err(cancelled())) } else { groups.next().map(Ok) }
        };
        while let Some(taken) = next() {
            let (group, slots) = taken?;
            let mut x = zeros(slots.len() * length)?;
            let first = group * self.side_by_side;
            let chain = Chain { seed: self.sampler.options.seed, chain: first as u64 };
            evaluator.begin(chain);
            let room = &mut workspace[..self.workspace_len(slots.len())];
            let mut estimate = None;
            match self.chains(chain, &mut evaluator, &mut x, room, &mut estimate) {
                Ok(()) => {
                    keep(x, slots)?;
                    (first..first + slots.len()).for_each(|chain| self.chain_done(chain));
                }
                Err(WalkError::Cancelled { .. }) => {
                    estimate.map_or(Ok(()), |estimate| keep(estimate, slots))?;
                    return Err(cancelled());
                }
                Err(error) => {
                    let said = self.sampler.operator.as_ref().and_then(|operator| operator.failure.lock().ok()?.take());
                    return Err(match said {
                        Some(said) => Failure::new(RWT_ERR_OPERATOR, format!("{said} in chain {first}: {error}")),
                        None => failure(first, length, error),
                    });
                }
            }
        }
        Ok(())
    }

    fn workspace_len(&self, chains: usize) -> usize {
        match &self.sampler.operator {
            Some(operator) => {
                Problem::gaussian(&**operator, &self.y[..], self.sampler.options.eta, 0.0, 1.0).workspace_len(chains)
            }
            None => 2 * chains * self.sampler.len(),
        }
    }

    /// Draw as many chains as x has room for; if they are cancelled, their newest denoised images go into `estimate`.
    fn chains(
        &self,
        first: Chain,
        evaluator: &mut Evaluator<'_>,
        x: &mut [f32],
        workspace: &mut [f32],
        estimate: &mut Option<Vec<f32>>,
    ) -> Result<(), WalkError<String>> {
        let options = &self.sampler.options;
        let Some(operator) = &self.sampler.operator else {
            return self.prior_chains(first, evaluator, x, workspace, estimate);
        };
        let info = &self.sampler.denoiser.info;
        let problem = Problem::gaussian(&**operator, &self.y[..], options.eta, info.mean, info.variance);
        let levels = &self.levels[..];
        let observe =
            |progress: Progress<'_>| self.observe((progress.sigma, progress.solver), progress.denoised, estimate);
        let (epsilon, temperature) = (options.epsilon, options.temperature);
        let chosen = (temperature >= 0.0).then_some(temperature);
        if options.method == rwt_method::RWT_METHOD_GLA as i32 {
            rwt_core::gla(&problem, levels, first, evaluator, x, workspace, observe)
        } else if options.method == rwt_method::RWT_METHOD_PRECONDITIONED as i32 {
            rwt_core::preconditioned(&problem, levels, epsilon, chosen, first, evaluator, x, workspace, observe)
        } else {
            rwt_core::template(
                &problem,
                levels,
                epsilon,
                chosen.unwrap_or(0.0),
                first,
                evaluator,
                x,
                workspace,
                observe,
            )
        }
    }

    fn prior_chains(
        &self,
        first: Chain,
        evaluator: &mut Evaluator<'_>,
        x: &mut [f32],
        workspace: &mut [f32],
        estimate: &mut Option<Vec<f32>>,
    ) -> Result<(), WalkError<String>> {
        let chains = x.len() / self.sampler.len();
        let (denoised, previous) = workspace.split_at_mut(x.len());
        let mut walker = SliceWalker::new(Lent(evaluator), first.seed, first.chain, chains, x, denoised, previous)?;
        Walk::new(&self.rows)?.sample(&mut walker, |_, step, walker| {
            if step.denoised == 0.0 {
                return ControlFlow::Continue(());
            }
            self.observe((step.sigma, 0.0), walker.denoised(), estimate)
        })
    }
}

/// Put each chain's image into its slot; one alone is moved.
fn keep(images: Vec<f32>, slots: &mut [Option<Vec<f32>>]) -> Result<(), Failure> {
    if let [slot] = slots {
        *slot = Some(images);
        return Ok(());
    }
    let length = images.len() / slots.len();
    for (slot, image) in slots.iter_mut().zip(images.chunks_exact(length)) {
        let mut own = zeros(length)?;
        own.copy_from_slice(image);
        *slot = Some(own);
    }
    Ok(())
}

fn failure(first: usize, length: usize, error: WalkError<String>) -> Failure {
    match error {
        WalkError::Plan(error) => error.into(),
        WalkError::Denoiser { row, sigma, error } => Failure::new(
            RWT_ERR_DENOISER,
            format!("the denoiser failed at evaluation {row} (sigma {sigma}) of chain {first}: {error}"),
        ),
        WalkError::NotFinite { name, row, sigma, element } => {
            let (chain, element) = (first + element / length, element % length);
            Failure::new(
                RWT_ERR_NOT_FINITE,
                format!("chain {chain}: {}", WalkError::<String>::NotFinite { name, row, sigma, element }),
            )
        }
        other => Failure::new(RWT_ERR_NOT_FINITE, format!("chain {first}: {other}")),
    }
}

/// An evaluator lent to a walker.
struct Lent<'a, 'b>(&'a mut Evaluator<'b>);

impl rwt_core::Denoiser for Lent<'_, '_> {
    type Error = String;

    fn denoise(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), String> {
        self.0.denoise(x, sigma, denoised)
    }
}
