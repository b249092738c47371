//! Checks of the CUDA backend on a device, as a table. Ends with 1 if a figure misses its bar.

mod agreement;
mod identity;
mod libraries;
mod networks;
mod report;
mod runtime;
mod timing;

use report::Report;
use rwt_cuda::{Device, Error, Precision};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: rwt-device-check [--small] [MODEL.onnx ...]
           --small: small arrays, nothing timed
           RWT_ORT_GPU: the library of onnxruntime-gpu, for networks that ONNX Runtime computes
       rwt-device-check --time MODEL.onnx SIDE CHAINS f32|bf16
           seconds of one row of a walk, for comparisons";

fn check(is_small: bool, models: &[String]) -> Result<usize, Error> {
    let device = Device::open(0)?;
    let mut report = Report::begin(device.info());
    let sizes: &[usize] = if is_small { &[1, 15, 16, 17, 511, 4099] } else { &[1, 17, 4099, 1 << 22] };
    identity::check(&device, &mut report, sizes)?;
    identity::on_host(&device, &mut report)?;
    identity::moments(&device, &mut report)?;
    agreement::mask(&device, &mut report)?;
    agreement::blur(&device, &mut report)?;
    agreement::coefficients(&device, &mut report)?;
    let of = |model| networks::precisions(&device).iter().map(move |&precision| (Path::new(model), precision));
    for (model, precision) in models.iter().flat_map(of) {
        networks::agreement(&device, &mut report, model, networks::SMALL, precision)?;
    }
    if !is_small {
        timing::bandwidth(&device, &mut report, 1 << 28)?;
        for (model, precision) in models.iter().flat_map(of) {
            networks::time(&device, &mut report, model, precision)?;
        }
        for model in models.iter().map(Path::new) {
            libraries::check(&device, &mut report, model)?;
        }
    }
    if let Some(library) = runtime::library() {
        runtime::check(&device, &mut report, &library, models, is_small)?;
    }
    Ok(report.failed())
}

fn time(model: &str, side: &str, chains: &str, precision: &str) -> Result<Option<f64>, Error> {
    let precision = match precision {
        "f32" => Precision::F32,
        "bf16" => Precision::Bf16,
        _ => return Ok(None),
    };
    let (Ok(side), Ok(chains)) = (side.parse(), chains.parse()) else { return Ok(None) };
    networks::seconds(&Device::open(0)?, Path::new(model), side, chains, precision).map(Some)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--time", model, side, chains, precision] => time(model, side, chains, precision).map(|seconds| {
            seconds.map(|seconds| {
                println!("{seconds:.9}");
                0
            })
        }),
        ["--small", ..] => check(true, &arguments[1..]).map(Some),
        [first, ..] if first.starts_with('-') => Ok(None),
        _ => check(false, &arguments).map(Some),
    };
    match outcome {
        Ok(Some(0)) => ExitCode::SUCCESS,
        Ok(Some(missed)) => {
            eprintln!("{missed} missed");
            ExitCode::FAILURE
        }
        Ok(None) => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
