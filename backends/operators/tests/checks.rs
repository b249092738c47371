//! Every operator passes the test that users run on their own, solves what it says, and refuses what cannot be.

use rwt_core::{Dense, Error, Mask, Operator, check_len, check_operator, dot, noise};
use rwt_operators::{
    Averages, Blocks, Composed, Convolution, Filter, Fourier, PeriodicBlur, Phase, Radon, Scaled, Separable, Sparse,
    Stacked, Weighted,
};

const KERNEL: [f32; 15] = [0.05, 0.1, 0.02, 0.0, 0.1, 0.1, 0.2, 0.15, 0.05, 0.03, 0.0, 0.05, 0.1, 0.05, 0.0];

fn normal(n: usize, draw: u32) -> Vec<f32> {
    let mut values = vec![0.0; n];
    noise::fill(5, 0, draw, 0, &mut values);
    values
}

/// One of each kind, with a name.
fn operators() -> Vec<(&'static str, Box<dyn Operator>)> {
    let mask: Vec<u8> = normal(60, 1).iter().map(|v| u8::from(*v > 0.0)).collect();
    let blur = |n| Filter::blur(n, &[0.1, 0.3, 0.4, 0.15, 0.05]).unwrap();
    let sparse = Sparse::new(7, &[0, 2, 2, 5], &[1, 4, 0, 6, 2], &[0.5, -1.0, 2.0, 0.3, 0.1]).unwrap();
    let angles: Vec<f64> = (0..5).map(f64::from).collect();
    vec![
        ("averages", Box::new(Averages::new(2, 6, 9, 3).unwrap())),
        ("bicubic ×2", Box::new(Separable::bicubic(3, 8, 12, 2).unwrap())),
        ("bicubic ×3", Box::new(Separable::bicubic(1, 9, 12, 3).unwrap())),
        ("bicubic ×4", Box::new(Separable::bicubic(1, 8, 12, 4).unwrap())),
        ("separable blur", Box::new(Separable::new(2, blur(7), blur(9)).unwrap())),
        ("convolution", Box::new(Convolution::new(2, 6, 10, &KERNEL, [3, 5]).unwrap())),
        ("convolution, kernel larger than the image", Box::new(Convolution::new(1, 2, 1, &KERNEL, [5, 3]).unwrap())),
        ("periodic blur", Box::new(PeriodicBlur::new(2, 6, 10, &KERNEL, [3, 5]).unwrap())),
        ("Fourier", Box::new(Fourier::new(6, 10, &mask).unwrap())),
        ("Fourier, coils", Box::new(Fourier::with_coils(6, 10, &mask, &normal(3 * 120, 2)).unwrap())),
        ("Radon", Box::new(Radon::new(2, 9, 7, &angles, 11).unwrap())),
        ("sparse", Box::new(sparse)),
        ("composed", {
            let blur = PeriodicBlur::new(1, 6, 9, &KERNEL, [3, 5]).unwrap();
            Box::new(Composed::new(Averages::new(1, 6, 9, 3).unwrap(), blur).unwrap())
        }),
        ("stacked", {
            let blur = PeriodicBlur::new(1, 6, 9, &KERNEL, [3, 5]).unwrap();
            Box::new(Stacked::new(blur, Averages::new(1, 6, 9, 3).unwrap()).unwrap())
        }),
        ("phase", Box::new(Phase::new(6, 10, &normal(60, 4)).unwrap())),
        ("blocks, each with a closed form", {
            let mask: Vec<u8> = mask.iter().map(|kept| 1 - kept).collect();
            let blocks = [Fourier::new(6, 10, &[1; 60]).unwrap(), Fourier::new(6, 10, &mask).unwrap()];
            Box::new(Blocks::new(blocks.to_vec()).unwrap())
        }),
        ("blocks of different lengths", {
            let block = |size, factor| {
                let blur = PeriodicBlur::new(1, size, 9, &KERNEL, [3, 5]).unwrap();
                Composed::new(Averages::new(1, size, 9, factor).unwrap(), blur).unwrap()
            };
            Box::new(Blocks::new(vec![block(6, 3), block(9, 1)]).unwrap())
        }),
        ("weighted", {
            let weights: Vec<f32> = (0..54).map(|i| (i % 4) as f32 * 0.5).collect();
            Box::new(Weighted::new(PeriodicBlur::new(1, 6, 9, &KERNEL, [3, 5]).unwrap(), &weights).unwrap())
        }),
        ("scaled", Box::new(Scaled::new(PeriodicBlur::new(1, 6, 9, &KERNEL, [3, 5]).unwrap(), -2.5).unwrap())),
    ]
}

