//! How long a row takes on the device, and what of it is the walk's own.

use crate::report::Report;
use rwt_core::{Chain, Step, Walk};
use rwt_cuda::{Array, Chains, CudaDenoiser, Device, Error, Io};
use std::time::Instant;

/// Rows of the longer of the two walks whose difference is timed, beyond those of the shorter.
const ROWS: usize = 50;
const REPETITIONS: usize = 7;

/// Evaluates nothing: what is left is the walk's own.
pub struct Nothing;

impl CudaDenoiser for Nothing {
    fn plan(&mut self, _: &Device, _: usize, _: [usize; 3], _: &[f64], _: Option<Chain>) -> Result<(), Error> {
        Ok(())
    }

    fn enqueue(&mut self, _: &Io) -> Result<(), Error> {
        Ok(())
    }
}

/// The median of some times of a walk, in seconds.
fn median(mut timed: impl FnMut() -> Result<f64, Error>) -> Result<f64, Error> {
    timed()?; // the first one loads and plans
    let mut times = (0..REPETITIONS).map(|_| timed()).collect::<Result<Vec<_>, _>>()?;
    times.sort_by(f64::total_cmp);
    Ok(times[REPETITIONS / 2])
}

/// Seconds of one row that evaluates and adds noise.
pub fn row<D: CudaDenoiser>(device: &Device, denoiser: D, chains: usize, shape: [usize; 3]) -> Result<f64, Error> {
    row_with(device, denoiser, chains, shape, 0.01)
}

fn row_with<D: CudaDenoiser>(
    device: &Device,
    denoiser: D,
    chains: usize,
    shape: [usize; 3],
    noise: f64,
) -> Result<f64, Error> {
    let mut on_device = Chains::new(device, denoiser, chains, shape)?;
    let steps: Vec<_> = (0..=ROWS).map(|row| Step::tweedie(0.5, 0.01, noise, row as u32)).collect();
    let mut time = |rows: usize| {
        let walk = Walk::new(&steps[..rows])?;
        let start = Instant::now();
        on_device.walk(&walk, Chain { seed: 1, chain: 0 }, None)?;
        Ok(start.elapsed().as_secs_f64())
    };
    let (long, short) = (median(|| time(ROWS + 1))?, median(|| time(1))?);
    Ok((long - short) / ROWS as f64)
}

/// Seconds of copying so many elements on the device.
fn copy(device: &Device, elements: usize) -> Result<f64, Error> {
    let (from, mut to) = (Array::<f32>::zeros(device, elements)?, Array::<f32>::zeros(device, elements)?);
    let seconds = median(|| {
        device.synchronize()?;
        let start = Instant::now();
        for _ in 0..ROWS {
            to.copy_from(device, &from)?;
        }
        device.synchronize()?;
        Ok(start.elapsed().as_secs_f64())
    })?;
    Ok(seconds / ROWS as f64)
}

/// The update's share of the bandwidth of a copy: it reads two arrays and writes one, a copy reads one and writes one. With noise
/// it computes about 110 instructions an element, which on a device with much bandwidth is what takes the time.
pub fn bandwidth(device: &Device, report: &mut Report, elements: usize) -> Result<(), Error> {
    let copied = 8.0 * elements as f64 / copy(device, elements)?;
    report.figure(&format!("copy, {elements} elements"), &format!("{:.0} GB/s", copied / 1e9));
    for (name, noise) in [("update", 0.0), ("update with noise", 0.01)] {
        let updated = 12.0 * elements as f64 / row_with(device, Nothing, 1, [1, 1, elements], noise)?;
        report.figure(&format!("{name}, {elements} elements"), &format!("{:.0} GB/s", updated / 1e9));
        report.at_least(&format!("{name}: bandwidth by the copy's"), updated / copied, 0.75);
    }
    Ok(())
}

/// A row with a network, and what of it is the walk's own.
pub fn network<D: CudaDenoiser>(
    device: &Device,
    report: &mut Report,
    name: &str,
    shape: [usize; 3],
    chains: &[usize],
    mut open: impl FnMut() -> Result<D, Error>,
) -> Result<(), Error> {
    for &chains in chains {
        let whole = row(device, open()?, chains, shape)?;
        report.figure(&format!("{name}, {shape:?}, {chains} chain(s): one row"), &format!("{:.3} ms", 1e3 * whole));
        if chains == 1 {
            let own = row(device, Nothing, chains, shape)?;
            report.at_most(&format!("{name}, {shape:?}: the walk's share of a row"), own / whole, 0.02);
        }
    }
    Ok(())
}
