//! The text of the last error: of each thread its own, or, without std, a fixed text for the last status.

pub(crate) use kept::{pointer, remember};

#[cfg(feature = "std")]
mod kept {
    use crate::status::Failure;
    use std::cell::RefCell;
    use std::ffi::{CString, c_char};

    thread_local! {
        static LAST_ERROR: RefCell<CString> = RefCell::default();
    }

    pub(crate) fn remember(failure: &Failure) {
        let text = CString::new(failure.text.replace('\0', " ")).unwrap_or_default();
        let _ = LAST_ERROR.try_with(|last| *last.borrow_mut() = text);
    }

    pub(crate) fn pointer() -> *const c_char {
        LAST_ERROR.try_with(|last| last.borrow().as_ptr()).unwrap_or(c"".as_ptr())
    }
}

#[cfg(not(feature = "std"))]
mod kept {
    use crate::status::{Failure, rwt_status_code::*};
    use core::ffi::c_char;
    use core::sync::atomic::{AtomicI32, Ordering};

    static LAST_CODE: AtomicI32 = AtomicI32::new(RWT_OK as i32);

    pub(crate) fn remember(failure: &Failure) {
        LAST_CODE.store(failure.code as i32, Ordering::Relaxed);
    }

    pub(crate) fn pointer() -> *const c_char {
        const ARGUMENT: i32 = RWT_ERR_ARGUMENT as i32;
        const CAPACITY: i32 = RWT_ERR_CAPACITY as i32;
        const UNSUPPORTED: i32 = RWT_ERR_UNSUPPORTED as i32;
        const NOT_FINITE: i32 = RWT_ERR_NOT_FINITE as i32;
        match LAST_CODE.load(Ordering::Relaxed) {
            ARGUMENT => c"a pointer is NULL, a number is out of range, or an array has the wrong length",
            CAPACITY => c"the caller's array is too short",
            UNSUPPORTED => c"an option struct of a newer header sets what this library does not know",
            NOT_FINITE => c"NaN or infinity in x or in what the denoiser returned",
            _ => c"",
        }
        .as_ptr()
    }
}
