//! Clusters of chains: found where there are two, rarely where there is one.

use rwt_core::noise::fill;
use rwt_core::{Error, Modes};

const D: usize = 16;

/// Samples `[chains, 16]`: a Gaussian whose standard deviations fall from 1 to `last`, and `share` of the chains `distance`
/// away along the diagonal.
fn samples(seed: u64, chains: usize, last: f32, share: f64, distance: f32) -> Vec<f32> {
    let mut out = vec![0f32; chains * D];
    fill(seed, 0, 0, 0, &mut out);
    let apart = (share * chains as f64).round() as usize;
    for (chain, sample) in out.chunks_mut(D).enumerate() {
        for (i, v) in sample.iter_mut().enumerate() {
            *v *= last.powf(i as f32 / (D - 1) as f32);
            *v += 3.0 + if chain < apart { distance / (D as f32).sqrt() } else { 0.0 };
        }
    }
    out
}

fn look(samples: &[f32], chains: usize) -> (Modes, Vec<f64>) {
    let (mut coordinates, mut scratch) = (vec![0.0; chains], vec![0.0; chains * (chains + 1)]);
    let modes = Modes::new(samples, chains, &mut coordinates, &mut scratch).unwrap();
    (modes, coordinates)
}

/// How often of `repetitions` sets the chains are called separate.
fn rate(repetitions: u64, chains: usize, last: f32, share: f64, distance: f32) -> f64 {
    let alarms = (0..repetitions)
        .filter(|seed| look(&samples(1000 + seed, chains, last, share, distance), chains).0.separate())
        .count();
    alarms as f64 / repetitions as f64
}

#[test]
fn one_gaussian_is_quiet() {
    // isotropic, elongated and nearly a line: the rate depends on the number of chains only
    for (chains, documented) in [(6, 0.027), (8, 0.015), (16, 0.004), (32, 0.0005), (64, 0.0001)] {
        for last in [1.0, 0.3, 0.001] {
            let repetitions = 4000;
            let found = rate(repetitions, chains, last, 0.0, 0.0);
            let error = (documented * (1.0 - documented) / repetitions as f64).sqrt();
            assert!(found < documented + 4.0 * error, "{chains} chains, last deviation {last}: {found}");
        }
    }
}

#[test]
fn two_modes_are_found_and_the_chains_told_apart() {
    for (chains, share, distance, least) in
        [(8, 0.5, 12.0, 0.9), (16, 0.5, 8.0, 0.9), (16, 0.25, 10.0, 0.9), (32, 0.5, 6.0, 0.9), (64, 0.125, 8.0, 0.9)]
    {
        let found = rate(1000, chains, 0.5, share, distance);
        assert!(found > least, "{chains} chains, share {share}, distance {distance}: found in {found}");
        let (modes, coordinates) = look(&samples(7, chains, 0.5, share, distance), chains);
        let apart = (share * chains as f64) as usize;
        assert!(modes.separate());
        assert_eq!(modes.smaller, apart);
        let first = coordinates[0] > modes.cut;
        for (chain, coordinate) in coordinates.iter().enumerate() {
            assert_eq!((*coordinate > modes.cut) == first, chain < apart, "chain {chain}");
        }
    }
}

#[test]
fn the_flattest_single_mode_alarms_in_five_of_a_hundred() {
    for chains in [8, 16, 32, 64] {
        let alarms = (0..4000u64)
            .filter(|seed| {
                let line: Vec<f32> =
                    (0..chains).map(|i| rwt_core::noise::uniform(*seed, 1, 0, i as u64) as f32).collect();
                look(&line, chains).0.separate()
            })
            .count();
        let z = (alarms as f64 - 200.0) / (200f64 * 0.95).sqrt();
        assert!(z.abs() < 6.0, "{chains} chains: {alarms} of 4000"); // 4 errors, and 2 for the formula's own
    }
}

#[test]
fn a_line_is_cut_by_hand() {
    // 0, 0, 1, 1, 1 and 9 cut at 5: between 6·(8.4)²·5/36 = 58.8, within 2·0.36 + 3·0.16 = 1.2
    let (modes, coordinates) = look(&[1.0, 9.0, 0.0, 1.0, 0.0, 1.0], 6);
    assert!((modes.ratio / 49.0 - 1.0).abs() < 1e-9, "{}", modes.ratio);
    assert_eq!(modes.smaller, 1);
    // mean 2; the sign is free
    let sign = coordinates[1].signum();
    for (found, expected) in coordinates.iter().zip([-1.0, 7.0, -2.0, -1.0, -2.0, -1.0]) {
        assert!((found * sign - expected).abs() < 1e-6, "{found} {expected}");
    }
    assert!((modes.cut * sign - 3.0).abs() < 1e-6, "{}", modes.cut);
    let (modes, _) = look(&[0.0, 0.0, 2.0, 0.0, 2.0, 2.0], 6);
    assert!(modes.separate() && modes.smaller == 3, "{modes:?}");
}

#[test]
fn images_anywhere_are_judged_as_in_one_array() {
    let all = samples(3, 8, 0.5, 0.5, 9.0);
    let (modes, coordinates) = look(&all, 8);
    let own: Vec<Vec<f32>> = all.chunks(D).map(<[f32]>::to_vec).collect();
    let (mut found, mut scratch) = ([0.0; 8], [0.0; 72]);
    assert_eq!(Modes::of_images(own.iter().map(Vec::as_slice), &mut found, &mut scratch), Ok(modes));
    assert_eq!(found, coordinates[..]);
    let uneven = || own.iter().enumerate().map(|(i, image)| if i == 5 { &image[1..] } else { &image[..] });
    let refused = Modes::of_images(uneven(), &mut found, &mut scratch);
    assert!(matches!(refused, Err(Error::Length { expected: 16, found: 15, .. })), "{refused:?}");
    let empty = Modes::of_images([[0f32; 0]; 8].iter().map(|image| &image[..]), &mut found, &mut scratch);
    assert!(matches!(empty, Err(Error::Parameter { .. })), "{empty:?}");
}

#[test]
fn bad_arguments_get_errors() {
    let (mut coordinates, mut scratch) = ([0.0; 6], [0.0; 42]);
    let good = samples(1, 6, 1.0, 0.0, 0.0);
    let mut new = |samples: &[f32], chains: usize, c: usize, s: usize| {
        Modes::new(samples, chains, &mut coordinates[..c], &mut scratch[..s])
    };
    assert!(new(&good, 6, 6, 42).is_ok());
    assert!(matches!(new(&good, 5, 5, 30), Err(Error::Parameter { name: "chains", .. })));
    assert!(matches!(new(&good[1..], 6, 6, 42), Err(Error::Length { .. })));
    assert!(matches!(new(&[], 6, 6, 42), Err(Error::Length { expected: 6, found: 0, .. })));
    assert!(matches!(new(&good, usize::MAX, 6, 42), Err(Error::Length { .. })));
    assert!(matches!(new(&good, 6, 5, 42), Err(Error::Length { name: "coordinates", .. })));
    assert!(matches!(new(&good, 6, 6, 41), Err(Error::Length { name: "scratch", expected: 42, found: 41 })));
    assert!(matches!(new(&[0.1; 6 * D], 6, 6, 42), Err(Error::Parameter { found: 0.0, .. })));
    for bad in [f32::NAN, f32::INFINITY] {
        let mut samples = good.clone();
        samples[20] = bad;
        assert!(matches!(new(&samples, 6, 6, 42), Err(Error::Parameter { name: "samples", .. })));
    }
}
