//! Networks of ONNX files in bf16 on the mock device, against f32 and against PyTorch's bf16.

use rwt_cuda::{Array, CudaDenoiser, Device, Error, Io, OnnxNetwork, Precision};
use rwt_onnx::Network;
use rwt_tests::mock_cuda::{self, Mock, Mode};
use rwt_tests::networks::{OCTETS, OPERATORS, printed, written};
use rwt_tests::{model, scratch};
use std::path::Path;

/// How much farther from f32 than PyTorch's bf16.
const FARTHER: f64 = 1.5;
/// Of the length of D, where there is nothing to compare with: four times 2⁻⁸, the rounding of one number.
const BOUND: f64 = 0.016;

/// A smooth picture of each chain with noise on it, the same in every run.
fn noisy(chains: usize, [channels, height, width]: [usize; 3], sigma: f64) -> Vec<f32> {
    let mut state = 1_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let mut pixel = |number: usize| {
        let (plane, place) = (number / (height * width), number % (height * width));
        let (y, x) = ((place / width) as f32, (place % width) as f32);
        0.7 * (0.3 * y + 0.2 * x + plane as f32).sin() + 1.7 * sigma as f32 * uniform()
    };
    (0..chains * channels * height * width).map(&mut pixel).collect()
}

fn open(path: &Path, precision: Precision) -> OnnxNetwork {
    OnnxNetwork::open(path, &[]).unwrap().with_precision(precision)
}

/// D of these pictures.
fn denoised(network: &mut OnnxNetwork, chains: usize, size: [usize; 2], sigma: f64, x: &[f32]) -> Vec<f32> {
    let device = Device::open(0).unwrap();
    let shape = [network.info().channels, size[0], size[1]];
    network.plan(&device, chains, shape, &[sigma], None).unwrap();
    let (on_x, denoised) = (Array::from_host(&device, x).unwrap(), Array::<f32>::zeros(&device, x.len()).unwrap());
    let (sigma, level) = (Array::<f64>::zeros(&device, 1).unwrap(), Array::<u32>::zeros(&device, 1).unwrap());
    let io = Io { x: on_x.address(), denoised: denoised.address(), sigma: sigma.address(), level: level.address() };
    network.enqueue(&io).unwrap();
    let mut values = vec![0.0; x.len()];
    denoised.read(&device, &mut values).unwrap();
    values
}

fn length(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    length(a.iter().zip(b).map(|(a, b)| f64::from(a - b)))
}

