//! A driver of NVIDIA's without a device, for tests.
//!
//! It has the functions of libcuda.so that `rwt-cuda` comes to call, checks what they are given, and counts. Memory is the
//! host's. Work is done when it is enqueued, or when the graph is replayed into which it was captured. Kernels are carried out
//! from their PTX by an interpreter, or from their source, built for the processor (`RWT_MOCK_MODE`: ptx or source).
//!
//! The environment also says which device there is: `RWT_MOCK_VERSION` (13000), `RWT_MOCK_DEVICES` (1), `RWT_MOCK_MEMORY`
//! (bytes), `RWT_MOCK_CAPABILITY` (90), and with `RWT_MOCK_ORDER=reverse` in which order blocks and threads go.

#![allow(non_snake_case, reason = "the driver's names")]

mod code;
mod counters;
mod device;
mod event;
mod failures;
mod graph;
mod host;
mod launch;
mod memory;
mod module;
mod ptx;
mod source;
mod state;
mod stream;
