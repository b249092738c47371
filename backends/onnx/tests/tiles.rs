//! The shipped model on tiles of a picture, against the whole picture.

mod common;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use common::{Random, model};
use rwt_core::{Chain, Denoiser, Mask, Problem, Progress, Schedule, Tiles, gla};
use rwt_onnx::{Evaluator, OnnxDenoiser};

const SIDE: usize = 160;
const N: usize = 3 * SIDE * SIDE;
const CHAIN: Chain = Chain { seed: 5, chain: 2 };

/// Smooth light over a few discs with sharp edges, [3, SIDE, SIDE].
fn picture() -> Vec<f32> {
    let colour = |channel: usize, y: f32, x: f32| {
        let discs = [(40.0, 50.0, 30.0, 0.7), (110.0, 90.0, 42.0, -0.6), (60.0, 130.0, 22.0, 0.4)];
        let disc = discs.iter().find(|(cy, cx, radius, _)| (y - cy).hypot(x - cx) < *radius);
        disc.map_or(0.3 * (x / 25.0).sin() + 0.003 * (y - 80.0), |d| d.3 * (1.0 - 0.3 * channel as f32))
    };
    let place = |i: usize| ((i / SIDE % SIDE) as f32, (i % SIDE) as f32);
    (0..N).map(|i| colour(i / (SIDE * SIDE), place(i).0, place(i).1)).collect()
}

fn noisy(sigma: f64) -> Vec<f32> {
    let mut random = Random(3);
    picture().iter().map(|value| value + sigma as f32 * random.normal()).collect()
}

fn tiles() -> Tiles {
    Tiles::new([3, SIDE, SIDE], [96, 96], 32).unwrap()
}

fn evaluator(model: &OnnxDenoiser, side: usize) -> Evaluator<'_> {
    let mut evaluator = model.evaluator(side, side).unwrap();
    evaluator.set_chains(Some(CHAIN));
    evaluator
}

fn whole(model: &OnnxDenoiser, x: &[f32], sigma: f64) -> Vec<f32> {
    let mut denoised = vec![f32::NAN; x.len()];
    evaluator(model, SIDE).denoise(x, sigma, &mut denoised).unwrap();
    denoised
}

fn tiled(model: &OnnxDenoiser, x: &[f32], sigma: f64) -> Vec<f32> {
    tiled_by(&tiles(), model, x, sigma)
}

fn tiled_by(tiles: &Tiles, model: &OnnxDenoiser, x: &[f32], sigma: f64) -> Vec<f32> {
    let side = tiles.tile_shape()[1];
    let mut denoised = vec![f32::NAN; x.len()];
    let mut workspace = vec![f32::NAN; tiles.workspace_len(x.len() / N)];
    tiles.denoise(&mut evaluator(model, side), x, sigma, &mut denoised, &mut workspace).unwrap();
    denoised
}

fn rms(values: impl Iterator<Item = f32>) -> f64 {
    let (sum, count) = values.fold((0.0, 0), |(sum, n), v| (sum + f64::from(v) * f64::from(v), n + 1));
    (sum / f64::from(count)).sqrt()
}

fn difference(a: &[f32], b: &[f32]) -> f64 {
    rms(a.iter().zip(b).map(|(a, b)| a - b))
}

#[test]
fn tiles_differ_from_the_whole_picture_by_less_than_the_denoiser_errs() {
    let (model, clean) = (model(), picture());
    for (sigma, bound) in [(0.05, 0.001), (0.2, 0.003), (1.0, 0.02), (5.0, 0.15), (20.0, 0.5)] {
        let x = noisy(sigma);
        let (whole, tiled) = (whole(&model, &x, sigma), tiled(&model, &x, sigma));
        let (relative, error) = (difference(&whole, &tiled) / rms(whole.iter().copied()), difference(&whole, &clean));
        println!(
            "sigma {sigma}: {relative:.5} of the denoised picture, {:.3} of its error",
            difference(&whole, &tiled) / error
        );
        assert!(relative < bound, "sigma {sigma}: {relative}");
        assert!(difference(&whole, &tiled) < 0.25 * error, "sigma {sigma}: the error is {error}");
    }
}

#[test]
fn tiles_of_one_chain_are_shown_in_the_same_symmetry_and_have_the_bits_of_those_alone() {
    let (model, x) = (model(), [noisy(0.4), noisy(0.3)].concat());
    let together = tiled(&model, &x, 0.4);
    assert_eq!(tiled(&model, &x[..N], 0.4), together[..N]);
    // the corner that only the first tile sees
    let tiles = tiles();
    let corner = |image: &[f32], width: usize| -> Vec<f32> {
        (0..3 * 48 * 48).map(|i| image[i / 2304 * width * width + i / 48 % 48 * width + i % 48]).collect()
    };
    for (chain, x) in [(CHAIN.chain, &x[..N]), (CHAIN.chain + 1, &x[N..])] {
        let side = tiles.tile_shape()[1];
        let tile: Vec<_> = (0..3 * side * side)
            .map(|i| x[i / side / side * SIDE * SIDE + i / side % side * SIDE + i % side])
            .collect();
        let mut alone = vec![0.0; tile.len()];
        let mut evaluator = model.evaluator(side, side).unwrap();
        evaluator.set_chains(Some(Chain { chain, ..CHAIN }));
        evaluator.denoise(&tile, 0.4, &mut alone).unwrap();
        let place = (chain - CHAIN.chain) as usize * N;
        assert_eq!(corner(&alone, side), corner(&together[place..place + N], SIDE));
    }
}

