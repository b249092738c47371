//! The noise of each level, by the variance that it leaves where nothing is measured and the prior is Gaussian: there
//! every step is linear, and the variance after it known.

use rwt_core::{Chain, Gaussian, Mask, Method, PosteriorWalk, Problem};

const PIXELS: usize = 40_000;
/// Few, so that each step's noise is a large part of what is left.
const LEVELS: [f64; 4] = [3.0, 1.5, 0.6, 0.2];
const VARIANCE: f64 = 0.5;

/// D(x, s) = c x.
fn shrink(s: f64) -> f64 {
    VARIANCE / (VARIANCE + s * s)
}

/// The variance over the pixels that were not measured.
fn sampled(method: Method) -> f64 {
    let mut kept = vec![0u8; PIXELS];
    kept[0] = 1;
    let mask = Mask::new(&kept, 1).unwrap();
    let y = vec![0.3; PIXELS];
    let problem = Problem::gaussian(&mask, &y, 0.1, 0.0, VARIANCE);
    let (mut x, mut workspace) = (vec![0.0; PIXELS], vec![0.0; problem.workspace_len(1)]);
    let (mean, variance) = (vec![0.0; PIXELS], vec![VARIANCE as f32; PIXELS]);
    let mut prior = Gaussian::new(&mean, &variance).unwrap();
    let walk = PosteriorWalk::new(&problem, &LEVELS, method, Chain { seed: 11, chain: 0 }, 1).unwrap();
    walk.run(&mut prior, &mut x, &mut workspace, |_| std::ops::ControlFlow::Continue(())).unwrap();
    x[1..].iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>() / (PIXELS - 1) as f64
}

/// Three standard errors.
fn check(name: &str, found: f64, expected: f64) {
    let error = f64::sqrt(2.0 / (PIXELS - 1) as f64);
    println!("{name}: {found:.5}, expected {expected:.5}: {:+.2} standard errors", (found / expected - 1.0) / error);
    assert!((found / expected - 1.0).abs() < 3.0 * error, "{name}: {found}, expected {expected}");
}

#[test]
fn guided_look_ahead_adds_the_noise_that_it_says() {
    let mut variance = LEVELS[0] * LEVELS[0];
    for pair in LEVELS.windows(2) {
        let w2 = (pair[0] * pair[0] + pair[1] * pair[1]) / 2.0;
        let c = shrink((pair[0] * pair[0] + w2).sqrt());
        variance = c * c * variance + (1.0 + c) * (1.0 + c) * w2; // z = c (x + w n) + w n
    }
    check("guided look-ahead", sampled(Method::GuidedLookAhead), shrink(LEVELS[3]).powi(2) * variance);
}

#[test]
fn the_preconditioned_walk_adds_the_noise_that_it_says() {
    let (epsilon, temperature) = (0.8, 0.7);
    let mut variance = LEVELS[0] * LEVELS[0];
    for s in &LEVELS[..3] {
        let kept = 1.0 + epsilon * (shrink(*s) - 1.0);
        variance = kept * kept * variance + 2.0 * epsilon * temperature * s * s;
    }
    let method = Method::Preconditioned { epsilon, temperature: Some(temperature) };
    check("preconditioned", sampled(method), shrink(LEVELS[3]).powi(2) * variance);
}
