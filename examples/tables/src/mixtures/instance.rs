//! One inverse problem: a mixture, a matrix and what was measured.

use super::posterior::choose;
use rwt_core::{dot, noise};
use serde_json::Value;

const FROZEN: &str = include_str!("../../gmm_instances.json");

/// Elements of x in a random instance.
const N: usize = 8;

/// A mixture of Gaussians of unit covariance, and y = A x + e with e ~ N(0, η² I).
#[derive(Clone, Debug)]
pub struct Instance {
    /// The components' weights, of sum 1.
    pub weights: Vec<f64>,
    /// The components' means, one after another.
    pub means: Vec<f32>,
    /// A, by rows.
    pub matrix: Vec<f32>,
    /// η.
    pub eta: f64,
    /// y.
    pub y: Vec<f32>,
}

impl Instance {
    /// The three of `gmm_instances.json`, with 1, 2 and 4 measurements.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn frozen() -> Result<Vec<Self>, Box<dyn std::error::Error>> {
        let file: Value = serde_json::from_str(FROZEN)?;
        let instances = file.as_array().ok_or("gmm_instances.json is no list")?;
        Ok(instances.iter().map(Self::read).collect::<Option<_>>().ok_or("an instance in gmm_instances.json")?)
    }

    fn read(value: &Value) -> Option<Self> {
        let numbers = |value: &Value| value.as_array()?.iter().map(Value::as_f64).collect::<Option<Vec<_>>>();
        let single = |value: &Value| Some(numbers(value)?.iter().map(|v| *v as f32).collect::<Vec<_>>());
        let rows = |value: &Value| Some(value.as_array()?.iter().map(single).collect::<Option<Vec<_>>>()?.concat());
        Some(
            Self {
                weights: numbers(&value["weights"])?,
                means: rows(&value["means"])?,
                matrix: rows(&value["A"])?,
                eta: value["sigma_y"].as_f64()?,
                y: single(&value["y"])?,
            }
            .normalised(),
        )
    }

    /// Another of the family, with `measurements` of at most 8: weights as squares of normals, A with random singular
    /// vectors and uniform singular values, η uniform up to the largest of them.
    pub fn random(seed: u64, measurements: usize) -> Self {
        let weights = normals(seed, 0, 25).iter().map(|v| f64::from(v * v)).collect();
        let grid = |k: usize| 16.0 - 8.0 * k as f32;
        let means = (0..25 * N).map(|i| grid(if i % 2 == 0 { i / N / 5 } else { i / N % 5 })).collect();
        let uniform = |element: usize| noise::uniform(seed, 1, 0, element as u64);
        let values: Vec<f64> = (0..measurements).map(uniform).collect();
        let eta = uniform(measurements) * values.iter().fold(0.0, |a: f64, b| a.max(*b));
        let matrix = matrix(seed, &values);
        let mut instance = Self { weights, means, matrix, eta, y: Vec::new() }.normalised();
        let mean = instance.mean_of(choose(&instance.weights, uniform(measurements + 1)));
        let x: Vec<f32> = normals(seed, 3, N).iter().zip(mean).map(|(n, m)| n + m).collect();
        let noisy = |(row, n): (&[f32], f32)| (dot(row, &x) + eta * f64::from(n)) as f32;
        instance.y = instance.matrix.chunks_exact(N).zip(normals(seed, 4, measurements)).map(noisy).collect();
        instance
    }

    fn normalised(mut self) -> Self {
        let sum: f64 = self.weights.iter().sum();
        self.weights.iter_mut().for_each(|w| *w /= sum);
        self
    }

    /// A picture of the prior, from the noise of a chain.
    pub fn truth(&self, seed: u64, chain: u64) -> Vec<f32> {
        let mut x = vec![0f32; self.dimension()];
        noise::fill(seed, chain, 0, 0, &mut x);
        let component = choose(&self.weights, noise::uniform(seed, chain, 1, 0));
        x.iter_mut().zip(self.mean_of(component)).for_each(|(x, m)| *x += m);
        x
    }

    /// Elements of x.
    pub fn dimension(&self) -> usize {
        self.means.len() / self.weights.len()
    }

    /// The mean of a component.
    pub fn mean_of(&self, component: usize) -> &[f32] {
        &self.means[component * self.dimension()..][..self.dimension()]
    }

    /// Four Gaussians on the corners of a square of side 20, of weights 5 : 3 : 1 : 1, whose first coordinate is measured at
    /// `y`: the first two have −10 there, the others 10. At −10 the posterior's weights are 62.5, 37.5, 0 and 0 %, at 10
    /// they are 0, 0, 50 and 50 %.
    pub fn square(y: f32) -> Self {
        let means = vec![-10.0, 10.0, -10.0, -10.0, 10.0, 10.0, 10.0, -10.0];
        Self { weights: vec![0.5, 0.3, 0.1, 0.1], means, matrix: vec![1.0, 0.0], eta: 1.0, y: vec![y] }
    }

    /// Two Gaussians 20 apart, of weights 5 : 1, in 1 dimension, measured in the middle between them in noise of 5: given y the
    /// weights are 5 : 1 again.
    pub fn pair() -> Self {
        let weights = vec![5.0, 1.0];
        Self { weights, means: vec![-10.0, 10.0], matrix: vec![1.0], eta: 5.0, y: vec![0.0] }.normalised()
    }

    /// The shares of samples that are nearest to each component's mean.
    pub fn shares(&self, samples: &[f32]) -> Vec<f64> {
        let n = self.dimension();
        let mut shares = vec![0.0; self.weights.len()];
        for x in samples.chunks_exact(n) {
            let distance = |k: &usize| -> f32 { x.iter().zip(self.mean_of(*k)).map(|(x, m)| (x - m) * (x - m)).sum() };
            let nearest = (0..shares.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)));
            shares[nearest.unwrap_or(0)] += n as f64 / samples.len() as f64;
        }
        shares
    }

    /// The mixture's mean and variance, averaged over the elements.
    pub fn moments(&self) -> (f64, f64) {
        let n = self.dimension();
        let (mut mean, mut variance) = (0.0, 1.0);
        for i in 0..n {
            let at = |k: usize| f64::from(self.means[k * n + i]);
            let average =
                |f: &dyn Fn(f64) -> f64| -> f64 { self.weights.iter().enumerate().map(|(k, w)| w * f(at(k))).sum() };
            let m = average(&|v| v);
            mean += m / n as f64;
            variance += average(&|v| (v - m).powi(2)) / n as f64;
        }
        (mean, variance)
    }
}

