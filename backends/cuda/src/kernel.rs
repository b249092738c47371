//! Kernels, from PTX.

use crate::device::Device;
use crate::error::{Error, reason};
use cudarc::driver::{CudaStream, result, sys};
use std::ffi::{CString, c_void};
use std::sync::Arc;

/// A loaded module: unloaded when the last kernel of it is gone.
#[derive(Clone, Debug)]
pub struct Module(Arc<Loaded>);

#[derive(Debug)]
struct Loaded {
    module: sys::CUmodule,
    stream: Arc<CudaStream>,
}

// SAFETY: a module is a handle that the driver lets any thread use.
unsafe impl Send for Loaded {}
// SAFETY: as above.
unsafe impl Sync for Loaded {}

impl Drop for Loaded {
    fn drop(&mut self) {
        let _ = self.stream.context().bind_to_thread();
        // SAFETY: nobody has a kernel of it any more; an error leaves it loaded.
        let _ = unsafe { result::module::unload(self.module) };
    }
}

impl Module {
    /// Load PTX or a cubin's bytes.
    ///
    /// # Errors
    /// [`Error::Driver`] with what the driver says of it.
    pub fn load(device: &Device, image: &[u8]) -> Result<Self, Error> {
        let failed = |error| Error::driver("loading kernels", error);
        device.stream().context().bind_to_thread().map_err(failed)?;
        let mut image = image.to_vec();
        image.push(0); // PTX is text that ends with 0
        // SAFETY: the image is alive during the call and ends with 0; a cubin says its length itself.
        let module = unsafe { result::module::load_data(image.as_ptr().cast()) }.map_err(failed)?;
        Ok(Self(Arc::new(Loaded { module, stream: Arc::clone(device.stream()) })))
    }

    /// The kernel of this name.
    ///
    /// # Errors
    /// [`Error::Launch`] if there is none.
    pub fn kernel(&self, name: &str) -> Result<Kernel, Error> {
        let missing = |reason| Error::Launch { kernel: name.to_owned(), reason };
        let c_name = CString::new(name).map_err(|_| missing("its name has a 0 in it".into()))?;
        // SAFETY: the module is loaded and kept as long as the kernel.
        let function =
            unsafe { result::module::get_function(self.0.module, c_name) }.map_err(|e| missing(reason(e)))?;
        Ok(Kernel { function, name: name.to_owned(), module: self.clone() })
    }
}

/// A kernel that can be enqueued.
#[derive(Clone, Debug)]
pub struct Kernel {
    function: sys::CUfunction,
    name: String,
    module: Module,
}

// SAFETY: as for the module.
unsafe impl Send for Kernel {}
// SAFETY: as for the module.
unsafe impl Sync for Kernel {}

impl Kernel {
    /// Enqueue it. Each argument is a pointer to a value of the kernel's parameter; the values are copied now. Nothing is
    /// allocated.
    ///
    /// # Errors
    /// [`Error::Launch`].
    ///
    /// # Safety
    /// The arguments must have the kernel's types, and the arrays that they point to the lengths that it uses, alive until
    /// it has run.
    pub unsafe fn launch(
        &self,
        grid: [u32; 3],
        block: [u32; 3],
        shared: u32,
        arguments: &mut [*mut c_void],
    ) -> Result<(), Error> {
        let stream = &self.module.0.stream;
        let failed = |error| Error::Launch { kernel: self.name.clone(), reason: reason(error) };
        stream.context().bind_to_thread().map_err(failed)?; // this thread may not have used the device yet
        let (grid, block) = ((grid[0], grid[1], grid[2]), (block[0], block[1], block[2]));
        // SAFETY: the caller's promise.
        unsafe { result::launch_kernel(self.function, grid, block, shared, stream.cu_stream(), arguments) }
            .map_err(failed)
    }
}

/// Pointers to values, as [`Kernel::launch`] takes them.
macro_rules! arguments {
    ($($value:expr),* $(,)?) => { &mut [$((&raw const $value).cast_mut().cast::<std::ffi::c_void>()),*] };
}
pub(crate) use arguments;
