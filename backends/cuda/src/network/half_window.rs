//! Convolutions, products with shared weights, and pools in bf16.

use super::half::{HalfConv, HalfWindow, HalfWork};
use super::lower::Lowering;
use super::step::{Conv, Window, Work};
use super::view::View;
use std::borrow::Cow;

/// A tap that no picture reaches.
const NOWHERE: [i32; 2] = [-(1 << 20); 2];

impl Lowering<'_, '_> {
    /// A convolution of pictures, \[n, rows, height, width\]: in bf16, or in f32 where the rows are no octets. `None` if the
    /// f32 kernel is to compute it.
    pub(super) fn half_conv(&mut self, conv: &Conv) -> Option<View> {
        if conv.groups != 1 || !self.may_be_half(&conv.input) || self.elements(&conv.weights).is_none() {
            return None;
        }
        let [pictures, channels, ..] = conv.input.shape[..] else { return None };
        let ([height, width], rows, taps) = (conv.out_size, conv.rows, conv.depth / channels);
        let weights = conv.weights.reshape(&[conv.table.len() / conv.depth, rows, channels, taps])?;
        let (input, shift) = self.shrunk(&conv.input).unwrap_or_else(|| (conv.input.clone(), 0));
        let input = self.octets(&input);
        // the table's first channel of each phase
        let taps = conv.table.chunks(conv.depth).flat_map(|phase| &phase[..taps]);
        let work = HalfConv {
            weights: self.half_weights(&weights, input.shape[3]),
            input,
            shift,
            rows,
            taps: taps.map(|tap| tap.map_or(NOWHERE, |(_, place)| place)).collect(),
            out_size: conv.out_size,
            stride: conv.stride,
            start: conv.start,
            phase_stride: conv.phase_stride,
            channels_last: rows.is_multiple_of(8),
        };
        let (is_half, work) = (work.channels_last, HalfWork::Conv(Box::new(work)));
        if is_half {
            return self.half_step(work, &[pictures, height, width, rows]).permute(&[0, 3, 1, 2]);
        }
        Some(self.step(Work::Half(work), &[pictures, rows, height, width]))
    }

    /// \[batches, rows, depth\] times constant \[depth, columns\].
    pub(super) fn half_product(&mut self, left: &View, right: &View) -> Option<View> {
        let ([batches, rows, depth], [_, columns]) =
            (left.shape[..].try_into().ok()?, right.shape[..].try_into().ok()?);
        if !self.may_be_half(left) || self.elements(right).is_none() {
            return None;
        }
        let input = left.permute(&[0, 2, 1])?.reshape(&[batches, depth, 1, rows])?;
        let input = self.octets(&input);
        let weights = right.permute(&[1, 0])?.reshape(&[1, columns, depth, 1])?;
        let conv = HalfConv {
            weights: self.half_weights(&weights, input.shape[3]),
            input,
            shift: 0,
            rows: columns,
            taps: vec![[0, 0]],
            out_size: [1, rows],
            stride: [1, 1],
            start: [0, 0],
            phase_stride: [1, 1],
            channels_last: true,
        };
        let (work, sizes) = (HalfWork::Conv(Box::new(conv)), [batches, rows, columns]);
        let is_half = columns.is_multiple_of(8);
        Some(if is_half { self.half_step(work, &sizes) } else { self.step(Work::Half(work), &sizes) })
    }

    /// The picture that nothing but this shows enlarged, instead of the step that enlarges it.
    fn shrunk(&mut self, it: &View) -> Option<(View, u32)> {
        let (large, small, shift) = self.enlarged.get(&it.buffer)?.clone();
        let is_it = large.offset == it.offset && large.shape == it.shape && large.factors() == it.factors();
        if self.buffers[it.buffer].uses != 1 || !is_it {
            return None;
        }
        let step = self.makers.remove(&it.buffer)?;
        self.steps[step] = None;
        Some((small, shift))
    }

    /// Constant weights \[phases, rows, channels, taps\] as \[phases, rows, taps, channels\] in bf16, with zeros after the
    /// channels.
    fn half_weights(&mut self, weights: &View, padded: usize) -> View {
        let [phases, rows, channels, taps] = weights.shape[..] else { unreachable!("four axes") };
        let key =
            format!("bf16 {padded} {:?} {}", (weights.offset, &weights.shape, &weights.strides), self.key(weights));
        let mut packed = vec![];
        if !self.constants.iter().any(|constant| constant.key == key) {
            let bytes = self.elements(weights).unwrap_or_default();
            packed = vec![0; 2 * phases * rows * taps * padded];
            let places = (0..phases * rows * taps).map(|k| [k / taps / rows, k / taps % rows, 0, k % taps]);
            for (place, packed) in places.zip(packed.chunks_exact_mut(2 * padded)) {
                let at: usize = place.iter().zip(&weights.strides).map(|(place, stride)| place * stride).sum();
                for (channel, packed) in packed.chunks_exact_mut(2).take(channels).enumerate() {
                    let at = 4 * (weights.offset + at + channel * weights.strides[2]);
                    let value = bytes.get(at..).and_then(|bytes| bytes.first_chunk()).copied().unwrap_or_default();
                    packed.copy_from_slice(&bf16(f32::from_le_bytes(value)).to_le_bytes());
                }
            }
        }
        let view = self.constant(key, Cow::Owned(packed), &[phases, rows, taps, padded]);
        self.buffers[view.buffer].is_half = true;
        view
    }

    fn key(&self, view: &View) -> &str {
        self.constant_key(view).unwrap_or_default()
    }

    /// The same of pictures in bf16.
    pub(super) fn half_pool(&mut self, window: &Window) -> Option<View> {
        let is_fit = |input: &View| self.is_half(input) && input.is_octets();
        let input = window.input.permute(&[0, 2, 3, 1]).filter(is_fit)?;
        let ([pictures, .., channels], [height, width]) =
            (<[usize; 4]>::try_from(&input.shape[..]).ok()?, window.out_size);
        let window = HalfWindow {
            input,
            out_size: window.out_size,
            before: window.before,
            kernel: window.kernel,
            stride: window.stride,
            mode: window.mode as u32,
        };
        let out = self.half_step(HalfWork::Pool(Box::new(window)), &[pictures, height, width, channels]);
        out.permute(&[0, 3, 1, 2])
    }
}

/// Rounded to the nearest, of two as near to the even one.
fn bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        return (bits >> 16) as u16 | 0x40;
    }
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_the_nearest_bf16() {
        let rounded = |value: f32| f32::from_bits(u32::from(bf16(value)) << 16);
        assert_eq!([1.0, -2.5, 0.0].map(rounded), [1.0, -2.5, 0.0]);
        let step = 2.0f32.powi(-7); // between 1 and 2
        assert_eq!([1.0 + 0.49 * step, 1.0 + 0.51 * step].map(rounded), [1.0, 1.0 + step]);
        assert_eq!([1.0 + 0.5 * step, 1.0 + 1.5 * step].map(rounded), [1.0, 1.0 + 2.0 * step]); // to even
        assert!(rounded(f32::MAX).is_infinite() && rounded(f32::NAN).is_nan());
        assert!(rounded(f32::from_bits(0xff80_0001)).is_nan());
    }
}
