//! A sampler: chains of one problem, their mean and their standard deviation.

use crate::budget::{Demand, Spread};
use crate::collector::Results;
use crate::denoiser::{Shared, rwt_denoiser};
use crate::evaluator::check_shape;
use crate::operator::{Measurement, rwt_operator};
use crate::options;
use crate::progress::rwt_progress_fn;
use crate::run;
use crate::sampler_options::rwt_sampler_options;
use crate::status::{Failure, guard, rwt_status, rwt_status_code::*};
use std::ffi::{c_char, c_void};
use std::path::Path;
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
    pub(crate) unsafe fn read(
        sampler: *const Self,
        out: *mut f32,
        n: usize,
        read: impl FnOnce(&mut Results, &mut [f32]) -> Result<(), Failure>,
    ) -> rwt_status {
        guard(|| {
            // SAFETY: NULL or a live handle, the caller's word.
            let sampler = unsafe { sampler.as_ref() }.ok_or_else(|| Failure::null("sampler"))?;
            if n != sampler.len() {
                return Err(Failure::argument(format!("n must be {} elements, found {n}", sampler.len())));
            }
            // SAFETY: n floats, the caller's word.
            let out = unsafe { options::slice_mut("out", out, n)? };
            let mut results = sampler.lock()?;
            if results.averaged == 0 {
                return Err(Failure::new(RWT_ERR_NO_SAMPLES, "there is no sample yet: call rwt_sampler_run first"));
            }
            read(&mut results, out)
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
        let options = options.resolve(&denoiser.shared.info, operator.map(|a| &*a.shared))?;
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
        run::run(sampler, y, None, (progress, user), &mut results)
    })
}

/// The same in a folder, which is made if it is not there: every sample is written there when it is finished, as
/// sample-NNNNNNNN.npy by its chain's number (numpy's format, [channels, height, width], float32), and on cancelling and every
/// checkpoint_seconds where each unfinished walk stands. What the folder has is not drawn again, so an interrupted run
/// goes on where it stood, and one of more chains goes on with those that are missing: to the bit as if it had not been
/// interrupted, if the engine itself gives the same bits again (on a CPU they do; another kind of machine may not). Walks
/// without an operator begin anew. Several processes may use the folder at a time, each for chains of its own (first_chain).
///
/// RWT_ERR_ARGUMENT if the folder is of another run (run.txt in it says of which), RWT_ERR_IO if it cannot be used. Cancelling
/// takes effect after at most two evaluations, when the walks stand between two levels. The denoiser is asked once more
/// than needed, to tell whether it is the same.
///
/// # Safety
/// As rwt_sampler_run; `folder` is a string that ends with 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_sampler_run_in(
    sampler: *const rwt_sampler,
    folder: *const c_char,
    y: *const f32,
    n: usize,
    progress: rwt_progress_fn,
    user: *mut c_void,
) -> rwt_status {
    guard(|| {
        // SAFETY: NULL or a live handle; n floats; a string; the caller's word.
        let (sampler, y, folder) =
            unsafe { (sampler.as_ref(), options::slice("y", y, n)?, options::text("folder", folder)?) };
        let sampler = sampler.ok_or_else(|| Failure::null("sampler"))?;
        let folder = folder.ok_or_else(|| Failure::null("folder"))?;
        let mut results = sampler.lock()?;
        sampler.cancel.store(false, Ordering::Relaxed);
        run::run(sampler, y, Some(Path::new(folder)), (progress, user), &mut results)
    })
}

/// Cancel the run under way, if any: it returns RWT_ERR_CANCELLED within one evaluation, in a
/// folder within two. Any thread may call this.
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
