//! Guided look-ahead against exact posteriors of mixtures: the distances that it is to keep, and no trouble elsewhere.

use rwt_tables::mixtures::{Instance, Method, Posterior, SAMPLES, distance};

#[test]
fn guided_look_ahead_keeps_its_distances_on_the_frozen_instances() {
    let frozen = Instance::frozen().unwrap();
    let measurements: Vec<usize> = frozen.iter().map(|instance| instance.y.len()).collect();
    assert_eq!(measurements, [1, 2, 4]);
    // one run's standard deviation is about 1, 0.2 and 0.2
    for (index, evaluations, runs, bound) in [(0, 100, 8, 9.0), (2, 100, 8, 2.0), (2, 1000, 4, 0.35)] {
        let found = distance(&frozen[index], Method::Gla, evaluations, runs).unwrap();
        assert!(found <= bound, "instance {index}, {evaluations} evaluations: {found}, at most {bound}");
    }
}

#[test]
fn the_floor_is_below_every_method() {
    for instance in Instance::frozen().unwrap() {
        let floor = distance(&instance, Method::Exact, 0, 2).unwrap();
        for method in [Method::Gla, Method::Preconditioned] {
            let found = distance(&instance, method, 100, 2).unwrap();
            assert!(floor < 5.0 && floor < found, "{method:?}: {found}, floor {floor}");
        }
    }
}

#[test]
fn other_instances_give_samples_that_fit_what_was_measured() {
    for (seed, measurements) in (0..4).flat_map(|seed| [1, 2, 4, 8].map(|m| (seed, m))) {
        let instance = Instance::random(seed, measurements);
        let n = instance.dimension();
        // the median of |y − A x|/η: chains that end in a wrong mode do not move it far
        let misfit = |samples: &[f32]| {
            let residuals = samples.chunks_exact(n).flat_map(|x| {
                let rows = instance.matrix.chunks_exact(n).zip(&instance.y);
                rows.map(|(row, y)| (f64::from(*y) - rwt_core::dot(row, x)).abs() / instance.eta)
            });
            let mut residuals: Vec<f64> = residuals.collect();
            residuals.sort_by(f64::total_cmp);
            residuals[residuals.len() / 2]
        };
        let exact = misfit(&Posterior::new(&instance).draw(1, SAMPLES));
        let found = misfit(&Method::Gla.sample(&instance, 100, 2).unwrap());
        assert!((found / exact - 1.0).abs() < 0.5, "seed {seed}, {measurements}: misfit {found}, exact {exact}");
    }
}
