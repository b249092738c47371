//! Networks on the device beside the processor's embedded engine.

use crate::report::{Report, distance};
use crate::timing;
use rwt_core::{Denoiser, noise};
use rwt_cuda::{CudaDenoiser, Device, Error, OnHost, OnnxNetwork, Precision};
use rwt_onnx::OnnxDenoiser;
use std::path::Path;

/// Of the length of D: of f32 on both sides, and of bf16 beside f32, from which PyTorch's comes to 0.034 for the shipped denoiser.
fn bar(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 1e-5,
        Precision::Bf16 => 0.03,
    }
}

pub const CHAINS: usize = 2;

/// The networks' sides: of the agreement, and of what is timed.
pub const SMALL: usize = 16;
pub const TIMED: usize = 64;

/// Those that the device has.
pub fn precisions(device: &Device) -> &'static [Precision] {
    if Precision::Bf16.check(device).is_ok() { &[Precision::F32, Precision::Bf16] } else { &[Precision::F32] }
}

fn name_of(path: &Path, precision: Precision) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match precision {
        Precision::F32 => name.into_owned(),
        Precision::Bf16 => format!("{name} in bf16"),
    }
}

/// D(x, σ) at three levels, beside the processor's.
pub fn distances<D: CudaDenoiser>(
    report: &mut Report,
    path: &Path,
    name: &str,
    there: &mut OnHost<D>,
    side: usize,
    bar: f64,
) -> Result<(), Error> {
    let here = OnnxDenoiser::open(path)?;
    let info = here.info().clone();
    let shape = [info.channels, side, side];
    there.prepare(CHAINS, shape)?;
    let n = CHAINS * shape.iter().product::<usize>();
    let (mut x, mut expected, mut found) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    let mut evaluator = here.evaluator(side, side)?;
    for sigma in [info.sigma_min, f64::sqrt(info.sigma_min * info.sigma_max), info.sigma_max] {
        noise::fill(1, 2, 3, 0, &mut x);
        x.iter_mut().for_each(|x| *x *= f64::hypot(0.5, sigma) as f32);
        evaluator.denoise(&x, sigma, &mut expected)?;
        there.denoise(&x, sigma, &mut found)?;
        let what = format!("{name}, {side} x {side}, sigma {sigma:.3}: distance from the processor's");
        report.at_most(&what, distance(&found, &expected), bar);
    }
    Ok(())
}

/// D(x, σ), and what the network takes.
pub fn agreement(
    device: &Device,
    report: &mut Report,
    path: &Path,
    side: usize,
    precision: Precision,
) -> Result<(), Error> {
    let name = name_of(path, precision);
    let mut there = OnHost::new(device, OnnxNetwork::open(path, &[])?.with_precision(precision))?;
    distances(report, path, &name, &mut there, side, bar(precision))?;
    if let Some(needed) = there.denoiser().needed() {
        report.figure(&format!("{name}: launches of an evaluation"), &needed.launches.to_string());
        let bytes = format!("{} + {} KiB", needed.weights >> 10, (needed.activations + needed.tables) >> 10);
        report.figure(&format!("{name}, {side} x {side}, {CHAINS} chains: weights and the rest"), &bytes);
    }
    Ok(())
}

/// Seconds of a row with this network, for a comparison from outside.
pub fn seconds(device: &Device, path: &Path, side: usize, chains: usize, precision: Precision) -> Result<f64, Error> {
    let network = OnnxNetwork::open(path, &[])?.with_precision(precision);
    let shape = [network.info().channels, side, side];
    timing::row(device, network, chains, shape)
}

/// How long a row takes.
pub fn time(device: &Device, report: &mut Report, path: &Path, precision: Precision) -> Result<(), Error> {
    let name = name_of(path, precision);
    let channels = OnnxNetwork::open(path, &[])?.info().channels;
    let open = || Ok(OnnxNetwork::open(path, &[])?.with_precision(precision));
    timing::network(device, report, &name, [channels, TIMED, TIMED], &[1, 16, 64], open)
}
