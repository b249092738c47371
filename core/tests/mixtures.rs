//! Walks on mixtures: the weights of the modes, the spread within them and the sliced Wasserstein distance, in standard
//! errors of fixed seeds.

mod common;

use common::levels;
use rwt_core::recipes::{self, Churn, DdpmVariance, Temperature};
use rwt_core::{Mixture, Schedule, SliceWalker, Step, Walk};
use std::ops::ControlFlow;

const CHAINS: usize = 3000;

struct Truth {
    name: &'static str,
    weights: Vec<f64>,
    means: Vec<f32>,
    variance: f64,
}

impl Truth {
    fn dimension(&self) -> usize {
        self.means.len() / self.weights.len()
    }

    /// Independent exact samples.
    fn exact(&self, seed: u64) -> Vec<f32> {
        let d = self.dimension();
        let mut out = vec![0f32; CHAINS * d];
        for (chain, sample) in out.chunks_mut(d).enumerate() {
            let mut u = rwt_core::noise::uniform(seed, chain as u64, 1, 0);
            let mut mode = 0;
            while mode + 1 < self.weights.len() && u > self.weights[mode] {
                u -= self.weights[mode];
                mode += 1;
            }
            rwt_core::noise::fill(seed, chain as u64, 0, 0, sample);
            for (x, mean) in sample.iter_mut().zip(&self.means[mode * d..]) {
                *x = mean + (self.variance.sqrt() as f32) * *x;
            }
        }
        out
    }

