//! The fused update against the formula, term by term.

use rwt_core::{Error, Step, noise, update};

const N: usize = 150;

fn array(k: u32) -> Vec<f32> {
    let mut out = vec![0f32; N];
    noise::fill(1, 1, k, 0, &mut out);
    out
}

#[test]
fn the_update_is_the_formula() {
    let (x0, d, p, g, n) = (array(1), array(2), array(3), array(4), array(9));
    for bits in 0..32 {
        let c = |bit: u32, value: f64| if bits >> bit & 1 == 1 { value } else { 0.0 };
        let step = Step {
            x: c(0, 0.7),
            denoised: c(1, 0.4),
            previous: c(2, -0.3),
            gradient: c(3, 1.5),
            noise: c(4, 0.2),
            draw: 9,
            ..Step::default()
        };
        let mut x = x0.clone();
        update(&step, 1, 1, &mut x, &d, &p, &g).unwrap();
        for i in 0..N {
            let terms = [
                (step.x, x0[i]),
                (step.denoised, d[i]),
                (step.previous, p[i]),
                (step.gradient, g[i]),
                (step.noise, n[i]),
            ];
            let expected: f64 = terms.iter().map(|(c, v)| c * f64::from(*v)).sum();
            assert!((f64::from(x[i]) - expected).abs() < 1e-6, "element {i}: found {}, expected {expected}", x[i]);
        }
    }
}

#[test]
fn a_term_with_coefficient_zero_is_never_read() {
    let nan = vec![f32::NAN; N];
    let mut x = nan.clone();
    update(&Step { denoised: 1.0, ..Step::default() }, 0, 0, &mut x, &array(2), &nan, &[]).unwrap();
    assert_eq!(x, array(2));
    let mut x = nan.clone();
    update(&Step::start(2.0), 1, 1, &mut x, &[], &nan, &nan).unwrap();
    assert!(x.iter().all(|v| v.is_finite()));
    let mut x = nan;
    update(&Step::default(), 0, 0, &mut x, &[], &[], &[]).unwrap();
    assert!(x.iter().all(|v| *v == 0.0));
}

#[test]
fn an_array_of_another_length_is_refused_and_nothing_is_written() {
    let mut x = array(1);
    let step = Step { x: 0.5, gradient: 1.0, ..Step::default() };
    let result = update(&step, 0, 0, &mut x, &[], &[], &[0.0; 3]);
    assert_eq!(result, Err(Error::Length { name: "gradient", expected: N, found: 3 }));
    assert_eq!(x, array(1));
}
