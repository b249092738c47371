//! Steps that NVIDIA's libraries compute.

use super::described::{Described, Shape};
use super::emit::{Emitter, Launch};
use super::lower::Phase;
use super::shapes::WEIGHTS;
use super::step::Step;
use super::view::View;
use crate::error::Error;
use crate::libraries::{Convolution, DataType, Libraries, LibraryUse, Opened, Product};
use cudarc::driver::sys::CUdeviceptr;
use std::sync::Arc;

/// What is enqueued, one after another.
#[derive(Debug)]
pub(super) enum Task {
    Launch(Launch),
    Call(Call),
}

/// A call of a library in place of a step's own kernel.
#[derive(Debug)]
pub(super) struct Call {
    /// For people.
    name: String,
    work: Planned,
    /// Source and offset in bytes of both factors, and the output's offset.
    factors: [(i32, u64); 2],
    output: u64,
}

#[derive(Debug)]
enum Planned {
    Convolution(Convolution),
    Product(Product),
}

/// Where the arrays lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    pub(super) weights: CUdeviceptr,
    pub(super) memory: CUdeviceptr,
    pub(super) workspace: CUdeviceptr,
}

/// A step's own kernel, or instead of it a call and what is done behind that in place.
pub(super) struct Choice {
    pub(super) phase: Phase,
    pub(super) own: Launch,
    pub(super) by_library: Option<(Call, Option<Launch>)>,
}

/// The libraries that a network may use, and what comes of it.
pub(super) struct Calls {
    libraries: Libraries,
    opened: Option<Arc<Opened>>,
    pub(super) used: LibraryUse,
}

impl Call {
    fn workspace(&self) -> usize {
        match &self.work {
            Planned::Convolution(it) => it.workspace,
            Planned::Product(it) => it.workspace,
        }
    }

    /// # Safety
    /// The arrays for which the steps were emitted, and the largest of the workspaces.
    pub(super) unsafe fn enqueue(&self, at: &Addresses) -> Result<(), Error> {
        let of = |(source, offset)| offset + if source == WEIGHTS { at.weights } else { at.memory };
        let operands = [of(self.factors[0]), of(self.factors[1]), at.memory + self.output];
        // SAFETY: the caller's promise; the shapes are those of the step.
        unsafe {
            match &self.work {
                Planned::Convolution(it) => it.enqueue(operands, at.workspace),
                Planned::Product(it) => it.enqueue(operands, at.workspace),
            }
        }
    }
}

impl Calls {
    pub(super) fn new(libraries: Libraries, opened: Option<Arc<Opened>>) -> Self {
        let refused = opened.as_ref().map_or_else(Vec::new, |opened| opened.refused.clone());
        Self { libraries, opened, used: LibraryUse { refused, ..LibraryUse::default() } }
    }

    /// The call for a step, if a library is to compute it and can, and what is done behind it in place.
    pub(super) fn choose(&mut self, emitter: &mut Emitter<'_, '_>, step: &Step) -> Option<(Call, Option<Launch>)> {
        let opened = self.opened.clone()?;
        let is_half = emitter.lowered.buffers[step.out].is_half;
        let asked = Described::new(step, is_half, opened.cublas_lt.is_some())?;
        let is_open = if asked.is_product { opened.cublas_lt.is_some() } else { opened.cudnn.is_some() };
        if !is_open || !self.libraries.takes(asked.operations) {
            return None;
        }
        let planned = match asked.shape {
            Err(reason) => return self.refuse(&asked.name, reason),
            Ok(Shape::Convolution(shape)) => {
                Convolution::plan(opened.cudnn.as_ref()?, &shape).map(Planned::Convolution)
            }
            Ok(Shape::Product(shape)) => Product::plan(opened.cublas_lt.as_ref()?, &shape).map(Planned::Product),
        };
        let work = match planned {
            Ok(work) => work,
            Err(error) => return self.refuse(&asked.name, &error.to_string()),
        };
        let place = |view: &View| {
            let (source, offset) = emitter.place(view);
            (source, asked.data.bytes() as u64 * offset as u64)
        };
        let factors = asked.factors.each_ref().map(place);
        // the output's place is told in elements of f32
        let call =
            Call { name: asked.name, work, factors, output: DataType::F32.bytes() as u64 * emitter.out(step) as u64 };
        self.used.workspace = self.used.workspace.max(call.workspace() as u64);
        let behind = (!step.program.is_empty()).then(|| emitter.in_place(step));
        Some((call, behind))
    }

    fn refuse<T>(&mut self, name: &str, reason: &str) -> Option<T> {
        let line = format!("{name}: {reason}");
        if !self.used.refused.contains(&line) {
            self.used.refused.push(line);
        }
        None
    }

    /// The tasks of each phase, after every call was tried once: what fails is our own kernel's, and what a library does
    /// first, such as loading its code, is done before anything is captured.
    ///
    /// # Safety
    /// The arrays for which the steps were emitted, and the largest of the workspaces; nothing in memory counts yet.
    pub(super) unsafe fn tried(&mut self, choices: Vec<Choice>, at: &Addresses) -> [Vec<Task>; 3] {
        let mut tasks = [vec![], vec![], vec![]];
        for Choice { phase, own, by_library } in choices {
            let to = &mut tasks[phase as usize];
            // SAFETY: the caller's promise.
            let works = |(call, _): &(Call, _)| match unsafe { call.enqueue(at) } {
                Ok(()) => true,
                Err(error) => self.refuse::<()>(&call.name, &error.to_string()).is_some(),
            };
            let Some((call, behind)) = by_library.filter(works) else {
                to.push(Task::Launch(own));
                continue;
            };
            let count = match call.work {
                Planned::Convolution(_) => &mut self.used.cudnn,
                Planned::Product(_) => &mut self.used.cublas_lt,
            };
            *count += usize::from(phase == Phase::Picture);
            to.push(Task::Call(call));
            to.extend(behind.map(Task::Launch));
        }
        tasks
    }
}
