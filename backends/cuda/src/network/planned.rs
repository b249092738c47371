//! A network on a device, for pictures of one number and size.

use super::arena::Places;
use super::borders::Borders;
use super::calls::{Addresses, Calls, Choice, Task};
use super::emit::{Emitter, Shapes};
use super::kernels::Kernels;
use super::lower::{Lowered, Phase};
use super::onnx_network::Needed;
use crate::array::Array;
use crate::chains::require;
use crate::denoiser::Io;
use crate::device::Device;
use crate::error::Error;
use crate::graph::Graph;
use crate::kernel::arguments;
use crate::libraries::LibraryUse;
use cudarc::driver::result::mem_get_info;
use cudarc::driver::sys::CUdeviceptr;
use rwt_core::Chain;
use rwt_onnx::Network;
use std::sync::Arc;

/// Threads of a block of the small kernels.
const BLOCK: u32 = 256;
/// Levels for which it does not pay to capture a graph.
const FEW_LEVELS: usize = 8;

/// The weights that were uploaded, by the keys of the constants.
#[derive(Debug)]
pub(super) struct Weights {
    keys: Vec<String>,
    array: Array<f32>,
}

#[derive(Debug)]
pub(super) struct Planned {
    kernels: Arc<Kernels>,
    /// Of each phase.
    tasks: [Vec<Task>; 3],
    weights: Arc<Weights>,
    memory: Array<f32>,
    shapes: Array<u64>,
    borders: Borders,
    /// What libraries have beside their operands.
    workspace: Array<u8>,
    /// For each level, what depends on it alone.
    table: Array<f32>,
    /// Where time, picture, answer and the level of the tables' making lie; how long a row is.
    time: CUdeviceptr,
    x: CUdeviceptr,
    answer: CUdeviceptr,
    row: usize,
    level: Array<u32>,
    pub(super) needed: Needed,
    pub(super) used: LibraryUse,
}

impl Planned {
    /// Lay everything out and upload it; `weights` are taken over if they are the same.
    pub(super) fn new(
        device: &Device,
        kernels: Arc<Kernels>,
        mut calls: Calls,
        lowered: &Lowered<'_>,
        borders: Borders,
        weights: Option<Arc<Weights>>,
        levels: usize,
    ) -> Result<Self, Error> {
        let places = Places::new(lowered);
        let mut emitter = Emitter { lowered, places: &places, pictures: borders.pictures(), shapes: Shapes::default() };
        let mut choices = Vec::new();
        for (number, step) in lowered.steps.iter().enumerate() {
            let own = emitter.emit(step)?;
            let by_library = calls.choose(&mut emitter, step);
            choices.push(Choice { phase: lowered.phase(number), own, by_library });
        }
        let shapes = emitter.shapes.0;
        let mut needed = Needed {
            weights: 4 * places.weights as u64,
            activations: 4 * places.memory as u64,
            tables: 4 * (places.row * levels) as u64 + 8 * shapes.len() as u64,
            launches: 0,
        };
        let most = i32::MAX as usize; // the kernels count in 32 bits
        require(
            places.memory <= most,
            "elements of an evaluation's arrays (chains times pixels)",
            "below 2^31",
            places.memory,
        )?;
        let weights = match weights {
            Some(weights) if weights.are(lowered) => {
                check_room(device, needed.activations + needed.tables + calls.used.workspace)?;
                weights
            }
            other => {
                drop(other);
                let all = needed.weights + needed.activations + needed.tables + calls.used.workspace;
                check_room(device, all)?;
                Arc::new(Weights::upload(device, lowered, &places)?)
            }
        };
        let memory = Array::zeros(device, places.memory)?;
        let workspace = Array::<u8>::zeros(device, calls.used.workspace as usize)?;
        let addresses =
            Addresses { weights: weights.array.address(), memory: memory.address(), workspace: workspace.address() };
        // SAFETY: the arrays that were just made for these steps.
        let tasks = unsafe { calls.tried(choices, &addresses) };
        needed.launches = tasks[Phase::Picture as usize].len() + 2 + usize::from(places.row > 0);
        let at = |buffer: usize| memory.address() + 4 * places.offsets[buffer] as u64;
        Ok(Self {
            time: at(lowered.time),
            x: at(lowered.x),
            answer: at(lowered.output),
            row: places.row,
            kernels,
            tasks,
            weights,
            shapes: Array::from_host(device, &shapes)?,
            table: Array::zeros(device, 1)?,
            borders,
            level: Array::zeros(device, 1)?,
            memory,
            workspace,
            needed,
            used: calls.used,
        })
    }

