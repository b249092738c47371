//! Modules: kernels from PTX, carried out from it or from their source.

use crate::code::Code;
use crate::ptx;
use crate::source::Function;
use crate::state::{Done, Out, State, call, call_in_context};
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A kernel that can be launched.
pub struct Kernel {
    pub parameters: Vec<ptx::Parameter>,
    pub most_threads: Option<u32>,
    /// Bytes of its own shared arrays.
    pub shared: usize,
    /// Bytes of shared memory beside them that it asked for.
    pub opted: AtomicUsize,
    pub body: Body,
}

/// How it is carried out.
pub enum Body {
    Source(Function),
    Ptx(ptx::Kernel),
}

struct Loaded {
    text: ptx::Module,
    /// Addresses of its global variables.
    globals: HashMap<String, u64>,
    functions: HashMap<String, u64>,
}

pub struct Modules {
    loaded: HashMap<u64, Loaded>,
    functions: HashMap<u64, Arc<Kernel>>,
    /// Kernels run from their PTX, not from their source.
    interpret: bool,
    pub reverse: bool,
}

impl Default for Modules {
    fn default() -> Self {
        let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
        Self {
            loaded: HashMap::new(),
            functions: HashMap::new(),
            interpret: !is("RWT_MOCK_MODE", "source"),
            reverse: is("RWT_MOCK_ORDER", "reverse"),
        }
    }
}

impl Modules {
    pub fn kernel(&self, function: u64) -> Result<Arc<Kernel>, Code> {
        self.functions.get(&function).cloned().ok_or(Code::INVALID_HANDLE)
    }
}

impl State {
    fn load(&mut self, text: &str) -> Result<u64, Code> {
        if !text.trim_start().starts_with(['.', '/']) {
            return self.fail(Code::INVALID_IMAGE, "the image is not PTX".into());
        }
        let parsed = ptx::Module::parse(text);
        let text = parsed.or_else(|message| self.fail(Code::INVALID_PTX, message))?;
        let mut globals = HashMap::new();
        for variable in text.variables.iter().filter(|variable| variable.space == ptx::Space::Global) {
            let address = self.memory.allocate(variable.bytes.max(1))?;
            let mut bytes = variable.initial.clone();
            bytes.resize(variable.bytes, 0);
            // SAFETY: allocated for it.
            unsafe { (address as *mut u8).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
            globals.insert(variable.name.clone(), address);
        }
        let handle = self.handle();
        let loaded = Loaded { text, globals, functions: HashMap::new() };
        if self.modules.interpret {
            // all of them now, as the driver translates all
            for source in &loaded.text.kernels {
                if let Err(message) = loaded.decode(source) {
                    return self.fail(Code::INVALID_PTX, message);
                }
            }
        }
        self.modules.loaded.insert(handle, loaded);
        Ok(handle)
    }

    fn function(&mut self, module: u64, name: &str) -> Result<u64, Code> {
        let interpret = self.modules.interpret;
        let loaded = self.modules.loaded.get(&module).ok_or(Code::INVALID_HANDLE)?;
        if let Some(function) = loaded.functions.get(name) {
            return Ok(*function);
        }
        let source = loaded.text.kernels.iter().find(|source| source.name == name).ok_or(Code::NOT_FOUND)?;
        let decoded = loaded.decode(source);
        let shared = decoded.as_ref().map_or(0, |kernel| kernel.shared);
        let body = match interpret {
            true => decoded.map(Body::Ptx),
            false => Function::find(source).map(Body::Source),
        };
        let (parameters, most_threads) = (source.parameters.clone(), source.most_threads);
        let body = body.or_else(|message| self.fail(Code::NOT_FOUND, message))?;
        let handle = self.handle();
        let kernel = Kernel { parameters, most_threads, shared, opted: AtomicUsize::new(0), body };
        self.modules.functions.insert(handle, Arc::new(kernel));
        self.modules.loaded.get_mut(&module).ok_or(Code::INVALID_HANDLE)?.functions.insert(name.to_owned(), handle);
        Ok(handle)
    }
}

impl Loaded {
    fn decode(&self, source: &ptx::Source) -> Result<ptx::Kernel, String> {
        let shared: Vec<_> =
            self.text.variables.iter().filter(|variable| variable.space == ptx::Space::Shared).cloned().collect();
        ptx::decode(source, &self.globals, &shared)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleLoadData(module: Out<u64>, image: *const c_char) -> u32 {
    call_in_context("cuModuleLoadData", |state| {
        if image.is_null() || module.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        // SAFETY: PTX is text that ends with 0; a cubin begins with bytes that are not text and hold a 0.
        let text = unsafe { CStr::from_ptr(image) }.to_string_lossy().into_owned();
        let handle = state.load(&text)?;
        module.put(handle)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleGetFunction(function: Out<u64>, module: u64, name: *const c_char) -> u32 {
    call_in_context("cuModuleGetFunction", |state| {
        if name.is_null() || function.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        // SAFETY: the caller gives a C string.
        let name = unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned();
        let handle = state.function(module, &name)?;
        function.put(handle)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuModuleUnload(module: u64) -> u32 {
    call_in_context("cuModuleUnload", |state| {
        let Loaded { globals, functions, .. } = state.modules.loaded.remove(&module).ok_or(Code::INVALID_HANDLE)?;
        for function in functions.values() {
            state.modules.functions.remove(function);
        }
        globals.values().try_for_each(|address| state.memory.free(*address))
    })
}

const MAX_THREADS: u32 = 0;
const SHARED_BYTES: u32 = 1;
const DYNAMIC_SHARED_BYTES: u32 = 8;
const CARVEOUT: u32 = 9;

#[unsafe(no_mangle)]
extern "C" fn cuFuncGetAttribute(value: Out<c_int>, attribute: u32, function: u64) -> u32 {
    call_in_context("cuFuncGetAttribute", |state| {
        let kernel = state.modules.kernel(function)?;
        value.put(match attribute {
            MAX_THREADS => kernel.most_threads.unwrap_or(1024) as c_int,
            SHARED_BYTES => kernel.shared as c_int,
            DYNAMIC_SHARED_BYTES => kernel.opted.load(Ordering::Relaxed) as c_int,
            _ => return Err(Code::INVALID_VALUE),
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuFuncSetAttribute(function: u64, attribute: u32, value: c_int) -> u32 {
    call_in_context("cuFuncSetAttribute", |state| {
        let kernel = state.modules.kernel(function)?;
        match attribute {
            DYNAMIC_SHARED_BYTES
                if usize::try_from(value).is_ok_and(|v| v + kernel.shared <= crate::device::OPTED_SHARED) =>
            {
                kernel.opted.store(value as usize, Ordering::Relaxed);
                Ok(())
            }
            CARVEOUT if (-1..=100).contains(&value) => Ok(()),
            _ => Err(Code::INVALID_VALUE),
        }
    })
}

/// Whether modules that are loaded from now on run from their PTX ("ptx") or their source ("source").
///
/// # Safety
/// `mode` is a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mock_mode(mode: *const c_char) -> u32 {
    // SAFETY: the caller's promise.
    let mode = unsafe { CStr::from_ptr(mode) }.to_string_lossy().into_owned();
    call("mock_mode", |state| -> Done {
        state.modules.interpret = match mode.as_str() {
            "ptx" => true,
            "source" => false,
            _ => return Err(Code::INVALID_VALUE),
        };
        Ok(())
    })
}
