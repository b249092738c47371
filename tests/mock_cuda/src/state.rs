//! What the driver knows, and the way into it: one call at a time.

use crate::code::Code;
use crate::counters::Counters;
use crate::device::Context;
use crate::event::Events;
use crate::failures::Failures;
use crate::graph::Graphs;
use crate::memory::Memory;
use crate::module::Modules;
use crate::stream::Streams;
use std::cell::Cell;
use std::sync::{Mutex, PoisonError};

pub type Done = Result<(), Code>;

/// What the driver knows.
#[derive(Default)]
pub struct State {
    pub started: bool,
    pub context: Context,
    pub memory: Memory,
    pub streams: Streams,
    pub events: Events,
    pub modules: Modules,
    pub graphs: Graphs,
    pub counters: Counters,
    pub failures: Failures,
    /// What the newest error was about, for people.
    pub message: String,
    handles: u64,
}

static STATE: Mutex<Option<State>> = Mutex::new(None);

thread_local! {
    /// Whether the one context is this thread's.
    static CURRENT: Cell<bool> = const { Cell::new(false) };
}

/// Something with all that is known.
pub fn with<T>(body: impl FnOnce(&mut State) -> T) -> T {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    body(state.get_or_insert_default())
}

/// A call of the driver by its name: counted, made to fail where a test wants it; its result's number.
pub fn call(name: &'static str, body: impl FnOnce(&mut State) -> Done) -> u32 {
    with(|state| {
        state.counters.add(name, 1);
        let done = match state.failures.due(name) {
            Some(code) => Err(code),
            None => body(state),
        };
        done.err().map_or(0, |code| code.0)
    })
}

/// A call that needs the context, and fails as everything does once a kernel has failed.
pub fn call_in_context(name: &'static str, body: impl FnOnce(&mut State) -> Done) -> u32 {
    call(name, |state| {
        if !is_current() || state.context.retained == 0 {
            return Err(Code::INVALID_CONTEXT);
        }
        match state.context.broken {
            Some(code) => Err(code),
            None => body(state),
        }
    })
}

impl State {
    /// A handle that was never given before.
    pub fn handle(&mut self) -> u64 {
        self.handles += 1;
        0x00c0_da00_0000 + 16 * self.handles
    }

    /// An error with what it is about, which goes to the standard error too.
    pub fn fail<T>(&mut self, code: Code, message: String) -> Result<T, Code> {
        eprintln!("mock driver: {message}");
        self.message = message;
        Err(code)
    }
}

/// Whether the one context is this thread's.
pub fn is_current() -> bool {
    CURRENT.get()
}

pub fn set_current(current: bool) {
    CURRENT.set(current);
}

/// Where a caller wants a result.
#[repr(transparent)]
pub struct Out<T>(*mut T);

impl<T> Out<T> {
    pub fn put(&self, value: T) -> Done {
        if self.0.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        // SAFETY: the caller of the driver gives a pointer that can be written to.
        unsafe { self.0.write(value) };
        Ok(())
    }

    pub fn is_null(&self) -> bool {
        self.0.is_null()
    }
}
