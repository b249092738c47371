//! How measurements scatter: counts, or what the caller says.

use crate::denoiser_callback::rwt_release_fn;
use crate::held::{Held, Said};
use crate::operator::{Kind, Measurement, rwt_operator};
use crate::operator_callback::User;
use crate::options;
use crate::status::{Failure, guard, rwt_status, zeros};
use rwt_core::{Likelihood, LogLikelihood, Operator, Poisson, Transmission};
use std::ffi::c_void;
use std::sync::{Arc, Mutex};

/// An operator's likelihood.
pub(crate) enum Noise {
    /// With the η of the sampler's options.
    Gaussian,
    Poisson {
        gain: f64,
        background: Vec<f32>,
    },
    Transmission {
        blank: Vec<f32>,
        background: Vec<f32>,
    },
    Own(Own),
}

impl Noise {
    /// `eta` is that of Gaussian noise.
    pub fn likelihood(&self, eta: f64) -> Likelihood<'_> {
        match self {
            Self::Gaussian => Likelihood::Gaussian { eta },
            Self::Poisson { gain, background } => Likelihood::Poisson(Poisson { gain: *gain, background }),
            Self::Transmission { blank, background } => Likelihood::Transmission(Transmission { blank, background }),
            Self::Own(own) => Likelihood::Own(own),
        }
    }
}

/// The caller's likelihood of m measurements y, given v = A x for an image x: write d ln p(y|v)/dv over v, and into information
/// for each measurement a positive number by which that changes (Fisher's information, the curvature, or an upper bound
/// of it; too large a number makes the walk timid, too small a one lets it overshoot). Returns 0, or another status to stop
/// the run. It is called by one thread at a time, maybe not the one that made it; it must not unwind or longjmp.
pub type rwt_likelihood_fn = Option<
    unsafe extern "C" fn(user: *mut c_void, y: *const f32, v: *mut f32, information: *mut f32, m: usize) -> rwt_status,
>;

/// The caller's likelihood.
pub(crate) struct Own {
    call: unsafe extern "C" fn(*mut c_void, *const f32, *mut f32, *mut f32, usize) -> rwt_status,
    user: Mutex<User>,
    largest: f64,
    failure: Arc<Mutex<Option<String>>>,
}

impl LogLikelihood for Own {
    /// A failure is remembered, and seen by the walk as a number that is none.
    fn derivatives(&self, y: &[f32], v: &mut [f32], information: &mut [f32]) {
        let Ok(user) = self.user.lock() else { return v.fill(f32::NAN) };
        // SAFETY: the caller's function, with arrays of the length that it is told.
        let status =
            unsafe { (self.call)(user.pointer, y.as_ptr(), v.as_mut_ptr(), information.as_mut_ptr(), y.len()) };
        if status != 0 {
            v.fill(f32::NAN);
            if let Ok(mut failure) = self.failure.lock() {
                failure.get_or_insert_with(|| format!("the likelihood returned status {status}"));
            }
        }
    }

    fn largest_information(&self) -> f64 {
        self.largest
    }
}

/// The operator, measured in counts: y ~ Poisson(gain (A x) + background), as in microscopy, emission tomography or low light.
/// background has one element for all measurements or one for each (count is 1 or m), not negative: what is counted
/// where A x is 0; for images on [-1, 1] that includes gain (A 1). Images that can be must have positive rates. A sampler
/// of it takes eta = 0. The array is copied; the operator may be freed afterwards.
///
/// # Safety
/// `operator` is a live handle; `background` points to count floats; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_poisson(
    operator: *const rwt_operator,
    gain: f64,
    background: *const f32,
    count: usize,
    out: *mut *mut rwt_operator,
) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    let make = |m: usize, _: &Said| unsafe {
        Ok(Noise::Poisson { gain, background: copy("background", background, count, m)? })
    };
    // SAFETY: the same.
    guard(|| unsafe { hand_over(operator, out, make).map(|_| ()) })
}

