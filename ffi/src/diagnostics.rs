//! What samples say, on the caller's arrays: split R-hat, effective sample size, the fit to the data, separate groups.

use crate::options::{self, SizedStruct};
use crate::status::{Failure, guard, rwt_status, zeros};
use rwt_core::{Error, Fit, Modes};

/// How well an image explains what was measured, by rwt_fit. The noise of m measurements has chi^2 of mean m and standard
/// deviation sqrt(2 m); for the truth, and for a posterior sample over pictures and measurements, it is the same.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rwt_fit_report {
    /** sizeof(rwt_fit_report). */
    pub struct_size: usize,
    /** m, how many measurements were compared: those with a finite eta. */
    pub measurements: usize,
    /** The sum of ((y_i - (A x)_i) / eta_i)^2. */
    pub chi2: f64,
    /** sqrt(2 m), the standard deviation of chi^2 for the truth. */
    pub std: f64,
    /** chi^2 as a standard normal number: far below 0 the image follows the noise of the measurements, far above 0 it
     * does not explain them. Beyond +-4 by chance 6 times in 10^5. */
    pub z: f64,
    /** The probability of a smaller chi^2 for the truth. */
    pub probability: f64,
}

// SAFETY: repr(C), numbers only, without padding.
unsafe impl SizedStruct for rwt_fit_report {
    fn defaults() -> Self {
        Self { struct_size: size_of::<Self>(), measurements: 0, chi2: 0.0, std: 0.0, z: 0.0, probability: 0.0 }
    }
}

/// Whether samples fall into two separate groups, by rwt_modes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rwt_modes_report {
    /** sizeof(rwt_modes_report). */
    pub struct_size: usize,
    /** 1: they fall into two groups, ratio is above critical; 0: nothing says so. */
    pub separate: u32,
    /** Samples of the smaller group. 1: one far sample of a long tail can look like a group. */
    pub smaller: u32,
    /** The sum of squares between the two groups over that within them, along the direction in which the samples differ
     * most; about w (1 - w) d^2 for two modes of weights w and 1 - w that are d of their own standard deviations apart. */
    pub ratio: f64,
    /** The ratio that a single mode, even a flat one, exceeds in at most 5 of 100 cases; it depends on the number of
     * samples only. A Gaussian exceeds it in 2.7 % of the cases with 6 samples, 1.5 % with 8, 0.4 % with 16; in
     * antithetic pairs in 10, 7 and 3 %. */
    pub critical: f64,
    /** Samples whose coordinate is above this are the one group, the others the other. */
    pub cut: f64,
}

// SAFETY: repr(C), numbers only, without padding.
unsafe impl SizedStruct for rwt_modes_report {
    fn defaults() -> Self {
        Self { struct_size: size_of::<Self>(), separate: 0, smaller: 0, ratio: 0.0, critical: 0.0, cut: 0.0 }
    }
}

/// Split R-hat of a number that was kept of several draws of each chain (a pixel, a norm, ...): near 1 if the chains agree,
/// each with itself and all with one another; do not trust them above 1.01. draws is [chains, draws_per_chain], at least
/// 4 draws a chain, finite and not all the same. *out is infinity if no chain moves, but they differ. The samplers of this
/// library draw one independent sample a chain: there is nothing to compare then; this is for chains that you keep
/// running with rwt_update. Source: Vehtari et al., Bayesian Analysis 16 (2021) 667, without ranks and folding.
///
/// # Safety
/// `draws` points to chains * draws_per_chain doubles, `out` to one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_split_rhat(
    draws: *const f64,
    chains: usize,
    draws_per_chain: usize,
    out: *mut f64,
) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    guard(|| unsafe { of_chains(draws, chains, draws_per_chain, 4, out, rwt_core::split_rhat) })
}

/// The effective sample size of such a number for its mean: how many independent draws would know the mean as well.
/// draws is [chains, draws_per_chain], at least 10 draws a chain, finite and not all the same. It takes about (number of
/// draws) * (lags until the correlation is gone) operations. Source: Vehtari et al. as above, section 3.2.
///
/// # Safety
/// `draws` points to chains * draws_per_chain doubles, `out` to one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_ess(
    draws: *const f64,
    chains: usize,
    draws_per_chain: usize,
    out: *mut f64,
) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    guard(|| unsafe { of_chains(draws, chains, draws_per_chain, 10, out, rwt_core::ess) })
}

/// # Safety
/// `draws` points to chains · each doubles, `out` to one.
unsafe fn of_chains(
    draws: *const f64,
    chains: usize,
    each: usize,
    least: usize,
    out: *mut f64,
    diagnostic: fn(&[f64], usize) -> Result<f64, Error>,
) -> Result<(), Failure> {
    if chains == 0 {
        return Err(Failure::argument("chains must be at least 1, found 0"));
    }
    if each < least {
        return Err(Failure::argument(format!("draws_per_chain must be at least {least}, found {each}")));
    }
    if out.is_null() {
        return Err(Failure::null("out"));
    }
    let count = product(("chains", chains), ("draws_per_chain", each))?;
    // SAFETY: the caller's word.
    let found = diagnostic(unsafe { options::slice("draws", draws, count)? }, chains)?;
    // SAFETY: not NULL, the caller's word.
    unsafe { *out = found };
    Ok(())
}

