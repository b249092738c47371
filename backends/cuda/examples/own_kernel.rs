//! A denoiser of one's own kernel: samples of a Gaussian prior, drawn on the device, and what their moments should be.
//!
//! The kernel is examples/cuda_kernel/gaussian.cu; its PTX, beside it, was made by `python3 backends/cuda/make_ptx.py`.
//!
//! ```sh
//! cargo run --release -p rwt-cuda --example own_kernel
//! ```

use rwt_core::{Chain, Schedule, Step, Walk, recipes};
use rwt_cuda::{Chains, Device, DeviceMoments, Error, Launch, UserKernels};

const SHAPE: [usize; 3] = [1, 16, 16];
const CHAINS: usize = 2000;

fn run() -> Result<(), Error> {
    let device = Device::open(0)?;
    println!("{}", device.info().name);
    // what the kernel finds at `data`: means, then variances
    let n = SHAPE.iter().product::<usize>();
    let mean = |i: usize| (i as f32 / 20.0).sin() / 2.0;
    let data: Vec<u8> = (0..n).map(mean).chain((0..n).map(|_| 0.04)).flat_map(f32::to_ne_bytes).collect();
    let launch = Launch { name: "gaussian".into(), threads: 256, each: 1, shared: 0 };
    let ptx = include_bytes!("../../../examples/cuda_kernel/gaussian.ptx");
    let denoiser = UserKernels::load(&device, ptx, &[launch], &data, 0)?;

    let mut levels = [0.0; 30];
    Schedule::Geometric { sigma_max: 20.0, sigma_min: 0.01 }.levels(&mut levels)?;
    let mut rows = [Step::default(); 31];
    recipes::multistep(&levels, 0.25, &mut rows)?;
    let mut chains = Chains::new(&device, denoiser, CHAINS, SHAPE)?;
    chains.walk(&Walk::new(&rows)?, Chain { seed: 1, chain: 0 }, None)?;

    let mut moments = DeviceMoments::new(&device, n)?;
    moments.add(chains.x())?;
    let (found, std) = moments.read()?;
    let error = (0..n).map(|i| (found[i] - f64::from(mean(i))).abs()).fold(0.0, f64::max);
    println!(
        "{CHAINS} samples: means within {error:.4} of the prior's (standard error {:.4})",
        0.2 / (CHAINS as f64).sqrt()
    );
    println!("standard deviations {:.3} on average, the prior's 0.200", std.iter().sum::<f64>() / n as f64);
    Ok(())
}

fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}
