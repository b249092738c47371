//! The device's memory: the host's, with a table of what is allocated.

use crate::code::Code;
use crate::counters::{ALLOCATIONS, COPIES, DOWNLOADS, FILLS, FREES, UPLOADS};
use crate::device::setting;
use crate::graph::Work;
use crate::state::{Done, Out, State, call_in_context};
use std::alloc::{Layout, alloc, dealloc};
use std::collections::BTreeMap;

/// As the driver aligns.
const ALIGNMENT: usize = 256;
/// Bytes, unless `RWT_MOCK_MEMORY` says otherwise.
const TOTAL: u64 = 8 << 30;
/// Fresh memory holds this, which makes every float not a number.
const FRESH: u8 = 0xff;

/// What is allocated: bytes by address.
#[derive(Default)]
pub struct Memory {
    allocated: BTreeMap<u64, usize>,
    used: usize,
    /// Of the host, that it asked of the driver.
    pinned: BTreeMap<u64, usize>,
}

fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, ALIGNMENT).expect("fewer bytes than isize::MAX")
}

impl Memory {
    pub fn total(&self) -> usize {
        setting("RWT_MOCK_MEMORY", TOTAL) as usize
    }

    pub fn allocate(&mut self, bytes: usize) -> Result<u64, Code> {
        if bytes == 0 {
            return Err(Code::INVALID_VALUE);
        }
        if bytes > self.total() - self.used {
            return Err(Code::OUT_OF_MEMORY);
        }
        // SAFETY: more than 0 bytes.
        let address = unsafe { alloc(layout(bytes)) };
        if address.is_null() {
            return Err(Code::OUT_OF_MEMORY);
        }
        // SAFETY: just allocated.
        unsafe { address.write_bytes(FRESH, bytes) };
        self.allocated.insert(address as u64, bytes);
        self.used += bytes;
        Ok(address as u64)
    }

    pub fn free(&mut self, address: u64) -> Done {
        let bytes = self.allocated.remove(&address).ok_or(Code::INVALID_VALUE)?;
        self.used -= bytes;
        // SAFETY: it was in the table.
        unsafe { dealloc(address as *mut u8, layout(bytes)) };
        Ok(())
    }

    pub fn clear(&mut self) {
        while let Some((address, _)) = self.allocated.first_key_value() {
            let _ = self.free(*address);
        }
    }

    /// These bytes lie inside one allocation.
    pub fn require(&self, address: u64, bytes: usize) -> Done {
        let inside = self.allocated.range(..=address).next_back().is_some_and(|(start, len)| {
            let offset = (address - start) as usize;
            offset < *len && bytes <= len - offset
        });
        if inside { Ok(()) } else { Err(Code::INVALID_VALUE) }
    }

    /// First and last address, exclusive, of each allocation, in order.
    pub fn ranges(&self) -> Vec<(u64, u64)> {
        self.allocated.iter().map(|(start, bytes)| (*start, start + *bytes as u64)).collect()
    }
}

impl State {
    fn allocate(&mut self, address: &Out<u64>, bytes: usize) -> Done {
        self.streams.forbid_while_capturing()?;
        if address.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        let allocated = self.memory.allocate(bytes)?;
        self.counters.add(ALLOCATIONS, 1);
        address.put(allocated)
    }

    fn free(&mut self, address: u64) -> Done {
        self.streams.forbid_while_capturing()?;
        self.memory.free(address)?;
        self.counters.add(FREES, 1);
        Ok(())
    }

    /// A copy between host and device, whose host's part is the caller's promise.
    unsafe fn transfer(
        &mut self,
        counter: &str,
        stream: Option<u64>,
        to: u64,
        from: u64,
        device: u64,
        bytes: usize,
    ) -> Done {
        self.streams.forbid_while_capturing()?;
        stream.map_or(Ok(()), |stream| self.streams.require(stream))?;
        if bytes == 0 {
            return Ok(());
        }
        self.memory.require(device, bytes)?;
        if to == 0 || from == 0 {
            return Err(Code::INVALID_VALUE);
        }
        // SAFETY: the device's part was looked up, the host's is the caller's promise; the two never overlap.
        unsafe { (to as *mut u8).copy_from_nonoverlapping(from as *const u8, bytes) };
        self.counters.add(counter, 1);
        Ok(())
    }

