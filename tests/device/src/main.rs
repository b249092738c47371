//! Checks of the CUDA backend on a device, as a table: `rwt-device-check [--small]`. Ends with 1 if a figure misses its bar.

mod agreement;
mod identity;
mod report;
mod timing;

use report::Report;
use rwt_cuda::{Device, Error};
use std::process::ExitCode;

fn run(is_small: bool) -> Result<usize, Error> {
    let device = Device::open(0)?;
    let mut report = Report::begin(device.info());
    identity::check(
        &device,
        &mut report,
        if is_small { &[1, 15, 16, 17, 511, 4099] } else { &[1, 17, 4099, 1 << 20] },
    )?;
    identity::on_host(&device, &mut report)?;
    identity::moments(&device, &mut report)?;
    agreement::mask(&device, &mut report)?;
    if !is_small {
        timing::bandwidth(&device, &mut report, 1 << 28)?;
    }
    Ok(report.failed())
}

fn main() -> ExitCode {
    let is_small = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--small") => true,
        Some(_) => {
            eprintln!("usage: rwt-device-check [--small]    --small: small arrays, nothing timed");
            return ExitCode::from(2);
        }
    };
    match run(is_small) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("{failed} missed");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
