//! Split R̂ and the effective sample size against arviz's numbers and AR(1) chains.

use rwt_core::noise::fill;
use rwt_core::{Error, ess, split_rhat};

/// AR(1) chains of uniform innovations by Knuth's generator, whole numbers until the last step: the same in numpy.
fn trace(chains: usize, draws: usize, rho: f64, apart: f64, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut out = vec![];
    for chain in 0..chains {
        let mut x = 0.0;
        for _ in 0..draws {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            x = rho * x + ((state >> 11) as f64 / 2f64.powi(53) - 0.5);
            out.push(x + apart * chain as f64);
        }
    }
    out
}

#[test]
fn both_are_arviz_s() {
    // arviz 0.23.4 on the same traces: rhat(method="split") (for one chain its _rhat of _split_chains, as rhat refuses one)
    // and ess(method="mean"); chains, draws, rho, distance of the chains, seed
    for (chains, draws, rho, apart, seed, rhat, size) in [
        (4, 100, 0.5, 0.0, 1, 1.011453183979828, 169.9513956819836),
        (3, 51, -0.6, 0.0, 2, 0.990925179446828, 326.4136888583522),
        (2, 40, 0.95, 0.5, 3, 1.4954396237271657, 4.497927928778201),
        (1, 30, 0.3, 0.0, 4, 1.0041232243799927, 22.724562863617443),
        (4, 1000, 0.9, 0.02, 5, 1.0106254093428464, 222.34781821338998),
        (2, 10, 0.0, 0.0, 6, 0.9281954237810421, 26.020599913279625),
        (2, 13, 0.2, 0.0, 7, 1.0131260631956502, 22.311828576049184),
        (8, 25, -0.9, 0.0, 8, 0.9615755387049539, 438.39383591108157),
    ] {
        let trace = trace(chains, draws, rho, apart, seed);
        let found = split_rhat(&trace, chains).unwrap();
        assert!((found / rhat - 1.0).abs() < 1e-10, "seed {seed}: split R-hat {found}, expected {rhat}");
        let found = ess(&trace, chains).unwrap();
        assert!((found / size - 1.0).abs() < 1e-10, "seed {seed}: ESS {found}, expected {size}");
    }
}

/// Gaussian AR(1) chains from their stationary distribution.
fn stationary(chains: usize, draws: usize, rho: f64, seed: u64) -> Vec<f64> {
    let mut out = vec![];
    let mut noise = vec![0f32; draws];
    for chain in 0..chains {
        fill(seed, chain as u64, 0, 0, &mut noise);
        let mut x = f64::from(noise[0]) / (1.0 - rho * rho).sqrt();
        out.push(x);
        for n in &noise[1..] {
            x = rho * x + f64::from(*n);
            out.push(x);
        }
    }
    out
}

#[test]
fn ar1_chains_are_worth_what_they_are_known_to_be() {
    // the mean over repetitions, in its standard errors; the halves' means are estimated and Geyer's sum is cut at noise, which
    // leaves an error of order 1 % at this length
    const REPETITIONS: u64 = 60;
    for rho in [0.0, 0.5, 0.9, -0.4] {
        let (chains, draws) = (4, 4000);
        let expected = (chains * draws) as f64 * (1.0 - rho) / (1.0 + rho);
        let ratios: Vec<f64> = (0..REPETITIONS)
            .map(|seed| ess(&stationary(chains, draws, rho, seed), chains).unwrap() / expected)
            .collect();
        let mean = ratios.iter().sum::<f64>() / REPETITIONS as f64;
        let variance = ratios.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (REPETITIONS - 1) as f64;
        let error = (variance / REPETITIONS as f64).sqrt();
        assert!((mean - 1.0).abs() < 4.0 * error + 0.02, "rho {rho}: ESS/expected is {mean} ± {error}");
        assert!(error < 0.02, "rho {rho}: the repetitions scatter by {error}");
    }
}

