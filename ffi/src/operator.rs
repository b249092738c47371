//! What was measured of an image.

use crate::mask::MaskData;
use crate::noise_model::Noise;
use crate::options;
use crate::status::{Failure, guard, rwt_status, rwt_status_code::*, zeros};
use rwt_core::Operator;
use std::sync::{Arc, Mutex};

/// A linear measurement operator; immutable, can be shared between threads and samplers.
pub struct rwt_operator {
    pub(crate) shared: Arc<Measurement>,
}

/// An operator for images of a shape.
pub(crate) struct Measurement {
    pub kind: Kind,
    /// channels, height, width
    pub shape: [usize; 3],
    /// How many pixels wide the widest region is that the measurement says next to nothing of.
    pub gap: usize,
    /// What a callback said when it failed.
    pub failure: Arc<Mutex<Option<String>>>,
    /// How what it measures scatters.
    pub noise: Noise,
}

pub(crate) enum Kind {
    Mask(MaskData),
    /// With what it takes to make it anew on a device.
    #[cfg_attr(not(feature = "cuda"), allow(dead_code))] // a device alone reads it
    Diagonal(Box<dyn Operator + Send + Sync>, Diagonal),
    Other(Box<dyn Operator + Send + Sync>),
}

/// Operators that are diagonal in Fourier space.
#[cfg_attr(not(feature = "cuda"), allow(dead_code))] // only a device makes them anew
pub(crate) enum Diagonal {
    /// A blur that wraps around.
    Blur { kernel: Vec<f32>, size: [usize; 2] },
    /// Coefficients of one coil.
    Fourier { mask: Vec<u8> },
}

impl Measurement {
    /// A new handle, checked against the shape.
    pub(crate) fn handle(
        kind: Kind,
        shape: [usize; 3],
        gap: usize,
        failure: Arc<Mutex<Option<String>>>,
    ) -> Result<*mut rwt_operator, Failure> {
        let shared = Arc::new(Self { kind, shape, gap, failure, noise: Noise::Gaussian });
        Ok(Box::into_raw(Box::new(rwt_operator { shared })))
    }

    /// The measurement as the walk takes it: finite, and zero where a mask keeps nothing.
    pub(crate) fn measured(&self, y: &[f32]) -> Result<Vec<f32>, Failure> {
        let expected = self.measurement_len();
        if y.len() != expected {
            return Err(Failure::argument(format!("y must have {expected} elements, found {}", y.len())));
        }
        if let Kind::Mask(mask) = &self.kind {
            return mask.measured(y);
        }
        if let Some(i) = y.iter().position(|value| !value.is_finite()) {
            return Err(Failure::new(RWT_ERR_NOT_FINITE, format!("y is {} at element {i}", y[i])));
        }
        let mut own = zeros(expected)?;
        own.copy_from_slice(y);
        Ok(own)
    }

    fn inner(&self) -> &dyn Operator {
        self.kind.operator()
    }
}

impl Kind {
    pub(crate) fn operator(&self) -> &dyn Operator {
        match self {
            Kind::Mask(mask) => mask,
            Kind::Diagonal(operator, _) | Kind::Other(operator) => &**operator,
        }
    }
}

impl Operator for Measurement {
    fn image_len(&self) -> usize {
        self.inner().image_len()
    }

    fn measurement_len(&self) -> usize {
        self.inner().measurement_len()
    }

    fn scratch_len(&self) -> usize {
        self.inner().scratch_len()
    }

    fn apply(&self, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        self.inner().apply(x, y, scratch);
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], scratch: &mut [f32]) {
        self.inner().adjoint(y, x, scratch);
    }

    fn norm(&self) -> f64 {
        self.inner().norm()
    }

    fn solve_len(&self) -> usize {
        self.inner().solve_len()
    }

    fn solve(&self, noise_variance: f64, q: f64, r: &mut [f32], scratch: &mut [f32]) -> f64 {
        self.inner().solve(noise_variance, q, r, scratch)
    }
}

/// What rwt_operator_check found.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rwt_operator_report {
    /** sizeof(rwt_operator_report). */
    pub struct_size: usize,
    /** The largest |<A x, y> - <x, A' y>| over (|A x| |y| + |x| |A' y|), for random x and y. */
    pub adjoint_error: f64,
    /** The norm of A by power iteration. */
    pub norm: f64,
    /** The bound of the norm that the operator works with. */
    pub norm_bound: f64,
}

// SAFETY: repr(C), numbers only, without padding.
unsafe impl options::SizedStruct for rwt_operator_report {
    fn defaults() -> Self {
        Self { struct_size: size_of::<Self>(), adjoint_error: 0.0, norm: 0.0, norm_bound: 0.0 }
    }
}