    /// Fill or copy in the device's memory.
    pub fn change(&mut self, work: &Work) -> Done {
        match *work {
            Work::Host(ref host) => self.run_host(host)?,
            Work::Fill { address, value, bytes } => {
                self.memory.require(address, bytes)?;
                // SAFETY: just looked up.
                unsafe { (address as *mut u8).write_bytes(value, bytes) };
                self.counters.add(FILLS, 1);
            }
            Work::Copy { to, from, bytes } => {
                self.memory.require(to, bytes)?;
                self.memory.require(from, bytes)?;
                // SAFETY: just looked up.
                unsafe { (to as *mut u8).copy_from(from as *const u8, bytes) };
                self.counters.add(COPIES, 1);
            }
            Work::Launch(_) => return Err(Code::ILLEGAL_STATE),
        }
        Ok(())
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuMemGetInfo_v2(free: Out<usize>, total: Out<usize>) -> u32 {
    call_in_context("cuMemGetInfo_v2", |state| {
        free.put(state.memory.total() - state.memory.used)?;
        total.put(state.memory.total())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemAlloc_v2(address: Out<u64>, bytes: usize) -> u32 {
    call_in_context("cuMemAlloc_v2", |state| state.allocate(&address, bytes))
}

#[unsafe(no_mangle)]
extern "C" fn cuMemAllocAsync(address: Out<u64>, bytes: usize, stream: u64) -> u32 {
    call_in_context("cuMemAllocAsync", |state| {
        state.streams.require(stream)?;
        state.allocate(&address, bytes)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemFree_v2(address: u64) -> u32 {
    call_in_context("cuMemFree_v2", |state| state.free(address))
}

#[unsafe(no_mangle)]
extern "C" fn cuMemFreeAsync(address: u64, stream: u64) -> u32 {
    call_in_context("cuMemFreeAsync", |state| {
        state.streams.require(stream)?;
        state.free(address)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemHostAlloc(address: Out<u64>, bytes: usize, flags: u32) -> u32 {
    call_in_context("cuMemHostAlloc", |state| {
        state.streams.forbid_while_capturing()?;
        if bytes == 0 || flags & !7 != 0 || address.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        // SAFETY: more than 0 bytes.
        let allocated = unsafe { alloc(layout(bytes)) } as u64;
        state.memory.pinned.insert(allocated, bytes);
        address.put(allocated)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemFreeHost(address: u64) -> u32 {
    call_in_context("cuMemFreeHost", |state| {
        let bytes = state.memory.pinned.remove(&address).ok_or(Code::INVALID_VALUE)?;
        // SAFETY: it was in the table.
        unsafe { dealloc(address as *mut u8, layout(bytes)) };
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemcpyHtoD_v2(to: u64, from: u64, bytes: usize) -> u32 {
    // SAFETY: the caller's promise.
    call_in_context("cuMemcpyHtoD_v2", |state| unsafe { state.transfer(UPLOADS, None, to, from, to, bytes) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemcpyHtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: u64) -> u32 {
    // SAFETY: the caller's promise.
    call_in_context("cuMemcpyHtoDAsync_v2", |state| unsafe {
        state.transfer(UPLOADS, Some(stream), to, from, to, bytes)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemcpyDtoH_v2(to: u64, from: u64, bytes: usize) -> u32 {
    // SAFETY: the caller's promise.
    call_in_context("cuMemcpyDtoH_v2", |state| unsafe { state.transfer(DOWNLOADS, None, to, from, from, bytes) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemcpyDtoHAsync_v2(to: u64, from: u64, bytes: usize, stream: u64) -> u32 {
    // SAFETY: the caller's promise.
    call_in_context("cuMemcpyDtoHAsync_v2", |state| unsafe {
        state.transfer(DOWNLOADS, Some(stream), to, from, from, bytes)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyDtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: u64) -> u32 {
    call_in_context("cuMemcpyDtoDAsync_v2", |state| state.enqueue(stream, Work::Copy { to, from, bytes }))
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyDtoD_v2(to: u64, from: u64, bytes: usize) -> u32 {
    call_in_context("cuMemcpyDtoD_v2", |state| {
        state.streams.forbid_while_capturing()?;
        state.change(&Work::Copy { to, from, bytes })
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemsetD8Async(address: u64, value: u8, bytes: usize, stream: u64) -> u32 {
    call_in_context("cuMemsetD8Async", |state| state.enqueue(stream, Work::Fill { address, value, bytes }))
}

#[unsafe(no_mangle)]
extern "C" fn cuMemsetD8_v2(address: u64, value: u8, bytes: usize) -> u32 {
    call_in_context("cuMemsetD8_v2", |state| {
        state.streams.forbid_while_capturing()?;
        state.change(&Work::Fill { address, value, bytes })
    })
}
