//! Networks that ONNX Runtime computes on a device's stream. The mock device's memory is the host's, so that the provider for the
//! processor can stand in for CUDA's. Without an ONNX Runtime on this machine these tests are skipped, by name.

#[path = "../../backends/onnx/tests/common/graph.rs"]
mod graph;

use graph::Graph;
use rwt_core::{Chain, Denoiser, Method, Schedule, Step, Walk, recipes};
use rwt_cuda::{Chains, CudaDenoiser, Device, DeviceMask, Error, Io, OnHost, OnnxNetwork, Prior, RuntimeNetwork};
use rwt_onnx::{EngineChoice, OnnxDenoiser, OpenOptions, RuntimeOptions};
use rwt_tests::mock_cuda::{self, Mock, Mode};
use rwt_tests::{model, scratch, skip};
use std::path::Path;

/// Of the length of D or of x, in f32 on both sides.
const TOLERANCE: f64 = 1e-5;
const FIRST: Chain = Chain { seed: 7, chain: 3 };

fn in_modes(test: &str, modes: &[Mode], body: impl FnOnce(&Mock)) {
    if std::env::var_os("ORT_DYLIB_PATH").is_none() {
        return skip(test, "ORT_DYLIB_PATH does not name an ONNX Runtime");
    }
    mock_cuda::in_modes(test, modes, &[], body);
}

