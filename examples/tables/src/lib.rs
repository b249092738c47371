//! The error of a plan on Gaussian pictures with a 1/f² spectrum, in closed form.
//!
//! Every row is linear on a Gaussian, and each frequency is a Gaussian of its own. So what a plan makes of the variance
//! at each frequency follows from its rows without drawing anything: the errors here have no statistical part.

pub mod calibration;
pub mod conditional;
pub mod mixtures;

use rwt_core::recipes::{self, DdpmVariance, Temperature, paper::Paper};
use rwt_core::{Error, Schedule, Step};

/// Pictures of SIDE × SIDE pixels.
pub const SIDE: usize = 256;
/// Their variance per pixel.
pub const VARIANCE: f64 = 0.42;
/// The first noise level, the last of DDPM's training table.
pub const SIGMA_MAX: f64 = 157.407_280_810_407_57;
/// The last noise level.
pub const SIGMA_MIN: f64 = 0.01;

/// The variance of the Fourier modes at the radial frequencies 1 … SIDE/2, in units in which white noise of standard
/// deviation σ has σ² in each: c/f², with c such that a pixel has the variance [`VARIANCE`].
pub fn spectrum() -> Vec<f64> {
    let signed = |k: usize| (k as f64).min((SIDE - k) as f64);
    let mut sum = 0.0;
    for row in 0..SIDE {
        for column in (0..SIDE).filter(|&column| row + column > 0) {
            sum += 1.0 / (signed(row).powi(2) + signed(column).powi(2));
        }
    }
    let scale = VARIANCE * (SIDE * SIDE) as f64 / sum;
    (1..=SIDE / 2).map(|f| scale / (f * f) as f64).collect()
}

/// The variance that a plan gives to a Gaussian mode of variance `v`.
pub fn variance(rows: &[Step], v: f64) -> f64 {
    let draws = rows.iter().map(|row| row.draw).max().map_or(0, |last| last as usize + 1);
    // x and the denoised images as sums over the independent draws of noise
    let (mut x, mut previous) = (vec![0.0; draws], vec![0.0; draws]);
    for row in rows {
        let gain = v / (v + row.sigma * row.sigma);
        let evaluates = row.denoised != 0.0;
        for (x, previous) in x.iter_mut().zip(&mut previous) {
            let denoised = gain * *x;
            *x = row.x * *x + if evaluates { row.denoised * denoised + row.previous * *previous } else { 0.0 };
            if evaluates {
                *previous = denoised;
            }
        }
        x[row.draw as usize] += row.noise;
    }
    x.iter().map(|x| x * x).sum()
}

/// The root mean square over the frequencies of the relative error of the amplitude, √(variance/v) − 1.
pub fn spectrum_error(rows: &[Step]) -> f64 {
    let spectrum = spectrum();
    let squares = spectrum.iter().map(|&v| ((variance(rows, v) / v).sqrt() - 1.0).powi(2));
    (squares.sum::<f64>() / spectrum.len() as f64).sqrt()
}

/// Decreasing levels.
pub fn levels(schedule: Schedule, count: usize) -> Result<Vec<f64>, Error> {
    let mut levels = vec![0.0; count];
    schedule.levels(&mut levels)?;
    Ok(levels)
}

/// The rows of a recipe.
pub fn rows(levels: &[f64], recipe: impl Fn(&[f64], &mut [Step]) -> Result<usize, Error>) -> Result<Vec<Step>, Error> {
    let mut rows = vec![Step::default(); 3 * levels.len() + 1];
    let count = recipe(levels, &mut rows)?;
    rows.truncate(count);
    Ok(rows)
}

/// Makes the plan of a method with a number of evaluations.
pub type Method = fn(usize) -> Result<Vec<Step>, Error>;

const GEOMETRIC: Schedule = Schedule::Geometric { sigma_max: SIGMA_MAX, sigma_min: SIGMA_MIN };

