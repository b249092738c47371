//! The kernels of walks on the mock device, from their PTX and their source: core's bits.

use rwt_core::{Chain, Schedule, Step, Walk, recipes, update};
use rwt_cuda::{Array, Chains, Device, Kernel, Launch, Module, UserKernels};
use rwt_tests::mock_cuda::{self, Mode};
use rwt_tests::{root, target};
use std::process::Command;

const ALL_FINITE: u64 = u64::MAX;

macro_rules! launch {
    ($kernel:expr, $grid:expr, $block:expr, $($value:expr),*) => {
        // SAFETY: the arguments have the kernel's types, and arrays their lengths.
        unsafe { $kernel.launch($grid, $block, 0, &mut [$(std::ptr::from_ref(&$value).cast_mut().cast()),*]) }
            .expect("a launch")
    };
}

fn read<T: rwt_cuda::Element + Default>(device: &Device, array: &Array<T>) -> Vec<T> {
    let mut values = vec![T::default(); array.len()];
    array.read(device, &mut values).expect("a copy");
    values
}

/// A row as it lies in memory.
fn row(step: &Step) -> [u64; 7] {
    let numbers = [step.sigma, step.x, step.denoised, step.previous, step.gradient, step.noise].map(f64::to_bits);
    let mut row = [u64::from(step.draw); 7];
    row[..6].copy_from_slice(&numbers);
    row
}

fn values(n: usize, from: usize) -> Vec<f32> {
    (0..n).map(|i| (((i + from) * 7919) % 1009) as f32 / 251.0 - 2.0).collect()
}

/// What an update starts from, on the host.
struct Update {
    step: Step,
    first: Chain,
    chains: usize,
    n: usize,
    /// The arrays of the denoised images before, and of the gradient, are there.
    previous: bool,
    gradient: bool,
    /// The gradient's coefficient in each chain.
    scale: Option<Vec<f32>>,
}

impl Update {
    fn arrays(&self) -> [Vec<f32>; 4] {
        [0, 1, 2, 3].map(|array| values(self.chains * self.n, 1000 * array))
    }

    /// As core has it: x, and the denoised images before.
    fn on_host(&self) -> (Vec<f32>, Vec<f32>) {
        let [mut x, denoised, mut previous, gradient] = self.arrays();
        for (chain, x) in x.chunks_mut(self.n).enumerate() {
            let part = |array: &[f32]| array[chain * self.n..][..self.n].to_vec();
            let mut step = self.step;
            if let Some(scale) = &self.scale {
                step.gradient = f64::from(scale[chain]);
            }
            let number = self.first.chain.wrapping_add(chain as u64);
            update(&step, self.first.seed, number, x, &part(&denoised), &part(&previous), &part(&gradient)).unwrap();
        }
        if self.previous && self.step.denoised != 0.0 {
            previous = denoised;
        }
        (x, previous)
    }

    fn on_device(&self, device: &Device, kernel: &Kernel) -> (Vec<f32>, Vec<f32>) {
        let arrays = self.arrays().map(|values| Array::from_host(device, &values).unwrap());
        let [x, denoised, previous, gradient] = &arrays;
        // the third row is the present one
        let rows = Array::from_host(device, &[row(&Step::end(9.0)), row(&Step::end(9.0)), row(&self.step)].concat());
        let (rows, level) = (rows.unwrap(), Array::from_host(device, &[2u32]).unwrap());
        let bad = Array::from_host(device, &[ALL_FINITE]).unwrap();
        let scale = self.scale.as_ref().map(|scale| Array::from_host(device, scale).unwrap());
        let address = |array: &Array<f32>, there: bool| if there { array.address() } else { 0 };
        let grid = [(self.n as u32).div_ceil(16 * 128), self.chains as u32, 1];
        let Chain { seed, chain } = self.first;
        launch!(
            kernel,
            grid,
            [128, 1, 1],
            rows.address(),
            level.address(),
            seed,
            chain,
            self.n as u64,
            x.address(),
            denoised.address(),
            address(previous, self.previous),
            address(gradient, self.gradient),
            scale.as_ref().map_or(0, Array::address),
            bad.address()
        );
        assert_eq!(read(device, &bad), [ALL_FINITE]);
        (read(device, x), read(device, previous))
    }

