//! Reading what a run has drawn.

use crate::options;
use crate::sampler::rwt_sampler;
use crate::status::{Failure, guard, rwt_status};
use rwt_core::Histogram;

/// How many chains have begun: all after a whole run. After a cancelled one they are the first ones by number, except in a
/// folder, where later ones may have been finished before. 0 while the sampler is busy.
///
/// # Safety
/// `sampler` is NULL or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_sampler_started(sampler: *const rwt_sampler) -> u32 {
    let mut count = 0;
    let _ = guard(|| {
        // SAFETY: NULL or a live handle, the caller's word.
        let sampler = unsafe { sampler.as_ref() }.ok_or_else(|| Failure::null("sampler"))?;
        count = sampler.lock()?.started;
        Ok(())
    });
    count
}

/// How many chains were finished; after a cancelled run with several threads not always the first ones. 0 while the sampler is busy.
///
/// # Safety
/// `sampler` is NULL or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_sampler_finished(sampler: *const rwt_sampler) -> u32 {
    let mut count = 0;
    let _ = guard(|| {
        // SAFETY: NULL or a live handle, the caller's word.
        let sampler = unsafe { sampler.as_ref() }.ok_or_else(|| Failure::null("sampler"))?;
        count = sampler.lock()?.finished;
        Ok(())
    });
    count
}

/// The sample of one chain, n floats in [channels, height, width]; RWT_ERR_ARGUMENT for one that is not kept.
///
/// # Safety
/// `sampler` is a live handle; `out` points to n floats.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_sampler_sample(
    sampler: *const rwt_sampler,
    chain: u32,
    out: *mut f32,
    n: usize,
) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    unsafe {
        rwt_sampler::read(sampler, out, n, |results, out| {
            let sample = results.samples.get(chain as usize).and_then(Option::as_ref);
            let sample = sample.ok_or_else(|| {
                let (kept, started) = (results.samples.iter().flatten().count(), results.started);
                Failure::argument(format!("chain {chain} has no image: {started} chains began, {kept} images are kept"))
            })?;
            out.copy_from_slice(sample);
            Ok(())
        })
    }
}

/// The mean over the samples: the estimate with the least expected squared error. After a cancelled run it is over the
/// finished chains, or over those that had begun if none was finished.
///
/// # Safety
/// `sampler` is a live handle; `out` points to n floats.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_sampler_mean(sampler: *const rwt_sampler, out: *mut f32, n: usize) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    unsafe {
        rwt_sampler::read(sampler, out, n, |results, out| {
            for (out, mean) in out.iter_mut().zip(&results.mean) {
                *out = *mean as f32;
            }
            Ok(())
        })
    }
}

/// The standard deviation over the samples that the mean is over, element by element: how sure it is. 0 for one sample.
///
/// # Safety
/// `sampler` is a live handle; `out` points to n floats.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_sampler_std(sampler: *const rwt_sampler, out: *mut f32, n: usize) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    unsafe {
        rwt_sampler::read(sampler, out, n, |results, out| {
            let freedom = f64::from(results.averaged.max(2) - 1);
            for (out, squares) in out.iter_mut().zip(&results.squares) {
                *out = (squares / freedom).sqrt() as f32;
            }
            Ok(())
        })
    }
}

/// The quantile of every element over the samples, from a histogram (rwt_sampler_options.bins): half of them lie below the
/// quantile of probability 0.5. It is right to a bin's width; -infinity where it is below the histogram, infinity above.
/// RWT_ERR_ARGUMENT if bins is 0 or probability not in [0, 1].
///
/// # Safety
/// `sampler` is a live handle; `out` points to n floats.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_sampler_quantile(
    sampler: *const rwt_sampler,
    probability: f64,
    out: *mut f32,
    n: usize,
) -> rwt_status {
    // SAFETY: NULL or a live handle, the caller's word.
    let options = unsafe { sampler.as_ref() }.map(|sampler| sampler.options);
    // SAFETY: the caller's word, as documented.
    unsafe {
        rwt_sampler::read(sampler, out, n, |results, out| {
            let Some(options) = options.filter(|options| options.bins > 0) else {
                return Err(Failure::argument("there is no histogram: set bins in the options, 64 or more"));
            };
            let (low, high, bins) = (options.bins_low, options.bins_high, options.bins as usize);
            Ok(Histogram::resume(low, high, bins, &mut results.counts)?.quantile(probability, out)?)
        })
    }
}

/// The peak signal-to-noise ratio of two images of n floats in dB; range is the width of the data range. NaN if
/// an argument cannot be used; infinity for equal images.
///
/// # Safety
/// `a` and `b` point to n floats.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_psnr(a: *const f32, b: *const f32, n: usize, range: f64) -> f64 {
    let mut decibels = f64::NAN;
    let _ = guard(|| {
        // SAFETY: the caller's word, as documented.
        decibels = unsafe { rwt_core::psnr(options::slice("a", a, n)?, options::slice("b", b, n)?, range)? };
        Ok(())
    });
    decibels
}
