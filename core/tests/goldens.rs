//! Whole trajectories against the figures in the scheduler tests of huggingface/diffusers.
//!
//! Their model is x·t/(t + 1), their picture a ramp; the figures are Σ|x| and mean|x| of the last sample.

mod common;
#[path = "common/torch.rs"]
mod torch;

use common::table;
use rwt_core::recipes::{self, DdpmVariance};
use rwt_core::vp::Betas;
use rwt_core::{Outside, Prediction, Step, TimeMap};
use torch::Torch;

const N: usize = 768;

/// What the network predicts, whether D is clipped to ±1, and the network's table.
struct Case<'a> {
    prediction: Prediction,
    clipped: bool,
    times: TimeMap<'a>,
    generator: Option<Torch>,
}

impl Case<'_> {
    fn denoised(&self, x: f64, sigma: f64) -> f64 {
        let t = self.times.time(sigma).unwrap();
        let raw = self.prediction.input_scale(sigma) * x * t / (t + 1.0);
        let denoised = self.prediction.denoised(x, sigma, raw);
        if self.clipped { denoised.clamp(-1.0, 1.0) } else { denoised }
    }

    /// Follow the rows from `x`, which replaces what the first row draws.
    fn walk(&mut self, rows: &[Step], mut x: Vec<f64>) -> Vec<f64> {
        let mut denoised = vec![0.0; N];
        for row in &rows[1..] {
            let before = denoised.clone();
            if row.denoised != 0.0 {
                denoised = x.iter().map(|&x| self.denoised(x, row.sigma)).collect();
            }
            let noise = match &mut self.generator {
                Some(generator) if row.noise != 0.0 => generator.randn(N),
                _ => vec![0.0; N],
            };
            for i in 0..N {
                x[i] = row.x * x[i] + row.denoised * denoised[i] + row.previous * before[i] + row.noise * noise[i];
            }
        }
        x
    }
}

/// arange(768)/768 as (3, 8, 8, 4), axes permuted to (4, 3, 8, 8), times `scale`.
fn ramp(scale: f64) -> Vec<f64> {
    (0..N).map(|i| scale * ((i % 192) * 4 + i / 192) as f64 / N as f64).collect()
}

fn check(name: &str, x: &[f64], sum: f64, mean: f64) {
    let found: f64 = x.iter().map(|v| v.abs()).sum();
    println!("{name}: sum {found:.4}, mean {:.4}", found / N as f64);
    assert!((found - sum).abs() < 1e-2, "{name}: sum {found}, expected {sum}");
    assert!((found / N as f64 - mean).abs() < 1e-3, "{name}: mean {}, expected {mean}", found / N as f64);
}

fn rows(recipe: common::Recipe<'_>, levels: &[f64]) -> Vec<Step> {
    common::rows(recipe, levels)
}

#[test]
fn ddpm_in_1000_steps() {
    let sigmas = table();
    let levels: Vec<f64> = sigmas.iter().rev().copied().collect();
    let rows = rows(&|l, r| recipes::ddpm(l, DdpmVariance::Small, r), &levels);
    let start = ramp((1.0 + levels[0] * levels[0]).sqrt());
    for (prediction, sum, mean) in [(Prediction::NoiseVp, 258.9606, 0.3372), (Prediction::VelocityVp, 202.0296, 0.2631)]
    {
        let times = TimeMap::new(&sigmas, Outside::Refuse).unwrap();
        let mut case = Case { prediction, clipped: true, times, generator: Some(Torch::new(0)) };
        check("DDPM", &case.walk(&rows, start.clone()), sum, mean);
    }
}

#[test]
fn ddim_in_10_steps() {
    let sigmas = table();
    let levels: Vec<f64> = (0..10).rev().map(|k| sigmas[100 * k]).collect();
    let rows = rows(&|l, r| recipes::ddim(l, 0.0, r), &levels);
    let start = ramp((1.0 + levels[0] * levels[0]).sqrt());
    for (prediction, sum, mean) in
        [(Prediction::NoiseVp, 172.0067, 0.223967), (Prediction::VelocityVp, 52.5302, 0.0684)]
    {
        let times = TimeMap::new(&sigmas, Outside::Refuse).unwrap();
        let mut case = Case { prediction, clipped: true, times, generator: None };
        check("DDIM", &case.walk(&rows, start.clone()), sum, mean);
    }
}

#[test]
fn dpm_solver_2m_in_10_steps() {
    let sigmas = table();
    let mut levels: Vec<f64> = [999, 899, 799, 699, 599, 500, 400, 300, 200, 100].map(|t| sigmas[t]).to_vec();
    levels.push(sigmas[0]);
    let rows = rows(&|l, r| recipes::dpm_solver(l, 0.0, r), &levels);
    let times = TimeMap::new(&sigmas, Outside::Refuse).unwrap();
    let mut case = Case { prediction: Prediction::NoiseVp, clipped: false, times, generator: None };
    let x = case.walk(&rows[..rows.len() - 1], ramp((1.0 + levels[0] * levels[0]).sqrt())); // they stop at σ_min
    let mean = x.iter().map(|v| v.abs() / (1.0 + sigmas[0] * sigmas[0]).sqrt()).sum::<f64>() / N as f64;
    assert!((mean - 0.3301).abs() < 1e-3, "{mean}");
}

/// 10 levels on a table of 1100: equal times, σ interpolated linearly, as their schedulers for σ-space samplers do.
fn ten_of_1100() -> (Vec<f64>, Vec<f64>) {
    let mut sigmas = vec![0.0; 1100];
    Betas::Linear { first: 1e-4, last: 0.02 }.sigmas(&mut sigmas).unwrap();
    let level = |k: usize| {
        let time = 1099.0 * k as f64 / 9.0;
        let below = (time as usize).min(1098);
        sigmas[below] + (time - below as f64) * (sigmas[below + 1] - sigmas[below])
    };
    let levels = (0..10).rev().map(level).collect();
    (sigmas, levels)
}

#[test]
fn euler_and_ancestral_steps_in_10_levels() {
    let (sigmas, levels) = ten_of_1100();
    let cases: [(&str, common::Recipe<'_>, f64, f64); 2] =
        [("Euler", &recipes::euler, 10.0807, 0.0131), ("Euler ancestral", &recipes::ve_ancestral, 152.3192, 0.1983)];
    for (name, recipe, sum, mean) in cases {
        let times = TimeMap::new(&sigmas, Outside::Refuse).unwrap();
        let mut case = Case { prediction: Prediction::NoiseVe, clipped: false, times, generator: Some(Torch::new(0)) };
        let rows = rows(recipe, &levels);
        let mut x = ramp(levels[0]);
        for row in &rows[1..] {
            // their loop keeps the network's scaled input as the sample
            let scale = 1.0 / (1.0 + row.sigma * row.sigma).sqrt();
            x.iter_mut().for_each(|x| *x *= scale);
            x = case.walk(&[Step::default(), *row], x);
        }
        check(name, &x, sum, mean);
    }
}
