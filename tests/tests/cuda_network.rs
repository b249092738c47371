//! Networks of ONNX files on the mock device, against engines of the processor.

use rwt_core::{Chain, Denoiser};
use rwt_cuda::{Array, CudaDenoiser, Device, Error, Io, OnnxNetwork};
use rwt_onnx::{EngineChoice, OnnxDenoiser, OpenOptions, RuntimeOptions};
use rwt_tests::mock_cuda::{self, Mock, Mode};
use rwt_tests::networks::{OPERATORS, written};
use rwt_tests::{model, scratch, skip};
use std::path::Path;

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
    with_levels(network, device, chains, shape, sigmas, x, None)
}

fn with_levels(
    network: &mut OnnxNetwork,
    device: &Device,
    chains: usize,
    shape: [usize; 3],
    sigmas: &[f64],
    x: &[f32],
    first: Option<Chain>,
) -> Vec<Vec<f32>> {
    network.plan(device, chains, shape, sigmas, first).unwrap();
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

/// A smooth picture of each chain.
fn pictures(chains: usize, [channels, height, width]: [usize; 3]) -> Vec<f32> {
    let wave = |number: usize| {
        let (plane, place) = (number / (height * width), number % (height * width));
        let (y, x) = ((place / width) as f32, (place % width) as f32);
        0.7 * (0.3 * y + 0.2 * x + plane as f32).sin()
    };
    (0..chains * channels * height * width).map(wave).collect()
}

/// How far D of noisy pictures on the device is from D on the processor, at worst, and how many launches that takes.
fn compare(path: &Path, chains: usize, size: [usize; 2], sigmas: &[f64]) -> (f64, usize) {
    let device = Device::open(0).unwrap();
    let mut network = OnnxNetwork::open(path, &[]).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let shape = [network.info().channels, size[0], size[1]];
    let clean = pictures(chains, shape);
    let noise = picture(clean.len());
    let model = reference(path);
    let mut evaluator = model.evaluator(size[0], size[1]).unwrap();
    let mut worst = 0.0f64;
    for &sigma in sigmas {
        let x: Vec<f32> = clean.iter().zip(&noise).map(|(x, n)| x + 1.7 * sigma as f32 * n).collect();
        let found = on_device(&mut network, &device, chains, shape, &[sigmas[0], sigma], &x).remove(1);
        let mut expected = vec![0.0; x.len()];
        evaluator.denoise(&x, sigma, &mut expected).unwrap();
        let far = relative(&found, &expected);
        println!("{}, sigma {sigma}: {far:.2e}", path.display());
        assert!(far < TOLERANCE, "{}, sigma {sigma}: {far}", path.display());
        worst = worst.max(far);
    }
    let needed = network.needed().unwrap();
    println!("{}: at worst {worst:.2e}, {needed:?}", path.display());
    (worst, needed.launches)
}

fn in_source(test: &str, body: impl FnOnce(&Mock)) {
    mock_cuda::in_modes(test, &[Mode::Source], &[], body);
}

#[test]
fn the_shipped_denoiser_agrees_with_the_processor() {
    in_source("the_shipped_denoiser_agrees_with_the_processor", |_| {
        let (_, launches) = compare(&model(), 2, [32, 48], &[0.02, 0.7, 30.0]);
        assert!(launches <= 41, "{launches}");
    });
}

#[test]
fn operators_agree_with_the_processor() {
    let test = "operators_agree_with_the_processor";
    let Some(folder) = written(test, "tests/python/operator_networks.py", &[], "") else { return };
    mock_cuda::in_modes(test, &[Mode::Source, Mode::Sanitized], &[], |_| {
        for name in OPERATORS {
            // the embedded engine does not know attention
            if name != "attention_operator" || std::env::var_os("ORT_DYLIB_PATH").is_some() {
                compare(&folder.join(format!("{name}.onnx")), 3, [8, 20], &[0.05, 0.9]);
            }
        }
    });
}

#[test]
fn large_products_agree_with_the_processor() {
    let test = "large_products_agree_with_the_processor";
    let Some(folder) = written(test, "tests/python/operator_networks.py", &[], "") else { return };
    in_source(test, |_| {
        // 2448 x 120 and 130 x 2448 elements, in tiles of 64 x 64
        compare(&folder.join("wide.onnx"), 2, [36, 68], &[0.9]);
    });
}

#[test]
fn unets_with_attention_agree_with_the_processor() {
    let test = "unets_with_attention_agree_with_the_processor";
    let export = |script: &str, arguments: &[&str], file: &str| {
        written(test, &format!("examples/export/{script}.py"), &[arguments, &["--out"]].concat(), file)
    };
    let Some(small) = export("diffusers_unet2d", &["--random", "small"], "small.onnx") else { return };
    let Some(guided) = export("guided_diffusion", &["--config", "small64", "--random"], "guided.onnx") else { return };
    in_source(test, |_| {
        assert!(compare(&small, 2, [16, 24], &[0.05, 0.9, 50.0]).1 <= 78);
        assert!(compare(&guided, 2, [16, 24], &[0.05, 50.0]).1 <= 103);
    });
}

#[test]
fn the_network_of_ddpm_takes_few_launches() {
    let test = "the_network_of_ddpm_takes_few_launches";
    let arguments = ["--random", "cifar10", "--out"];
    let Some(file) = written(test, "examples/export/diffusers_unet2d.py", &arguments, "cifar10.onnx") else { return };
    in_source(test, |_| {
        let (_, launches) = compare(&file, 1, [16, 16], &[0.9]);
        assert!(launches <= 175, "{launches}");
    });
}

/// Evaluations of small networks: the shipped one, and those of operators if they can be made.
fn bits(folder: Option<&Path>) -> Vec<u32> {
    let device = Device::open(0).unwrap();
    let mut bits = Vec::new();
    let mut evaluate = |path: &Path, chains: usize, size: [usize; 2]| {
        let mut network = OnnxNetwork::open(path, &[]).unwrap();
        let shape = [network.info().channels, size[0], size[1]];
        let x = picture(chains * shape.iter().product::<usize>());
        let found = on_device(&mut network, &device, chains, shape, &[0.4, 2.0], &x);
        bits.extend(found.concat().iter().map(|value| value.to_bits()));
    };
    if let Some(folder) = folder {
        OPERATORS.iter().for_each(|name| evaluate(&folder.join(format!("{name}.onnx")), 2, [4, 8]));
        evaluate(&folder.join("wide.onnx"), 1, [32, 72]);
    } else {
        evaluate(&model(), 1, [8, 8]);
    }
    bits
}

/// Bits from the PTX and from the source, in processes that meet in a file.
fn have_the_same_bits(test: &str, folder: Option<&Path>) {
    let file = rwt_tests::target().join("tmp/rwt-tests").join(test);
    if std::env::var_os("RWT_MOCK_CHILD").is_none() {
        scratch(test);
    }
    mock_cuda::both(test, |_| {
        let found: Vec<u8> = bits(folder).iter().flat_map(|bits| bits.to_le_bytes()).collect();
        assert!(!found.is_empty());
        match std::fs::read(file.join("bits")) {
            Ok(before) => assert!(found == before, "PTX and source differ"),
            Err(_) => std::fs::write(file.join("bits"), found).unwrap(),
        }
    });
}

#[test]
fn operators_have_the_same_bits_from_ptx_and_source() {
    let test = "operators_have_the_same_bits_from_ptx_and_source";
    let Some(folder) = written(test, "tests/python/operator_networks.py", &[], "") else { return };
    have_the_same_bits(test, Some(&folder));
}

#[test]
fn the_shipped_denoiser_has_the_same_bits_from_ptx_and_source() {
    have_the_same_bits("the_shipped_denoiser_has_the_same_bits_from_ptx_and_source", None);
}

#[test]
fn a_picture_has_the_same_bits_whatever_pictures_are_beside_it() {
    in_source("a_picture_has_the_same_bits_whatever_pictures_are_beside_it", |_| {
        let (device, shape) = (Device::open(0).unwrap(), [3, 16, 20]);
        let mut network = OnnxNetwork::open(model(), &[]).unwrap();
        let x = picture(3 * 960);
        let together = on_device(&mut network, &device, 3, shape, &[0.9], &x).remove(0);
        for (x, expected) in x.chunks(960).zip(together.chunks(960)) {
            let alone = on_device(&mut network, &device, 1, shape, &[0.9], x).remove(0);
            assert!(alone.iter().map(|v| v.to_bits()).eq(expected.iter().map(|v| v.to_bits())));
        }
    });
}

#[test]
fn symmetries_are_those_of_the_processor() {
    in_source("symmetries_are_those_of_the_processor", |_| {
        let (device, chains, shape) = (Device::open(0).unwrap(), 5, [3, 16, 13]); // both padded to 32
        let mut network = OnnxNetwork::open(model(), &[]).unwrap();
        let x = picture(chains * shape.iter().product::<usize>());
        let first = Chain { seed: 7, chain: 3 };
        let sigmas = [0.5, 0.9, 3.0];
        let found = with_levels(&mut network, &device, chains, shape, &sigmas, &x, Some(first));
        let model = reference(&model());
        let mut evaluator = model.evaluator(shape[1], shape[2]).unwrap();
        evaluator.set_chains(Some(first));
        for (&sigma, found) in sigmas.iter().zip(&found) {
            let mut expected = vec![0.0; x.len()];
            evaluator.denoise(&x, sigma, &mut expected).unwrap();
            let far = relative(found, &expected);
            assert!(far < 5.0 * TOLERANCE, "sigma {sigma}: {far}"); // of noise without a picture, D is small
        }
    });
}

#[test]
fn an_evaluation_only_launches() {
    in_source("an_evaluation_only_launches", |mock| {
        let device = Device::open(0).unwrap();
        let mut network = OnnxNetwork::open(model(), &[]).unwrap();
        let shape = [3, 16, 16];
        let x = Array::from_host(&device, &picture(768)).unwrap();
        let denoised = Array::<f32>::zeros(&device, 768).unwrap();
        let (sigma, level) = (Array::<f64>::zeros(&device, 1).unwrap(), Array::<u32>::zeros(&device, 1).unwrap());
        let io = Io { x: x.address(), denoised: denoised.address(), sigma: sigma.address(), level: level.address() };
        assert!(matches!(network.enqueue(&io), Err(Error::NotPlanned)));
        network.plan(&device, 1, shape, &[0.3, 0.1], None).unwrap();
        device.synchronize().unwrap();
        mock.reset();
        network.enqueue(&io).unwrap();
        assert_eq!(mock.counter("launches"), network.needed().unwrap().launches as u64);
        for nothing in ["htod", "dtoh", "dtod", "memset", "allocs", "frees", "syncs"] {
            assert_eq!(mock.counter(nothing), 0, "{nothing}");
        }
        // the same pictures at other levels: the weights stay
        mock.reset();
        network.plan(&device, 1, shape, &[0.2, 0.1], None).unwrap();
        assert_eq!(mock.counter("allocs"), 0);
    });
}
