//! A GPU, with the one stream on which everything of it is done.

use crate::driver::{self, DeviceInfo};
use crate::error::Error;
use crate::kernel::Module;
use cudarc::driver::{CudaContext, CudaStream};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The oldest compute capability that the kernels' PTX can be made for.
const CAPABILITY: (u32, u32) = (7, 0);

/// A GPU, with the one stream on which everything of it is done, in order. Its clones share that stream: threads take turns
/// with them, for what one enqueues would fall into a graph that another is capturing. For more streams open it again.
#[derive(Clone, Debug)]
pub struct Device {
    info: DeviceInfo,
    stream: Arc<CudaStream>,
    /// Our own kernels, by the place of their text: each is compiled for the device once.
    modules: Arc<Mutex<HashMap<usize, Module>>>,
}

impl Device {
    /// Open the device of this number, from 0, as the driver counts them.
    ///
    /// # Errors
    /// [`Error::NoDriver`], [`Error::NoDevice`], [`Error::TooOld`], or what the driver says.
    pub fn open(index: usize) -> Result<Self, Error> {
        let found = driver::start()?;
        if index >= found {
            return Err(Error::NoDevice { index, found });
        }
        let info = driver::info(index)?;
        if info.capability < CAPABILITY {
            let what = "the device (its compute capability)";
            return Err(Error::TooOld { what, found: info.capability, needed: CAPABILITY });
        }
        let failed = |error| Error::driver("opening the device", error);
        let context = CudaContext::new(index).map_err(failed)?;
        // SAFETY: everything is on one stream, in order; no array is used on two.
        unsafe { context.disable_event_tracking() };
        let stream = context.new_stream().map_err(failed)?; // the default one cannot be captured
        Ok(Self { info, stream, modules: Arc::default() })
    }

    /// What the driver says of it.
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// Where all work is enqueued.
    pub fn stream(&self) -> &Arc<CudaStream> {
        &self.stream
    }

    /// Kernels of our own, loaded now if they are not yet.
    pub(crate) fn module(&self, ptx: &'static str) -> Result<Module, Error> {
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = modules.get(&ptx.as_ptr().addr()) {
            return Ok(module.clone());
        }
        let module = Module::load(self, ptx.as_bytes())?;
        modules.insert(ptx.as_ptr().addr(), module.clone());
        Ok(module)
    }

    /// Wait until everything that was enqueued is done.
    ///
    /// # Errors
    /// [`Error::Driver`]: a kernel that failed says so here.
    pub fn synchronize(&self) -> Result<(), Error> {
        self.stream.synchronize().map_err(|error| Error::driver("waiting for the device", error))
    }
}