/// The elements of an array of two dimensions.
fn product((first, a): (&str, usize), (second, b): (&str, usize)) -> Result<usize, Failure> {
    a.checked_mul(b).ok_or_else(|| Failure::argument(format!("{first} * {second} is too large: {a} * {b}")))
}

/// Compare the measurements y with applied = A x (rwt_operator_apply), m floats each. eta is the standard deviation of the
/// noise in y. etas, NULL or m floats, are those of each measurement instead, INFINITY where nothing was measured: y and A x
/// may hold anything there. size is sizeof *report. A single posterior sample is to be judged by its z; the mean of several
/// fits better than the truth does, which is no error.
///
/// # Safety
/// `y`, `applied` and, unless NULL, `etas` point to m floats; `report` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_fit(
    y: *const f32,
    applied: *const f32,
    m: usize,
    eta: f64,
    etas: *const f32,
    report: *mut rwt_fit_report,
    size: usize,
) -> rwt_status {
    guard(|| {
        // SAFETY: the caller's word, as documented.
        let (y, applied) = unsafe { (options::slice("y", y, m)?, options::slice("applied", applied, m)?) };
        let fit = if etas.is_null() {
            if !eta.is_finite() {
                return Err(Failure::argument(format!("eta must be finite and above 0, found {eta}")));
            }
            Fit::new(y, applied, |_| eta)?
        } else {
            // SAFETY: the same.
            let etas = unsafe { options::slice("etas", etas, m)? };
            Fit::new(y, applied, |i| f64::from(etas[i]))?
        };
        let found = rwt_fit_report {
            measurements: fit.measurements(),
            chi2: fit.chi2(),
            std: fit.std(),
            z: fit.z(),
            probability: fit.probability(),
            ..rwt_fit_report::defaults()
        };
        // SAFETY: the same.
        unsafe { options::write(report, size, found) }
    })
}

/// Do samples, [chains, n], one of each chain, fall into two separate groups? At least 6 chains, better 16 or more; finite,
/// and not all the same. coordinates, NULL or one double for each chain, receives each sample's place along the direction in
/// which they differ most, in the units of the samples, its mean 0, its sign without meaning. size is sizeof *report. It
/// takes about chains^2 n / 2 operations and chains^2 doubles of memory. Not found are modes that are nearer to one
/// another than the samples spread in another direction. Two modes being there does not say that their weights are
/// right. Source: Engelman and Hartigan, JASA 64 (1969) 1647.
///
/// # Safety
/// `samples` points to chains * n floats, `coordinates` is NULL or points to as many doubles as there are chains, `report`
/// points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_modes(
    samples: *const f32,
    chains: usize,
    n: usize,
    coordinates: *mut f64,
    report: *mut rwt_modes_report,
    size: usize,
) -> rwt_status {
    guard(|| {
        if n == 0 {
            return Err(Failure::argument("n must be at least 1, found 0"));
        }
        let count = product(("chains", chains), ("n", n))?;
        // SAFETY: the caller's word, as documented.
        let samples = unsafe { options::slice("samples", samples, count)? };
        let own = if coordinates.is_null() {
            None
        } else {
            // SAFETY: the same.
            Some(unsafe { options::slice_mut("coordinates", coordinates, chains)? })
        };
        let (modes, places) = look(samples.chunks_exact(n), chains)?;
        let found = rwt_modes_report {
            separate: u32::from(modes.separate()),
            smaller: u32::try_from(modes.smaller).unwrap_or(u32::MAX),
            ratio: modes.ratio,
            critical: Modes::critical(chains),
            cut: modes.cut,
            ..rwt_modes_report::defaults()
        };
        // SAFETY: the same.
        unsafe { options::write(report, size, found)? };
        if let Some(own) = own {
            own.copy_from_slice(&places);
        }
        Ok(())
    })
}

/// The groups of so many images, and the images' coordinates.
pub(crate) fn look<'a>(
    images: impl Iterator<Item = &'a [f32]> + Clone,
    chains: usize,
) -> Result<(Modes, Vec<f64>), Failure> {
    if chains < 6 {
        return Err(Failure::argument(format!("chains must be at least 6, found {chains}")));
    }
    let mut scratch = zeros(chains.saturating_mul(chains.saturating_add(1)))?; // first: it is the larger one
    let mut places = zeros(chains)?;
    let modes = Modes::of_images(images, &mut places, &mut scratch)?;
    Ok((modes, places))
}
