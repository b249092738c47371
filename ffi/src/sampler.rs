//! A sampler: chains of one problem, their mean and their standard deviation.

use crate::budget::{Demand, Spread};
use crate::denoiser::{Shared, rwt_denoiser};
use crate::evaluator::check_shape;
use crate::operator::{Measurement, rwt_operator};
use crate::options;
use crate::run::{self, rwt_progress_fn};
use crate::sampler_options::rwt_sampler_options;
use crate::status::{Failure, guard, rwt_status, rwt_status_code::*};
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, TryLockError};

/// A sampler; it serves one call at a time, except rwt_sampler_cancel, which any thread may call at any time.
pub struct rwt_sampler {
    pub(crate) denoiser: Arc<Shared>,
    pub(crate) operator: Option<Arc<Measurement>>,
    pub(crate) options: rwt_sampler_options,
    pub(crate) shape: [usize; 3],
    pub(crate) spread: Spread,
    pub(crate) cancel: AtomicBool,
    results: Mutex<Results>,
}

/// What a run leaves behind.
#[derive(Default)]
pub(crate) struct Results {
    /// An image for each chain that began, by number.
    pub samples: Vec<Option<Vec<f32>>>,
    /// How many chains were finished.
    pub finished: u32,
    /// How many images the moments are over: the finished ones, or if there are none those that began.
    pub averaged: u32,
    pub mean: Vec<f64>,
    pub squares: Vec<f64>,
    /// What was measured, as the walk took it.
    pub y: Vec<f32>,
}

impl rwt_sampler {
    /// Elements of an image.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub(crate) fn lock(&self) -> Result<std::sync::MutexGuard<'_, Results>, Failure> {
        match self.results.try_lock() {
            Ok(results) => Ok(results),
            Err(TryLockError::WouldBlock) => Err(Failure::new(RWT_ERR_BUSY, "the sampler is serving another call")),
            Err(TryLockError::Poisoned(_)) => {
                Err(Failure::new(RWT_ERR_INTERNAL, "an earlier call of this sampler failed inside; make a new one"))
            }
        }
    }

    /// Read results into the caller's image.
    unsafe fn read(
        sampler: *const Self,
        out: *mut f32,
        n: usize,
        read: impl FnOnce(&Results, &mut [f32]) -> Result<(), Failure>,
    ) -> rwt_status {
        guard(|| {
            // SAFETY: NULL or a live handle, the caller's word.
            let sampler = unsafe { sampler.as_ref() }.ok_or_else(|| Failure::null("sampler"))?;
            if n != sampler.len() {
                return Err(Failure::argument(format!("n must be {} elements, found {n}", sampler.len())));
            }
            // SAFETY: n floats, the caller's word.
            let out = unsafe { options::slice_mut("out", out, n)? };
            let results = sampler.lock()?;
            if results.samples.iter().all(Option::is_none) {
                return Err(Failure::new(RWT_ERR_NO_SAMPLES, "there is no sample yet: call rwt_sampler_run first"));
            }
            read(&results, out)
        })
    }
}

/// A sampler for images of channels x height x width. operator NULL: samples of the prior, without a measurement.
/// options NULL: the defaults. Everything is checked here, the budget of memory too (RWT_ERR_MEMORY); the denoiser and the
/// operator may be freed afterwards.
///
/// # Safety
/// The handles are live; `options` is NULL or was initialised; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_sampler_create(
    denoiser: *const rwt_denoiser,
    operator: *const rwt_operator,
    options: *const rwt_sampler_options,
    channels: usize,
    height: usize,
    width: usize,
    out: *mut *mut rwt_sampler,
) -> rwt_status {
    guard(|| {
        // SAFETY: NULL, live handles or an initialised struct, the caller's word.
        let (denoiser, operator, options) = unsafe { (denoiser.as_ref(), operator.as_ref(), options::read(options)?) };
        let denoiser = denoiser.ok_or_else(|| Failure::null("denoiser"))?;
        if out.is_null() {
            return Err(Failure::null("out"));
        }
        let shape = [channels, height, width];
        check_shape(shape, &denoiser.shared.info, operator.map(|a| &*a.shared))?;
        let options = options.resolve(&denoiser.shared.info, operator.map(|a| a.shared.gap))?;
        let mut evaluator = denoiser.shared.evaluator(shape)?;
        let spread = Demand {
            options: &options,
            operator: operator.map(|a| &*a.shared),
            evaluator: &evaluator,
            length: shape.iter().product(),
            is_concurrent: denoiser.shared.is_concurrent(),
        }
        .spread()?;
        evaluator.prepare(spread.side_by_side, spread.pictures)?;
        let sampler = rwt_sampler {
            denoiser: denoiser.shared.clone(),
            operator: operator.map(|a| a.shared.clone()),
            options,
            shape,
            spread,
            cancel: AtomicBool::new(false),
            results: Mutex::default(),
        };
        // SAFETY: not NULL, the caller's word.
        unsafe { *out = Box::into_raw(Box::new(sampler)) };
        Ok(())
    })
}

