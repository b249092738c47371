//! Posterior samples on the device beside core's.

use crate::identity::Prior;
use crate::report::{Report, distance};
use rwt_core::{Chain, Mask, Method, Operator, PosteriorWalk, Problem, Schedule, noise};
use rwt_cuda::{Chains, Condition, Device, DeviceFourier, DeviceMask, Error};
use rwt_operators::{Fourier, PeriodicBlur};
use std::ops::ControlFlow;

const CHAINS: usize = 2;
const ETA: f64 = 0.05;
const FIRST: Chain = Chain { seed: 3, chain: 1 << 33 };
/// Mean and variance that a walk is told.
const MEAN: f64 = 0.1;
const VARIANCE: f64 = 0.3;

/// Sums are taken in another order there, and transforms are others.
const BAR: f64 = 1e-5;
/// Guided look-ahead takes differences: a rounding of y moves core's own samples by 1e-5.
const GUIDED_BAR: f64 = 5e-5;

fn methods() -> [(&'static str, Method); 2] {
    let preconditioned = Method::Preconditioned { epsilon: 0.8, temperature: None };
    [("guided look-ahead", Method::GuidedLookAhead), ("preconditioned walk", preconditioned)]
}

fn levels() -> Result<[f64; 12], Error> {
    let mut levels = [0.0; 12];
    Schedule::Geometric { sigma_max: 4.0, sigma_min: 0.01 }.levels(&mut levels)?;
    Ok(levels)
}

/// What an operator measures of some picture, with noise.
fn measurement(operator: &impl Operator) -> Vec<f32> {
    let x: Vec<f32> = (0..operator.image_len()).map(|i| ((i * 7) % 23) as f32 / 23.0 - 0.5).collect();
    let (mut y, mut n) = (vec![0.0; operator.measurement_len()], vec![0.0; operator.measurement_len()]);
    operator.apply(&x, &mut y, &mut vec![0.0; operator.scratch_len()]);
    noise::fill(99, 0, 0, 0, &mut n);
    y.iter_mut().zip(&n).for_each(|(y, n)| *y += ETA as f32 * n);
    y
}

/// Every method with an operator that both sides have.
fn compare<A: Operator, C: Condition>(
    device: &Device,
    report: &mut Report,
    name: &str,
    shape: [usize; 3],
    operator: &A,
    y: &[f32],
    condition: &mut C,
) -> Result<(), Error> {
    let (n, levels) = (shape.iter().product::<usize>(), levels()?);
    let prior = Prior::new(n);
    for (method_name, method) in methods() {
        let bar = if method == Method::GuidedLookAhead { GUIDED_BAR } else { BAR };
        let mut on_device = Chains::new(device, prior.on_device(device)?, CHAINS, shape)?;
        let known = rwt_cuda::Prior { mean: MEAN, variance: VARIANCE };
        on_device.posterior(condition, known, &levels, method, FIRST, None)?;
        let mut found = vec![0.0; CHAINS * n];
        on_device.x().read(device, &mut found)?;
        let problem = Problem::gaussian(operator, y, ETA, MEAN, VARIANCE);
        let (mut x, mut workspace) = (vec![0.0; CHAINS * n], vec![0.0; problem.workspace_len(CHAINS)]);
        let walk = PosteriorWalk::new(&problem, &levels, method, FIRST, CHAINS)?;
        let walked = walk.run(&mut prior.on_host(), &mut x, &mut workspace, |_| ControlFlow::Continue(()));
        walked.expect("a Gaussian walks to its end");
        report.at_most(&format!("{name} {shape:?}, {method_name}: distance from core's"), distance(&found, &x), bar);
    }
    Ok(())
}

/// Missing pixels.
pub fn mask(device: &Device, report: &mut Report) -> Result<(), Error> {
    for shape in [[1, 3, 5], [3, 16, 20], [2, 33, 31]] {
        let kept: Vec<u8> = (0..shape[1] * shape[2]).map(|i| u8::from((i * 5) % 7 < 3)).collect();
        let operator = Mask::new(&kept, shape[0])?;
        let y = measurement(&operator);
        let mut condition = DeviceMask::new(device, &kept, shape[0], &y, ETA)?;
        compare(device, report, "missing pixels", shape, &operator, &y, &mut condition)?;
    }
    Ok(())
}

/// A blur that wraps around, by a kernel without symmetry.
pub fn blur(device: &Device, report: &mut Report) -> Result<(), Error> {
    let kernel: Vec<f32> = (0..15).map(|i| 0.02 + (i * i % 11) as f32 / 60.0).collect();
    for shape in [[1, 5, 8], [3, 12, 7], [2, 16, 16], [1, 37, 40]] {
        let [channels, height, width] = shape;
        let operator = PeriodicBlur::new(channels, height, width, &kernel, [3, 5])?;
        let y = measurement(&operator);
        let mut condition = DeviceFourier::blur(device, shape, &kernel, [3, 5], &y, ETA)?;
        compare(device, report, "periodic blur", shape, &operator, &y, &mut condition)?;
    }
    Ok(())
}

/// A third of the Fourier coefficients of a complex picture.
pub fn coefficients(device: &Device, report: &mut Report) -> Result<(), Error> {
    for [height, width] in [[5, 7], [16, 12], [35, 50]] {
        let kept: Vec<u8> = (0..height * width).map(|i| u8::from(i % 3 == 0)).collect();
        let operator = Fourier::new(height, width, &kept)?;
        let y = measurement(&operator);
        let mut condition = DeviceFourier::undersampled(device, height, width, &kept, &y, ETA)?;
        compare(device, report, "Fourier coefficients", [2, height, width], &operator, &y, &mut condition)?;
    }
    Ok(())
}
