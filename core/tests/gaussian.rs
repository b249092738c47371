//! Walks on Gaussian priors: everything is linear, so every variance is known in closed form.

use rwt_core::recipes::{self, Churn, DdpmVariance, Temperature};
use rwt_core::{Error, Gaussian, Schedule, SliceWalker, Step, Walk, WalkError};
use std::ops::ControlFlow;

const N: usize = 20_000;
const MEAN: f64 = 0.3;
const VARIANCE: f64 = 0.49;

/// A denoiser as a function.
type Function = fn(&[f32], f64, &mut [f32]) -> Result<(), &'static str>;

type Recipe = fn(&[f64], &mut [Step]) -> Result<usize, Error>;

const CHURN: Churn = Churn { amount: 10.0, from: 0.05, to: 50.0, noise: 1.0 };

/// Name, rows, order of convergence of the variance.
const RECIPES: [(&str, Recipe, Option<f64>); 16] = [
    ("linear temperature", |l, r| recipes::simple(l, 0.4, Temperature::Linear { first: 0.4, last: 1.0 }, r), None),
    ("marginal preserving", |l, r| recipes::simple(l, 0.4, Temperature::MarginalPreserving, r), Some(1.0)),
    ("NCSN", |l, r| recipes::ncsn(l, 0.2, Some(1.0), 20, r), None),
    ("VE-SDE", |l, r| recipes::ve_sde(l, r), Some(1.0)),
    ("VE ancestral", |l, r| recipes::ve_ancestral(l, r), Some(1.0)),
    ("VP-SDE", |l, r| recipes::vp_sde(l, r), Some(1.0)),
    ("DDPM large", |l, r| recipes::ddpm(l, DdpmVariance::Large, r), Some(1.0)),
    ("DDIM 0", |l, r| recipes::ddim(l, 0.0, r), Some(1.0)),
    ("DDIM 0.5", |l, r| recipes::ddim(l, 0.5, r), Some(1.0)),
    ("Euler in variance", |l, r| recipes::euler_in_variance(l, r), Some(1.0)),
    ("EDM Euler", |l, r| recipes::edm_euler(l, CHURN, r), None),
    ("EDM Heun", |l, r| recipes::edm_heun(l, Churn::default(), r), Some(2.0)),
    ("exponential", |l, r| recipes::exponential(l, 0.5, r), Some(1.0)),
    ("2M", |l, r| recipes::multistep(l, 0.0, r), Some(2.0)),
    ("2M with churn", |l, r| recipes::multistep(l, 0.25, r), None),
    ("look-ahead", |l, r| recipes::look_ahead(l, 1.0, r), Some(2.0)),
];

fn plan(recipe: Recipe, count: usize) -> Vec<Step> {
    let mut levels = vec![0.0; count];
    Schedule::Geometric { sigma_max: 30.0, sigma_min: 0.01 }.levels(&mut levels).unwrap();
    let mut rows = vec![Step::default(); 20 * count + 2];
    let used = recipe(&levels, &mut rows).unwrap();
    rows.truncate(used);
    rows
}

/// What x, the last denoised and the newest noise are in terms of independent standard normals: x = mean + Σ w_k n_k.
fn closed_form(rows: &[Step]) -> (f64, f64) {
    let draws = rows.iter().map(|r| r.draw).max().unwrap() as usize + 1;
    let (mut x, mut before) = (vec![0.0; draws + 1], vec![0.0; draws + 1]); // the last entry is the mean
    for row in rows {
        let gain = VARIANCE / (VARIANCE + row.sigma * row.sigma);
        let mut denoised: Vec<f64> = x.iter().map(|w| gain * w).collect();
        denoised[draws] += (1.0 - gain) * MEAN;
        for k in 0..=draws {
            x[k] = row.x * x[k] + row.denoised * denoised[k] + row.previous * before[k];
        }
        x[row.draw as usize] += row.noise;
        if row.denoised != 0.0 {
            before = denoised;
        }
    }
    (x[draws], x[..draws].iter().map(|w| w * w).sum())
}

fn sample(rows: &[Step]) -> Vec<f32> {
    let (mean, variance) = ([MEAN as f32; N], [VARIANCE as f32; N]);
    let (mut x, mut denoised, mut previous) = (vec![f32::NAN; N], vec![0f32; N], vec![0f32; N]);
    let prior = Gaussian::new(&mean, &variance).unwrap();
    let mut walker = SliceWalker::new(prior, 5, 0, 1, &mut x, &mut denoised, &mut previous).unwrap();
    Walk::new(rows).unwrap().sample(&mut walker, |_, _, _| ControlFlow::Continue(())).unwrap();
    x
}

