//! One kernel's work.

use super::half::HalfWork;
use super::program::Instruction;
use super::view::{View, common_axes};

/// More instructions are not put behind one kernel.
const PROGRAM_LIMIT: usize = 16;

/// What one launch computes: every element of the buffer `out`.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) work: Work,
    pub(super) program: Vec<Instruction>,
    pub(super) out: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Work {
    /// The input itself.
    Pointwise(View),
    /// Pairs of a part of some buffer and its place in the output's.
    Copy(Vec<[View; 2]>),
    Conv(Box<Conv>),
    Gemm(Box<Gemm>),
    /// (x − mean)/√(variance + ε) of each of `rows` dense rows.
    Norm {
        input: View,
        rows: usize,
        epsilon: f32,
    },
    Softmax {
        input: View,
        rows: usize,
    },
    Reduce {
        input: View,
        rows: usize,
        kind: Reduction,
    },
    Pad(Box<Window>),
    Pool(Box<Window>),
    Attention(Box<Attention>),
    Half(HalfWork),
}

/// As numbered in norm.cu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Reduction {
    Sum,
    Mean,
    Max,
    Min,
    SumOfSquares,
}

/// A convolution in phases: a transposed one has as many as its strides multiply to, any other has one.
#[derive(Clone, Debug)]
pub(super) struct Conv {
    /// \[pictures, channels, height, width\], dense.
    pub(super) input: View,
    /// \[groups · phases, rows, depth\], dense.
    pub(super) weights: View,
    pub(super) pictures: usize,
    pub(super) groups: usize,
    pub(super) rows: usize,
    pub(super) depth: usize,
    pub(super) in_size: [usize; 2],
    pub(super) out_size: [usize; 2],
    /// Between the input places of neighbouring output places of a phase, and where the first begins.
    pub(super) stride: [usize; 2],
    pub(super) start: [i32; 2],
    /// Between neighbouring output places of a phase.
    pub(super) phase_stride: [usize; 2],
    /// Size and dilation of a kernel without phases.
    pub(super) kernel: Option<([usize; 2], [usize; 2])>,
    /// For each phase and step of depth: channel in the group, and place relative to the start; `None` reads 0.
    pub(super) table: Vec<Option<(usize, [i32; 2])>>,
}

#[derive(Clone, Debug)]
pub(super) struct Gemm {
    /// \[outer, inner, rows, depth\].
    pub(super) left: View,
    /// \[outer, inner, depth, columns\].
    pub(super) right: View,
}

#[derive(Clone, Debug)]
pub(super) struct Window {
    /// \[planes, height, width\], dense.
    pub(super) input: View,
    pub(super) out_size: [usize; 2],
    pub(super) before: [i32; 2],
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    /// As numbered in pointwise.cu.
    pub(super) mode: i32,
    pub(super) value: f32,
}

/// All \[batch, heads, places, elements\].
#[derive(Clone, Debug)]
pub(super) struct Attention {
    pub(super) query: View,
    pub(super) key: View,
    pub(super) value: View,
    pub(super) output: View,
    pub(super) scale: f32,
}

/// The three axes that a step's instructions see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axes {
    pub(super) sizes: [usize; 3],
    /// For rows: how many are one place of the first axis, and how many elements of a row are one of the second.
    pub(super) groups: usize,
    pub(super) inner: usize,
}

impl Work {
    /// What it reads, of which f32 kernels take f32 alone.
    pub(super) fn inputs_mut(&mut self) -> Vec<&mut View> {
        match self {
            Work::Pointwise(input) => vec![input],
            Work::Copy(parts) => parts.iter_mut().map(|[from, _]| from).collect(),
            Work::Conv(conv) => vec![&mut conv.input, &mut conv.weights],
            Work::Gemm(gemm) => vec![&mut gemm.left, &mut gemm.right],
            Work::Norm { input, .. } | Work::Softmax { input, .. } | Work::Reduce { input, .. } => vec![input],
            Work::Pad(window) | Work::Pool(window) => vec![&mut window.input],
            Work::Attention(a) => vec![&mut a.query, &mut a.key, &mut a.value],
            Work::Half(_) => vec![],
        }
    }
}

