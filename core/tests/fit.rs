//! χ² of the data fit: Wilson and Hilferty's z against scipy, and what posterior samples of a Gaussian give.

use rwt_core::noise::fill;
use rwt_core::{Chain, Error, Fit, Gaussian, Mask, Problem, Schedule, gla};
use std::ops::ControlFlow;

#[test]
fn z_and_probability_are_those_of_chi_squared() {
    // scipy 1.17.1: stats.chi2.cdf(chi2, m) and stats.norm.ppf of it
    for (chi2, m, probability, z, tolerance) in [
        (3.0, 3, 0.6083748237289109, 0.27508575874430374, 0.006),
        (8.0, 16, 0.0511336157928473, -1.6339600869753301, 1e-3),
        (40.0, 16, 0.9992214099174926, 3.163810748639548, 1e-3),
        (9800.0, 10_000, 0.07794495622651393, -1.4190312264378018, 2e-6),
        (150.0, 100, 0.9990960679576459, 3.1201052867121915, 1.2e-4),
    ] {
        let fit = Fit::from_chi2(chi2, m).unwrap();
        assert!((fit.probability() - probability).abs() < tolerance, "{chi2} of {m}: {}", fit.probability());
        assert!((fit.z() - z).abs() < 0.02, "{chi2} of {m}: z is {}", fit.z());
    }
}

#[test]
fn chi2_counts_what_was_measured() {
    let eta = [0.5, f64::INFINITY, 2.0];
    let fit = Fit::new(&[1.0, f32::NAN, 5.0], &[0.0, 7.0, 2.0], |i| eta[i]).unwrap();
    assert_eq!((fit.chi2(), fit.measurements(), fit.std()), (4.0 + 2.25, 2, 2.0));
}

const M: usize = 64;
const MEAN: f64 = 0.3;
const VARIANCE: f64 = 0.25;
const ETA: f64 = 0.4;

/// A pixel that is measured in noise, its posterior's mean and standard deviation.
struct Truth {
    y: [f32; M],
    x: [f32; M],
    mean: [f64; M],
    std: f64,
}

impl Truth {
    fn new(seed: u64) -> Self {
        let (mut prior, mut noise) = ([0f32; M], [0f32; M]);
        fill(seed, 1, 0, 0, &mut prior);
        fill(seed, 2, 0, 0, &mut noise);
        let x = prior.map(|n| (MEAN + VARIANCE.sqrt() * f64::from(n)) as f32);
        let y = std::array::from_fn(|i| x[i] + ETA as f32 * noise[i]);
        let mean = y.map(|y| MEAN + GAIN * (f64::from(y) - MEAN));
        Self { y, x, mean, std: ETA * GAIN.sqrt() }
    }

    fn sample(&self, seed: u64, k: u64) -> [f32; M] {
        let mut noise = [0f32; M];
        fill(seed, 3 + k, 0, 0, &mut noise);
        std::array::from_fn(|i| (self.mean[i] + self.std * f64::from(noise[i])) as f32)
    }

    fn chi2(&self, x: &[f32]) -> f64 {
        Fit::new(&self.y, x, |_| ETA).unwrap().chi2()
    }
}

const GAIN: f64 = VARIANCE / (VARIANCE + ETA * ETA);

/// Mean and variance of numbers, each in standard errors from what is expected (the fourth moment of χ² taken as a normal's
/// with excess 12/m).
fn standard_errors(values: &[f64], mean: f64, variance: f64) -> [f64; 2] {
    let n = values.len() as f64;
    let found = values.iter().sum::<f64>() / n;
    let spread = values.iter().map(|v| (v - found).powi(2)).sum::<f64>() / (n - 1.0);
    let excess = 12.0 / M as f64;
    [(found - mean) / (variance / n).sqrt(), (spread / variance - 1.0) / ((2.0 + excess) / n).sqrt()]
}

#[test]
fn over_truths_a_posterior_sample_fits_as_the_truth_does_and_the_mean_better() {
    let m = M as f64;
    let each =
        |work: &dyn Fn(u64, Truth) -> f64| (0..6000).map(|seed| work(seed, Truth::new(seed))).collect::<Vec<_>>();
    let truth = each(&|_, truth| truth.chi2(&truth.x));
    let sample = each(&|seed, truth| truth.chi2(&truth.sample(seed, 0)));
    for (name, values) in [("truth", truth), ("sample", sample)] {
        for z in standard_errors(&values, m, 2.0 * m) {
            assert!(z.abs() < 4.0, "{name}: {z} standard errors off");
        }
    }
    // the mean of 4 samples: residual of variance η² (1 − (1 − 1/4) g) in each measurement
    let left = 1.0 - 0.75 * GAIN;
    let averaged = each(&|seed, truth| {
        let samples: [[f32; M]; 4] = std::array::from_fn(|k| truth.sample(seed, k as u64));
        truth.chi2(&std::array::from_fn::<f32, M, _>(|i| samples.iter().map(|s| s[i]).sum::<f32>() / 4.0))
    });
    for z in standard_errors(&averaged, m * left, 2.0 * m * left * left) {
        assert!(z.abs() < 4.0, "mean of 4: {z} standard errors off");
    }
}

