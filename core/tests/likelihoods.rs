//! Counts and a caller's likelihood against numerical integration in one and two dimensions.

use rwt_core::{
    Chain, Denoiser, Dense, Error, Gaussian, Likelihood, LogLikelihood, Mask, Mixture, Moments, Operator, Poisson,
    Problem, Progress, Schedule, Transmission, WalkError, gla, preconditioned, template,
};
use std::ops::ControlFlow;

const CHAINS: usize = 2000;

fn go(_: Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum With {
    Gla,
    Preconditioned,
    Template,
}

/// Mean and standard deviation over chains.
fn sample<A: Operator, D: Denoiser<Error = std::convert::Infallible>>(
    problem: &Problem<'_, A>,
    with: With,
    sigma_max: f64,
    prior: &mut D,
) -> (Vec<f64>, Vec<f64>) {
    let count = match with {
        With::Gla => 50,
        With::Preconditioned => 200,
        With::Template => 750,
    };
    let mut levels = vec![0.0; count];
    Schedule::Geometric { sigma_max, sigma_min: problem.last_level() }.levels(&mut levels).unwrap();
    let n = problem.operator.image_len();
    let (mut mean, mut squares) = (vec![0.0; n], vec![0.0; n]);
    let mut moments = Moments::new(&mut mean, &mut squares).unwrap();
    let (mut x, mut workspace) = (vec![0f32; n], vec![f32::NAN; problem.workspace_len(1)]);
    for chain in 0..CHAINS as u64 {
        let (chain, x, w) = (Chain { seed: 5, chain }, &mut x[..], &mut workspace[..]);
        match with {
            With::Gla => gla(problem, &levels, chain, prior, x, w, go),
            With::Preconditioned => preconditioned(problem, &levels, 0.5, None, chain, prior, x, w, go),
            With::Template => template(problem, &levels, 0.3, 0.0, chain, prior, x, w, go),
        }
        .unwrap();
        moments.add(x).unwrap();
    }
    let std = (0..n).map(|i| moments.std(i)).collect();
    (mean, std)
}

/// Mean and standard deviation of the density exp(log) on a grid from −low to high in every dimension.
fn integrate(dimensions: usize, low: f64, high: f64, log: impl Fn(&[f64]) -> f64) -> (Vec<f64>, Vec<f64>) {
    let steps: usize = if dimensions == 1 { 20_000 } else { 600 };
    let point = |k: usize| -> Vec<f64> {
        (0..dimensions)
            .map(|d| low + (high - low) * ((k / steps.pow(d as u32) % steps) as f64 + 0.5) / steps as f64)
            .collect()
    };
    let logs: Vec<f64> = (0..steps.pow(dimensions as u32)).map(|k| log(&point(k))).collect();
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut total, mut mean, mut squares) = (0.0, vec![0.0; dimensions], vec![0.0; dimensions]);
    for (k, log) in logs.iter().enumerate() {
        let weight = (log - largest).exp();
        total += weight;
        for (d, x) in point(k).into_iter().enumerate() {
            mean[d] += weight * x;
            squares[d] += weight * x * x;
        }
    }
    let mean: Vec<f64> = mean.iter().map(|m| m / total).collect();
    let std = (0..dimensions).map(|d| (squares[d] / total - mean[d] * mean[d]).sqrt()).collect();
    (mean, std)
}

/// ln of a mixture's density: means of any dimension, a common variance.
fn log_mixture(means: &[f32], weights: &[f64], variance: f64, x: &[f64]) -> f64 {
    let one = |(mean, weight): (&[f32], &f64)| {
        let squares: f64 = mean.iter().zip(x).map(|(m, x)| (x - f64::from(*m)).powi(2)).sum();
        weight * (-squares / (2.0 * variance)).exp()
    };
    means.chunks(x.len()).zip(weights).map(one).sum::<f64>().ln()
}

