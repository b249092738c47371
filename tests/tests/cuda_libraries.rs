//! Networks whose convolutions and matrix products are cuDNN's and cuBLASLt's, by mock libraries on the mock device.

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

#[test]
fn the_shipped_denoiser_is_the_same_by_libraries() {
    with_folders("the_shipped_denoiser_is_the_same_by_libraries", &both(), &[], |_| {
        let used = compare(&model(), 2, [16, 24]);
        assert!(used.cudnn > 10 && used.workspace > 0, "{used:?}");
        let libraries = MockLibraries::open(&both().join(CUDNN));
        took_what_it_may(&libraries);
        // tried, and evaluated twice
        assert_eq!(libraries.counter("convolutions by fma"), 3 * used.cudnn as u64);
    });
}

#[test]
fn operators_are_the_same_by_libraries() {
    let test = "operators_are_the_same_by_libraries";
    let Some(networks) = written(test, "tests/python/operator_networks.py", &[], "") else { return };
    let folders = both();
    let folders = [(FOLDERS, folders.to_str().unwrap())];
    mock_cuda::in_modes(test, &[Mode::Source, Mode::Sanitized], &folders, |_| {
        let used = |name: &str| {
            let used = compare(&networks.join(format!("{name}.onnx")), 3, [8, 20]);
            ([used.cudnn, used.cublas_lt], used.refused)
        };
        // one has more zeros below than above, one is transposed
        let (counts, refused) = used("convolutions");
        assert_eq!(counts, [3, 0]);
        assert!(refused.len() == 2 && refused.iter().all(|line| line.contains("zeros on all sides")), "{refused:?}");
        assert_eq!(used("transposed").0, [1, 0]);
        assert_eq!(used("attention"), ([0, 5], vec![]));
        assert_eq!(used("time").0, [0, 0]); // its products depend on the level alone
        took_what_it_may(&MockLibraries::open(&both().join(CUDNN)));
    });
}

#[test]
fn a_unet_is_the_same_by_libraries() {
    let test = "a_unet_is_the_same_by_libraries";
    let arguments = ["--random", "small", "--out"];
    let Some(file) = written(test, "examples/export/diffusers_unet2d.py", &arguments, "small.onnx") else { return };
    with_folders(test, &both(), &[], |_| {
        let used = compare(&file, 2, [16, 24]);
        assert!(used.cudnn > 10 && used.cublas_lt > 3, "{used:?}");
    });
}

#[test]
fn a_level_makes_no_copy_and_asks_no_library_twice() {
    with_folders("a_level_makes_no_copy_and_asks_no_library_twice", &both(), &[], |mock| {
        let mut planned = Planned::new(&model(), Libraries::Everywhere, 1, [16, 16], 0.5);
        let launches = planned.network.needed().unwrap().launches as u64;
        planned.device.synchronize().unwrap();
        mock.reset();
        planned.enqueue().unwrap();
        assert_eq!(mock.counter("launches") + mock.counter("host"), launches);
        assert_eq!(mock.counter("host"), planned.used().cudnn as u64);
        for nothing in ["htod", "dtoh", "dtod", "memset", "allocs", "frees", "syncs"] {
            assert_eq!(mock.counter(nothing), 0, "{nothing}");
        }
        // in a walk it is captured once, whatever the number of levels
        let libraries = MockLibraries::open(&both().join(CUDNN));
        let walked = |libraries: Libraries, rows: u32| {
            let network = OnnxNetwork::open(model(), &[]).unwrap().with_libraries(libraries);
            let mut chains = Chains::new(&planned.device, network, 1, [3, 16, 16]).unwrap();
            let steps: Vec<_> = (0..rows).map(|row| Step::tweedie(0.5, 0.01, 0.1, row)).collect();
            chains.walk(&Walk::new(&steps).unwrap(), Chain { seed: 1, chain: 0 }, None).unwrap();
            let mut x = vec![0.0; 768];
            chains.x().read(&planned.device, &mut x).unwrap();
            x
        };
        let calls = |from: u64| libraries.counter("cudnnConvolutionForward") - from;
        let before = calls(0);
        walked(Libraries::Everywhere, 3);
        let few = calls(before);
        let found = walked(Libraries::Everywhere, 40);
        assert_eq!(calls(before), 2 * few);
        let far = relative(&found, &walked(Libraries::Never, 40));
        assert!(far < TOLERANCE, "{far}");
    });
}

