//! The posterior of a mixture of Gaussians of unit covariance: reweighted components with Gaussian updates, in f64.

use super::Instance;
use rwt_core::{dot, noise};

/// p(x | y) of an [`Instance`].
#[derive(Debug)]
pub struct Posterior<'a> {
    instance: &'a Instance,
    /// The components' weights given y.
    pub weights: Vec<f64>,
    /// L with L Lᵀ = A Aᵀ + η² I, by rows.
    factor: Vec<f64>,
}

impl<'a> Posterior<'a> {
    /// The components' weights are w_k N(y; A m_k, A Aᵀ + η² I), up to their sum.
    pub fn new(instance: &'a Instance) -> Self {
        let (n, m) = (instance.dimension(), instance.y.len());
        let row = |i: usize| &instance.matrix[i * n..(i + 1) * n];
        let noise = |i: usize| if i.is_multiple_of(m + 1) { instance.eta * instance.eta } else { 0.0 };
        let covariance: Vec<f64> = (0..m * m).map(|i| dot(row(i / m), row(i % m)) + noise(i)).collect();
        let mut posterior = Self { instance, weights: Vec::new(), factor: cholesky(&covariance, m) };
        let logarithms: Vec<f64> = (0..instance.weights.len())
            .map(|k| {
                let mean: Vec<f64> = instance.mean_of(k).iter().map(|v| f64::from(*v)).collect();
                let white = forward(&posterior.factor, &posterior.residual(&mean));
                instance.weights[k].ln() - white.iter().map(|v| v * v).sum::<f64>() / 2.0
            })
            .collect();
        let largest = logarithms.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        let sum: f64 = logarithms.iter().map(|l| (l - largest).exp()).sum();
        posterior.weights = logarithms.iter().map(|l| (l - largest).exp() / sum).collect();
        posterior
    }

    /// y − A x.
    fn residual(&self, x: &[f64]) -> Vec<f64> {
        let Instance { matrix, y, .. } = self.instance;
        let rows = matrix.chunks_exact(x.len()).zip(y);
        rows.map(|(row, y)| f64::from(*y) - row.iter().zip(x).map(|(a, x)| f64::from(*a) * x).sum::<f64>()).collect()
    }

    /// Mean and standard deviation of each element.
    pub fn moments(&self) -> (Vec<f64>, Vec<f64>) {
        let Instance { matrix, .. } = self.instance;
        let n = self.instance.dimension();
        // x_i of a component: m_i + a_iᵀ S⁻¹ (y − A m) with the variance 1 − a_iᵀ S⁻¹ a_i, a_i a column of A, S = A Aᵀ + η² I
        let column = |i: usize| matrix.iter().skip(i).step_by(n).map(|a| f64::from(*a)).collect::<Vec<_>>();
        let columns: Vec<_> = (0..n).map(|i| forward(&self.factor, &column(i))).collect();
        let inner = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (mut mean, mut square) = (vec![0.0; n], vec![0.0; n]);
        for (k, weight) in self.weights.iter().enumerate() {
            let own: Vec<f64> = self.instance.mean_of(k).iter().map(|v| f64::from(*v)).collect();
            let white = forward(&self.factor, &self.residual(&own));
            for i in 0..n {
                let centre = own[i] + inner(&columns[i], &white);
                mean[i] += weight * centre;
                square[i] += weight * (centre * centre + 1.0 - inner(&columns[i], &columns[i]));
            }
        }
        let std = square.iter().zip(&mean).map(|(square, mean)| (square - mean * mean).max(0.0).sqrt()).collect();
        (mean, std)
    }

    /// Independent exact samples, one after another.
    pub fn draw(&self, seed: u64, count: usize) -> Vec<f32> {
        (0..count as u64).flat_map(|chain| self.one(seed, chain)).map(|v| v as f32).collect()
    }

    /// A component by its weight, x and e from it and the noise, then x + Aᵀ(A Aᵀ + η² I)⁻¹(y − A x − e): that has the
    /// mean and the covariance of the component given y.
    fn one(&self, seed: u64, chain: u64) -> Vec<f64> {
        let Instance { matrix, eta, .. } = self.instance;
        let component = choose(&self.weights, noise::uniform(seed, chain, 0, 0));
        let mean = self.instance.mean_of(component);
        let mut normals = vec![0f32; mean.len() + self.instance.y.len()];
        noise::fill(seed, chain, 1, 0, &mut normals);
        let mut x: Vec<f64> = mean.iter().zip(&normals).map(|(m, n)| f64::from(*m) + f64::from(*n)).collect();
        let mut residual = self.residual(&x);
        for (r, n) in residual.iter_mut().zip(&normals[mean.len()..]) {
            *r -= eta * f64::from(*n);
        }
        let pull = backward(&self.factor, &forward(&self.factor, &residual));
        for (row, p) in matrix.chunks_exact(x.len()).zip(pull) {
            x.iter_mut().zip(row).for_each(|(x, a)| *x += f64::from(*a) * p);
        }
        x
    }
}