/// Test an operator on random arrays: that its adjoint is one, that the norm is what it says, that all is finite.
/// RWT_ERR_OPERATOR with what is wrong. report may be NULL; size is sizeof *report.
///
/// # Safety
/// `operator` is a live handle; `report` is NULL or points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_check(
    operator: *const rwt_operator,
    report: *mut rwt_operator_report,
    size: usize,
) -> rwt_status {
    guard(|| {
        // SAFETY: NULL or a live handle, the caller's word.
        let operator = unsafe { operator.as_ref() }.ok_or_else(|| Failure::null("operator"))?;
        let found = check(&operator.shared)?;
        // SAFETY: the caller's word, as documented.
        if report.is_null() { Ok(()) } else { unsafe { options::write(report, size, found) } }
    })
}

pub(crate) fn check(operator: &Measurement) -> Result<rwt_operator_report, Failure> {
    use options::SizedStruct;
    let mut workspace = zeros(rwt_core::check_len(operator))?;
    let found = rwt_core::check_operator(operator, &mut workspace);
    if let Some(said) = operator.failure.lock().ok().and_then(|mut failure| failure.take()) {
        return Err(Failure::new(RWT_ERR_OPERATOR, said));
    }
    let found = found.map_err(|error| Failure::new(RWT_ERR_OPERATOR, error.to_string()))?;
    let (adjoint_error, norm, norm_bound) = (found.adjoint_error, found.norm, operator.norm());
    Ok(rwt_operator_report { adjoint_error, norm, norm_bound, ..rwt_operator_report::defaults() })
}

/// The elements of a measurement; 0 for NULL.
///
/// # Safety
/// `operator` is NULL or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_measurement_len(operator: *const rwt_operator) -> usize {
    // SAFETY: NULL or a live handle, the caller's word.
    unsafe { operator.as_ref() }.map_or(0, |operator| operator.shared.measurement_len())
}

/// y = A x: x has n elements, those of an image, y has m, those of a measurement.
///
/// # Safety
/// `operator` is a live handle; `x` points to n floats, `y` to m that nobody else touches.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_apply(
    operator: *const rwt_operator,
    x: *const f32,
    n: usize,
    y: *mut f32,
    m: usize,
) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    guard(|| unsafe { run(operator, ("x", x, n), ("y", y, m), false) })
}

/// x = A' y, the adjoint.
///
/// # Safety
/// `operator` is a live handle; `y` points to m floats, `x` to n that nobody else touches.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_adjoint(
    operator: *const rwt_operator,
    y: *const f32,
    m: usize,
    x: *mut f32,
    n: usize,
) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    guard(|| unsafe { run(operator, ("y", y, m), ("x", x, n), true) })
}

/// # Safety
/// A live handle, arrays of their lengths.
unsafe fn run(
    operator: *const rwt_operator,
    (from_name, from, from_len): (&str, *const f32, usize),
    (to_name, to, to_len): (&str, *mut f32, usize),
    is_adjoint: bool,
) -> Result<(), Failure> {
    // SAFETY: NULL or a live handle, the caller's word.
    let operator = &unsafe { operator.as_ref() }.ok_or_else(|| Failure::null("operator"))?.shared;
    let lengths = [operator.image_len(), operator.measurement_len()];
    let [expected_from, expected_to] = if is_adjoint { [lengths[1], lengths[0]] } else { lengths };
    for (name, expected, found) in [(from_name, expected_from, from_len), (to_name, expected_to, to_len)] {
        if found != expected {
            return Err(Failure::argument(format!("{name} must have {expected} elements, found {found}")));
        }
    }
    // SAFETY: the caller's word.
    let (from, to) = unsafe { (options::slice(from_name, from, from_len)?, options::slice_mut(to_name, to, to_len)?) };
    let mut scratch = zeros(operator.scratch_len())?;
    if is_adjoint {
        operator.adjoint(from, to, &mut scratch);
    } else {
        operator.apply(from, to, &mut scratch);
    }
    match operator.failure.lock().ok().and_then(|mut failure| failure.take()) {
        Some(said) => Err(Failure::new(RWT_ERR_OPERATOR, said)),
        None => Ok(()),
    }
}

/// Free an operator; NULL is allowed. Samplers that use it go on.
///
/// # Safety
/// `operator` is NULL or a live handle, which is dead afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_free(operator: *mut rwt_operator) {
    if !operator.is_null() {
        // SAFETY: made by Box::into_raw, freed once by the caller's word.
        drop(unsafe { Box::from_raw(operator) });
    }
}
