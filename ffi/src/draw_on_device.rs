//! Drawing chains on a device, without a trip to the host.

use crate::cuda_model::{DeviceWalk, failure};
use crate::draw::Drawing;
use crate::evaluator::Evaluator;
use crate::operator::Measurement;
use crate::run::Work;
use crate::status::zeros;
use rwt_core::{Chain, WalkError};
use rwt_cuda::{Error, Prior, Watch};
use std::ops::ControlFlow;

/// Rows between two looks at a walk, for each of which the device is waited for.
const PAUSE: usize = 8;

impl Work<'_> {
    /// Sample the posterior on the device; `None` where that cannot be: a run in a folder goes level by level on the host.
    pub(crate) fn posterior_on_device(
        &self,
        operator: &Measurement,
        first: Chain,
        evaluator: &mut Evaluator<'_>,
        x: &mut [f32],
        drawing: &mut Drawing,
    ) -> Option<Result<(), WalkError<String>>> {
        if self.folder.is_some() {
            return None;
        }
        let on_device = evaluator.on_device()?;
        let (info, options, chains) = (&self.sampler.denoiser.info, &self.sampler.options, drawing.group.count);
        let prior = Prior { mean: info.mean, variance: info.variance };
        let walk = DeviceWalk { levels: &self.levels, method: self.method(), first, chains };
        let evaluations = options.evaluations(true) as usize;
        let mut observe = self.looks(chains, evaluations);
        let watch = Watch { every: PAUSE, observe: &mut observe };
        let walked = on_device.posterior(operator, (self.y, options.eta), prior, &walk, x, watch)?;
        Some(self.ended(walked, x, drawing))
    }

    /// Sample the prior on the device.
    pub(crate) fn prior_on_device(
        &self,
        first: Chain,
        evaluator: &mut Evaluator<'_>,
        x: &mut [f32],
        drawing: &mut Drawing,
    ) -> Option<Result<(), WalkError<String>>> {
        let on_device = evaluator.on_device()?;
        let chains = drawing.group.count;
        let mut observe = self.looks(chains, self.sampler.options.evaluations(false) as usize);
        let watch = Watch { every: PAUSE, observe: &mut observe };
        let walked = on_device.prior(&self.rows, first, chains, x, watch);
        Some(self.ended(walked, x, drawing))
    }

    /// Tells the caller how far the rows are, as evaluations of all chains.
    fn looks(&self, chains: usize, evaluations: usize) -> impl FnMut(usize, usize) -> ControlFlow<()> {
        let mut told = 0;
        move |rows, of| {
            let done = evaluations * rows / of.max(1);
            let sigma = self.levels.get(rows.min(self.levels.len()) - 1).copied().unwrap_or_default();
            let is_cancelled = self.tell(chains * (done - told), sigma, 0.0);
            told = done;
            if is_cancelled { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }

    /// What came of a walk; of one that was cancelled x is the estimate.
    fn ended(&self, walked: Result<(), Error>, x: &mut [f32], drawing: &mut Drawing) -> Result<(), WalkError<String>> {
        match walked {
            Ok(()) => Ok(()),
            Err(Error::Cancelled { row }) => {
                drawing.estimate = zeros(x.len()).ok();
                if let Some(estimate) = &mut drawing.estimate {
                    estimate.copy_from_slice(x);
                }
                Err(WalkError::Cancelled { row })
            }
            Err(Error::NotFinite { name, row, sigma, element }) => {
                Err(WalkError::NotFinite { name, row, sigma, element })
            }
            Err(Error::Plan(error)) => Err(WalkError::Plan(error)),
            Err(error) => {
                self.fail(failure(error)); // with a status of its own
                Err(WalkError::Cancelled { row: 0 })
            }
        }
    }
}
