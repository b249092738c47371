//! Launches of kernels in bf16.

use super::emit::{BLOCK, COPY_AXES, Emitter, KernelName, Launch, blocks};
use super::half::{HalfConv, HalfNorm, HalfWindow, HalfWork};
use super::shapes::{self, HalfCopy, HalfHeads, HalfPointwise, HalfTap};
use super::step::{Attention, Step};
use super::view::{View, common_axes, dense_strides, finest_axes};

/// Rows and columns of a block's tile of a convolution, and its threads.
const TILES: [(KernelName, usize, usize, u32); 5] = [
    (KernelName::HalfConv128x128, 128, 128, 256),
    (KernelName::HalfConv128x64, 128, 64, 128),
    (KernelName::HalfConv64x64, 64, 64, 128),
    (KernelName::HalfConv32x32, 32, 32, 256),
    (KernelName::HalfConv32x16, 32, 16, 256),
];
/// Blocks that occupy a device; blocks of the smaller tiles.
const MANY: usize = 128;
const SOME: usize = 32;
/// Queries of a block.
const QUERIES: usize = 64;
/// Elements of the values of a block for long heads.
const VALUES: usize = 128;

/// The largest tile of which there are enough, and which is not half empty.
fn tile(rows: usize, channels: usize) -> (KernelName, usize, u32) {
    let count = |tile: &(KernelName, usize, usize, u32)| rows.div_ceil(tile.1) * channels.div_ceil(tile.2);
    let is_full = |tile: &&(KernelName, usize, usize, u32)| tile.2 < 2 * channels;
    let enough = |tile: &&(KernelName, usize, usize, u32)| count(tile) >= if tile.1 == 32 { SOME } else { MANY };
    let tile = TILES.iter().filter(is_full).find(enough).unwrap_or(&TILES[4]);
    (tile.0, count(tile), tile.3)
}

/// \[pictures, channels, places\] of what lies along \[pictures, places, channels\].
fn turned<T: Copy>([pictures, places, channels]: [T; 3]) -> [T; 3] {
    [pictures, channels, places]
}

fn small(of: &[usize]) -> [u32; 3] {
    [of[0], of[1], of[2]].map(|n| n as u32)
}

impl Emitter<'_, '_> {
    pub(super) fn half(&mut self, step: &Step, work: &HalfWork) -> Launch {
        match work {
            HalfWork::Conv(conv) => self.half_conv(step, conv),
            HalfWork::Norm(norm) => self.half_norm(step, norm),
            HalfWork::Pointwise(input) => self.half_pointwise(step, input),
            HalfWork::Enter { input, channels } => self.enter(step, input, *channels),
            HalfWork::Leave(input) => self.leave(step, input),
            HalfWork::Copy(parts) => self.half_copy(step, parts),
            HalfWork::Pool(window) => self.half_pool(step, window),
            HalfWork::Attention(attention) => self.half_attention(attention),
        }
    }

    /// Where a step's output begins, in its own elements.
    fn half_out(&self, step: &Step) -> i64 {
        self.out(step) * if self.lowered.buffers[step.out].is_half { 2 } else { 1 }
    }

    /// The instructions, whose operands have these axes; `last`: the third is of channels.
    fn half_program(&mut self, step: &Step, sizes: [usize; 3], last: bool) {
        for instruction in &step.program {
            let mut instruction = self.instruction(instruction, &sizes);
            if last {
                instruction.stride = turned(instruction.stride);
            }
            self.shapes.push(&instruction);
        }
    }

