//! ONNX Runtime's C interface alone: a session, its inputs made once, and runs. (`ort` allows one environment in a
//! process, which is rwt's.)

use ort::sys::{
    self, GraphOptimizationLevel, ONNXTensorElementDataType, OrtAllocatorType, OrtLoggingLevel, OrtMemType,
};
use std::ffi::{CString, c_char};
use std::ptr;

pub struct Session {
    session: *mut sys::OrtSession,
    inputs: [*const sys::OrtValue; 2],
    names: [CString; 3],
    _data: Box<(Vec<f32>, [f32; 1])>,
}

impl Session {
    /// A network with f32 inputs x, \[1, 3, side, side\], and a time, \[1\].
    pub fn new(path: &str, time: &str, output: &str, side: usize, threads: i32) -> Self {
        let (api, text) = (ort::api(), |text: &str| CString::new(text).unwrap());
        let (mut environment, mut options, mut session) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        let (name, path) = (text("bare"), text(path));
        let mut data = Box::new((vec![0.1f32; 3 * side * side], [0.5f32]));
        // SAFETY: as onnxruntime_c_api.h says; everything lives as long as the process.
        let inputs = unsafe {
            fine((api.CreateEnv)(OrtLoggingLevel::ORT_LOGGING_LEVEL_FATAL, name.as_ptr(), &raw mut environment));
            fine((api.CreateSessionOptions)(&raw mut options));
            fine((api.SetIntraOpNumThreads)(options, threads));
            fine((api.SetSessionGraphOptimizationLevel)(options, GraphOptimizationLevel::ORT_ENABLE_ALL));
            fine((api.CreateSession)(environment, path.as_ptr(), options, &raw mut session));
            [value(&mut data.0, &[1, 3, side as i64, side as i64]), value(&mut data.1, &[1])]
        };
        Self { session, inputs, names: [text("x"), text(time), text(output)], _data: data }
    }

    pub fn run(&mut self) {
        let names: [*const c_char; 3] = [0, 1, 2].map(|k| self.names[k].as_ptr());
        let mut output = ptr::null_mut();
        // SAFETY: two inputs and an output of this session.
        unsafe {
            let (inputs, outputs) = (names.as_ptr(), names[2..].as_ptr());
            let run = ort::api().Run;
            fine(run(self.session, ptr::null(), inputs, self.inputs.as_ptr(), 2, outputs, 1, &raw mut output));
            (ort::api().ReleaseValue)(output);
        }
    }
}

/// # Safety
/// The data outlive the value.
unsafe fn value(data: &mut [f32], shape: &[i64]) -> *const sys::OrtValue {
    let (mut memory, mut value) = (ptr::null_mut(), ptr::null_mut());
    let (kind, use_) = (OrtAllocatorType::OrtArenaAllocator, OrtMemType::OrtMemTypeDefault);
    let element = ONNXTensorElementDataType::ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
    // SAFETY: the slices' own pointers and lengths.
    unsafe {
        fine((ort::api().CreateCpuMemoryInfo)(kind, use_, &raw mut memory));
        let (bytes, make) = (size_of_val(data), ort::api().CreateTensorWithDataAsOrtValue);
        fine(make(memory, data.as_mut_ptr().cast(), bytes, shape.as_ptr(), shape.len(), element, &raw mut value));
    }
    value
}

fn fine(status: sys::OrtStatusPtr) {
    assert!(status.0.is_null(), "ONNX Runtime refused");
}
