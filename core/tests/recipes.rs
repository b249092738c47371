//! Each sampler's rows against its published iteration, written out independently, in f64.

use rwt_core::recipes::{self, DdpmVariance, Temperature};
use rwt_core::vp::Betas;
use rwt_core::{Error, Schedule, Step, Walk};

/// A denoiser and a noise that are nothing special.
fn d(x: f64, sigma: f64) -> f64 {
    (0.3 * x + 0.1 * sigma).sin() + 0.5 * x / (1.0 + sigma)
}
fn n(k: usize) -> f64 {
    (1.7 * k as f64 + 0.3).sin() * 1.5
}

fn schedules() -> Vec<Vec<f64>> {
    let mut geometric = vec![0.0; 60];
    Schedule::Geometric { sigma_max: 80.0, sigma_min: 0.01 }.levels(&mut geometric).unwrap();
    let mut karras = vec![0.0; 41];
    Schedule::Karras { sigma_max: 80.0, sigma_min: 0.002, rho: 7.0 }.levels(&mut karras).unwrap();
    let mut table = vec![0.0; 1000];
    Betas::Linear { first: 1e-4, last: 0.02 }.sigmas(&mut table).unwrap();
    table.reverse();
    vec![geometric, karras, table]
}

fn same(found: f64, expected: f64) {
    let tolerance = 1e-12 * expected.abs().max(1.0);
    assert!((found - expected).abs() <= tolerance, "found {found}, expected {expected}");
}

/// Follow the rows in f64, x after each row that evaluates, and at the same time the published step.
fn compare(
    recipe: impl Fn(&[f64], &mut [Step]) -> Result<usize, Error>,
    published: impl Fn(f64, f64, f64, f64, f64, Option<(f64, f64)>) -> f64,
) {
    for levels in schedules() {
        let mut rows = vec![Step::default(); 2 * levels.len() + 1];
        let count = recipe(&levels, &mut rows).unwrap();
        Walk::new(&rows[..count]).unwrap();
        let mut x = f64::NAN;
        let mut before: Option<(f64, f64)> = None; // level and denoised of the step before
        let start = rows[0];
        assert_eq!((start.x, start.denoised, start.noise, start.draw), (0.0, 0.0, levels[0], 0));
        x = if start.x == 0.0 { start.noise * n(0) } else { x };
        for (k, row) in rows[1..count - 1].iter().enumerate() {
            let (s, next) = (levels[k], levels[k + 1]);
            let denoised = d(x, row.sigma);
            let expected = published(x, s, next, denoised, n(row.draw as usize), before);
            let previous = before.map_or(0.0, |b| b.1);
            x = row.x * x + row.denoised * denoised + row.previous * previous + row.noise * n(row.draw as usize);
            same(x, expected);
            before = Some((s, denoised));
            x = x.clamp(-300.0, 300.0);
        }
        assert_eq!(rows[count - 1], Step::end(levels[levels.len() - 1]));
    }
}

#[test]
fn ddpm_is_the_published_iteration() {
    for variance in [DdpmVariance::Large, DdpmVariance::Small] {
        compare(
            |levels, rows| recipes::ddpm(levels, variance, rows),
            |x, s, next, denoised, noise, _| {
                let (ab, ab1) = (1.0 / (1.0 + s * s), 1.0 / (1.0 + next * next)); // ᾱ_t, ᾱ_{t−1}
                let (alpha, beta) = (ab / ab1, 1.0 - ab / ab1);
                let xt = x * ab.sqrt();
                let eps = (xt - ab.sqrt() * denoised) / (1.0 - ab).sqrt();
                let mean = (xt - beta / (1.0 - ab).sqrt() * eps) / alpha.sqrt();
                let v = if variance == DdpmVariance::Large { beta } else { (1.0 - ab1) / (1.0 - ab) * beta };
                (mean + v.sqrt() * noise) / ab1.sqrt()
            },
        );
    }
}

