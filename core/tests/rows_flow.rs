//! DDIM, EDM, exponential integrators and look-ahead: each row against the published iteration, in f64.

mod common;

use common::{Follower, compare, d, n, rows, same, schedules};
use rwt_core::recipes::{self, Churn};

#[test]
fn ddim_is_the_published_iteration() {
    for eta in [0.0, 0.4, 1.0] {
        compare(&|l, r| recipes::ddim(l, eta, r), |g| {
            let (ab, ab1) = g.alpha_bars();
            let eps = (g.x - g.denoised) / g.s;
            // 1 − ᾱ is s²ᾱ: the difference would lose the digits that this test is about
            let (v, v1) = (g.s * g.s * ab, g.next * g.next * ab1);
            let spread = eta * (v1 / v).sqrt() * (1.0 - ab / ab1).max(0.0).sqrt();
            let mean = ab1.sqrt() * g.denoised + (v1 - spread * spread).max(0.0).sqrt() * eps;
            (mean + spread * g.noise) / ab1.sqrt()
        });
    }
}

#[test]
fn euler_steps_of_the_probability_flow() {
    compare(&recipes::euler, |g| g.x + (g.next - g.s) * (g.x - g.denoised) / g.s);
    // dx = −½ d(σ²)/dt score dt
    compare(&recipes::euler_in_variance, |g| g.x + 0.5 * (g.s * g.s - g.next * g.next) * g.score());
}

#[test]
fn dpm_solver_is_the_published_2m_and_its_sde_form() {
    for churn in [0.0, 0.25, 1.0] {
        compare(&|l, r| recipes::dpm_solver(l, churn, r), |g| {
            let h = (g.s / g.next).ln();
            let mut slope = g.denoised;
            if let Some((level, old)) = g.before {
                let r = (level / g.s).ln() / h;
                slope = (1.0 + 1.0 / (2.0 * r)) * g.denoised - 1.0 / (2.0 * r) * old;
            }
            let decay = (-h - churn * h).exp_m1();
            g.next / g.s * (-churn * h).exp() * g.x - decay * slope
                + g.next * (-(-2.0 * churn * h).exp_m1()).sqrt() * g.noise
        });
    }
}

#[test]
fn multistep_is_2m_of_the_heun_type_with_and_without_churn() {
    for churn in [0.0, 0.25, 1.0] {
        compare(&|l, r| recipes::multistep(l, churn, r), |g| {
            let h = (g.s / g.next).ln();
            let decay = (-h - churn * h).exp_m1();
            let mut y = g.next / g.s * (-churn * h).exp() * g.x - decay * g.denoised;
            if let Some((level, old)) = g.before {
                let r = (level / g.s).ln() / h;
                y += (1.0 + decay / (h + churn * h)) / r * (g.denoised - old);
            }
            y + g.next * (-(-2.0 * churn * h).exp_m1()).sqrt() * g.noise
        });
    }
}

#[test]
fn the_exponential_integrator_solves_the_sde_at_a_constant_denoiser() {
    // dx = (1 + λ)(x − D) dσ/σ + √(2λ) σ dW/√σ, solved over a step at constant D
    for lambda in [0.0, 0.5, 1.0, 3.0] {
        compare(&|l, r| recipes::exponential(l, lambda, r), |g| {
            let r = g.next / g.s;
            let kept = r.powf(1.0 + lambda);
            let spread = g.next * (-(2.0 * lambda * r.ln()).exp_m1()).sqrt();
            g.denoised + kept * (g.x - g.denoised) + spread * g.noise
        });
    }
}

/// Karras et al. 2022, algorithm 2, with or without the correction.
fn edm(levels: &[f64], churn: Churn, heun: bool, draws: &[u32]) -> Vec<f64> {
    let mut x = levels[0] * n(0);
    let mut trajectory = Vec::new();
    for (i, &t) in levels.iter().enumerate() {
        let next = if i + 1 < levels.len() { levels[i + 1] } else { 0.0 };
        let inside = t >= churn.from && t <= churn.to;
        let gamma = if inside { (churn.amount / levels.len() as f64).min(2f64.sqrt() - 1.0) } else { 0.0 };
        let raised = t + gamma * t;
        if gamma > 0.0 {
            x += (raised * raised - t * t).sqrt() * churn.noise * n(draws[i]);
        }
        let slope = (x - d(x, raised)) / raised;
        let mut y = x + (next - raised) * slope;
        if heun && next != 0.0 {
            y = x + (next - raised) * (slope / 2.0 + (y - d(y, next)) / next / 2.0);
        }
        x = y;
        trajectory.push(x);
    }
    trajectory
}

