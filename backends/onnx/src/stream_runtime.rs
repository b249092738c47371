//! ONNX Runtime on a stream of the caller's, between arrays of the caller's in the memory of the stream's device.

use std::ffi::{CString, c_void};
use std::ptr::with_exposed_provenance_mut;
use std::sync::{Arc, Mutex};

use ort::AsPointer;
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{IoBinding, RunOptions, Session};
use ort::sys::{OrtIoBinding, OrtStatusPtr, OrtValue};
use ort::value::{DynValueRefMut, Shape, TensorRefMut};

use crate::sessions::{Sessions, engine, locked};
use crate::source::Source;
use crate::{Error, Network, Precision, Provider, RuntimeOptions};

/// A network that ONNX Runtime computes on a stream of the caller's. What its inputs mean is the caller's to heed
/// ([`Network::level`]).
pub struct StreamRuntime {
    sessions: Sessions,
    network: Network,
    provider: Provider,
    device: i32,
}

/// Addresses in the device's memory, of f32 but for a time of [`StreamRuntime::has_integer_time`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrays {
    /// The pictures, \[pictures, channels, height, width\].
    pub x: u64,
    /// What the network is told of the noise level, \[pictures\].
    pub time: u64,
    /// Where the network's answer goes, of the pictures' shape or with twice the channels.
    pub answer: u64,
}

/// Arrays bound to the session that runs on them.
pub struct StreamBinding {
    binding: IoBinding,
    options: RunOptions,
    session: Arc<Mutex<Session>>,
    _values: [DynValueRefMut<'static>; 3],
}

impl StreamRuntime {
    /// Find the library of the options and start their provider: CUDA with a device's number, computing on the stream (a
    /// `CUstream`) in f32 without the CPU. The CPU's provider is taken, too; it has no streams, and the arrays must be the
    /// host's.
    ///
    /// # Errors
    /// [`Error::Runtime`]; [`Error::Provider`] for one that the library lacks, that does not start, or whose options are
    /// none of these.
    ///
    /// # Safety
    /// The stream is one of that device, and outlives this and every binding.
    pub unsafe fn new(network: Network, options: &RuntimeOptions, stream: *mut c_void) -> Result<Self, Error> {
        let RuntimeOptions { provider, cpu_fallback, precision, .. } = *options;
        let is_known = matches!(provider, Provider::Cuda | Provider::Cpu);
        if !is_known || cpu_fallback || precision != Precision::F32 {
            let expected = "on a stream, expected CUDA in f32 without operators on the CPU";
            let more = if cpu_fallback { ", found a fallback" } else { "" };
            let why = format!("{expected}, found {provider} in {precision}{more}");
            return Err(Error::Provider { provider: provider.to_string(), why });
        }
        let source = Source::Bytes(Arc::clone(&network.bytes));
        let sessions = Sessions::open(source, &network.interface, options, Some(stream.expose_provenance()))?;
        Ok(Self { sessions, network, provider, device: options.device.parse().unwrap_or(0) })
    }

    /// The file.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The engine's name, version and provider.
    pub fn name(&self) -> String {
        self.sessions.name()
    }

    /// The network takes i64 for a time.
    pub fn has_integer_time(&self) -> bool {
        self.network.interface.has_integer_time
    }

    /// The network takes one picture at a time.
    pub fn is_single(&self) -> bool {
        self.network.interface.is_single
    }

    /// Bind arrays for pictures of a padded size, \[pictures, channels, height, width\], with a session that is made now if it
    /// is not one of the newest shapes'.
    ///
    /// # Errors
    /// [`Error::Engine`]; [`Error::Provider`] for a network of which it does not run every operator.
    ///
    /// # Safety
    /// The arrays have these shapes, lie in the device's memory and outlive the binding.
    pub unsafe fn bind(&self, shape: [usize; 4], arrays: Arrays) -> Result<StreamBinding, Error> {
        let failed = |error: ort::Error| engine("binding", &error);
        let interface = &self.network.interface;
        let session = self.sessions.of(shape)?;
        let mut binding = locked(&session).create_binding().map_err(failed)?;
        let times = if interface.has_scalar_time { vec![] } else { vec![shape[0]] };
        let answer = [shape[0], interface.output_channels, shape[2], shape[3]];
        let time = match interface.has_integer_time {
            true => self.value::<i64>(arrays.time, &times)?,
            false => self.value::<f32>(arrays.time, &times)?,
        };
        let values = [self.value::<f32>(arrays.x, &shape)?, time, self.value::<f32>(arrays.answer, &answer)?];
        let api = ort::api();
        for (name, value, bind) in [
            ("x", &values[0], api.BindInput),
            (interface.time, &values[1], api.BindInput),
            (interface.output, &values[2], api.BindOutput),
        ] {
            put(bind, &mut binding, name, value).map_err(failed)?;
        }
        let mut options = RunOptions::new().map_err(failed)?;
        options.disable_device_sync().map_err(failed)?;
        Ok(StreamBinding { binding, options, session, _values: values })
    }

    /// A tensor over an array.
    fn value<T>(&self, address: u64, shape: &[usize]) -> Result<DynValueRefMut<'static>, Error>
    where
        T: ort::value::PrimitiveTensorElementType + std::fmt::Debug + 'static,
    {
        let failed = |error: ort::Error| engine("binding", &error);
        let (place, number) = match self.provider {
            Provider::Cpu => (AllocationDevice::CPU, 0),
            _ => (AllocationDevice::CUDA, self.device),
        };
        let memory = MemoryInfo::new(place, number, AllocatorType::Device, MemoryType::Default).map_err(failed)?;
        let shape = Shape::new(shape.iter().map(|&size| size as i64));
        // SAFETY: the promise of whoever gave the address.
        let value =
            unsafe { TensorRefMut::<T>::from_raw(memory, with_exposed_provenance_mut(address as usize), shape) };
        Ok(value.map_err(failed)?.into_dyn())
    }
}

type Bind = unsafe extern "system" fn(*mut OrtIoBinding, *const std::ffi::c_char, *const OrtValue) -> OrtStatusPtr;

/// Bind a value as it is: the safe way would have another copy of one that is not the runtime's own.
fn put(bind: Bind, binding: &mut IoBinding, name: &str, value: &DynValueRefMut<'_>) -> Result<(), ort::Error> {
    let name = CString::new(name).map_err(ort::Error::wrap)?;
    // SAFETY: a live binding, a text and a live value, which the binding is kept beside.
    unsafe { ort::Error::result_from_status(bind(binding.ptr_mut(), name.as_ptr(), value.ptr())) }
}

impl StreamBinding {
    /// Enqueue an evaluation, without waiting for it or copying.
    ///
    /// # Errors
    /// [`Error::Engine`].
    pub fn run(&mut self) -> Result<(), Error> {
        let ran = locked(&self.session).run_binding_with_options(&self.binding, &self.options).map(drop);
        ran.map_err(|error| engine("running", &error))
    }
}