    fn nearest(&self, sample: &[f32]) -> usize {
        let d = self.dimension();
        let distance =
            |mode: &usize| -> f32 { sample.iter().zip(&self.means[mode * d..]).map(|(x, m)| (x - m) * (x - m)).sum() };
        (0..self.weights.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap()
    }
}

fn truths() -> [Truth; 3] {
    let ring = |k: usize| (std::f32::consts::TAU * k as f32 / 5.0).sin_cos();
    [
        Truth { name: "1-D", weights: vec![0.5, 0.3, 0.2], means: vec![-1.0, 0.2, 1.1], variance: 0.01 },
        Truth {
            name: "2-D",
            weights: vec![0.4, 0.25, 0.2, 0.1, 0.05],
            means: (0..5).flat_map(|k| [ring(k).1, ring(k).0]).collect(),
            variance: 0.02,
        },
        Truth {
            name: "16-D",
            weights: vec![0.6, 0.25, 0.15],
            means: (0..48).map(|i| (0.9 * i as f32 + (i / 16) as f32).sin() * 0.6).collect(),
            variance: 0.05,
        },
    ]
}

/// The square root of the mean over directions of W₂² between the projections.
fn sliced_wasserstein(a: &[f32], b: &[f32], d: usize) -> f64 {
    let directions = if d == 1 { 1 } else { 30 };
    let mut sum = 0.0;
    for direction in 0..directions {
        let mut v = vec![0f32; d];
        rwt_core::noise::fill(77, direction, 0, 0, &mut v);
        let norm = v.iter().map(|v| v * v).sum::<f32>().sqrt();
        let project = |samples: &[f32]| -> Vec<f32> {
            let mut p: Vec<f32> =
                samples.chunks(d).map(|s| s.iter().zip(&v).map(|(a, b)| a * b).sum::<f32>() / norm).collect();
            p.sort_unstable_by(f32::total_cmp);
            p
        };
        let pairs = project(a).into_iter().zip(project(b));
        sum += pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>() / CHAINS as f64;
    }
    (sum / directions as f64).sqrt()
}

fn sample(truth: &Truth, rows: &[Step], chains: usize, first: u64) -> Vec<f32> {
    let log_weights: Vec<f64> = truth.weights.iter().map(|w| w.ln()).collect();
    let prior = Mixture::new(&log_weights, &truth.means, truth.variance).unwrap();
    let n = truth.dimension() * chains;
    let (mut x, mut denoised, mut previous) = (vec![0f32; n], vec![0f32; n], vec![0f32; n]);
    let mut walker = SliceWalker::new(prior, 3, first, chains, &mut x, &mut denoised, &mut previous).unwrap();
    Walk::new(rows).unwrap().sample(&mut walker, |_, _, _| ControlFlow::Continue(())).unwrap();
    x
}

/// Methods with as many levels as bring their own error below the statistical one.
fn methods() -> Vec<(&'static str, Vec<Step>)> {
    let geometric = |count| levels(Schedule::Geometric { sigma_max: 60.0, sigma_min: 0.005 }, count);
    let churn = Churn { amount: 40.0, from: 0.05, to: 50.0, noise: 1.0 };
    vec![
        ("2M, churn 1/4", common::rows(&|l, r| recipes::multistep(l, 0.25, r), &geometric(100))),
        ("DPM-Solver++(2M)", common::rows(&|l, r| recipes::dpm_solver(l, 0.0, r), &geometric(100))),
        ("look-ahead", common::rows(&|l, r| recipes::look_ahead(l, 1.0, r), &geometric(100))),
        ("EDM Heun with churn", common::rows(&|l, r| recipes::edm_heun(l, churn, r), &geometric(100))),
        ("DDPM", common::rows(&|l, r| recipes::ddpm(l, DdpmVariance::Small, r), &geometric(500))),
        ("VP-SDE", common::rows(&recipes::vp_sde, &geometric(500))),
        ("exponential SDE", common::rows(&|l, r| recipes::exponential(l, 1.0, r), &geometric(500))),
        (
            "marginal preserving",
            common::rows(&|l, r| recipes::simple(l, 0.5, Temperature::MarginalPreserving, r), &geometric(500)),
        ),
    ]
}

/// The weight and the spread of each mode, in standard errors.
fn check_modes(truth: &Truth, name: &str, samples: &[f32]) {
    let d = truth.dimension();
    let (mut count, mut squares) = (vec![0.0; truth.weights.len()], vec![0.0; truth.weights.len()]);
    for sample in samples.chunks(d) {
        let mode = truth.nearest(sample);
        count[mode] += 1.0;
        let mean = &truth.means[mode * d..][..d];
        squares[mode] += sample.iter().zip(mean).map(|(x, m)| f64::from(x - m).powi(2)).sum::<f64>();
    }
    for (mode, &weight) in truth.weights.iter().enumerate() {
        let error = (weight * (1.0 - weight) / CHAINS as f64).sqrt();
        let z = (count[mode] / CHAINS as f64 - weight) / error;
        assert!(z.abs() < 4.0, "{} {name}: weight of mode {mode} is {z:.1} standard errors off", truth.name);
        let freedom = count[mode] * d as f64;
        let z = (squares[mode] / freedom / truth.variance - 1.0) / (2.0 / freedom).sqrt();
        assert!(z.abs() < 4.0, "{} {name}: spread of mode {mode} is {z:.1} standard errors off", truth.name);
    }
}

/// Every method has the modes' weights and spreads, and is as near to exact samples as exact samples are to each other.
fn check(truth: &Truth) {
    let d = truth.dimension();
    let reference = truth.exact(100);
    let null: Vec<f64> = (0..12).map(|seed| sliced_wasserstein(&truth.exact(seed), &reference, d)).collect();
    let mean = null.iter().sum::<f64>() / 12.0;
    let error = (null.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 11.0).sqrt();
    for (name, rows) in methods() {
        let samples = sample(truth, &rows, CHAINS, 0);
        check_modes(truth, name, &samples);
        let found = sliced_wasserstein(&samples, &reference, d);
        let z = (found - mean) / error;
        assert!(z < 4.0, "{} {name}: sliced Wasserstein {found}, exact samples have {mean} ± {error}", truth.name);
    }
}

#[test]
fn eight_methods_sample_a_mixture_in_1_dimension() {
    check(&truths()[0]);
}

#[test]
fn eight_methods_sample_a_mixture_in_2_dimensions() {
    check(&truths()[1]);
}

#[test]
fn eight_methods_sample_a_mixture_in_16_dimensions() {
    check(&truths()[2]);
}

#[test]
fn the_statistics_see_a_temperature_that_is_a_fifth_off() {
    let truth = &truths()[0];
    let geometric = levels(Schedule::Geometric { sigma_max: 60.0, sigma_min: 0.005 }, 1000);
    let mut rows = common::rows(&|l, r| recipes::ddpm(l, DdpmVariance::Small, r), &geometric);
    rows[1..].iter_mut().for_each(|row| row.noise *= 0.8f64.sqrt());
    let samples = sample(truth, &rows, CHAINS, 0);
    let squares: f64 = samples.iter().map(|x| f64::from(x - truth.means[truth.nearest(&[*x])]).powi(2)).sum();
    let z = (squares / CHAINS as f64 / truth.variance - 1.0) / (2.0 / CHAINS as f64).sqrt();
    assert!(z < -4.0, "{z}");
}

#[test]
fn chains_in_any_order_and_batch_have_the_same_bits() {
    let truth = &truths()[2];
    for (_, rows) in methods() {
        let together = sample(truth, &rows, 8, 0);
        for chain in [5, 0, 7, 2, 1, 6, 3, 4] {
            assert_eq!(sample(truth, &rows, 1, chain), together[16 * chain as usize..][..16]);
        }
        assert_eq!([sample(truth, &rows, 3, 0), sample(truth, &rows, 5, 3)].concat(), together);
    }
}