fn normals(seed: u64, draw: u32, count: usize) -> Vec<f32> {
    let mut out = vec![0f32; count];
    noise::fill(seed, 0, draw, 0, &mut out);
    out
}

/// Rows of N elements with these singular values and random singular vectors.
fn matrix(seed: u64, values: &[f64]) -> Vec<f32> {
    let m = values.len();
    let (left, right) = (orthonormal(normals(seed, 1, m * m), m), orthonormal(normals(seed, 2, m * N), N));
    let term = |k: usize, row: usize, column: usize| {
        f64::from(left[k * m + row]) * values[k] * f64::from(right[k * N + column])
    };
    (0..m * N).map(|i| (0..m).map(|k| term(k, i / N, i % N)).sum::<f64>() as f32).collect()
}

/// The rows of length `n` made orthonormal, one after another.
fn orthonormal(mut rows: Vec<f32>, n: usize) -> Vec<f32> {
    for start in (0..rows.len()).step_by(n) {
        let (before, row) = rows.split_at_mut(start);
        for other in before.chunks_exact(n) {
            let along = dot(other, row) as f32;
            row[..n].iter_mut().zip(other).for_each(|(r, o)| *r -= along * o);
        }
        let length = dot(&row[..n], &row[..n]).sqrt() as f32;
        row[..n].iter_mut().for_each(|r| *r /= length);
    }
    rows
}
