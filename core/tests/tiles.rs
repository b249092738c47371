//! Tiles of an image give what the whole image gives, as far as a denoiser reaches, and no seam.

use rwt_core::{Chain, Denoiser, Error, Mask, Problem, Progress, Schedule, TileError, Tiles, gla};
use std::ops::ControlFlow;

const SHAPE: [usize; 3] = [2, 57, 83];
const REACH: usize = 3;

/// Nearly white noise in [-1, 1).
fn noise(n: usize) -> Vec<f32> {
    let hash = |i: usize| (i as u32 + 1).wrapping_mul(2_654_435_761).rotate_left(15).wrapping_mul(2_246_822_519);
    (0..n).map(|i| (hash(i) >> 8) as f32 / (1 << 23) as f32 - 1.0).collect()
}

/// A denoiser that is no exact one, but looks exactly [`REACH`] pixels far: a blur with reflected borders, through a tanh.
struct Blur {
    shape: [usize; 3],
    calls: usize,
}

impl Denoiser for Blur {
    type Error = Error;

    fn denoise(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), Error> {
        self.calls += 1;
        let [_, height, width] = self.shape;
        let reflected = |place: isize, size: usize| {
            let place = place.unsigned_abs();
            if place < size { place } else { 2 * (size - 1) - place }
        };
        for (plane, out) in x.chunks_exact(height * width).zip(denoised.chunks_exact_mut(height * width)) {
            for (i, out) in out.iter_mut().enumerate() {
                let (mut sum, mut total) = (0.0, 0.0);
                let reach = REACH as isize;
                for (dy, dx) in (-reach..=reach).flat_map(|dy| (-reach..=reach).map(move |dx| (dy, dx))) {
                    let (y, x) =
                        (reflected((i / width) as isize + dy, height), reflected((i % width) as isize + dx, width));
                    let weight = (-((dy * dy + dx * dx) as f64) / (4.0 * sigma * sigma)).exp();
                    sum += weight * f64::from(plane[y * width + x]).tanh();
                    total += weight;
                }
                *out = (sum / total) as f32;
            }
        }
        Ok(())
    }
}

fn blur(shape: [usize; 3]) -> Blur {
    Blur { shape, calls: 0 }
}

fn tiled(tiles: &Tiles, denoiser: &mut impl Denoiser<Error = Error>, x: &[f32], images: usize) -> Vec<f32> {
    let mut denoised = vec![f32::NAN; x.len()];
    let mut workspace = vec![f32::NAN; tiles.workspace_len(images)];
    tiles.denoise(denoiser, x, 1.5, &mut denoised, &mut workspace).unwrap();
    denoised
}

fn largest_difference(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max)
}

#[test]
fn an_overlap_of_twice_the_reach_gives_the_whole_image() {
    let x = noise(SHAPE.iter().product());
    let mut whole = vec![0.0; x.len()];
    blur(SHAPE).denoise(&x, 1.5, &mut whole).unwrap();
    // overlap and margin: the hard edge, the default, a wide ramp, and shapes that leave odd rests
    for (tile, overlap, margin) in [
        ([16, 20], 2 * REACH, REACH),
        ([24, 24], 4 * REACH, REACH),
        ([25, 40], 12, 5),
        ([17, 31], 7, REACH),
        ([57, 20], 8, REACH),
        ([100, 200], 12, 3),
    ] {
        let tiles = Tiles::new(SHAPE, tile, overlap).unwrap().with_margin(margin).unwrap();
        let difference = largest_difference(&tiled(&tiles, &mut blur(tiles.tile_shape()), &x, 1), &whole);
        assert!(difference < 2e-7, "tiles {tile:?}, overlap {overlap}, margin {margin}: {difference}");
    }
    // and less does not, so the test can fail
    let short = Tiles::new(SHAPE, [16, 20], 2 * REACH).unwrap().with_margin(0).unwrap();
    assert!(largest_difference(&tiled(&short, &mut blur(short.tile_shape()), &x, 1), &whole) > 1e-3);
}

