//! Every parameterisation of MATH.md §3 against the definition of what it predicts.

mod common;

use common::ALL;
use rwt_core::{Denoiser, Gaussian, Prediction, Schedule, SliceWalker, Step, Walk, recipes};
use std::convert::Infallible;
use std::ops::ControlFlow;

#[test]
fn what_a_perfect_network_would_output_gives_back_the_image() {
    // one known image and noise: x = X + σ n; in VP terms x_t = c x = c X + √(1 − c²) n
    let (image, n) = (0.37f64, -1.21f64);
    for sigma in [0.01, 0.3, 1.0, 7.0, 150.0] {
        let x = image + sigma * n;
        let alpha_bar = 1.0 / (1.0 + sigma * sigma);
        let (c, s) = (f64::sqrt(alpha_bar), f64::sqrt(1.0 - alpha_bar));
        let edm = {
            let (skip, out) = (0.25 / (sigma * sigma + 0.25), sigma * 0.5 / f64::sqrt(sigma * sigma + 0.25));
            (image - skip * x) / out
        };
        let outputs = [image, image, n, n, -n / sigma, -n / s, c * n - s * image, edm];
        for (prediction, raw) in ALL.into_iter().zip(outputs) {
            let found = prediction.denoised(x, sigma, raw);
            assert!((found - image).abs() < 1e-9 * (1.0 + sigma * sigma), "{prediction:?} at {sigma}: {found}");
            assert!((prediction.raw(x, sigma, found) - raw).abs() < 1e-6 * (1.0 + raw.abs()), "{prediction:?}");
        }
        assert!((Prediction::NoiseVp.input_scale(sigma) / c - 1.0).abs() < 1e-14);
        assert_eq!(Prediction::ScoreVe.input_scale(sigma), 1.0);
        assert!(
            (Prediction::Edm { sigma_data: 0.5 }.input_scale(sigma) - 1.0 / (sigma * sigma + 0.25).sqrt()).abs()
                < 1e-15
        );
    }
}

/// A network that outputs what `prediction` says, from its own scaled input, for a Gaussian prior N(0.2, 0.09).
struct Network(Prediction);

impl Denoiser for Network {
    type Error = Infallible;

    fn denoise(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), Infallible> {
        let (scale, tweedie) = (self.0.input_scale(sigma), self.0.tweedie(sigma));
        for (x, d) in x.iter().zip(denoised) {
            let seen = f64::from(*x) * scale; // all that the network sees
            let ve = seen / scale;
            let exact = 0.2 + 0.09 / (0.09 + sigma * sigma) * (ve - 0.2);
            let raw = self.0.raw(ve, sigma, exact);
            *d = (tweedie.input * f64::from(*x) + tweedie.output * raw) as f32;
        }
        Ok(())
    }
}

fn walk(denoiser: impl Denoiser<Error = Infallible>) -> Vec<f32> {
    let mut levels = [0.0; 40];
    Schedule::Geometric { sigma_max: 30.0, sigma_min: 0.01 }.levels(&mut levels).unwrap();
    let mut rows = [Step::default(); 41];
    recipes::ddim(&levels, 0.5, &mut rows).unwrap();
    let (mut x, mut denoised) = (vec![0f32; 50], vec![0f32; 50]);
    let mut walker = SliceWalker::new(denoiser, 3, 0, 1, &mut x, &mut denoised, &mut []).unwrap();
    Walk::new(&rows).unwrap().sample(&mut walker, |_, _, _| ControlFlow::Continue(())).unwrap();
    x
}

#[test]
fn all_parameterisations_of_one_denoiser_walk_the_same_path() {
    let reference = walk(Gaussian::new(&[0.2; 50], &[0.09; 50]).unwrap());
    assert!(reference.iter().any(|v| *v != reference[0]));
    for prediction in ALL {
        for (found, expected) in walk(Network(prediction)).iter().zip(&reference) {
            assert!((found - expected).abs() < 2e-5, "{prediction:?}: {found}, expected {expected}");
        }
    }
}
