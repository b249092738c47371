//! What the libraries make for their callers, and take back.

use crate::control::{call, count};
use std::ffi::{c_int, c_void};

/// # Safety
/// A place for a pointer.
pub unsafe fn give<T>(place: *mut *mut c_void, it: T) -> Result<(), c_int> {
    // SAFETY: the caller's promise.
    unsafe { place.write(Box::into_raw(Box::new(it)).cast()) };
    count("made");
    Ok(())
}

/// The work of the function of this name.
///
/// # Safety
/// Given as this type, and taken back once.
pub unsafe fn take_back<T>(name: &str, it: *mut c_void) -> c_int {
    call(name, || {
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(it.cast::<T>()) });
        count("returned");
        Ok(())
    })
}