/// Assert that samples agree: bias in posterior standard deviations, ratio of the deviations.
fn agree(name: &str, bars: (f64, f64), found: &(Vec<f64>, Vec<f64>), exact: &(Vec<f64>, Vec<f64>)) {
    for d in 0..exact.0.len() {
        let bias = (found.0[d] - exact.0[d]) / exact.1[d];
        let ratio = (found.1[d] / exact.1[d]).ln();
        println!("{name}: bias {bias:+.3}, log ratio {ratio:+.3}");
        assert!(bias.abs() < bars.0 && ratio.abs() < bars.1, "{name}, {d}: bias {bias}, log ratio of stds {ratio}");
    }
}

/// Bias in posterior standard deviations, and the logarithm of a ratio of deviations; a standard error is .022 and .016. The
/// explicit template's last step, without noise, takes a part of its spread away.
fn bars(with: With) -> (f64, f64) {
    if with == With::Template { (0.12, 0.2) } else { (0.12, 0.13) }
}

/// ln y! is left out.
fn log_poisson(y: f64, rate: f64) -> f64 {
    if y == 0.0 {
        -rate // on the other side of 0 too
    } else if rate > 0.0 {
        y * rate.ln() - rate
    } else {
        f64::NEG_INFINITY
    }
}

#[test]
fn a_count_of_a_pixel_is_posterior_to_numerical_integration() {
    let mask = Mask::new(&[1], 1).unwrap();
    for (peak, y) in [(4.0, 6.0), (20.0, 6.0), (20.0, 32.0), (200.0, 60.0), (200.0, 320.0)] {
        let background = [1.05 * peak as f32];
        let methods = [With::Gla, With::Preconditioned, With::Template];
        let likelihood = Likelihood::Poisson(Poisson { gain: peak, background: &background });
        let y = [y as f32];
        let problem = Problem { operator: &mask, y: &y, likelihood, mean: 0.0, variance: 0.25 };
        let exact = integrate(1, -1.05, 3.0, |x| {
            -x[0] * x[0] / 0.5 + log_poisson(f64::from(y[0]), peak * x[0] + f64::from(background[0]))
        });
        for with in &methods[..if y[0] == 32.0 { 3 } else { 2 }] {
            let found = sample(&problem, *with, 5.0, &mut Gaussian::new(&[0.0], &[0.25]).unwrap());
            agree(&format!("{with:?}, peak {peak}, y {}", y[0]), bars(*with), &found, &exact);
        }
    }
}

const MEANS: [f32; 6] = [-0.5, 0.3, 0.5, -0.2, 0.4, 0.6];
const WEIGHTS: [f64; 3] = [0.25, 0.5, 0.25];
const SPREAD: f64 = 0.03;

fn mixture() -> Mixture<'static> {
    Mixture::new(&[0.0, std::f64::consts::LN_2, 0.0], &MEANS, SPREAD).unwrap()
}

#[test]
fn counts_of_mixed_pixels_are_posterior_to_numerical_integration() {
    let matrix = [1.0, 0.6, 0.3, -0.8, 0.5, 0.5];
    let operator = Dense::new(&matrix, 3, 2).unwrap();
    let methods = [With::Gla, With::Preconditioned, With::Template];
    // many counts; few, and none
    for (gain, y, background) in
        [(20.0, [38.0, 18.0, 35.0], [24.0, 26.0, 25.0]), (3.0, [2.0, 0.0, 1.0], [4.0, 3.0, 3.5])]
    {
        let likelihood = Likelihood::Poisson(Poisson { gain, background: &background });
        let problem = Problem { operator: &operator, y: &y, likelihood, mean: 0.2, variance: 0.2 };
        let exact = integrate(2, -1.5, 1.8, |x| {
            let rate = |i: usize| {
                gain * (f64::from(matrix[2 * i]) * x[0] + f64::from(matrix[2 * i + 1]) * x[1])
                    + f64::from(background[i])
            };
            log_mixture(&MEANS, &WEIGHTS, SPREAD, x)
                + (0..3).map(|i| log_poisson(f64::from(y[i]), rate(i))).sum::<f64>()
        });
        for with in &methods[..if gain > 10.0 { 3 } else { 2 }] {
            agree(
                &format!("{with:?}, gain {gain}"),
                bars(*with),
                &sample(&problem, *with, 5.0, &mut mixture()),
                &exact,
            );
        }
    }
}

