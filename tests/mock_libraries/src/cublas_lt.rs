//! cuBLASLt's functions.

use crate::control::{call, setting};
use crate::numbers::Kind;
use crate::objects::{give, take_back};
use crate::product::{Algorithm, Matrix, Multiply};
use std::ffi::{c_char, c_int, c_void};

pub const INVALID_VALUE: c_int = 7;
pub const EXECUTION_FAILED: c_int = 13;
pub const NOT_SUPPORTED: c_int = 15;

/// `cublasLtMatmulHeuristicResult_t`.
#[repr(C)]
pub struct Heuristic {
    algorithm: Algorithm,
    workspace: usize,
    state: c_int,
    waves: f32,
    reserved: [c_int; 4],
}

/// Whether the factors are transposed.
#[derive(Clone, Copy, Default)]
pub struct Description(pub [bool; 2]);

pub struct Preference {
    workspace: u64,
    reduction: u32,
    /// Bytes, of A, B, C and D.
    alignment: [u32; 4],
}

/// # Safety
/// NULL, or made by this library as this type.
unsafe fn at<'a, T>(pointer: *const c_void) -> Result<&'a T, c_int> {
    // SAFETY: the caller's promise.
    unsafe { pointer.cast::<T>().as_ref() }.ok_or(INVALID_VALUE)
}

/// # Safety
/// As for [`at`].
unsafe fn at_mut<'a, T>(pointer: *mut c_void) -> Result<&'a mut T, c_int> {
    // SAFETY: the caller's promise.
    unsafe { pointer.cast::<T>().as_mut() }.ok_or(INVALID_VALUE)
}

macro_rules! destroyed {
    ($($destroy:ident: $type:ty;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $destroy(it: *mut c_void) -> c_int {
            // SAFETY: made by its counterpart, and taken back once.
            unsafe { take_back::<$type>(stringify!($destroy), it) }
        }
    )*};
}

destroyed! {
    cublasLtDestroy: u64;
    cublasLtMatmulDescDestroy: Description;
    cublasLtMatrixLayoutDestroy: Matrix;
    cublasLtMatmulPreferenceDestroy: Preference;
}

#[unsafe(no_mangle)]
extern "C" fn cublasLtGetVersion() -> usize {
    setting("RWT_MOCK_CUBLASLT", 120_804)
}

