//! Conditional sampling against exact posteriors, in standard errors and posterior standard deviations.

use rwt_core::{
    Chain, Denoiser, Dense, Error, Gaussian, Likelihood, Mask, Mixture, Operator, Problem, Progress, Schedule,
    WalkError, dot, gla, preconditioned, template,
};
use std::ops::ControlFlow;

const D: usize = 16;

fn go(_: Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn levels(count: usize, sigma_max: f64, sigma_min: f64) -> Vec<f64> {
    let mut levels = vec![0.0; count];
    Schedule::Geometric { sigma_max, sigma_min }.levels(&mut levels).unwrap();
    levels
}

/// Mean and variance of each element over chains.
fn moments<A: Operator>(
    operator: &A,
    chains: u64,
    mut draw: impl FnMut(Chain, &mut [f32], &mut [f32]),
) -> (Vec<f64>, Vec<f64>) {
    let n = operator.image_len();
    let (mut mean, mut squares) = (vec![0.0; n], vec![0.0; n]);
    let mut moments = rwt_core::Moments::new(&mut mean, &mut squares).unwrap();
    let room = Problem::gaussian(operator, &[], 1.0, 0.0, 1.0).workspace_len(1);
    let (mut x, mut workspace) = (vec![0f32; n], vec![0f32; room]);
    for chain in 0..chains {
        draw(Chain { seed: 11, chain }, &mut x, &mut workspace);
        moments.add(&x).unwrap();
    }
    let variance = (0..n).map(|i| moments.std(i).powi(2)).collect();
    (mean, variance)
}

/// Two modes in 16 dimensions, half of the elements measured: the exact posterior.
struct Bimodal {
    means: [f32; 2 * D],
    mask: [u8; D],
    y: [f32; D],
    eta: f64,
}

const SPREAD: f64 = 0.04; // variance of a mode

impl Bimodal {
    fn new(eta: f64) -> Self {
        let means = std::array::from_fn(|i| {
            let wave = ((i % D) as f32 * 0.7).sin() * 0.5;
            if i < D { 0.25 + wave } else { -0.25 - 0.4 * wave }
        });
        let mask = std::array::from_fn(|i| u8::from(i % 2 == 0));
        // between the modes, so that both keep weight
        let y = std::array::from_fn(|i| 0.5 * (means[i] + means[D + i]) + 0.03 * (i as f32 * 1.9).cos());
        Self { means, mask, y, eta }
    }

    /// Weights of the modes given y, and mean and variance of each element.
    fn exact(&self) -> ([f64; 2], Vec<f64>, Vec<f64>) {
        let eta2 = self.eta * self.eta;
        let log: [f64; 2] = std::array::from_fn(|k| {
            (0..D)
                .filter(|i| self.mask[*i] != 0)
                .map(|i| -f64::from(self.y[i] - self.means[k * D + i]).powi(2) / (2.0 * (SPREAD + eta2)))
                .sum()
        });
        let weight = 1.0 / (1.0 + (log[1] - log[0]).exp());
        let weights = [weight, 1.0 - weight];
        let (mut mean, mut variance) = (vec![0.0; D], vec![0.0; D]);
        for i in 0..D {
            let gain = if self.mask[i] != 0 { SPREAD / (SPREAD + eta2) } else { 0.0 };
            let m: [f64; 2] = std::array::from_fn(|k| {
                let m = f64::from(self.means[k * D + i]);
                m + gain * (f64::from(self.y[i]) - m)
            });
            mean[i] = weights[0] * m[0] + weights[1] * m[1];
            variance[i] = (1.0 - gain) * SPREAD + weights[0] * weights[1] * (m[0] - m[1]).powi(2);
        }
        (weights, mean, variance)
    }

    fn problem<'a>(&'a self, operator: &'a Mask<'a>) -> Problem<'a, Mask<'a>> {
        Problem::gaussian(operator, &self.y, self.eta, 0.0, 0.15)
    }
}

/// Root mean square over elements of the bias in posterior standard deviations, and the largest ratio of deviations.
fn distance(found: &(Vec<f64>, Vec<f64>), mean: &[f64], variance: &[f64]) -> (f64, f64) {
    let bias = (0..mean.len()).map(|i| (found.0[i] - mean[i]).powi(2) / variance[i]).sum::<f64>() / mean.len() as f64;
    let ratio = (0..mean.len()).map(|i| (found.1[i] / variance[i]).ln().abs() / 2.0).fold(0.0, f64::max);
    (bias.sqrt(), ratio)
}