    fn check(&self, device: &Device, kernel: &Kernel) {
        let bits = |(x, previous): (Vec<f32>, Vec<f32>)| -> Vec<_> {
            x.into_iter().chain(previous).map(f32::to_bits).collect()
        };
        let (found, expected) = (bits(self.on_device(device, kernel)), bits(self.on_host()));
        let first = found.iter().zip(&expected).position(|(found, expected)| found != expected);
        let Update { step, first: Chain { seed, chain }, chains, n, .. } = self;
        assert_eq!(first, None, "element, {step:?}, seed {seed}, chains {chain} and {chains} on, {n} elements");
    }
}

fn kernel(device: &Device, text: &[u8], name: &str) -> Kernel {
    Module::load(device, text).expect("PTX").kernel(name).expect(name)
}

const STEP: &[u8] = include_bytes!("../../backends/cuda/ptx/step.ptx");

#[test]
fn updates_have_the_bits_of_core() {
    mock_cuda::both("updates_have_the_bits_of_core", |_| {
        let device = Device::open(0).unwrap();
        let kernel = kernel(&device, STEP, "rwt_step");
        let firsts = [(7, 0), (u64::MAX - 5, (1 << 40) + 5), (1 << 33, u64::MAX)];
        let sizes = [1, 15, 16, 17, 511, 4099].into_iter().zip([1, 2, 3].into_iter().cycle());
        for (case, (n, chains)) in sizes.enumerate() {
            for terms in 0..32 {
                let has = |bit: u32, coefficient: f64| if terms >> bit & 1 == 1 { coefficient } else { 0.0 };
                let step = Step {
                    sigma: 1.5,
                    x: has(0, 0.3),
                    denoised: has(1, 0.7),
                    previous: has(2, -0.2),
                    gradient: has(3, 1.1),
                    noise: has(4, 0.9),
                    draw: 5 + terms,
                    reserved: 0,
                };
                let (seed, chain) = firsts[(case + terms as usize) % 3];
                let (previous, gradient) = (step.previous != 0.0 || terms & 1 == 1, step.gradient != 0.0);
                let scale = (gradient && terms & 2 == 2).then(|| [0.5, 0.0, -0.25][..chains].to_vec());
                let first = Chain { seed, chain };
                Update { step, first, chains, n, previous, gradient, scale }.check(&device, &kernel);
            }
        }
    });
}

#[test]
fn updates_are_within_their_arrays() {
    // by what g++ has to find accesses beyond them
    mock_cuda::in_modes("updates_are_within_their_arrays", &[Mode::Sanitized], &[], |_| {
        let device = Device::open(0).unwrap();
        let kernel = kernel(&device, STEP, "rwt_step");
        for n in [1, 17, 2049] {
            let step =
                Step { sigma: 1.0, x: 1.0, denoised: 1.0, previous: 1.0, gradient: 1.0, noise: 1.0, ..Step::default() };
            let first = Chain { seed: 1, chain: 2 };
            Update { step, first, chains: 2, n, previous: true, gradient: true, scale: None }.check(&device, &kernel);
        }
    });
}

#[test]
fn what_is_not_finite_is_named_and_ends_the_walk() {
    mock_cuda::both("what_is_not_finite_is_named_and_ends_the_walk", |_| {
        let device = Device::open(0).unwrap();
        let kernel = kernel(&device, STEP, "rwt_step");
        let (n, chains) = (700usize, 2u32);
        let mut denoised = values(n * 2, 0);
        (denoised[n + 33], denoised[n + 650]) = (f32::NAN, f32::INFINITY);
        let x = Array::from_host(&device, &values(n * 2, 5)).unwrap();
        let on_device = Array::from_host(&device, &denoised).unwrap();
        let rows = Array::from_host(&device, &[row(&Step::end(2.0)), row(&Step::end(1.0))].concat()).unwrap();
        let mut level = Array::from_host(&device, &[0u32]).unwrap();
        let bad = Array::from_host(&device, &[ALL_FINITE]).unwrap();
        let step = |level: &Array<u32>| {
            launch!(
                kernel,
                [1, chains, 1],
                [128, 1, 1],
                rows.address(),
                level.address(),
                0u64,
                0u64,
                n as u64,
                x.address(),
                on_device.address(),
                0u64,
                0u64,
                0u64,
                bad.address()
            );
        };
        step(&level);
        assert_eq!(read(&device, &bad), [(n + 33) as u64]); // of row 0
        let reached = read(&device, &x);
        level.write(&device, &[1]).unwrap();
        step(&level);
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read(&device, &x)), bits(&reached)); // and stays
        assert_eq!(read(&device, &bad), [(n + 33) as u64]);
    });
}

