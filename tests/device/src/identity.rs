//! Noise and update on the device: the bits of core.

use crate::report::Report;
use rwt_core::{Chain, Denoiser, Gaussian, Schedule, SliceWalker, Step, Walk, recipes};
use rwt_cuda::{Array, Chains, Device, Error, Launch, UserKernels};
use std::ops::ControlFlow;

/// The kernels of examples/cuda_kernel.
const GAUSSIAN: &[u8] = include_bytes!("../../../examples/cuda_kernel/gaussian.ptx");

/// Independent Gaussians on the device, and the same for the host.
pub struct Prior {
    pub mean: Vec<f32>,
    pub variance: Vec<f32>,
}

impl Prior {
    /// Of this many elements, all different.
    pub fn new(n: usize) -> Self {
        let mean = (0..n).map(|i| (i % 17) as f32 / 20.0 - 0.4).collect();
        Self { mean, variance: (0..n).map(|i| 0.02 + (i % 5) as f32 / 10.0).collect() }
    }

    pub fn on_device(&self, device: &Device) -> Result<UserKernels, Error> {
        let launch = Launch { name: "gaussian".into(), threads: 128, each: 1, shared: 0 };
        let data: Vec<u8> = self.mean.iter().chain(&self.variance).flat_map(|value| value.to_ne_bytes()).collect();
        UserKernels::load(device, GAUSSIAN, &[launch], &data, 0)
    }

    pub fn on_host(&self) -> Gaussian<'_> {
        Gaussian::new(&self.mean, &self.variance).expect("means and variances")
    }
}

/// How many values of every walk have other bits than core's.
pub fn check(device: &Device, report: &mut Report, sizes: &[usize]) -> Result<(), Error> {
    for &n in sizes {
        for (name, rows) in plans()? {
            let different = different_bits(device, n, &rows)?;
            report.at_most(&format!("{name}, {n} elements: values with other bits"), different as f64, 0.0);
        }
    }
    Ok(())
}

/// Plans that between them have every term of the update.
fn plans() -> Result<Vec<(&'static str, Vec<Step>)>, Error> {
    let mut levels = [0.0; 8];
    Schedule::Geometric { sigma_max: 20.0, sigma_min: 0.01 }.levels(&mut levels)?;
    let mut rows = vec![Step::default(); levels.len() + 1];
    recipes::multistep(&levels, 0.25, &mut rows)?;
    let mut forward = vec![Step::start(0.5), Step::forward(0.5, 3.0, 1), Step::tweedie(3.0, 0.7, 0.4, 2)];
    forward.push(Step::end(0.3));
    Ok(vec![("multistep", rows), ("forward and back", forward)])
}

fn different_bits(device: &Device, n: usize, rows: &[Step]) -> Result<usize, Error> {
    let (prior, chains) = (Prior::new(n), 3);
    let first = Chain { seed: 0x1234_5678_9abc_def0, chain: (1 << 40) + 5 };
    let walk = Walk::new(rows)?;
    let mut on_device = Chains::new(device, prior.on_device(device)?, chains, [1, 1, n])?;
    on_device.walk(&walk, first, None)?;
    let mut found = vec![0.0; chains * n];
    on_device.x().read(device, &mut found)?;
    let (mut x, mut denoised, mut previous) = (vec![0.0; chains * n], vec![0.0; chains * n], vec![0.0; chains * n]);
    let mut walker =
        SliceWalker::new(prior.on_host(), first.seed, first.chain, chains, &mut x, &mut denoised, &mut previous)?;
    let walked = walk.sample(&mut walker, |_, _, _| ControlFlow::Continue(()));
    walked.expect("a Gaussian walks to its end");
    Ok(found.iter().zip(&x).filter(|(a, b)| a.to_bits() != b.to_bits()).count())
}

/// One evaluation for a walk on the host.
pub fn on_host(device: &Device, report: &mut Report) -> Result<(), Error> {
    let prior = Prior::new(300);
    let mut ferry = rwt_cuda::OnHost::new(device, prior.on_device(device)?)?;
    ferry.prepare(2, [3, 10, 10])?;
    let x: Vec<f32> = (0..1500).map(|i| (i % 31) as f32 / 9.0 - 1.5).collect();
    let (mut found, mut expected) = (vec![0.0; 1500], vec![0.0; 1500]);
    ferry.denoise(&x, 0.7, &mut found)?;
    let Ok(()) = prior.on_host().denoise(&x, 0.7, &mut expected);
    let different = found.iter().zip(&expected).filter(|(a, b)| a != b).count();
    report.at_most("a denoiser for walks on the host: values with other bits", different as f64, 0.0);
    Ok(())
}

/// Mean and deviation of samples.
pub fn moments(device: &Device, report: &mut Report) -> Result<(), Error> {
    let n = 1001;
    let samples: Vec<f32> = (0..7 * n).map(|i| ((i * i) % 101) as f32 / 33.0 - 1.0).collect();
    let mut on_device = rwt_cuda::DeviceMoments::new(device, n)?;
    for part in [&samples[..3 * n], &samples[3 * n..]] {
        on_device.add(&Array::from_host(device, part)?)?;
    }
    let (mean, std) = on_device.read()?;
    let (mut means, mut squares) = (vec![0.0; n], vec![0.0; n]);
    let mut expected = rwt_core::Moments::new(&mut means, &mut squares)?;
    samples.chunks(n).try_for_each(|sample| expected.add(sample))?;
    let same = (0..n).filter(|&i| mean[i] == expected.mean()[i] && std[i] == expected.std(i)).count();
    report.at_most("mean and standard deviation: values with other bits", (n - same) as f64, 0.0);
    Ok(())
}