impl Step {
    /// Everything that is read.
    pub(super) fn reads(&self) -> Vec<&View> {
        let mut reads: Vec<&View> = match &self.work {
            Work::Pointwise(input) => vec![input],
            Work::Copy(parts) => parts.iter().map(|[from, _]| from).collect(),
            Work::Conv(conv) => vec![&conv.input, &conv.weights],
            Work::Gemm(gemm) => vec![&gemm.left, &gemm.right],
            Work::Norm { input, .. } | Work::Softmax { input, .. } | Work::Reduce { input, .. } => vec![input],
            Work::Pad(window) | Work::Pool(window) => vec![&window.input],
            Work::Attention(a) => vec![&a.query, &a.key, &a.value],
            Work::Half(half) => half.reads(),
        };
        reads.extend(self.program.iter().filter_map(|instruction| instruction.operand.view()));
        reads
    }

    /// Can this be done behind the work, too?
    pub(super) fn takes(&self, instruction: &Instruction, elements: usize) -> bool {
        let has_program = match &self.work {
            Work::Half(half) => half.has_program(),
            work => matches!(work, Work::Pointwise(_) | Work::Conv(_) | Work::Gemm(_) | Work::Norm { .. }),
        };
        let is_pointwise = matches!(self.work, Work::Pointwise(_) | Work::Half(HalfWork::Pointwise(_)));
        let knows = instruction.code.is_light() || is_pointwise;
        let fits = || self.axes(elements, instruction.operand.view()).is_some();
        has_program && knows && self.program.len() < PROGRAM_LIMIT && fits()
    }

    /// The axes in which all operands, and one more, have strides; of a step that has instructions.
    pub(super) fn axes(&self, elements: usize, more: Option<&View>) -> Option<Axes> {
        let operands = self.program.iter().filter_map(|instruction| instruction.operand.view()).chain(more);
        let operands: Vec<&View> = operands.collect();
        let fixed = |sizes: [usize; 3]| {
            let fits = operands.iter().all(|view| view.reshape(&sizes).is_some());
            fits.then_some(Axes { sizes, groups: 1, inner: 1 })
        };
        match &self.work {
            Work::Conv(conv) => fixed([conv.pictures, conv.groups * conv.rows, conv.out_size[0] * conv.out_size[1]]),
            Work::Gemm(gemm) => {
                let [outer, inner, rows, _] = gemm.left.shape[..] else { return None };
                fixed([outer * inner, rows, *gemm.right.shape.last()?])
            }
            Work::Norm { rows, .. } => row_axes(elements, *rows, &operands),
            Work::Pointwise(input) => {
                let sizes = common_axes(elements, operands.iter().copied().chain([input]))?;
                Some(Axes { sizes, groups: 1, inner: 1 })
            }
            Work::Half(half) => half.axes(elements, &operands),
            _ => None,
        }
    }
}

/// The axes of dense rows: the inner one divides a row or is one, and the middle one ends with a row.
fn row_axes(elements: usize, rows: usize, operands: &[&View]) -> Option<Axes> {
    let length = elements / rows;
    let [outer, middle, inner] = common_axes(elements, operands.iter().copied())?;
    // an axis that nobody needs may end anywhere
    let (inner, sample) = match (outer, middle) {
        (1, 1) => (length, elements),
        (1, _) if length.is_multiple_of(inner) => (inner, elements),
        (1, _) => (length, inner),
        _ => (inner, inner * middle),
    };
    let fits = length.is_multiple_of(inner) && sample.is_multiple_of(length) && elements.is_multiple_of(sample);
    let sizes = [elements / sample, sample / inner, inner];
    let fits = fits && operands.iter().all(|view| view.reshape(&sizes).is_some());
    fits.then_some(Axes { sizes, groups: sample / length, inner })
}