/// The operator, measured in counts behind an absorber: y ~ Poisson(blank exp(-A x) + background), as in tomography by X-rays;
/// A x is a line integral of the attenuation, without unit. blank is what is counted without an absorber, above 0;
/// background what is counted whatever it is, not negative; each has one element for all measurements or one for each (their
/// counts are 1 or m). For images on [-1, 1] of an attenuation c (x + 1), scale the operator by c (rwt_operator_scale) and
/// blank by exp(-c (A 1)). A sampler of it takes eta = 0. The arrays are copied; the operator may be freed afterwards.
///
/// # Safety
/// `operator` is a live handle; the arrays point to so many floats; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_transmission(
    operator: *const rwt_operator,
    blank: *const f32,
    blank_count: usize,
    background: *const f32,
    background_count: usize,
    out: *mut *mut rwt_operator,
) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    let make = |m: usize, _: &Said| unsafe {
        let blank = copy("blank", blank, blank_count, m)?;
        Ok(Noise::Transmission { blank, background: copy("background", background, background_count, m)? })
    };
    // SAFETY: the same.
    guard(|| unsafe { hand_over(operator, out, make).map(|_| ()) })
}

/// The operator with a likelihood of the caller's. information is about the largest that the function writes: the last noise
/// level is small against what it stands for. A sampler of it takes eta = 0. With a mask that keeps all, the likelihood
/// is one of the image itself. release (may be NULL) is called with user exactly once: when the operator and every sampler
/// that uses it are freed; never if this call fails.
///
/// # Safety
/// `operator` is a live handle; `likelihood` keeps its contract for as long as the operator lives; `out` points to a
/// pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_likelihood(
    operator: *const rwt_operator,
    likelihood: rwt_likelihood_fn,
    information: f64,
    user: *mut c_void,
    release: rwt_release_fn,
    out: *mut *mut rwt_operator,
) -> rwt_status {
    guard(|| {
        let call = likelihood.ok_or_else(|| Failure::null("likelihood"))?;
        let make = |_, said: &Said| {
            let user = Mutex::new(User { pointer: user, release: None });
            Ok(Noise::Own(Own { call, user, largest: information, failure: said.0.clone() }))
        };
        // SAFETY: the caller's word, as documented.
        let made = unsafe { hand_over(operator, out, make)? };
        if let Noise::Own(own) = &made.noise
            && let Ok(mut user) = own.user.lock()
        {
            user.release = release;
        }
        Ok(())
    })
}

/// Make a handle with a likelihood, checked, and hand it over.
///
/// # Safety
/// `operator` is NULL or a live handle, `out` NULL or points to a pointer.
unsafe fn hand_over(
    operator: *const rwt_operator,
    out: *mut *mut rwt_operator,
    make: impl FnOnce(usize, &Said) -> Result<Noise, Failure>,
) -> Result<Arc<Measurement>, Failure> {
    let said = Said::default();
    // SAFETY: the caller's word.
    let held: Held = unsafe { said.hold("operator", operator)? };
    if out.is_null() {
        return Err(Failure::null("out"));
    }
    let (shape, gap, m) = (held.operator.shape, held.operator.gap, held.measurement_len());
    let noise = make(m, &said)?;
    noise.likelihood(1.0).check(&zeros(m)?)?;
    let shared = Arc::new(Measurement { kind: Kind::Other(Box::new(held)), shape, gap, failure: said.0, noise });
    // SAFETY: not NULL, the caller's word.
    unsafe { *out = Box::into_raw(Box::new(rwt_operator { shared: shared.clone() })) };
    Ok(shared)
}

/// An array of one element or m.
///
/// # Safety
/// `array` is NULL or points to count floats.
unsafe fn copy(name: &str, array: *const f32, count: usize, m: usize) -> Result<Vec<f32>, Failure> {
    if count != 1 && count != m {
        return Err(Failure::argument(format!("{name} must have 1 or {m} elements, found {count}")));
    }
    // SAFETY: the caller's word.
    Ok(unsafe { options::slice(name, array, count)? }.to_vec())
}