#[test]
fn edm_with_euler_and_heun_steps_is_algorithm_2() {
    let churn = Churn { amount: 40.0, from: 0.05, to: 50.0, noise: 1.003 };
    for (churn, heun) in [(Churn::default(), false), (Churn::default(), true), (churn, false), (churn, true)] {
        for levels in schedules() {
            let recipe = if heun { recipes::edm_heun } else { recipes::edm_euler };
            let rows = rows(&|l, r| recipe(l, churn, r), &levels);
            let draws: Vec<u32> = (1..=levels.len() as u32).collect();
            let expected = edm(&levels, churn, heun, &draws);
            let mut walk = Follower::new();
            let (mut step, mut corrected) = (0, 0);
            for row in &rows {
                walk.apply(row);
                if row.previous != 0.0 {
                    corrected += 1;
                }
                // a step is over where the next evaluation, or its noise, belongs to the next level
                let is_end = if heun && step + 1 < levels.len() { row.previous != 0.0 } else { row.denoised != 0.0 };
                if is_end {
                    let scale = expected[step].abs().max(1.0);
                    assert!((walk.x - expected[step]).abs() < 1e-11 * scale, "{} {}", walk.x, expected[step]);
                    walk.x = expected[step]; // rounding must not add up where the correction divides by a small level
                    step += 1;
                }
            }
            assert_eq!(step, levels.len());
            assert_eq!(corrected, if heun { levels.len() - 1 } else { 0 });
        }
    }
}

#[test]
fn look_ahead_in_one_buffer_is_look_ahead_in_two() {
    for epsilon in [0.5, 1.0, 1.3] {
        for levels in schedules() {
            let rows = rows(&|l, r| recipes::look_ahead(l, epsilon, r), &levels);
            assert_eq!(rows.len(), 2 * levels.len());
            let mut walk = Follower::new();
            walk.apply(&rows[0]);
            for (k, pair) in levels.windows(2).enumerate() {
                let z = walk.x;
                let change = pair[0] * pair[0] - pair[1] * pair[1];
                let tau = (epsilon * (pair[0] * pair[0] - change / 4.0) / (1.0 - epsilon / 2.0)).max(change / 2.0);
                let kappa = (2.0 * tau - change).sqrt();
                let raised = pair[0] * pair[0] + kappa * kappa / 4.0;
                let noise = n(rows[2 * k + 1].draw);
                let x = z + kappa / 2.0 * noise;
                walk.apply(&rows[2 * k + 1]);
                walk.apply(&rows[2 * k + 2]);
                same(walk.x, z + tau / raised * (d(x, raised.sqrt()) - x) + kappa * noise);
            }
        }
    }
}

#[test]
fn rows_that_are_the_same_method_are_the_same_rows() {
    for levels in schedules() {
        let ddim = rows(&|l, r| recipes::ddim(l, 0.0, r), &levels);
        let pairs: [(&str, Vec<_>, &[rwt_core::Step]); 3] = [
            ("euler", rows(&recipes::euler, &levels), &ddim),
            ("exponential(0)", rows(&|l, r| recipes::exponential(l, 0.0, r), &levels), &ddim),
            ("EDM without churn", rows(&|l, r| recipes::edm_euler(l, Churn::default(), r), &levels), &ddim),
        ];
        for (name, found, expected) in pairs {
            for (a, b) in found.iter().zip(expected) {
                let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b.abs().max(1e-3);
                assert!(
                    near(a.x, b.x) && near(a.denoised, b.denoised) && near(a.noise, b.noise),
                    "{name}: {a:?} {b:?}"
                );
            }
        }
        let small = rows(&recipes::ve_ancestral, &levels);
        for (a, b) in rows(&|l, r| recipes::exponential(l, 1.0, r), &levels).iter().zip(&small) {
            same(a.denoised, b.denoised);
            same(a.noise, b.noise);
        }
    }
}