/// The methods of the table.
pub const METHODS: [(&str, Method); 9] = [
    ("DDIM(0), Euler", |n| rows(&levels(GEOMETRIC, n)?, recipes::euler)),
    ("DDPM (large)", |n| rows(&levels(GEOMETRIC, n)?, |l, r| recipes::ddpm(l, DdpmVariance::Large, r))),
    ("2M, ODE", |n| rows(&levels(GEOMETRIC, n)?, |l, r| recipes::multistep(l, 0.0, r))),
    ("2M, churn 1/4 (default)", |n| rows(&levels(GEOMETRIC, n)?, |l, r| recipes::multistep(l, 0.25, r))),
    ("DPM-Solver++(2M)", |n| rows(&levels(GEOMETRIC, n)?, |l, r| recipes::dpm_solver(l, 0.0, r))),
    ("DPM-Solver++(2M), churn 1/4", |n| rows(&levels(GEOMETRIC, n)?, |l, r| recipes::dpm_solver(l, 0.25, r))),
    ("look-ahead, epsilon 1", |n| rows(&levels(GEOMETRIC, n)?, |l, r| recipes::look_ahead(l, 1.0, r))),
    ("marginal preserving, epsilon 0.7", |n| {
        rows(&levels(GEOMETRIC, n)?, |l, r| recipes::simple(l, 0.7, Temperature::MarginalPreserving, r))
    }),
    ("T linear 0 to 1, sigmoid, epsilon 0.7", |n| {
        let sigmoid = levels(Schedule::sigmoid(SIGMA_MAX, SIGMA_MIN), n)?;
        let (last, before) = (sigmoid[n - 1], &sigmoid[..n - 1]);
        let rule = Paper { first_temperature: 0.0, ..Paper::VP_SIGMOID };
        let mut rows = rows(before, |l, r| rule.rows(l, r))?;
        rows[0] = Step::start(sigmoid[0]);
        rows.push(Step::end(last));
        Ok(rows)
    }),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variance_of_a_pixel_is_the_sum_over_its_spectrum() {
        // of the modes at integer radius, approximately: ∫ 2πf c/f² df over the square
        let scale = spectrum()[0];
        assert!((spectrum()[1] / scale - 0.25).abs() < 1e-12);
        let mut sum = 0.0;
        for row in 0..SIDE as i64 {
            for column in 0..SIDE as i64 {
                let near = |k: i64| k.min(SIDE as i64 - k);
                let square = near(row).pow(2) + near(column).pow(2);
                sum += if square == 0 { 0.0 } else { scale / square as f64 };
            }
        }
        assert!((sum / (SIDE * SIDE) as f64 / VARIANCE - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_known_errors_are_reproduced_within_a_fifth() {
        let known = [
            ("DDIM(0), Euler", [0.236, 0.120, 0.049, 0.025]),
            ("DDPM (large)", [0.354, 0.157, 0.059, 0.029]),
            ("2M, ODE", [0.104, 0.028, 0.004, 0.001]),
            ("2M, churn 1/4 (default)", [0.146, 0.042, 0.006, 0.001]),
            ("look-ahead, epsilon 1", [0.25, 0.046, 0.005, 0.001]),
            ("T linear 0 to 1, sigmoid, epsilon 0.7", [1.91, 0.40, 0.086, 0.093]),
        ];
        for (name, expected) in known {
            let method = METHODS.iter().find(|method| method.0 == name).unwrap().1;
            for (evaluations, expected) in [10, 20, 50, 100].into_iter().zip(expected) {
                let found = spectrum_error(&method(evaluations).unwrap());
                // the known figures have three decimals
                let near = (found / expected - 1.0).abs() < 0.2 || (found - expected).abs() <= 0.0006;
                assert!(near, "{name}, {evaluations} evaluations: {found}, known {expected}");
            }
        }
    }

    #[test]
    fn orders_of_convergence_are_asserted_from_slopes() {
        // up to as many evaluations as leave the errors of the first and the last level, about 0.001, below their own
        for (name, order, coarse, fine) in [
            ("DDIM(0), Euler", 1.0, 50, 100),
            ("DDPM (large)", 1.0, 50, 100),
            ("marginal preserving, epsilon 0.7", 1.0, 100, 200),
            ("2M, ODE", 2.0, 20, 40),
            ("2M, churn 1/4 (default)", 2.0, 20, 40),
            ("DPM-Solver++(2M)", 2.0, 20, 40),
            ("look-ahead, epsilon 1", 2.0, 40, 80),
        ] {
            let method = METHODS.iter().find(|method| method.0 == name).unwrap().1;
            let error = |n| spectrum_error(&method(n).unwrap());
            let slope = (error(coarse) / error(fine)).ln() / (fine as f64 / coarse as f64).ln();
            assert!((-0.3..0.4).contains(&(slope - order)), "{name}: order {slope}");
        }
    }
}