#[test]
fn counts_behind_an_absorber_are_posterior_to_numerical_integration() {
    let matrix = [1.0, 0.6, 0.3, 1.1];
    let operator = Dense::new(&matrix, 2, 2).unwrap();
    for blank in [20.0f32, 1000.0] {
        let (blank, background) = ([blank, 1.2 * blank], [1.0]);
        let y = [0, 1].map(|i| (blank[i] * (-[0.68f32, 0.48][i]).exp()).round());
        let likelihood = Likelihood::Transmission(Transmission { blank: &blank, background: &background });
        let problem = Problem { operator: &operator, y: &y, likelihood, mean: 0.5, variance: 0.09 };
        let exact = integrate(2, -1.0, 2.0, |x| {
            let one = |i: usize| {
                let v = f64::from(matrix[2 * i]) * x[0] + f64::from(matrix[2 * i + 1]) * x[1];
                log_poisson(f64::from(y[i]), f64::from(blank[i]) * (-v).exp() + 1.0)
            };
            -((x[0] - 0.5).powi(2) + (x[1] - 0.5).powi(2)) / 0.18 + one(0) + one(1)
        });
        for with in [With::Gla, With::Preconditioned, With::Template] {
            let found = sample(&problem, with, 5.0, &mut Gaussian::new(&[0.5; 2], &[0.09; 2]).unwrap());
            agree(&format!("{with:?}, blank {}", blank[0]), bars(with), &found, &exact);
        }
    }
}

/// Noise with outliers: Student's t with four degrees of freedom.
struct Student {
    scale: f64,
}

impl Student {
    fn log(&self, residual: f64) -> f64 {
        -2.5 * (1.0 + residual * residual / (4.0 * self.scale * self.scale)).ln()
    }
}

impl LogLikelihood for Student {
    fn derivatives(&self, y: &[f32], v: &mut [f32], information: &mut [f32]) {
        for ((v, y), information) in v.iter_mut().zip(y).zip(information) {
            let residual = f64::from(*y) - f64::from(*v);
            *v = (5.0 * residual / (4.0 * self.scale * self.scale + residual * residual)) as f32;
            *information = self.largest_information() as f32;
        }
    }

    fn largest_information(&self) -> f64 {
        5.0 / (7.0 * self.scale * self.scale)
    }
}

#[test]
fn a_callers_likelihood_is_posterior_to_numerical_integration() {
    let matrix = [1.0, 0.6, 0.3, -0.8, 0.5, 0.5];
    let (operator, y, student) = (Dense::new(&matrix, 3, 2).unwrap(), [0.5, 0.2, 0.1], Student { scale: 0.2 });
    let problem =
        Problem { operator: &operator, y: &y, likelihood: Likelihood::Own(&student), mean: 0.2, variance: 0.2 };
    let exact = integrate(2, -1.5, 1.8, |x| {
        let residual =
            |i: usize| f64::from(y[i]) - f64::from(matrix[2 * i]) * x[0] - f64::from(matrix[2 * i + 1]) * x[1];
        log_mixture(&MEANS, &WEIGHTS, SPREAD, x) + (0..3).map(|i| student.log(residual(i))).sum::<f64>()
    });
    for with in [With::Gla, With::Preconditioned, With::Template] {
        // not concave: what guided look-ahead believes of the tails is a parabola
        agree(&format!("{with:?}"), (0.16, 0.28), &sample(&problem, with, 5.0, &mut mixture()), &exact);
    }
}

