//! From a graph to the steps that compute it.

use super::half::HalfWork;
use super::patterns::Patterns;
use super::precision::Precision;
use super::program::{Code, Instruction, Operand};
use super::step::{Step, Work};
use super::uses::{LOOKS, uses};
use super::view::View;
use crate::error::Error;
use rwt_onnx::{FixedGraph, Operation};
use std::borrow::Cow;
use std::collections::HashMap;

/// When a buffer is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// From constants: once.
    Once,
    /// From the noise level: once a level.
    Time,
    /// From the picture: in each evaluation.
    Picture,
}

/// Elements on the device.
#[derive(Clone, Debug)]
pub(super) struct Buffer {
    pub(super) len: usize,
    pub(super) phase: Phase,
    /// Which constant it is, if it is one.
    pub(super) constant: Option<usize>,
    /// Are its elements bf16?
    pub(super) is_half: bool,
    /// How many operations read it.
    pub(super) uses: usize,
}

/// A constant and what it is known by: the same key, the same elements.
pub(super) struct Constant<'a> {
    pub(super) key: String,
    pub(super) elements: Cow<'a, [u8]>,
}

/// What a graph comes to.
pub(super) struct Lowered<'a> {
    pub(super) buffers: Vec<Buffer>,
    pub(super) constants: Vec<Constant<'a>>,
    pub(super) steps: Vec<Step>,
    /// The buffers of the padded picture, the time (one element) and the answer.
    pub(super) x: usize,
    pub(super) time: usize,
    pub(super) output: usize,
}

impl Buffer {
    /// How many f32 it takes the place of.
    pub(super) fn words(&self) -> usize {
        if self.is_half { self.len.div_ceil(2) } else { self.len }
    }
}

impl Lowered<'_> {
    pub(super) fn phase(&self, step: usize) -> Phase {
        self.buffers[self.steps[step].out].phase
    }
}

pub(super) struct Lowering<'a, 'g> {
    pub(super) graph: &'g FixedGraph<'a>,
    pub(super) precision: Precision,
    pub(super) patterns: Patterns,
    /// Readers of each value, through operators that only look at it in another way.
    uses: Vec<usize>,
    pub(super) views: Vec<Option<View>>,
    pub(super) buffers: Vec<Buffer>,
    pub(super) constants: Vec<Constant<'a>>,
    pub(super) steps: Vec<Option<Step>>,
    pub(super) makers: HashMap<usize, usize>,
    /// Views that were converted, and to what.
    pub(super) converted: HashMap<View, View>,
    /// Buffers in which pictures lie 2^shift times as large: these, the pictures, and shift.
    pub(super) enlarged: HashMap<usize, (View, View, u32)>,
}

/// The steps of a graph.
///
/// # Errors
/// [`Error::Operator`] with the node that cannot be computed.
pub(super) fn lower<'a>(graph: &FixedGraph<'a>, precision: Precision) -> Result<Lowered<'a>, Error> {
    let patterns = Patterns::find(graph, precision);
    let mut lowering = Lowering {
        graph,
        precision,
        uses: uses(graph, &patterns),
        patterns,
        views: vec![None; graph.values.len()],
        buffers: vec![],
        constants: vec![],
        steps: vec![],
        makers: HashMap::new(),
        converted: HashMap::new(),
        enlarged: HashMap::new(),
    };
    let shape = &graph.values[graph.x].shape;
    let x = lowering.buffer(shape.iter().product(), Phase::Picture);
    lowering.buffers[x].uses = 2; // nothing can be done before it
    lowering.views[graph.x] = Some(View::dense(x, shape));
    let time = lowering.buffer(1, Phase::Time);
    lowering.buffers[time].uses = 2;
    lowering.views[graph.time] = View::dense(time, &[]).expand(&graph.values[graph.time].shape);
    for (place, operation) in graph.operations.iter().enumerate() {
        if !lowering.patterns.absorbed[place] && lowering.is_wanted(operation) {
            let before = lowering.buffers.len();
            let views = lowering.operation(place, operation);
            let views = views.map_err(|reason| Error::Operator { node: operation.name(), reason })?;
            let looks = LOOKS.contains(&operation.operator()) || lowering.patterns.looked_at(place).is_some();
            lowering.define(operation, views, before, looks);
        }
    }
    lowering.finish(x, time)
}

