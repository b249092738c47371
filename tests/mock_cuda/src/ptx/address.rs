//! What addresses mean, and whether they may be used.

use super::Fault;
use super::instruction::Window;
use super::rows::LANES;
use crate::code::Code;

/// Where shared memory begins among generic addresses.
pub const SHARED: u64 = 0x7f00_0000_0000_0000;
/// Where a thread's own memory begins.
pub const LOCAL: u64 = 0x7e00_0000_0000_0000;
const WINDOW: u64 = 1 << 32;

/// All memory that a block sees.
pub struct Spaces<'a> {
    /// First and last address, exclusive, of each allocation, in order.
    pub global: &'a [(u64, u64)],
    /// The allocation that was used last.
    pub recent: (u64, u64),
    pub shared: Vec<u8>,
}

impl Spaces<'_> {
    /// A pointer to that many bytes, for one lane whose own memory is given.
    #[inline(always)]
    pub fn find(&mut self, window: Window, address: u64, bytes: usize, local: &mut Local) -> Result<*mut u8, Fault> {
        if address & (bytes as u64 - 1) != 0 {
            let message = format!("{bytes} bytes at {address:#x}, which is no multiple of that");
            return Err(Fault::new(Code::MISALIGNED_ADDRESS, message));
        }
        let (start, end) = self.recent;
        if matches!(window, Window::Global | Window::Generic) && address >= start && address + bytes as u64 <= end {
            return Ok(address as *mut u8);
        }
        match window {
            Window::Global => self.global(address, bytes),
            Window::Shared => inside(&mut self.shared, address, bytes, "shared"),
            Window::Local => inside(local.0, address, bytes, "local"),
            Window::Generic if address.wrapping_sub(SHARED) < WINDOW => {
                inside(&mut self.shared, address - SHARED, bytes, "shared")
            }
            Window::Generic if address.wrapping_sub(LOCAL) < WINDOW => inside(local.0, address - LOCAL, bytes, "local"),
            Window::Generic => self.global(address, bytes),
        }
    }

    #[cold]
    fn global(&mut self, address: u64, bytes: usize) -> Result<*mut u8, Fault> {
        let behind = self.global.partition_point(|(start, _)| *start <= address);
        match behind.checked_sub(1).map(|at| self.global[at]) {
            Some((start, end)) if address < end && bytes as u64 <= end - address => {
                self.recent = (start, end);
                Ok(address as *mut u8)
            }
            nearest => {
                let nearest =
                    nearest.map(|(start, end)| format!("; {} bytes are allocated at {start:#x}", end - start));
                let message = format!("{bytes} bytes at {address:#x} of global memory{}", nearest.unwrap_or_default());
                Err(Fault::new(Code::ILLEGAL_ADDRESS, message))
            }
        }
    }
}

/// A lane's own memory.
pub struct Local<'a>(pub &'a mut [u8]);

#[inline(always)]
fn inside(memory: &mut [u8], address: u64, bytes: usize, name: &str) -> Result<*mut u8, Fault> {
    let len = memory.len();
    match memory.get_mut(address as usize..).filter(|rest| rest.len() >= bytes) {
        Some(rest) => Ok(rest.as_mut_ptr()),
        None => {
            let message = format!("{bytes} bytes at {address:#x} of {len} bytes of {name} memory");
            Err(Fault::new(Code::ILLEGAL_ADDRESS, message))
        }
    }
}

/// The part of a warp's memory that is this lane's own.
pub fn of_lane(memory: &mut [u8], lane: usize) -> Local<'_> {
    let each = memory.len() / LANES;
    Local(&mut memory[lane * each..(lane + 1) * each])
}
