//! Instructions as they are carried out: operands are places of registers.

use super::atomic::Change;
use super::operand::Register;
use super::rows::Operation;

/// An instruction, in the lanes where its guard allows.
pub struct Instruction {
    /// A predicate, and the value that it must have.
    pub guard: Option<(u32, bool)>,
    pub kind: Kind,
    /// Its number among the kernel's written ones, for messages.
    pub number: u32,
}

/// Of two predicates.
pub type Combine = fn(u32, u32) -> u32;
/// Bits of one word in another one.
pub type Insert = fn(u32, u32, u32, u32) -> u32;

pub enum Kind {
    /// to ← operation(a, b, c): places in the files that the operation says.
    Compute {
        operation: Operation,
        to: u32,
        a: u32,
        b: u32,
        c: u32,
    },
    /// to ← test(a, b), combined with another predicate.
    Test {
        operation: Operation,
        to: u32,
        a: u32,
        b: u32,
        with: Option<(Combine, u32, bool)>,
    },
    Insert {
        apply: Insert,
        to: u32,
        from: [u32; 4],
    },
    /// to ← the kernel's parameter.
    Parameter {
        to: Register,
        offset: usize,
        view: View,
    },
    Load {
        to: [Register; 4],
        count: usize,
        view: View,
        address: Address,
    },
    Store {
        from: [Register; 4],
        count: usize,
        view: View,
        address: Address,
    },
    Atomic {
        change: Change,
        to: Option<Register>,
        operand: Register,
        compared: Option<Register>,
        view: View,
        address: Address,
    },
    Shuffle {
        mode: Shuffle,
        to: u32,
        valid: Option<u32>,
        value: u32,
        lane: u32,
        limits: u32,
        members: u32,
    },
    Vote {
        mode: Vote,
        to: Register,
        of: u32,
        holds: bool,
        members: u32,
    },
    /// d ← a b + c, by all lanes.
    Multiply {
        d: [u32; 4],
        a: [u32; 4],
        b: [u32; 2],
        c: [u32; 4],
    },
    /// Four matrices of shared memory, by all lanes, each of which knows a row's address.
    Matrices {
        to: [u32; 4],
        transposed: bool,
        row: Address,
    },
    /// 16 bytes in the background, of which `size` are there.
    Fetch {
        to: Address,
        from: Address,
        size: u32,
    },
    Commit,
    /// Until at most so many groups of the lane's are under way.
    Wait {
        left: u32,
    },
    /// Lanes that are here now.
    Active {
        to: u32,
    },
    Jump {
        target: u32,
    },
    Choose {
        index: u32,
        targets: Vec<u32>,
    },
    /// All threads of the block.
    Barrier,
    /// These lanes of the warp.
    WarpBarrier {
        members: u32,
    },
    Exit,
}

/// How memory's bytes are a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    pub bytes: usize,
    pub signed: bool,
}

/// Where a state space lies among generic addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Any, told apart by the address itself.
    Generic,
    Global,
    Shared,
    Local,
}

/// A register's value, if any, plus an offset.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    pub window: Window,
    pub base: Option<Register>,
    pub offset: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shuffle {
    Up,
    Down,
    Butterfly,
    Index,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vote {
    Ballot,
    All,
    Any,
    Uniform,
}
