//! Launches of matrix products.

use super::emit::{BLOCK, Emitter, Launch, axes};
use super::kernels::KernelName;
use super::lower::Phase;
use super::shapes::{self, Matrix};
use super::step::{Step, Work};
use super::view::View;

/// Elements of a picture's matrix product from which on its tiles are large: below, large ones would be too few to keep a
/// device busy. It does not depend on how many pictures there are, and so their bits don't.
const LARGE: usize = 1 << 18;
impl Emitter<'_, '_> {
    /// Rows and columns of a block's tile of a matrix product.
    pub(super) fn tile(&self, step: &Step, elements: usize) -> usize {
        let is_of_pictures = self.lowered.buffers[step.out].phase == Phase::Picture;
        let own = elements / if is_of_pictures { self.pictures } else { 1 };
        if own < LARGE { 32 } else { 64 }
    }

    pub(super) fn gemm(&mut self, step: &Step, elements: usize) -> Launch {
        let axes = axes(step, elements);
        let Work::Gemm(gemm) = &step.work else { unreachable!("a product's step") };
        let matrix = |view: &View| {
            let (source, offset) = self.place(view);
            let [outer, inner, row, column] = [0, 1, 2, 3].map(|axis| view.strides[axis] as i64);
            Matrix { offset, outer, inner, row, column, source, reserved: 0 }
        };
        let sizes = [&gemm.left.shape[..], &gemm.right.shape[3..]].concat();
        let [outer, inner, rows, depth, columns] = sizes[..] else { unreachable!("four axes each") };
        let shape = shapes::Gemm {
            left: matrix(&gemm.left),
            right: matrix(&gemm.right),
            output: self.out(step),
            rows: rows as u32,
            columns: columns as u32,
            depth: depth as u32,
            inner_batches: inner as u32,
            count: step.program.len() as u32,
            reserved: 0,
        };
        let shape = self.shapes.push(&shape);
        self.program(step, &axes);
        let (kernel, tile) = match self.tile(step, elements) {
            32 => (KernelName::Gemm32, 32),
            tile => (KernelName::Gemm64, tile),
        };
        let grid = [columns.div_ceil(tile) as u32, rows.div_ceil(tile) as u32, (outer * inner) as u32];
        Launch { kernel, grid, block: BLOCK, shape }
    }
}
