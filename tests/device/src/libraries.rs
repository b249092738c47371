//! Networks whose convolutions and matrix products are cuDNN's and cuBLASLt's, where they open, beside our own kernels.

use crate::networks::{CHAINS, TIMED, precisions};
use crate::report::{Report, distance};
use crate::timing;
use rwt_core::{Denoiser, noise};
use rwt_cuda::{Device, Error, Libraries, LibraryUse, OnHost, OnnxNetwork, Precision};
use std::path::Path;

/// Of the length of D, in f32 on both sides.
const BAR: f64 = 1e-5;
/// Of the distance of our own bf16 from f32: the libraries' is rounded once more a step.
const HALF_BAR: f64 = 2.0;

const PLACES: [(Libraries, &str); 3] = [
    (Libraries::Never, "our own kernels alone"),
    (Libraries::WhereWorthwhile, "libraries for large steps"),
    (Libraries::Everywhere, "libraries wherever they can"),
];

fn open(path: &Path, precision: Precision, libraries: Libraries) -> Result<OnnxNetwork, Error> {
    Ok(OnnxNetwork::open(path, &[])?.with_precision(precision).with_libraries(libraries))
}

/// D(x, σ) twice, which must be the same, and what computed it.
fn evaluate(device: &Device, network: OnnxNetwork) -> Result<([Vec<f32>; 2], LibraryUse), Error> {
    let info = network.info();
    let (sigma, shape) = (f64::sqrt(info.sigma_min * info.sigma_max), [info.channels, TIMED, TIMED]);
    let mut network = OnHost::new(device, network)?;
    network.prepare(CHAINS, shape)?;
    let mut x = vec![0.0; CHAINS * shape.iter().product::<usize>()];
    noise::fill(1, 2, 3, 0, &mut x);
    x.iter_mut().for_each(|x| *x *= f64::hypot(0.5, sigma) as f32);
    let mut denoised = [vec![0.0; x.len()], vec![0.0; x.len()]];
    for denoised in &mut denoised {
        network.denoise(&x, sigma, denoised)?;
    }
    let used = network.denoiser().library_use().cloned().unwrap_or_default();
    Ok((denoised, used))
}

/// Agreement and the time of a row, in f32 and in bf16 where the device has it; a line that says why where no library opens.
pub fn check(device: &Device, report: &mut Report, path: &Path) -> Result<(), Error> {
    let ([full, _], _) = evaluate(device, open(path, Precision::F32, Libraries::Never)?)?;
    let mut each = precisions(device).iter();
    each.try_for_each(|&precision| compare(device, report, path, precision, &full))
}

fn compare(device: &Device, report: &mut Report, path: &Path, precision: Precision, full: &[f32]) -> Result<(), Error> {
    let name = format!("{}, {precision:?}", path.file_name().unwrap_or_default().to_string_lossy());
    let ([first, second], used) = evaluate(device, open(path, precision, Libraries::Everywhere)?)?;
    if used.cudnn + used.cublas_lt == 0 {
        report.figure(&format!("{name}: by cuDNN and cuBLASLt"), &format!("SKIPPED: {}", used.refused.join("; ")));
        return Ok(());
    }
    let counts = format!("{} and {} of an evaluation, {} KiB beside", used.cudnn, used.cublas_lt, used.workspace >> 10);
    report.figure(&format!("{name}: steps by cuDNN and cuBLASLt"), &counts);
    for reason in &used.refused {
        report.figure(&format!("{name}: by our own kernels"), reason);
    }
    let far = distance(&first, full);
    if precision == Precision::F32 {
        report.at_most(&format!("{name}: distance of the libraries' from our own kernels'"), far, BAR);
    } else {
        let ([own, _], _) = evaluate(device, open(path, precision, Libraries::Never)?)?;
        report.at_most(&format!("{name}: distance from f32 by our own kernels'"), far / distance(&own, full), HALF_BAR);
    }
    report.at_most(&format!("{name}: distance of the libraries' from their own"), distance(&second, &first), 0.0);
    let channels = OnnxNetwork::open(path, &[])?.info().channels;
    for (chains, (libraries, what)) in [1, 64].into_iter().flat_map(|chains| PLACES.map(|place| (chains, place))) {
        let row = timing::row(device, open(path, precision, libraries)?, chains, [channels, TIMED, TIMED])?;
        report.figure(&format!("{name}, {what}, {chains} chain(s): one row"), &format!("{:.3} ms", 1e3 * row));
    }
    Ok(())
}
