//! What is seen of noise that is used twice: for the measurement and the walk, or for several rows of a plan.

use rwt_core::recipes::{self, DdpmVariance};
use rwt_core::{Chain, Fit, Gaussian, Mask, Problem, Progress, Schedule, SliceWalker, Walk, gla, noise};
use rwt_tables::{levels, rows};
use std::ops::ControlFlow;

const N: usize = 10_000;
const ETA: f64 = 0.5;
const SEED: u64 = 3;
const LEVELS: usize = 50;

/// Pixels N(0, 1) measured with the noise of (SEED, `chain`, `draw`), and a sample of chain 0: how the measurement's noise and
/// the sample's distance from the posterior's mean are correlated, and z of the sample's χ².
fn correlation(chain: u64, draw: u32) -> (f64, f64) {
    let (mut truth, mut e) = (vec![0f32; N], vec![0f32; N]);
    noise::fill(SEED + 1, 0, 0, 0, &mut truth);
    noise::fill(SEED, chain, draw, 0, &mut e);
    let y: Vec<f32> = truth.iter().zip(&e).map(|(x, e)| x + ETA as f32 * e).collect();
    let mask = vec![1u8; N];
    let operator = Mask::new(&mask, 1).unwrap();
    let problem = Problem::gaussian(&operator, &y, ETA, 0.0, 1.0);
    let (mean, variance) = (vec![0f32; N], vec![1f32; N]);
    let mut prior = Gaussian::new(&mean, &variance).unwrap();
    let (mut x, mut workspace) = (vec![0f32; N], vec![0f32; problem.workspace_len(1)]);
    let levels = levels(Schedule::Geometric { sigma_max: 10.0, sigma_min: ETA / 5.0 }, LEVELS).unwrap();
    let go = |_: Progress<'_>| ControlFlow::Continue(());
    gla(&problem, &levels, Chain { seed: SEED, chain: 0 }, &mut prior, &mut x, &mut workspace, go).unwrap();
    let off = |i: usize| f64::from(x[i]) - f64::from(y[i]) / (1.0 + ETA * ETA);
    let (mut product, mut squares) = (0.0, 0.0);
    for (i, e) in e.iter().enumerate() {
        product += f64::from(*e) * off(i);
        squares += off(i) * off(i);
    }
    (product / (squares * N as f64).sqrt(), Fit::new(&y, &x, |_| ETA).unwrap().z())
}

#[test]
fn a_measurement_made_with_the_walks_own_noise_is_followed_by_its_sample() {
    let error = 1.0 / (N as f64).sqrt();
    let (fresh, usual) = correlation(99, 0);
    assert!(fresh.abs() < 4.0 * error, "{fresh} ± {error}");
    // the first draws are forgotten on the way down, the last ones, at levels about and below eta, are not
    for (chain, draw, expected) in [(0, 0, 0.0), (0, 20, 0.0), (0, 44, 0.29), (0, 48, 0.42), (1, 48, 0.0)] {
        let (found, z) = correlation(chain, draw);
        println!("chain {chain}, draw {draw}: correlation {found:.3} ± {error:.3}, z {z:.1}, else {usual:.1}");
        assert!((found - expected).abs() < 4.0 * error, "chain {chain}, draw {draw}: {found} ± {error}");
        // the difference of two independent z has the standard deviation 1.4 at most
        assert_eq!(z < usual - 5.6, expected > 0.0, "chain {chain}, draw {draw}: z {z}, else {usual}");
    }
}

/// Mean square over N(0, 1) of 10 000 elements of one walk.
fn variance(same_draw: bool) -> f64 {
    let geometric = levels(Schedule::Geometric { sigma_max: 20.0, sigma_min: 0.01 }, 200).unwrap();
    let mut plan = rows(&geometric, |l, r| recipes::ddpm(l, DdpmVariance::Small, r)).unwrap();
    if same_draw {
        plan.iter_mut().for_each(|row| row.draw = 0);
    }
    let (mean, one) = (vec![0f32; N], vec![1f32; N]);
    let (mut x, mut denoised) = (vec![0f32; N], vec![0f32; N]);
    let prior = Gaussian::new(&mean, &one).unwrap();
    let mut walker = SliceWalker::new(prior, SEED, 0, 1, &mut x, &mut denoised, &mut []).unwrap();
    Walk::new(&plan).unwrap().sample(&mut walker, |_, _, _| ControlFlow::Continue(())).unwrap();
    x.iter().map(|x| f64::from(x * x)).sum::<f64>() / N as f64
}

#[test]
fn rows_that_share_a_draw_are_seen_by_the_spread() {
    let error = (2.0 / N as f64).sqrt();
    let (good, shared) = (variance(false), variance(true));
    assert!((good - 1.0).abs() < 4.0 * error + 0.02, "{good}");
    assert!(shared > 3.0, "{shared}");
}