#[test]
fn gla_samples_a_mixtures_posterior() {
    for eta in [0.2, 0.05] {
        let bimodal = Bimodal::new(eta);
        let (_, mean, variance) = bimodal.exact();
        let mask = Mask::new(&bimodal.mask, 1).unwrap();
        let mut prior = Mixture::new(&[0.0, 0.0], &bimodal.means, SPREAD).unwrap();
        let levels = levels(50, 10.0, eta / 5.0);
        let found = moments(&mask, 2000, |chain, x, workspace| {
            gla(&bimodal.problem(&mask), &levels, chain, &mut prior, x, workspace, go).unwrap();
        });
        let (bias, ratio) = distance(&found, &mean, &variance);
        println!("gla, eta {eta}: bias {bias:.3}, log ratio {ratio:.3}");
        assert!(bias < 0.1 && ratio < 0.15, "eta {eta}: bias {bias}, log ratio of deviations {ratio}");
    }
}

/// Gaussian prior N(m, v): each measured element has an exact Gaussian posterior.
fn gaussian_case(
    name: &str,
    bars: (f64, f64),
    eta: f64,
    run: impl Fn(&Problem<'_, Mask<'_>>, Chain, &mut [f32], &mut [f32]),
) {
    let mask: [u8; D] = std::array::from_fn(|i| u8::from(i < 8));
    let y: [f32; D] = std::array::from_fn(|i| 0.1 * i as f32);
    let operator = Mask::new(&mask, 1).unwrap();
    let problem = Problem::gaussian(&operator, &y, eta, 0.3, 0.25);
    let gain = |i: usize| if mask[i] != 0 { 0.25 / (0.25 + eta * eta) } else { 0.0 };
    let mean: Vec<f64> = (0..D).map(|i| 0.3 + gain(i) * (f64::from(y[i]) - 0.3)).collect();
    let variance: Vec<f64> = (0..D).map(|i| (1.0 - gain(i)) * 0.25).collect();
    let found = moments(&operator, 3000, |chain, x, workspace| run(&problem, chain, x, workspace));
    let (bias, ratio) = distance(&found, &mean, &variance);
    println!("{name}, eta {eta}: bias {bias:.3}, log ratio {ratio:.3}");
    assert!(bias < bars.0 && ratio < bars.1, "{name}, eta {eta}: bias {bias}, log ratio of deviations {ratio}");
}

#[test]
fn every_method_samples_a_gaussians_posterior() {
    let prior = || Gaussian::new(&[0.3; D], &[0.25; D]).unwrap();
    // 3000 chains: 0.018 posterior standard deviations and a log ratio of 0.013 are one standard error an element
    for eta in [0.2, 0.05] {
        let short = levels(50, 10.0, eta / 5.0);
        gaussian_case("gla", (0.05, 0.1), eta, |p, c, x, w| gla(p, &short, c, &mut prior(), x, w, go).unwrap());
        let long = levels(200, 10.0, eta / 5.0);
        gaussian_case("preconditioned", (0.08, 0.15), eta, |p, c, x, w| {
            preconditioned(p, &long, 0.5, None, c, &mut prior(), x, w, go).unwrap();
        });
    }
    let paper = levels(750, 10.0, 0.04);
    gaussian_case("template", (0.08, 0.17), 0.2, |p, c, x, w| {
        template(p, &paper, 0.77683, 0.0, c, &mut prior(), x, w, go).unwrap();
    });
}

