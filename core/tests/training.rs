//! The training template: its losses are the published ones, its gradient is the slope.

mod common;

use common::ALL;
use rwt_core::training::{Levels, Training, Weight};
use rwt_core::{Error, Prediction, Time};

const N: usize = 64;

/// A picture, its noise, the noisy picture and what some network answered.
struct Batch {
    clean: Vec<f32>,
    noise: Vec<f32>,
    noisy: Vec<f32>,
    raw: Vec<f32>,
}

fn batch(training: &Training<'_>, sigma: f64) -> Batch {
    let clean: Vec<f32> = (0..N).map(|i| (i as f32 * 0.37).sin()).collect();
    let (mut noisy, mut noise, mut raw) = (vec![0f32; N], vec![0f32; N], vec![0f32; N]);
    training.noisy(sigma, &clean, 5, 17, &mut noisy).unwrap();
    rwt_core::noise::fill(5, 17, 0, 0, &mut noise);
    training.input(sigma, &noisy, &mut raw).unwrap();
    raw.iter_mut().enumerate().for_each(|(i, v)| *v = (*v + 0.1 * i as f32).cos());
    Batch { clean, noise, noisy, raw }
}

fn loss(training: &Training<'_>, sigma: f64, b: &Batch) -> (f64, Vec<f32>) {
    let (mut target, mut gradient) = (vec![0f32; N], vec![0f32; N]);
    training.target(sigma, &b.clean, &b.noisy, &mut target).unwrap();
    let loss = training.loss(sigma, &b.raw, &target, &mut gradient).unwrap();
    (loss, gradient)
}

#[test]
fn every_loss_is_equation_9() {
    for prediction in ALL {
        for weight in [Weight::Denoised, Weight::Noise, Weight::Edm { sigma_data: 0.5 }, Weight::Function(|s| 1.0 + s)]
        {
            let training = Training { prediction, weight, time: Time::Sigma };
            for sigma in [0.05, 0.4, 3.0, 40.0] {
                let b = batch(&training, sigma);
                let w = match weight {
                    Weight::Denoised => 1.0,
                    Weight::Noise => sigma.powi(-2),
                    Weight::Edm { .. } => (sigma * sigma + 0.25) / (0.5 * sigma).powi(2),
                    _ => 1.0 + sigma,
                };
                let squares = (0..N).map(|i| {
                    let denoised = prediction.denoised(f64::from(b.noisy[i]), sigma, f64::from(b.raw[i]));
                    (denoised - f64::from(b.clean[i])).powi(2)
                });
                let expected = w * squares.sum::<f64>() / N as f64;
                let found = loss(&training, sigma, &b).0;
                // the target is rounded to f32, and where it is large beside the error, so is the difference
                assert!((found / expected - 1.0).abs() < 1e-4, "{prediction:?} {sigma}: {found} {expected}");
            }
        }
    }
}

#[test]
fn equation_16_for_a_network_that_predicts_the_noise() {
    for prediction in [Prediction::NoiseVp, Prediction::NoiseVe] {
        let training = Training { prediction, weight: Weight::Noise, time: Time::Sigma };
        for sigma in [0.02, 1.0, 100.0] {
            let b = batch(&training, sigma);
            let expected: f64 =
                b.raw.iter().zip(&b.noise).map(|(e, n)| f64::from(e - n).powi(2)).sum::<f64>() / N as f64;
            let found = loss(&training, sigma, &b).0;
            assert!((found / expected - 1.0).abs() < 1e-4, "{sigma}: {found} {expected}");
        }
    }
}

#[test]
fn equation_17_for_a_network_that_predicts_the_score() {
    for (weight, lambda) in [
        (Weight::Noise, (|s| s * s) as fn(f64) -> f64),
        (Weight::Function(|s| 1.0 / (s * s * s)), |s| s), // λ/σ⁴
    ] {
        let training = Training { prediction: Prediction::ScoreVe, weight, time: Time::LogSigma };
        for sigma in [0.05, 1.0, 30.0] {
            let b = batch(&training, sigma);
            let squares = b.raw.iter().zip(&b.noise).map(|(s, n)| (f64::from(*s) + f64::from(*n) / sigma).powi(2));
            let expected = lambda(sigma) * squares.sum::<f64>() / N as f64;
            let found = loss(&training, sigma, &b).0;
            assert!((found / expected - 1.0).abs() < 1e-4, "{sigma}: {found} {expected}");
        }
    }
}

#[test]
fn edm_weights_its_raw_output_equally() {
    let training = Training {
        prediction: Prediction::Edm { sigma_data: 0.5 },
        weight: Weight::Edm { sigma_data: 0.5 },
        time: Time::QuarterLogSigma,
    };
    for sigma in [0.002, 0.3, 80.0] {
        assert!((training.raw_weight(sigma) - 1.0).abs() < 1e-12);
    }
}

