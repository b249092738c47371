//! Kernels from their source, built for the processor: the library that `RWT_MOCK_KERNELS` names.

use crate::code::Code;
use crate::ptx::{Fault, Grid, Parameter, Source};
use libloading::Library;
use std::ffi::{CStr, c_char};
use std::sync::OnceLock;

/// A kernel in the library; host/cuda.hpp is the other side.
pub struct Function(Run);

type Run = unsafe extern "C" fn(*const Shape, *const *const u8) -> *const c_char;
/// Bytes of each parameter, and at the end 0.
type Sizes = unsafe extern "C" fn() -> *const u32;

#[repr(C)]
struct Shape {
    blocks: [u32; 3],
    threads: [u32; 3],
    dynamic: u32,
    reverse: u32,
}

fn library() -> Result<&'static Library, String> {
    static LIBRARY: OnceLock<Result<Library, String>> = OnceLock::new();
    let opened = LIBRARY.get_or_init(|| {
        let path = std::env::var("RWT_MOCK_KERNELS").map_err(|_| "RWT_MOCK_KERNELS is not set".to_owned())?;
        // SAFETY: the library has no initialisers of its own.
        unsafe { Library::new(&path) }.map_err(|error| error.to_string())
    });
    opened.as_ref().map_err(Clone::clone)
}

impl Function {
    /// The kernel whose PTX this is; its parameters must have the same sizes.
    pub fn find(source: &Source) -> Result<Self, String> {
        let library = library()?;
        let name = &source.name;
        let missing = |error: libloading::Error| format!("kernel {name} has no source: {error}");
        // SAFETY: the header gives them these types.
        let (run, sizes) = unsafe {
            let run = library.get::<Run>(format!("mock_run_{name}")).map_err(missing)?;
            let sizes = library.get::<Sizes>(format!("mock_sizes_{name}")).map_err(missing)?;
            (*run, sizes())
        };
        // SAFETY: it ends with 0.
        let found: Vec<_> = (0..).map(|at| unsafe { *sizes.add(at) as usize }).take_while(|size| *size > 0).collect();
        let expected: Vec<_> = source.parameters.iter().map(|parameter| parameter.bytes).collect();
        if found != expected {
            return Err(format!(
                "kernel {name} has parameters of {found:?} bytes, in its PTX of {expected:?}: PTX is old"
            ));
        }
        Ok(Self(run))
    }

    pub fn run(&self, grid: &Grid, parameters: &[Parameter], arguments: &[u8]) -> Result<(), Fault> {
        let pointers: Vec<_> = parameters.iter().map(|parameter| arguments[parameter.offset..].as_ptr()).collect();
        let (blocks, threads) = (grid.blocks, grid.threads);
        let shape = Shape { blocks, threads, dynamic: grid.dynamic as u32, reverse: u32::from(grid.reverse) };
        // SAFETY: as many arguments as it has parameters, of their sizes.
        let said = unsafe { (self.0)(&shape, pointers.as_ptr()) };
        if said.is_null() {
            return Ok(());
        }
        // SAFETY: a C string that lives until the next call.
        let message = unsafe { CStr::from_ptr(said) }.to_string_lossy().into_owned();
        Err(Fault { code: Code::LAUNCH_FAILED, message })
    }
}
