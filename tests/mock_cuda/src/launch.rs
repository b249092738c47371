//! Launches of kernels.

use crate::code::Code;
use crate::counters::EXECUTIONS;
use crate::device::OPTED_SHARED;
use crate::graph::Work;
use crate::module::{Body, Kernel};
use crate::ptx;
use crate::state::{Done, State, call_in_context};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Bytes of shared memory of a block, unless its kernel may have more.
const SHARED: usize = 48 << 10;
const MOST_THREADS: u64 = 1024;

/// A kernel with the arguments that it had when it was enqueued.
#[derive(Clone)]
pub struct Launch {
    kernel: Arc<Kernel>,
    grid: ptx::Grid,
    /// As the parameters lie.
    arguments: Vec<u8>,
}

impl State {
    /// Carry a kernel out. Its failure is told by all calls after this one, as its device's driver does.
    pub fn run(&mut self, launch: &Launch) -> Done {
        self.counters.add(EXECUTIONS, 1);
        let done = match &launch.kernel.body {
            Body::Source(function) => {
                function.run(&launch.grid, &launch.kernel.parameters, &launch.arguments).map(|()| 0)
            }
            Body::Ptx(code) => ptx::run(code, &launch.grid, &launch.arguments, &self.memory.ranges()),
        };
        match done {
            Ok(instructions) => self.counters.add("instructions", instructions),
            Err(fault) => {
                self.context.broken = Some(fault.code);
                let _: Done = self.fail(fault.code, fault.message);
            }
        }
        Ok(())
    }

    fn check(&self, kernel: &Kernel, grid: &ptx::Grid) -> Done {
        let threads = grid.threads.map(u64::from).iter().product::<u64>();
        let [_, y, z] = grid.blocks;
        let shared = kernel.shared + grid.dynamic;
        let most = SHARED.max(kernel.opted.load(Ordering::Relaxed) + kernel.shared);
        if grid.blocks.contains(&0) || grid.blocks[0] > i32::MAX as u32 || y > 65_535 || z > 65_535 {
            return Err(Code::INVALID_VALUE);
        }
        if threads == 0 || threads > MOST_THREADS || grid.threads[2] > 64 {
            return Err(Code::INVALID_VALUE);
        }
        if kernel.most_threads.is_some_and(|most| threads > u64::from(most)) || shared > most || shared > OPTED_SHARED {
            return Err(Code::INVALID_VALUE);
        }
        Ok(())
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuLaunchKernel(
    function: u64,
    grid_x: u32,
    grid_y: u32,
    grid_z: u32,
    block_x: u32,
    block_y: u32,
    block_z: u32,
    shared: u32,
    stream: u64,
    arguments: *const *const u8,
    extra: *const u8,
) -> u32 {
    call_in_context("cuLaunchKernel", |state| {
        let kernel = state.modules.kernel(function)?;
        let grid = ptx::Grid {
            blocks: [grid_x, grid_y, grid_z],
            threads: [block_x, block_y, block_z],
            dynamic: shared as usize,
            reverse: state.modules.reverse,
        };
        state.check(&kernel, &grid)?;
        if !extra.is_null() || arguments.is_null() && !kernel.parameters.is_empty() {
            return Err(Code::INVALID_VALUE);
        }
        let end = kernel.parameters.last().map_or(0, |last| last.offset + last.bytes);
        let mut copied = vec![0; end];
        for (index, parameter) in kernel.parameters.iter().enumerate() {
            // SAFETY: the caller gives a pointer to a value of each parameter's type.
            unsafe {
                let value = *arguments.add(index);
                if value.is_null() {
                    return Err(Code::INVALID_VALUE);
                }
                copied[parameter.offset..].as_mut_ptr().copy_from_nonoverlapping(value, parameter.bytes);
            }
        }
        state.enqueue(stream, Work::Launch(Launch { kernel, grid, arguments: copied }))
    })
}
