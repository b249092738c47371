//! Level 1: levels, rows and the update on the caller's arrays. No handle, no heap, no callback.

use crate::options::{self, SizedStruct};
use crate::status::{Failure, guard, rwt_status};
use rwt_core::recipes::{self, DdpmVariance, Temperature};
use rwt_core::{Schedule, Step};

/// How noise levels fall.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum rwt_schedule_kind {
    /** Equal ratios (the default). */
    RWT_SCHEDULE_GEOMETRIC = 0,
    /** Equal differences. */
    RWT_SCHEDULE_LINEAR = 1,
    /** Karras et al. 2022 with rho. */
    RWT_SCHEDULE_KARRAS = 2,
    /** Sigmoid, start 0, end 3, temperature 0.3. */
    RWT_SCHEDULE_SIGMOID = 3,
}

/// Which sampler a plan is.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum rwt_recipe {
    /** DPM-Solver++(2M), an SDE with churn lambda (the default). */
    RWT_RECIPE_MULTISTEP = 0,
    /** DDIM with eta. */
    RWT_RECIPE_DDIM = 1,
    /** DDPM with the variance beta. */
    RWT_RECIPE_DDPM_LARGE = 2,
    /** DDPM with the variance of the forward posterior. */
    RWT_RECIPE_DDPM_SMALL = 3,
    /** Look-ahead with epsilon; two rows a level. */
    RWT_RECIPE_LOOK_AHEAD = 4,
    /** The simple rule with epsilon and a linear ramp of temperatures. */
    RWT_RECIPE_SIMPLE = 5,
    /** The simple rule with epsilon and the temperature that keeps the marginals. */
    RWT_RECIPE_MARGINAL_PRESERVING = 6,
}

/// Options of rwt_schedule and rwt_plan; fill with rwt_plan_options_init first.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rwt_plan_options {
    /** sizeof(rwt_plan_options). */
    pub struct_size: usize,
    /** One of rwt_recipe. */
    pub recipe: i32,
    /** One of rwt_schedule_kind. */
    pub schedule: i32,
    /** First noise level. */
    pub sigma_max: f64,
    /** Last noise level. */
    pub sigma_min: f64,
    /** Exponent of the Karras levels. */
    pub rho: f64,
    /** Step size over sigma^2 of the simple rule and of look-ahead, in (0, 2). */
    pub epsilon: f64,
    /** eta of DDIM, in [0, 1]. */
    pub eta: f64,
    /** Churn of the multistep recipe, at least 0; 0 is the ODE. */
    pub lambda: f64,
    /** First temperature of the simple rule (1: Langevin at a fixed level; 1/2: one reverse-SDE step). */
    pub temperature_first: f64,
    /** Last temperature of the simple rule. */
    pub temperature_last: f64,
}

// SAFETY: repr(C), numbers only, 8 + 4 + 4 + 8·8 bytes without padding.
unsafe impl SizedStruct for rwt_plan_options {
    fn defaults() -> Self {
        Self {
            struct_size: size_of::<Self>(),
            recipe: rwt_recipe::RWT_RECIPE_MULTISTEP as i32,
            schedule: rwt_schedule_kind::RWT_SCHEDULE_GEOMETRIC as i32,
            sigma_max: 20.0,
            sigma_min: 0.01,
            rho: 7.0,
            epsilon: 1.0,
            eta: 0.0,
            lambda: 0.25,
            temperature_first: 0.0,
            temperature_last: 1.0,
        }
    }
}

impl rwt_plan_options {
    fn schedule(&self) -> Result<Schedule, Failure> {
        let (sigma_max, sigma_min) = (self.sigma_max, self.sigma_min);
        Ok(match self.schedule {
            0 => Schedule::Geometric { sigma_max, sigma_min },
            1 => Schedule::Linear { sigma_max, sigma_min },
            2 => Schedule::Karras { sigma_max, sigma_min, rho: self.rho },
            3 => Schedule::sigmoid(sigma_max, sigma_min),
            other => {
                return Err(Failure::argument(format!("schedule must be one of rwt_schedule_kind, found {other}")));
            }
        })
    }

    fn rows(&self, levels: &[f64], rows: &mut [Step]) -> Result<usize, Failure> {
        let ramp = Temperature::Linear { first: self.temperature_first, last: self.temperature_last };
        Ok(match self.recipe {
            0 => recipes::multistep(levels, self.lambda, rows),
            1 => recipes::ddim(levels, self.eta, rows),
            2 => recipes::ddpm(levels, DdpmVariance::Large, rows),
            3 => recipes::ddpm(levels, DdpmVariance::Small, rows),
            4 => recipes::look_ahead(levels, self.epsilon, rows),
            5 => recipes::simple(levels, self.epsilon, ramp, rows),
            6 => recipes::simple(levels, self.epsilon, Temperature::MarginalPreserving, rows),
            other => return Err(Failure::argument(format!("recipe must be one of rwt_recipe, found {other}"))),
        }?)
    }
}

/// Write the defaults into *options; size is sizeof *options.
///
/// # Safety
/// `options` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_plan_options_init(options: *mut rwt_plan_options, size: usize) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    guard(|| unsafe { options::write(options, size, rwt_plan_options::defaults()) })
}

/// Write n >= 2 decreasing noise levels into levels. options may be NULL: the defaults.
///
/// # Safety
/// `options` is NULL or was initialised; `levels` points to n doubles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_schedule(options: *const rwt_plan_options, levels: *mut f64, n: usize) -> rwt_status {
    guard(|| {
        // SAFETY: the caller's word, as documented.
        let (options, levels) = unsafe { (options::read(options)?, options::slice_mut("levels", levels, n)?) };
        Ok(options.schedule()?.levels(levels)?)
    })
}

/// Write the rows of a plan over n decreasing levels into steps, and how many into *count. With steps NULL and
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
        let needed = if options.recipe == rwt_recipe::RWT_RECIPE_LOOK_AHEAD as i32 { 2 * n } else { n + 1 };
        let fits = needed <= capacity;
        let result = options.rows(levels, if fits { rows } else { &mut [] });
        match result {
            Err(failure) if fits || failure.code != crate::status::rwt_status_code::RWT_ERR_CAPACITY => {
                return Err(failure);
            }
            // SAFETY: not NULL, the caller's word.
            _ => unsafe { *count = needed },
        }
        if fits || steps.is_null() { Ok(()) } else { Err(rwt_core::Error::Capacity { needed, capacity }.into()) }
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
        rwt_core::Walk::new(&[Step { previous: 0.0, ..step }])?; // alone, a row cannot know of the one before
        if !step.previous.is_finite() {
            return Err(rwt_core::Error::Row { row: 0, name: "previous", found: step.previous }.into());
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

/// Write n elements of standard normal noise, draw number draw of (seed, chain), into out.
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
