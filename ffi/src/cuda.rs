//! NVIDIA's devices.

use crate::options;
use crate::status::{Failure, guard, rwt_status, rwt_status_code::*};
use std::ffi::c_char;

/// A device as NVIDIA's driver lists it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rwt_cuda_device {
    /** sizeof(rwt_cuda_device). */
    pub struct_size: usize,
    /** Bytes of its memory. */
    pub memory: u64,
    /** Compute capability. */
    pub capability_major: u32,
    /** See capability_major. */
    pub capability_minor: u32,
    /** As its maker calls it; ends with 0. */
    pub name: [c_char; 128],
}

// SAFETY: repr(C), numbers only, without padding.
unsafe impl options::SizedStruct for rwt_cuda_device {
    fn defaults() -> Self {
        Self { struct_size: size_of::<Self>(), memory: 0, capability_major: 0, capability_minor: 0, name: [0; 128] }
    }
}

/// How many devices NVIDIA's driver has, written into *count; 0 without one that it shows. RWT_ERR_UNSUPPORTED with the reason
/// where there is no driver, an older one, or a library built without the cuda feature: computing on the CPU works all the same.
///
/// # Safety
/// `count` points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_cuda_device_count(count: *mut u32) -> rwt_status {
    guard(|| {
        // SAFETY: NULL or a place for a number, the caller's word.
        let count = unsafe { count.as_mut() }.ok_or_else(|| Failure::null("count"))?;
        *count = 0;
        *count = devices()?.len() as u32;
        Ok(())
    })
}

/// What the driver says of a device, from 0, written into *device; size is sizeof *device. RWT_ERR_ARGUMENT for a device that
/// there is not; RWT_ERR_UNSUPPORTED as rwt_cuda_device_count.
///
/// # Safety
/// `device` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_cuda_get_device(index: u32, device: *mut rwt_cuda_device, size: usize) -> rwt_status {
    guard(|| {
        let all = devices()?;
        let found = all.get(index as usize).ok_or_else(|| {
            Failure::argument(format!("index must be below {}, the number of devices, found {index}", all.len()))
        })?;
        // SAFETY: the caller's word, as documented.
        unsafe { options::write(device, size, *found) }
    })
}

#[cfg(feature = "cuda")]
fn devices() -> Result<Vec<rwt_cuda_device>, Failure> {
    use options::SizedStruct;
    let unsupported = |error: rwt_cuda::Error| Failure::new(RWT_ERR_UNSUPPORTED, error.to_string());
    let each = rwt_cuda::devices().map_err(unsupported)?.into_iter().map(|device| {
        let mut name = [0; 128];
        for (to, from) in name[..127].iter_mut().zip(device.name.bytes()) {
            *to = from as c_char;
        }
        let (capability_major, capability_minor) = device.capability;
        let memory = device.memory;
        rwt_cuda_device { memory, capability_major, capability_minor, name, ..rwt_cuda_device::defaults() }
    });
    Ok(each.collect())
}

#[cfg(not(feature = "cuda"))]
fn devices() -> Result<Vec<rwt_cuda_device>, Failure> {
    Err(Failure::new(RWT_ERR_UNSUPPORTED, "this library was built without the cuda feature"))
}
