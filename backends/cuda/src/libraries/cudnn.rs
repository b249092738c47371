//! cuDNN 9, by the functions that convolutions take.

use super::functions::{Owned, call, functions, words};
use super::open;
use crate::device::Device;
use crate::error::Error;
use cudarc::driver::CudaStream;
use std::ffi::{c_char, c_int, c_void};
use std::mem::ManuallyDrop;
use std::sync::Arc;

const NAMES: &[&str] = if cfg!(windows) { &["cudnn64_9.dll"] } else { &["libcudnn.so.9"] };
/// Major, minor and patch, as it counts them.
const NEEDED: usize = 90_000;

/// Of `cudnnConvolutionFwdAlgoPerf_t`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Performance {
    pub(super) algorithm: c_int,
    pub(super) status: c_int,
    pub(super) milliseconds: f32,
    pub(super) memory: usize,
    pub(super) determinism: c_int,
    pub(super) math: c_int,
    reserved: [c_int; 3],
}

type Pointer = *mut c_void;
type Descriptor = *const c_void;

functions! {
    /// As cudnn_graph.h, cudnn_ops.h and cudnn_cnn.h declare them; enums are ints.
    Functions {
        cudnnGetVersion() -> usize;
        cudnnGetErrorString(c_int) -> *const c_char;
        cudnnCreate(*mut Pointer) -> c_int;
        cudnnDestroy(Pointer) -> c_int;
        cudnnSetStream(Pointer, Pointer) -> c_int;
        cudnnCreateTensorDescriptor(*mut Pointer) -> c_int;
        cudnnDestroyTensorDescriptor(Pointer) -> c_int;
        cudnnSetTensor4dDescriptorEx(
            Pointer, c_int, c_int, c_int, c_int, c_int, c_int, c_int, c_int, c_int,
        ) -> c_int;
        cudnnCreateFilterDescriptor(*mut Pointer) -> c_int;
        cudnnDestroyFilterDescriptor(Pointer) -> c_int;
        cudnnSetFilter4dDescriptor(Pointer, c_int, c_int, c_int, c_int, c_int, c_int) -> c_int;
        cudnnCreateConvolutionDescriptor(*mut Pointer) -> c_int;
        cudnnDestroyConvolutionDescriptor(Pointer) -> c_int;
        cudnnSetConvolution2dDescriptor(
            Pointer, c_int, c_int, c_int, c_int, c_int, c_int, c_int, c_int,
        ) -> c_int;
        cudnnSetConvolutionGroupCount(Pointer, c_int) -> c_int;
        cudnnSetConvolutionMathType(Pointer, c_int) -> c_int;
        cudnnGetConvolutionForwardAlgorithm_v7(
            Pointer, Descriptor, Descriptor, Descriptor, Descriptor, c_int, *mut c_int, *mut Performance,
        ) -> c_int;
        cudnnGetConvolutionForwardWorkspaceSize(
            Pointer, Descriptor, Descriptor, Descriptor, Descriptor, c_int, *mut usize,
        ) -> c_int;
        cudnnConvolutionForward(
            Pointer, *const c_void, Descriptor, *const c_void, Descriptor, *const c_void, Descriptor, c_int, Pointer,
            usize, *const c_void, Descriptor, Pointer,
        ) -> c_int;
    }
}

/// cuDNN, ready for one stream.
#[derive(Debug)]
pub(crate) struct Cudnn {
    pub(super) functions: Functions,
    pub(super) handle: Pointer,
    pub(super) stream: Arc<CudaStream>,
    _library: ManuallyDrop<libloading::Library>,
}

// SAFETY: a handle may go from thread to thread.
unsafe impl Send for Cudnn {}
// SAFETY: it is used by one thread at a time: networks are planned and enqueued by `&mut`.
unsafe impl Sync for Cudnn {}

impl Cudnn {
    pub(super) fn open(device: &Device) -> Result<Self, String> {
        open::first(NAMES, |library| Self::with(device, library))
    }

    fn with(device: &Device, library: libloading::Library) -> Result<Self, String> {
        let library = ManuallyDrop::new(library);
        // SAFETY: the types are those of its headers, and it is never unloaded.
        let functions = unsafe { Functions::find(&library) }?;
        // SAFETY: takes nothing.
        let version = unsafe { (functions.cudnnGetVersion)() };
        if version < NEEDED {
            let (major, minor) = (version / 1000, version % 1000 / 100); // as it counted until version 8
            return Err(format!("it is version {major}.{minor}, at least 9.0 is needed"));
        }
        let stream = Arc::clone(device.stream());
        stream.context().bind_to_thread().map_err(crate::error::reason)?;
        let mut it = Self { functions, handle: std::ptr::null_mut(), stream, _library: library };
        let mut handle = std::ptr::null_mut();
        // SAFETY: a place for the handle.
        unsafe { call!(it, cudnnCreate(&mut handle)) }.map_err(|error| error.to_string())?;
        it.handle = handle;
        // SAFETY: the handle, and a stream that lives as long as it does.
        unsafe { call!(it, cudnnSetStream(it.handle, it.stream.cu_stream().cast())) }
            .map_err(|error| error.to_string())?;
        Ok(it)
    }

    pub(super) fn check(&self, call: &'static str, status: c_int) -> Result<(), Error> {
        if status == 0 {
            return Ok(());
        }
        // SAFETY: a static string for each status.
        let reason = unsafe { words(status, (self.functions.cudnnGetErrorString)(status)) };
        Err(Error::Library { library: "cuDNN", call, reason })
    }

    pub(super) fn tensor(&self) -> Result<Owned, Error> {
        // SAFETY: the counterparts.
        unsafe {
            Owned::new(self.functions.cudnnDestroyTensorDescriptor, |at| call!(self, cudnnCreateTensorDescriptor(at)))
        }
    }

    pub(super) fn filter(&self) -> Result<Owned, Error> {
        // SAFETY: the counterparts.
        unsafe {
            Owned::new(self.functions.cudnnDestroyFilterDescriptor, |at| call!(self, cudnnCreateFilterDescriptor(at)))
        }
    }

    pub(super) fn convolution(&self) -> Result<Owned, Error> {
        let destroy = self.functions.cudnnDestroyConvolutionDescriptor;
        // SAFETY: the counterparts.
        unsafe { Owned::new(destroy, |at| call!(self, cudnnCreateConvolutionDescriptor(at))) }
    }
}

impl Drop for Cudnn {
    fn drop(&mut self) {
        if self.handle.is_null() {
            return;
        }
        let _ = self.stream.context().bind_to_thread();
        // SAFETY: nobody has the handle any more.
        unsafe { (self.functions.cudnnDestroy)(self.handle) };
    }
}