    pub(super) fn weights(&self) -> Arc<Weights> {
        Arc::clone(&self.weights)
    }

    /// Take in the levels: what depends on them alone is computed now, on the device.
    pub(super) fn set_levels(
        &mut self,
        device: &Device,
        network: &Network,
        sigmas: &[f64],
        first: Option<Chain>,
    ) -> Result<(), Error> {
        self.borders.set_levels(device, network, sigmas, first)?;
        let levels = sigmas.len();
        if self.table.len() < self.row * levels {
            self.table = Array::zeros(device, self.row * levels)?;
        }
        self.run(Phase::Once)?;
        self.level.write(device, &[0])?;
        if levels < FEW_LEVELS {
            (0..levels).try_for_each(|_| self.tabulate())?;
        } else {
            let graph = Graph::capture(device, || self.tabulate())?;
            (0..levels).try_for_each(|_| graph.replay())?;
        }
        device.synchronize()
    }

    /// Fill the table's row of the present level, and go to the next.
    fn tabulate(&self) -> Result<(), Error> {
        let (levels, level, time) = (self.borders.levels(), self.level.address(), self.time);
        // SAFETY: the kernel's parameters; the arrays live as long as self.
        unsafe { self.kernels.time.launch([1, 1, 1], [32, 1, 1], 0, arguments![levels, level, time])? };
        self.run(Phase::Time)?;
        self.copy_row(self.memory.address(), self.table.address(), 0, level)?;
        // SAFETY: rwt_next(level), of one thread.
        unsafe { self.kernels.next.launch([1, 1, 1], [1, 1, 1], 0, arguments![level]) }
    }

    fn copy_row(
        &self,
        from: CUdeviceptr,
        to: CUdeviceptr,
        from_level: CUdeviceptr,
        to_level: CUdeviceptr,
    ) -> Result<(), Error> {
        if self.row == 0 {
            return Ok(());
        }
        let length = self.row as u32;
        let arguments = arguments![from, to, from_level, to_level, length];
        // SAFETY: the kernel's parameters; both arrays have a row for every level, or one.
        unsafe { self.kernels.copy_row.launch([length.div_ceil(BLOCK), 1, 1], [BLOCK, 1, 1], 0, arguments) }
    }

    fn run(&self, phase: Phase) -> Result<(), Error> {
        let (weights, memory) = (self.weights.array.address(), self.memory.address());
        let at = Addresses { weights, memory, workspace: self.workspace.address() };
        for task in &self.tasks[phase as usize] {
            let launch = match task {
                Task::Launch(launch) => launch,
                Task::Call(call) => {
                    // SAFETY: the arrays that it was planned for.
                    unsafe { call.enqueue(&at)? };
                    continue;
                }
            };
            let shape = self.shapes.address() + launch.shape as u64;
            let kernel = self.kernels.get(launch.kernel);
            // SAFETY: the parameters of all these kernels; the shape was made for these arrays.
            unsafe { kernel.launch(launch.grid, [launch.block, 1, 1], 0, arguments![weights, memory, shape])? };
        }
        Ok(())
    }

    pub(super) fn enqueue(&self, io: &Io) -> Result<(), Error> {
        self.copy_row(self.table.address(), self.memory.address(), io.level, 0)?;
        self.borders.enter(io, self.x)?;
        self.run(Phase::Picture)?;
        self.borders.leave(io, self.answer)
    }
}

impl Weights {
    fn are(&self, lowered: &Lowered<'_>) -> bool {
        self.keys.iter().eq(lowered.constants.iter().map(|constant| &constant.key))
    }

    fn upload(device: &Device, lowered: &Lowered<'_>, places: &Places) -> Result<Self, Error> {
        let mut values = vec![0.0; places.weights];
        for (constant, &begin) in lowered.constants.iter().zip(&places.constants) {
            let floats = constant.elements.chunks_exact(4);
            for (value, bytes) in values[begin..].iter_mut().zip(floats) {
                *value = f32::from_le_bytes(bytes.try_into().unwrap_or_default());
            }
        }
        let keys = lowered.constants.iter().map(|constant| constant.key.clone()).collect();
        Ok(Self { keys, array: Array::from_host(device, &values)? })
    }
}

/// An error if so many bytes are not free, before anything is allocated.
fn check_room(device: &Device, needed: u64) -> Result<(), Error> {
    let failed = |error| Error::driver("asking for the memory", error);
    device.synchronize()?; // what was freed counts as used until then
    let (free, total) = mem_get_info().map_err(failed)?;
    if needed > free as u64 {
        return Err(Error::OutOfMemory { needed, free: free as u64, total: total as u64 });
    }
    Ok(())
}
