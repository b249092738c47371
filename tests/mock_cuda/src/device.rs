//! The one device, its context, and the driver itself.

use crate::code::{Code, describe};
use crate::counters::WAITS;
use crate::state::{Out, State, call, call_in_context, is_current, set_current};
use std::ffi::{c_char, c_int};

/// What `RWT_MOCK_VERSION` replaces: CUDA 13.0.
const VERSION: u64 = 13_000;
const NAME: &[u8] = b"mock device without a GPU\0";
const CONTEXT: u64 = 0x00c0_da00_0000;

/// The device's one context.
#[derive(Default)]
pub struct Context {
    pub retained: u32,
    /// The error of a kernel, which all calls return from then on.
    pub broken: Option<Code>,
}

/// A number from the environment.
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn devices() -> u64 {
    setting("RWT_MOCK_DEVICES", 1)
}

fn with_device(name: &'static str, device: c_int, body: impl FnOnce(&mut State) -> Result<(), Code>) -> u32 {
    call(name, |state| match state.started {
        false => Err(Code::NOT_INITIALIZED),
        true if u64::try_from(device).is_ok_and(|device| device < devices()) => body(state),
        true => Err(Code::INVALID_DEVICE),
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuInit(flags: u32) -> u32 {
    call("cuInit", |state| {
        if flags != 0 {
            return Err(Code::INVALID_VALUE);
        }
        if devices() == 0 {
            return Err(Code::NO_DEVICE);
        }
        state.started = true;
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDriverGetVersion(version: Out<c_int>) -> u32 {
    call("cuDriverGetVersion", |_| version.put(setting("RWT_MOCK_VERSION", VERSION) as c_int))
}

#[unsafe(no_mangle)]
extern "C" fn cuGetErrorName(number: u32, name: Out<*const c_char>) -> u32 {
    call("cuGetErrorName", |_| name.put(describe(number).ok_or(Code::INVALID_VALUE)?.0.as_ptr()))
}

#[unsafe(no_mangle)]
extern "C" fn cuGetErrorString(number: u32, text: Out<*const c_char>) -> u32 {
    call("cuGetErrorString", |_| text.put(describe(number).ok_or(Code::INVALID_VALUE)?.1.as_ptr()))
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceGetCount(count: Out<c_int>) -> u32 {
    call("cuDeviceGetCount", |state| match state.started {
        true => count.put(devices() as c_int),
        false => Err(Code::NOT_INITIALIZED),
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceGet(device: Out<c_int>, ordinal: c_int) -> u32 {
    with_device("cuDeviceGet", ordinal, |_| device.put(ordinal))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetName(name: *mut u8, size: c_int, device: c_int) -> u32 {
    with_device("cuDeviceGetName", device, |_| {
        if name.is_null() || (size as usize) < NAME.len() {
            return Err(Code::INVALID_VALUE);
        }
        // SAFETY: the caller gives room for `size` bytes.
        unsafe { name.copy_from_nonoverlapping(NAME.as_ptr(), NAME.len()) };
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceTotalMem_v2(bytes: Out<usize>, device: c_int) -> u32 {
    with_device("cuDeviceTotalMem_v2", device, |state| bytes.put(state.memory.total()))
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceGetAttribute(value: Out<c_int>, attribute: u32, device: c_int) -> u32 {
    with_device("cuDeviceGetAttribute", device, |_| {
        let capability = setting("RWT_MOCK_CAPABILITY", 90) as c_int;
        value.put(match attribute {
            1..=3 => 1024,         // threads of a block, and along x and y
            4 => 64,               // along z
            5 => c_int::MAX,       // blocks along x
            6 | 7 => 65_535,       // along y and z
            8 => 48 << 10,         // shared memory of a block
            10 => 32,              // lanes of a warp
            12 => 65_536,          // registers of a block
            13 => 1_000_000,       // kHz
            16 => 132,             // multiprocessors
            39 => 2048,            // threads of a multiprocessor
            75 => capability / 10, // compute capability
            76 => capability % 10,
            81 => 228 << 10,             // shared memory of a multiprocessor
            97 => OPTED_SHARED as c_int, // shared memory of a block that asks for it
            115 => 1,                    // memory pools
            _ => return Err(Code::INVALID_VALUE),
        })
    })
}

/// Bytes of shared memory that a kernel may ask for by its attribute.
pub const OPTED_SHARED: usize = 227 << 10;

#[unsafe(no_mangle)]
extern "C" fn cuDevicePrimaryCtxRetain(context: Out<u64>, device: c_int) -> u32 {
    with_device("cuDevicePrimaryCtxRetain", device, |state| {
        state.context.retained += 1;
        context.put(CONTEXT)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDevicePrimaryCtxRelease_v2(device: c_int) -> u32 {
    with_device("cuDevicePrimaryCtxRelease_v2", device, |state| {
        state.context.retained = state.context.retained.checked_sub(1).ok_or(Code::INVALID_CONTEXT)?;
        if state.context.retained == 0 {
            state.context = Context::default();
            state.graphs = Default::default();
            state.streams = Default::default();
            state.events = Default::default();
            state.modules = Default::default();
            state.memory.clear();
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxSetCurrent(context: u64) -> u32 {
    call("cuCtxSetCurrent", |_| match context {
        0 | CONTEXT => {
            set_current(context == CONTEXT);
            Ok(())
        }
        _ => Err(Code::INVALID_CONTEXT),
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxGetCurrent(context: Out<u64>) -> u32 {
    call("cuCtxGetCurrent", |_| context.put(if is_current() { CONTEXT } else { 0 }))
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxSynchronize() -> u32 {
    call_in_context("cuCtxSynchronize", |state| {
        state.streams.forbid_while_capturing()?;
        state.counters.add(WAITS, 1);
        Ok(())
    })
}
