//! How often what was done.

use crate::state;
use std::collections::HashMap;
use std::ffi::{CStr, c_char};

/// How often what was done: calls by the driver's names, and by these.
pub const LAUNCHES: &str = "launches"; // outside graphs
pub const EXECUTIONS: &str = "executions"; // of kernels, in replays too
pub const NODES: &str = "nodes"; // captured
pub const GRAPHS: &str = "graphs"; // instantiated
pub const REPLAYS: &str = "replays";
pub const UPLOADS: &str = "htod";
pub const DOWNLOADS: &str = "dtoh";
pub const COPIES: &str = "dtod";
pub const FILLS: &str = "memset";
pub const ALLOCATIONS: &str = "allocs";
pub const FREES: &str = "frees";
pub const WAITS: &str = "syncs";

#[derive(Default)]
pub struct Counters(HashMap<String, u64>);

impl Counters {
    pub fn add(&mut self, name: &str, count: u64) {
        match self.0.get_mut(name) {
            Some(present) => *present += count,
            None => drop(self.0.insert(name.to_owned(), count)),
        }
    }
}

/// How often this was done since the start or the newest reset.
///
/// # Safety
/// `name` is a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mock_counter(name: *const c_char) -> u64 {
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
    state::with(|state| state.counters.0.get(name.as_ref()).copied().unwrap_or(0))
}

/// Count from 0 again; failures that are planned and not due yet are forgotten.
#[unsafe(no_mangle)]
pub extern "C" fn mock_reset() {
    state::with(|state| {
        state.counters = Counters::default();
        state.failures = Default::default();
    });
}
