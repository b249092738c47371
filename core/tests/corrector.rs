//! Predictor–corrector sampling.

use rwt_core::noise::fill;
use rwt_core::{Corrector, Error, Gaussian, Schedule, SliceWalker, Step, Walk, WalkError, recipes};
use std::ops::ControlFlow;

const CORRECTOR: Corrector = Corrector { ratio: 0.16, steps: 2 };

fn rows(count: usize) -> Vec<Step> {
    let mut levels = vec![0.0; count];
    Schedule::Geometric { sigma_max: 30.0, sigma_min: 0.01 }.levels(&mut levels).unwrap();
    let mut rows = vec![Step::default(); count + 1];
    recipes::ve_sde(&levels, &mut rows).unwrap();
    rows
}

fn sample(rows: &[Step], corrector: Corrector, n: usize, first: u64, chains: usize) -> Vec<f32> {
    let (mean, variance) = (vec![0.3; n], vec![0.49; n]);
    let (mut x, mut denoised) = (vec![f32::NAN; n * chains], vec![0f32; n * chains]);
    let prior = Gaussian::new(&mean, &variance).unwrap();
    let mut walker = SliceWalker::new(prior, 9, first, chains, &mut x, &mut denoised, &mut []).unwrap();
    corrector.sample(&Walk::new(rows).unwrap(), &mut walker, |_, _, _| ControlFlow::Continue(())).unwrap();
    x
}

#[test]
fn it_is_algorithm_4_of_the_score_sdes() {
    const N: usize = 50;
    let rows = rows(8);
    let found = sample(&rows, CORRECTOR, N, 3, 1);
    // written out in f64 with scores, from the same noise
    let normals = |draw: u32| -> Vec<f64> {
        let mut n = [0f32; N];
        fill(9, 3, draw, 0, &mut n);
        n.iter().map(|v| f64::from(*v)).collect()
    };
    let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    let score = |x: &[f64], s: f64| -> Vec<f64> { x.iter().map(|x| (0.3 - x) / (0.49 + s * s)).collect() };
    let levels: Vec<f64> = rows[1..].iter().map(|row| row.sigma).collect();
    let mut x: Vec<f64> = normals(0).iter().map(|n| 30.0 * n).collect();
    let mut draw = 1 << 31;
    for (k, &s) in levels.iter().enumerate() {
        for _ in 0..2 {
            let (g, z) = (score(&x, s), normals(draw));
            let epsilon = 2.0 * (0.16 * norm(&z) / norm(&g)).powi(2);
            for i in 0..N {
                x[i] += epsilon * g[i] + (2.0 * epsilon).sqrt() * z[i];
            }
            draw += 1;
        }
        let (g, z) = (score(&x, s), normals(k as u32 + 1));
        let next = levels.get(k + 1).copied();
        let change = s * s - next.unwrap_or(0.0).powi(2); // the last step goes to 0, without noise
        for i in 0..N {
            x[i] += change * g[i] + if next.is_some() { change.sqrt() * z[i] } else { 0.0 };
        }
    }
    for (found, expected) in found.iter().zip(&x) {
        // at small levels D - x keeps few of the digits of f32
        assert!((f64::from(*found) - expected).abs() < 1e-4 * expected.abs().max(1.0), "{found} {expected}");
    }
}

#[test]
fn no_chain_depends_on_those_beside_it() {
    let rows = rows(6);
    let together = sample(&rows, CORRECTOR, 20, 0, 4);
    for chain in (0..4).rev() {
        assert_eq!(sample(&rows, CORRECTOR, 20, chain as u64, 1), together[20 * chain..20 * (chain + 1)]);
    }
}

#[test]
fn correcting_makes_few_levels_better() {
    const N: usize = 40_000;
    let rows = rows(12);
    let error = |steps: u32, ratio: f64| {
        let x = sample(&rows, Corrector { ratio, steps }, N, 0, 1);
        let mean = x.iter().map(|v| f64::from(*v)).sum::<f64>() / N as f64;
        let variance = x.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / N as f64;
        (variance / 0.49 - 1.0).abs()
    };
    // one standard error is 0.007; Langevin's own bias at a step τ = 2ρ²v is τ/2v = 0.0225 for ρ = 0.15
    let (plain, corrected) = (error(0, 0.15), error(12, 0.15));
    assert!(plain > 0.1, "{plain}");
    assert!(corrected < 0.0225 + 0.03, "{corrected}");
}

#[test]
fn what_cannot_be_corrected_is_refused() {
    let (mut x, mut denoised, mut previous) = ([0f32; 2], [0f32; 2], [0f32; 2]);
    let prior = Gaussian::new(&[0.0; 2], &[1.0; 2]).unwrap();
    let mut walker = SliceWalker::new(prior, 1, 0, 1, &mut x, &mut denoised, &mut previous).unwrap();
    let mut run = |corrector: Corrector, rows: &[Step], stop: usize| {
        let observe =
            |row, _: &Step, _: &_| if row == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        corrector.sample(&Walk::new(rows).unwrap(), &mut walker, observe)
    };
    let rows = rows(4);
    for ratio in [0.0, -1.0, 1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(run(Corrector { ratio, steps: 1 }, &rows, 9), Err(WalkError::Plan(Error::Parameter { .. }))));
    }
    let mut multistep = [Step::default(); 5];
    recipes::multistep(&[3.0, 2.0, 1.0, 0.5], 0.0, &mut multistep).unwrap();
    assert!(matches!(run(CORRECTOR, &multistep, 9), Err(WalkError::Plan(Error::Row { row: 2, .. }))));
    let mut look_ahead = [Step::default(); 4];
    recipes::look_ahead(&[3.0, 1.0], 1.0, &mut look_ahead).unwrap();
    assert!(matches!(run(CORRECTOR, &look_ahead, 9), Err(WalkError::Plan(Error::Row { row: 2, .. }))));
    let endless = Corrector { steps: u32::MAX, ..CORRECTOR };
    assert!(matches!(run(endless, &rows, 9), Err(WalkError::Plan(Error::Parameter { .. }))));
    assert_eq!(run(CORRECTOR, &rows, 2), Err(WalkError::Cancelled { row: 2 }));
}
