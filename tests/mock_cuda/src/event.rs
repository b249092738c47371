//! Events: as everything is done at once, they are always over.

use crate::code::Code;
use crate::counters::WAITS;
use crate::state::{Done, Out, State, call_in_context};
use std::collections::HashMap;
use std::time::Instant;

#[derive(Default)]
pub struct Events(HashMap<u64, Option<Instant>>);

impl Events {
    pub fn require(&self, event: u64) -> Done {
        if self.0.contains_key(&event) { Ok(()) } else { Err(Code::INVALID_HANDLE) }
    }

    fn recorded(&self, event: u64) -> Result<Instant, Code> {
        self.0.get(&event).copied().flatten().ok_or(Code::INVALID_HANDLE)
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuEventCreate(event: Out<u64>, flags: u32) -> u32 {
    call_in_context("cuEventCreate", |state| {
        if flags > 7 || event.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        let handle = state.handle();
        state.events.0.insert(handle, None);
        event.put(handle)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuEventDestroy_v2(event: u64) -> u32 {
    call_in_context("cuEventDestroy_v2", |state| state.events.0.remove(&event).map(drop).ok_or(Code::INVALID_HANDLE))
}

#[unsafe(no_mangle)]
extern "C" fn cuEventRecord(event: u64, stream: u64) -> u32 {
    call_in_context("cuEventRecord", |state| {
        state.streams.require(stream)?;
        *state.events.0.get_mut(&event).ok_or(Code::INVALID_HANDLE)? = Some(Instant::now());
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuEventQuery(event: u64) -> u32 {
    call_in_context("cuEventQuery", |state| state.events.require(event))
}

#[unsafe(no_mangle)]
extern "C" fn cuEventSynchronize(event: u64) -> u32 {
    call_in_context("cuEventSynchronize", |state| {
        state.events.require(event)?;
        state.streams.forbid_while_capturing()?;
        state.counters.add(WAITS, 1);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuEventElapsedTime(milliseconds: Out<f32>, start: u64, end: u64) -> u32 {
    call_in_context("cuEventElapsedTime", |state| elapsed(state, &milliseconds, start, end))
}

#[unsafe(no_mangle)]
extern "C" fn cuEventElapsedTime_v2(milliseconds: Out<f32>, start: u64, end: u64) -> u32 {
    call_in_context("cuEventElapsedTime_v2", |state| elapsed(state, &milliseconds, start, end))
}

fn elapsed(state: &mut State, milliseconds: &Out<f32>, start: u64, end: u64) -> Done {
    let time = state.events.recorded(end)?.saturating_duration_since(state.events.recorded(start)?);
    milliseconds.put(1e3 * time.as_secs_f32())
}