/// Leave out the constants that nothing reads, such as weights that were converted.
fn keep_read(buffers: &mut [Buffer], constants: &mut Vec<Constant<'_>>, steps: &[Step]) {
    let mut is_read = vec![false; constants.len()];
    let views = steps.iter().flat_map(Step::reads);
    views.filter_map(|view| buffers[view.buffer].constant).for_each(|constant| is_read[constant] = true);
    let place = |constant: usize| is_read[constant].then(|| is_read[..constant].iter().filter(|read| **read).count());
    buffers.iter_mut().for_each(|buffer| buffer.constant = buffer.constant.and_then(place));
    let mut each = is_read.iter();
    constants.retain(|_| each.next() == Some(&true));
}

impl<'a, 'g> Lowering<'a, 'g> {
    fn is_wanted(&self, operation: &Operation<'_>) -> bool {
        operation.outputs.iter().flatten().any(|&output| self.uses[output] > 0)
    }

    /// Remember where the outputs lie, and who reads what was made for them.
    fn define(&mut self, operation: &Operation<'_>, views: Vec<View>, before: usize, looks: bool) {
        for (&output, view) in operation.outputs.iter().zip(views) {
            let Some(output) = output else { continue };
            let (buffer, uses) = (&mut self.buffers[view.buffer], self.uses[output]);
            if view.buffer >= before {
                buffer.uses = uses;
            } else if !looks {
                buffer.uses = (buffer.uses + uses).saturating_sub(1); // nothing was to be done
            }
            self.views[output] = Some(view);
        }
    }

