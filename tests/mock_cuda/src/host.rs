//! Work of other libraries, carried out on the processor: theirs to enqueue, the driver's to do when it is due.

use crate::code::Code;
use crate::graph::Work;
use crate::state::{Done, State, call_in_context};
use std::ffi::c_void;
use std::sync::Arc;

/// A function of another library's with its data, and the memory that it uses.
#[derive(Clone)]
pub struct Host(Arc<Call>);

struct Call {
    run: extern "C" fn(*const c_void),
    free: extern "C" fn(*const c_void),
    data: *const c_void,
    /// Address and bytes.
    ranges: Vec<[u64; 2]>,
}

// SAFETY: whoever enqueues it promises that any thread may run it.
unsafe impl Send for Call {}
// SAFETY: as above.
unsafe impl Sync for Call {}

impl Drop for Call {
    fn drop(&mut self) {
        (self.free)(self.data);
    }
}

impl State {
    /// Do it, if all that it uses is allocated.
    pub fn run_host(&mut self, host: &Host) -> Done {
        for [address, bytes] in &host.0.ranges {
            if self.memory.require(*address, *bytes as usize).is_err() {
                let message = format!("a library uses {bytes} bytes at {address:#x}, which are not allocated");
                self.context.broken = Some(Code::ILLEGAL_ADDRESS);
                return self.fail(Code::ILLEGAL_ADDRESS, message);
            }
        }
        self.counters.add("host", 1);
        (host.0.run)(host.0.data);
        Ok(())
    }
}

/// Enqueue `run(data)`, which uses `count` ranges of memory (address, bytes) and must not call the driver; `free(data)` is called
/// when it is not needed any more.
///
/// # Safety
/// `ranges` points to so many pairs; `data` lives until it is freed, and any thread may run it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mock_enqueue(
    stream: u64,
    run: extern "C" fn(*const c_void),
    free: extern "C" fn(*const c_void),
    data: *const c_void,
    ranges: *const [u64; 2],
    count: usize,
) -> u32 {
    // SAFETY: the caller's promise.
    let ranges = unsafe { std::slice::from_raw_parts(ranges, count) }.to_vec();
    let host = Host(Arc::new(Call { run, free, data, ranges }));
    call_in_context("mock_enqueue", |state| state.enqueue(stream, Work::Host(host)))
}
