//! Networks whose convolutions and matrix products are cuDNN's and cuBLASLt's, where they open, beside our own kernels.

use crate::networks::{CHAINS, TIMED};
use crate::report::{Report, distance};
use crate::timing;
use rwt_core::{Denoiser, noise};
use rwt_cuda::{Device, Error, Libraries, LibraryUse, OnHost, OnnxNetwork};
use std::path::Path;

/// Of the length of D, in f32 on both sides.
const BAR: f64 = 1e-5;

fn open(path: &Path, libraries: Libraries) -> Result<OnnxNetwork, Error> {
    Ok(OnnxNetwork::open(path, &[])?.with_libraries(libraries))
}

/// D(x, σ) twice, which must be the same, and what computed it.
fn evaluate(device: &Device, path: &Path, libraries: Libraries) -> Result<([Vec<f32>; 2], LibraryUse), Error> {
    let network = open(path, libraries)?;
    let (sigma, shape) = (network.info().sigma_max.sqrt(), [network.info().channels, TIMED, TIMED]);
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

/// Agreement and the time of a row; a line that says why where no library opens.
pub fn check(device: &Device, report: &mut Report, path: &Path) -> Result<(), Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let ([own, _], _) = evaluate(device, path, Libraries::Never)?;
    let ([first, second], used) = evaluate(device, path, Libraries::Everywhere)?;
    if used.cudnn + used.cublas_lt == 0 {
        report.figure(&format!("{name}: by cuDNN and cuBLASLt"), &format!("SKIPPED: {}", used.refused.join("; ")));
        return Ok(());
    }
    let counts = format!("{} and {} of an evaluation, {} KiB beside", used.cudnn, used.cublas_lt, used.workspace >> 10);
    report.figure(&format!("{name}: steps by cuDNN and cuBLASLt"), &counts);
    for reason in &used.refused {
        report.figure(&format!("{name}: by our own kernels"), reason);
    }
    report.at_most(&format!("{name}: distance of the libraries' from our own kernels'"), distance(&first, &own), BAR);
    report.at_most(&format!("{name}: distance of the libraries' from their own"), distance(&second, &first), 0.0);
    let channels = OnnxNetwork::open(path, &[])?.info().channels;
    for (libraries, what) in [
        (Libraries::Never, "our own kernels alone"),
        (Libraries::WhereWorthwhile, "libraries for large steps"),
        (Libraries::Everywhere, "libraries wherever they can"),
    ] {
        let name = format!("{name}, {what}");
        for chains in [1, 16, 64] {
            let row = timing::row(device, open(path, libraries)?, chains, [channels, TIMED, TIMED])?;
            report.figure(&format!("{name}, {chains} chain(s): one row"), &format!("{:.3} ms", 1e3 * row));
        }
    }
    Ok(())
}
