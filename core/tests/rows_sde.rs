//! NCSN, DDPM and the SDE predictors: each row against the published iteration, written out independently, in f64.

mod common;

use common::{Follower, Given, compare, d, levels, n, rows, same, schedules, table};
use rwt_core::recipes::{self, DdpmVariance};
use rwt_core::{Schedule, Step};

#[test]
fn ncsn_is_annealed_langevin_dynamics() {
    for levels in schedules() {
        for (reference, inner) in [(None, 3), (Some(levels[0]), 5), (Some(0.7), 1)] {
            let s_ref = reference.unwrap_or(*levels.last().unwrap());
            let epsilon = 0.3 * s_ref * s_ref;
            let rows = rows(&|l, r| recipes::ncsn(l, epsilon, reference, inner, r), &levels);
            assert_eq!(rows.len(), levels.len() * inner + 2);
            let mut walk = Follower::new();
            walk.apply(&rows[0]);
            let mut index = 1;
            for &s in &levels {
                let alpha = epsilon * s * s / (s_ref * s_ref);
                for _ in 0..inner {
                    let x = walk.x;
                    walk.apply(&rows[index]);
                    same(walk.x, x + alpha / 2.0 * (d(x, s) - x) / (s * s) + alpha.sqrt() * n(rows[index].draw));
                    same(rows[index].temperature(), 1.0);
                    index += 1;
                }
            }
        }
    }
}

#[test]
fn every_inner_step_has_its_own_noise() {
    let rows = rows(&|l, r| recipes::ncsn(l, 0.1, Some(1.0), 4, r), &[3.0, 2.0, 1.0]);
    let mut draws: Vec<_> = rows[..rows.len() - 1].iter().map(|row| row.draw).collect();
    draws.dedup();
    assert_eq!(draws, (0..13).collect::<Vec<_>>());
}

#[test]
fn ve_sde_is_the_reverse_diffusion_predictor() {
    compare(&recipes::ve_sde, |g| {
        let change = g.s * g.s - g.next * g.next;
        g.x + change * g.score() + change.sqrt() * g.noise
    });
}

#[test]
fn ve_ancestral_is_the_ancestral_predictor() {
    compare(&recipes::ve_ancestral, |g| {
        let change = g.s * g.s - g.next * g.next;
        g.x + change * g.score() + (g.next * g.next * change / (g.s * g.s)).sqrt() * g.noise
    });
}

/// DDPM's step in the scale of x_t with variance v, and back.
fn ddpm_step(g: &Given, v: impl Fn(f64, f64) -> f64) -> f64 {
    let (ab, ab1) = g.alpha_bars();
    let (alpha, beta) = (ab / ab1, (g.s * g.s - g.next * g.next) * ab); // β = 1 − α, without its cancellation
    let spread = g.s * ab.sqrt(); // √(1 − ᾱ)
    let xt = g.x * ab.sqrt();
    let eps = (xt - ab.sqrt() * g.denoised) / spread;
    let mean = (xt - beta / spread * eps) / alpha.sqrt();
    (mean + v(beta, g.next * g.next * ab1 / (spread * spread)).sqrt() * g.noise) / ab1.sqrt()
}

#[test]
fn ddpm_is_the_published_iteration() {
    compare(&|l, r| recipes::ddpm(l, DdpmVariance::Large, r), |g| ddpm_step(g, |beta, _| beta));
    compare(&|l, r| recipes::ddpm(l, DdpmVariance::Small, r), |g| ddpm_step(g, |beta, ratio| ratio * beta));
}

/// A learned variance lies between the two on a logarithmic scale: Nichol and Dhariwal 2021, eq. 15.
fn learned(k: usize, s: f64, next: f64) -> f64 {
    let beta = (s * s - next * next) / (1.0 + s * s);
    let small = beta * next * next / (s * s) * (1.0 + s * s) / (1.0 + next * next);
    let v = 0.5 + 0.5 * (k as f64).sin();
    (v * beta.ln() + (1.0 - v) * small.ln()).exp()
}

#[test]
fn ddpm_takes_any_variances() {
    let list =
        |l: &[f64]| -> Vec<f64> { l.windows(2).enumerate().map(|(k, pair)| learned(k, pair[0], pair[1])).collect() };
    compare(&|l, r| recipes::ddpm(l, DdpmVariance::List(&list(l)), r), |g| {
        ddpm_step(g, |_, _| learned(g.k, g.s, g.next))
    });
}

#[test]
fn vp_sde_is_the_reverse_diffusion_predictor() {
    compare(&recipes::vp_sde, |g| {
        let (ab, ab1) = g.alpha_bars();
        let beta = (g.s * g.s - g.next * g.next) * ab;
        let xt = g.x * ab.sqrt();
        let score = -(xt - ab.sqrt() * g.denoised) / (g.s * g.s * ab);
        let next = (2.0 - (ab / ab1).sqrt()) * xt + beta * score + beta.sqrt() * g.noise;
        next / ab1.sqrt()
    });
}

#[test]
fn the_tables_temperatures_are_those_of_the_rows() {
    let levels = levels(Schedule::Geometric { sigma_max: 80.0, sigma_min: 0.01 }, 30);
    let temperatures = |recipe: common::Recipe<'_>| -> Vec<f64> {
        rows(recipe, &levels)[1..30].iter().map(Step::temperature).collect()
    };
    for (k, pair) in levels.windows(2).enumerate() {
        let (s, r) = (pair[0], pair[1] / pair[0]);
        let alpha = (1.0 + pair[1] * pair[1]) / (1.0 + s * s);
        same(temperatures(&recipes::ve_sde)[k], 0.5);
        same(temperatures(&recipes::ve_ancestral)[k], r * r / 2.0);
        same(temperatures(&|l, r| recipes::ddpm(l, DdpmVariance::Large, r))[k], alpha / 2.0);
        same(temperatures(&recipes::vp_sde)[k], alpha.sqrt() / 2.0);
        same(temperatures(&recipes::euler)[k], 0.0);
    }
}

#[test]
fn ddpm_has_the_published_steps_and_temperatures() {
    let table = table();
    for (t, variance, tau, temperature) in [
        (999, DdpmVariance::Large, 495.561041042530, 0.49),
        (500, DdpmVariance::Large, 0.129310952056045, 0.494970),
        (500, DdpmVariance::Small, 0.129310952056045, 0.494546),
        (1, DdpmVariance::Large, 1.19946297e-4, 0.499940),
        (1, DdpmVariance::Small, 1.19946297e-4, 0.227341),
    ] {
        let mut rows = [Step::default(); 3];
        recipes::ddpm(&[table[t], table[t - 1]], variance, &mut rows).unwrap();
        assert!((rows[1].step_size() / tau - 1.0).abs() < 1e-8, "tau {}", rows[1].step_size());
        assert!((rows[1].temperature() - temperature).abs() < 1e-6, "T {}", rows[1].temperature());
    }
}
