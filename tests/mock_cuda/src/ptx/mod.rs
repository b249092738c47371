//! An interpreter of PTX: warps of 32 lanes, one instruction at a time for all lanes that are at it.

mod access;
mod address;
mod atomic;
mod block;
mod compare;
mod convert;
mod copies;
mod decode;
mod decode_lanes;
mod decode_memory;
mod decode_tensor;
mod exchange;
mod float;
mod instruction;
mod integer;
mod module;
mod operand;
mod predicate;
mod registers;
mod rows;
mod statement;
mod tensor;
#[cfg(test)]
mod tests;
mod warp;

pub use block::{Grid, run};
pub use decode::{Kernel, decode};
pub use module::{Module, Parameter, Source, Space};

use crate::code::Code;

/// Why a kernel was broken off.
#[derive(Debug)]
pub struct Fault {
    pub code: Code,
    pub message: String,
}

impl Fault {
    fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}