/// Draw all chains. y is the measurement, n = rwt_operator_measurement_len floats, finite wherever it was measured; without an operator y is NULL and n is 0. progress may be NULL; it is called after every
/// evaluation, by one thread at a time and maybe not the caller's, and cancels by returning non-zero.
/// RWT_ERR_CANCELLED: each chain that had begun has its newest denoised image as its sample.
///
/// No method here gives well separated narrow modes their right weights: several chains show that there are such modes
/// (rwt_sampler_check), but the share of the chains in each is not its probability.
///
/// # Safety
/// `sampler` is a live handle; `y` points to n floats; `progress` keeps its contract.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_sampler_run(
    sampler: *const rwt_sampler,
    y: *const f32,
    n: usize,
    progress: rwt_progress_fn,
    user: *mut c_void,
) -> rwt_status {
    guard(|| {
        // SAFETY: NULL or a live handle; n floats; the caller's word.
        let (sampler, y) = unsafe { (sampler.as_ref(), options::slice("y", y, n)?) };
        let sampler = sampler.ok_or_else(|| Failure::null("sampler"))?;
        let mut results = sampler.lock()?;
        sampler.cancel.store(false, Ordering::Relaxed);
        run::run(sampler, y, progress, user, &mut results)
    })
}

/// Cancel the run under way, if any: it returns RWT_ERR_CANCELLED within one evaluation. Any thread may call this.
///
/// # Safety
/// `sampler` is a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_sampler_cancel(sampler: *const rwt_sampler) -> rwt_status {
    guard(|| {
        // SAFETY: NULL or a live handle, the caller's word.
        let sampler = unsafe { sampler.as_ref() }.ok_or_else(|| Failure::null("sampler"))?;
        sampler.cancel.store(true, Ordering::Relaxed);
        Ok(())
    })
}

/// How many chains have an image to read: all after a whole run, those that had begun after a cancelled one, which are
/// the first ones by number. 0 while the sampler is busy.
///
/// # Safety
/// `sampler` is NULL or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_sampler_started(sampler: *const rwt_sampler) -> u32 {
    let mut count = 0;
    let _ = guard(|| {
        // SAFETY: NULL or a live handle, the caller's word.
        let sampler = unsafe { sampler.as_ref() }.ok_or_else(|| Failure::null("sampler"))?;
        count = sampler.lock()?.samples.iter().flatten().count() as u32;
        Ok(())
    });
    count
}

/// How many chains were finished. 0 while the sampler is busy.
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

/// The sample of one chain, n floats in [channels, height, width].
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
            let count = results.samples.iter().flatten().count();
            let sample = results.samples.get(chain as usize).and_then(Option::as_ref);
            let sample = sample.ok_or_else(|| {
                Failure::argument(format!("chain must be below {count}, the chains that began; found {chain}"))
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

/// Free a sampler; NULL is allowed. No call of it may be under way.
///
/// # Safety
/// `sampler` is NULL or a live handle, which is dead afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_sampler_free(sampler: *mut rwt_sampler) {
    if !sampler.is_null() {
        // SAFETY: made by Box::into_raw, freed once by the caller's word.
        let handle = unsafe { Box::from_raw(sampler) };
        let _ = guard(|| {
            drop(handle);
            Ok(())
        });
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
