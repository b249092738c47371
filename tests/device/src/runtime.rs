//! Networks that ONNX Runtime's CUDA provider computes on the walk's stream.

use crate::networks::{SMALL, TIMED, distances};
use crate::report::{Report, distance};
use crate::timing;
use rwt_core::{Chain, Step, Walk};
use rwt_cuda::{Chains, CudaDenoiser, Device, Error, OnHost, OnnxNetwork, RuntimeNetwork};
use rwt_onnx::RuntimeOptions;
use std::path::{Path, PathBuf};

/// In f32, but by cuDNN's algorithms, some of which (Winograd's) round more than a sum does.
const BAR: f64 = 1e-4;

/// The library that RWT_ORT_GPU names, or a line that says that there is none.
pub fn library() -> Option<PathBuf> {
    let library = std::env::var_os("RWT_ORT_GPU").map(PathBuf::from);
    if library.is_none() {
        println!("\nSKIPPED: ONNX Runtime on the device: RWT_ORT_GPU does not name a library of onnxruntime-gpu\n");
    }
    library
}

/// D(x, σ) and a walk beside those of our own kernels and of the processor, whether both come again, and how long a row takes.
pub fn check(
    device: &Device,
    report: &mut Report,
    library: &Path,
    models: &[String],
    is_small: bool,
) -> Result<(), Error> {
    let options = RuntimeOptions { library: Some(library.into()), ..RuntimeOptions::default() };
    for path in models.iter().map(Path::new) {
        let open = || RuntimeNetwork::open(device, path, &[], &options);
        let network = open()?;
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let (name, channels) = (format!("{file} on {}", network.engine()), network.info().channels);
        distances(report, path, &name, &mut OnHost::new(device, network)?, SMALL, BAR)?;
        let shape = [channels, SMALL, SMALL + 4];
        let (once, again) = (walked(device, open()?, shape)?, walked(device, open()?, shape)?);
        let ours = walked(device, OnnxNetwork::open(path, &[])?, shape)?;
        report.at_most(&format!("{name}, {shape:?}: a walk's distance from our kernels'"), distance(&once, &ours), BAR);
        let different = once.iter().zip(&again).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
        report.at_most(&format!("{name}, {shape:?}: values with other bits in a second walk"), different as f64, 0.0);
        for chains in [1, 16, 64].into_iter().filter(|_| !is_small) {
            let seconds = timing::row(device, open()?, chains, [channels, TIMED, TIMED])?;
            report.figure(
                &format!("{name}, {TIMED} x {TIMED}, {chains} chain(s): one row"),
                &format!("{:.3} ms", 1e3 * seconds),
            );
        }
    }
    Ok(())
}

/// Where two chains end.
fn walked(device: &Device, denoiser: impl CudaDenoiser, shape: [usize; 3]) -> Result<Vec<f32>, Error> {
    let rows: Vec<_> = (0..8).map(|row| Step::tweedie(4.0 / f64::from(1 << row), 0.5, 0.1, row)).collect();
    let mut chains = Chains::new(device, denoiser, 2, shape)?;
    chains.walk(&Walk::new(&rows)?, Chain { seed: 1, chain: 0 }, None)?;
    let mut x = vec![0.0; chains.x().len()];
    chains.x().read(device, &mut x)?;
    Ok(x)
}
