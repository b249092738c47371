//! Networks whose convolutions and matrix products are cuDNN's and cuBLASLt's, by mock libraries on the mock device.

mod missing;
mod same;

use rwt_core::{Chain, Denoiser, Step, Walk};
use rwt_cuda::{Array, Chains, CudaDenoiser, Device, Error, Io, Libraries, LibraryUse, OnnxNetwork, Precision};
use rwt_onnx::{EngineChoice, OnnxDenoiser, OpenOptions, RuntimeOptions};
use rwt_tests::mock_cuda::{self, Mock, Mode};
use rwt_tests::mock_libraries::{CUBLAS_LT, CUDNN, MockLibraries, folder};
use rwt_tests::model;
use rwt_tests::networks::written;
use std::path::Path;

/// Of the length of D, in f32 on both sides.
const TOLERANCE: f64 = 1e-5;
/// At which D is no smaller than x.
const SIGMA: f64 = 0.2;
const FOLDERS: &str = "RWT_CUDA_LIBRARIES";

/// Waves and noise in [-1, 1), the same in every run.
fn picture(count: usize) -> Vec<f32> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|place| 0.7 * (0.3 * place as f32).sin() + 0.3 * next()).collect()
}

fn relative(found: &[f32], expected: &[f32]) -> f64 {
    let square = |value: f64| value * value;
    let far: f64 = found.iter().zip(expected).map(|(a, b)| square(f64::from(a - b))).sum();
    (far / expected.iter().map(|&b| square(b.into())).sum::<f64>()).sqrt()
}

/// A planned network and where it reads and writes.
struct Planned {
    device: Device,
    network: OnnxNetwork,
    denoised: Array<f32>,
    arrays: (Array<f32>, Array<f64>, Array<u32>),
}

impl Planned {
    fn new(path: &Path, libraries: Libraries, chains: usize, size: [usize; 2], sigma: f64) -> Self {
        Self::in_precision(path, Precision::F32, libraries, chains, size, sigma)
    }

    fn in_precision(
        path: &Path,
        precision: Precision,
        libraries: Libraries,
        chains: usize,
        size: [usize; 2],
        sigma: f64,
    ) -> Self {
        let device = Device::open(0).unwrap();
        let network = OnnxNetwork::open(path, &[]).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut network = network.with_precision(precision).with_libraries(libraries);
        let shape = [network.info().channels, size[0], size[1]];
        network.plan(&device, chains, shape, &[sigma], None).unwrap();
        let x = Array::from_host(&device, &picture(chains * shape.iter().product::<usize>())).unwrap();
        let denoised = Array::zeros(&device, x.len()).unwrap();
        let arrays = (x, Array::zeros(&device, 1).unwrap(), Array::zeros(&device, 1).unwrap());
        Self { device, network, denoised, arrays }
    }

    fn enqueue(&mut self) -> Result<(), Error> {
        let (x, sigma, level) = &self.arrays;
        let (x, sigma, level) = (x.address(), sigma.address(), level.address());
        self.network.enqueue(&Io { x, denoised: self.denoised.address(), sigma, level })
    }

    fn evaluate(&mut self) -> Vec<f32> {
        self.enqueue().unwrap();
        let mut values = vec![0.0; self.denoised.len()];
        self.denoised.read(&self.device, &mut values).unwrap();
        values
    }

    fn used(&self) -> &LibraryUse {
        self.network.library_use().unwrap()
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// D of noise by our own kernels.
fn own(path: &Path, chains: usize, size: [usize; 2]) -> Vec<f32> {
    Planned::new(path, Libraries::Never, chains, size, SIGMA).evaluate()
}

/// In a process in which the folders are named, with other variables.
fn with_folders(test: &str, folders: &Path, variables: &[(&str, &str)], body: impl FnOnce(&Mock)) {
    let folders = [(FOLDERS, folders.to_str().unwrap())];
    mock_cuda::in_modes(test, &[Mode::Source], &[&folders, variables].concat(), body);
}

/// D by the libraries is D by our own kernels, and that of ONNX Runtime, which takes the same file.
fn compare(path: &Path, chains: usize, size: [usize; 2]) -> LibraryUse {
    let mut by_library = Planned::new(path, Libraries::Everywhere, chains, size, SIGMA);
    let found = by_library.evaluate();
    let far = relative(&found, &own(path, chains, size));
    let name = path.file_name().unwrap().to_string_lossy();
    let used = by_library.used().clone();
    println!("{name}: {far:.2e} from our own kernels, {used:?}");
    assert!(far < TOLERANCE, "{name}: {far}");
    assert_eq!(bits(&by_library.evaluate()), bits(&found), "{name}: another result the second time");
    if std::env::var_os("ORT_DYLIB_PATH").is_some() {
        let engine = EngineChoice::Runtime(RuntimeOptions::default());
        let model = OnnxDenoiser::open_with(path, &OpenOptions { engine, ..OpenOptions::default() }).unwrap();
        let mut expected = vec![0.0; found.len()];
        model.evaluator(size[0], size[1]).unwrap().denoise(&picture(found.len()), SIGMA, &mut expected).unwrap();
        let far = relative(&found, &expected);
        println!("{name}: {far:.2e} from ONNX Runtime");
        assert!(far < TOLERANCE, "{name}: {far} from ONNX Runtime");
    }
    used
}

fn both() -> std::path::PathBuf {
    folder(&[CUDNN, CUBLAS_LT])
}

/// Deterministic sums in f32 alone.
fn took_what_it_may(libraries: &MockLibraries) {
    assert_eq!(libraries.counter("convolutions by tensor cores"), 0);
    assert!([0, 2, 3, 4, 5, 6, 7].iter().all(|number| libraries.counter(&format!("algorithm {number}")) == 0));
}