#[test]
fn a_walks_mean_and_variance_follow_their_closed_form() {
    for (name, recipe, _) in RECIPES {
        let rows = plan(recipe, 12);
        let (mean, variance) = closed_form(&rows);
        let x = sample(&rows);
        let found = x.iter().map(|v| f64::from(*v)).sum::<f64>() / N as f64;
        let spread = x.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / N as f64;
        let z = (found - mean) / (variance / N as f64).sqrt();
        assert!(z.abs() < 4.0, "{name}: the mean is {z} standard errors off");
        let z = (spread / variance - 1.0) / (2.0 / N as f64).sqrt();
        assert!(z.abs() < 4.0, "{name}: the variance is {z} standard errors off");
    }
}

#[test]
fn with_many_levels_the_variance_is_the_priors() {
    // errors of the recipes themselves, from the closed form, at 400 levels; the linear temperature is known to stay off
    for (name, recipe, order) in RECIPES {
        let bar = match (name, order) {
            ("linear temperature", _) => 0.2,
            ("2M with churn", _) | (_, Some(2.0)) => 1e-3,
            ("Euler in variance", _) => 0.08, // first order with a large constant
            _ => 0.03,
        };
        let (mean, variance) = closed_form(&plan(recipe, 400));
        assert!((mean - MEAN).abs() < 0.01, "{name}: mean {mean}"); // the start at 0 leaves MEAN √v/σ_max
        assert!((variance / VARIANCE - 1.0).abs() < bar, "{name}: variance {variance}");
    }
}

#[test]
fn orders_of_convergence_are_the_slopes_of_the_error() {
    let variance = |recipe, count| closed_form(&plan(recipe, count)).1;
    for (name, recipe, order) in RECIPES {
        let Some(order) = order else { continue };
        // Richardson's limit, free of what the first and the last level leave out
        let (coarse, fine) = (variance(recipe, 1600), variance(recipe, 3199));
        let limit = fine + (fine - coarse) / (2f64.powf(order) - 1.0);
        let error = |count| (variance(recipe, count) - limit).abs();
        let slope = (error(101) / error(401)).log2() / 2.0;
        assert!((slope - order).abs() < 0.15, "{name}: order {slope}, expected {order}");
    }
}

#[test]
fn eight_chains_at_once_are_eight_chains_alone() {
    let rows = plan(|l, r| recipes::multistep(l, 0.25, r), 10);
    let walk = |first: u64, chains: usize| {
        let n = 30 * chains;
        let (mut x, mut denoised, mut previous) = (vec![0f32; n], vec![0f32; n], vec![0f32; n]);
        let prior = Gaussian::new(&[0.1; 30], &[0.2; 30]).unwrap();
        let mut walker = SliceWalker::new(prior, 5, first, chains, &mut x, &mut denoised, &mut previous).unwrap();
        Walk::new(&rows).unwrap().sample(&mut walker, |_, _, _| ControlFlow::Continue(())).unwrap();
        x
    };
    let together = walk(0, 8);
    for chain in (0..8).rev() {
        assert_eq!(walk(chain as u64, 1), together[30 * chain..30 * (chain + 1)]);
    }
}

#[test]
fn a_walk_stops_with_the_row_named() {
    let rows = plan(|l, r| recipes::ddim(l, 0.0, r), 10);
    let walk = Walk::new(&rows).unwrap();
    let run = |denoiser: Function, stop: usize| {
        let (mut x, mut denoised) = ([0f32; 4], [0f32; 4]);
        let mut walker = SliceWalker::new(denoiser, 0, 0, 1, &mut x, &mut denoised, &mut []).unwrap();
        walk.sample(
            &mut walker,
            |row, _, _| {
                if row == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        )
    };
    let good = |_: &[f32], _: f64, d: &mut [f32]| {
        d.fill(0.0);
        Ok(())
    };
    assert_eq!(run(good, 3), Err(WalkError::Cancelled { row: 3 }));
    let bad = |_: &[f32], _: f64, _: &mut [f32]| Err("broken");
    assert!(matches!(run(bad, 99), Err(WalkError::Denoiser { row: 1, error: "broken", .. })));
    let nan = |_: &[f32], sigma: f64, d: &mut [f32]| {
        d.fill(if sigma < 1.0 { f32::NAN } else { 0.0 });
        Ok(())
    };
    assert!(matches!(run(nan, 99), Err(WalkError::NotFinite { row: 5.., element: 0, .. })));
}