#[test]
fn ddpm_has_the_published_steps_and_temperatures() {
    let mut table = vec![0.0; 1000];
    Betas::Linear { first: 1e-4, last: 0.02 }.sigmas(&mut table).unwrap();
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

#[test]
fn ddim_is_the_published_iteration() {
    for eta in [0.0, 0.4, 1.0] {
        compare(
            |levels, rows| recipes::ddim(levels, eta, rows),
            |x, s, next, denoised, noise, _| {
                let (ab, ab1) = (1.0 / (1.0 + s * s), 1.0 / (1.0 + next * next));
                let eps = (x - denoised) / s;
                // 1 − ᾱ is s²ᾱ: the difference would lose the digits that this test is about
                let (v, v1) = (s * s * ab, next * next * ab1);
                let spread = eta * (v1 / v).sqrt() * (1.0 - ab / ab1).max(0.0).sqrt();
                let mean = ab1.sqrt() * denoised + (v1 - spread * spread).max(0.0).sqrt() * eps;
                (mean + spread * noise) / ab1.sqrt()
            },
        );
    }
}

#[test]
fn multistep_is_dpm_solver_2m_with_and_without_churn() {
    for churn in [0.0, 0.25, 1.0] {
        compare(
            |levels, rows| recipes::multistep(levels, churn, rows),
            |x, s, next, denoised, noise, before| {
                let h = (s / next).ln();
                let decay = (-h - churn * h).exp_m1();
                let mut y = next / s * (-churn * h).exp() * x - decay * denoised;
                if let Some((level, old)) = before {
                    let r = (level / s).ln() / h;
                    y += (1.0 + decay / (h + churn * h)) / r * (denoised - old);
                }
                y + next * (-(-2.0 * churn * h).exp_m1()).sqrt() * noise
            },
        );
    }
}

#[test]
fn the_simple_rule_is_equation_11() {
    let epsilon = 0.4;
    for levels in schedules() {
        let mut rows = vec![Step::default(); levels.len() + 1];
        recipes::simple(&levels, epsilon, Temperature::Ramp { first: 0.4, last: 1.0 }, &mut rows).unwrap();
        let steps = levels.len() - 1;
        for k in 0..steps {
            let tau = epsilon * levels[k] * levels[k];
            let t = if k + 1 == steps { 0.0 } else { 0.4 + 0.6 * k as f64 / (steps - 1) as f64 };
            same(rows[k + 1].denoised, tau / (levels[k] * levels[k]));
            same(rows[k + 1].x, 1.0 - tau / (levels[k] * levels[k]));
            same(rows[k + 1].noise / levels[k], (2.0 * tau * t).sqrt() / levels[k]);
        }
    }
}

#[test]
fn the_marginal_preserving_temperature_keeps_the_first_order() {
    for levels in schedules() {
        let mut rows = vec![Step::default(); levels.len() + 1];
        recipes::simple(&levels, 0.4, Temperature::MarginalPreserving, &mut rows).unwrap();
        for (pair, row) in levels.windows(2).zip(&rows[1..]) {
            let (tau, t) = (row.step_size(), row.temperature());
            let half = (pair[0] * pair[0] - pair[1] * pair[1]) / 2.0;
            assert!((tau * (1.0 - t) / half - 1.0).abs() < 1e-9, "tau (1 - T) = {}, wanted {half}", tau * (1.0 - t));
            assert!(t >= 0.0);
        }
    }
}

#[test]
fn look_ahead_in_one_buffer_is_look_ahead_in_two() {
    for epsilon in [0.5, 1.0, 1.3] {
        for levels in schedules() {
            let mut rows = vec![Step::default(); 2 * levels.len()];
            assert_eq!(recipes::look_ahead(&levels, epsilon, &mut rows), Ok(2 * levels.len()));
            let mut z = rows[0].noise * n(0);
            for (k, pair) in levels.windows(2).enumerate() {
                let change = pair[0] * pair[0] - pair[1] * pair[1];
                let tau = (epsilon * (pair[0] * pair[0] - change / 4.0) / (1.0 - epsilon / 2.0)).max(change / 2.0);
                let kappa = (2.0 * tau - change).sqrt();
                let raised = pair[0] * pair[0] + kappa * kappa / 4.0;
                let noise = n(rows[2 * k + 1].draw as usize);
                let x = z + kappa / 2.0 * noise;
                let denoised = d(x, raised.sqrt());
                let expected = z + tau / raised * (denoised - x) + kappa * noise;
                let mut buffer = z;
                for row in &rows[2 * k + 1..2 * k + 3] {
                    let denoised = if row.denoised == 0.0 { 0.0 } else { d(buffer, row.sigma) };
                    buffer = row.x * buffer + row.denoised * denoised + row.noise * n(row.draw as usize);
                }
                same(buffer, expected);
                z = buffer.clamp(-300.0, 300.0);
            }
        }
    }
}

#[test]
fn plans_that_cannot_be_are_refused() {
    let mut rows = [Step::default(); 8];
    let levels = [3.0, 2.0, 1.0];
    assert!(recipes::ddim(&levels, 1.5, &mut rows).is_err());
    assert!(recipes::multistep(&levels, -0.1, &mut rows).is_err());
    assert!(recipes::look_ahead(&levels, 2.0, &mut rows).is_err());
    assert!(recipes::simple(&levels, f64::NAN, Temperature::MarginalPreserving, &mut rows).is_err());
    assert!(recipes::simple(&levels, 0.5, Temperature::Ramp { first: -1.0, last: 1.0 }, &mut rows).is_err());
    assert!(matches!(recipes::ddim(&[2.0, 3.0], 0.0, &mut rows), Err(Error::Level { index: 1, .. })));
    assert!(recipes::ddim(&[], 0.0, &mut rows).is_err());
    assert_eq!(recipes::ddim(&levels, 0.0, &mut rows[..3]), Err(Error::Capacity { needed: 4, capacity: 3 }));
    assert!(Walk::new(&[Step { noise: f64::NAN, ..Step::default() }]).is_err());
    assert!(Walk::new(&[Step::end(0.0)]).is_err());
    assert!(Walk::new(&[Step { previous: 1.0, ..Step::end(1.0) }]).is_err());
}
