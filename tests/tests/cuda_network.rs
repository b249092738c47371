//! Networks of ONNX files on the mock device, against engines of the processor.

use rwt_core::Denoiser;
use rwt_cuda::{Array, CudaDenoiser, Device, Io, OnnxNetwork};
use rwt_onnx::{EngineChoice, OnnxDenoiser, OpenOptions, RuntimeOptions};
use rwt_tests::mock_cuda::{self, Mock, Mode};
use rwt_tests::{model, root, run, scratch, skip};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Of the length of D, in f32 on both sides.
const TOLERANCE: f64 = 1e-5;

/// Numbers in [-1, 1), the same in every run.
fn picture(count: usize) -> Vec<f32> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// ONNX Runtime where there is one, else the embedded engine.
fn reference(path: &Path) -> OnnxDenoiser {
    let runtime = std::env::var_os("ORT_DYLIB_PATH").map(|_| EngineChoice::Runtime(RuntimeOptions::default()));
    if runtime.is_none() {
        skip("networks against ONNX Runtime", "ORT_DYLIB_PATH is not set; against the embedded engine");
    }
    let engine = runtime.unwrap_or_default();
    OnnxDenoiser::open_with(path, &OpenOptions { engine, ..OpenOptions::default() }).unwrap()
}

/// D at each level on the device, [levels][chains · pixels].
fn on_device(
    network: &mut OnnxNetwork,
    device: &Device,
    chains: usize,
    shape: [usize; 3],
    sigmas: &[f64],
    x: &[f32],
) -> Vec<Vec<f32>> {
    network.plan(device, chains, shape, sigmas, None).unwrap();
    let on_x = Array::from_host(device, x).unwrap();
    let denoised = Array::<f32>::zeros(device, x.len()).unwrap();
    let sigma = Array::<f64>::zeros(device, 1).unwrap();
    let mut level = Array::<u32>::zeros(device, 1).unwrap();
    let io = Io { x: on_x.address(), denoised: denoised.address(), sigma: sigma.address(), level: level.address() };
    let mut evaluate = |number: usize| {
        level.write(device, &[number as u32]).unwrap();
        network.enqueue(&io).unwrap();
        let mut values = vec![0.0; x.len()];
        denoised.read(device, &mut values).unwrap();
        values
    };
    (0..sigmas.len()).map(&mut evaluate).collect()
}

fn relative(found: &[f32], expected: &[f32]) -> f64 {
    let square = |value: f64| value * value;
    let far: f64 = found.iter().zip(expected).map(|(a, b)| square(f64::from(a - b))).sum();
    (far / expected.iter().map(|&b| square(b.into())).sum::<f64>()).sqrt()
}

/// Compare both, and what is needed.
fn compare(path: &Path, chains: usize, size: [usize; 2], sigmas: &[f64], launches: usize) {
    let device = Device::open(0).unwrap();
    let mut network = OnnxNetwork::open(path, &[]).unwrap();
    let shape = [network.info().channels, size[0], size[1]];
    let x = picture(chains * shape.iter().product::<usize>());
    let found = on_device(&mut network, &device, chains, shape, sigmas, &x);
    let needed = network.needed().unwrap();
    let model = reference(path);
    let mut evaluator = model.evaluator(size[0], size[1]).unwrap();
    for (&sigma, found) in sigmas.iter().zip(&found) {
        let mut expected = vec![0.0; x.len()];
        evaluator.denoise(&x, sigma, &mut expected).unwrap();
        let far = relative(found, &expected);
        println!("{}, σ = {sigma}: {far:.2e}, {needed:?}", path.display());
        assert!(far < TOLERANCE, "{}, σ = {sigma}: {far}", path.display());
    }
    assert!(needed.launches <= launches, "{}: {needed:?}", path.display());
}

#[test]
fn the_shipped_denoiser_agrees_with_the_processor() {
    mock_cuda::in_modes("the_shipped_denoiser_agrees_with_the_processor", &[Mode::Source], &[], |_| {
        compare(&model(), 2, [32, 48], &[0.02, 0.7, 30.0], 60);
    });
}
#[test]
fn adhoc() {
    mock_cuda::in_modes("adhoc", &[Mode::Source], &[], |_| {
        let f = std::env::var("ADHOC").unwrap();
        let s: usize = std::env::var("ADHOC_SIDE").unwrap().parse().unwrap();
        let sig = if f.contains("edm") || f.contains("drunet") { vec![0.01, 0.3] } else { vec![0.02, 50.0] };
        compare(Path::new(&f), 2, [s, s], &sig, 260);
    });
}
