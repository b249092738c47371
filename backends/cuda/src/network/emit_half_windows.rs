//! Launches of convolutions and pools in bf16.

use super::emit::{BLOCK, Emitter, Launch, blocks};
use super::emit_half::small;
use super::half::{HalfConv, HalfWindow};
use super::kernels::KernelName;
use super::shapes::{self, HalfTap};
use super::step::Step;

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
/// The largest tile of which there are enough, and which is not half empty.
fn tile(rows: usize, channels: usize, phases: usize) -> (KernelName, usize, u32) {
    let count = |tile: &(KernelName, usize, usize, u32)| rows.div_ceil(tile.1) * channels.div_ceil(tile.2);
    let is_full = |tile: &&(KernelName, usize, usize, u32)| tile.2 < 2 * channels;
    let enough =
        |tile: &&(KernelName, usize, usize, u32)| phases * count(tile) >= if tile.1 == 32 { SOME } else { MANY };
    let tile = TILES.iter().filter(is_full).find(enough).unwrap_or(&TILES[4]);
    (tile.0, count(tile), tile.3)
}

impl Emitter<'_, '_> {
    pub(super) fn half_conv(&mut self, step: &Step, conv: &HalfConv) -> Launch {
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
        let (kernel, count, block) = tile(pictures * places, conv.rows, phases);
        Launch { kernel, grid: [count as u32, 1, phases as u32], block, shape }
    }

    pub(super) fn half_pool(&mut self, step: &Step, window: &HalfWindow) -> Launch {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_tile_that_occupies_a_device_is_taken() {
        assert_eq!(tile(64 * 1600, 48, 1), (KernelName::HalfConv128x64, 800, 128));
        assert_eq!(tile(64 * 1024, 256, 1), (KernelName::HalfConv128x128, 1024, 256));
        assert_eq!(tile(1600, 48, 1), (KernelName::HalfConv32x32, 100, 256));
        assert_eq!(tile(25, 96, 1), (KernelName::HalfConv32x16, 6, 256));
        assert_eq!(tile(25, 96, 8), (KernelName::HalfConv32x16, 6, 256));
        assert_eq!(tile(100, 96, 4), (KernelName::HalfConv32x32, 12, 256));
        assert_eq!(tile(1 << 20, 3, 1), (KernelName::HalfConv32x16, 32768, 256)); // three channels fill no larger one
    }
}
