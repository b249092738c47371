//! Functions of a library that was opened when the program ran.

use std::ffi::{CStr, c_char, c_int, c_void};

/// A struct of a library's functions by their own names, and how it is filled.
macro_rules! functions {
    ($(#[$about:meta])* $type:ident { $($name:ident($($argument:ty),* $(,)?) -> $result:ty;)* }) => {
        $(#[$about])*
        #[derive(Debug)]
        #[allow(non_snake_case, reason = "the library's names")]
        pub(super) struct $type { $(pub(super) $name: unsafe extern "C" fn($($argument),*) -> $result,)* }

        impl $type {
            /// All of them, or the name of one that is missing.
            ///
            /// # Safety
            /// Functions of these names must have these types. The library must stay open as long as they are called.
            pub(super) unsafe fn find(library: &libloading::Library) -> Result<Self, String> {
                let missing = |name: &str| format!("it has no {name}");
                Ok(Self { $($name: {
                    let name = concat!(stringify!($name), "\0");
                    // SAFETY: the caller's promise.
                    let found = unsafe { library.get(name.as_bytes()) };
                    *found.map_err(|_| missing(stringify!($name)))?
                },)* })
            }
        }
    };
}
pub(super) use functions;

/// Call a function of `$it.functions`, which says 0 or an error.
macro_rules! call {
    ($it:expr, $name:ident($($argument:expr),* $(,)?)) => {{
        let status = ($it.functions.$name)($($argument),*);
        $it.check(stringify!($name), status)
    }};
}
pub(super) use call;

/// Something that a library made and takes back.
#[derive(Debug)]
pub(super) struct Owned {
    pub(super) pointer: *mut c_void,
    destroy: unsafe extern "C" fn(*mut c_void) -> c_int,
}

impl Owned {
    /// What `create` puts where it is told to, with its own error.
    ///
    /// # Safety
    /// `destroy` takes back what `create` makes, in a library that stays open.
    pub(super) unsafe fn new<E>(
        destroy: unsafe extern "C" fn(*mut c_void) -> c_int,
        create: impl FnOnce(*mut *mut c_void) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut pointer = std::ptr::null_mut();
        create(&mut pointer)?;
        Ok(Self { pointer, destroy })
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: made by its counterpart, and nobody has it any more.
        unsafe { (self.destroy)(self.pointer) };
    }
}

/// A library's own words for a status.
///
/// # Safety
/// NULL, or a string that ends with 0 and stays.
pub(super) unsafe fn words(status: c_int, text: *const c_char) -> String {
    if text.is_null() {
        return format!("status {status}");
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    format!("status {status}, {text}")
}
