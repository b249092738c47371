//! The noise-to-time map.

mod common;

use common::table;
use rwt_core::vp::Betas;
use rwt_core::{Error, Outside, Time, TimeMap};

fn tables() -> Vec<Vec<f64>> {
    [Betas::Linear { first: 1e-4, last: 0.02 }, Betas::ScaledLinear { first: 0.00085, last: 0.012 }, Betas::Cosine]
        .into_iter()
        .map(|betas| {
            let mut sigmas = vec![0.0; 1000];
            betas.sigmas(&mut sigmas).unwrap();
            sigmas
        })
        .collect()
}

#[test]
fn time_is_the_inverse_of_the_table() {
    for sigmas in tables() {
        let map = TimeMap::new(&sigmas, Outside::Refuse).unwrap();
        for t in [0, 1, 500, 998, 999] {
            assert!((map.time(sigmas[t]).unwrap() - t as f64).abs() < 1e-9);
            assert_eq!(map.index(sigmas[t]), Ok(t));
            assert_eq!(map.sigma(t as f64), Ok(sigmas[t]));
        }
        assert!((map.time((sigmas[10] * sigmas[11]).sqrt()).unwrap() - 10.5).abs() < 1e-9);
        for time in [0.25, 17.9, 998.99] {
            assert!((map.time(map.sigma(time).unwrap()).unwrap() - time).abs() < 1e-9);
        }
    }
}

#[test]
fn outside_the_table_is_an_error_or_clamped_on_request() {
    let sigmas = table();
    let strict = TimeMap::new(&sigmas, Outside::Refuse).unwrap();
    for sigma in [0.001, 200.0, f64::INFINITY, f64::NAN, -1.0] {
        assert!(matches!(strict.time(sigma), Err(Error::Domain { .. })), "{sigma}");
        assert!(strict.index(sigma).is_err() && Time::Index(strict).of(sigma).is_err());
    }
    let clamped = TimeMap::new(&sigmas, Outside::Clamp).unwrap();
    assert_eq!((clamped.time(0.001), clamped.time(200.0)), (Ok(0.0), Ok(999.0)));
    assert!(clamped.time(f64::NAN).is_err() && clamped.time(-1.0).is_err());
    assert!(strict.sigma(-0.1).is_err() && strict.sigma(999.1).is_err() && clamped.sigma(f64::NAN).is_err());
    assert_eq!((clamped.sigma(-0.1), clamped.sigma(1e9)), (Ok(sigmas[0]), Ok(sigmas[999])));
}

#[test]
fn levels_are_snapped_and_duplicates_dropped() {
    let sigmas = table();
    let map = TimeMap::new(&sigmas, Outside::Refuse).unwrap();
    let between = (sigmas[5] * sigmas[6]).sqrt();
    let mut levels = [100.0, 1.0, between * 1.0001, between * 0.9999, sigmas[5] * 1.0001, sigmas[0]];
    let count = map.snap(&mut levels).unwrap();
    let indices: Vec<_> = levels[..count].iter().map(|&sigma| map.index(sigma).unwrap()).collect();
    assert_eq!(indices.len(), 5, "6, then 5 twice");
    assert_eq!(indices[2..], [6, 5, 0]);
    assert!(levels[..count].iter().all(|level| sigmas.contains(level)), "the table's own levels");
    // 200 geometric levels on a table that is coarse at its lower end
    let mut many: Vec<f64> = (0..200).map(|k| 157.0 * (0.0101f64 / 157.0).powf(f64::from(k) / 199.0)).collect();
    let count = map.snap(&mut many).unwrap();
    assert!(count < 200 && rwt_core::check_levels(&many[..count]).is_ok());
    assert_eq!(map.snap(&mut [1.0, 2.0]), Err(Error::Level { index: 1, found: 2.0, before: 1.0 }));
    let mut refused = [100.0, 0.001];
    assert!(map.snap(&mut refused).is_err());
    assert_eq!(refused, [100.0, 0.001], "nothing is written");
}

#[test]
fn rounding_the_time_alone_would_change_the_level_by_a_sixth() {
    // the reason why levels are snapped: MATH.md §3
    let sigmas = table();
    let map = TimeMap::new(&sigmas, Outside::Refuse).unwrap();
    let worst = (0..1000)
        .map(|k| 0.0101 * (0.02f64 / 0.0101).powf(f64::from(k) / 999.0))
        .map(|sigma| (sigmas[map.index(sigma).unwrap()] / sigma - 1.0).abs())
        .fold(0.0, f64::max);
    assert!((0.1..0.3).contains(&worst), "{worst}");
}

#[test]
fn a_table_is_resampled_at_equal_times() {
    for sigmas in tables() {
        let map = TimeMap::new(&sigmas, Outside::Refuse).unwrap();
        let mut levels = [0.0; 1000];
        map.levels(&mut levels).unwrap();
        assert!(levels.iter().zip(sigmas.iter().rev()).all(|(a, b)| a == b), "as many levels: the table itself");
        let mut few = [0.0; 10];
        map.levels(&mut few).unwrap();
        for (k, level) in few.iter().enumerate() {
            assert!((map.time(*level).unwrap() - 111.0 * (9 - k) as f64).abs() < 1e-9);
        }
        assert!(map.levels(&mut few[..1]).is_err());
    }
}

#[test]
fn every_convention_of_time() {
    let sigmas = table();
    let map = TimeMap::new(&sigmas, Outside::Refuse).unwrap();
    assert_eq!(Time::Sigma.of(0.3), Ok(0.3));
    assert_eq!(Time::LogSigma.of(0.3), Ok(0.3f64.ln()));
    assert_eq!(Time::QuarterLogSigma.of(0.3), Ok(0.3f64.ln() / 4.0));
    assert!(Time::LogSigma.of(-1.0).is_err() && Time::Sigma.of(f64::INFINITY).is_err());
    assert_eq!(Time::Integer(map).of(sigmas[17] * 1.001), Ok(17.0));
    assert!(Time::Index(map).of(sigmas[17] * 1.001).unwrap() > 17.0);
}

#[test]
fn levels_far_apart_have_a_time() {
    let map = TimeMap::new(&[1e-300, 1e300], Outside::Refuse).unwrap();
    assert!((map.time(1.0).unwrap() - 0.5).abs() < 1e-12 && (map.time(1e300).unwrap() - 1.0).abs() < 1e-12);
    assert!((map.sigma(0.5).unwrap() - 1.0).abs() < 1e-9);
}

#[test]
fn tables_that_are_none_are_refused() {
    for bad in [&[1.0][..], &[], &[1.0, 1.0], &[2.0, 1.0], &[0.0, 1.0], &[1.0, f64::NAN], &[1.0, f64::INFINITY]] {
        assert!(TimeMap::new(bad, Outside::Clamp).is_err(), "{bad:?}");
    }
}
