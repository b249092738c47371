//! The picture that the firmware restores: the same everywhere, and better than interpolation.

use crate::board::{CORTEX_M4F, M4F, both, emulate, in_rust, missing, number, values};
use crate::header::patch;
use rwt_tests::skip;

const SIDE: usize = 32;
const PIXELS: usize = SIDE * SIDE;

/// Two programs restored the same picture, and it is a restored one.
pub fn check(there: &str, here: &str) {
    for name in ["measurement", "psnr_before", "psnr_of_a_sample", "psnr_after", "sample", "image"] {
        assert_eq!(values(there, name), values(here, name));
    }
    let (restored, expected) = (pixels(there), pixels(here));
    assert_eq!([restored.len(), expected.len()], [PIXELS; 2]);
    let far = restored.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far <= 1e-5, "{far}");
    let off = number(there, "millionths_from_pytorch");
    assert!(off > 0.0 && off <= 300.0, "the denoiser is {off} millionths from PyTorch's answers");
    println!("{off} millionths from PyTorch, {} million instructions", 40e-6 * number(there, "ticks"));
    let [before, sample, after] = ["psnr_before", "psnr_of_a_sample", "psnr_after"].map(|name| number(there, name));
    assert!((psnr(&restored) - after).abs() < 0.006, "it says {after} dB of a picture of {} dB", psnr(&restored));
    let (y, mask) = measured();
    assert!((psnr(&y) - before).abs() < 0.006, "it says {before} dB of a measurement of {} dB", psnr(&y));
    let [nearest, distance, harmonic] =
        [nearest(&y, &mask), by_distance(&y, &mask), harmonic(&y, &mask)].map(|image| psnr(&image));
    println!("PSNR {before}, a sample {sample}, restored {after} dB");
    println!("nearest pixel {nearest:.2}, by inverse distance {distance:.2}, harmonic {harmonic:.2} dB");
    assert!(sample > nearest, "a sample of {sample} dB, the nearest pixels {nearest} dB");
    assert!(after > distance.max(harmonic) + 0.5, "{after} dB, interpolation {distance} and {harmonic} dB");
}

fn pixels(text: &str) -> Vec<f32> {
    values(text, "pixel").iter().map(|bits| f32::from_bits(u32::from_str_radix(bits, 16).unwrap())).collect()
}

/// In dB over a range of 2.
fn psnr(image: &[f32]) -> f64 {
    let squares = image.iter().zip(patch()).map(|(x, grey)| (f64::from(*x) - (grey as f64 / 127.5 - 1.0)).powi(2));
    10.0 * (4.0 / (squares.sum::<f64>() / PIXELS as f64)).log10()
}

/// The measurement as the programs make it: three pixels of ten, with noise of 0.02.
fn measured() -> (Vec<f32>, Vec<bool>) {
    let (mut y, mut state) = (vec![0f32; PIXELS], 1u32);
    rwt_core::noise::fill(7, u64::from(u32::MAX), 0, 0, &mut y);
    let mask: Vec<_> = y
        .iter_mut()
        .zip(patch())
        .map(|(y, grey)| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let keeps = (state >> 16) % 10 < 3;
            *y = if keeps { grey as f32 / 127.5 - 1.0 + 0.02 * *y } else { 0.0 };
            keeps
        })
        .collect();
    (y, mask)
}

/// Square of the distance between two pixels.
fn apart(a: usize, b: usize) -> f64 {
    let (down, right) = ((a / SIDE).abs_diff(b / SIDE), (a % SIDE).abs_diff(b % SIDE));
    (down * down + right * right) as f64
}

fn known(mask: &[bool]) -> impl Iterator<Item = usize> + Clone {
    mask.iter().enumerate().filter_map(|(pixel, keeps)| keeps.then_some(pixel))
}

fn nearest(y: &[f32], mask: &[bool]) -> Vec<f32> {
    let to = |pixel| known(mask).min_by(|a, b| apart(*a, pixel).total_cmp(&apart(*b, pixel))).unwrap();
    (0..PIXELS).map(|pixel| y[to(pixel)]).collect()
}

/// Shepard's interpolation with the fourth power of the distance, which is the best one here.
fn by_distance(y: &[f32], mask: &[bool]) -> Vec<f32> {
    let missing = |pixel| {
        let weights = known(mask).map(|k| (apart(k, pixel).powi(-2), f64::from(y[k])));
        let (sum, whole) = weights.fold((0.0, 0.0), |(sum, whole), (w, y)| (sum + w * y, whole + w));
        (sum / whole) as f32
    };
    (0..PIXELS).map(|pixel| if mask[pixel] { y[pixel] } else { missing(pixel) }).collect()
}

/// The membrane through the known pixels: each other one is the mean of its neighbours.
fn harmonic(y: &[f32], mask: &[bool]) -> Vec<f32> {
    let mut image = y.to_vec();
    let beside = |pixel| (0..PIXELS).filter(|other| apart(*other, pixel) == 1.0).collect::<Vec<_>>();
    let missing: Vec<_> = (0..PIXELS).filter(|p| !mask[*p]).map(|p| (p, beside(p))).collect();
    for _ in 0..2000 {
        for (pixel, beside) in &missing {
            image[*pixel] = beside.iter().map(|other| image[*other]).sum::<f32>() / beside.len() as f32;
        }
    }
    image
}

#[test]
fn a_picture_restored_on_a_microcontroller_is_that_of_a_desktop() {
    if let Some(missing) = missing(CORTEX_M4F) {
        return skip("a_picture_restored_on_a_microcontroller_is_that_of_a_desktop", &missing);
    }
    let [there, here] = both("restore");
    assert_eq!(values(&there, "levels"), values(&here, "levels"));
    check(&there, &here);
}

#[test]
fn a_picture_restored_by_rust_on_a_microcontroller_is_that_of_a_desktop() {
    let test = "a_picture_restored_by_rust_on_a_microcontroller_is_that_of_a_desktop";
    if let Some(missing) = missing(CORTEX_M4F) {
        return skip(test, &missing);
    }
    let Some(program) = in_rust() else { return skip(test, "cortex-m-rt cannot be downloaded") };
    check(&emulate(M4F, &program), &both("restore")[1]);
}