    fn finish(mut self, x: usize, time: usize) -> Result<Lowered<'a>, Error> {
        let found = self.views[self.graph.output].clone();
        let unwritten = || Error::Operator { node: "the output".into(), reason: "nothing writes it".into() };
        let mut output = self.dense(&found.ok_or_else(unwritten)?);
        let buffer = &self.buffers[output.buffer];
        if buffer.constant.is_some() || buffer.len != output.elements() || self.maker(output.buffer).is_none() {
            output = self.copied(&output);
        }
        let Self { mut buffers, mut constants, steps, precision, .. } = self;
        let mut steps: Vec<Step> = steps.into_iter().flatten().collect();
        steps.sort_by_key(|step| buffers[step.out].phase);
        if precision == Precision::Bf16 {
            keep_read(&mut buffers, &mut constants, &steps);
        }
        Ok(Lowered { buffers, constants, steps, x, time, output: output.buffer })
    }

    pub(super) fn buffer(&mut self, len: usize, phase: Phase) -> usize {
        self.buffers.push(Buffer { len, phase, constant: None, is_half: false, uses: 1 });
        self.buffers.len() - 1
    }

    fn maker(&self, buffer: usize) -> Option<&Step> {
        self.makers.get(&buffer).and_then(|&step| self.steps[step].as_ref())
    }

    /// Add a step that writes a dense array.
    pub(super) fn step(&mut self, work: Work, shape: &[usize]) -> View {
        let out = self.buffer(shape.iter().product(), Phase::Once);
        self.push(Step { work, program: vec![], out });
        View::dense(out, shape)
    }

    fn push(&mut self, mut step: Step) {
        self.float_inputs(&mut step.work);
        if let Work::Attention(attention) | Work::Half(HalfWork::Attention(attention)) = &mut step.work {
            attention.output.buffer = step.out;
        }
        if let Work::Copy(parts) | Work::Half(HalfWork::Copy(parts)) = &mut step.work {
            parts.iter_mut().for_each(|[_, to]| to.buffer = step.out);
        }
        let phase = step.reads().into_iter().map(|view| self.buffers[view.buffer].phase).max();
        self.buffers[step.out].phase = phase.unwrap_or(Phase::Once);
        self.makers.insert(step.out, self.steps.len());
        self.steps.push(Some(step));
    }

    /// The same elements without gaps, copied if they must be.
    pub(super) fn dense(&mut self, view: &View) -> View {
        if self.is_half(view) {
            return self.floats_from(view);
        }
        if view.is_dense() { view.clone() } else { self.copied(view) }
    }

    pub(super) fn copied(&mut self, view: &View) -> View {
        let to = View::dense(0, &view.shape);
        self.step(Work::Copy(vec![[view.clone(), to]]), &view.shape)
    }

    /// `it` with something done to each element, behind the kernel that makes it if it can be.
    pub(super) fn apply(&mut self, it: &View, code: Code, operand: Operand) -> View {
        if matches!(operand, Operand::Value(value) if code.is_nothing(value)) {
            return it.clone();
        }
        // what is repeated is computed once
        let repeats = |view: &View| view.strides.iter().map(|&stride| stride == 0).collect::<Vec<_>>();
        let mut repeated = repeats(it);
        if let Some(view) = operand.view() {
            repeated.iter_mut().zip(repeats(view)).for_each(|(all, one)| *all &= one);
        }
        let once = it.once(&repeated);
        let operand = match operand {
            Operand::View(view) => Operand::View(view.once(&repeated)),
            value => value,
        };
        let result = self.apply_once(&once, Instruction { code, operand });
        result.expand(&it.shape).expect("of the same shape but for repetitions")
    }

    pub(super) fn apply_once(&mut self, it: &View, instruction: Instruction) -> View {
        if self.is_half(it) || instruction.operand.view().is_some_and(|view| self.is_half(view)) {
            return self.apply_half(it, instruction);
        }
        if self.can_follow_dense(it, &instruction) {
            return self.follow(it, instruction);
        }
        let views = instruction.operand.view().into_iter().chain([it]);
        if super::view::common_axes(it.elements(), views).is_some() {
            return self.pointwise(Work::Pointwise(it.clone()), &it.shape, instruction);
        }
        let it = self.dense(it);
        let operand = match instruction.operand {
            Operand::View(view) => Operand::View(self.dense(&view)),
            value => value,
        };
        self.apply_once(&it, Instruction { operand, ..instruction })
    }

    /// Put an instruction behind the kernel that makes `it`.
    pub(super) fn follow(&mut self, it: &View, instruction: Instruction) -> View {
        let place = self.makers[&it.buffer];
        let mut step = self.steps[place].take().expect("made by it");
        step.program.push(instruction);
        step.out = self.buffer(it.elements(), Phase::Once);
        let out = step.out;
        self.buffers[out].is_half = self.is_half(it);
        self.push(step); // last, when all operands are there
        View::dense(out, &it.shape)
    }

    /// A step that does nothing but this.
    pub(super) fn pointwise(&mut self, work: Work, shape: &[usize], instruction: Instruction) -> View {
        let out = self.step(work, shape);
        let phase = instruction.operand.view().map_or(Phase::Once, |view| self.buffers[view.buffer].phase);
        let buffer = &mut self.buffers[out.buffer];
        buffer.phase = buffer.phase.max(phase);
        self.steps.last_mut().and_then(Option::as_mut).expect("just pushed").program.push(instruction);
        out
    }

    /// Can the instruction be put behind the kernel that makes `it`?
    pub(super) fn can_follow(&self, it: &View, instruction: &Instruction) -> bool {
        if !self.is_half(it) {
            let is_half = instruction.operand.view().is_some_and(|view| self.is_half(view));
            return !is_half && self.can_follow_dense(it, instruction);
        }
        let order = it.memory_order();
        let ordered = it.permute(&order).expect("an order of its axes");
        self.can_follow_dense(&ordered, &instruction.permuted(&order))
    }

    /// Is `it` all that a kernel makes, for this instruction alone?
    pub(super) fn can_follow_dense(&self, it: &View, instruction: &Instruction) -> bool {
        let buffer = &self.buffers[it.buffer];
        let phase = instruction.operand.view().map_or(Phase::Once, |view| self.buffers[view.buffer].phase);
        let is_whole = it.is_dense() && it.offset == 0 && it.elements() == buffer.len;
        let takes = |step: &Step| step.takes(instruction, buffer.len);
        is_whole && buffer.uses == 1 && phase <= buffer.phase && self.maker(it.buffer).is_some_and(takes)
    }
}
