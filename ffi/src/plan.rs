//! Level 1: levels, rows and the update on the caller's arrays. No handle, no heap, no callback.

use crate::options;
use crate::plan_options::rwt_plan_options;
use crate::status::{Failure, guard, rwt_status};
use rwt_core::{Error, Step, Walk};

/// Write n >= 2 decreasing noise levels into levels. options may be NULL: the defaults. A library without std may have
/// written levels that are too close to one another when it says so.
///
/// # Safety
/// `options` is NULL or was initialised; `levels` points to n doubles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_schedule(options: *const rwt_plan_options, levels: *mut f64, n: usize) -> rwt_status {
    guard(|| {
        // SAFETY: the caller's word, as documented.
        let (options, levels) = unsafe { (options::read(options)?, options::slice_mut("levels", levels, n)?) };
        let schedule = options.schedule()?;
        #[cfg(feature = "std")]
        return crate::table::fill(levels, |out| schedule.levels(out));
        #[cfg(not(feature = "std"))]
        Ok(schedule.levels(levels)?)
    })
}

/// Write the rows of a plan over n decreasing levels (increasing for RWT_RECIPE_FORWARD) into steps, and how many into *count. With steps NULL and
/// capacity 0 only *count is written. options may be NULL: the defaults. RWT_ERR_CAPACITY if steps is too short; then
/// too only *count is written.
///
/// # Safety
/// `options` is NULL or was initialised; `levels` points to n doubles, `steps` to `capacity` rows, `count` to a size_t.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_plan(
    options: *const rwt_plan_options,
    levels: *const f64,
    n: usize,
    steps: *mut Step,
    capacity: usize,
    count: *mut usize,
) -> rwt_status {
    guard(|| {
        if count.is_null() {
            return Err(Failure::null("count"));
        }
        // SAFETY: the caller's word, as documented; a Step is valid for every bit pattern.
        let (options, levels, rows) = unsafe {
            (
                options::read(options)?,
                options::slice("levels", levels, n)?,
                options::slice_mut("steps", steps, capacity)?,
            )
        };
        // Rows are only written when they fit, so that nothing is written on an error.
        // SAFETY: NULL or list_count doubles, the caller's word.
        let list = unsafe { options::slice("list", options.list, options.list_count)? };
        let needed = match options.rows(levels, list, &mut []) {
            Err(Error::Capacity { needed, .. }) => needed,
            other => other?,
        };
        // SAFETY: not NULL, the caller's word.
        unsafe { *count = needed };
        if needed > capacity && !steps.is_null() {
            return Err(Error::Capacity { needed, capacity }.into());
        }
        if needed <= capacity {
            options.rows(levels, list, rows)?;
        }
        Ok(())
    })
}

/// x <- step.x x + step.denoised denoised + step.previous previous + step.gradient gradient + step.noise n, in one
/// pass over the n elements of one chain; n is standard normal noise given by (seed, chain, step.draw). A term whose
/// coefficient is 0 is not read: its array may be NULL.
///
/// # Safety
/// `step` points to a row; `x` and every array whose coefficient is not 0 point to n floats; `x` overlaps none of them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_update(
    step: *const Step,
    seed: u64,
    chain: u64,
    n: usize,
    x: *mut f32,
    denoised: *const f32,
    previous: *const f32,
    gradient: *const f32,
) -> rwt_status {
    guard(|| {
        // SAFETY: NULL or a row, the caller's word.
        let step = *unsafe { step.as_ref() }.ok_or_else(|| Failure::null("step"))?;
        Walk::new(&[Step { previous: 0.0, ..step }])?; // alone, a row cannot know of the one before
        if !step.previous.is_finite() {
            return Err(Error::Row { row: 0, name: "previous", found: step.previous }.into());
        }
        let term = |name, coefficient: f64, array| {
            // SAFETY: the caller's word: n floats where the coefficient is not 0.
            if coefficient == 0.0 { Ok(&[][..]) } else { unsafe { options::slice(name, array, n) } }
        };
        // SAFETY: the caller's word: n floats that overlap nothing else. Uninitialised memory is the caller's fault.
        let x = unsafe { options::slice_mut("x", x, n)? };
        let denoised = term("denoised", step.denoised, denoised)?;
        let previous = term("previous", step.previous, previous)?;
        let gradient = term("gradient", step.gradient, gradient)?;
        Ok(rwt_core::update(&step, seed, chain, x, denoised, previous, gradient)?)
    })
}

/// Write n elements of standard normal noise, draw number draw of (seed, chain), into out. A sampler's chain c uses the draws
/// 0, 1, ... of (its seed, c), and so does rwt_update: to simulate a measurement take another seed, or a chain number
/// beyond all chains such as UINT32_MAX, or the samples know the noise. Of a plan's rows only those with the same draw share
/// their noise. Chains from 2^63 on are antithetic: 2^63 + c has the noise of chain c of an antithetic run.
///
/// # Safety
/// `out` points to n floats.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_noise(seed: u64, chain: u64, draw: u32, n: usize, out: *mut f32) -> rwt_status {
    guard(|| {
        // SAFETY: the caller's word, as documented.
        rwt_core::noise::fill(seed, chain, draw, 0, unsafe { options::slice_mut("out", out, n)? });
        Ok(())
    })
}