#[test]
fn a_dense_operator_is_solved_by_conjugate_gradients() {
    // y = A x with two rows over four correlated answers; the exact posterior by the 2 × 2 inverse
    let (matrix, eta) = ([1.0f32, 0.5, 0.0, -0.5, 0.0, 1.0, 1.0, 0.0], 0.1);
    let a = Dense::new(&matrix, 2, 4).unwrap();
    let y = [0.4f32, -0.3];
    let problem = Problem::gaussian(&a, &y, eta, 0.0, 0.25);
    let s = |i: usize, j: usize| {
        0.25 * dot(&matrix[4 * i..4 * i + 4], &matrix[4 * j..4 * j + 4]) + if i == j { eta * eta } else { 0.0 }
    };
    let determinant = s(0, 0) * s(1, 1) - s(0, 1) * s(1, 0);
    let inverse = [[s(1, 1) / determinant, -s(0, 1) / determinant], [-s(1, 0) / determinant, s(0, 0) / determinant]];
    let gain = |i: usize, k: usize| (0..2).map(|j| 0.25 * f64::from(matrix[4 * j + i]) * inverse[j][k]).sum::<f64>();
    let mean: Vec<f64> = (0..4).map(|i| (0..2).map(|k| gain(i, k) * f64::from(y[k])).sum()).collect();
    let variance: Vec<f64> =
        (0..4).map(|i| 0.25 - (0..2).map(|k| gain(i, k) * 0.25 * f64::from(matrix[4 * k + i])).sum::<f64>()).collect();
    let levels = levels(50, 10.0, eta / 5.0);
    let found = moments(&a, 3000, |chain, x, workspace| {
        gla(&problem, &levels, chain, &mut Gaussian::new(&[0.0; 4], &[0.25; 4]).unwrap(), x, workspace, go).unwrap();
    });
    let (bias, ratio) = distance(&found, &mean, &variance);
    println!("dense: bias {bias:.3}, log ratio {ratio:.3}");
    assert!(bias < 0.1 && ratio < 0.15, "bias {bias}, log ratio of deviations {ratio}");
    let (image, data) = ([0.3f32, -1.0, 0.7, 0.2], [1.5f32, -0.4]);
    let (mut ax, mut aty) = ([0f32; 2], [0f32; 4]);
    a.apply(&image, &mut ax, &mut []);
    a.adjoint(&data, &mut aty, &mut []);
    assert!((dot(&ax, &data) - dot(&image, &aty)).abs() < 1e-6);
    assert!(a.norm() >= dot(&ax, &ax).sqrt() / dot(&image, &image).sqrt());
}

#[test]
fn bad_problems_are_refused_before_the_first_evaluation() {
    let mask = Mask::new(&[1, 0, 1, 1], 1).unwrap();
    let good = Problem::gaussian(&mask, &[0.0; 4], 0.1, 0.0, 0.25);
    let mut never = |_: &[f32], _: f64, _: &mut [f32]| -> Result<(), ()> { panic!("evaluated") };
    let (chain, fine) = (Chain { seed: 0, chain: 0 }, levels(5, 1.0, 0.01));
    let mut try_it = |problem: &Problem<'_, Mask<'_>>, levels: &[f64], n: usize, workspace: usize| {
        let result = gla(problem, levels, chain, &mut never, &mut vec![0.0; n], &mut vec![0.0; workspace], go);
        assert!(matches!(result, Err(WalkError::Plan(_))), "{result:?}");
    };
    let room = good.workspace_len(1);
    let noise = |eta| Likelihood::Gaussian { eta };
    try_it(&Problem { likelihood: noise(0.0), ..good }, &fine, 4, room);
    try_it(&Problem { likelihood: noise(f64::NAN), ..good }, &fine, 4, room);
    try_it(&Problem { variance: -1.0, ..good }, &fine, 4, room);
    try_it(&Problem { y: &[0.0; 3], ..good }, &fine, 4, room);
    try_it(&Problem { y: &[0.0, f32::NAN, 0.0, 0.0], ..good }, &fine, 4, room);
    try_it(&good, &fine, 5, room);
    try_it(&good, &fine, 4, room - 1);
    try_it(&good, &[1.0], 4, room);
    try_it(&good, &[1.0, 1.0], 4, room);
    assert!(matches!(Mask::new(&[], 1), Err(Error::Parameter { .. })));
    assert!(Dense::new(&[1.0; 3], 2, 2).is_err());
}