#[test]
fn slices_of_a_volume_are_shown_in_the_symmetry_of_their_chain() {
    let (model, depth, n) = (model(), 3, 3 * 24 * 32);
    let x = &noisy(0.4)[..2 * depth * n];
    let evaluate = |first: u64, slices: usize, x: &[f32]| {
        let mut evaluator = model.evaluator(24, 32).unwrap();
        evaluator.set_chains(Some(Chain { chain: first, ..CHAIN }));
        evaluator.set_slices(NonZeroUsize::new(slices).unwrap());
        let mut denoised = vec![f32::NAN; x.len()];
        evaluator.denoise(x, 0.4, &mut denoised).unwrap();
        denoised
    };
    let volumes = evaluate(0, depth, x);
    for (place, (slice, denoised)) in x.chunks(n).zip(volumes.chunks(n)).enumerate() {
        assert_eq!(evaluate((place / depth) as u64, 1, slice), denoised, "slice {place}");
    }
    assert_ne!(evaluate(0, 1, x), volumes, "pictures of other chains are shown in other symmetries");
}

/// How steep the difference of two pictures is where one tile takes over from another, over what it is beside that.
fn seam(a: &[f32], b: &[f32]) -> f64 {
    let d: Vec<_> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let row = |i: usize| i / SIDE % SIDE;
    // tiles start at 0 and 64, and take over at 80
    let step = |is_border: &dyn Fn(usize) -> bool| {
        let across = (0..N).filter(|i| i % SIDE > 0 && is_border(i % SIDE)).map(|i| d[i] - d[i - 1]);
        let down = (0..N).filter(|i| row(*i) > 0 && is_border(row(*i))).map(|i| d[i] - d[i - SIDE]);
        rms(across.chain(down))
    };
    step(&|place| place == 80) / step(&|place| place != 80 && (64..96).contains(&place))
}

#[test]
fn a_picture_denoised_by_tiles_has_no_seam() {
    let (model, sigma) = (model(), 5.0);
    let x = noisy(sigma);
    let whole = whole(&model, &x, sigma);
    let cut = tiles().with_margin(16).unwrap();
    let seams = [tiles(), cut].map(|tiles| seam(&tiled_by(&tiles, &model, &x, sigma), &whole));
    println!("steepness where tiles take over: {:.2}, without blending {:.2}", seams[0], seams[1]);
    assert!(seams[0] < 1.5 && seams[1] > 3.0, "{seams:?}");
}

type Evaluate<'a> = dyn FnMut(&[f32], f64, &mut [f32]) + 'a;

#[test]
fn a_posterior_sample_by_tiles_has_no_seam() {
    let (model, clean) = (model(), picture());
    let mut random = Random(11);
    let mask: Vec<_> = (0..SIDE * SIDE).map(|_| u8::from(random.uniform() < -0.5)).collect();
    let mut measured = |i: usize| if mask[i % mask.len()] == 1 { clean[i] + 0.05 * random.normal() } else { 0.0 };
    let y: Vec<_> = (0..N).map(&mut measured).collect();
    let operator = Mask::new(&mask, 3).unwrap();
    let info = model.info();
    let problem = Problem::gaussian(&operator, &y, 0.05, info.mean, info.variance);
    let mut levels = [0.0; 12];
    Schedule::Geometric { sigma_max: 4.0, sigma_min: 0.01 }.levels(&mut levels).unwrap();
    let sample = |denoiser: &mut Evaluate<'_>| {
        let mut denoiser = |x: &[f32], sigma: f64, denoised: &mut [f32]| {
            denoiser(x, sigma, denoised);
            Ok::<(), ()>(())
        };
        let (mut x, mut workspace) = (vec![0.0; N], vec![0.0; problem.workspace_len(1)]);
        let go_on = |_: Progress<'_>| ControlFlow::Continue(());
        gla(&problem, &levels, CHAIN, &mut denoiser, &mut x, &mut workspace, go_on).unwrap();
        x
    };
    // two tiles that overlap by 32, and the same with no overlap
    let (tiles, apart) = (tiles(), Tiles::new([3, SIDE, SIDE], [80, 80], 0).unwrap());
    let [whole, blended, cut] = std::thread::scope(|scope| {
        let tiled = |tiles: Tiles| {
            let model = &model;
            scope.spawn(move || sample(&mut |x, sigma, d| d.copy_from_slice(&tiled_by(&tiles, model, x, sigma))))
        };
        let (blended, cut) = (tiled(tiles), tiled(apart));
        let whole = sample(&mut |x, sigma, d| d.copy_from_slice(&self::whole(&model, x, sigma)));
        [whole, blended.join().unwrap(), cut.join().unwrap()]
    });
    let errors = [&whole, &blended, &cut].map(|sample| difference(sample, &clean));
    let seams = [&blended, &cut].map(|sample| seam(sample, &whole));
    println!("errors {errors:?}, steepness where tiles take over {seams:?}");
    assert!(errors[1] < 1.1 * errors[0], "errors {errors:?}");
    assert!(seams[0] < 1.5 && seams[1] > 2.0, "steepness where tiles take over {seams:?}");
}