#[test]
fn independent_chains_agree_and_planted_faults_do_not() {
    let good = stationary(4, 1000, 0.3, 1);
    assert!(split_rhat(&good, 4).unwrap() < 1.01);
    // one chain elsewhere
    let mut shifted = good.clone();
    shifted[..1000].iter_mut().for_each(|v| *v += 1.0);
    assert!(split_rhat(&shifted, 4).unwrap() > 1.05);
    assert!(ess(&shifted, 4).unwrap() < 0.05 * ess(&good, 4).unwrap());
    // all drift alike: only the split sees it
    let drift: Vec<f64> = good.iter().enumerate().map(|(i, v)| v + (i % 1000) as f64 * 2e-3).collect();
    assert!(split_rhat(&drift, 4).unwrap() > 1.05);
    // chains that stand still at different places, and at places that no binary fraction hits
    let still: Vec<f64> = (0..40).map(|i| f64::from(i / 20) * 0.1).collect();
    assert_eq!(split_rhat(&still, 2).unwrap(), f64::INFINITY);
    assert!(ess(&still, 2).unwrap() < 5.0);
}

#[test]
fn chains_that_were_drawn_twice_look_like_twice_as_many() {
    // four chains, and the same four again, as from two machines with the same seed and chain numbers: R-hat is as good, the
    // effective sample size is doubled, but the mean is known no better. Only its variance over repetitions tells.
    const REPETITIONS: u64 = 400;
    let (chains, draws, rho) = (4, 400, 0.3);
    let (mut honest, mut claimed) = (0.0, 0.0);
    for seed in 0..REPETITIONS {
        let once = stationary(chains, draws, rho, seed);
        let twice = [once.clone(), once.clone()].concat();
        let (one, two) = (ess(&once, chains).unwrap(), ess(&twice, 2 * chains).unwrap());
        assert!((two / one / 2.0 - 1.0).abs() < 0.2, "seed {seed}: ESS {one} and {two}");
        assert!(split_rhat(&twice, 2 * chains).unwrap() < 1.05);
        let mean = once.iter().sum::<f64>() / once.len() as f64;
        let variance = 1.0 / (1.0 - rho * rho);
        honest += mean * mean / (variance / one) / REPETITIONS as f64;
        claimed += mean * mean / (variance / two) / REPETITIONS as f64;
    }
    // a mean of REPETITIONS squares of N(0, 1)
    let error = (2.0 / REPETITIONS as f64).sqrt();
    assert!((honest - 1.0).abs() < 4.0 * error, "{honest} ± {error}");
    assert!((claimed - 2.0).abs() < 8.0 * error && claimed > 1.0 + 4.0 * error, "{claimed} ± {error}");
}

#[test]
fn neither_depends_on_place_or_scale() {
    let good = stationary(3, 200, 0.6, 2);
    let moved: Vec<f64> = good.iter().map(|v| 1e5 - 1e-4 * v).collect();
    for (found, expected) in [
        (split_rhat(&moved, 3).unwrap(), split_rhat(&good, 3).unwrap()),
        (ess(&moved, 3).unwrap(), ess(&good, 3).unwrap()),
    ] {
        assert!((found / expected - 1.0).abs() < 1e-5, "found {found}, expected {expected}");
    }
}

#[test]
fn bad_traces_get_errors() {
    let draws: Vec<f64> = (0..40).map(f64::from).collect();
    assert!(matches!(split_rhat(&draws, 0), Err(Error::Parameter { name: "chains", .. })));
    assert!(matches!(ess(&[], 1), Err(Error::Length { expected: 10, found: 0, .. })));
    assert!(matches!(split_rhat(&draws[..39], 4), Err(Error::Length { expected: 36, found: 39, .. })));
    assert!(matches!(split_rhat(&draws[..9], 3), Err(Error::Length { expected: 12, found: 9, .. })));
    assert!(matches!(split_rhat(&draws, usize::MAX), Err(Error::Length { .. })));
    assert!(matches!(ess(&draws[..36], 4), Err(Error::Length { expected: 40, .. })));
    assert!(matches!(ess(&[0.1; 40], 4), Err(Error::Parameter { expected: "not all the same", .. })));
    for bad in [f64::NAN, f64::INFINITY, 1e300] {
        let mut draws = draws.clone();
        draws[17] = bad;
        assert!(matches!(ess(&draws, 4), Err(Error::Parameter { .. })), "{bad}");
        assert!(matches!(split_rhat(&draws, 4), Err(Error::Parameter { .. })), "{bad}");
    }
}
