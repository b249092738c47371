//! The simple rule, its temperatures, the paper's settings, the forward process, and what is refused.

mod common;

use common::{Follower, compare, d, levels, n, rows, same, schedules, table};
use rwt_core::recipes::paper::Paper;
use rwt_core::recipes::{self, Churn, DdpmVariance, Temperature};
use rwt_core::{Error, Schedule, Step, Walk};

#[test]
fn the_simple_rule_is_equation_10() {
    let epsilon = 0.4;
    let rule = |g: &common::Given, t: f64| {
        let tau = epsilon * g.s * g.s;
        g.x + tau * g.score() + (2.0 * tau * t).sqrt() * g.noise
    };
    compare(&|l, r| recipes::simple(l, epsilon, Temperature::Constant(0.7), r), |g| rule(g, 0.7));
    let list = |l: &[f64]| -> Vec<f64> { (1..l.len()).map(|k| (k as f64).sin().powi(2)).collect() };
    compare(&|l, r| recipes::simple(l, epsilon, Temperature::List(&list(l)), r), |g| {
        rule(g, ((g.k + 1) as f64).sin().powi(2))
    });
    for levels in schedules() {
        let steps = levels.len() - 1;
        let ramp = Temperature::Linear { first: 0.4, last: 1.0 };
        for (k, row) in rows(&|l, r| recipes::simple(l, epsilon, ramp, r), &levels)[1..=steps].iter().enumerate() {
            same(row.temperature(), 0.4 + 0.6 * k as f64 / (steps - 1) as f64);
            same(row.step_size() / (epsilon * levels[k] * levels[k]), 1.0);
        }
    }
}

#[test]
fn the_marginal_preserving_temperature_keeps_the_first_order() {
    for levels in schedules() {
        let rows = rows(&|l, r| recipes::simple(l, 0.4, Temperature::MarginalPreserving, r), &levels);
        for (pair, row) in levels.windows(2).zip(&rows[1..]) {
            let (tau, t) = (row.step_size(), row.temperature());
            let half = (pair[0] * pair[0] - pair[1] * pair[1]) / 2.0;
            assert!((tau * (1.0 - t) / half - 1.0).abs() < 1e-9, "tau (1 - T) = {}, wanted {half}", tau * (1.0 - t));
            assert!(t >= 0.0);
        }
    }
}

#[test]
fn the_calibrated_temperature_is_exact_in_total_variance() {
    // for a Gaussian of variance v the denoiser's error is m = v s²/(v + s²), and x ~ N(0, v + s²) must become v + s'²
    let v = 0.3;
    for levels in schedules() {
        let sigmas: Vec<f64> = (0..4000).map(|k| 1e-3 * (1e6f64).powf(f64::from(k) / 3999.0)).collect();
        let errors: Vec<f64> = sigmas.iter().map(|s| v * s * s / (v + s * s)).collect();
        let calibrated = Temperature::Calibrated { sigmas: &sigmas, errors: &errors };
        let rows = rows(&|l, r| recipes::simple(l, 0.5, calibrated, r), &levels);
        for (pair, row) in levels.windows(2).zip(&rows[1..]) {
            let gain = row.x + row.denoised * v / (v + pair[0] * pair[0]);
            let found = gain * gain * (v + pair[0] * pair[0]) + row.noise * row.noise;
            let expected = v + pair[1] * pair[1];
            // with noise, and where ε s² leaves no room for any, without
            assert!((found / expected - 1.0).abs() < 1e-5, "{found} {expected} at {}", pair[0]);
        }
        let noisy = rows[1..levels.len()].iter().filter(|row| row.noise > 0.0).count();
        println!("{noisy} of {} steps have noise", levels.len() - 1);
        assert!(noisy > levels.len() / 2 && rows.iter().all(|row| row.noise >= 0.0));
    }
    // one step that must do without noise
    let (mut rows, table) = ([Step::default(); 3], Temperature::Calibrated { sigmas: &[1.0], errors: &[0.2] });
    recipes::simple(&[1.0, 0.1], 0.3, table, &mut rows).unwrap();
    let v = 0.25; // whose error at 1 is 0.2
    let gain = rows[1].x + rows[1].denoised * v / (v + 1.0);
    same(gain * gain * (v + 1.0), v + 0.01);
    assert_eq!(rows[1].noise, 0.0);
}

