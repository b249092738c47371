//! Pairs of chains with opposite noise: their mean, their deviation, and each chain alone.

use rwt_core::noise::ANTITHETIC;
use rwt_core::{
    Chain, Dense, Gaussian, Mixture, Moments, Problem, Progress, Schedule, dot, gla, preconditioned, template,
};
use std::ops::ControlFlow;

const N: usize = 4;
const MATRIX: [f32; 2 * N] = [1.0, 0.5, 0.0, -0.5, 0.0, 1.0, 1.0, 0.0];
const Y: [f32; 2] = [0.4, -0.3];
const ETA: f64 = 0.1;

fn go(_: Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn levels(count: usize) -> Vec<f64> {
    let mut levels = vec![0.0; count];
    Schedule::Geometric { sigma_max: 10.0, sigma_min: ETA / 5.0 }.levels(&mut levels).unwrap();
    levels
}

/// The exact posterior of x ~ N(0, ¼ I): mean and standard deviation of each element, by the 2 × 2 inverse.
fn exact() -> ([f64; N], [f64; N]) {
    let s = |i: usize, j: usize| {
        0.25 * dot(&MATRIX[N * i..][..N], &MATRIX[N * j..][..N]) + if i == j { ETA * ETA } else { 0.0 }
    };
    let determinant = s(0, 0) * s(1, 1) - s(0, 1) * s(1, 0);
    let inverse = [[s(1, 1) / determinant, -s(0, 1) / determinant], [-s(1, 0) / determinant, s(0, 0) / determinant]];
    let gain = |i: usize, k: usize| (0..2).map(|j| 0.25 * f64::from(MATRIX[N * j + i]) * inverse[j][k]).sum::<f64>();
    let variance = |i| 0.25 - (0..2).map(|k| gain(i, k) * 0.25 * f64::from(MATRIX[N * k + i])).sum::<f64>();
    let mean = |i| (0..2).map(|k| gain(i, k) * f64::from(Y[k])).sum();
    (std::array::from_fn(mean), std::array::from_fn(|i| variance(i).sqrt()))
}

type Draw<'a> = &'a dyn Fn(&Problem<'_, Dense<'_>>, Chain, &mut [f32], &mut [f32]);

/// The largest distance of the mean of two chains from the posterior's, in posterior standard deviations.
fn error_of_two(draw: Draw<'_>, chains: [u64; 2]) -> f64 {
    let operator = Dense::new(&MATRIX, 2, N).unwrap();
    let problem = Problem::gaussian(&operator, &Y, ETA, 0.0, 0.25);
    let samples = chains.map(|chain| {
        let (mut x, mut workspace) = ([0f32; N], vec![0f32; problem.workspace_len(1)]);
        draw(&problem, Chain { seed: 5, chain }, &mut x, &mut workspace);
        x
    });
    let (mean, std) = exact();
    let error = |i: usize| (f64::from(samples[0][i] + samples[1][i]) / 2.0 - mean[i]).abs() / std[i];
    (0..N).map(error).fold(0.0, f64::max)
}

#[test]
fn a_pair_knows_a_gaussians_posterior_mean() {
    let prior = || Gaussian::new(&[0.0; N], &[0.25; N]).unwrap();
    let (short, long, paper) = (levels(50), levels(200), levels(750));
    let methods: [(&str, Draw<'_>); 3] = [
        ("gla", &|p, c, x, w| gla(p, &short, c, &mut prior(), x, w, go).unwrap()),
        ("preconditioned", &|p, c, x, w| preconditioned(p, &long, 0.5, None, c, &mut prior(), x, w, go).unwrap()),
        ("template", &|p, c, x, w| template(p, &paper, 0.77683, 0.0, c, &mut prior(), x, w, go).unwrap()),
    ];
    for (name, draw) in methods {
        let worst = |pairs: &dyn Fn(u64) -> [u64; 2]| (0..20).map(|k| error_of_two(draw, pairs(k))).fold(0.0, f64::max);
        let independent = worst(&|k| [2 * k, 2 * k + 1]);
        let antithetic = worst(&|k| [ANTITHETIC + 2 * k, ANTITHETIC + 2 * k + 1]);
        println!("{name}: worst of 20 independent pairs {independent:.2}, of 20 antithetic ones {antithetic:.4}");
        assert!(independent > 1.0, "{name}: {independent}");
        assert!(antithetic < 0.01, "{name}: {antithetic}");
    }
}

#[test]
fn the_chains_of_pairs_follow_the_same_law() {
    // a prior of two modes, half of which the measurement cannot tell apart; each chain's law has no symmetry
    let operator = Dense::new(&[1.0, 0.0], 1, 2).unwrap();
    let problem = Problem::gaussian(&operator, &[0.1], 0.2, 0.0, 0.3);
    let levels = levels(50);
    let moments = |chain: &dyn Fn(u64) -> u64| {
        let (mut mean, mut squares) = ([0.0; 2], [0.0; 2]);
        let mut moments = Moments::new(&mut mean, &mut squares).unwrap();
        let (mut x, mut workspace) = ([0f32; 2], vec![0f32; problem.workspace_len(1)]);
        for k in 0..4000 {
            let mut prior = Mixture::new(&[0.0, -0.7], &[0.2, 0.8, -0.1, -0.4], 0.04).unwrap();
            gla(&problem, &levels, Chain { seed: 2, chain: chain(k) }, &mut prior, &mut x, &mut workspace, go).unwrap();
            moments.add(&x).unwrap();
        }
        let std = [moments.std(0), moments.std(1)];
        (moments.mean().to_vec(), std)
    };
    let (plain, minus) = (moments(&|k| k), moments(&|k| ANTITHETIC + 2 * k + 1));
    for i in 0..2 {
        let mean = (plain.0[i] - minus.0[i]) / (plain.1[i] * (2.0f64 / 4000.0).sqrt());
        let ratio = (plain.1[i] / minus.1[i]).ln() / (1.0f64 / 4000.0).sqrt();
        println!("element {i}: {mean:.2} and {ratio:.2} standard errors apart");
        assert!(mean.abs() < 3.5 && ratio.abs() < 3.5, "element {i}: mean {mean}, std {ratio} standard errors");
    }
}