#[test]
fn a_cancelled_chain_and_a_broken_denoiser_say_where() {
    let mask = Mask::new(&[1, 0], 1).unwrap();
    let problem = Problem::gaussian(&mask, &[0.1, 0.0], 0.1, 0.0, 0.25);
    let mut x = [0.0; 2];
    let mut workspace = vec![0.0; problem.workspace_len(1)];
    let (chain, levels) = (Chain { seed: 0, chain: 0 }, levels(10, 5.0, 0.02));
    let mut prior = Gaussian::new(&[0.0; 2], &[0.25; 2]).unwrap();
    let stop = |p: Progress<'_>| if p.evaluations == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let result = gla(&problem, &levels, chain, &mut prior, &mut x, &mut workspace, stop);
    assert_eq!(result, Err(WalkError::Cancelled { row: 3 }));
    let mut broken = |x: &[f32], sigma: f64, denoised: &mut [f32]| {
        prior.denoise(x, sigma, denoised).unwrap();
        denoised[1] = if sigma < 1.0 { f32::INFINITY } else { denoised[1] };
        Ok::<(), ()>(())
    };
    let result = gla(&problem, &levels, chain, &mut broken, &mut x, &mut workspace, go);
    assert!(matches!(result, Err(WalkError::NotFinite { element: 1, .. })), "{result:?}");
}

#[test]
fn one_preconditioned_step_with_half_temperature_is_the_split_gibbs_draw() {
    // D = 0.4 at the first level and the identity at the last, so that the step's own x comes out
    let (s, eta) = (0.3, 0.2);
    let mask: [u8; D] = std::array::from_fn(|i| u8::from(i < 8));
    let operator = Mask::new(&mask, 1).unwrap();
    let problem = Problem::gaussian(&operator, &[-0.2; D], eta, 0.0, 0.25);
    let mut denoiser = |x: &[f32], sigma: f64, denoised: &mut [f32]| {
        denoised.copy_from_slice(x);
        denoised.iter_mut().for_each(|d| *d = if sigma > 0.1 { 0.4 } else { *d });
        Ok::<(), ()>(())
    };
    let found = moments(&operator, 5000, |chain, x, workspace| {
        preconditioned(&problem, &[s, 1e-4], 1.0, Some(0.5), chain, &mut denoiser, x, workspace, go).unwrap();
    });
    for (half, precision, weighted) in
        [(0, 1.0 / (s * s) + 1.0 / (eta * eta), 0.4 / (s * s) - 0.2 / (eta * eta)), (8, 1.0 / (s * s), 0.4 / (s * s))]
    {
        let mean = found.0[half..half + 8].iter().sum::<f64>() / 8.0;
        let variance = found.1[half..half + 8].iter().sum::<f64>() / 8.0;
        let z = (mean - weighted / precision) * (precision * 40_000.0).sqrt();
        assert!(z.abs() < 4.0, "elements from {half}: the mean is {z} standard errors off");
        let z = (variance * precision - 1.0) * (40_000f64 / 2.0).sqrt();
        assert!(z.abs() < 4.0, "elements from {half}: the variance is {z} standard errors off");
    }
}

#[test]
fn the_preconditioned_walk_fits_data_of_very_little_noise() {
    let mut matrix = [0f32; 64];
    rwt_core::noise::fill(3, 0, 0, 0, &mut matrix);
    let a = Dense::new(&matrix, 8, 8).unwrap();
    let truth = [0.3f32, -0.5, 0.1, 0.7, -0.2, 0.4, 0.0, -0.6];
    let mut y = [0f32; 8];
    a.apply(&truth, &mut y, &mut []);
    let eta = 0.002; // terms in 1/eta^2 would cancel, and leave nothing in single precision
    let problem = Problem::gaussian(&a, &y, eta, 0.0, 0.25);
    let (mut x, mut workspace, levels) =
        ([0f32; 8], vec![0f32; problem.workspace_len(1)], levels(200, 60.0, eta / 5.0));
    let mut prior = Gaussian::new(&[0.0; 8], &[0.25; 8]).unwrap();
    for chain in 0..4 {
        let chain = Chain { seed: 2, chain };
        preconditioned(&problem, &levels, 0.5, None, chain, &mut prior, &mut x, &mut workspace, go).unwrap();
        let mut ax = [0f32; 8];
        a.apply(&x, &mut ax, &mut []);
        let misfit = (0..8).map(|i| f64::from(ax[i] - y[i]).powi(2)).sum::<f64>() / (8.0 * eta * eta);
        assert!(misfit < 4.0, "{misfit}");
    }
}
