//! Structs that may grow: their first member is their size as the caller knows it.

use crate::status::{Failure, rwt_status_code::RWT_ERR_UNSUPPORTED};
#[cfg(feature = "std")]
use core::ffi::{CStr, c_char};

/// A struct that begins with `struct_size` and is valid for every bit pattern.
///
/// # Safety
/// The type is `repr(C)`, starts with a `usize` that is its size, holds only numbers and raw pointers, and has no padding.
pub(crate) unsafe trait SizedStruct: Copy {
    /// The defaults, with `struct_size` = size_of::<Self>().
    fn defaults() -> Self;
}

/// Write the defaults into the caller's struct of `size` bytes.
///
/// # Safety
/// `to` is NULL or points to `size` writable bytes.
pub(crate) unsafe fn write<T: SizedStruct>(to: *mut T, size: usize, values: T) -> Result<(), Failure> {
    if to.is_null() {
        return Err(Failure::null("the struct to fill"));
    }
    if size < size_of::<usize>() {
        return Err(Failure::argument(format_args!("struct_size must be sizeof the struct, found {size}")));
    }
    let known = size.min(size_of::<T>());
    // SAFETY: the caller owns `size` bytes at `to`; values is plain data of size_of::<T>() bytes.
    unsafe {
        core::ptr::write_bytes(to.cast::<u8>(), 0, size);
        core::ptr::copy_nonoverlapping((&raw const values).cast::<u8>(), to.cast::<u8>(), known);
        to.cast::<usize>().write(size);
    }
    Ok(())
}

/// Read the caller's struct: defaults for what an older caller lacks, an error for what a newer caller sets.
///
/// # Safety
/// `from` is NULL or points to a struct whose first member is its size in bytes.
pub(crate) unsafe fn read<T: SizedStruct>(from: *const T) -> Result<T, Failure> {
    let mut values = T::defaults();
    if from.is_null() {
        return Ok(values);
    }
    // SAFETY: the first member is a usize.
    let size = unsafe { from.cast::<usize>().read() };
    if size < size_of::<usize>() || size > 1 << 16 {
        return Err(Failure::argument(format_args!(
            "struct_size is {size}: fill the struct with its _init function first"
        )));
    }
    // SAFETY: the caller says that `size` bytes are there.
    let bytes = unsafe { core::slice::from_raw_parts(from.cast::<u8>(), size) };
    let known = size.min(size_of::<T>());
    if bytes.iter().skip(known).any(|b| *b != 0) {
        let text =
            format_args!("the struct has {size} bytes and sets options beyond the {known} that this library knows");
        return Err(Failure::new(RWT_ERR_UNSUPPORTED, text));
    }
    // SAFETY: T is valid for every bit pattern; `known` bytes fit both.
    unsafe { core::ptr::copy_nonoverlapping(from.cast::<u8>(), (&raw mut values).cast::<u8>(), known) };
    Ok(values)
}

/// A shared slice from C; empty for n = 0.
///
/// # Safety
/// `pointer` is NULL or points to n values that nobody writes meanwhile.
pub(crate) unsafe fn slice<'a, T>(name: &str, pointer: *const T, n: usize) -> Result<&'a [T], Failure> {
    check(name, pointer, n)?;
    // SAFETY: not NULL, aligned, and n values long by the caller's word.
    Ok(if n == 0 { &[] } else { unsafe { core::slice::from_raw_parts(pointer, n) } })
}

/// A mutable slice from C; empty for n = 0.
///
/// # Safety
/// `pointer` is NULL or points to n initialised values that nobody else touches meanwhile.
pub(crate) unsafe fn slice_mut<'a, T>(name: &str, pointer: *mut T, n: usize) -> Result<&'a mut [T], Failure> {
    check(name, pointer, n)?;
    // SAFETY: not NULL, aligned, and n values long by the caller's word.
    Ok(if n == 0 { &mut [] } else { unsafe { core::slice::from_raw_parts_mut(pointer, n) } })
}

/// A string from C.
///
/// # Safety
/// `text` is NULL or a string that ends with 0.
#[cfg(feature = "std")]
pub(crate) unsafe fn text<'a>(name: &str, text: *const c_char) -> Result<Option<&'a str>, Failure> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, ends with 0 by the caller's word.
    let text = unsafe { CStr::from_ptr(text) }.to_str();
    text.map(Some).map_err(|_| Failure::argument(format_args!("{name} is not UTF-8")))
}

fn check<T>(name: &str, pointer: *const T, n: usize) -> Result<(), Failure> {
    if n > 0 && pointer.is_null() {
        return Err(Failure::null(name));
    }
    if !pointer.is_aligned() {
        return Err(Failure::argument(format_args!("{name} is not aligned to {} bytes", align_of::<T>())));
    }
    match n.checked_mul(size_of::<T>()) {
        Some(bytes) if bytes <= isize::MAX as usize => Ok(()),
        _ => Err(Failure::argument(format_args!("{name} cannot have {n} elements"))),
    }
}
