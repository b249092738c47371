//! What tests ask: how often what was called, and what is to fail.

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int};
use std::sync::{Mutex, PoisonError};

#[derive(Default)]
struct Control {
    counters: HashMap<String, u64>,
    /// Call, calls until then (0 for all), status.
    failures: Vec<(String, u64, c_int)>,
}

static CONTROL: Mutex<Option<Control>> = Mutex::new(None);

fn with<T>(body: impl FnOnce(&mut Control) -> T) -> T {
    body(CONTROL.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// A function that says 0 or an error: counted, made to fail where a test wants it.
pub fn call(name: &str, body: impl FnOnce() -> Result<(), c_int>) -> c_int {
    let due = with(|control| {
        *control.counters.entry(name.to_owned()).or_default() += 1;
        for failure in control.failures.iter_mut().filter(|failure| failure.0 == name && failure.1 > 1) {
            failure.1 -= 1;
            if failure.1 == 1 {
                return None; // the next one
            }
        }
        let place = control.failures.iter().position(|failure| failure.0 == name && failure.1 <= 1)?;
        let status = control.failures[place].2;
        if control.failures[place].1 == 1 {
            control.failures.remove(place);
        }
        Some(status)
    });
    match due {
        Some(status) => status,
        None => body().err().unwrap_or(0),
    }
}

/// Count something that is no call.
pub fn count(name: &str) {
    with(|control| *control.counters.entry(name.to_owned()).or_default() += 1);
}

/// A number from the environment.
pub fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// How often this function was called, or this was done.
///
/// # Safety
/// `name` is a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mock_library_counter(name: *const c_char) -> u64 {
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
    with(|control| control.counters.get(name.as_ref()).copied().unwrap_or(0))
}

/// Let the `from_now`-th next call of this function (1 for the next one, 0 for all) fail with this status, undone.
///
/// # Safety
/// `name` is a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mock_library_fail(name: *const c_char, from_now: u64, status: c_int) {
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned();
    with(|control| control.failures.push((name, from_now, status)));
}