#[test]
fn deviations_are_in_units_of_their_own() {
    let deviations = |likelihood: Likelihood<'_>| {
        let (mut v, mut scratch) = ([0.5f32, 1.0], [0.0; 2]);
        likelihood.standardise(&[9.0, 4.0], &mut v, &mut scratch).unwrap();
        v
    };
    let near = |found: [f32; 2], expected: [f64; 2]| {
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((f64::from(found) - expected).abs() < 1e-5, "{found} {expected}");
        }
    };
    near(deviations(Likelihood::Gaussian { eta: 0.5 }), [17.0, 6.0]);
    // rates 12 and 17; 10 e^−½ + 2 and 20 e^−1 + 2
    near(
        deviations(Likelihood::Poisson(Poisson { gain: 10.0, background: &[7.0] })),
        [-3.0 / 12f64.sqrt(), -13.0 / 17f64.sqrt()],
    );
    // a rate that cannot be, and no count: finite
    near(
        deviations(Likelihood::Poisson(Poisson { gain: 2.0, background: &[-1.5] })),
        [9.5 / 0.5f64.sqrt(), 3.5 / 0.5f64.sqrt()],
    );
    let rates = [10.0 * (-0.5f64).exp() + 2.0, 20.0 * (-1f64).exp() + 2.0];
    near(
        deviations(Likelihood::Transmission(Transmission { blank: &[10.0, 20.0], background: &[2.0] })),
        [(9.0 - rates[0]) / rates[0].sqrt(), (4.0 - rates[1]) / rates[1].sqrt()],
    );
}

#[test]
fn likelihoods_that_cannot_be_are_refused_by_name() {
    let mask = Mask::new(&[1, 1], 1).unwrap();
    let check = |y: &[f32], likelihood: Likelihood<'_>| {
        let problem = Problem { operator: &mask, y, likelihood, mean: 0.0, variance: 1.0 };
        let (mut x, mut w) = ([0.0; 2], vec![0.0; problem.workspace_len(1)]);
        let mut prior = Gaussian::new(&[0.0; 2], &[1.0; 2]).unwrap();
        gla(&problem, &[1.0, 0.1], Chain { seed: 0, chain: 0 }, &mut prior, &mut x, &mut w, go)
    };
    let poisson = |gain, background| Likelihood::Poisson(Poisson { gain, background });
    let absorbed = |blank, background| Likelihood::Transmission(Transmission { blank, background });
    let y = [3.0, 0.0];
    check(&y, poisson(2.0, &[4.0])).unwrap();
    check(&y, absorbed(&[5.0], &[0.0])).unwrap();
    let cases: [(&str, Result<(), _>); 9] = [
        ("gain", check(&y, poisson(0.0, &[4.0]))),
        ("gain", check(&y, poisson(f64::NAN, &[4.0]))),
        ("background", check(&y, poisson(1.0, &[-1.0]))),
        ("background", check(&y, poisson(1.0, &[1.0; 3]))),
        ("blank", check(&y, absorbed(&[0.0], &[0.0]))),
        ("blank", check(&y, absorbed(&[], &[0.0]))),
        ("background", check(&y, absorbed(&[1.0; 2], &[f32::INFINITY]))),
        ("y", check(&[-1.0, 2.0], poisson(1.0, &[4.0]))),
        ("largest information", check(&y, Likelihood::Own(&Student { scale: f64::INFINITY }))),
    ];
    for (expected, found) in cases {
        match found {
            Err(WalkError::Plan(Error::Parameter { name, .. } | Error::Length { name, .. })) => {
                assert_eq!(name, expected);
            }
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn a_likelihood_that_breaks_stops_every_method() {
    struct Breaks;
    impl LogLikelihood for Breaks {
        fn derivatives(&self, _: &[f32], _: &mut [f32], information: &mut [f32]) {
            information.fill(-1.0);
        }
        fn largest_information(&self) -> f64 {
            1.0
        }
    }
    let mask = Mask::new(&[1, 1], 1).unwrap();
    let problem =
        Problem { operator: &mask, y: &[0.0; 2], likelihood: Likelihood::Own(&Breaks), mean: 0.0, variance: 1.0 };
    let (levels, chain, mut prior) =
        ([2.0, 1.0, 0.1], Chain { seed: 0, chain: 0 }, Gaussian::new(&[0.0; 2], &[1.0; 2]).unwrap());
    let (mut x, mut w) = ([0.0; 2], vec![0.0; problem.workspace_len(1)]);
    for found in [
        gla(&problem, &levels, chain, &mut prior, &mut x, &mut w, go),
        preconditioned(&problem, &levels, 0.5, None, chain, &mut prior, &mut x, &mut w, go),
        template(&problem, &levels, 0.5, 0.0, chain, &mut prior, &mut x, &mut w, go),
    ] {
        assert!(matches!(found, Err(WalkError::NotFinite { .. })), "{found:?}");
    }
}