#[test]
fn the_weights_of_every_pixel_sum_to_one_and_tiles_lie_inside() {
    for (length, tile, overlap) in [(40, 16, 8), (41, 16, 8), (33, 32, 16), (100, 10, 5), (47, 16, 3), (9, 4, 0)] {
        let tiles = Tiles::new([1, length, 1], [tile, tile], overlap).unwrap();
        let mut starts = Vec::new();
        let mut ones = |x: &[f32], _: f64, denoised: &mut [f32]| {
            starts.push(x[0] as usize);
            assert!(x.windows(2).all(|pair| pair[1] - pair[0] == 1.0), "a tile is a part of the image");
            denoised.fill(1.0);
            Ok::<(), Error>(())
        };
        let places: Vec<_> = (0..length).map(|place| place as f32).collect();
        let sum = tiled(&tiles, &mut ones, &places, 1);
        assert!(sum.iter().all(|&v| (v - 1.0).abs() < 3e-7), "{length}, {tile}, {overlap}: {sum:?}");
        assert_eq!(starts.len(), tiles.count());
        assert_eq!((starts[0], starts.last()), (0, Some(&(length - tile))));
        assert!(starts.windows(2).all(|pair| pair[1] > pair[0] && pair[1] - pair[0] <= tile - overlap), "{starts:?}");
    }
}

/// A gradient with a long sine wave; each tile is denoised with an error of its own, as a network's would be.
#[test]
fn a_seam_is_no_steeper_than_the_image() {
    let (shape, [tile, overlap]) = ([1, 96, 96], [48, 24]);
    let field = |i: usize| 0.01 * (i / 96 + i % 96) as f32 + 0.1 * ((i % 96) as f32 / 20.0).sin();
    let x: Vec<_> = (0..96 * 96).map(field).collect();
    let steepest = |image: &[f32], columns: &dyn Fn(usize) -> bool| {
        let steps = (0..96 * 96).filter(|i| i % 96 > 0 && columns(i % 96));
        steps.map(|i| f64::from((image[i] - image[i - 1]).abs())).fold(0.0, f64::max)
    };
    let jump = |margin| {
        let tiles = Tiles::new(shape, [tile, tile], overlap).unwrap().with_margin(margin).unwrap();
        let mut sign = 1.0;
        let mut offset = |x: &[f32], _: f64, denoised: &mut [f32]| {
            sign = -sign;
            denoised.iter_mut().zip(x).for_each(|(d, x)| *d = x + sign * 0.02);
            Ok::<(), Error>(())
        };
        let denoised = tiled(&tiles, &mut offset, &x, 1);
        // tiles start at 0, 24 and 48: they take over at 36 and 60
        let is_border = |column: usize| [36_usize, 60].iter().any(|border| border.abs_diff(column) <= 12);
        steepest(&denoised, &is_border) / steepest(&x, &|_| true)
    };
    let (blended, cut) = (jump(overlap / 4), jump(overlap / 2));
    println!("steepest step at a border over the image's: {blended} blended, {cut} cut");
    assert!(blended < 1.0, "the steepest step at a border is {blended} of the image's");
    assert!(cut > 2.0, "without blending it is {cut}");
}

#[test]
fn images_side_by_side_have_the_bits_of_those_alone() {
    let tiles = Tiles::new(SHAPE, [24, 24], 12).unwrap();
    let n: usize = SHAPE.iter().product();
    let x = noise(3 * n);
    let mut denoiser = blur(tiles.tile_shape());
    let together = tiled(&tiles, &mut denoiser, &x, 3);
    assert_eq!(denoiser.calls, tiles.count(), "all images at a time");
    for (x, together) in x.chunks(n).zip(together.chunks(n)) {
        assert_eq!(tiled(&tiles, &mut blur(tiles.tile_shape()), x, 1), together);
    }
}