#[test]
fn one_library_does_its_part() {
    let test = "one_library_does_its_part";
    let Some(networks) = written(test, "tests/python/operator_networks.py", &[], "") else { return };
    with_folders(test, &folder(&[CUBLAS_LT]), &[], |_| {
        let used = compare(&networks.join("attention.onnx"), 1, [8, 8]);
        assert!(used.cublas_lt > 0 && used.refused[0].starts_with("cuDNN: libcudnn.so.9: "), "{used:?}");
        let used = compare(&model(), 1, [8, 8]);
        assert_eq!((used.cudnn, used.cublas_lt), (0, 0)); // its products depend on the level alone
    });
}

/// What is used of libraries that cannot be used, for D by our own kernels to the last bit.
fn nothing_is_used() -> Vec<String> {
    let mut planned = Planned::new(&model(), Libraries::Everywhere, 1, [8, 8], SIGMA);
    assert_eq!(bits(&planned.evaluate()), bits(&own(&model(), 1, [8, 8])));
    let used = planned.used();
    assert_eq!((used.cudnn, used.cublas_lt), (0, 0));
    used.refused.clone()
}

#[test]
fn without_libraries_our_own_kernels_do_the_work() {
    with_folders("without_libraries_our_own_kernels_do_the_work", &folder(&[]), &[], |_| {
        let refused = nothing_is_used();
        assert!(refused.len() == 2, "{refused:?}");
        assert!(refused[0].starts_with("cuBLASLt: libcublasLt.so.13: ") && refused[0].contains("libcublasLt.so.12: "));
        assert!(refused[1].starts_with("cuDNN: libcudnn.so.9: "), "{refused:?}");
    });
}

#[test]
fn libraries_are_found_where_the_loader_looks() {
    let test = "libraries_are_found_where_the_loader_looks";
    let folder = both();
    let variables = [("LD_LIBRARY_PATH", folder.to_str().unwrap()), (FOLDERS, "")];
    mock_cuda::in_modes(test, &[Mode::Source], &variables, |_| {
        let planned = Planned::new(&model(), Libraries::Everywhere, 1, [8, 8], SIGMA);
        assert!(planned.used().cudnn > 10, "{:?}", planned.used());
    });
}

#[test]
fn folders_must_be_absolute() {
    with_folders("folders_must_be_absolute", Path::new("some/folder"), &[], |_| {
        let refused = nothing_is_used();
        assert!(
            refused.iter().all(|line| line.contains("expected absolute folders, found some/folder")),
            "{refused:?}"
        );
    });
}

#[test]
fn old_libraries_are_not_used() {
    let versions = [("RWT_MOCK_CUDNN", "8907"), ("RWT_MOCK_CUBLASLT", "111103")];
    with_folders("old_libraries_are_not_used", &both(), &versions, |_| {
        let refused = nothing_is_used();
        assert!(refused[0].contains("it is version 11.11, at least 12.0 is needed"), "{refused:?}");
        assert!(refused[1].contains("it is version 8.9, at least 9.0 is needed"), "{refused:?}");
    });
}

