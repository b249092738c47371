//! Operators made of others. They share them: a handle may be freed as soon as another is made of it.

use crate::operator::{Kind, Measurement, rwt_operator};
use crate::options;
use crate::status::{Failure, guard, rwt_status};
use rwt_core::Operator;
use rwt_operators::{Blocks, Composed, Scaled, Stacked, Weighted};
use std::sync::{Arc, Mutex};

/// The operator that first applies `before`, then `after` to what that measured: after's images have as many elements as
/// before's measurements.
///
/// # Safety
/// The operators are live handles; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_compose(
    after: *const rwt_operator,
    before: *const rwt_operator,
    out: *mut *mut rwt_operator,
) -> rwt_status {
    guard(|| {
        let said = Said::default();
        // SAFETY: NULL or live handles, the caller's word.
        let (after, before) = unsafe { (said.hold("after", after)?, said.hold("before", before)?) };
        let (shape, gap) = (before.operator.shape, before.operator.gap.max(after.operator.gap));
        // SAFETY: the caller's word, as documented.
        unsafe { said.hand_over(out, shape, gap, || Ok(Composed::new(after, before)?)) }
    })
}

/// Two measurements of the same image, the second behind the first.
///
/// # Safety
/// The operators are live handles; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_stack(
    first: *const rwt_operator,
    second: *const rwt_operator,
    out: *mut *mut rwt_operator,
) -> rwt_status {
    guard(|| {
        let said = Said::default();
        // SAFETY: NULL or live handles, the caller's word.
        let (first, second) = unsafe { (said.hold("first", first)?, said.hold("second", second)?) };
        let (shape, other, gap) = (first.operator.shape, second.operator.shape, first.operator.gap);
        if shape != other {
            let text = format!("first and second must have images of the same shape, found {shape:?} and {other:?}");
            return Err(Failure::argument(text));
        }
        countable([&first, &second].map(Operator::measurement_len).into_iter())?;
        let gap = gap.min(second.operator.gap);
        // SAFETY: the caller's word, as documented.
        unsafe { said.hand_over(out, shape, gap, || Ok(Stacked::new(first, second)?)) }
    })
}

/// The operator times a number, which is finite and not 0.
///
/// # Safety
/// `operator` is a live handle; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_scale(
    operator: *const rwt_operator,
    factor: f32,
    out: *mut *mut rwt_operator,
) -> rwt_status {
    guard(|| {
        let said = Said::default();
        // SAFETY: NULL or a live handle, the caller's word.
        let operator = unsafe { said.hold("operator", operator)? };
        let (shape, gap) = (operator.operator.shape, operator.operator.gap);
        // SAFETY: the caller's word, as documented.
        unsafe { said.hand_over(out, shape, gap, || Ok(Scaled::new(operator, factor)?)) }
    })
}

/// Operators side by side: the first sees the image's first channels, the next those behind, and so on, and their
/// measurements lie one behind the other. All see the same height and width; the image has as many channels as they have
/// together. A handle may be given several times: an operator for one channel, three times, is one for a picture of three.
///
/// # Safety
/// `operators` points to count live handles; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_blocks(
    operators: *const *const rwt_operator,
    count: usize,
    out: *mut *mut rwt_operator,
) -> rwt_status {
    guard(|| {
        let said = Said::default();
        // SAFETY: the caller's word, as documented.
        let operators = unsafe { options::slice("operators", operators, count)? };
        // SAFETY: NULL or live handles, the caller's word.
        let hold = |(k, &operator)| unsafe { said.hold(&format!("operators[{k}]"), operator) };
        let held: Vec<_> = operators.iter().enumerate().map(hold).collect::<Result<_, _>>()?;
        let (shape, gap) = side_by_side(&held)?;
        // SAFETY: the caller's word, as documented.
        unsafe { said.hand_over(out, shape, gap, || Ok(Blocks::new(held)?)) }
    })
}

/// The operator with a weight for each of its measurements, diag(w) A: with w = eta / eta_i for measurements whose noise has
/// the standard deviation eta_i, y multiplied by the weights and eta in the sampler's options, the posterior is the right
/// one. 0 leaves a measurement out. The weights, m = rwt_operator_measurement_len floats, are copied; the operator may be
/// freed afterwards.
///
/// # Safety
/// `operator` is a live handle, `weights` points to m floats; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_weighted(
    operator: *const rwt_operator,
    weights: *const f32,
    m: usize,
    out: *mut *mut rwt_operator,
) -> rwt_status {
    guard(|| {
        let said = Said::default();
        // SAFETY: NULL or a live handle, the caller's word; the same for the weights.
        let (operator, weights) = unsafe { (said.hold("operator", operator)?, options::slice("weights", weights, m)?) };
        let (shape, gap) = (operator.operator.shape, operator.operator.gap);
        // SAFETY: the caller's word, as documented.
        unsafe { said.hand_over(out, shape, gap, || Ok(Weighted::new(operator, weights)?)) }
    })
}

/// The shape of an image that has the parts' channels one behind the other, and the widest gap.
fn side_by_side(parts: &[Held]) -> Result<([usize; 3], usize), Failure> {
    let [_, height, width] = parts.first().map_or([0; 3], |first| first.operator.shape);
    let (mut channels, mut gap) = (0_usize, 0);
    for (k, part) in parts.iter().enumerate() {
        let [own, rows, columns] = part.operator.shape;
        if [rows, columns] != [height, width] {
            return Err(Failure::argument(format!(
                "operators[{k}] must have images of {height} x {width}, as operators[0], found {rows} x {columns}"
            )));
        }
        channels = channels.saturating_add(own);
        gap = gap.max(part.operator.gap);
    }
    countable(parts.iter().map(Operator::image_len))?;
    countable(parts.iter().map(Operator::measurement_len))?;
    Ok(([channels, height, width], gap))
}

/// Can all their elements be counted?
fn countable(mut lengths: impl Iterator<Item = usize>) -> Result<(), Failure> {
    let sum = lengths.try_fold(0_usize, |sum, length| sum.checked_add(length));
    sum.map(|_| ()).ok_or_else(|| Failure::argument("together the operators have more elements than can be counted"))
}

/// What a callback somewhere inside said when it failed.
#[derive(Default)]
struct Said(Arc<Mutex<Option<String>>>);

impl Said {
    /// Share a handle's operator.
    ///
    /// # Safety
    /// `operator` is NULL or a live handle.
    unsafe fn hold(&self, name: &str, operator: *const rwt_operator) -> Result<Held, Failure> {
        // SAFETY: the caller's word.
        let operator = unsafe { operator.as_ref() }.ok_or_else(|| Failure::null(name))?.shared.clone();
        Ok(Held { operator, said: self.0.clone() })
    }

    /// Make a handle and hand it over.
    ///
    /// # Safety
    /// `out` is NULL or points to a pointer.
    unsafe fn hand_over<A: Operator + Send + Sync + 'static>(
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
struct Held {
    operator: Arc<Measurement>,
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
