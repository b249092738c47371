//! One kernel's work on bf16: arrays \[pictures, places, channels\], eight neighbouring channels (an octet) at a time.

use super::program::Instruction;
use super::step::{Attention, Axes};
use super::view::{View, common_axes};

/// Instructions after it see the axes in which the output lies: its operands have the shape \[pictures, places, channels\],
/// or that of the f32 array that is written.
#[derive(Clone, Debug)]
pub(super) enum HalfWork {
    Conv(Box<HalfConv>),
    Norm(Box<HalfNorm>),
    /// What a normalisation needs of the parts of its places, in f32 \[pictures, parts, channels, 2\].
    Sums {
        norm: Box<HalfNorm>,
        parts: usize,
    },
    /// The input itself, in the order of the output.
    Pointwise(View),
    /// From f32 \[pictures, channels, places\], in which instructions see it, with channels of zeros after it.
    Enter {
        input: View,
        channels: usize,
    },
    /// To f32, dense, of the same shape.
    Leave(View),
    /// Pairs of a part of some buffer and its place in the output's, in the output's order.
    Copy(Vec<[View; 2]>),
    Pool(Box<HalfWindow>),
    /// Of octets.
    Attention(Box<Attention>),
}

/// A convolution in phases, or a product with shared weights, which is one of a single element.
#[derive(Clone, Debug)]
pub(super) struct HalfConv {
    /// \[pictures, height, width, channels\], of octets.
    pub(super) input: View,
    /// The input is seen 2^shift times as high and as wide.
    pub(super) shift: u32,
    /// \[phases, rows, taps, channels\], dense.
    pub(super) weights: View,
    /// Output channels.
    pub(super) rows: usize,
    /// For each phase and tap, the place relative to the start.
    pub(super) taps: Vec<[i32; 2]>,
    pub(super) out_size: [usize; 2],
    /// Between the input places of neighbouring output places of a phase, and where the first begins.
    pub(super) stride: [usize; 2],
    pub(super) start: [i32; 2],
    /// Between neighbouring output places of a phase.
    pub(super) phase_stride: [usize; 2],
    /// Are an output place's channels neighbours? They must be in bf16.
    pub(super) channels_last: bool,
}

/// (x − mean)/√(variance + ε) over all places of `group` channels.
#[derive(Clone, Debug)]
pub(super) struct HalfNorm {
    /// \[pictures, places, channels\], of octets.
    pub(super) input: View,
    pub(super) group: usize,
    /// Channels of a block.
    pub(super) slab: usize,
    pub(super) epsilon: f32,
    /// Of the parts of its places, if they are added up before.
    pub(super) sums: Option<View>,
}

#[derive(Clone, Debug)]
pub(super) struct HalfWindow {
    /// \[pictures, height, width, channels\], of octets.
    pub(super) input: View,
    pub(super) out_size: [usize; 2],
    pub(super) before: [i32; 2],
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    /// As numbered in half.cuh.
    pub(super) mode: u32,
}

impl HalfConv {
    /// The axes in which the output lies.
    pub(super) fn sizes(&self) -> [usize; 3] {
        let (pictures, places) = (self.input.shape[0], self.out_size[0] * self.out_size[1]);
        if self.channels_last { [pictures, places, self.rows] } else { [pictures, self.rows, places] }
    }
}

impl HalfWork {
    /// Everything that is read, but for operands.
    pub(super) fn reads(&self) -> Vec<&View> {
        match self {
            Self::Conv(conv) => vec![&conv.input, &conv.weights],
            Self::Norm(norm) | Self::Sums { norm, .. } => [&norm.input].into_iter().chain(&norm.sums).collect(),
            Self::Pointwise(input) | Self::Enter { input, .. } | Self::Leave(input) => vec![input],
            Self::Copy(parts) => parts.iter().map(|[from, _]| from).collect(),
            Self::Pool(window) => vec![&window.input],
            Self::Attention(a) => vec![&a.query, &a.key, &a.value],
        }
    }

    pub(super) fn has_program(&self) -> bool {
        matches!(self, Self::Conv(_) | Self::Norm(_) | Self::Pointwise(_))
    }

    /// The axes in which all operands have strides.
    pub(super) fn axes(&self, elements: usize, operands: &[&View]) -> Option<Axes> {
        let sizes = match self {
            Self::Conv(conv) => conv.sizes(),
            Self::Norm(norm) => [norm.input.shape[0], norm.input.shape[1], norm.input.shape[2]],
            Self::Pointwise(input) => {
                let views = operands.iter().copied().chain([input]);
                common_axes(elements, views).filter(|[.., inner]| inner.is_multiple_of(8))?
            }
            _ => return None,
        };
        let fits = operands.iter().all(|view| view.reshape(&sizes).is_some());
        fits.then_some(Axes { sizes, groups: 1, inner: 1 })
    }
}

impl Instruction {
    /// With the operand's axes in another order.
    pub(super) fn permuted(&self, order: &[usize]) -> Self {
        let mut turned = self.clone();
        if let super::program::Operand::View(view) = &mut turned.operand {
            *view = view.permute(order).expect("an order of its axes");
        }
        turned
    }
}
