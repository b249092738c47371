//! Networks by libraries and by our own kernels.

use super::*;

#[test]
fn the_shipped_denoiser_is_the_same_by_libraries() {
    with_folders("same::the_shipped_denoiser_is_the_same_by_libraries", &both(), &[], |_| {
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
    let test = "same::operators_are_the_same_by_libraries";
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
    let test = "same::a_unet_is_the_same_by_libraries";
    let arguments = ["--random", "small", "--out"];
    let Some(file) = written(test, "examples/export/diffusers_unet2d.py", &arguments, "small.onnx") else { return };
    with_folders(test, &both(), &[], |_| {
        let used = compare(&file, 2, [16, 24]);
        assert!(used.cudnn > 10 && used.cublas_lt > 3, "{used:?}");
    });
}

#[test]
fn a_level_makes_no_copy_and_asks_no_library_twice() {
    with_folders("same::a_level_makes_no_copy_and_asks_no_library_twice", &both(), &[], |mock| {
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
    let test = "same::one_library_does_its_part";
    let Some(networks) = written(test, "tests/python/operator_networks.py", &[], "") else { return };
    with_folders(test, &folder(&[CUBLAS_LT]), &[], |_| {
        let used = compare(&networks.join("attention.onnx"), 1, [8, 8]);
        assert!(used.cublas_lt > 0 && used.refused[0].starts_with("cuDNN: libcudnn.so.9: "), "{used:?}");
        let used = compare(&model(), 1, [8, 8]);
        assert_eq!((used.cudnn, used.cublas_lt), (0, 0)); // its products depend on the level alone
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
    let test = "same::networks_in_bf16_are_as_near_to_f32_by_libraries";
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
    let test = "same::operators_in_bf16_are_as_near_to_f32_by_libraries";
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