fn runtime(device: &Device, path: &Path) -> RuntimeNetwork {
    // SAFETY: the device is the mock.
    let network = unsafe { RuntimeNetwork::on_processor(device, path, &[], &RuntimeOptions::default()) };
    network.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Smooth pictures with noise.
fn pictures(chains: usize, shape: [usize; 3], sigma: f64) -> Vec<f32> {
    let mut noise = vec![0.0; chains * shape.iter().product::<usize>()];
    rwt_core::noise::fill(5, 0, 0, 0, &mut noise);
    let wave = |place: usize| (0.17 * (place % 977) as f32).sin();
    noise.iter().enumerate().map(|(place, n)| 0.7 * wave(place) + sigma as f32 * n).collect()
}

fn relative(found: &[f32], expected: &[f32]) -> f64 {
    let square = |value: f64| value * value;
    let far: f64 = found.iter().zip(expected).map(|(a, b)| square(f64::from(a - b))).sum();
    let far = (far / expected.iter().map(|&b| square(b.into())).sum::<f64>()).sqrt();
    assert!(far.is_finite() && found.len() == expected.len());
    far
}

/// D through the device beside D of an engine on the host.
fn compare(device: &Device, path: &Path, engine: &EngineChoice, chains: usize, size: [usize; 2], sigma: f64) -> f64 {
    let here =
        OnnxDenoiser::open_with(path, &OpenOptions { engine: engine.clone(), ..OpenOptions::default() }).unwrap();
    let shape = [here.info().channels, size[0], size[1]];
    let x = pictures(chains, shape, sigma);
    let (mut found, mut expected) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    let mut there = OnHost::new(device, runtime(device, path)).unwrap();
    there.prepare(chains, shape).unwrap();
    let mut evaluator = here.evaluator(size[0], size[1]).unwrap();
    let is_symmetric = size[0] == size[1]; // else the device shows fewer symmetries
    if is_symmetric {
        there.set_chains(Some(FIRST));
        evaluator.set_chains(Some(FIRST));
    }
    there.denoise(&x, sigma, &mut found).unwrap();
    evaluator.denoise(&x, sigma, &mut expected).unwrap();
    relative(&found, &expected)
}

#[test]
fn evaluations_are_those_of_the_host() {
    let test = "evaluations_are_those_of_the_host";
    in_modes(test, &[Mode::Ptx, Mode::Source], |_| {
        let device = Device::open(0).unwrap();
        for (engine, tolerance) in
            [(EngineChoice::Runtime(RuntimeOptions::default()), 1e-6), (EngineChoice::Embedded, TOLERANCE)]
        {
            for (chains, size) in [(1, [8, 8]), (5, [16, 16]), (2, [20, 9])] {
                for sigma in [0.02, 0.7, 30.0] {
                    let far = compare(&device, &model(), &engine, chains, size, sigma);
                    assert!(far < tolerance, "{engine:?}, {chains}, {size:?}, {sigma}: {far:.2e}");
                }
            }
        }
    });
}

#[test]
fn every_kind_of_time_and_output_is_written_and_read() {
    let test = "every_kind_of_time_and_output_is_written_and_read";
    in_modes(test, &[Mode::Ptx, Mode::Source], |_| {
        let device = Device::open(0).unwrap();
        let kinds = [
            ("index", Graph::new("t", &[])),
            ("index", Graph { scalar: true, ..Graph::new("t", &[]) }),
            ("integer", Graph { integer: true, ..Graph::new("t", &[]) }),
            ("integer", Graph { integer: true, scalar: true, ..Graph::new("t", &[]) }),
            ("index", Graph { doubled: true, ..Graph::new("t", &[("rwt.learned_variance", "yes")]) }),
            ("index", Graph { single: true, ..Graph::new("t", &[]) }),
            ("integer", Graph { single: true, integer: true, ..Graph::new("t", &[]) }),
        ];
        let folder = scratch(&format!("{test}-{}", std::process::id()));
        for (number, (time, mut graph)) in kinds.into_iter().enumerate() {
            graph.metadata.extend([
                ("rwt.time", time),
                ("rwt.table", "linear 0.0001 0.02 1000"),
                ("rwt.symmetry", "square"),
            ]);
            graph.metadata.extend([("rwt.prediction", "noise"), ("rwt.process", "vp"), ("rwt.margin", "1")]);
            graph.metadata.retain(|entry| *entry != ("rwt.margin", "0"));
            let path = folder.join(format!("{number}.onnx"));
            std::fs::write(&path, graph.bytes()).unwrap();
            let sigma = OnnxDenoiser::open(&path).unwrap().info().conventions.table[400];
            for (chains, size) in [(3, [4, 4]), (200, [2, 3])] {
                let far = compare(&device, &path, &EngineChoice::Embedded, chains, size, sigma);
                assert!(far < 1e-6, "{number}, {chains}: {far:.2e}");
            }
        }
        let _ = std::fs::remove_dir_all(folder);
    });
}

fn levels(count: usize) -> Vec<f64> {
    let mut levels = vec![0.0; count];
    Schedule::Geometric { sigma_max: 20.0, sigma_min: 0.02 }.levels(&mut levels).unwrap();
    levels
}

/// Where a walk of the prior ends, or with a method posterior samples of missing pixels.
fn sampled(
    device: &Device,
    denoiser: impl CudaDenoiser,
    chains: usize,
    shape: [usize; 3],
    method: Option<Method>,
) -> Vec<f32> {
    let mut chains = Chains::new(device, denoiser, chains, shape).unwrap();
    let levels = levels(6);
    if let Some(method) = method {
        let kept: Vec<u8> = (0..shape[1] * shape[2]).map(|i| u8::from((i * 5) % 7 < 4)).collect();
        let y = pictures(1, shape, 0.05);
        let mut mask = DeviceMask::new(device, &kept, shape[0], &y, 0.05).unwrap();
        let prior = Prior { mean: 0.0, variance: 0.25 };
        chains.posterior(&mut mask, prior, &levels, method, FIRST, None).unwrap();
    } else {
        let mut rows = vec![Step::default(); levels.len() + 1];
        recipes::multistep(&levels, 0.25, &mut rows).unwrap();
        chains.walk(&Walk::new(&rows).unwrap(), FIRST, None).unwrap();
    }
    let mut x = vec![0.0; chains.x().len()];
    chains.x().read(device, &mut x).unwrap();
    x
}

const PRECONDITIONED: Method = Method::Preconditioned { epsilon: 0.8, temperature: None };

#[test]
fn walks_are_those_of_our_own_kernels() {
    in_modes("walks_are_those_of_our_own_kernels", &[Mode::Source], |_| {
        let device = Device::open(0).unwrap();
        let mut ours = OnnxNetwork::open(model(), &[]).unwrap();
        let mut theirs = runtime(&device, &model());
        for (chains, shape) in [(3, [3, 16, 16]), (2, [3, 9, 20])] {
            for (method, tolerance) in [
                (None, TOLERANCE),
                (Some(PRECONDITIONED), TOLERANCE),
                // takes differences of evaluations, which enlarge rounding
                (Some(Method::GuidedLookAhead), 2e-2),
            ] {
                let far = relative(
                    &sampled(&device, &mut theirs, chains, shape, method),
                    &sampled(&device, &mut ours, chains, shape, method),
                );
                println!("{chains} of {shape:?}, {method:?}: {far:.2e}");
                assert!(far < tolerance, "{chains} of {shape:?}, {method:?}: {far:.2e}");
            }
        }
    });
}

/// Evaluated as it is, but not captured.
struct Uncaptured<D>(D);

impl<D: CudaDenoiser> CudaDenoiser for Uncaptured<D> {
    fn plan(
        &mut self,
        device: &Device,
        chains: usize,
        shape: [usize; 3],
        sigmas: &[f64],
        first: Option<Chain>,
    ) -> Result<(), Error> {
        self.0.plan(device, chains, shape, sigmas, first)
    }

    fn enqueue(&mut self, io: &Io) -> Result<(), Error> {
        self.0.enqueue(io)
    }

    fn is_capturable(&self) -> bool {
        false
    }
}

#[test]
fn walks_without_graphs_have_the_same_bits() {
    mock_cuda::in_modes("walks_without_graphs_have_the_same_bits", &[Mode::Source], &[], |mock| {
        let (device, shape) = (Device::open(0).unwrap(), [3, 8, 12]);
        let mut network = OnnxNetwork::open(model(), &[]).unwrap();
        for method in [None, Some(PRECONDITIONED), Some(Method::GuidedLookAhead)] {
            let captured = sampled(&device, &mut network, 2, shape, method);
            mock.reset();
            let plain = sampled(&device, Box::new(Uncaptured(&mut network)), 2, shape, method);
            assert_eq!((mock.counter("graphs"), mock.counter("replays")), (0, 0));
            assert!(captured.iter().map(|v| v.to_bits()).eq(plain.iter().map(|v| v.to_bits())), "{method:?}");
        }
    });
}

#[test]
fn a_walk_neither_copies_nor_waits_for_its_rows() {
    in_modes("a_walk_neither_copies_nor_waits_for_its_rows", &[Mode::Source], |mock| {
        let (device, chains, shape) = (Device::open(0).unwrap(), 3, [3, 8, 12]);
        let mut chains = Chains::new(&device, runtime(&device, &model()), chains, shape).unwrap();
        let mut count = |rows: usize| {
            let rows: Vec<_> = (0..rows).map(|row| Step::tweedie(0.5, 0.1, 0.2, row as u32)).collect();
            mock.reset();
            chains.walk(&Walk::new(&rows).unwrap(), FIRST, None).unwrap();
            ["htod", "dtoh", "dtod", "memset", "allocs", "frees", "syncs", "graphs", "launches"]
                .map(|name| mock.counter(name))
        };
        count(1); // makes the session
        let (few, many) = (count(5), count(25));
        assert_eq!(few[..8], many[..8]);
        assert_eq!(many[8] - few[8], 20 * 6); // begin, times, enter, leave, step, next
        assert_eq!(few[7], 0);
    });
}

#[test]
fn what_cannot_be_planned_is_refused() {
    in_modes("what_cannot_be_planned_is_refused", &[Mode::Ptx], |_| {
        let device = Device::open(0).unwrap();
        let mut network = runtime(&device, &model());
        assert!(network.engine().starts_with("ONNX Runtime 1.") && format!("{network:?}").contains("engine"));
        let io = Io { x: 0, denoised: 0, sigma: 0, level: 0 };
        assert!(matches!(network.enqueue(&io), Err(Error::NotPlanned)));
        let mut text = |device, chains, shape, sigma: f64| {
            network.plan(device, chains, shape, &[sigma], None).unwrap_err().to_string()
        };
        assert!(text(&device, 0, [3, 16, 16], 1.0).contains("chains"));
        assert!(text(&device, 1, [1, 16, 16], 1.0).contains("expected 3 channels, found 1"));
        assert!(text(&device, 1, [3, 0, 16], 1.0).contains("height 0"));
        assert!(text(&device, 1, [3, 16, 16], f64::NAN).contains("sigma"));
        assert!(text(&Device::open(0).unwrap(), 1, [3, 16, 16], 1.0).contains("another device or stream"));
        let options = RuntimeOptions { cpu_fallback: true, ..RuntimeOptions::default() };
        let error = RuntimeNetwork::open(&device, model(), &[], &options).unwrap_err().to_string();
        assert!(error.contains("without operators on the CPU, found CUDA in f32, found a fallback"), "{error}");
        let error = RuntimeNetwork::open(&device, "/nowhere.onnx", &[], &RuntimeOptions::default()).unwrap_err();
        assert!(error.to_string().contains("/nowhere.onnx"), "{error}");
    });
}

#[test]
fn no_library_is_an_error() {
    mock_cuda::in_modes("no_library_is_an_error", &[Mode::Ptx], &[], |_| {
        let device = Device::open(0).unwrap();
        let options =
            RuntimeOptions { library: Some("/nowhere/libonnxruntime.so".into()), ..RuntimeOptions::default() };
        let error = RuntimeNetwork::open(&device, model(), &[], &options).unwrap_err().to_string();
        for part in ["/nowhere/libonnxruntime.so: there is no such file", "pip install", "ORT_DYLIB_PATH"] {
            assert!(error.contains(part), "{error}");
        }
    });
}

#[test]
fn a_library_without_the_provider_is_an_error() {
    in_modes("a_library_without_the_provider_is_an_error", &[Mode::Ptx], |_| {
        let device = Device::open(0).unwrap();
        let error = RuntimeNetwork::open(&device, model(), &[], &RuntimeOptions::default()).unwrap_err().to_string();
        for part in ["provider CUDA", "does not have it", "onnxruntime-gpu", "ORT_DYLIB_PATH"] {
            assert!(error.contains(part), "{error}");
        }
    });
}

/// The library of `pip install onnxruntime-gpu`, named by RWT_ORT_GPU, where no device can be used.
#[test]
fn a_provider_that_does_not_start_is_an_error() {
    let test = "a_provider_that_does_not_start_is_an_error";
    let Some(library) = std::env::var_os("RWT_ORT_GPU") else {
        return skip(test, "RWT_ORT_GPU does not name a library of onnxruntime-gpu");
    };
    mock_cuda::in_modes(test, &[Mode::Ptx], &[], |_| {
        let device = Device::open(0).unwrap();
        let options = RuntimeOptions { library: Some(library.into()), ..RuntimeOptions::default() };
        let error = RuntimeNetwork::open(&device, model(), &[], &options).unwrap_err().to_string();
        println!("{error}");
        for part in ["provider CUDA", "does not start", "nvidia", "LD_LIBRARY_PATH"] {
            assert!(error.contains(part), "{error}");
        }
    });
}
