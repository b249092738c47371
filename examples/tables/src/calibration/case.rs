//! What is calibrated: an operator and a prior whose posterior is known.

use crate::mixtures::Instance;
use rwt_core::{Dense, Error, Mask, Operator, noise};
use rwt_operators::{Convolution, Fourier, Radon, Separable};
use std::f64::consts::PI;
use std::sync::LazyLock;

/// Pictures of SIDE × SIDE pixels.
const SIDE: usize = 6;
const N: usize = SIDE * SIDE;
const BLUR: [f32; 9] = [0.05, 0.1, 0.05, 0.1, 0.4, 0.1, 0.05, 0.1, 0.05];
const DENSE_ROWS: usize = 12;

static MASK: LazyLock<Vec<u8>> = LazyLock::new(|| (0..N).map(|i| u8::from(i % 5 != 0 && i % 3 != 1)).collect());

static DENSE: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let mut values = vec![0f32; DENSE_ROWS * N];
    noise::fill(2, 0, 0, 0, &mut values);
    values.iter_mut().for_each(|value| *value /= (N as f32).sqrt());
    values
});

/// The matrix of the mixture's case.
static FEW: LazyLock<Vec<f32>> = LazyLock::new(|| Instance::random(1, 1).matrix);

/// An operator and a prior.
pub struct Case {
    /// What it is called.
    pub name: &'static str,
    /// A.
    pub operator: Box<dyn Operator + Sync>,
    /// The prior and A as a matrix; y and η are for each calibration to set.
    pub instance: Instance,
    /// The first noise level of a walk.
    pub sigma_max: f64,
}

impl Case {
    /// A Gaussian prior N(0, I).
    fn gaussian(name: &'static str, operator: impl Operator + Sync + 'static) -> Self {
        let n = operator.image_len();
        let matrix = matrix(&operator);
        let instance = Instance { weights: vec![1.0], means: vec![0.0; n], matrix, eta: 0.0, y: Vec::new() };
        Self { name, operator: Box::new(operator), instance, sigma_max: 10.0 }
    }
}

/// The operators on a Gaussian prior, and last a mixture of 25 narrow Gaussians of which one number is measured.
///
/// # Errors
/// None, unless an operator refuses its shape.
pub fn cases() -> Result<Vec<Case>, Error> {
    let frequencies: Vec<u8> = (0..N).map(|i| u8::from(i % SIDE < 2 || i % 4 == 0)).collect();
    let angles = [0.0, 0.25 * PI, 0.5 * PI, 0.75 * PI];
    let mixture = Instance { y: Vec::new(), ..Instance::random(1, 1) };
    Ok(vec![
        Case::gaussian("mask", Mask::new(&MASK, 1)?),
        Case::gaussian("blur", Convolution::new(1, SIDE, SIDE, &BLUR, [3, 3])?),
        Case::gaussian("downsampling", Separable::bicubic(1, SIDE, SIDE, 2)?),
        Case::gaussian("Fourier", Fourier::new(SIDE, SIDE, &frequencies)?),
        Case::gaussian("Radon", Radon::new(1, SIDE, SIDE, &angles, 9)?),
        Case::gaussian("dense", Dense::new(&DENSE, DENSE_ROWS, N)?),
        Case { name: "mixture", operator: Box::new(Dense::new(&FEW, 1, 8)?), instance: mixture, sigma_max: 60.0 },
    ])
}

/// The operator's matrix, by rows.
fn matrix(operator: &dyn Operator) -> Vec<f32> {
    let (n, m) = (operator.image_len(), operator.measurement_len());
    let (mut scratch, mut column, mut out) = (vec![0.0; operator.scratch_len()], vec![0.0; m], vec![0.0; m * n]);
    for k in 0..n {
        let mut x = vec![0.0; n];
        x[k] = 1.0;
        operator.apply(&x, &mut column, &mut scratch);
        column.iter().enumerate().for_each(|(row, value)| out[row * n + k] = *value);
    }
    out
}
