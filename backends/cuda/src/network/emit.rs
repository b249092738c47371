//! From steps to launches, whose shapes lie in the device's memory.

use super::arena::Places;
use super::half::HalfWork;
use super::kernels::KernelName;
use super::lower::Lowered;
use super::program::{Instruction, Operand};
use super::shapes::{self, Copy, Heads};
use super::step::{Axes, Step, Work};
use super::view::{View, finest_axes};
use crate::error::Error;

/// The most axes of a copy.
pub(super) const COPY_AXES: usize = 6;
/// Threads of a block.
pub(super) const BLOCK: u32 = 256;
/// Queries of a block.
const QUERIES: usize = 16;
/// The most blocks in y and z.
const GRID_LIMIT: usize = 65_535;

/// A launch of a kernel with the weights, the memory and the shape at this byte of the shapes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Launch {
    pub(super) kernel: KernelName,
    pub(super) grid: [u32; 3],
    pub(super) block: u32,
    pub(super) shape: usize,
}

/// The shapes of all launches, as 8-byte words.
#[derive(Default)]
pub(super) struct Shapes(pub(super) Vec<u64>);

impl Shapes {
    /// Append plain numbers; where they begin, in bytes.
    pub(super) fn push<T: shapes::Plain>(&mut self, value: &T) -> usize {
        let at = self.0.len() * 8;
        let size = size_of::<T>();
        let mut words = vec![0_u64; size.div_ceil(8)];
        // SAFETY: a Plain type has neither padding nor pointers, and the words hold as many bytes.
        unsafe { std::ptr::copy_nonoverlapping((&raw const *value).cast::<u8>(), words.as_mut_ptr().cast(), size) };
        self.0.append(&mut words);
        at
    }
}

pub(super) struct Emitter<'l, 'a> {
    pub(super) lowered: &'l Lowered<'a>,
    pub(super) places: &'l Places,
    pub(super) pictures: usize,
    pub(super) shapes: Shapes,
}

impl Emitter<'_, '_> {
    /// Where a view lies: source and offset.
    pub(super) fn place(&self, view: &View) -> (i32, i64) {
        let (buffer, begin) = (&self.lowered.buffers[view.buffer], self.places.offsets[view.buffer]);
        let source = match (buffer.constant, buffer.is_half) {
            (Some(_), _) => shapes::WEIGHTS,
            (None, true) => shapes::HALF_MEMORY,
            (None, false) => shapes::MEMORY,
        };
        let begin = if buffer.is_half { 2 * begin } else { begin };
        (source, (begin + view.offset) as i64)
    }

    pub(super) fn out(&self, step: &Step) -> i64 {
        self.places.offsets[step.out] as i64
    }

    /// The launch of a step.
    ///
    /// # Errors
    /// [`Error::Operator`] for more blocks than a launch can have.
    pub(super) fn emit(&mut self, step: &Step) -> Result<Launch, Error> {
        let elements = self.lowered.buffers[step.out].len;
        if let Work::Copy(parts) | Work::Half(HalfWork::Copy(parts)) = &step.work
            && let Some(axes) =
                parts.iter().map(|[from, to]| finest_axes(from, to).len()).find(|&axes| axes > COPY_AXES)
        {
            let reason = format!("its elements lie along {axes} axes, expected at most {COPY_AXES}");
            return Err(Error::Operator { node: "a copy".into(), reason });
        }
        let launch = match &step.work {
            Work::Pointwise(input) => self.pointwise(step, input, elements),
            Work::Copy(parts) => self.copy(step, parts),
            Work::Conv(conv) => self.conv(step, conv, elements),
            Work::Gemm(_) => self.gemm(step, elements),
            Work::Norm { input, rows, epsilon } => {
                let axes = axes(step, elements);
                self.rows(step, KernelName::Norm, input, *rows, [*epsilon, 0.0], axes)
            }
            Work::Softmax { input, rows } => self.rows(step, KernelName::Softmax, input, *rows, [0.0; 2], NO_AXES),
            Work::Reduce { input, rows, kind } => {
                let kind = f32::from_bits(*kind as u32);
                self.rows(step, KernelName::Reduce, input, *rows, [0.0, kind], NO_AXES)
            }
            Work::Pad(window) => self.window(step, window, KernelName::Pad, elements),
            Work::Pool(window) => self.window(step, window, KernelName::Pool, elements),
            Work::Attention(_) => self.attention(step),
            Work::Half(half) => self.half(step, half),
        };
        if launch.grid[1..].iter().any(|&blocks| blocks as usize > GRID_LIMIT) {
            let reason =
                format!("{:?} takes {:?} blocks, expected at most {GRID_LIMIT} in y and z", launch.kernel, launch.grid);
            return Err(Error::Operator { node: "a launch".into(), reason: reason + ": take fewer chains at a time" });
        }
        Ok(launch)
    }

    pub(super) fn instruction(&self, instruction: &Instruction, sizes: &[usize; 3]) -> shapes::Instruction {
        let code = instruction.code as i32;
        match &instruction.operand {
            Operand::Value(value) => {
                shapes::Instruction { offset: 0, code, value: *value, stride: [0; 3], source: shapes::VALUE }
            }
            Operand::View(view) => self.operand(view, code, sizes),
        }
    }

