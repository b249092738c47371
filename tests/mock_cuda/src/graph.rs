//! Graphs: work that was captured and is replayed.

use crate::code::Code;
use crate::counters::{GRAPHS, REPLAYS};
use crate::host::Host;
use crate::launch::Launch;
use crate::state::{Done, Out, call_in_context};
use std::collections::HashMap;
use std::sync::Arc;

/// Something that a stream does.
#[derive(Clone)]
pub enum Work {
    Launch(Launch),
    Fill { address: u64, value: u8, bytes: usize },
    Copy { to: u64, from: u64, bytes: usize },
    Host(Host),
}

#[derive(Default)]
pub struct Graphs {
    captured: HashMap<u64, Arc<[Work]>>,
    ready: HashMap<u64, Arc<[Work]>>,
}

impl Graphs {
    pub fn add(&mut self, handle: u64, work: Vec<Work>) {
        self.captured.insert(handle, work.into());
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuGraphInstantiateWithFlags(ready: Out<u64>, graph: u64, flags: u64) -> u32 {
    call_in_context("cuGraphInstantiateWithFlags", |state| {
        let work = state.graphs.captured.get(&graph).ok_or(Code::INVALID_HANDLE)?.clone();
        if flags > 15 || ready.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        let handle = state.handle();
        state.graphs.ready.insert(handle, work);
        state.counters.add(GRAPHS, 1);
        ready.put(handle)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuGraphLaunch(ready: u64, stream: u64) -> u32 {
    call_in_context("cuGraphLaunch", |state| {
        let work = state.graphs.ready.get(&ready).ok_or(Code::INVALID_HANDLE)?.clone();
        state.streams.require(stream)?;
        state.streams.forbid_while_capturing()?; // graphs inside graphs are not captured here
        state.counters.add(REPLAYS, 1);
        work.iter().try_for_each(|work| match work {
            Work::Launch(launch) => state.run(launch),
            work => state.change(work),
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuGraphUpload(ready: u64, stream: u64) -> u32 {
    call_in_context("cuGraphUpload", |state| {
        state.streams.require(stream)?;
        if state.graphs.ready.contains_key(&ready) { Ok(()) } else { Err(Code::INVALID_HANDLE) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuGraphExecDestroy(ready: u64) -> u32 {
    call_in_context("cuGraphExecDestroy", |state| removed(state.graphs.ready.remove(&ready)))
}

#[unsafe(no_mangle)]
extern "C" fn cuGraphDestroy(graph: u64) -> u32 {
    call_in_context("cuGraphDestroy", |state| removed(state.graphs.captured.remove(&graph)))
}

fn removed<T>(found: Option<T>) -> Done {
    found.map(drop).ok_or(Code::INVALID_HANDLE)
}
