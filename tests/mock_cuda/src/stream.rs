//! Streams: what is enqueued is done at once, or captured.

use crate::code::Code;
use crate::counters::{NODES, WAITS};
use crate::graph::Work;
use crate::state::{Done, Out, State, call_in_context};
use std::collections::HashMap;
use std::thread::{self, ThreadId};

#[derive(Default)]
pub struct Streams(HashMap<u64, Option<Capture>>);

struct Capture {
    work: Vec<Work>,
    /// Which calls it forbids: those of all threads, its own thread's, or none.
    mode: u32,
    thread: ThreadId,
    invalid: bool,
}

impl Streams {
    /// The stream exists: the default one, or one that was created.
    pub fn require(&self, stream: u64) -> Done {
        if stream == 0 || self.0.contains_key(&stream) { Ok(()) } else { Err(Code::INVALID_HANDLE) }
    }

    /// What may not be done while a stream captures breaks the capture off.
    pub fn forbid_while_capturing(&mut self) -> Done {
        let thread = thread::current().id();
        let forbidding = |capture: &&mut Capture| match capture.mode {
            0 => true,
            1 => capture.thread == thread,
            _ => false,
        };
        let mut captures = self.0.values_mut().flatten().filter(forbidding).peekable();
        if captures.peek().is_none() {
            return Ok(());
        }
        captures.for_each(|capture| capture.invalid = true);
        Err(Code::CAPTURE_UNSUPPORTED)
    }

    fn get(&mut self, stream: u64) -> Result<&mut Option<Capture>, Code> {
        self.0.get_mut(&stream).ok_or(Code::INVALID_HANDLE)
    }
}

impl State {
    /// Capture this, or do it at once. A kernel's failure is told by the calls after this one.
    pub fn enqueue(&mut self, stream: u64, work: Work) -> Done {
        if let Some(Some(capture)) = self.streams.0.get_mut(&stream) {
            if capture.invalid {
                return Err(Code::CAPTURE_INVALIDATED);
            }
            capture.work.push(work);
            self.counters.add(NODES, 1);
            return Ok(());
        }
        self.streams.require(stream)?;
        if stream == 0 {
            self.streams.forbid_while_capturing()?; // the default stream waits for the others
        }
        match work {
            Work::Launch(launch) => {
                self.counters.add(crate::counters::LAUNCHES, 1);
                self.run(&launch)
            }
            work => self.change(&work),
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamCreate(stream: Out<u64>, flags: u32) -> u32 {
    call_in_context("cuStreamCreate", |state| {
        if flags > 1 || stream.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        let handle = state.handle();
        state.streams.0.insert(handle, None);
        stream.put(handle)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamDestroy_v2(stream: u64) -> u32 {
    call_in_context("cuStreamDestroy_v2", |state| state.streams.0.remove(&stream).map(drop).ok_or(Code::INVALID_HANDLE))
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamSynchronize(stream: u64) -> u32 {
    call_in_context("cuStreamSynchronize", |state| {
        state.streams.require(stream)?;
        if let Some(Some(capture)) = state.streams.0.get_mut(&stream) {
            capture.invalid = true;
            return Err(Code::CAPTURE_UNSUPPORTED);
        }
        state.counters.add(WAITS, 1);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamWaitEvent(stream: u64, event: u64, flags: u32) -> u32 {
    call_in_context("cuStreamWaitEvent", |state| {
        state.streams.require(stream)?;
        state.events.require(event)?;
        if flags > 1 { Err(Code::INVALID_VALUE) } else { Ok(()) } // everything before is done already
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamBeginCapture_v2(stream: u64, mode: u32) -> u32 {
    call_in_context("cuStreamBeginCapture_v2", |state| {
        if stream == 0 {
            return Err(Code::CAPTURE_UNSUPPORTED); // the legacy default stream
        }
        let capture = state.streams.get(stream)?;
        if capture.is_some() {
            return Err(Code::ILLEGAL_STATE);
        }
        if mode > 2 {
            return Err(Code::INVALID_VALUE);
        }
        *capture = Some(Capture { work: Vec::new(), mode, thread: thread::current().id(), invalid: false });
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamEndCapture(stream: u64, graph: Out<u64>) -> u32 {
    call_in_context("cuStreamEndCapture", |state| {
        let Capture { work, invalid, .. } = state.streams.get(stream)?.take().ok_or(Code::ILLEGAL_STATE)?;
        if invalid {
            graph.put(0)?;
            return Err(Code::CAPTURE_INVALIDATED);
        }
        let handle = state.handle();
        state.graphs.add(handle, work);
        graph.put(handle)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamIsCapturing(stream: u64, status: Out<u32>) -> u32 {
    call_in_context("cuStreamIsCapturing", |state| {
        state.streams.require(stream)?;
        status.put(match state.streams.0.get(&stream) {
            Some(Some(capture)) if capture.invalid => 2,
            Some(Some(_)) => 1,
            _ => 0,
        })
    })
}
