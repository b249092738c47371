//! cuDNN and cuBLASLt without a device: plain loops under the libraries' own names.

use crate::{root, run, target};
use std::ffi::{CString, c_char, c_int};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

/// The libraries' names.
pub const CUDNN: &str = "libcudnn.so.9";
/// Of CUDA 12.
pub const CUBLAS_LT: &str = "libcublasLt.so.12";

/// A folder with these libraries alone, built now if they are not up to date. In a test's own process they are there already.
pub fn folder(libraries: &[&str]) -> PathBuf {
    let folder = target().join("tmp/rwt-tests/mock_libraries").join(libraries.join("+"));
    if std::env::var_os("RWT_MOCK_CHILD").is_some() {
        return folder;
    }
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--release", "-p", "rwt-mock-libraries", "--target-dir"]).arg(target());
        run(build.current_dir(root()));
    });
    std::fs::create_dir_all(&folder).expect("a folder to write in");
    for name in libraries {
        // another test may have been quicker
        let _ = std::os::unix::fs::symlink(target().join("release/librwt_mock_libraries.so"), folder.join(name));
    }
    folder
}

/// The mock libraries, open in this process.
pub struct MockLibraries {
    library: libloading::Library,
}

impl MockLibraries {
    /// One of those in a [`folder`]: all are one file.
    pub fn open(path: &Path) -> Self {
        // SAFETY: its initialisers are Rust's own.
        let library = unsafe { libloading::Library::new(path) };
        Self { library: library.expect("the mock libraries") }
    }

    /// How often a function was called, or something was enqueued: products, convolutions by fma, convolutions by tensor
    /// cores, algorithm 0 to 7 (of convolutions), made and returned (handles and descriptors).
    pub fn counter(&self, name: &str) -> u64 {
        let name = CString::new(name).expect("a name");
        type Counter = unsafe extern "C" fn(*const c_char) -> u64;
        // SAFETY: the mock's function of this name has this type.
        unsafe { self.library.get::<Counter>(b"mock_library_counter").expect("mock_library_counter")(name.as_ptr()) }
    }

    /// Let the `from_now`-th next call of this function (1 for the next one, 0 for all) fail with this status, undone.
    pub fn fail(&self, call: &str, from_now: u64, status: c_int) {
        let call = CString::new(call).expect("a name");
        type Fail = unsafe extern "C" fn(*const c_char, u64, c_int);
        // SAFETY: as above.
        unsafe {
            self.library.get::<Fail>(b"mock_library_fail").expect("mock_library_fail")(call.as_ptr(), from_now, status)
        }
    }
}
