//! Launches of convolutions, pools and pads.

use super::emit::{BLOCK, Emitter, Launch, axes, blocks};
use super::kernels::KernelName;
use super::shapes::{self, ConvPlace};
use super::step::{Conv, Step, Window};

impl Emitter<'_, '_> {
    pub(super) fn conv(&mut self, step: &Step, conv: &Conv, elements: usize) -> Launch {
        let axes = axes(step, elements);
        let [height, width] = conv.in_size;
        let quotients = [0, 1].map(|axis| conv.out_size[axis].div_ceil(conv.phase_stride[axis]));
        let (phases, places) = (conv.phase_stride[0] * conv.phase_stride[1], quotients[0] * quotients[1]);
        let (source, weights) = self.place(&conv.weights);
        let channels = conv.input.shape[1];
        let table = size_of::<shapes::Conv>() + step.program.len() * size_of::<shapes::Instruction>();
        let shape = shapes::Conv {
            input: self.place(&conv.input).1,
            weights,
            output: self.out(step),
            weights_source: source,
            rows: conv.rows as u32,
            columns: (conv.pictures * places) as u32,
            depth: conv.depth as u32,
            places: places as u32,
            row_places: quotients[1] as u32,
            stride: conv.stride.map(|stride| stride as i32),
            start: conv.start,
            size: conv.in_size.map(|size| size as u32),
            picture: (channels * height * width) as u32,
            group: (channels / conv.groups * height * width) as u32,
            out_size: conv.out_size.map(|size| size as u32),
            out_picture: (conv.groups * conv.rows * conv.out_size[0] * conv.out_size[1]) as u32,
            phases: phases as u32,
            phases_x: conv.phase_stride[1] as u32,
            phase_stride: conv.phase_stride.map(|stride| stride as u32),
            count: step.program.len() as u32,
            table: table as u32,
            reserved: 0,
        };
        let shape = self.shapes.push(&shape);
        self.program(step, &axes);
        for place in &conv.table {
            let place = match place {
                Some((channel, [y, x])) => ConvPlace {
                    offset: (channel * height * width) as i32 + y * width as i32 + x,
                    shift: y * 65_536 + x + 32_768,
                },
                None => ConvPlace { offset: 0, shift: 32_767 << 16 },
            };
            self.shapes.push(&place);
        }
        let (kernel, tile) = match self.tile(step, elements) {
            32 => (KernelName::Conv32, 32),
            tile => (KernelName::Conv64, tile),
        };
        let grid = [conv.pictures * places, conv.rows].map(|size| size.div_ceil(tile) as u32);
        let grid = [grid[0], grid[1], (conv.groups * phases) as u32];
        Launch { kernel, grid, block: BLOCK, shape }
    }

    pub(super) fn window(&mut self, step: &Step, window: &Window, kernel: KernelName, elements: usize) -> Launch {
        let (source, input) = self.place(&window.input);
        let [planes, height, width] = [0, 1, 2].map(|axis| window.input.shape[axis] as u32);
        let shape = shapes::Window {
            input,
            output: self.out(step),
            source,
            mode: window.mode,
            planes,
            size: [height, width],
            out_size: window.out_size.map(|size| size as u32),
            before: window.before,
            kernel: window.kernel.map(|size| size as u32),
            stride: window.stride.map(|stride| stride as u32),
            value: window.value,
        };
        let shape = self.shapes.push(&shape);
        Launch { kernel, grid: [blocks(elements), 1, 1], block: BLOCK, shape }
    }
}
