//! Blocks of a launch, one after another.

use super::Fault;
use super::address::Spaces;
use super::decode::Kernel;
use super::rows::{ALL, LANES};
use super::warp::{Common, Warp};
use crate::code::Code;

/// The size of a launch.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    pub blocks: [u32; 3],
    pub threads: [u32; 3],
    /// Bytes of shared memory that the launch adds.
    pub dynamic: usize,
    /// Last block and warp first: what depends on their order differs.
    pub reverse: bool,
}

/// Carry a kernel out; how many instructions its warps took. `global` are the allocations' first and last addresses,
/// exclusive, in order.
pub fn run(kernel: &Kernel, grid: &Grid, parameters: &[u8], global: &[(u64, u64)]) -> Result<u64, Fault> {
    let threads = grid.threads.iter().product::<u32>() as usize;
    let mut warps: Vec<_> = (0..threads.div_ceil(LANES)).map(|_| Warp::new(kernel)).collect();
    let shared = vec![0; kernel.shared + grid.dynamic];
    let spaces = Spaces { global, recent: (0, 0), shared };
    let mut common = Common { kernel, parameters, spaces, done: 0 };
    let blocks = grid.blocks.map(u64::from).iter().product::<u64>();
    for number in 0..blocks {
        let number = if grid.reverse { blocks - 1 - number } else { number };
        let [x, y, _] = grid.blocks.map(u64::from);
        let place = [number % x, number / x % y, number / (x * y)].map(|place| place as u32);
        common.spaces.shared.fill(0xff); // whatever was in it before
        block(&mut warps, &mut common, grid, place, threads).map_err(|fault| {
            let message = format!("kernel {}, block {place:?}, {}", kernel.name, fault.message);
            Fault { message, ..fault }
        })?;
    }
    Ok(common.done)
}

fn block(
    warps: &mut [Warp],
    common: &mut Common<'_>,
    grid: &Grid,
    place: [u32; 3],
    threads: usize,
) -> Result<(), Fault> {
    for (number, warp) in warps.iter_mut().enumerate() {
        let first = number * LANES;
        start(warp, grid, place, first, (threads - first).min(LANES));
    }
    loop {
        let count = warps.len();
        for number in 0..count {
            let number = if grid.reverse { count - 1 - number } else { number };
            warps[number]
                .run(common)
                .map_err(|fault| Fault { message: format!("warp {number}, {}", fault.message), ..fault })?;
        }
        let mut waiting = warps.iter_mut().filter(|warp| !warp.is_over()).peekable();
        let Some(first) = waiting.peek() else { return waited(warps) };
        let barrier = first.barrier()?;
        for warp in waiting {
            if warp.barrier()? != barrier {
                return Err(Fault::new(Code::LAUNCH_FAILED, "warps wait at different barriers"));
            }
            warp.release();
        }
    }
}

/// At a block's end nothing may be under way.
fn waited(warps: &mut [Warp]) -> Result<(), Fault> {
    match warps.iter_mut().flat_map(|warp| &mut warp.copies).map(|copies| copies.clear()).sum::<usize>() {
        0 => Ok(()),
        left => Err(Fault::new(Code::LAUNCH_FAILED, format!("{left} copies that nobody waits for"))),
    }
}

/// Tell the lanes where they are: the registers in the order of `operand::SPECIAL`.
fn start(warp: &mut Warp, grid: &Grid, place: [u32; 3], first: usize, lanes: usize) {
    let [x, y, _] = grid.threads;
    for lane in 0..LANES {
        let thread = (first + lane) as u32;
        let thread = [thread % x, thread / x % y, thread / (x * y)];
        let special = [thread, grid.threads, place, grid.blocks].concat();
        for (row, value) in warp.registers.words.iter_mut().zip(special.into_iter().chain([lane as u32])) {
            row[lane] = value;
        }
    }
    warp.start(if lanes == LANES { ALL } else { (1 << lanes) - 1 });
}
