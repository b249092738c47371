//! What the tests of the recipes share: a denoiser and a noise that are nothing special, and rows followed in f64.
#![allow(dead_code)] // each test file uses its part

use rwt_core::vp::Betas;
use rwt_core::{Error, Prediction, Schedule, Step, Walk};

/// Every parameterisation.
pub const ALL: [Prediction; 8] = [
    Prediction::DenoisedVe,
    Prediction::DenoisedVp,
    Prediction::NoiseVe,
    Prediction::NoiseVp,
    Prediction::ScoreVe,
    Prediction::ScoreVp,
    Prediction::VelocityVp,
    Prediction::Edm { sigma_data: 0.5 },
];

pub fn d(x: f64, sigma: f64) -> f64 {
    (0.3 * x + 0.1 * sigma).sin() + 0.5 * x / (1.0 + sigma)
}

pub fn n(draw: u32) -> f64 {
    (1.7 * f64::from(draw) + 0.3).sin() * 1.5
}

/// DDPM's training table, increasing.
pub fn table() -> Vec<f64> {
    let mut table = vec![0.0; 1000];
    Betas::Linear { first: 1e-4, last: 0.02 }.sigmas(&mut table).unwrap();
    table
}

pub fn levels(schedule: Schedule, count: usize) -> Vec<f64> {
    let mut levels = vec![0.0; count];
    schedule.levels(&mut levels).unwrap();
    levels
}

pub fn schedules() -> Vec<Vec<f64>> {
    vec![
        levels(Schedule::Geometric { sigma_max: 80.0, sigma_min: 0.01 }, 60),
        levels(Schedule::Karras { sigma_max: 80.0, sigma_min: 0.002, rho: 7.0 }, 41),
        levels(Schedule::sigmoid(157.0, 0.01), 100),
        table().into_iter().rev().collect(),
    ]
}

pub type Recipe<'a> = &'a dyn Fn(&[f64], &mut [Step]) -> Result<usize, Error>;

/// The rows of a recipe, checked.
pub fn rows(recipe: Recipe<'_>, levels: &[f64]) -> Vec<Step> {
    let mut rows = vec![Step::default(); 8 * levels.len() + 2];
    let count = recipe(levels, &mut rows).unwrap();
    rows.truncate(count);
    Walk::new(&rows).unwrap();
    assert_eq!(
        recipe(levels, &mut vec![Step::default(); count - 1]),
        Err(Error::Capacity { needed: count, capacity: count - 1 })
    );
    rows
}

pub fn same(found: f64, expected: f64) {
    let tolerance = 1e-12 * expected.abs().max(1.0);
    assert!((found - expected).abs() <= tolerance, "found {found}, expected {expected}");
}

/// Applies rows in f64; remembers the denoised value for `previous`.
pub struct Follower {
    pub x: f64,
    pub denoised: f64,
}

impl Follower {
    pub fn new() -> Self {
        Self { x: f64::NAN, denoised: f64::NAN }
    }

    pub fn apply(&mut self, row: &Step) {
        let term = |coefficient: f64, value: f64| if coefficient == 0.0 { 0.0 } else { coefficient * value };
        let before = self.denoised;
        if row.denoised != 0.0 {
            self.denoised = d(self.x, row.sigma);
        }
        self.x = term(row.x, self.x)
            + term(row.denoised, self.denoised)
            + term(row.previous, before)
            + term(row.noise, n(row.draw));
    }
}

/// What a published step is given: x, the levels s and s', D(x, s), the noise, and what the step before had.
pub struct Given {
    pub x: f64,
    pub s: f64,
    pub next: f64,
    pub denoised: f64,
    pub noise: f64,
    /// The level and the denoised value of the step before.
    pub before: Option<(f64, f64)>,
    /// The step's number.
    pub k: usize,
}

impl Given {
    /// ᾱ of s and of s'.
    pub fn alpha_bars(&self) -> (f64, f64) {
        (1.0 / (1.0 + self.s * self.s), 1.0 / (1.0 + self.next * self.next))
    }

    /// ∇log p_s(x).
    pub fn score(&self) -> f64 {
        (self.denoised - self.x) / (self.s * self.s)
    }
}

/// Every row of a recipe with one row a step against the published step from the same x.
pub fn compare(recipe: Recipe<'_>, published: impl Fn(&Given) -> f64) {
    for levels in schedules() {
        let rows = rows(recipe, &levels);
        assert_eq!(rows.len(), levels.len() + 1);
        let mut walk = Follower::new();
        walk.apply(&rows[0]);
        same(walk.x, levels[0] * n(0));
        let mut before = None;
        for (k, pair) in levels.windows(2).enumerate() {
            let (row, x) = (&rows[k + 1], walk.x);
            assert_eq!(row.sigma, pair[0]);
            let given = Given { x, s: pair[0], next: pair[1], denoised: d(x, pair[0]), noise: n(row.draw), before, k };
            walk.apply(row);
            same(walk.x, published(&given));
            before = Some((pair[0], given.denoised));
        }
        assert_eq!(rows[levels.len()], Step::end(levels[levels.len() - 1]));
    }
}