#[test]
fn the_papers_rows_are_its_iteration_with_its_quirks() {
    for paper in [Paper::VP_PRETRAINED, Paper::VP_SIGMOID, Paper::VE_GEOMETRIC, Paper::VP_INPAINTING] {
        let mut levels = vec![0.0; paper.steps];
        paper.levels(&mut levels).unwrap();
        let rows = rows(&|l, r| paper.rows(l, r), &levels);
        assert_eq!(rows.len(), paper.steps + 1);
        let mut walk = Follower::new();
        walk.apply(&rows[0]);
        same(walk.x, n(0)); // N(0, I), not N(0, σ²)
        for (k, &s) in levels.iter().enumerate() {
            let (x, last) = (walk.x, levels.len() - 1);
            let t = paper.first_temperature + (1.0 - paper.first_temperature) * k as f64 / last as f64;
            let tau = paper.epsilon * s * s;
            let noise = if k == last { 0.0 } else { (2.0 * tau * t).sqrt() * n(rows[k + 1].draw) };
            walk.apply(&rows[k + 1]);
            same(walk.x, x + tau * (d(x, s) - x) / (s * s) + noise);
        }
    }
}

#[test]
fn the_papers_levels_are_those_of_its_networks() {
    let table = table();
    for (paper, first, last, count) in [
        (Paper::VP_PRETRAINED, table[999], table[0], 1000),
        (Paper::VP_SIGMOID, table[999], table[0], 100),
        (Paper::VP_INPAINTING, table[999], table[0], 750),
        (Paper::VE_SUPER_RESOLUTION, 348.0, 0.01, 1000),
    ] {
        let mut levels = vec![0.0; count];
        paper.levels(&mut levels).unwrap();
        assert!((levels[0] / first - 1.0).abs() < 1e-12, "{} {first}", levels[0]);
        assert!((levels[count - 1] / last - 1.0).abs() < 1e-4, "{} {last}", levels[count - 1]);
        assert!(paper.levels(&mut levels[1..]).is_err());
    }
    assert!(Paper { steps: 100, ..Paper::VP_PRETRAINED }.levels(&mut [0.0; 100]).is_err());
    assert_eq!((Paper::VP_INPAINTING.epsilon, Paper::VE_INPAINTING.epsilon), (0.77683, 0.29487));
}

#[test]
fn figure_3s_temperatures_are_possible_there_only() {
    let hot = Paper { last_temperature: 1.4, ..Paper::VP_SIGMOID };
    let rows = rows(&|l, r| hot.rows(l, r), &levels(Schedule::sigmoid(157.0, 0.01), 100));
    assert!(rows[99].temperature() > 1.38);
    let ramp = Temperature::Linear { first: 0.0, last: 1.4 };
    let mut rows = [Step::default(); 9];
    let refused = recipes::simple(&[5.0, 4.0, 3.0, 2.0, 1.0], 0.5, ramp, &mut rows);
    assert!(matches!(refused, Err(Error::Row { row: 4, found, .. }) if (found - 1.4).abs() < 1e-12), "{refused:?}");
}

