//! What the samples of a finished run say of it.

use crate::collector::Results;
use crate::diagnostics;
use crate::operator::Measurement;
use crate::options::{self, SizedStruct};
use crate::sampler::rwt_sampler;
use crate::status::{Failure, guard, rwt_status, rwt_status_code::*, zeros};
use rwt_core::{Fit, Modes, Operator, noise};

/// How far from 0 a z is looked at.
const FAR: f64 = 4.0;

/// The fewest samples that can be told apart.
const LEAST: usize = 6;

/// What rwt_sampler_check found. The fits are those of rwt_fit, of counts with the root of their
/// rate as standard deviation; the groups those of rwt_modes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rwt_sampler_report {
    /** sizeof(rwt_sampler_report). */
    pub struct_size: usize,
    /** Measurements that the samples were compared with; 0 without an operator. */
    pub measurements: usize,
    /** Samples that were looked at. */
    pub chains: u32,
    /** How many samples' z of chi^2 are beyond +-4: by chance next to none. */
    pub beyond: u32,
    /** The chain whose z is farthest from 0. */
    pub worst_chain: u32,
    /** Do the samples fall into two groups? 1: yes, 0: nothing says so, -1: unknown, for there are fewer than 6 samples, or
     * they are all the same. */
    pub separate: i32,
    /** Samples of the smaller group, also where separate is 0; 0 where it is -1. */
    pub smaller: usize,
    /** The mean of the samples' chi^2 over the number of measurements: 1 is right. NaN without an operator, as are the next
     * three. */
    pub chi2_ratio: f64,
    /** The mean of the samples' z of chi^2. Samples of one y share a part of it, so it may be off 0 by about 1; far above
     * 0 they do not explain y (eta too small, the wrong operator or model), far below 0 they fit it too well (eta too
     * large). A wrong eta is seen as far as the prior says something about y: where the data decide alone, samples
     * fit whatever eta was told. With very many measurements a small error is far from 0 too: 10 at 20000 measurements
     * is a chi2_ratio of 1.1. */
    pub mean_z: f64,
    /** The z that is farthest from 0. */
    pub worst_z: f64,
    /** The z of the mean of the samples: below that of the samples, for the mean fits better; far above 0 is an error. */
    pub z_of_mean: f64,
    /** The ratio of the groups, see rwt_modes_report; NaN where it is unknown. */
    pub ratio: f64,
    /** The ratio above which there are two groups; NaN where it is unknown. Of antithetic chains a pair counts once. */
    pub critical: f64,
    /** The largest that a solve with the operator left of its equation in the last run, see rwt_progress. */
    pub solver: f64,
    /** The last noise level over what it should be at most, see rwt_progress. */
    pub coarse: f64,
}

// SAFETY: repr(C), numbers only, without padding.
unsafe impl SizedStruct for rwt_sampler_report {
    fn defaults() -> Self {
        Self {
            struct_size: size_of::<Self>(),
            measurements: 0,
            chains: 0,
            beyond: 0,
            worst_chain: 0,
            separate: -1,
            smaller: 0,
            chi2_ratio: f64::NAN,
            mean_z: f64::NAN,
            worst_z: f64::NAN,
            z_of_mean: f64::NAN,
            ratio: f64::NAN,
            critical: f64::NAN,
            solver: 0.0,
            coarse: 0.0,
        }
    }
}

/// Look at the samples of the last run: do they explain what was measured as well as they should, and do they fall into two
/// groups? size is sizeof *report. Unfinished samples of a cancelled run are looked at too, and will not fit. No z and
/// no group tells whether the weights of separate modes are right. It applies the operator once to each sample and
/// needs memory for a picture and two measurements.
///
/// # Safety
/// `sampler` is a live handle; `report` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_sampler_check(
    sampler: *const rwt_sampler,
    report: *mut rwt_sampler_report,
    size: usize,
) -> rwt_status {
    guard(|| {
        // SAFETY: NULL or a live handle, the caller's word.
        let sampler = unsafe { sampler.as_ref() }.ok_or_else(|| Failure::null("sampler"))?;
        let found = look(sampler, &*sampler.lock()?)?;
        // SAFETY: the caller's word, as documented.
        unsafe { options::write(report, size, found) }
    })
}

