//! Launches of kernels in bf16.

use super::emit::{BLOCK, COPY_AXES, Emitter, Launch, blocks};
use super::half::{HalfNorm, HalfWork};
use super::kernels::KernelName;
use super::shapes::{self, HalfCopy, HalfHeads, HalfNormParts, HalfPointwise};
use super::step::{Attention, Step};
use super::view::{View, common_axes, dense_strides, finest_axes};

/// Queries of a block, and of one where there would be few blocks.
const QUERIES: usize = 64;
const FEW_QUERIES: usize = 16;
const FEW: usize = 64;
/// Elements of the values of a block for long heads.
const VALUES: usize = 128;

/// \[pictures, channels, places\] of what lies along \[pictures, places, channels\].
fn turned<T: Copy>([pictures, places, channels]: [T; 3]) -> [T; 3] {
    [pictures, channels, places]
}

pub(super) fn small(of: &[usize]) -> [u32; 3] {
    [of[0], of[1], of[2]].map(|n| n as u32)
}

/// Blocks of a slab of a part of the places.
fn norm_launch(kernel: KernelName, norm: &HalfNorm, parts: usize, shape: usize) -> Launch {
    let [pictures, places, channels] = [0, 1, 2].map(|axis| norm.input.shape[axis]);
    let octets = places.div_ceil(parts) * norm.slab / 8;
    let block = (octets.div_ceil(4).next_multiple_of(32) as u32).clamp(32, 512);
    Launch { kernel, grid: [(pictures * channels / norm.slab) as u32, parts as u32, 1], block, shape }
}

impl Emitter<'_, '_> {
    pub(super) fn half(&mut self, step: &Step, work: &HalfWork) -> Launch {
        match work {
            HalfWork::Conv(conv) => self.half_conv(step, conv),
            HalfWork::Norm(norm) => self.half_norm(step, norm),
            HalfWork::Sums { norm, parts } => self.half_sums(step, norm, *parts),
            HalfWork::Pointwise(input) => self.half_pointwise(step, input),
            HalfWork::Enter { input, channels } => self.enter(step, input, *channels),
            HalfWork::Leave(input) => self.leave(step, input),
            HalfWork::Copy(parts) => self.half_copy(step, parts),
            HalfWork::Pool(window) => self.half_pool(step, window),
            HalfWork::Attention(attention) => self.half_attention(attention),
        }
    }

    /// Where a step's output begins, in its own elements.
    pub(super) fn half_out(&self, step: &Step) -> i64 {
        self.out(step) * if self.lowered.buffers[step.out].is_half { 2 } else { 1 }
    }

    /// The instructions, whose operands have these axes; `last`: the third is of channels.
    pub(super) fn half_program(&mut self, step: &Step, sizes: [usize; 3], last: bool) {
        for instruction in &step.program {
            let mut instruction = self.instruction(instruction, &sizes);
            if last {
                instruction.stride = turned(instruction.stride);
            }
            self.shapes.push(&instruction);
        }
    }

    fn norm_shape(&self, step: &Step, norm: &HalfNorm) -> shapes::HalfNorm {
        let [_, places, channels] = small(&norm.input.shape);
        let [in_picture, in_place, _] = small(&norm.input.strides);
        shapes::HalfNorm {
            input: self.place(&norm.input).1,
            output: self.half_out(step),
            in_picture,
            in_place,
            out_picture: places * channels,
            out_place: channels,
            places,
            channels,
            slab: norm.slab as u32,
            group: norm.group as u32,
            epsilon: norm.epsilon,
            count: step.program.len() as u32,
        }
    }

    fn half_norm(&mut self, step: &Step, norm: &HalfNorm) -> Launch {
        let shape = self.norm_shape(step, norm);
        let (kernel, parts, shape) = match &norm.sums {
            None => (KernelName::HalfNorm, 1, self.shapes.push(&shape)),
            Some(sums) => {
                let parts = sums.shape[1];
                let sums = self.place(sums).1;
                let shape = HalfNormParts { sums, parts: parts as u32, reserved: 0, norm: shape };
                (KernelName::HalfNormBy, parts, self.shapes.push(&shape))
            }
        };
        self.half_program(step, [0, 1, 2].map(|axis| norm.input.shape[axis]), true);
        norm_launch(kernel, norm, parts, shape)
    }

    fn half_sums(&mut self, step: &Step, norm: &HalfNorm, parts: usize) -> Launch {
        let (sums, shape) = (self.out(step), self.norm_shape(step, norm));
        let shape = self.shapes.push(&HalfNormParts { sums, parts: parts as u32, reserved: 0, norm: shape });
        norm_launch(KernelName::HalfNormSums, norm, parts, shape)
    }

    /// Octets along the second axis of the size.
    fn elementwise(&mut self, shape: HalfPointwise) -> Launch {
        let [pictures, channels, places] = shape.size.map(|size| size as usize);
        let grid = [blocks(pictures * channels.div_ceil(8) * places), 1, 1];
        let shape = self.shapes.push(&shape);
        Launch { kernel: KernelName::HalfPointwise, grid, block: BLOCK, shape }
    }

