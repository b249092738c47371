//! Noise levels and training tables against published constants.

use rwt_core::vp::Betas;
use rwt_core::{Error, Schedule};

fn close(found: f64, expected: f64, relative: f64) {
    assert!((found / expected - 1.0).abs() < relative, "found {found}, expected {expected}");
}

#[test]
fn karras_levels_are_the_published_ones() {
    let expected = [
        80.0,
        42.415189319,
        21.108676736,
        9.7232013553,
        4.0661236030,
        1.5017419791,
        0.46997905800,
        0.11663856353,
        0.020435334553,
        0.002,
    ];
    let mut levels = [0.0; 10];
    Schedule::Karras { sigma_max: 80.0, sigma_min: 0.002, rho: 7.0 }.levels(&mut levels).unwrap();
    for (found, expected) in levels.iter().zip(expected) {
        close(*found, expected, 1e-10);
    }
}

#[test]
fn geometric_levels_are_the_published_exponential_ones() {
    let expected = [
        80.0,
        24.646201110,
        7.5929403646,
        2.3392141906,
        0.72065929226,
        0.22201892311,
        0.068399037867,
        0.021072205538,
        0.0064918726940,
        0.002,
    ];
    let mut levels = [0.0; 10];
    Schedule::Geometric { sigma_max: 80.0, sigma_min: 0.002 }.levels(&mut levels).unwrap();
    for (found, expected) in levels.iter().zip(expected) {
        close(*found, expected, 1e-10);
    }
}

#[test]
fn sigmoid_levels_follow_the_formula() {
    let mut levels = [0.0; 5];
    Schedule::sigmoid(157.0, 0.01).levels(&mut levels).unwrap();
    let s = |v: f64| 1.0 / (1.0 + (-v / 0.3f64).exp());
    for (k, found) in levels.iter().enumerate() {
        let v = (s(3.0) - s(3.0 * k as f64 / 4.0)) / (s(3.0) - s(0.0));
        close(*found, v.max(1e-9) * (157.0 - 0.01) + 0.01, 1e-12);
    }
    assert_eq!(levels[0], 157.0);
    assert!(levels[4] > 0.01 && levels[4] < 0.0100002);
}

#[test]
fn linear_levels_have_equal_differences() {
    let mut levels = [0.0; 5];
    Schedule::Linear { sigma_max: 5.0, sigma_min: 1.0 }.levels(&mut levels).unwrap();
    assert_eq!(levels, [5.0, 4.0, 3.0, 2.0, 1.0]);
}

#[test]
fn training_tables_have_the_published_noise_levels() {
    let cases = [
        (Betas::Linear { first: 1e-4, last: 0.02 }, [0.01000050004, 3.424136619, 157.4072808]),
        (Betas::ScaledLinear { first: 0.00085, last: 0.012 }, [0.02916715815, 1.612886194, 14.61464123]),
        (Betas::Cosine, [0.006425412771, 1.012389564, 20291.16961]),
    ];
    for (betas, expected) in cases {
        let mut sigmas = [0.0; 1000];
        betas.sigmas(&mut sigmas).unwrap();
        for (t, expected) in [0, 499, 999].into_iter().zip(expected) {
            close(sigmas[t], expected, 2e-9);
        }
        assert!(sigmas.windows(2).all(|pair| pair[0] < pair[1]));
    }
}

#[test]
fn levels_that_cannot_be_are_refused() {
    let bad = [(1.0, 2.0), (1.0, 1.0), (1.0, 0.0), (1.0, -1.0), (f64::INFINITY, 1.0), (f64::NAN, 1.0), (1.0, f64::NAN)];
    for (sigma_max, sigma_min) in bad {
        assert!(Schedule::Geometric { sigma_max, sigma_min }.levels(&mut [0.0; 4]).is_err());
        assert!(Schedule::sigmoid(sigma_max, sigma_min).levels(&mut [0.0; 4]).is_err());
    }
    assert!(Schedule::Geometric { sigma_max: 1.0, sigma_min: 0.1 }.levels(&mut [0.0; 1]).is_err());
    assert!(Schedule::Karras { sigma_max: 1.0, sigma_min: 0.1, rho: 0.0 }.levels(&mut [0.0; 4]).is_err());
    assert!(rwt_core::check_levels(&[3.0, 2.0, 2.0]).is_err());
}

#[test]
fn alpha_bars_are_the_published_ones() {
    for (betas, t, expected) in [
        (Betas::Linear { first: 1e-4, last: 0.02 }, 499, 0.07858724288),
        (Betas::Linear { first: 1e-4, last: 0.02 }, 999, 4.035829765e-05),
        (Betas::Cosine, 499, 0.4938435904),
    ] {
        let mut sigmas = [0.0; 1000];
        betas.sigmas(&mut sigmas).unwrap();
        close(1.0 / (1.0 + sigmas[t] * sigmas[t]), expected, 2e-9);
    }
}

#[test]
fn explicit_tables_give_the_levels_of_the_formulas() {
    let (mut formula, mut listed) = ([0.0; 1000], [0.0; 1000]);
    Betas::Linear { first: 1e-4, last: 0.02 }.sigmas(&mut formula).unwrap();
    let betas: Vec<f64> = (0..1000).map(|t| 1e-4 + f64::from(t) * (0.02 - 1e-4) / 999.0).collect();
    Betas::List(&betas).sigmas(&mut listed).unwrap();
    for (found, expected) in listed.iter().zip(formula) {
        close(*found, expected, 1e-12);
    }
    let mut product = 1.0;
    let alpha_bars: Vec<f64> = betas
        .iter()
        .map(|beta| {
            product *= 1.0 - beta;
            product
        })
        .collect();
    Betas::AlphaBars(&alpha_bars).sigmas(&mut listed).unwrap();
    for (found, expected) in listed.iter().zip(formula) {
        close(*found, expected, 1e-12);
    }
}

#[test]
fn tables_that_cannot_be_are_refused_with_the_row() {
    let mut sigmas = [0.0; 3];
    let row = |result| match result {
        Err(Error::Row { row, .. }) => row,
        other => panic!("{other:?}"),
    };
    assert_eq!(row(Betas::List(&[0.1, 1.0, 0.1]).sigmas(&mut sigmas)), 1);
    assert_eq!(row(Betas::List(&[0.1, 0.1, f64::NAN]).sigmas(&mut sigmas)), 2);
    assert_eq!(row(Betas::AlphaBars(&[1.0, 0.9, 0.8]).sigmas(&mut sigmas)), 0);
    assert_eq!(row(Betas::AlphaBars(&[0.9, 0.95, 0.8]).sigmas(&mut sigmas)), 1);
    assert!(matches!(Betas::List(&[0.1; 2]).sigmas(&mut sigmas), Err(Error::Length { expected: 3, found: 2, .. })));
    assert!(Betas::Cosine.sigmas(&mut sigmas[..1]).is_err());
    assert_eq!(row(Betas::List(&[1e-17, 0.1, 0.1]).sigmas(&mut sigmas)), 0, "a beta that rounds to none");
    let mut many = [0.0; 1000];
    assert!(Betas::List(&[0.999; 1000]).sigmas(&mut many).is_err(), "levels beyond an f64");
}