#[test]
fn what_fails_while_it_is_planned_is_our_own_kernels_work() {
    let folder = folder(&[CUDNN]);
    with_folders("what_fails_while_it_is_planned_is_our_own_kernels_work", &folder, &[], |_| {
        let libraries = MockLibraries::open(&folder.join(CUDNN));
        let calls = [
            "cudnnConvolutionForward",
            "cudnnGetConvolutionForwardWorkspaceSize",
            "cudnnGetConvolutionForwardAlgorithm_v7",
            "cudnnSetConvolutionMathType",
            "cudnnSetConvolutionGroupCount",
            "cudnnSetConvolution2dDescriptor",
            "cudnnSetFilter4dDescriptor",
            "cudnnCreateConvolutionDescriptor",
            "cudnnCreateFilterDescriptor",
            "cudnnSetTensor4dDescriptorEx",
            "cudnnCreateTensorDescriptor",
            "cudnnSetStream",
            "cudnnCreate",
        ];
        for call in calls {
            libraries.fail(call, 0, 3000); // and those before stay
            let refused = nothing_is_used();
            // without a workspace there is no algorithm
            let named = call.replace("WorkspaceSize", "Algorithm_v7");
            assert!(refused.iter().any(|line| line.contains(&named)), "{call}: {refused:?}");
        }
        let [made, returned] = ["made", "returned"].map(|name| libraries.counter(name));
        assert!(made > 100 && made == returned, "{made} were made, {returned} were given back");
    });
}

#[test]
fn what_fails_of_products_is_our_own_kernels_work() {
    let test = "what_fails_of_products_is_our_own_kernels_work";
    let Some(networks) = written(test, "tests/python/operator_networks.py", &[], "") else { return };
    with_folders(test, &both(), &[], |_| {
        let libraries = MockLibraries::open(&both().join(CUDNN));
        let path = networks.join("attention.onnx");
        let expected = own(&path, 1, [4, 8]);
        let calls = [
            "cublasLtMatmul",
            "cublasLtMatmulAlgoGetHeuristic",
            "cublasLtMatmulPreferenceSetAttribute",
            "cublasLtMatmulPreferenceCreate",
            "cublasLtMatrixLayoutCreate",
            "cublasLtMatmulDescCreate",
            "cublasLtCreate",
        ];
        for call in calls {
            libraries.fail(call, 0, 13);
            let mut planned = Planned::new(&path, Libraries::Everywhere, 1, [4, 8], SIGMA);
            assert_eq!(bits(&planned.evaluate()), bits(&expected), "{call}");
            let used = planned.used();
            assert!(used.cublas_lt == 0 && used.refused.iter().any(|line| line.contains(call)), "{call}: {used:?}");
        }
        let [made, returned] = ["made", "returned"].map(|name| libraries.counter(name));
        assert!(made > 100 && made == returned, "{made} were made, {returned} were given back");
        // nobody asks where nobody is to be asked
        let mut planned = Planned::new(&path, Libraries::Never, 1, [4, 8], SIGMA);
        assert_eq!(planned.used(), &LibraryUse::default());
        assert_eq!(bits(&planned.evaluate()), bits(&expected));
    });
}

#[test]
fn one_call_that_fails_is_one_kernel_of_ours() {
    with_folders("one_call_that_fails_is_one_kernel_of_ours", &both(), &[], |_| {
        let libraries = MockLibraries::open(&both().join(CUDNN));
        let all = Planned::new(&model(), Libraries::Everywhere, 1, [8, 8], SIGMA).used().cudnn;
        libraries.fail("cudnnConvolutionForward", 3, 5000); // the third of those that are tried
        let mut planned = Planned::new(&model(), Libraries::Everywhere, 1, [8, 8], SIGMA);
        let far = relative(&planned.evaluate(), &own(&model(), 1, [8, 8]));
        assert!(far < TOLERANCE && planned.used().cudnn == all - 1, "{far}, {:?}", planned.used());
        // later there is nobody else to do it
        libraries.fail("cudnnConvolutionForward", 2, 5000);
        let error = planned.enqueue().unwrap_err();
        let text = "cuDNN: cudnnConvolutionForward failed: status 5000, the mock's refusal";
        assert!(matches!(error, Error::Library { .. }) && error.to_string() == text, "{error}");
        assert!(relative(&planned.evaluate(), &own(&model(), 1, [8, 8])) < TOLERANCE);
    });
}

