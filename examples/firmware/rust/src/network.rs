//! The small network of ../c/denoiser.c, to the bit.

use crate::{Image, PIXELS, SIDE};
use core::convert::Infallible;
use libm::sqrtf;
use rwt_core::Denoiser;
use tables::{ANSWERS, PATCH, PROBED, SCALE, SHIFT, SQUARES, WEIGHTS};

#[allow(clippy::excessive_precision, dead_code)] // as numpy prints them
mod tables {
    include!(concat!(env!("OUT_DIR"), "/tables.rs"));
}

/// The network sees 4 channels of 16 × 16, the pixels of each 2 × 2.
const HALF: usize = SIDE / 2;
const PLACES: usize = HALF * HALF;
const CHANNELS: usize = 24;
const FEATURES: usize = 6;
const ANSWERED: usize = 64;

const ONE: f32 = 4096.0;
const LARGEST: f32 = 32767.0;
const SIGMA_DATA: f32 = 0.5;

/// In parts of [`ONE`].
type Plane = [i16; PLACES];

/// A small convolutional network, trained by ../train.py, over its activations.
pub struct SmallNetwork {
    trunk: [Plane; CHANNELS],
    branch: [Plane; CHANNELS],
}

impl SmallNetwork {
    pub const NEW: Self = Self { trunk: [[0; PLACES]; CHANNELS], branch: [[0; PLACES]; CHANNELS] };
    /// Of a pixel of the pictures that it was trained on, about; their mean is 0.
    pub const VARIANCE: f64 = tables::VARIANCE;

    /// The largest difference from what PyTorch denoised; the probes are those of ../header.py.
    #[inline(never)]
    pub fn error(&mut self, x: &mut Image, denoised: &mut [f32]) -> f64 {
        let mut largest = 0f32;
        for (sigma, answers) in PROBED.iter().zip(ANSWERS.chunks(ANSWERED)) {
            let mut state = 1u32;
            for (pixel, x) in x.iter_mut().enumerate() {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = ((state >> 16) as f32 - 32767.5) / 32768.0;
                *x = picture(pixel) + sigma * sqrtf(3.0) * noise;
            }
            let Ok(()) = self.denoise(x, f64::from(*sigma), denoised);
            for (i, answer) in answers.iter().enumerate() {
                let off = denoised.get(16 * i + i % 16).map_or(f32::INFINITY, |d| (d - answer).abs());
                largest = if off <= largest { largest } else { off };
            }
        }
        f64::from(largest)
    }
}

/// What the layers read one after the other.
struct Parameters {
    /// \[output, input, row, column\]
    weights: &'static [i8],
    /// \[output, feature\], both.
    scale: &'static [f32],
    shift: &'static [f32],
    features: [f32; FEATURES],
}

impl Parameters {
    /// Those of the next output channel.
    fn next(&mut self, inputs: usize) -> (&'static [i8], f32, f32) {
        let (weights, rest) = self.weights.split_at_checked(9 * inputs).unwrap_or_default();
        self.weights = rest;
        (weights, affine(&mut self.scale, &self.features), affine(&mut self.shift, &self.features))
    }
}

fn affine(rows: &mut &'static [f32], features: &[f32; FEATURES]) -> f32 {
    let (row, rest) = rows.split_at_checked(FEATURES).unwrap_or_default();
    *rows = rest;
    row.iter().zip(features).fold(0.0, |sum, (row, feature)| sum + row * feature)
}

/// One row of one output channel, in whole numbers.
fn convolve(input: &[Plane], weights: &[i8], dilation: usize, row: usize) -> [i32; HALF] {
    let mut sums = [0i32; HALF];
    for (plane, weights) in input.iter().zip(weights.chunks_exact(9)) {
        for (down, weights) in weights.chunks_exact(3).enumerate() {
            let from = row.wrapping_add(down * dilation).wrapping_sub(dilation);
            let Some(line) = plane.chunks_exact(HALF).nth(from) else { continue };
            for (right, weight) in weights.iter().enumerate() {
                let first = dilation.saturating_sub(right * dilation); // of the sums
                let aside = (right * dilation).saturating_sub(dilation); // of the line
                for (sum, value) in sums.iter_mut().skip(first).zip(line.iter().skip(aside)) {
                    *sum += i32::from(*weight) * i32::from(*value);
                }
            }
        }
    }
    sums
}