#[test]
fn moments_have_the_bits_of_core() {
    mock_cuda::both("moments_have_the_bits_of_core", |_| {
        let device = Device::open(0).unwrap();
        let text = include_bytes!("../../backends/cuda/ptx/moments.ptx");
        let kernel = kernel(&device, text, "rwt_moments");
        for n in [1usize, 15, 257, 1001] {
            let (mut mean, mut squares) = (vec![0.0; n], vec![0.0; n]);
            let mut expected = rwt_core::Moments::new(&mut mean, &mut squares).unwrap();
            let (on_mean, on_squares) =
                (Array::<f64>::zeros(&device, n).unwrap(), Array::<f64>::zeros(&device, n).unwrap());
            let mut count = 0u64;
            for chains in [1u32, 3, 2] {
                let samples = values(n * chains as usize, 31 * count as usize);
                let on_device = Array::from_host(&device, &samples).unwrap();
                let grid = [(n as u32).div_ceil(256), 1, 1];
                let (mean, squares) = (on_mean.address(), on_squares.address());
                launch!(kernel, grid, [256, 1, 1], on_device.address(), chains, n as u64, count, mean, squares);
                samples.chunks(n).for_each(|sample| expected.add(sample).unwrap());
                count += u64::from(chains);
            }
            let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&read(&device, &on_mean)), bits(&mean));
            assert_eq!(bits(&read(&device, &on_squares)), bits(&squares));
        }
    });
}

/// Whatever its length, a walk copies, allocates and waits as often; only the replays are more.
#[test]
fn walks_do_everything_on_the_device() {
    mock_cuda::both("walks_do_everything_on_the_device", |mock| {
        let device = Device::open(0).unwrap();
        let (n, chains) = (35usize, 2);
        let data: Vec<u8> = vec![0.25f32; 2 * n].into_iter().flat_map(f32::to_ne_bytes).collect();
        let mut counts = Vec::new();
        for levels in [4, 40] {
            let launch = Launch { name: "gaussian".into(), threads: 64, each: 1, shared: 0 };
            let text = include_bytes!("../../examples/cuda_kernel/gaussian.ptx");
            let denoiser = UserKernels::load(&device, text, &[launch], &data, 0).unwrap();
            let mut chains = Chains::new(&device, denoiser, chains, [1, 5, 7]).unwrap();
            let mut sigmas = vec![0.0; levels];
            Schedule::Geometric { sigma_max: 20.0, sigma_min: 0.01 }.levels(&mut sigmas).unwrap();
            let mut rows = vec![Step::default(); levels + 1];
            recipes::multistep(&sigmas, 0.25, &mut rows).unwrap();
            mock.reset();
            chains.walk(&Walk::new(&rows).unwrap(), Chain { seed: 3, chain: 0 }, None).unwrap();
            assert_eq!(mock.counter("replays"), rows.len() as u64);
            assert_eq!(mock.counter("launches"), 0);
            counts.push(
                ["htod", "dtoh", "dtod", "memset", "allocs", "syncs", "graphs", "nodes"].map(|name| mock.counter(name)),
            );
        }
        assert_eq!(counts[0], counts[1]);
        assert!(counts[0][7] <= 8, "{} nodes", counts[0][7]);
    });
}

/// The program that checks the backend on a device, on this one.
#[test]
fn the_check_of_devices_passes() {
    let build = Command::new(env!("CARGO"))
        .args(["build", "-p", "rwt-device-check", "--target-dir"])
        .arg(target())
        .current_dir(root())
        .output()
        .expect("cargo");
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    let program = target().join("debug/rwt-device-check");
    for mode in [Mode::Ptx, Mode::Source] {
        let mut check = Command::new(&program);
        let Some(check) = mock_cuda::prepare(check.arg("--small"), "the_check_of_devices_passes", mode) else {
            continue;
        };
        let output = check.output().expect("the check");
        let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && said.contains("| pass |"), "{mode:?}: {said}{wrong}");
    }
}
