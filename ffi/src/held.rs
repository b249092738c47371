//! Other operators, shared by those that are made of them.

use crate::noise_model::Noise;
use crate::operator::{Kind, Measurement, rwt_operator};
use crate::status::Failure;
use rwt_core::Operator;
use std::sync::{Arc, Mutex};

/// What a callback somewhere inside said when it failed.
#[derive(Default)]
pub(crate) struct Said(pub(crate) Arc<Mutex<Option<String>>>);

impl Said {
    /// Share a handle's operator.
    ///
    /// # Safety
    /// `operator` is NULL or a live handle.
    pub(crate) unsafe fn hold(&self, name: &str, operator: *const rwt_operator) -> Result<Held, Failure> {
        // SAFETY: the caller's word.
        let operator = unsafe { operator.as_ref() }.ok_or_else(|| Failure::null(name))?.shared.clone();
        if !matches!(operator.noise, Noise::Gaussian) {
            let text =
                format!("{name} has a likelihood of its own: give that to the operator that is made of it, last");
            return Err(Failure::argument(text));
        }
        Ok(Held { operator, said: self.0.clone() })
    }

    /// Make a handle and hand it over.
    ///
    /// # Safety
    /// `out` is NULL or points to a pointer.
    #[cfg_attr(not(feature = "operators"), expect(dead_code))]
    pub(crate) unsafe fn hand_over<A: Operator + Send + Sync + 'static>(
        &self,
        out: *mut *mut rwt_operator,
        shape: [usize; 3],
        gap: usize,
        make: impl FnOnce() -> Result<A, Failure>,
    ) -> Result<(), Failure> {
        if out.is_null() {
            return Err(Failure::null("out"));
        }
        let handle = Measurement::handle(Kind::Other(Box::new(make()?)), shape, gap, self.0.clone())?;
        // SAFETY: not NULL, the caller's word.
        unsafe { *out = handle };
        Ok(())
    }
}

/// Another handle's operator.
pub(crate) struct Held {
    pub(crate) operator: Arc<Measurement>,
    said: Arc<Mutex<Option<String>>>,
}

impl Held {
    /// Hand on what a callback said, if one did.
    fn hand_on(&self) {
        if let Some(text) = self.operator.failure.lock().ok().and_then(|mut inner| inner.take())
            && let Ok(mut said) = self.said.lock()
        {
            *said = Some(text);
        }
    }
}

impl Operator for Held {
    fn image_len(&self) -> usize {
        self.operator.image_len()
    }

    fn measurement_len(&self) -> usize {
        self.operator.measurement_len()
    }

    fn scratch_len(&self) -> usize {
        self.operator.scratch_len()
    }

    fn apply(&self, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        self.operator.apply(x, y, scratch);
        self.hand_on();
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], scratch: &mut [f32]) {
        self.operator.adjoint(y, x, scratch);
        self.hand_on();
    }

    fn norm(&self) -> f64 {
        self.operator.norm()
    }

    fn solve_len(&self) -> usize {
        self.operator.solve_len()
    }

    fn solve(&self, noise_variance: f64, q: f64, r: &mut [f32], scratch: &mut [f32]) -> f64 {
        let left = self.operator.solve(noise_variance, q, r, scratch);
        self.hand_on();
        left
    }
}