    fn half_conv(&mut self, step: &Step, conv: &HalfConv) -> Launch {
        let [pictures, height, width, cin] = [0, 1, 2, 3].map(|axis| conv.input.shape[axis]);
        let quotients = [0, 1].map(|axis| conv.out_size[axis].div_ceil(conv.phase_stride[axis]));
        let (phases, places) = (conv.phase_stride[0] * conv.phase_stride[1], quotients[0] * quotients[1]);
        let (plane, last) = (conv.out_size[0] * conv.out_size[1], conv.channels_last);
        let out_strides = if last { [plane * conv.rows, 1, conv.rows] } else { [plane * conv.rows, plane, 1] };
        let table = size_of::<shapes::HalfConv>() + step.program.len() * size_of::<shapes::Instruction>();
        let shape = shapes::HalfConv {
            input: self.place(&conv.input).1,
            weights: self.place(&conv.weights).1,
            output: self.half_out(step),
            rows: (pictures * places) as u32,
            channels: conv.rows as u32,
            cin: cin as u32,
            taps: (conv.taps.len() / phases) as u32,
            places: places as u32,
            row_places: quotients[1] as u32,
            stride: conv.stride.map(|stride| stride as i32),
            start: conv.start,
            size: [height, width].map(|size| (size << conv.shift) as u32),
            shift: conv.shift,
            in_strides: small(&conv.input.strides),
            out_size: conv.out_size.map(|size| size as u32),
            out_strides: small(&out_strides),
            is_float: u32::from(!self.lowered.buffers[step.out].is_half),
            phases: phases as u32,
            phases_x: conv.phase_stride[1] as u32,
            phase_stride: conv.phase_stride.map(|stride| stride as u32),
            count: step.program.len() as u32,
            table: table as u32,
        };
        let shape = self.shapes.push(&shape);
        self.half_program(step, conv.sizes(), last);
        conv.taps.iter().for_each(|&[dy, dx]| _ = self.shapes.push(&HalfTap { dy, dx }));
        let (kernel, count, block) = tile(pictures * places, conv.rows);
        Launch { kernel, grid: [count as u32, 1, phases as u32], block, shape }
    }

    fn half_norm(&mut self, step: &Step, norm: &HalfNorm) -> Launch {
        let [pictures, places, channels] = [0, 1, 2].map(|axis| norm.input.shape[axis]);
        let [in_picture, in_place, _] = small(&norm.input.strides);
        let shape = shapes::HalfNorm {
            input: self.place(&norm.input).1,
            output: self.half_out(step),
            in_picture,
            in_place,
            out_picture: (places * channels) as u32,
            out_place: channels as u32,
            places: places as u32,
            channels: channels as u32,
            slab: norm.slab as u32,
            group: norm.group as u32,
            epsilon: norm.epsilon,
            count: step.program.len() as u32,
        };
        let shape = self.shapes.push(&shape);
        self.half_program(step, [pictures, places, channels], true);
        let octets = places * norm.slab / 8;
        let block = (octets.div_ceil(4).next_multiple_of(32) as u32).clamp(32, 512);
        Launch { kernel: KernelName::HalfNorm, grid: [(pictures * channels / norm.slab) as u32, 1, 1], block, shape }
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
            count: 0,
            reserved: 0,
        };
        self.elementwise(shape)
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

    fn half_pool(&mut self, step: &Step, window: &HalfWindow) -> Launch {
        let [pictures, height, width, channels] = [0, 1, 2, 3].map(|axis| window.input.shape[axis]);
        let plane = window.out_size[0] * window.out_size[1];
        let shape = shapes::HalfWindow {
            input: self.place(&window.input).1,
            output: self.half_out(step),
            mode: window.mode,
            pictures: pictures as u32,
            channels: channels as u32,
            size: [height as u32, width as u32],
            out_size: window.out_size.map(|size| size as u32),
            before: window.before,
            kernel: window.kernel.map(|size| size as u32),
            stride: window.stride.map(|stride| stride as u32),
            in_strides: small(&window.input.strides),
            out_strides: [plane * channels, channels].map(|stride| stride as u32),
        };
        let shape = self.shapes.push(&shape);
        let grid = [blocks(pictures * channels / 8 * plane), 1, 1];
        Launch { kernel: KernelName::HalfPool, grid, block: BLOCK, shape }
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
        let (kernel, parts) = match length.max(value_length) {
            0..=64 => (KernelName::HalfAttention64, 1),
            65..=128 => (KernelName::HalfAttention128, 1),
            _ => (KernelName::HalfAttention256, value_length.div_ceil(VALUES)),
        };
        let shape = self.shapes.push(&shape);
        let grid = [queries.div_ceil(QUERIES), batches * heads, parts].map(|count| count as u32);
        Launch { kernel, grid, block: 128, shape }
    }
}
