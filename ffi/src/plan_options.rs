//! What a plan is made of: its levels and its rows, from a struct of numbers.

use crate::options::{self, SizedStruct};
use crate::status::{Failure, guard, rwt_status};
use rwt_core::recipes::paper::Paper;
use rwt_core::recipes::{self, Churn, DdpmVariance, Temperature};
use rwt_core::{Error, Schedule, Step};

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

/// Which sampler a plan is. The formulas are in the documentation of rwt_core::recipes.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum rwt_recipe {
    /** Second-order multistep, an SDE with churn lambda (the default). */
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
    /** NCSN's annealed Langevin dynamics with epsilon, reference and inner; it takes steps of
    epsilon/(2 reference^2) sigma^2, which must be below 2 sigma^2: set epsilon (2e-5 in the paper for 0.01). */
    RWT_RECIPE_NCSN = 7,
    /** Reverse-diffusion predictor of the VE-SDE. */
    RWT_RECIPE_VE_SDE = 8,
    /** Ancestral predictor of the VE-SDE. */
    RWT_RECIPE_VE_ANCESTRAL = 9,
    /** Reverse-diffusion predictor of the VP-SDE. */
    RWT_RECIPE_VP_SDE = 10,
    /** Euler steps of the probability flow in sigma^2 (in sigma: DDIM with eta 0). */
    RWT_RECIPE_EULER_IN_VARIANCE = 11,
    /** Karras et al. 2022, Euler steps with churn. */
    RWT_RECIPE_EDM_EULER = 12,
    /** Karras et al. 2022, Heun's method with churn. */
    RWT_RECIPE_EDM_HEUN = 13,
    /** Exponential SDE integrator with churn lambda. */
    RWT_RECIPE_EXPONENTIAL = 14,
    /** DPM-Solver++(2M) as published, an SDE with churn lambda. */
    RWT_RECIPE_DPM_SOLVER = 15,
    /** DDPM with the variances in list, one for each step, in the scale of the VP process. */
    RWT_RECIPE_DDPM_LIST = 16,
    /** The simple rule with epsilon and the temperatures in list, one for each step. */
    RWT_RECIPE_SIMPLE_LIST = 17,
    /** The simple rule as in the experiments of Park et al. 2025, quirks included: it starts from N(0, I), has no noise
    at the last level and ends there; temperature_last may exceed 1. */
    RWT_RECIPE_PAPER = 18,
    /** The forward process: the levels increase from 0 or more. */
    RWT_RECIPE_FORWARD = 19,
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
    /** Step size over sigma^2 of the simple rule (all its recipes) and of look-ahead, in (0, 2); NCSN's epsilon. */
    pub epsilon: f64,
    /** eta of DDIM, in [0, 1]. */
    pub eta: f64,
    /** Churn of the multistep, DPM-Solver and exponential recipes, at least 0; 0 is the ODE. */
    pub lambda: f64,
    /** First temperature of RWT_RECIPE_SIMPLE and _PAPER (1: Langevin at a fixed level; 1/2: one reverse-SDE step). */
    pub temperature_first: f64,
    /** Last temperature of RWT_RECIPE_SIMPLE, at most 1, and of _PAPER. */
    pub temperature_last: f64,
    /** NCSN's reference level; 0: the smallest level. */
    pub reference: f64,
    /** NCSN's steps at each level. */
    pub inner: u64,
    /** Karras' S_churn; 0: deterministic. */
    pub churn: f64,
    /** Karras' S_tmin. */
    pub churn_from: f64,
    /** Karras' S_tmax. */
    pub churn_to: f64,
    /** Karras' S_noise. */
    pub churn_noise: f64,
    /** Variances or temperatures of the steps, one fewer than the levels; else NULL. */
    pub list: *const f64,
    /** Elements of list. */
    pub list_count: usize,
}

// SAFETY: repr(C), numbers and one pointer, all of 8 bytes but two of 4 side by side: no padding on 64-bit targets.
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
            reference: 0.0,
            inner: 100,
            churn: 0.0,
            churn_from: 0.0,
            churn_to: f64::INFINITY,
            churn_noise: 1.0,
            list: core::ptr::null(),
            list_count: 0,
        }
    }
}

impl rwt_plan_options {
    pub(crate) fn schedule(&self) -> Result<Schedule, Failure> {
        let (sigma_max, sigma_min) = (self.sigma_max, self.sigma_min);
        Ok(match self.schedule {
            0 => Schedule::Geometric { sigma_max, sigma_min },
            1 => Schedule::Linear { sigma_max, sigma_min },
            2 => Schedule::Karras { sigma_max, sigma_min, rho: self.rho },
            3 => Schedule::sigmoid(sigma_max, sigma_min),
            other => {
                return Err(Failure::argument(format_args!(
                    "schedule must be one of rwt_schedule_kind, found {other}"
                )));
            }
        })
    }

    /// Write the rows over `levels`; `list` is what the options point to.
    pub(crate) fn rows(&self, levels: &[f64], list: &[f64], rows: &mut [Step]) -> Result<usize, Error> {
        let (first, last) = (self.temperature_first, self.temperature_last);
        let churn = Churn { amount: self.churn, from: self.churn_from, to: self.churn_to, noise: self.churn_noise };
        match self.recipe {
            0 => recipes::multistep(levels, self.lambda, rows),
            1 => recipes::ddim(levels, self.eta, rows),
            2 => recipes::ddpm(levels, DdpmVariance::Large, rows),
            3 => recipes::ddpm(levels, DdpmVariance::Small, rows),
            4 => recipes::look_ahead(levels, self.epsilon, rows),
            5 => recipes::simple(levels, self.epsilon, Temperature::Linear { first, last }, rows),
            6 => recipes::simple(levels, self.epsilon, Temperature::MarginalPreserving, rows),
            7 => {
                let reference = (self.reference != 0.0).then_some(self.reference);
                let inner = usize::try_from(self.inner).unwrap_or(usize::MAX);
                recipes::ncsn(levels, self.epsilon, reference, inner, rows)
            }
            8 => recipes::ve_sde(levels, rows),
            9 => recipes::ve_ancestral(levels, rows),
            10 => recipes::vp_sde(levels, rows),
            11 => recipes::euler_in_variance(levels, rows),
            12 => recipes::edm_euler(levels, churn, rows),
            13 => recipes::edm_heun(levels, churn, rows),
            14 => recipes::exponential(levels, self.lambda, rows),
            15 => recipes::dpm_solver(levels, self.lambda, rows),
            16 => recipes::ddpm(levels, DdpmVariance::List(list), rows),
            17 => recipes::simple(levels, self.epsilon, Temperature::List(list), rows),
            18 => Paper {
                schedule: None,
                steps: levels.len(),
                epsilon: self.epsilon,
                first_temperature: first,
                last_temperature: last,
            }
            .rows(levels, rows),
            19 => recipes::forward(levels, rows),
            other => Err(Error::Parameter { name: "recipe", expected: "one of rwt_recipe", found: f64::from(other) }),
        }
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
