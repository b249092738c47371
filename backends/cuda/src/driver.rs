//! NVIDIA's driver, looked for without a panic.

use crate::error::Error;
use cudarc::driver::result;
use std::ffi::c_int;
use std::sync::Mutex;

/// The oldest driver: CUDA 12.8 or 13.0, as cudarc's bindings were chosen.
const NEEDED: (u32, u32) = if cfg!(feature = "cuda-13") { (13, 0) } else { (12, 8) };

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
    static STARTED: Mutex<bool> = Mutex::new(false);
    let mut started = STARTED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !*started {
        probe()?;
        *started = true;
    }
    result::device::get_count().map(|count| count as usize).map_err(|error| Error::driver("counting devices", error))
}

/// Open the library ourselves and ask for its version. It stays open.
fn probe() -> Result<(), Error> {
    let no_driver = |error: libloading::Error| {
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        Error::NoDriver { reason: cause }
    };
    // SAFETY: opening NVIDIA's driver runs its own initialisers only.
    let opened = NAMES.iter().map(|name| unsafe { libloading::Library::new(*name) });
    let library =
        opened.reduce(|first, next| first.or_else(|error| next.or(Err(error)))).expect("a name").map_err(no_driver)?;
    // SAFETY: the two have these types in every version of the driver.
    let (init, version) = unsafe {
        (
            library.get::<unsafe extern "C" fn(u32) -> c_int>(b"cuInit\0").map_err(no_driver)?,
            library.get::<unsafe extern "C" fn(*mut c_int) -> c_int>(b"cuDriverGetVersion\0").map_err(no_driver)?,
        )
    };
    let mut found = 0;
    // SAFETY: a pointer to a number of our own.
    let status = unsafe { version(&mut found) };
    if status != 0 {
        return Err(Error::NoDriver { reason: format!("cuDriverGetVersion said {status}") });
    }
    let found = (found as u32 / 1000, found as u32 % 1000 / 10);
    if found < NEEDED {
        return Err(Error::TooOld { what: "NVIDIA's driver (its CUDA)", found, needed: NEEDED });
    }
    // SAFETY: 0 is the only flag there is.
    match unsafe { init(0) } {
        0 => {}
        100 => {} // no device: the count says so
        status => return Err(Error::NoDriver { reason: format!("cuInit said {status}") }),
    }
    std::mem::forget(library);
    Ok(())
}
