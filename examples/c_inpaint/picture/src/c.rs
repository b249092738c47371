//! The C functions of `picture.h`; their contracts are told there.

#![allow(clippy::missing_safety_doc)] // picture.h says what each pointer must be

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
#[cfg(unix)]
use std::os::unix::ffi::OsStringExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::ptr;

use crate::picture::{CHANNELS, Mask, Picture, check_size};
use crate::{Error, write_png};

const OK: i32 = 0;
const ERR_PANIC: i32 = 6;

/// `picture`: a picture that C owns; `pixels` is `channels * height * width` floats.
#[repr(C)]
#[derive(Debug)]
pub struct CPicture {
    channels: usize,
    height: usize,
    width: usize,
    was_grey: i32,
    pixels: *mut f32,
}

/// `picture_mask`: a mask that C owns; `measured` is `height * width` bytes.
#[repr(C)]
#[derive(Debug)]
pub struct CMask {
    height: usize,
    width: usize,
    measured: *mut u8,
}

/// Reads a PNG.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn picture_read(path: *const c_char, low: f32, high: f32, out: *mut CPicture) -> i32 {
    guard(|| {
        not_null(out, "out")?;
        // SAFETY: picture.h asks for a string that ends in NUL.
        let path = unsafe { to_path(path) }?;
        let picture = Picture::read(&path, low, high)?;
        // SAFETY: not NULL, and picture.h asks for a place for one picture; nothing is read from it.
        unsafe { out.write(give(picture)) };
        Ok(())
    })
}

/// Crops to the centred square, and shrinks it to at most `size` pixels a side.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn picture_square(picture: *mut CPicture, size: usize) -> i32 {
    guard(|| {
        not_null(picture, "picture")?;
        // SAFETY: not NULL, and picture.h asks for a picture that picture_read wrote.
        let held = unsafe { &mut *picture };
        not_null(held.pixels, "picture->pixels")?;
        let n = CHANNELS * held.height * held.width;
        // SAFETY: picture_read gave away exactly these floats.
        let pixels = unsafe { std::slice::from_raw_parts(held.pixels, n) }.to_vec();
        let (height, width, was_grey) = (held.height, held.width, held.was_grey != 0);
        let mut square = Picture { height, width, was_grey, pixels };
        square.square(size)?;
        let mut old = std::mem::replace(held, give(square));
        // SAFETY: picture_read gave these pixels away, and nothing points to them any more.
        unsafe { release(&mut old.pixels, n) };
        Ok(())
    })
}

/// Writes planar floats as an 8-bit PNG.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn picture_write(
    path: *const c_char,
    pixels: *const f32,
    channels: usize,
    height: usize,
    width: usize,
    low: f32,
    high: f32,
) -> i32 {
    guard(|| {
        not_null(pixels, "pixels")?;
        // SAFETY: picture.h asks for a string that ends in NUL.
        let path = unsafe { to_path(path) }?;
        check_size(height, width)?;
        // More channels are refused by write_png, and must not be read here.
        let n = channels.min(CHANNELS) * height * width;
        // SAFETY: not NULL, and picture.h asks for channels * height * width floats.
        let pixels = unsafe { std::slice::from_raw_parts(pixels, n) };
        write_png(&path, pixels, [channels, height, width], low, high)
    })
}

/// Reads a mask.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn picture_mask_read(path: *const c_char, out: *mut CMask) -> i32 {
    guard(|| {
        not_null(out, "out")?;
        // SAFETY: picture.h asks for a string that ends in NUL.
        let Mask { height, width, measured } = Mask::read(&unsafe { to_path(path) }?)?;
        let measured = Box::into_raw(measured.into_boxed_slice()).cast();
        // SAFETY: not NULL, and picture.h asks for a place for one mask; nothing is read from it.
        unsafe { out.write(CMask { height, width, measured }) };
        Ok(())
    })
}

/// Frees what `picture_read` gave.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn picture_free(picture: *mut CPicture) {
    // SAFETY: NULL, or a picture that picture_read wrote.
    if let Some(held) = unsafe { picture.as_mut() } {
        // SAFETY: picture_read gave away exactly these floats.
        unsafe { release(&mut held.pixels, CHANNELS * held.height * held.width) };
    }
}

/// Frees what `picture_mask_read` gave.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn picture_mask_free(mask: *mut CMask) {
    // SAFETY: NULL, or a mask that picture_mask_read wrote.
    if let Some(held) = unsafe { mask.as_mut() } {
        // SAFETY: picture_mask_read gave away exactly these bytes.
        unsafe { release(&mut held.measured, held.height * held.width) };
    }
}

/// Why the last call of this thread failed; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn picture_last_error() -> *const c_char {
    LAST_ERROR.try_with(|text| text.borrow().as_ptr()).unwrap_or(c"".as_ptr())
}

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::new(CString::default());
}

fn guard(body: impl FnOnce() -> Result<(), Error>) -> i32 {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => OK,
        Ok(Err(error)) => fail(code(&error), &error.to_string()),
        Err(_) => fail(ERR_PANIC, "a bug in rwt-picture: it panicked"),
    }
}

