//! Operators that the library has: images are [channels, height, width].

use crate::matrix::Matrix;
use crate::operator::{Diagonal, Kind, Measurement, rwt_operator};
use crate::options;
use crate::status::{Failure, guard, rwt_status, zeros};
use rwt_core::{Dense, Operator};
use rwt_operators::{Averages, Convolution, Fourier, PeriodicBlur, Phase, Radon, Separable, Sparse};

/// Make a handle and hand it over.
///
/// # Safety
/// `out` is NULL or points to a pointer.
unsafe fn hand_over<A: Operator + Send + Sync + 'static>(
    out: *mut *mut rwt_operator,
    shape: [usize; 3],
    gap: usize,
    make: impl FnOnce() -> Result<A, Failure>,
) -> rwt_status {
    // SAFETY: the caller's word.
    unsafe { hand_over_kind(out, shape, gap, || Ok(Kind::Other(Box::new(make()?)))) }
}

/// # Safety
/// `out` is NULL or points to a pointer.
unsafe fn hand_over_kind(
    out: *mut *mut rwt_operator,
    shape: [usize; 3],
    gap: usize,
    make: impl FnOnce() -> Result<Kind, Failure>,
) -> rwt_status {
    guard(|| {
        if out.is_null() {
            return Err(Failure::null("out"));
        }
        let kind = make()?;
        let operator = kind.operator();
        let expected = shape.iter().try_fold(1_usize, |n, &size| n.checked_mul(size));
        if expected != Some(operator.image_len()) {
            let [channels, height, width] = shape;
            let found = operator.image_len();
            let text = format!("the operator has images of {found} elements, not {channels} x {height} x {width}");
            return Err(Failure::argument(text));
        }
        let handle = Measurement::handle(kind, shape, gap, Default::default())?;
        // SAFETY: not NULL, the caller's word.
        unsafe { *out = handle };
        Ok(())
    })
}

/// Means of blocks of factor x factor pixels; the measurement is [channels, height / factor, width / factor]. Height and
/// width must be multiples of the factor.
///
/// # Safety
/// `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_average(
    channels: usize,
    height: usize,
    width: usize,
    factor: usize,
    out: *mut *mut rwt_operator,
) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    unsafe { hand_over(out, [channels, height, width], factor, || Ok(Averages::new(channels, height, width, factor)?)) }
}

/// Bicubic downsampling with antialiasing, as image libraries do it (Pillow's numbers); the measurement is [channels,
/// height / factor, width / factor]. Height and width must be multiples of the factor.
///
/// # Safety
/// `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_bicubic(
    channels: usize,
    height: usize,
    width: usize,
    factor: usize,
    out: *mut *mut rwt_operator,
) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    unsafe {
        hand_over(out, [channels, height, width], factor, || Ok(Separable::bicubic(channels, height, width, factor)?))
    }
}

/// A convolution of every channel by a kernel [kernel_height, kernel_width], both odd, whose middle is the pixel itself;
/// the measurement has the image's shape. periodic 0: outside of the image are zeros; else what leaves on one side comes
/// in on the other, which has a closed form and is faster. The kernel is copied.
///
/// # Safety
/// `kernel` points to kernel_height * kernel_width floats; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_blur(
    channels: usize,
    height: usize,
    width: usize,
    kernel: *const f32,
    kernel_height: usize,
    kernel_width: usize,
    periodic: u32,
    out: *mut *mut rwt_operator,
) -> rwt_status {
    let (shape, size) = ([channels, height, width], [kernel_height, kernel_width]);
    let gap = kernel_height.max(kernel_width) / 2;
    // SAFETY: the caller's word, as documented.
    let kernel = || unsafe { options::slice("kernel", kernel, kernel_height.saturating_mul(kernel_width)) };
    // SAFETY: the same.
    unsafe {
        if periodic == 0 {
            hand_over(out, shape, gap, || Ok(Convolution::new(channels, height, width, kernel()?, size)?))
        } else {
            hand_over_kind(out, shape, gap, || {
                let kernel = kernel()?;
                let blur = Box::new(PeriodicBlur::new(channels, height, width, kernel, size)?);
                Ok(Kind::Diagonal(blur, Diagonal::Blur { kernel: kernel.to_vec(), size }))
            })
        }
    }
}

