//! Level 1: the training tables of networks, and the time of a noise level on them.

use crate::options;
use crate::status::{Failure, guard, rwt_status, zeros};
use rwt_core::vp::Betas;
use rwt_core::{Outside, TimeMap};

/// How a variance-preserving process is given.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum rwt_vp_kind {
    /** beta linear from first to last (DDPM: 1e-4, 0.02). */
    RWT_VP_LINEAR = 0,
    /** sqrt(beta) linear from first to last (latent diffusion: 0.00085, 0.012). */
    RWT_VP_SCALED_LINEAR = 1,
    /** Squared cosine of Nichol and Dhariwal 2021; first and last have no meaning. */
    RWT_VP_COSINE = 2,
}

/// Write the n increasing noise levels sigma_t = sqrt((1 - alpha_bar_t)/alpha_bar_t), t = 0 .. n - 1, that a network of
/// a variance-preserving process was trained on. kind is one of rwt_vp_kind.
///
/// # Safety
/// `sigmas` points to n doubles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_vp_table(kind: i32, first: f64, last: f64, sigmas: *mut f64, n: usize) -> rwt_status {
    guard(|| {
        let betas = match kind {
            0 => Betas::Linear { first, last },
            1 => Betas::ScaledLinear { first, last },
            2 => Betas::Cosine,
            other => return Err(Failure::argument(format!("kind must be one of rwt_vp_kind, found {other}"))),
        };
        // SAFETY: the caller's word, as documented.
        fill(unsafe { options::slice_mut("sigmas", sigmas, n)? }, |out| betas.sigmas(out))
    })
}

/// The same for explicit values: n betas, or, if are_alpha_bars is not 0, n decreasing alpha_bars.
///
/// # Safety
/// `values` and `sigmas` point to n doubles each and do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_vp_table_of(
    values: *const f64,
    are_alpha_bars: i32,
    sigmas: *mut f64,
    n: usize,
) -> rwt_status {
    guard(|| {
        // SAFETY: the caller's word, as documented.
        let (values, sigmas) =
            unsafe { (options::slice("values", values, n)?, options::slice_mut("sigmas", sigmas, n)?) };
        let betas = if are_alpha_bars == 0 { Betas::List(values) } else { Betas::AlphaBars(values) };
        fill(sigmas, |out| betas.sigmas(out))
    })
}

/// The fractional time of a noise level on a network's training table of n increasing levels, linear in ln sigma, into
/// *time. Outside the table: RWT_ERR_ARGUMENT, or the nearest end if clamp is not 0.
///
/// # Safety
/// `sigmas` points to n doubles, `time` to a double.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_table_time(
    sigmas: *const f64,
    n: usize,
    sigma: f64,
    clamp: i32,
    time: *mut f64,
) -> rwt_status {
    guard(|| {
        if time.is_null() {
            return Err(Failure::null("time"));
        }
        // SAFETY: the caller's word, as documented.
        let found = unsafe { map(sigmas, n, clamp)? }.time(sigma)?;
        // SAFETY: not NULL, the caller's word.
        unsafe { *time = found };
        Ok(())
    })
}

/// Write count >= 2 decreasing levels at equal steps of time, from the table's last level to its first.
///
/// # Safety
/// `sigmas` points to n doubles, `levels` to `count` doubles that do not overlap them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_table_levels(sigmas: *const f64, n: usize, levels: *mut f64, count: usize) -> rwt_status {
    guard(|| {
        // SAFETY: the caller's word, as documented.
        let (map, levels) = unsafe { (map(sigmas, n, 0)?, options::slice_mut("levels", levels, count)?) };
        fill(levels, |out| map.levels(out))
    })
}

/// For a network that takes integer times only: move the *count decreasing levels to the table's nearest, drop those that
/// meet, and write how many are left into *count. Outside the table as in rwt_table_time.
///
/// # Safety
/// `sigmas` points to n doubles, `count` to a size_t, `levels` to *count doubles; none of them overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_table_snap(
    sigmas: *const f64,
    n: usize,
    clamp: i32,
    levels: *mut f64,
    count: *mut usize,
) -> rwt_status {
    guard(|| {
        // SAFETY: NULL or a size_t, the caller's word.
        let count = unsafe { count.as_mut() }.ok_or_else(|| Failure::null("count"))?;
        // SAFETY: the caller's word, as documented.
        let (map, levels) = unsafe { (map(sigmas, n, clamp)?, options::slice_mut("levels", levels, *count)?) };
        *count = map.snap(levels)?;
        Ok(())
    })
}

/// Write into out only if all of it can be written.
pub(crate) fn fill(
    out: &mut [f64],
    write: impl FnOnce(&mut [f64]) -> Result<(), rwt_core::Error>,
) -> Result<(), Failure> {
    let mut values = zeros(out.len())?;
    write(&mut values)?;
    out.copy_from_slice(&values);
    Ok(())
}

/// # Safety
/// `sigmas` is NULL or points to n doubles.
unsafe fn map<'a>(sigmas: *const f64, n: usize, clamp: i32) -> Result<TimeMap<'a>, Failure> {
    let outside = if clamp == 0 { Outside::Refuse } else { Outside::Clamp };
    // SAFETY: the caller's word.
    Ok(TimeMap::new(unsafe { options::slice("sigmas", sigmas, n)? }, outside)?)
}
