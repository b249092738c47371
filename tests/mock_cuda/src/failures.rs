//! Calls that fail because a test wants it.

use crate::code::Code;
use crate::state;
use std::ffi::{CStr, CString, c_char};

#[derive(Default)]
pub struct Failures(Vec<Planned>);

struct Planned {
    call: String,
    /// Calls until then; 1 for the next one.
    from_now: u64,
    code: Code,
}

impl Failures {
    /// The error with which this call is to fail.
    pub fn due(&mut self, call: &str) -> Option<Code> {
        for planned in self.0.iter_mut().filter(|planned| planned.call == call) {
            planned.from_now -= 1;
        }
        let due = self.0.iter().position(|planned| planned.from_now == 0)?;
        Some(self.0.swap_remove(due).code)
    }
}

/// Let the `from_now`-th next call of this function of the driver fail with this error, and not be done.
///
/// # Safety
/// `call` is a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mock_fail(call: *const c_char, from_now: u64, code: u32) {
    // SAFETY: the caller's promise.
    let call = unsafe { CStr::from_ptr(call) }.to_string_lossy().into_owned();
    state::with(|state| state.failures.0.push(Planned { call, from_now: from_now.max(1), code: Code(code) }));
}

/// What the newest error was about, into `text` of `size` bytes; its whole length.
///
/// # Safety
/// `text` has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mock_message(text: *mut c_char, size: usize) -> usize {
    let message = state::with(|state| CString::new(state.message.replace('\0', "")).unwrap_or_default());
    let bytes = message.as_bytes_with_nul();
    if size > 0 {
        let len = bytes.len().min(size) - 1;
        // SAFETY: the caller's promise; len < size.
        unsafe {
            text.copy_from_nonoverlapping(bytes.as_ptr().cast(), len);
            text.add(len).write(0);
        }
    }
    bytes.len() - 1
}