type Evaluate<'a> = dyn FnMut(&[f32], f64, &mut [f32]) -> Result<(), ()> + 'a;

#[test]
fn a_posterior_sample_by_tiles_is_that_of_the_whole_image() {
    let n: usize = SHAPE.iter().product();
    let kept: Vec<_> = (0..n / 2).map(|i| u8::from(i % 3 == 0)).collect();
    let mask = Mask::new(&kept, 2).unwrap();
    let y: Vec<_> = (0..n).map(|i| 0.5 * f32::from(kept[i % kept.len()])).collect();
    let problem = Problem::gaussian(&mask, &y, 0.1, 0.0, 0.3);
    let mut levels = [0.0; 6];
    Schedule::Geometric { sigma_max: 3.0, sigma_min: 0.02 }.levels(&mut levels).unwrap();
    let sample = |denoiser: &mut Evaluate<'_>| {
        let (mut x, mut workspace) = (vec![0.0; n], vec![0.0; problem.workspace_len(1)]);
        let mut denoiser = |x: &[f32], sigma: f64, denoised: &mut [f32]| denoiser(x, sigma, denoised);
        let go_on = |_: Progress<'_>| ControlFlow::Continue(());
        gla(&problem, &levels, Chain { seed: 1, chain: 0 }, &mut denoiser, &mut x, &mut workspace, go_on).unwrap();
        x
    };
    let whole = sample(&mut |x, sigma, denoised| blur(SHAPE).denoise(x, sigma, denoised).map_err(drop));
    let tiles = Tiles::new(SHAPE, [28, 28], 4 * REACH).unwrap();
    let mut workspace = vec![0.0; tiles.workspace_len(1)];
    let by_tiles = sample(&mut |x, sigma, denoised| {
        tiles.denoise(&mut blur(tiles.tile_shape()), x, sigma, denoised, &mut workspace).map_err(drop)
    });
    let difference = largest_difference(&whole, &by_tiles);
    assert!(difference < 1e-4, "{difference}"); // finite differences of f32 magnify rounding
}

#[test]
fn bad_tiles_and_lengths_are_refused() {
    let refused = |shape, tile, overlap| matches!(Tiles::new(shape, tile, overlap), Err(Error::Parameter { .. }));
    assert!(refused([0, 4, 4], [2, 2], 0) && refused([1, 0, 4], [2, 2], 0) && refused([1, usize::MAX, 4], [2, 2], 0));
    assert!(refused([1, 4, 4], [0, 2], 0) && refused([1, 4, 4], [2, 0], 0));
    assert!(refused([1, 40, 40], [16, 12], 7) && !refused([1, 40, 40], [16, 12], 6));
    let tiles = Tiles::new([1, 8, 9], [4, 4], 2).unwrap();
    assert!(tiles.with_margin(2).is_err() && tiles.with_margin(1).is_ok());
    let mut identity = |x: &[f32], _: f64, denoised: &mut [f32]| {
        denoised.copy_from_slice(x);
        if x[0] == 7.0 { Err("seven") } else { Ok(()) }
    };
    let mut run = |n: usize, m: usize, workspace: usize| {
        let mut x = vec![0.0; n];
        if let Some(place) = x.get_mut(4 * 9 + 2) {
            *place = 7.0;
        }
        tiles.denoise(&mut identity, &x, 1.0, &mut vec![0.0; m], &mut vec![0.0; workspace])
    };
    for (n, m, workspace) in [(71, 72, 32), (72, 71, 32), (72, 72, 31), (0, 0, 0), (144, 144, 32)] {
        assert!(matches!(run(n, m, workspace), Err(TileError::Plan(Error::Length { .. }))), "{n}, {m}, {workspace}");
    }
    assert_eq!(run(72, 72, 32), Err(TileError::Denoiser { row: 4, column: 2, error: "seven" }));
}