#[test]
fn given_y_samples_share_a_part() {
    let truth = Truth::new(5);
    let samples: Vec<f64> = (0..6000).map(|k| truth.chi2(&truth.sample(5, k))).collect();
    let d = M as f64 * GAIN;
    let shared = truth.chi2(&truth.mean.map(|v| v as f32));
    for z in standard_errors(&samples, d + shared, 2.0 * d * GAIN + 4.0 * GAIN * shared) {
        assert!(z.abs() < 4.0, "{z} standard errors off");
    }
    // over y, the mean of a y's samples spreads by (1 − g) √(2m)
    let means: Vec<f64> = (0..6000).map(Truth::new).map(|t| d + t.chi2(&t.mean.map(|v| v as f32))).collect();
    for z in standard_errors(&means, M as f64, 2.0 * M as f64 * (1.0 - GAIN).powi(2)) {
        assert!(z.abs() < 4.0, "means: {z} standard errors off");
    }
}

#[test]
fn a_wrong_eta_is_told_and_guided_look_ahead_fits() {
    let truth = Truth::new(8);
    let mask: [u8; M] = std::array::from_fn(|i| u8::from(i % 4 != 0));
    let operator = Mask::new(&mask, 1).unwrap();
    let problem = Problem::gaussian(&operator, &truth.y, ETA, MEAN, VARIANCE);
    let mut levels = [0.0; 60];
    Schedule::Geometric { sigma_max: 10.0, sigma_min: 0.01 }.levels(&mut levels).unwrap();
    let (means, variances) = ([MEAN as f32; M], [VARIANCE as f32; M]);
    let mut prior = Gaussian::new(&means, &variances).unwrap();
    let (mut x, mut workspace) = ([0f32; M], vec![0f32; problem.workspace_len(1)]);
    for chain in 0..8 {
        let chain = Chain { seed: 4, chain };
        gla(&problem, &levels, chain, &mut prior, &mut x, &mut workspace, |_| ControlFlow::Continue(())).unwrap();
        // y holds numbers where the mask is 0; infinity says not to look
        let fit = |scale: f64| {
            Fit::new(&truth.y, &x, |i| if operator.keeps(i) { scale * ETA } else { f64::INFINITY }).unwrap()
        };
        assert_eq!(fit(1.0).measurements(), 48);
        assert!(fit(1.0).z().abs() < 4.0, "z is {}", fit(1.0).z());
        assert!(fit(0.5).z() > 4.0 && fit(2.0).z() < -4.0, "z is {} and {}", fit(0.5).z(), fit(2.0).z());
    }
}

#[test]
fn bad_arguments_get_errors() {
    let eta = |_| 0.1;
    assert!(matches!(Fit::new(&[1.0], &[1.0, 2.0], eta), Err(Error::Length { expected: 1, found: 2, .. })));
    assert!(matches!(Fit::new(&[], &[], eta), Err(Error::Parameter { name: "measurements", .. })));
    assert!(matches!(Fit::new(&[1.0], &[1.0], |_| f64::INFINITY), Err(Error::Parameter { name: "measurements", .. })));
    for bad in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
        assert!(matches!(Fit::new(&[1.0], &[1.0], |_| bad), Err(Error::Parameter { name: "eta", .. })));
    }
    assert!(matches!(Fit::new(&[f32::NAN], &[1.0], eta), Err(Error::Parameter { name: "y", .. })));
    assert!(matches!(Fit::new(&[1.0], &[f32::NAN], eta), Err(Error::Parameter { name: "applied", .. })));
    assert!(matches!(Fit::new(&[1.0], &[0.0], |_| 1e-300), Err(Error::Parameter { name: "chi2", .. })));
    assert!(matches!(Fit::from_chi2(-1.0, 3), Err(Error::Parameter { name: "chi2", .. })));
    assert!(matches!(Fit::from_chi2(1.0, 0), Err(Error::Parameter { name: "measurements", .. })));
}