#[test]
fn plans_that_cannot_be_are_refused_with_the_row() {
    let mut rows = [Step::default(); 9];
    let l = [3.0, 2.0, 1.0];
    assert!(recipes::ddim(&l, 1.5, &mut rows).is_err());
    assert!(recipes::multistep(&l, -0.1, &mut rows).is_err());
    assert!(recipes::exponential(&l, f64::NAN, &mut rows).is_err());
    assert!(recipes::look_ahead(&l, 2.0, &mut rows).is_err());
    assert!(recipes::ncsn(&l, 0.1, None, 0, &mut rows).is_err());
    assert!(recipes::ncsn(&l, 5.0, None, 1, &mut rows).is_err());
    assert!(recipes::ncsn(&l, 0.1, Some(0.0), 1, &mut rows).is_err());
    for churn in [
        Churn { amount: -1.0, ..Churn::default() },
        Churn { from: 2.0, to: 1.0, ..Churn::default() },
        Churn { noise: f64::NAN, ..Churn::default() },
    ] {
        assert!(recipes::edm_heun(&l, churn, &mut rows).is_err());
    }
    assert!(recipes::simple(&l, f64::NAN, Temperature::MarginalPreserving, &mut rows).is_err());
    let mut temperature = |t: Temperature<'_>| recipes::simple(&l, 0.5, t, &mut rows);
    assert!(matches!(temperature(Temperature::Constant(-0.1)), Err(Error::Row { row: 1, .. })));
    assert!(matches!(temperature(Temperature::List(&[0.5, 1.1])), Err(Error::Row { row: 2, .. })));
    assert!(temperature(Temperature::List(&[0.5, 1.0 + 1e-12])).is_ok(), "rounding is not above 1");
    assert!(matches!(temperature(Temperature::List(&[0.5])), Err(Error::Length { expected: 2, found: 1, .. })));
    let table = Temperature::Calibrated { sigmas: &[1.0, 1.0], errors: &[0.1, 0.1] };
    assert!(matches!(temperature(table), Err(Error::Row { row: 1, .. })));
    for (sigmas, errors) in
        [(&[][..], &[][..]), (&[], &[0.1]), (&[1.0], &[-0.1]), (&[1.0], &[1.1]), (&[1.0], &[f64::NAN])]
    {
        assert!(temperature(Temperature::Calibrated { sigmas, errors }).is_err(), "{sigmas:?} {errors:?}");
    }
    for (list, row) in [([0.1, -0.1], 2), ([f64::NAN, 0.1], 1), ([9.0, 0.1], 1)] {
        let refused = recipes::ddpm(&l, DdpmVariance::List(&list), &mut rows);
        assert!(matches!(refused, Err(Error::Row { row: found, .. }) if found == row), "{refused:?}");
    }
    assert!(matches!(recipes::ddim(&[2.0, 3.0], 0.0, &mut rows), Err(Error::Level { index: 1, .. })));
    assert!(matches!(recipes::ddim(&[2.0, 1.0, 0.0], 0.0, &mut rows), Err(Error::Level { index: 2, .. })));
    assert!(recipes::ddim(&[], 0.0, &mut rows).is_err());
    assert_eq!(recipes::ddim(&l, 0.0, &mut rows[..3]), Err(Error::Capacity { needed: 4, capacity: 3 }));
    assert!(recipes::forward(&[0.0, 1.0, 1.0], &mut rows).is_err());
    let falling = recipes::forward(&[0.0, 3.0, 2.0], &mut rows);
    assert!(falling.unwrap_err().to_string().contains("above the one before, is 2"), "{falling:?}");
    for levels in [&[-1.0, 1.0][..], &[], &[f64::NAN, 1.0], &[0.0, f64::INFINITY], &[0.0, 1e300]] {
        assert!(recipes::forward(levels, &mut rows).is_err(), "{levels:?}");
    }
    assert!(Walk::new(&[Step { noise: f64::NAN, ..Step::default() }]).is_err());
    assert!(Walk::new(&[Step::end(0.0)]).is_err());
    assert!(Walk::new(&[Step { previous: 1.0, ..Step::end(1.0) }]).is_err());
}

#[test]
fn levels_that_an_f64_cannot_square_are_refused() {
    for levels in [[1e200, 1e199], [1e300, 1e-300], [1e-200, 1e-201]] {
        let recipes: [(&str, common::Recipe<'_>); 9] = [
            ("VE-SDE", &recipes::ve_sde),
            ("VP-SDE", &recipes::vp_sde),
            ("Euler", &recipes::euler),
            ("Euler in variance", &recipes::euler_in_variance),
            ("look-ahead", &|l, r| recipes::look_ahead(l, 1.0, r)),
            ("exponential", &|l, r| recipes::exponential(l, 0.0, r)),
            ("2M", &|l, r| recipes::multistep(l, 0.25, r)),
            ("Heun", &|l, r| recipes::edm_heun(l, Churn::default(), r)),
            ("DDPM", &|l, r| recipes::ddpm(l, DdpmVariance::Large, r)),
        ];
        for (name, recipe) in recipes {
            let mut rows = [Step::default(); 8];
            // refused, or rows that are a walk: never NaN
            if let Ok(count) = recipe(&levels, &mut rows) {
                assert!(Walk::new(&rows[..count]).is_ok(), "{name} {levels:?}");
            }
        }
        assert!(recipes::ve_sde(&levels, &mut [Step::default(); 8]).is_err());
    }
}