    pub(super) fn operand(&self, view: &View, code: i32, sizes: &[usize; 3]) -> shapes::Instruction {
        let view = view.reshape(sizes).expect("the axes were chosen for it");
        let (source, offset) = self.place(&view);
        let stride = [view.strides[0], view.strides[1], view.strides[2]].map(|stride| stride as u32);
        shapes::Instruction { offset, code, value: 0.0, stride, source }
    }

    pub(super) fn program(&mut self, step: &Step, axes: &Axes) {
        for instruction in &step.program {
            let instruction = self.instruction(instruction, &axes.sizes);
            self.shapes.push(&instruction);
        }
    }

    fn pointwise(&mut self, step: &Step, input: &View, elements: usize) -> Launch {
        let axes = axes(step, elements);
        let shape = shapes::Pointwise {
            input: self.operand(input, 0, &axes.sizes),
            output: self.out(step),
            size: axes.sizes.map(|size| size as u32),
            count: step.program.len() as u32,
        };
        let shape = self.shapes.push(&shape);
        self.program(step, &axes);
        Launch { kernel: KernelName::Pointwise, grid: [blocks(elements), 1, 1], block: BLOCK, shape }
    }

    /// The instructions of a step whose result lies in its place already.
    pub(super) fn in_place(&mut self, step: &Step) -> Launch {
        let elements = self.lowered.buffers[step.out].len;
        if let Work::Half(HalfWork::Conv(conv)) = &step.work {
            return self.half_elementwise(step, &View::dense(step.out, &conv.sizes()), conv.sizes());
        }
        self.pointwise(step, &View::dense(step.out, &[elements]), elements)
    }

    fn copy(&mut self, step: &Step, parts: &[[View; 2]]) -> Launch {
        let at = self.shapes.0.len() * 8;
        for [from, to] in parts {
            // both in the axes of the finer one
            let sizes = finest_axes(from, to);
            let (from, to) = (from.reshape(&sizes).expect("finer"), to.reshape(&sizes).expect("finer"));
            let wide = |of: &[usize], fill: u32| {
                let mut wide = [fill; COPY_AXES];
                let skip = COPY_AXES - of.len();
                wide[skip..].iter_mut().zip(of).for_each(|(wide, &value)| *wide = value as u32);
                wide
            };
            let (source, input) = self.place(&from);
            let copy = Copy {
                input,
                output: self.out(step) + to.offset as i64,
                size: wide(&sizes, 1),
                from: wide(&from.strides, 0),
                to: wide(&to.strides, 0),
                source,
                total: from.elements() as u32,
            };
            self.shapes.push(&copy);
        }
        let largest = parts.iter().map(|[from, _]| from.elements()).max().unwrap_or(1);
        Launch { kernel: KernelName::Copy, grid: [blocks(largest), parts.len() as u32, 1], block: BLOCK, shape: at }
    }

    fn rows(
        &mut self,
        step: &Step,
        kernel: KernelName,
        input: &View,
        rows: usize,
        [epsilon, kind]: [f32; 2],
        axes: Axes,
    ) -> Launch {
        let (source, place) = self.place(input);
        let length = input.elements() / rows;
        let shape = shapes::Rows {
            input: place,
            output: self.out(step),
            source,
            length: length as u32,
            groups: axes.groups as u32,
            inner: axes.inner as u32,
            epsilon,
            kind: kind.to_bits() as i32,
            count: step.program.len() as u32,
            reserved: 0,
        };
        let shape = self.shapes.push(&shape);
        self.program(step, &axes);
        let block = (length.div_ceil(4).next_multiple_of(32) as u32).clamp(32, 1024);
        Launch { kernel, grid: [rows as u32, 1, 1], block, shape }
    }

    fn attention(&mut self, step: &Step) -> Launch {
        let Work::Attention(attention) = &step.work else { unreachable!("attention's step") };
        let heads_of = |view: &View| {
            let [batch, head, place, element] = [0, 1, 2, 3].map(|axis| view.strides[axis] as i64);
            Heads { offset: self.place(view).1, batch, head, place, element }
        };
        let [batches, heads, queries, length] = [0, 1, 2, 3].map(|axis| attention.query.shape[axis]);
        let value_length = attention.value.shape[3];
        let shape = shapes::Attention {
            query: heads_of(&attention.query),
            key: heads_of(&attention.key),
            value: heads_of(&attention.value),
            output: heads_of(&attention.output),
            heads: heads as u32,
            queries: queries as u32,
            keys: attention.key.shape[2] as u32,
            length: length as u32,
            value_length: value_length as u32,
            scale: attention.scale,
        };
        let kernel = match length.max(value_length) {
            0..=64 => KernelName::Attention64,
            65..=128 => KernelName::Attention128,
            129..=256 => KernelName::Attention256,
            _ => KernelName::Attention512,
        };
        let shape = self.shapes.push(&shape);
        let grid = [queries.div_ceil(QUERIES) as u32, (batches * heads) as u32, 1];
        Launch { kernel, grid, block: BLOCK, shape }
    }
}

const NO_AXES: Axes = Axes { sizes: [1; 3], groups: 1, inner: 1 };

pub(super) fn axes(step: &Step, elements: usize) -> Axes {
    step.axes(elements, None).expect("checked when its instructions were added")
}

pub(super) fn blocks(elements: usize) -> u32 {
    elements.div_ceil(BLOCK as usize) as u32
}