/// output ← relu(old + scale · convolution + shift), old being the output if `is_added`, or 0.
fn layer(p: &mut Parameters, input: &[Plane], dilation: usize, is_added: bool, output: &mut [Plane]) {
    for output in output {
        let (weights, scale, shift) = p.next(input.len());
        for (row, line) in output.chunks_exact_mut(HALF).enumerate() {
            for (into, sum) in line.iter_mut().zip(convolve(input, weights, dilation, row)) {
                let mut value = sum as f32 * scale + shift;
                if is_added {
                    value += f32::from(*into);
                }
                *into = if value > 0.0 { (if value < LARGEST { value + 0.5 } else { LARGEST }) as i16 } else { 0 };
            }
        }
    }
}

/// The last layer, in floating point and with the pixels back at their places: image += gain · F.
fn end(p: &mut Parameters, input: &[Plane], gain: f32, image: &mut [f32]) {
    for output in 0..4 {
        let (weights, scale, shift) = p.next(input.len());
        for (row, line) in image.chunks_exact_mut(SIDE).skip(output / 2).step_by(2).enumerate() {
            let sums = convolve(input, weights, 1, row);
            for (into, sum) in line.iter_mut().skip(output % 2).step_by(2).zip(sums) {
                *into += gain * (sum as f32 * scale + shift);
            }
        }
    }
}

/// The input of the network, in whole numbers.
fn begin(x: &[f32], gain: f32, planes: &mut [Plane]) {
    for (i, x) in x.iter().enumerate() {
        let (row, column) = (i / SIDE, i % SIDE);
        let value = gain * x;
        let value = if value > -LARGEST { if value < LARGEST { value } else { LARGEST } } else { -LARGEST };
        let plane = planes.get_mut(row % 2 * 2 + column % 2);
        if let Some(into) = plane.and_then(|plane| plane.get_mut(row / 2 * HALF + column / 2)) {
            *into = (value + if value < 0.0 { -0.5 } else { 0.5 }) as i16;
        }
    }
}

impl Denoiser for SmallNetwork {
    type Error = Infallible;

    /// With the preconditioning of Karras et al. 2022, table 1.
    #[inline(never)] // its arrays would lie on the stack of the walk too
    fn denoise(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), Infallible> {
        let s = sigma as f32;
        let (square, total) = (s * s, s * s + SIGMA_DATA * SIGMA_DATA);
        let root = sqrtf(total);
        let mut p = Parameters { weights: &WEIGHTS, scale: &SCALE, shift: &SHIFT, features: [1.0; FEATURES] };
        for (feature, step) in p.features.iter_mut().skip(1).zip(&SQUARES) {
            *feature = square / (square + step);
        }
        let Self { trunk, branch } = self;
        begin(x, ONE / root, branch);
        layer(&mut p, &branch[..4], 1, false, trunk);
        for _ in 0..2 {
            layer(&mut p, trunk, 2, false, branch);
            layer(&mut p, branch, 1, true, trunk);
        }
        for (denoised, x) in denoised.iter_mut().zip(x) {
            *denoised = SIGMA_DATA * SIGMA_DATA / total * x;
        }
        end(&mut p, trunk, s * SIGMA_DATA / root / ONE, denoised);
        Ok(())
    }
}

/// The true picture, in [−1, 1].
pub fn picture(pixel: usize) -> f32 {
    PATCH.get(pixel).map_or(0.0, |grey| f32::from(*grey) / 127.5 - 1.0)
}

/// In dB over a range of 2.
#[inline(never)]
pub fn psnr(image: &[f32]) -> f64 {
    let mut squares = 0.0;
    for (pixel, found) in image.iter().enumerate() {
        let error = f64::from(*found) - f64::from(picture(pixel));
        squares += error * error;
    }
    10.0 * libm::log10(4.0 * PIXELS as f64 / squares)
}
