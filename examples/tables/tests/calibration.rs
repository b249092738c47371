//! Ranks, coverage, bias and spread of guided look-ahead over operators, and that mistakes are seen by them.

use rwt_tables::calibration::{Calibration, Case, Told, calibrate, cases};

fn case(name: &str) -> Case {
    cases().unwrap().into_iter().find(|case| case.name == name).unwrap()
}

fn run(case: &Case, eta: f64, told: Told, repetitions: u32) -> Calibration {
    calibrate(case, eta, told, repetitions, 1, || ()).unwrap()
}

/// What is wrong, if anything: beyond 4 standard errors, and beyond what 50 levels leave (2 % of a coverage, 0.12
/// posterior standard deviations, 5 % of a spread).
fn fault(found: &Calibration) -> Option<String> {
    let (coverage, error) = found.coverage;
    let z = found.single.chi2().unwrap().z();
    if (coverage - 0.9).abs() > 4.0 * error + 0.02 {
        Some(format!("coverage {coverage} ± {error}"))
    } else if z > 4.0 {
        Some(format!("z of the ranks' chi^2 {z}"))
    } else if found.bias > 0.12 {
        Some(format!("bias {}", found.bias))
    } else if (found.spread - 1.0).abs() > 0.05 {
        Some(format!("spread {}", found.spread))
    } else {
        None
    }
}

#[test]
fn guided_look_ahead_is_calibrated_for_every_operator() {
    for case in cases().unwrap().iter().filter(|case| case.name != "mixture") {
        for eta in [0.2, 0.01] {
            let found = run(case, eta, Told::Right, 100);
            assert_eq!(fault(&found), None, "{}, eta {eta}: {found:?}", case.name);
        }
    }
}

#[test]
fn a_wrong_eta_is_seen_where_the_prior_has_a_say() {
    for name in ["mask", "blur"] {
        for factor in [0.5, 2.0] {
            let found = run(&case(name), 0.05, Told::Eta(factor), 100);
            let fault = fault(&found).unwrap_or_default();
            assert!(fault.starts_with("coverage"), "{name}, told {factor} eta: {found:?}");
        }
    }
    // 12 well-conditioned numbers of 36 pixels: what the data know is known far better than what they do not, whatever is told
    assert_eq!(fault(&run(&case("dense"), 0.05, Told::Eta(0.5), 100)), None);
}

#[test]
fn chains_of_the_same_numbers_on_two_machines_are_seen() {
    let found = run(&case("mask"), 0.2, Told::SameChains, 100);
    // 10 samples, 9 of them twice: outside all of them in 2 of 11, not of 20
    let (coverage, error) = found.coverage;
    assert!((coverage - 9.0 / 11.0).abs() < 4.0 * error + 0.02, "{coverage} ± {error}");
    assert!(fault(&found).unwrap_or_default().starts_with("coverage"));
}

#[test]
fn a_mixture_of_narrow_modes_is_where_calibration_ends() {
    let found = run(&case("mixture"), 0.05, Told::Right, 100);
    assert!(found.bias > 0.2 && found.spread > 1.2, "{found:?}");
    assert!(fault(&found).is_some());
}

#[test]
fn the_result_is_that_of_the_seed() {
    let case = case("dense");
    let (first, second) = (run(&case, 0.2, Told::Right, 8), run(&case, 0.2, Told::Right, 8));
    assert_eq!((first.ranks, first.bias, first.spread), (second.ranks, second.bias, second.spread));
    assert_ne!(first.ranks, calibrate(&case, 0.2, Told::Right, 8, 2, || ()).unwrap().ranks);
    assert!(calibrate(&case, 0.2, Told::Right, 1, 1, || ()).is_err());
    assert!(calibrate(&case, f64::NAN, Told::Right, 8, 1, || ()).is_err());
}