#[test]
fn the_gradient_is_the_slope_of_the_loss() {
    for prediction in ALL {
        let training = Training { prediction, weight: Weight::Denoised, time: Time::Sigma };
        for sigma in [0.1, 1.0, 20.0] {
            let mut b = batch(&training, sigma);
            let gradient = loss(&training, sigma, &b).1;
            for i in [0, 13, 63] {
                let (at, h) = (b.raw[i], 1.0 / 64.0);
                b.raw[i] = at + h;
                let above = loss(&training, sigma, &b).0;
                b.raw[i] = at - h;
                let below = loss(&training, sigma, &b).0;
                b.raw[i] = at;
                // the loss is quadratic: central differences are exact but for rounding
                let slope = (above - below) / (2.0 * f64::from(h));
                let size = f64::from(gradient[i]).abs().max(1e-3 * training.raw_weight(sigma));
                assert!((f64::from(gradient[i]) - slope).abs() < 1e-3 * size, "{prediction:?} {sigma}: {slope}");
            }
        }
    }
}

#[test]
fn levels_follow_their_distributions() {
    let count = 20_000u64;
    let table = [0.1, 0.2, 0.4, 0.8];
    let draw = |levels: Levels<'_>| -> Vec<f64> { (0..count).map(|k| levels.draw(8, k).unwrap()).collect() };
    for value in table {
        let found = draw(Levels::Table(&table)).iter().filter(|&&v| v == value).count() as f64;
        let z = (found - count as f64 / 4.0) / (count as f64 * 3.0 / 16.0).sqrt();
        assert!(z.abs() < 4.0, "{value}: {z}");
    }
    let logs: Vec<f64> = draw(Levels::LogUniform { low: 0.01, high: 100.0 }).iter().map(|v| v.log10()).collect();
    assert!(logs.iter().all(|v| (-2.0..=2.0).contains(v)));
    let (mean, variance) = moments(&logs);
    assert!((mean / (4.0 / (12.0 * count as f64).sqrt())).abs() < 4.0, "{mean}");
    assert!((variance / (16.0 / 12.0) - 1.0).abs() < 4.0 * (0.8 / count as f64).sqrt(), "{variance}");
    let logs: Vec<f64> = draw(Levels::LogNormal { mean: -1.2, deviation: 1.2 }).iter().map(|v| v.ln()).collect();
    let (mean, variance) = moments(&logs);
    assert!(((mean + 1.2) / (1.2 / (count as f64).sqrt())).abs() < 4.0, "{mean}");
    assert!((variance / 1.44 - 1.0).abs() < 4.0 * (2.0 / count as f64).sqrt(), "{variance}");
}

fn moments(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64)
}

#[test]
fn what_cannot_be_trained_on_is_refused() {
    let training = Training { prediction: Prediction::NoiseVp, weight: Weight::Noise, time: Time::Sigma };
    let mut out = [0f32; 2];
    assert!(training.noisy(0.0, &[0.0; 2], 0, 0, &mut out).is_err());
    assert!(training.input(f64::NAN, &[0.0; 2], &mut out).is_err());
    assert!(matches!(training.noisy(1.0, &[0.0; 3], 0, 0, &mut out), Err(Error::Length { expected: 3, found: 2, .. })));
    assert!(training.target(1.0, &[0.0; 2], &[0.0; 3], &mut out).is_err());
    assert!(training.loss(1.0, &[0.0; 2], &[0.0; 1], &mut out).is_err());
    assert!(Levels::Table(&[]).draw(0, 0).is_err());
    assert!(Levels::LogUniform { low: 2.0, high: 1.0 }.draw(0, 0).is_err());
    assert!(Levels::LogUniform { low: 0.0, high: 1.0 }.draw(0, 0).is_err());
    for bad in [Levels::LogNormal { mean: 800.0, deviation: 1.0 }, Levels::LogNormal { mean: f64::NAN, deviation: 1.0 }]
    {
        assert!(bad.draw(0, 0).is_err());
    }
    assert!(Levels::Table(&[0.0]).draw(0, 0).is_err());
    assert!(Levels::LogUniform { low: 1e-300, high: 1e300 }.draw(0, 0).is_ok());
    assert!(training.noisy(1e-200, &[0.0; 2], 0, 0, &mut out).is_err());
    let nan = Training { weight: Weight::Function(|_| f64::NAN), ..training };
    assert!(nan.loss(1.0, &[0.0; 2], &[0.0; 2], &mut out).is_err());
}