#[test]
fn small_steps_are_not_worthwhile() {
    with_folders("small_steps_are_not_worthwhile", &both(), &[], |_| {
        let mut planned = Planned::new(&model(), Libraries::WhereWorthwhile, 1, [8, 8], SIGMA);
        assert_eq!(planned.used(), &LibraryUse::default());
        assert_eq!(bits(&planned.evaluate()), bits(&own(&model(), 1, [8, 8])));
        // planned alone, each call tried once
        let planned = Planned::new(&model(), Libraries::WhereWorthwhile, 3, [256, 256], SIGMA);
        let all = Planned::new(&model(), Libraries::Everywhere, 1, [8, 8], SIGMA).used().cudnn;
        println!("{:?} of {all}", planned.used());
        assert!((1..all).contains(&planned.used().cudnn), "{:?}", planned.used());
    });
}

/// D in bf16 by the libraries is as near to D in f32 as D in bf16 by our own kernels, rounded once more a step.
fn compare_half(path: &Path, chains: usize, size: [usize; 2]) -> LibraryUse {
    let half = |libraries: Libraries| Planned::in_precision(path, Precision::Bf16, libraries, chains, size, SIGMA);
    let (mut by_library, full) = (half(Libraries::Everywhere), own(path, chains, size));
    let found = by_library.evaluate();
    assert_eq!(bits(&by_library.evaluate()), bits(&found), "another result the second time");
    let (far, ours) = (relative(&found, &full), relative(&half(Libraries::Never).evaluate(), &full));
    let used = by_library.used().clone();
    println!("{}: bf16 {far:.2e} from f32, our own kernels' {ours:.2e}, {used:?}", path.display());
    assert!(far > 1e-5 && far < 2.0 * ours, "{}: {far}, {ours}", path.display());
    used
}

#[test]
fn networks_in_bf16_are_as_near_to_f32_by_libraries() {
    let test = "networks_in_bf16_are_as_near_to_f32_by_libraries";
    let arguments = ["--random", "small", "--out"];
    let small = written(test, "examples/export/diffusers_unet2d.py", &arguments, "small.onnx");
    with_folders(test, &both(), &[], |_| {
        let used = compare_half(&model(), 2, [16, 24]);
        assert!(used.cudnn > 10, "{used:?}");
        let libraries = MockLibraries::open(&both().join(CUDNN));
        assert_eq!(libraries.counter("convolutions by tensor cores"), 3 * used.cudnn as u64);
        let Some(small) = &small else { return };
        let used = compare_half(small, 2, [16, 24]);
        assert!(used.cudnn > 10 && used.cublas_lt > 3, "{used:?}");
    });
}

#[test]
fn operators_in_bf16_are_as_near_to_f32_by_libraries() {
    let test = "operators_in_bf16_are_as_near_to_f32_by_libraries";
    let Some(networks) = written(test, "tests/python/octet_networks.py", &[], "") else { return };
    let folders = both();
    let folders = [(FOLDERS, folders.to_str().unwrap())];
    mock_cuda::in_modes(test, &[Mode::Source, Mode::Sanitized], &folders, |_| {
        let used = |name: &str| {
            let used = compare_half(&networks.join(format!("{name}.onnx")), 3, [8, 20]);
            [used.cudnn, used.cublas_lt]
        };
        let found = ["attended", "gated", "moved", "normalised", "strided"].map(|name| used(&format!("{name}_octets")));
        assert!(found.iter().all(|[convolutions, _]| *convolutions > 0), "{found:?}");
        assert!(found.iter().map(|[_, products]| products).sum::<usize>() > 10, "{found:?}");
    });
}
