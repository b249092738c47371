//! A plan as text.

use crate::options;
use crate::status::{Failure, guard, rwt_status, rwt_status_code::RWT_ERR_CAPACITY};
use rwt_core::{Step, Walk};
use std::ffi::c_char;
use std::fmt::{self, Write};

/// Print a plan of count rows into out as text that ends with 0: a table to read, or comma-separated values if csv is
/// not 0. sigmas is a network's training table of n increasing levels, for a column with the network's times; NULL and 0:
/// no such column. *needed (may be NULL) is the size of the text with its 0, also for RWT_ERR_CAPACITY, when out holds
/// the text's beginning; out may be NULL with capacity 0 to ask for the size.
///
/// # Safety
/// `steps` points to `count` rows, `sigmas` to `n` doubles, `out` to `capacity` bytes, `needed` to a size_t.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_plan_print(
    steps: *const Step,
    count: usize,
    sigmas: *const f64,
    n: usize,
    csv: i32,
    out: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> rwt_status {
    guard(|| {
        // SAFETY: the caller's word, as documented.
        let (steps, sigmas, out) = unsafe {
            (
                options::slice("steps", steps, count)?,
                options::slice("sigmas", sigmas, n)?,
                options::slice_mut("out", out.cast::<u8>(), capacity)?,
            )
        };
        let times = if n == 0 { None } else { Some(rwt_core::TimeMap::new(sigmas, rwt_core::Outside::Refuse)?) };
        let table = Walk::new(steps)?.table(times);
        let mut text = Text { out, length: 0 };
        // a Text takes everything
        let _ = if csv == 0 { write!(text, "{table}") } else { write!(text, "{}", table.csv()) };
        let length = text.end();
        // SAFETY: NULL or a size_t, the caller's word.
        if let Some(needed) = unsafe { needed.as_mut() } {
            *needed = length;
        }
        if length <= capacity || capacity == 0 {
            return Ok(());
        }
        Err(Failure::new(RWT_ERR_CAPACITY, format!("the text has {length} bytes, room was given for {capacity}")))
    })
}

/// Text in the caller's bytes; what does not fit is counted only.
struct Text<'a> {
    out: &'a mut [u8],
    length: usize,
}

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.out.len().saturating_sub(self.length);
        let fits = room.min(text.len());
        let start = self.length.min(self.out.len());
        self.out[start..start + fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.length += text.len();
        Ok(())
    }
}

impl Text<'_> {
    /// End with 0; the whole length with it.
    fn end(self) -> usize {
        let last = self.out.len().saturating_sub(1).min(self.length);
        if let Some(byte) = self.out.get_mut(last) {
            *byte = 0;
        }
        self.length + 1
    }
}