/// Unitary Fourier coefficients of a complex image, [2, height, width] with the real part first, where
/// mask[height * width] is not 0: magnetic resonance imaging on a grid. The measurement is [coils, 2, height, width], zero
/// where nothing was measured, with the frequency zero at row 0, column 0; eta is the noise of the real and of the
/// imaginary part each: where a complex normal noise is told by its variance E|e|^2, that is split over the parts and is
/// 2 eta^2. sensitivities is [coils, 2, height, width], or NULL for one coil (then coils is 1), which has a
/// closed form. Both are copied.
///
/// # Safety
/// `mask` points to height * width bytes, `sensitivities` is NULL or points to its floats; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_fourier(
    height: usize,
    width: usize,
    mask: *const u8,
    sensitivities: *const f32,
    coils: usize,
    out: *mut *mut rwt_operator,
) -> rwt_status {
    let make = || {
        let pixels = height.saturating_mul(width);
        // SAFETY: the caller's word, as documented.
        let mask = unsafe { options::slice("mask", mask, pixels)? };
        if sensitivities.is_null() {
            return if coils == 1 {
                let fourier = Box::new(Fourier::new(height, width, mask)?);
                Ok(Kind::Diagonal(fourier, Diagonal::Fourier { mask: mask.to_vec() }))
            } else {
                Err(Failure::argument(format!("sensitivities is NULL: coils must be 1, found {coils}")))
            };
        }
        // SAFETY: the same.
        let sensitivities =
            unsafe { options::slice("sensitivities", sensitivities, pixels.saturating_mul(2).saturating_mul(coils))? };
        Ok(Kind::Other(Box::new(Fourier::with_coils(height, width, mask, sensitivities)?)))
    };
    // SAFETY: the same.
    unsafe { hand_over_kind(out, [2, height, width], height.max(width) / 8, make) }
}

/// A real image, [1, height, width], as a complex one, [2, height, width] with the real part first: multiplied by
/// exp(i phase), as the image of a magnetic resonance scan is before the correction of its phase. phase[height * width] is
/// in radians and copied; NULL for 0 everywhere. Composed with rwt_operator_fourier, the scan of a real image.
///
/// # Safety
/// `phase` is NULL or points to height * width floats; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_phase(
    height: usize,
    width: usize,
    phase: *const f32,
    out: *mut *mut rwt_operator,
) -> rwt_status {
    let make = || {
        if phase.is_null() {
            return Ok(Phase::none(height, width)?);
        }
        // SAFETY: the caller's word, as documented.
        Ok(Phase::new(height, width, unsafe { options::slice("phase", phase, height.saturating_mul(width))? })?)
    };
    // SAFETY: the same.
    unsafe { hand_over(out, [1, height, width], 0, make) }
}

/// Line integrals: tomography with parallel beams at `count` angles in radians; the measurement is [channels, count,
/// bins]. Bins are a pixel wide; a pixel at (x, y) from the image's middle, y down, falls on x cos + y sin from the
/// detector's middle. The angles are copied.
///
/// # Safety
/// `angles` points to `count` doubles; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_radon(
    channels: usize,
    height: usize,
    width: usize,
    angles: *const f64,
    count: usize,
    bins: usize,
    out: *mut *mut rwt_operator,
) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    unsafe {
        hand_over(out, [channels, height, width], height.max(width) / 8, || {
            Ok(Radon::new(channels, height, width, options::slice("angles", angles, count)?, bins)?)
        })
    }
}

/// A matrix [rows, channels * height * width], which is copied.
///
/// # Safety
/// `matrix` points to its floats; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_dense(
    matrix: *const f32,
    rows: usize,
    channels: usize,
    height: usize,
    width: usize,
    out: *mut *mut rwt_operator,
) -> rwt_status {
    let columns = channels.saturating_mul(height).saturating_mul(width);
    // SAFETY: the caller's word, as documented.
    unsafe {
        hand_over(out, [channels, height, width], height.max(width) / 8, || {
            let given = options::slice("matrix", matrix, rows.saturating_mul(columns))?;
            Dense::new(given, rows, columns)?;
            let mut own = zeros(given.len())?;
            own.copy_from_slice(given);
            Ok(Matrix { values: own, rows, columns })
        })
    }
}

/// A matrix in compressed rows: starts has rows + 1 elements, the first is 0; the values and columns of a row lie from its
/// start up to the next. Everything is copied.
///
/// # Safety
/// `starts` points to rows + 1 numbers, `columns` and `values` to as many as its last says; `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_operator_sparse(
    starts: *const usize,
    columns: *const u32,
    values: *const f32,
    rows: usize,
    channels: usize,
    height: usize,
    width: usize,
    out: *mut *mut rwt_operator,
) -> rwt_status {
    let length = channels.saturating_mul(height).saturating_mul(width);
    // SAFETY: the caller's word, as documented.
    unsafe {
        hand_over(out, [channels, height, width], height.max(width) / 8, || {
            let starts = options::slice("starts", starts, rows.saturating_add(1))?;
            let count = starts.last().copied().unwrap_or(0);
            let (columns, values) =
                (options::slice("columns", columns, count)?, options::slice("values", values, count)?);
            Ok(Sparse::new(length, starts, columns, values)?)
        })
    }
}