#[test]
fn adjoints_and_norms_are_right() {
    for (name, operator) in operators() {
        let mut workspace = vec![f32::NAN; check_len(&*operator)];
        let report = check_operator(&*operator, &mut workspace).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(report.adjoint_error < 1e-6, "{name}: {report:?}");
        assert!(report.norm > 0.2 * operator.norm(), "{name}: {report:?}, it says {}", operator.norm());
    }
}

#[test]
fn solves_solve() {
    for (name, operator) in operators() {
        let (noise_variance, q) = (0.3, 0.5);
        let r = normal(operator.measurement_len(), 3);
        let mut solved = r.clone();
        let mut scratch = vec![f32::NAN; operator.solve_len().max(operator.scratch_len())];
        let left = operator.solve(noise_variance, q, &mut solved, &mut scratch);
        // (η² + q A Aᵀ) solved = r, where something is measured
        let (mut back, mut forth) = (vec![0.0; operator.image_len()], vec![0.0; r.len()]);
        operator.adjoint(&solved, &mut back, &mut scratch);
        operator.apply(&back, &mut forth, &mut scratch);
        let error = |i: usize| f64::from(r[i]) - noise_variance * f64::from(solved[i]) - q * f64::from(forth[i]);
        let squares: f64 = (0..r.len()).filter(|&i| solved[i] != 0.0).map(|i| error(i) * error(i)).sum();
        let relative = (squares / dot(&r, &r)).sqrt();
        assert!(relative < 0.02 && left < 0.02, "{name}: {relative} is left, it says {left}");
        assert!(
            left == 0.0 || (relative / left - 1.0).abs() < 0.3 || left < 1e-5,
            "{name}: {relative}, it says {left}"
        );
    }
}

#[test]
fn blocks_say_what_all_of_them_left() {
    let radon = |angles: &[f64]| Radon::new(1, 9, 7, angles, 11).unwrap();
    let blocks = Blocks::new(vec![radon(&[0.0, 0.5, 1.0, 2.0]), radon(&[0.3])]).unwrap();
    let (noise_variance, q) = (1e-3, 0.5);
    let r = normal(blocks.measurement_len(), 6);
    let mut solved = r.clone();
    let mut scratch = vec![f32::NAN; blocks.solve_len()];
    let left = blocks.solve(noise_variance, q, &mut solved, &mut scratch);
    let (mut back, mut forth) = (vec![0.0; blocks.image_len()], vec![0.0; r.len()]);
    blocks.adjoint(&solved, &mut back, &mut scratch);
    blocks.apply(&back, &mut forth, &mut scratch);
    let error = |i: usize| f64::from(r[i]) - noise_variance * f64::from(solved[i]) - q * f64::from(forth[i]);
    let squares: f64 = (0..r.len()).map(|i| error(i) * error(i)).sum();
    let expected = (squares / dot(&r, &r)).sqrt();
    assert!(expected > 1e-3 && (left / expected - 1.0).abs() < 0.02, "it says {left}, {expected} is left");
}

/// A and its adjoint, which are wrong in a way of choice.
struct Wrong {
    transposed: [f32; 6],
    norm: f64,
}

impl Operator for Wrong {
    fn image_len(&self) -> usize {
        3
    }

    fn measurement_len(&self) -> usize {
        2
    }

    fn apply(&self, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        Dense::new(&[1.0, 2.0, 3.0, -1.0, 0.5, 2.0], 2, 3).unwrap().apply(x, y, scratch);
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], scratch: &mut [f32]) {
        Dense::new(&self.transposed, 3, 2).unwrap().apply(y, x, scratch);
    }

    fn norm(&self) -> f64 {
        self.norm
    }
}

