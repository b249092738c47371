//! 8 × 8 pictures that look like the digits of a pocket calculator, seen a little out of focus.

use crate::draw::Canvas;
use crate::network::Data;
use rwt_core::noise;

const SIDE: usize = 8;
/// The segments of each digit: top, top left, top right, middle, bottom left, bottom right, bottom.
const DIGITS: [u8; 10] = [
    0b111_0111, 0b010_0100, 0b101_1101, 0b110_1101, 0b010_1110, 0b110_1011, 0b111_1011, 0b010_0101, 0b111_1111,
    0b110_1111,
];
/// The ends of each segment, in units of the digit's size.
const SEGMENTS: [[f64; 4]; 7] = [
    [0.0, 0.0, 1.0, 0.0],
    [0.0, 0.0, 0.0, 0.5],
    [1.0, 0.0, 1.0, 0.5],
    [0.0, 0.5, 1.0, 0.5],
    [0.0, 0.5, 0.0, 1.0],
    [1.0, 0.5, 1.0, 1.0],
    [0.0, 1.0, 1.0, 1.0],
];

pub struct Glyphs;

impl Data for Glyphs {
    fn size(&self) -> usize {
        SIDE * SIDE
    }

    fn example(&self, number: u64, out: &mut [f32]) {
        let u = |k: u64| noise::uniform(8, number, 0, k);
        let digit = ((u(0) * 10.0) as usize).min(9);
        let (left, top) = (1.7 + 1.1 * u(1), 0.6 + 0.8 * u(2));
        let (width, height) = (2.6 + 0.8 * u(3), 5.2 + 0.6 * u(4));
        let (slant, sharpness) = (0.8 * (u(5) - 0.5), 2.2 + u(6));
        for (index, value) in out.iter_mut().enumerate() {
            let (x, y) = ((index % SIDE) as f64, (index / SIDE) as f64);
            let (x, y) = ((x - left + slant * (y / 7.0 - 0.5)) / width, (y - top) / height);
            let lit = (0..7).filter(|k| DIGITS[digit] >> k & 1 == 1);
            let nearest = lit.map(|k| distance([x, y], SEGMENTS[k], width, height)).fold(f64::INFINITY, f64::min);
            *value = (2.0 / (1.0 + (sharpness * (2.0 * nearest - 1.3)).exp()) - 1.0) as f32;
        }
    }
}

/// From a point to a segment, in pixels.
fn distance(at: [f64; 2], [x1, y1, x2, y2]: [f64; 4], width: f64, height: f64) -> f64 {
    let clamped = [at[0].clamp(x1.min(x2), x1.max(x2)), at[1].clamp(y1.min(y2), y1.max(y2))];
    ((at[0] - clamped[0]) * width).hypot((at[1] - clamped[1]) * height)
}

fn example(number: u64) -> Vec<f32> {
    let mut out = vec![0.0; SIDE * SIDE];
    Glyphs.example(number, &mut out);
    out
}

/// How near the samples are to the nearest of many fresh glyphs, beside what other fresh glyphs are.
pub fn report(samples: &[f32]) -> String {
    let known: Vec<Vec<f32>> = (0..20_000).map(|k| example(1 << 40 | k)).collect();
    let nearest = |picture: &[f32]| {
        let square = |other: &Vec<f32>| other.iter().zip(picture).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        (known.iter().map(square).fold(f64::INFINITY, f64::min) / (SIDE * SIDE) as f64).sqrt()
    };
    let mean = |pictures: &[Vec<f32>]| pictures.iter().map(|p| nearest(p)).sum::<f64>() / pictures.len() as f64;
    let fresh: Vec<Vec<f32>> = (0..80).map(|k| example(1 << 41 | k)).collect();
    let noise: Vec<Vec<f32>> = fresh.iter().map(|p| p.iter().rev().copied().collect()).collect();
    let samples: Vec<Vec<f32>> = samples.chunks(SIDE * SIDE).map(<[f32]>::to_vec).collect();
    format!(
        "distance to the nearest of 20000 glyphs, per pixel: samples {:.3}, fresh glyphs {:.3}, glyphs upside down {:.3}\n",
        mean(&samples),
        mean(&fresh),
        mean(&noise)
    )
}

/// Two rows of twenty from the generator, then the samples.
pub fn sheet(samples: &[f32]) -> Canvas {
    const ZOOM: usize = 5;
    const CELL: usize = (SIDE + 1) * ZOOM;
    let known: Vec<f32> = (0..40).flat_map(|k| example(1 << 41 | k)).collect();
    let rows = samples.len() / (SIDE * SIDE) / 20;
    let mut canvas = Canvas::new(20 * CELL, (2 + rows) * CELL + CELL / 2);
    for (number, picture) in known.chunks(SIDE * SIDE).chain(samples.chunks(SIDE * SIDE)).enumerate() {
        let gap = if number < 40 { 0 } else { CELL / 2 };
        for (index, value) in picture.iter().enumerate() {
            let (x, y) = (number % 20 * CELL + index % SIDE * ZOOM, number / 20 * CELL + gap + index / SIDE * ZOOM);
            canvas.square(x, y, ZOOM, [((1.0 - value) / 2.0).clamp(0.0, 1.0); 3]);
        }
    }
    canvas
}
