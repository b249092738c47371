//! cuBLASLt of CUDA 12 or 13, by the functions that matrix products take.

use super::functions::{call, functions, words};
use super::open;
use crate::device::Device;
use crate::error::Error;
use cudarc::driver::CudaStream;
use std::ffi::{c_char, c_int, c_void};
use std::mem::ManuallyDrop;
use std::sync::Arc;

/// That of the newer CUDA says itself if the driver is too old for it.
const NAMES: &[&str] = if cfg!(windows) {
    &["cublasLt64_13.dll", "cublasLt64_12.dll"]
} else {
    &["libcublasLt.so.13", "libcublasLt.so.12"]
};
/// Major, minor and patch, as it counts them.
const NEEDED: usize = 120_000;

/// Of `cublasLtMatmulHeuristicResult_t`; what the algorithm consists of is the library's own.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Heuristic {
    pub(super) algorithm: [u64; 8],
    pub(super) workspace: usize,
    pub(super) state: c_int,
    waves: f32,
    reserved: [c_int; 4],
}

type Pointer = *mut c_void;
type Descriptor = *const c_void;

functions! {
    /// As cublasLt.h declares them; enums are ints.
    Functions {
        cublasLtGetVersion() -> usize;
        cublasLtGetStatusString(c_int) -> *const c_char;
        cublasLtCreate(*mut Pointer) -> c_int;
        cublasLtDestroy(Pointer) -> c_int;
        cublasLtMatmulDescCreate(*mut Pointer, c_int, c_int) -> c_int;
        cublasLtMatmulDescDestroy(Pointer) -> c_int;
        cublasLtMatmulDescSetAttribute(Pointer, c_int, *const c_void, usize) -> c_int;
        cublasLtMatrixLayoutCreate(*mut Pointer, c_int, u64, u64, i64) -> c_int;
        cublasLtMatrixLayoutDestroy(Pointer) -> c_int;
        cublasLtMatrixLayoutSetAttribute(Pointer, c_int, *const c_void, usize) -> c_int;
        cublasLtMatmulPreferenceCreate(*mut Pointer) -> c_int;
        cublasLtMatmulPreferenceDestroy(Pointer) -> c_int;
        cublasLtMatmulPreferenceSetAttribute(Pointer, c_int, *const c_void, usize) -> c_int;
        cublasLtMatmulAlgoGetHeuristic(
            Pointer, Descriptor, Descriptor, Descriptor, Descriptor, Descriptor, Descriptor, c_int, *mut Heuristic,
            *mut c_int,
        ) -> c_int;
        cublasLtMatmul(
            Pointer, Descriptor, *const c_void, *const c_void, Descriptor, *const c_void, Descriptor, *const c_void,
            *const c_void, Descriptor, Pointer, Descriptor, *const u64, Pointer, usize, Pointer,
        ) -> c_int;
    }
}

/// cuBLASLt, ready for one stream.
#[derive(Debug)]
pub(crate) struct CublasLt {
    pub(super) functions: Functions,
    pub(super) handle: Pointer,
    pub(super) stream: Arc<CudaStream>,
    _library: ManuallyDrop<libloading::Library>,
}

// SAFETY: a handle may go from thread to thread.
unsafe impl Send for CublasLt {}
// SAFETY: the library lets threads share its handle.
unsafe impl Sync for CublasLt {}

impl CublasLt {
    pub(super) fn open(device: &Device) -> Result<Self, String> {
        open::first(NAMES, |library| Self::with(device, library))
    }

    fn with(device: &Device, library: libloading::Library) -> Result<Self, String> {
        let library = ManuallyDrop::new(library);
        // SAFETY: the types are those of its header, and it is never unloaded.
        let functions = unsafe { Functions::find(&library) }?;
        // SAFETY: takes nothing.
        let version = unsafe { (functions.cublasLtGetVersion)() };
        if version < NEEDED {
            let (major, minor) = (version / 10_000, version % 10_000 / 100);
            return Err(format!("it is version {major}.{minor}, at least 12.0 is needed"));
        }
        let stream = Arc::clone(device.stream());
        stream.context().bind_to_thread().map_err(crate::error::reason)?;
        let mut it = Self { functions, handle: std::ptr::null_mut(), stream, _library: library };
        let mut handle = std::ptr::null_mut();
        // SAFETY: a place for the handle.
        unsafe { call!(it, cublasLtCreate(&mut handle)) }.map_err(|error| error.to_string())?;
        it.handle = handle;
        Ok(it)
    }

    pub(super) fn check(&self, call: &'static str, status: c_int) -> Result<(), Error> {
        if status == 0 {
            return Ok(());
        }
        // SAFETY: a static string for each status.
        let reason = unsafe { words(status, (self.functions.cublasLtGetStatusString)(status)) };
        Err(Error::Library { library: "cuBLASLt", call, reason })
    }
}

impl Drop for CublasLt {
    fn drop(&mut self) {
        if self.handle.is_null() {
            return;
        }
        let _ = self.stream.context().bind_to_thread();
        // SAFETY: nobody has the handle any more.
        unsafe { (self.functions.cublasLtDestroy)(self.handle) };
    }
}