    fn half_pointwise(&mut self, step: &Step, input: &View) -> Launch {
        let elements = self.lowered.buffers[step.out].len;
        let sizes = step.axes(elements, None).expect("checked when its instructions were added").sizes;
        self.half_elementwise(step, input, sizes)
    }

    /// The instructions of a step, on elements along these axes of which the last is of channels.
    pub(super) fn half_elementwise(&mut self, step: &Step, input: &View, sizes: [usize; 3]) -> Launch {
        let mut input = self.operand(input, 0, &sizes);
        input.stride = turned(input.stride);
        let size = turned(small(&sizes));
        let shape = HalfPointwise {
            input,
            output: self.half_out(step),
            size,
            given: size[1],
            to: turned(small(&dense_strides(&sizes))),
            is_float: 0,
            count: step.program.len() as u32,
            reserved: 0,
        };
        let launch = self.elementwise(shape);
        self.half_program(step, sizes, true);
        launch
    }

    fn enter(&mut self, step: &Step, input: &View, channels: usize) -> Launch {
        let [pictures, given, places] = [0, 1, 2].map(|axis| input.shape[axis]);
        let shape = HalfPointwise {
            input: self.operand(input, 0, &[pictures, given, places]),
            output: self.half_out(step),
            size: small(&[pictures, channels, places]),
            given: given as u32,
            to: small(&[places * channels, 1, channels]),
            is_float: 0,
            count: step.program.len() as u32,
            reserved: 0,
        };
        let launch = self.elementwise(shape);
        self.half_program(step, [pictures, given, places], false);
        launch
    }

    fn leave(&mut self, step: &Step, input: &View) -> Launch {
        let sizes = common_axes(input.elements(), [input].into_iter()).expect("checked when it was added");
        let mut shape = HalfPointwise {
            input: self.operand(input, 0, &sizes),
            output: self.half_out(step),
            size: small(&sizes),
            given: 0,
            to: small(&dense_strides(&sizes)),
            is_float: 1,
            count: 0,
            reserved: 0,
        };
        if shape.input.stride[2] == 1 {
            (shape.size, shape.to, shape.input.stride) =
                (turned(shape.size), turned(shape.to), turned(shape.input.stride));
        }
        shape.given = shape.size[1];
        self.elementwise(shape)
    }

    fn half_copy(&mut self, step: &Step, parts: &[[View; 2]]) -> Launch {
        let (at, mut largest) = (self.shapes.0.len() * 8, 1);
        for [from, to] in parts {
            let sizes = finest_axes(from, to);
            let [from, to] = [from, to].map(|view| view.reshape(&sizes).expect("finer"));
            let each = if from.is_octets() && to.is_octets() { 8 } else { 1 };
            let wide = |of: &[usize], fill: u32, by: fn(u32, u32) -> u32| {
                let mut wide = [fill; COPY_AXES];
                let skip = COPY_AXES - of.len();
                wide[skip..].iter_mut().zip(of).for_each(|(wide, &value)| *wide = value as u32);
                wide[COPY_AXES - 1] = by(wide[COPY_AXES - 1], each);
                wide
            };
            let total = from.elements() / each as usize;
            let copy = HalfCopy {
                input: self.place(&from).1,
                output: self.half_out(step) + to.offset as i64,
                size: wide(&sizes, 1, |size, each| size / each),
                from: wide(&from.strides, 0, |stride, each| stride * each),
                to: wide(&to.strides, 0, |stride, each| stride * each),
                each,
                total: total as u32,
            };
            self.shapes.push(&copy);
            largest = largest.max(total);
        }
        let grid = [blocks(largest), parts.len() as u32, 1];
        Launch { kernel: KernelName::HalfCopy, grid, block: BLOCK, shape: at }
    }

    fn half_attention(&mut self, attention: &Attention) -> Launch {
        let heads_of = |view: &View| {
            let [batch, head, place] = small(&view.strides);
            HalfHeads { offset: self.place(view).1, batch, head, place, reserved: 0 }
        };
        let [batches, heads, queries, length] = [0, 1, 2, 3].map(|axis| attention.query.shape[axis]);
        let value_length = attention.value.shape[3];
        let shape = shapes::HalfAttention {
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
        let heads = batches * heads;
        let is_few = queries.div_ceil(QUERIES) * heads < FEW;
        let (kernel, few, parts) = match length.max(value_length) {
            0..=64 => (KernelName::HalfAttention64, KernelName::HalfAttentionFew64, 1),
            65..=128 => (KernelName::HalfAttention128, KernelName::HalfAttentionFew128, 1),
            _ => {
                let parts = value_length.div_ceil(VALUES);
                (KernelName::HalfAttention256, KernelName::HalfAttentionFew256, parts)
            }
        };
        let (kernel, each) = if is_few { (few, FEW_QUERIES) } else { (kernel, QUERIES) };
        let shape = self.shapes.push(&shape);
        let grid = [queries.div_ceil(each), heads, parts].map(|count| count as u32);
        Launch { kernel, grid, block: 128, shape }
    }
}
