//! Which arrays are in bf16, and elementwise arithmetic on them.

use super::half::HalfWork;
use super::lower::{Lowering, Phase};
use super::precision::Precision;
use super::program::{Instruction, Operand};
use super::step::Work;
use super::view::{View, common_axes, inverse};

impl Lowering<'_, '_> {
    pub(super) fn is_half(&self, view: &View) -> bool {
        self.buffers[view.buffer].is_half
    }

    /// May what is made of it be in bf16?
    pub(super) fn may_be_half(&self, view: &View) -> bool {
        self.precision == Precision::Bf16 && self.buffers[view.buffer].phase == Phase::Picture
    }

    /// Add a step that writes bf16 of these sizes, dense.
    pub(super) fn half_step(&mut self, work: HalfWork, sizes: &[usize]) -> View {
        let out = self.step(Work::Half(work), sizes);
        self.buffers[out.buffer].is_half = true;
        out
    }

    /// The same elements in f32, dense.
    pub(super) fn floats_from(&mut self, view: &View) -> View {
        if let Some(known) = self.converted.get(view) {
            return known.clone();
        }
        let is_simple = common_axes(view.elements(), [view].into_iter()).is_some();
        let input = if is_simple {
            view.clone()
        } else {
            let parts = vec![[view.clone(), View::dense(0, &view.shape)]];
            self.half_step(HalfWork::Copy(parts), &view.shape)
        };
        let out = self.step(Work::Half(HalfWork::Leave(input)), &view.shape);
        self.keep_converted(view, out)
    }

    /// Pictures \[n, channels, height, width\] as bf16 \[n, height, width, channels\] of octets, with zeros after the
    /// channels.
    pub(super) fn octets(&mut self, it: &View) -> View {
        if self.is_half(it) {
            let turned = it.permute(&[0, 2, 3, 1]).expect("four axes");
            if turned.is_octets() {
                return turned;
            }
        }
        let it = if self.is_half(it) { self.floats_from(it) } else { it.clone() };
        if let Some(known) = self.converted.get(&it) {
            return known.clone();
        }
        let [pictures, channels, height, width] = it.shape[..] else { unreachable!("pictures") };
        let rows = [pictures, channels, height * width];
        let (input, program) = self.unmade(&it, &rows).unwrap_or_else(|| {
            let input = it.reshape(&rows);
            (input.unwrap_or_else(|| self.copied(&it).reshape(&rows).expect("dense")), vec![])
        });
        let padded = channels.next_multiple_of(8);
        let out = self.half_step(HalfWork::Enter { input, channels: padded }, &[pictures, height, width, padded]);
        self.steps.last_mut().and_then(Option::as_mut).expect("just pushed").program = program;
        self.keep_converted(&it, out)
    }

    /// What an elementwise step makes of what, instead of that step, if nothing else reads it; all of this shape.
    fn unmade(&mut self, it: &View, shape: &[usize]) -> Option<(View, Vec<Instruction>)> {
        let buffer = &self.buffers[it.buffer];
        if buffer.uses != 1 || !it.is_dense() || it.elements() != buffer.len {
            return None;
        }
        let place = *self.makers.get(&it.buffer)?;
        let step = self.steps[place].as_ref()?;
        let Work::Pointwise(input) = &step.work else { return None };
        let input = input.reshape(shape)?;
        let fits = |instruction: &Instruction| instruction.operand.view().is_none_or(|v| v.reshape(shape).is_some());
        step.program.iter().all(fits).then_some(())?;
        Some((input, self.steps[place].take()?.program))
    }

    fn keep_converted(&mut self, from: &View, to: View) -> View {
        self.buffers[to.buffer].uses = 2; // nothing may be put behind it
        self.converted.insert(from.clone(), to.clone());
        to
    }

    /// What an f32 kernel reads must be f32.
    pub(super) fn float_inputs(&mut self, work: &mut Work) {
        for input in work.inputs_mut() {
            if self.is_half(input) {
                *input = self.floats_from(input);
            }
        }
    }

    /// `it` and the operand as a kernel in bf16 takes them, in the order in which `it` lies, and that order; or both in f32
    /// without one.
    fn settled(&mut self, it: &View, mut instruction: Instruction) -> (View, Instruction, Option<Vec<usize>>) {
        let mut it = it.clone();
        if !self.is_half(&it)
            && let (Some(exchanged), Operand::View(other)) = (instruction.code.exchanged(), &instruction.operand)
        {
            let other = other.clone();
            instruction = Instruction { code: exchanged, operand: Operand::View(it) };
            it = other;
        }
        let order = it.memory_order();
        let ordered = it.permute(&order).expect("an order of its axes");
        let is_fit = self.is_half(&it) && ordered.is_octets();
        if let Operand::View(view) = &mut instruction.operand
            && self.is_half(view)
            && !(is_fit && view.permute(&order).is_some_and(|view| view.is_octets()))
        {
            *view = self.floats_from(view);
        }
        if is_fit {
            let instruction = instruction.permuted(&order);
            return (ordered, instruction, Some(order));
        }
        let it = if self.is_half(&it) { self.floats_from(&it) } else { it };
        (it, instruction, None)
    }

    /// One instruction where something is in bf16.
    pub(super) fn apply_half(&mut self, it: &View, instruction: Instruction) -> View {
        let (it, instruction, order) = self.settled(it, instruction);
        let Some(order) = order else { return self.apply_once(&it, instruction) };
        let back = inverse(&order);
        if self.can_follow_dense(&it, &instruction) {
            return self.follow(&it, instruction).permute(&back).expect("its inverse");
        }
        let views = instruction.operand.view().into_iter().chain([&it]);
        if common_axes(it.elements(), views).is_some_and(|[.., inner]| inner.is_multiple_of(8)) {
            let out = self.pointwise(Work::Half(HalfWork::Pointwise(it.clone())), &it.shape, instruction);
            self.buffers[out.buffer].is_half = true;
            return out.permute(&back).expect("its inverse");
        }
        // too many axes for one kernel
        let it = self.floats_from(&it.permute(&back).expect("its inverse"));
        let mut instruction = instruction.permuted(&back);
        if let Operand::View(view) = &mut instruction.operand
            && self.is_half(view)
        {
            *view = self.floats_from(view);
        }
        self.apply_once(&it, instruction)
    }
}