/// The component in which `u` of (0, 1) falls.
pub(super) fn choose(weights: &[f64], mut u: f64) -> usize {
    let is_in = |w: &f64| {
        u -= w;
        u < 0.0
    };
    weights.iter().position(is_in).unwrap_or(weights.len() - 1)
}

/// L with L Lᵀ = `a`, m × m.
fn cholesky(a: &[f64], m: usize) -> Vec<f64> {
    let mut l = vec![0.0; m * m];
    for i in 0..m {
        for j in 0..=i {
            let rest = a[i * m + j] - (0..j).map(|k| l[i * m + k] * l[j * m + k]).sum::<f64>();
            l[i * m + j] = if i == j { rest.sqrt() } else { rest / l[j * m + j] };
        }
    }
    l
}

/// L⁻¹ b.
fn forward(l: &[f64], b: &[f64]) -> Vec<f64> {
    let m = b.len();
    let mut x = vec![0.0; m];
    for i in 0..m {
        x[i] = (b[i] - (0..i).map(|k| l[i * m + k] * x[k]).sum::<f64>()) / l[i * m + i];
    }
    x
}

/// L⁻ᵀ b.
fn backward(l: &[f64], b: &[f64]) -> Vec<f64> {
    let m = b.len();
    let mut x = vec![0.0; m];
    for i in (0..m).rev() {
        x[i] = (b[i] - (i + 1..m).map(|k| l[k * m + i] * x[k]).sum::<f64>()) / l[i * m + i];
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two elements, one measured direction, three components that all keep weight.
    fn planar() -> Instance {
        Instance {
            weights: vec![0.5, 0.3, 0.2],
            means: vec![-1.0, 2.0, 1.5, 0.5, 3.0, -2.0],
            matrix: vec![0.6, -0.3],
            eta: 0.4,
            y: vec![0.3],
        }
    }

    /// Masses of the posterior on the cells of a grid over [−8, 8]², from prior × likelihood alone.
    fn grid(instance: &Instance) -> Vec<([f64; 2], [f64; 3])> {
        const STEP: f64 = 0.05;
        let centre = |i: usize| -8.0 + (i as f64 + 0.5) * STEP;
        let mut cells = Vec::new();
        for (row, column) in (0..320 * 320).map(|i| (i / 320, i % 320)) {
            let x = [centre(row), centre(column)];
            let measured = f64::from(instance.matrix[0]) * x[0] + f64::from(instance.matrix[1]) * x[1];
            let likelihood = (-((f64::from(instance.y[0]) - measured) / instance.eta).powi(2) / 2.0).exp();
            let mass = std::array::from_fn(|k| {
                let square: f64 = instance.mean_of(k).iter().zip(x).map(|(m, x)| (x - f64::from(*m)).powi(2)).sum();
                instance.weights[k] * (-square / 2.0).exp() * likelihood
            });
            cells.push((x, mass));
        }
        let sum: f64 = cells.iter().flat_map(|cell| cell.1).sum();
        cells.iter_mut().for_each(|cell| cell.1 = cell.1.map(|mass| mass / sum));
        cells
    }

    #[test]
    fn weights_and_moments_are_those_of_numerical_integration() {
        let instance = planar();
        let (posterior, cells) = (Posterior::new(&instance), grid(&instance));
        for (k, weight) in posterior.weights.iter().enumerate() {
            let expected: f64 = cells.iter().map(|cell| cell.1[k]).sum();
            assert!((weight - expected).abs() < 1e-6, "component {k}: {weight}, integrated {expected}");
        }
        let (mean, std) = posterior.moments();
        for i in 0..2 {
            let over = |f: &dyn Fn(f64) -> f64| -> f64 {
                cells.iter().map(|(x, mass)| f(x[i]) * mass.iter().sum::<f64>()).sum()
            };
            let expected = over(&|v| v);
            assert!((mean[i] - expected).abs() < 1e-3, "element {i}: {}, integrated {expected}", mean[i]);
            let expected = (over(&|v| v * v) - expected * expected).sqrt();
            assert!((std[i] - expected).abs() < 1e-3, "element {i}: {}, integrated {expected}", std[i]);
        }
        const COUNT: usize = 100_000;
        let samples = posterior.draw(3, COUNT);
        let statistics: [fn([f64; 2]) -> f64; 5] =
            [|x| x[0], |x| x[1], |x| x[0] * x[0], |x| x[0] * x[1], |x| x[1] * x[1]];
        for (index, f) in statistics.into_iter().enumerate() {
            let integral = |g: &dyn Fn(f64) -> f64| -> f64 {
                cells.iter().map(|(x, mass)| g(f(*x)) * mass.iter().sum::<f64>()).sum()
            };
            let expected = integral(&|v| v);
            let error = ((integral(&|v| v * v) - expected * expected) / COUNT as f64).sqrt();
            let sum: f64 = samples.chunks_exact(2).map(|x| f([f64::from(x[0]), f64::from(x[1])])).sum();
            let found = sum / COUNT as f64;
            assert!((found - expected).abs() < 3.0 * error, "statistic {index}: {found}, {expected} ± {error}");
        }
    }
}
