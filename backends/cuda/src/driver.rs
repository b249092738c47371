//! NVIDIA's driver, looked for without a panic.

use crate::error::{Error, reason};
use cudarc::driver::result;
use cudarc::driver::sys::cudaError_enum;
use std::ffi::c_int;
use std::sync::Mutex;

/// The oldest driver: CUDA 12.0 or 13.0, as cudarc's bindings were chosen.
const NEEDED: (u32, u32) = if cfg!(feature = "cuda-13") { (13, 0) } else { (12, 0) };

const NAMES: &[&str] = if cfg!(windows) { &["nvcuda.dll"] } else { &["libcuda.so.1", "libcuda.so"] };

/// A device as the driver lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// The number by which it is opened.
    pub index: usize,
    /// As its maker calls it.
    pub name: String,
    /// Compute capability, major and minor.
    pub capability: (u32, u32),
    /// Bytes of its memory.
    pub memory: u64,
}

/// The devices that there are.
///
/// # Errors
/// [`Error::NoDriver`], [`Error::TooOld`]; none for a driver without devices, whose list is empty.
pub fn devices() -> Result<Vec<DeviceInfo>, Error> {
    (0..start()?).map(info).collect()
}

/// What the driver says of a device that it has.
pub(crate) fn info(index: usize) -> Result<DeviceInfo, Error> {
    use cudarc::driver::sys::CUdevice_attribute_enum as Attribute;
    let failed = |error| Error::driver("asking for a device", error);
    let device = result::device::get(index as c_int).map_err(failed)?;
    let name = result::device::get_name(device).map_err(failed)?;
    // SAFETY: the driver was started and has given the device.
    let memory = unsafe { result::device::total_mem(device) }.map_err(failed)? as u64;
    let attribute = |attribute| {
        // SAFETY: as above.
        unsafe { result::device::get_attribute(device, attribute) }.map(|value| value as u32).map_err(failed)
    };
    let capability = (
        attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
        attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
    );
    Ok(DeviceInfo { index, name, capability, memory })
}

/// Start the driver; how many devices it has. cudarc panics where the library or a function of it is missing, so that this
/// must have succeeded before anything else of it is called.
pub(crate) fn start() -> Result<usize, Error> {
    static HAS_DEVICES: Mutex<Option<bool>> = Mutex::new(None);
    let mut has_devices = HAS_DEVICES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let has = match *has_devices {
        Some(has) => has,
        None => *has_devices.insert(probe()?),
    };
    if !has {
        return Ok(0); // the driver would not even count them
    }
    result::device::get_count().map(|count| count as usize).map_err(|error| Error::driver("counting devices", error))
}

/// Open the library ourselves, ask for its version and start it: has it devices?
fn probe() -> Result<bool, Error> {
    let no_driver = |error: libloading::Error| {
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        Error::NoDriver { reason: cause }
    };
    // SAFETY: opening NVIDIA's driver runs its own initialisers only.
    let opened = NAMES.iter().map(|name| unsafe { libloading::Library::new(*name) });
    let library = opened.reduce(|first, next| first.or_else(|error| next.or(Err(error)))).expect("a name");
    let library = std::mem::ManuallyDrop::new(library.map_err(no_driver)?); // a driver is never unloaded
    // SAFETY: it has this type in every version of the driver.
    let version = unsafe { library.get::<unsafe extern "C" fn(*mut c_int) -> c_int>(b"cuDriverGetVersion\0") };
    let mut found = 0;
    // SAFETY: a pointer to a number of our own.
    let status = unsafe { version.map_err(no_driver)?(&mut found) };
    if status != 0 {
        return Err(Error::NoDriver { reason: format!("cuDriverGetVersion said {status}") });
    }
    let found = (found as u32 / 1000, found as u32 % 1000 / 10);
    if found < NEEDED {
        return Err(Error::TooOld { what: "NVIDIA's driver (its CUDA)", found, needed: NEEDED });
    }
    // cudarc may find another copy of the library, which is the one to start
    match result::init() {
        Ok(()) => Ok(true),
        Err(error) if error.0 == cudaError_enum::CUDA_ERROR_NO_DEVICE => Ok(false),
        Err(error) => Err(Error::NoDriver { reason: reason(error) }),
    }
}