#[unsafe(no_mangle)]
extern "C" fn cublasLtGetStatusString(_: c_int) -> *const c_char {
    c"the mock's refusal".as_ptr()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cublasLtCreate(place: *mut *mut c_void) -> c_int {
    // SAFETY: the caller's place for a pointer.
    call("cublasLtCreate", || unsafe { give(place, 0_u64) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cublasLtMatmulDescCreate(place: *mut *mut c_void, compute: c_int, scale: c_int) -> c_int {
    call("cublasLtMatmulDescCreate", || {
        if (compute, scale) != (68, 0) {
            return Err(NOT_SUPPORTED); // anything but f32 with factors in f32, TF32 too
        }
        // SAFETY: the caller's place for a pointer.
        unsafe { give(place, Description::default()) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cublasLtMatmulDescSetAttribute(
    it: *mut c_void,
    attribute: c_int,
    value: *const c_int,
    size: usize,
) -> c_int {
    call("cublasLtMatmulDescSetAttribute", || {
        let (3 | 4, 4) = (attribute, size) else { return Err(INVALID_VALUE) };
        // SAFETY: a description of ours, and four bytes.
        let (it, value) = unsafe { (at_mut::<Description>(it)?, value.read_unaligned()) };
        it.0[(attribute - 3) as usize] = value == 1;
        if value <= 1 { Ok(()) } else { Err(NOT_SUPPORTED) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cublasLtMatrixLayoutCreate(
    place: *mut *mut c_void,
    data: c_int,
    rows: u64,
    columns: u64,
    leading: i64,
) -> c_int {
    call("cublasLtMatrixLayoutCreate", || {
        let kind = match data {
            0 => Kind::F32,
            14 => Kind::Bf16,
            _ => return Err(NOT_SUPPORTED),
        };
        let leading = u64::try_from(leading).map_err(|_| INVALID_VALUE)?;
        if rows == 0 || columns == 0 || leading < rows {
            return Err(INVALID_VALUE);
        }
        // SAFETY: the caller's place for a pointer.
        unsafe { give(place, Matrix { kind, rows, columns, leading, batches: 1, batch: 0 }) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cublasLtMatrixLayoutSetAttribute(
    it: *mut c_void,
    attribute: c_int,
    value: *const c_void,
    size: usize,
) -> c_int {
    call("cublasLtMatrixLayoutSetAttribute", || {
        // SAFETY: a layout of ours, and as many bytes as are said.
        unsafe {
            let it = at_mut::<Matrix>(it)?;
            match (attribute, size) {
                (5, 4) => it.batches = value.cast::<i32>().read_unaligned() as u64,
                (6, 8) => it.batch = value.cast::<i64>().read_unaligned() as u64,
                _ => return Err(INVALID_VALUE),
            }
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cublasLtMatmulPreferenceCreate(place: *mut *mut c_void) -> c_int {
    call("cublasLtMatmulPreferenceCreate", || {
        // SAFETY: the caller's place for a pointer.
        unsafe { give(place, Preference { workspace: 0, reduction: 7, alignment: [256; 4] }) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cublasLtMatmulPreferenceSetAttribute(
    it: *mut c_void,
    attribute: c_int,
    value: *const c_void,
    size: usize,
) -> c_int {
    call("cublasLtMatmulPreferenceSetAttribute", || {
        // SAFETY: a preference of ours, and as many bytes as are said.
        unsafe {
            let it = at_mut::<Preference>(it)?;
            match (attribute, size) {
                (1, 8) => it.workspace = value.cast::<u64>().read_unaligned(),
                (3, 4) => it.reduction = value.cast::<u32>().read_unaligned(),
                (5..=8, 4) => it.alignment[(attribute - 5) as usize] = value.cast::<u32>().read_unaligned(),
                _ => return Err(INVALID_VALUE),
            }
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cublasLtMatmulAlgoGetHeuristic(
    _: *mut c_void,
    description: *const c_void,
    a: *const c_void,
    b: *const c_void,
    c: *const c_void,
    d: *const c_void,
    preference: *const c_void,
    requested: c_int,
    results: *mut Heuristic,
    returned: *mut c_int,
) -> c_int {
    call("cublasLtMatmulAlgoGetHeuristic", || {
        // SAFETY: descriptors of ours, and room for as many results as are asked for.
        unsafe {
            let multiply = Multiply::new(*at(description)?, [*at(a)?, *at(b)?, *at(c)?, *at(d)?])?;
            let Preference { workspace, reduction, alignment } = *at::<Preference>(preference)?;
            if reduction & !2 != 0 || workspace < 4096 {
                return Err(NOT_SUPPORTED); // parts of sums would be added in another order, or rounded
            }
            let found = [(NOT_SUPPORTED, 0), (0, 1 << 50), (0, 4096)]; // the third is the one
            let count = found.len().min(requested.max(0) as usize);
            for (number, (state, bytes)) in found.into_iter().take(count).enumerate() {
                let algorithm = multiply.algorithm(bytes, alignment);
                let workspace = bytes as usize;
                results.add(number).write(Heuristic { algorithm, workspace, state, waves: 1.0, reserved: [0; 4] });
            }
            returned.write(count as c_int);
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cublasLtMatmul(
    handle: *mut c_void,
    description: *const c_void,
    alpha: *const f32,
    a_at: u64,
    a: *const c_void,
    b_at: u64,
    b: *const c_void,
    beta: *const f32,
    c_at: u64,
    c: *const c_void,
    d_at: u64,
    d: *const c_void,
    algorithm: *const Algorithm,
    workspace: u64,
    bytes: usize,
    stream: u64,
) -> c_int {
    call("cublasLtMatmul", || {
        // SAFETY: descriptors of ours, and the caller's numbers.
        unsafe {
            at::<u64>(handle)?;
            let multiply = Multiply::new(*at(description)?, [*at(a)?, *at(b)?, *at(c)?, *at(d)?])?;
            let algorithm = algorithm.as_ref().ok_or(INVALID_VALUE)?;
            let places = [a_at, b_at, c_at, d_at];
            multiply.enqueue(stream, [*alpha, *beta], places, algorithm, workspace, bytes as u64)
        }
    })
}