fn look(sampler: &rwt_sampler, results: &Results) -> Result<rwt_sampler_report, Failure> {
    let kept = || results.samples.iter().enumerate().filter_map(|(chain, x)| Some((chain as u32, x.as_deref()?)));
    let (chains, solver, coarse) = (kept().count() as u32, results.solver, results.coarse);
    let mut report = rwt_sampler_report { chains, solver, coarse, ..rwt_sampler_report::defaults() };
    if report.chains == 0 {
        return Err(Failure::new(
            RWT_ERR_NO_SAMPLES,
            "no sample is kept: call rwt_sampler_run first, with keep above 0",
        ));
    }
    if let Some(operator) = &sampler.operator {
        Fits::new(operator, &results.y, sampler.options.eta)?.judge(kept(), &results.mean, &mut report)?;
    }
    let streams = kept().map(|(chain, _)| noise::stream(sampler.options.chain(chain as usize).chain));
    let independent = streams.clone().zip(streams.skip(1)).filter(|(a, b)| a != b).count() + 1;
    group(kept().map(|(_, x)| x), independent, &mut report)?;
    Ok(report)
}

/// Whether the images, of which so many are independent, fall into groups, where this can be told.
fn group<'a>(
    images: impl Iterator<Item = &'a [f32]> + Clone,
    independent: usize,
    report: &mut rwt_sampler_report,
) -> Result<(), Failure> {
    let chains = report.chains as usize;
    let first = images.clone().next();
    if chains < LEAST || images.clone().all(|image| Some(image) == first) {
        return Ok(());
    }
    let (modes, _) = diagnostics::look(images, chains)?;
    (report.ratio, report.critical) = (modes.ratio, Modes::critical(independent));
    report.separate = i32::from(report.ratio > report.critical);
    report.smaller = modes.smaller;
    Ok(())
}

/// Compares images with what was measured.
struct Fits<'a> {
    operator: &'a Measurement,
    y: &'a [f32],
    eta: f64,
    /// Where something was measured.
    measured: Vec<bool>,
    applied: Vec<f32>,
    weights: Vec<f32>,
    scratch: Vec<f32>,
}

impl<'a> Fits<'a> {
    /// Nothing was measured where the operator gives 0 of noise (a pixel that is masked, a frequency that is left out, a
    /// weight of 0) and y is 0.
    fn new(operator: &'a Measurement, y: &'a [f32], eta: f64) -> Result<Self, Failure> {
        let mut image = zeros(operator.image_len())?;
        noise::fill(0, 0, 0, 0, &mut image);
        let (measured, applied, weights) = (zeros(y.len())?, zeros(y.len())?, zeros(y.len())?);
        let mut fits = Self { operator, y, eta, measured, applied, weights, scratch: zeros(operator.scratch_len())? };
        fits.apply(&image)?;
        for ((measured, applied), y) in fits.measured.iter_mut().zip(&fits.applied).zip(y) {
            *measured = *applied != 0.0 || *y != 0.0;
        }
        Ok(fits)
    }

    fn judge<'i>(
        mut self,
        samples: impl Iterator<Item = (u32, &'i [f32])>,
        mean: &[f64],
        report: &mut rwt_sampler_report,
    ) -> Result<(), Failure> {
        let (mut chi2, mut sum, mut worst) = (0.0, 0.0, 0f64);
        for (chain, x) in samples {
            let fit = self.fit(x)?;
            let z = fit.z();
            chi2 += fit.chi2() / fit.measurements() as f64;
            sum += z;
            report.beyond += u32::from(z.abs() > FAR);
            if z.abs() >= worst.abs() {
                (worst, report.worst_chain) = (z, chain);
            }
        }
        let chains = f64::from(report.chains);
        (report.chi2_ratio, report.mean_z, report.worst_z) = (chi2 / chains, sum / chains, worst);
        let mut image = zeros(mean.len())?;
        image.iter_mut().zip(mean).for_each(|(image, mean): (&mut f32, _)| *image = *mean as f32);
        let fit = self.fit(&image)?;
        (report.z_of_mean, report.measurements) = (fit.z(), fit.measurements());
        Ok(())
    }

    /// χ² of the deviations in units of their standard deviation.
    fn fit(&mut self, x: &[f32]) -> Result<Fit, Failure> {
        self.apply(x)?;
        self.operator.noise.likelihood(self.eta).standardise(self.y, &mut self.applied, &mut self.weights)?;
        self.said()?;
        let measured = || self.applied.iter().zip(&self.measured).filter(|(_, measured)| **measured);
        let chi2 = measured().map(|(deviation, _)| f64::from(*deviation).powi(2)).sum();
        Ok(Fit::from_chi2(chi2, measured().count())?)
    }

    fn apply(&mut self, x: &[f32]) -> Result<(), Failure> {
        self.operator.apply(x, &mut self.applied, &mut self.scratch);
        self.said()
    }

    /// What a callback said when it failed.
    fn said(&self) -> Result<(), Failure> {
        match self.operator.failure.lock().ok().and_then(|mut failure| failure.take()) {
            Some(said) => Err(Failure::new(RWT_ERR_OPERATOR, said)),
            None => Ok(()),
        }
    }
}
