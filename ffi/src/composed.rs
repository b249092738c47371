//! Operators made of others. They share them: a handle may be freed as soon as another is made of it.

use crate::held::{Held, Said};
use crate::operator::rwt_operator;
use crate::options;
use crate::status::{Failure, guard, rwt_status};
use rwt_core::Operator;
use rwt_operators::{Blocks, Composed, Scaled, Stacked, Weighted};

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