fn relative(found: &[f32], expected: &[f32]) -> f64 {
    distance(found, expected) / length(expected.iter().map(|&value| value.into()))
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn in_source(test: &str, body: impl FnOnce(&Mock)) {
    mock_cuda::in_modes(test, &[Mode::Source], &[], body);
}

/// What the network is shown of pictures: with a border that reflects them, times a number.
fn shown(network: &Network, x: &[f32], [height, width]: [usize; 2], scale: f64) -> (Vec<f32>, [usize; 2]) {
    let ([tall, wide], margin) = (network.padded(height, width).unwrap(), network.info().margin as i64);
    let inside = |place: usize, size: usize| {
        let period = 2 * (size as i64 - 1);
        let offset = (place as i64 - margin).rem_euclid(period);
        offset.min(period - offset) as usize
    };
    let pixel = |plane: &[f32], y: usize, x: usize| scale as f32 * plane[inside(y, height) * width + inside(x, width)];
    let planes = x.chunks(height * width);
    let all = planes.flat_map(|plane| (0..tall * wide).map(move |place| pixel(plane, place / wide, place % wide)));
    (all.collect(), [tall, wide])
}

/// By its length, how far PyTorch's bf16 takes the network's answer at each level.
fn of_pytorch(test: &str, path: &Path, chains: usize, size: [usize; 2], sigmas: &[f64]) -> Option<Vec<f64>> {
    let network = Network::open(path, &[]).unwrap();
    let folder = scratch(&format!("{test}-x"));
    let (mut arguments, mut sides) = (vec![], size);
    for (number, &sigma) in sigmas.iter().enumerate() {
        let level = network.level(sigma).unwrap();
        let x = noisy(chains, [network.info().channels, size[0], size[1]], sigma);
        let (x, padded) = shown(&network, &x, size, level.scale);
        let file = folder.join(format!("{number}.bin"));
        std::fs::write(&file, x.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>()).unwrap();
        arguments.extend([file.display().to_string(), level.time.to_string()]);
        sides = padded;
    }
    let sides = sides.map(|side| side.to_string());
    let arguments = [&[path.display().to_string()], &sides[..], &arguments].concat();
    let text = printed(test, "tests/python/bf16_error.py", &arguments)?;
    let number = |line: &str| line.split(' ').map(|word| word.parse::<f64>().unwrap()).reduce(|a, b| a / b);
    Some(text.lines().filter_map(number).collect())
}

/// D in bf16 beside D in f32, by the length of the network's answer.
fn of_device(path: &Path, chains: usize, size: [usize; 2], sigma: f64) -> f64 {
    let [mut half, mut full] = [Precision::Bf16, Precision::F32].map(|precision| open(path, precision));
    let x = noisy(chains, [half.info().channels, size[0], size[1]], sigma);
    let found = denoised(&mut half, chains, size, sigma, &x);
    let expected = denoised(&mut full, chains, size, sigma, &x);
    let level = Network::open(path, &[]).unwrap().level(sigma).unwrap();
    let answer = expected.iter().zip(&x).map(|(&d, &x)| f64::from(d) - level.input * f64::from(x));
    distance(&found, &expected) / length(answer)
}

fn compare(test: &str, path: &Path, size: [usize; 2], sigmas: &[f64]) {
    let Some(theirs) = of_pytorch(test, path, 2, size, sigmas) else { return };
    for (&sigma, theirs) in sigmas.iter().zip(theirs) {
        let ours = of_device(path, 2, size, sigma);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        eprintln!("MEASURED: {name}, sigma {sigma}: bf16 {ours:.2e} from f32, PyTorch's bf16 {theirs:.2e}");
        assert!(ours > 1e-5 && ours <= FARTHER * theirs, "{}, sigma {sigma}: {ours}, {theirs}", path.display());
    }
}

#[test]
fn the_shipped_denoiser_is_as_near_to_f32_as_pytorchs_bf16() {
    let test = "the_shipped_denoiser_is_as_near_to_f32_as_pytorchs_bf16";
    in_source(test, |_| {
        compare(test, &model(), [32, 40], &[0.02, 0.2, 1.0, 30.0]);
        let mut network = open(&model(), Precision::Bf16);
        network.plan(&Device::open(0).unwrap(), 1, [3, 32, 40], &[1.0], None).unwrap();
        assert!(network.needed().unwrap().launches <= 41, "{network:?}");
    });
}

#[test]
fn unets_are_as_near_to_f32_as_pytorchs_bf16() {
    let test = "unets_are_as_near_to_f32_as_pytorchs_bf16";
    let export = |script: &str, arguments: &[&str], file: &str| {
        written(test, &format!("examples/export/{script}.py"), &[arguments, &["--out"]].concat(), file)
    };
    let Some(small) = export("diffusers_unet2d", &["--random", "small"], "small.onnx") else { return };
    let Some(guided) = export("guided_diffusion", &["--config", "small64", "--random"], "guided.onnx") else { return };
    in_source(test, |_| {
        compare(test, &small, [16, 24], &[0.05, 0.9, 50.0]);
        compare(test, &guided, [16, 24], &[0.05, 0.9, 50.0]);
    });
}

#[test]
fn operators_in_octets_are_as_near_to_f32_as_pytorchs_bf16() {
    let test = "operators_in_octets_are_as_near_to_f32_as_pytorchs_bf16";
    let Some(folder) = written(test, "tests/python/octet_networks.py", &[], "") else { return };
    mock_cuda::in_modes(test, &[Mode::Source, Mode::Sanitized], &[], |_| {
        OCTETS.iter().for_each(|name| compare(test, &folder.join(format!("{name}.onnx")), [8, 20], &[0.9]));
        // large enough for normalisations in parts
        compare(test, &folder.join("normalised_octets.onnx"), [36, 60], &[0.9]);
    });
}

#[test]
fn numbers_of_channels_that_are_no_octets_are_still_right() {
    let test = "numbers_of_channels_that_are_no_octets_are_still_right";
    let Some(folder) = written(test, "tests/python/operator_networks.py", &[], "") else { return };
    mock_cuda::in_modes(test, &[Mode::Source, Mode::Sanitized], &[], |_| {
        for name in OPERATORS {
            let far = of_device(&folder.join(format!("{name}.onnx")), 3, [8, 20], 0.9);
            eprintln!("MEASURED: {name}: bf16 {far:.2e} from f32");
            assert!(far < BOUND, "{name}: {far}");
        }
    });
}

/// Bytes of the device's memory that are free.
fn free() -> u64 {
    type Info = unsafe extern "C" fn(*mut usize, *mut usize) -> i32;
    let (mut free, mut total) = (0, 0);
    // SAFETY: the driver's function has this type; the library is open already and stays open.
    unsafe {
        let driver = libloading::Library::new("libcuda.so.1").unwrap();
        assert_eq!(driver.get::<Info>(b"cuMemGetInfo_v2").unwrap()(&raw mut free, &raw mut total), 0);
    }
    free as u64
}

#[test]
fn the_network_of_ddpm_takes_few_launches_and_what_it_says() {
    let test = "the_network_of_ddpm_takes_few_launches_and_what_it_says";
    let arguments = ["--random", "cifar10", "--out"];
    let Some(file) = written(test, "examples/export/diffusers_unet2d.py", &arguments, "cifar10.onnx") else { return };
    in_source(test, |mock| {
        let device = Device::open(0).unwrap();
        let mut network = open(&file, Precision::Bf16);
        let weights_of = |needed: rwt_cuda::Needed| needed.weights as f64;
        let x = Array::from_host(&device, &noisy(2, [3, 16, 16], 0.9)).unwrap();
        let out = Array::<f32>::zeros(&device, x.len()).unwrap();
        let (sigma, level) = (Array::<f64>::zeros(&device, 1).unwrap(), Array::<u32>::zeros(&device, 1).unwrap());
        let before = free();
        network.plan(&device, 2, [3, 16, 16], &[0.9, 0.5], None).unwrap();
        let needed = network.needed().unwrap();
        let (taken, said) = (before - free(), needed.weights + needed.activations + needed.tables);
        eprintln!("MEASURED: bf16 {needed:?}, {taken} bytes taken");
        assert!(taken >= said && taken - said < 4096, "{taken} bytes, {needed:?}"); // small tables are not counted
        mock.reset();
        let io = Io { x: x.address(), denoised: out.address(), sigma: sigma.address(), level: level.address() };
        network.enqueue(&io).unwrap();
        assert!(needed.launches <= 260, "{needed:?}");
        assert_eq!(mock.counter("launches"), needed.launches as u64);
        for nothing in ["htod", "dtoh", "dtod", "memset", "allocs", "frees", "syncs"] {
            assert_eq!(mock.counter(nothing), 0, "{nothing}");
        }
        let mut full = open(&file, Precision::F32);
        full.plan(&device, 2, [3, 16, 16], &[0.9], None).unwrap();
        let full = full.needed().unwrap();
        eprintln!("MEASURED: f32 {full:?}");
        assert!(weights_of(needed) < 0.6 * weights_of(full) && needed.activations < full.activations, "{full:?}");
    });
}

#[test]
fn evaluations_are_reproduced() {
    in_source("evaluations_are_reproduced", |_| {
        let path = model();
        let x = noisy(3, [3, 16, 20], 0.9);
        let mut network = open(&path, Precision::Bf16);
        let first = denoised(&mut network, 3, [16, 20], 0.9, &x);
        assert_eq!(bits(&denoised(&mut network, 3, [16, 20], 0.9, &x)), bits(&first));
        // another size in between
        let larger = noisy(1, [3, 32, 24], 0.9);
        let found = denoised(&mut network, 1, [32, 24], 0.9, &larger);
        assert_eq!(bits(&found), bits(&denoised(&mut open(&path, Precision::Bf16), 1, [32, 24], 0.9, &larger)));
        assert_eq!(bits(&denoised(&mut network, 3, [16, 20], 0.9, &x)), bits(&first));
        // a picture alone may be summed in another order
        for (x, first) in x.chunks(960).zip(first.chunks(960)) {
            let far = relative(&denoised(&mut network, 1, [16, 20], 0.9, x), first);
            assert!(far < BOUND, "{far}");
        }
        // back to f32
        let full = denoised(&mut network.with_precision(Precision::F32), 3, [16, 20], 0.9, &x);
        assert_eq!(bits(&full), bits(&denoised(&mut OnnxNetwork::open(&path, &[]).unwrap(), 3, [16, 20], 0.9, &x)));
        assert!(relative(&first, &full) > 1e-5);
    });
}

#[test]
fn ptx_and_source_have_the_same_bits() {
    let test = "ptx_and_source_have_the_same_bits";
    let file = rwt_tests::target().join("tmp/rwt-tests").join(test).join("bits");
    if std::env::var_os("RWT_MOCK_CHILD").is_none() {
        scratch(test);
    }
    let arguments = ["--random", "small", "--out"];
    let small = written(test, "examples/export/diffusers_unet2d.py", &arguments, "small.onnx");
    mock_cuda::both(test, |_| {
        let paths = [Some(model()), small].into_iter().flatten();
        let each =
            paths.map(|path| denoised(&mut open(&path, Precision::Bf16), 1, [8, 8], 0.9, &noisy(1, [3, 8, 8], 0.9)));
        let found: Vec<u8> = each.flat_map(|values| bits(&values)).flat_map(u32::to_le_bytes).collect();
        match std::fs::read(&file) {
            Ok(before) => assert!(found == before, "PTX and source differ"),
            Err(_) => std::fs::write(&file, found).unwrap(),
        }
    });
}

#[test]
fn a_device_without_bf16_is_refused_for_it_alone() {
    let test = "a_device_without_bf16_is_refused_for_it_alone";
    mock_cuda::in_modes(test, &[Mode::Source], &[("RWT_MOCK_CAPABILITY", "75")], |_| {
        let device = Device::open(0).unwrap();
        let mut network = open(&model(), Precision::Bf16);
        let error = network.plan(&device, 1, [3, 8, 8], &[1.0], None).unwrap_err();
        assert!(matches!(error, Error::TooOld { found: (7, 5), needed: (8, 0), .. }), "{error}");
        assert!(error.to_string().contains("bf16"), "{error}");
        network.with_precision(Precision::F32).plan(&device, 1, [3, 8, 8], &[1.0], None).unwrap();
    });
}