#[test]
fn a_wrong_adjoint_norm_or_value_is_found() {
    let right = Wrong { transposed: [1.0, -1.0, 2.0, 0.5, 3.0, 2.0], norm: 4.2 };
    let check = |operator: &Wrong| check_operator(operator, &mut vec![0.0; check_len(operator)]);
    let report = check(&right).unwrap();
    assert!((report.norm - 4.129246).abs() < 1e-3, "{report:?}"); // numpy.linalg.norm(A, 2)
    for (place, value) in [(0, 1.001), (3, -0.5), (5, f32::NAN)] {
        let mut wrong = Wrong { ..right };
        wrong.transposed[place] = value;
        let error = check(&wrong).unwrap_err();
        assert!(matches!(error, Error::Operator { .. }), "{error}");
    }
    let error = check(&Wrong { norm: 3.0, ..right }).unwrap_err().to_string();
    assert!(error.contains("the norm that it says") && error.contains("found 3"), "{error}");
    assert!(matches!(check_operator(&right, &mut [0.0; 3]), Err(Error::Length { .. })));
}

#[test]
fn what_cannot_be_is_refused() {
    let nan = [f32::NAN; 15];
    assert!(
        Averages::new(1, 6, 8, 3).is_err() && Averages::new(1, 6, 6, 0).is_err() && Averages::new(0, 2, 2, 1).is_err()
    );
    assert!(Filter::blur(5, &[0.5, 0.5]).is_err() && Filter::blur(0, &[1.0]).is_err());
    assert!(Filter::bicubic(10, 3).is_err() && Filter::bicubic(0, 2).is_err() && Filter::bicubic(4, 0).is_err());
    assert!(Separable::bicubic(0, 4, 4, 2).is_err() && Separable::bicubic(usize::MAX, 4, 4, 2).is_err());
    assert!(Convolution::new(1, 4, 4, &KERNEL, [3, 4]).is_err() && Convolution::new(1, 4, 4, &nan, [3, 5]).is_err());
    assert!(PeriodicBlur::new(1, 2, 9, &KERNEL, [3, 5]).is_err() && PeriodicBlur::new(1, 9, 9, &nan, [3, 5]).is_err());
    assert!(Fourier::new(4, 4, &[1; 15]).is_err() && Fourier::with_coils(2, 2, &[1; 4], &[0.0; 12]).is_err());
    assert!(Radon::new(1, 4, 4, &[], 5).is_err() && Radon::new(1, 4, 4, &[f64::NAN], 5).is_err());
    assert!(Radon::new(1, 4, 4, &[0.0], 0).is_err() && Radon::new(1, 4, 4, &[0.0], usize::MAX).is_err());
    let sparse = |starts: &[usize], places: &[u32]| Sparse::new(3, starts, places, &[1.0, 2.0]).is_err();
    assert!(!sparse(&[0, 1, 2], &[0, 2]));
    assert!(sparse(&[0, 2, 1], &[0, 2]) && sparse(&[1, 2], &[0, 2]) && sparse(&[0, 2], &[0, 3]) && sparse(&[], &[]));
    let mask = Mask::new(&[1; 4], 1).unwrap();
    assert!(Composed::new(mask, Averages::new(1, 2, 2, 2).unwrap()).is_err());
    for weights in [&[1.0; 3][..], &[0.0; 4], &[1.0, -1.0, 1.0, 1.0], &[1.0, f32::NAN, 1.0, 1.0]] {
        assert!(Weighted::new(mask, weights).is_err(), "{weights:?}");
    }
    assert!(Blocks::<Averages>::new(Vec::new()).is_err() && Phase::none(0, 4).is_err());
    assert!(Phase::new(2, 2, &[0.0; 3]).is_err() && Phase::new(1, 2, &[0.0, f32::NAN]).is_err());
    assert!(Stacked::new(mask, Averages::new(1, 2, 4, 2).unwrap()).is_err() && Scaled::new(mask, 0.0).is_err());
}