fn code(error: &Error) -> i32 {
    match error {
        Error::Null(_) => 1,
        Error::File(_) => 2,
        Error::Format(_) => 3,
        Error::Size(_) => 4,
        Error::Argument(_) => 5,
    }
}

fn fail(status: i32, text: &str) -> i32 {
    let text = CString::new(text.replace('\0', " ")).unwrap_or_default();
    let _ = LAST_ERROR.try_with(|last| last.replace(text));
    status
}

fn not_null<T>(pointer: *const T, name: &'static str) -> Result<(), Error> {
    if pointer.is_null() { Err(Error::Null(name)) } else { Ok(()) }
}

/// # Safety
/// `path` is NULL or a string that ends in NUL.
unsafe fn to_path(path: *const c_char) -> Result<PathBuf, Error> {
    not_null(path, "path")?;
    // SAFETY: not NULL, and the caller vouches for the rest.
    let bytes = unsafe { CStr::from_ptr(path) }.to_bytes();
    Ok(native(bytes))
}

#[cfg(unix)]
fn native(bytes: &[u8]) -> PathBuf {
    std::ffi::OsString::from_vec(bytes.to_vec()).into()
}

#[cfg(not(unix))]
fn native(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

fn give(picture: Picture) -> CPicture {
    let Picture { height, width, was_grey, pixels } = picture;
    let pixels = Box::into_raw(pixels.into_boxed_slice()).cast();
    CPicture { channels: CHANNELS, height, width, was_grey: i32::from(was_grey), pixels }
}

/// Frees `length` items and leaves NULL, so that freeing twice does nothing.
///
/// # Safety
/// `items` is NULL, or `length` items given away by a boxed slice.
unsafe fn release<T>(items: &mut *mut T, length: usize) {
    let items = std::mem::replace(items, ptr::null_mut());
    if !items.is_null() {
        // SAFETY: the caller vouches for the length.
        drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(items, length)) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> CPicture {
        CPicture { channels: 0, height: 0, width: 0, was_grey: 0, pixels: ptr::null_mut() }
    }

    fn last_error() -> String {
        // SAFETY: the text is never NULL and lives until this thread's next call.
        unsafe { CStr::from_ptr(picture_last_error()) }.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_picture_goes_through_c_and_back() {
        let path = std::env::temp_dir().join(format!("rwt-picture-{}-c.png", std::process::id()));
        let c_path = CString::new(path.to_str().unwrap()).unwrap();
        let level = [0.0_f32, 1.0, 1.0, 0.0];
        let (mut picture, mut mask) = (empty(), CMask { height: 0, width: 0, measured: ptr::null_mut() });
        // SAFETY: every pointer is to a local that lives through the block.
        unsafe {
            assert_eq!(picture_write(c_path.as_ptr(), level.as_ptr(), 1, 2, 2, 0.0, 1.0), OK);
            assert_eq!(picture_read(c_path.as_ptr(), 0.0, 1.0, &mut picture), OK);
            assert_eq!((picture.channels, picture.height, picture.width, picture.was_grey), (3, 2, 2, 1));
            assert_eq!(picture_square(&mut picture, 1), OK);
            assert_eq!(std::slice::from_raw_parts(picture.pixels, 3), [0.5; 3]);
            assert_eq!(picture_mask_read(c_path.as_ptr(), &mut mask), OK);
            assert_eq!(std::slice::from_raw_parts(mask.measured, 4), [0, 1, 1, 0]);
            picture_free(&mut picture);
            picture_free(&mut picture);
            picture_mask_free(&mut mask);
        }
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn null_is_an_error_and_out_is_left_alone() {
        let mut picture = empty();
        // SAFETY: NULL is allowed everywhere; the rest are locals.
        unsafe {
            assert_eq!(picture_read(ptr::null(), 0.0, 1.0, &mut picture), 1);
            assert_eq!(last_error(), "path is NULL");
            assert_eq!(picture_read(c"/no/such.png".as_ptr(), 0.0, 1.0, ptr::null_mut()), 1);
            assert_eq!(picture_read(c"/no/such.png".as_ptr(), 0.0, 1.0, &mut picture), 2);
            assert!(picture.pixels.is_null() && last_error().contains("/no/such.png"));
            assert_eq!(picture_square(&mut picture, 4), 1);
            assert_eq!(picture_square(ptr::null_mut(), 4), 1);
            assert_eq!(picture_write(c"/no/a.png".as_ptr(), ptr::null(), 3, 1, 1, 0.0, 1.0), 1);
            assert_eq!(picture_write(c"/no/a.png".as_ptr(), [0.0].as_ptr(), 9, 1, 1, 0.0, 1.0), 5);
            assert_eq!(picture_mask_read(ptr::null(), ptr::null_mut()), 1);
            picture_free(ptr::null_mut());
            picture_mask_free(ptr::null_mut());
        }
    }

    #[test]
    fn a_panic_is_a_status() {
        assert_eq!(guard(|| panic!("as a test")), ERR_PANIC);
    }
}
