//! An operator of the caller's.

use crate::denoiser_callback::rwt_release_fn;
use crate::noise_model::Noise;
use crate::operator::{Kind, Measurement, check, rwt_operator};
use crate::status::{Failure, guard, rwt_status, zeros};
use rwt_core::Operator;
use std::ffi::c_void;
use std::sync::{Arc, Mutex};

/// One direction of the caller's operator: read n_from floats, write n_to. Returns 0, or another status to stop the run.
/// It is called by one thread at a time, maybe not the one that made it; it must not unwind or longjmp.
pub type rwt_operator_fn = Option<
    unsafe extern "C" fn(user: *mut c_void, from: *const f32, n_from: usize, to: *mut f32, n_to: usize) -> rwt_status,
>;

type Call = unsafe extern "C" fn(*mut c_void, *const f32, usize, *mut f32, usize) -> rwt_status;

struct Callbacks {
    apply: Call,
    adjoint: Call,
    user: Arc<Mutex<User>>,
    image_len: usize,
    measurement_len: usize,
    norm: f64,
    failure: Arc<Mutex<Option<String>>>,
}

/// The caller's pointer, given back once.
pub(crate) struct User {
    pub(crate) pointer: *mut c_void,
    pub(crate) release: rwt_release_fn,
}

// SAFETY: the caller promises that user may be used from any one thread at a time; the mutex keeps that.
unsafe impl Send for User {}

impl Drop for User {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: the caller's function with the caller's pointer, once.
            unsafe { release(self.pointer) }
        }
    }
}

impl Callbacks {
    /// A failure is remembered, and seen by the walk as a number that is none.
    fn call(&self, name: &str, call: Call, from: &[f32], to: &mut [f32]) {
        let Ok(user) = self.user.lock() else { return to.fill(f32::NAN) };
        // SAFETY: the caller's function, with arrays of the lengths that it is told.
        let status = unsafe { call(user.pointer, from.as_ptr(), from.len(), to.as_mut_ptr(), to.len()) };
        if status != 0 {
            to.fill(f32::NAN);
            if let Ok(mut failure) = self.failure.lock() {
                failure.get_or_insert_with(|| format!("the operator's {name} returned status {status}"));
            }
        }
    }
}

impl Operator for Callbacks {
    fn image_len(&self) -> usize {
        self.image_len
    }

    fn measurement_len(&self) -> usize {
        self.measurement_len
    }

    fn apply(&self, x: &[f32], y: &mut [f32], _scratch: &mut [f32]) {
        self.call("apply", self.apply, x, y);
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], _scratch: &mut [f32]) {
        self.call("adjoint", self.adjoint, y, x);
    }

    fn norm(&self) -> f64 {
        self.norm
    }
}

/// An operator that calls the caller's functions, for images of channels x height x width and measurements of m
/// elements. norm is an upper bound of the largest singular value; 0: it is measured here, by power iteration. Unless
/// trusted is not 0, it is tested here as rwt_operator_check does; RWT_ERR_OPERATOR with what is wrong. release (may be
/// NULL) is called with user exactly once: when the operator and every sampler that uses it are freed; never if this call
/// fails.
///
/// # Safety
/// The functions keep their contract for as long as the operator lives; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_from_callbacks(
    channels: usize,
    height: usize,
    width: usize,
    m: usize,
    norm: f64,
    apply: rwt_operator_fn,
    adjoint: rwt_operator_fn,
    trusted: u32,
    user: *mut c_void,
    release: rwt_release_fn,
    out: *mut *mut rwt_operator,
) -> rwt_status {
    guard(|| {
        let apply = apply.ok_or_else(|| Failure::null("apply"))?;
        let adjoint = adjoint.ok_or_else(|| Failure::null("adjoint"))?;
        if out.is_null() {
            return Err(Failure::null("out"));
        }
        let image_len = channels.checked_mul(height).and_then(|n| n.checked_mul(width)).filter(|n| *n > 0);
        let image_len = image_len.ok_or_else(|| {
            Failure::argument(format!("an image cannot have {channels} x {height} x {width} elements"))
        })?;
        if m == 0 || !(norm >= 0.0 && norm.is_finite()) {
            return Err(Failure::argument(format!(
                "m must be above 0 and norm finite and not negative, found {m}, {norm}"
            )));
        }
        let failure = Arc::new(Mutex::new(None));
        // given back only by an operator that was handed over
        let held = Arc::new(Mutex::new(User { pointer: user, release: None }));
        let mut callbacks = Callbacks {
            apply,
            adjoint,
            user: held.clone(),
            image_len,
            measurement_len: m,
            norm: if norm == 0.0 { f64::MAX } else { norm },
            failure: failure.clone(),
        };
        if norm == 0.0 {
            let mut workspace = zeros(rwt_core::check_len(&callbacks))?;
            let found = rwt_core::check_operator(&callbacks, &mut workspace);
            let said = failure.lock().ok().and_then(|mut failure| failure.take());
            let refused = |text| Failure::new(crate::status::rwt_status_code::RWT_ERR_OPERATOR, text);
            if let Some(said) = said {
                return Err(refused(said));
            }
            callbacks.norm = 1.01 * found.map_err(|error| refused(error.to_string()))?.norm; // it is found from below
        }
        let gap = height.max(width) / 8;
        let kind = Kind::Other(Box::new(callbacks));
        let measurement = Measurement { kind, shape: [channels, height, width], gap, failure, noise: Noise::Gaussian };
        if trusted == 0 && norm != 0.0 {
            check(&measurement)?;
        }
        if let Ok(mut held) = held.lock() {
            held.release = release;
        }
        // SAFETY: not NULL, the caller's word.
        unsafe { *out = Box::into_raw(Box::new(rwt_operator { shared: Arc::new(measurement) })) };
        Ok(())
    })
}
