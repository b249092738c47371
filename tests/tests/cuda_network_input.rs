//! Networks on the mock device: what cannot be used is an error.

use rwt_cuda::{CudaDenoiser, Device, Error, OnnxNetwork, Precision};
use rwt_tests::mock_cuda::{self, Mode};
use rwt_tests::model;
use rwt_tests::networks::{OCTETS, OPERATORS, written};

#[test]
fn bad_input_is_refused() {
    mock_cuda::in_modes("bad_input_is_refused", &[Mode::Source], &[], |_| {
        let device = Device::open(0).unwrap();
        let mut network = OnnxNetwork::open(model(), &[]).unwrap();
        let mut plan = |chains, shape, sigmas: &[f64]| network.plan(&device, chains, shape, sigmas, None).unwrap_err();
        let text = |error: Error| error.to_string();
        assert!(text(plan(0, [3, 16, 16], &[1.0])).contains("chains"));
        assert!(text(plan(1 << 40, [3, 16, 16], &[1.0])).contains("chains"));
        assert_eq!(
            text(plan(1, [1, 16, 16], &[1.0])),
            "expected 3 channels, found 1; pass [n, channels, height, width]"
        );
        assert!(text(plan(1, [3, 0, 16], &[1.0])).contains("height 0"));
        assert!(text(plan(1, [3, usize::MAX, 16], &[1.0])).contains("height"));
        assert!(text(plan(1, [3, 16, 16], &[f64::NAN])).contains("sigma"));
        assert!(text(plan(1, [3, 16, 16], &[1.0, 1e9])).contains("sigma"));
        assert!(text(plan(10_000, [3, 1024, 1024], &[1.0])).contains("bytes"));
    });
}

#[test]
fn too_little_memory_is_an_error_with_the_bytes() {
    let test = "too_little_memory_is_an_error_with_the_bytes";
    mock_cuda::in_modes(test, &[Mode::Source], &[("RWT_MOCK_MEMORY", "9000000")], |_| {
        let device = Device::open(0).unwrap();
        let mut network = OnnxNetwork::open(model(), &[]).unwrap();
        let error = network.plan(&device, 4, [3, 128, 128], &[1.0], None).unwrap_err();
        let Error::OutOfMemory { needed, free, .. } = error else { panic!("{error}") };
        assert!(needed > free && needed > 7_884_288, "{needed}, {free}");
        network.plan(&device, 1, [3, 8, 8], &[1.0], None).unwrap();
        assert!(network.needed().unwrap().activations < 1_000_000);
    });
}

/// The shipped file with every occurrence of some bytes replaced.
fn replaced(old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut bytes = std::fs::read(model()).unwrap();
    let places: Vec<_> = bytes.windows(old.len()).enumerate().filter(|(_, w)| *w == old).map(|(i, _)| i).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|&place| bytes[place..place + new.len()].copy_from_slice(new));
    bytes
}

#[test]
fn unknown_operators_are_named_when_the_file_is_opened() {
    // op_type is field 4 of a node
    let error = OnnxNetwork::from_bytes(replaced(b"\x22\x0aReciprocal", b"\x22\x0aReciprocax"), &[]).err();
    let error = error.expect("it is unknown").to_string();
    assert!(
        error.contains("Reciprocax /Reciprocal_output_0") && error.contains("not computed on the device"),
        "{error}"
    );
}

/// So many files with a few flipped bits among the first ones.
fn damaged(bytes: &[u8], count: usize, among: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut state = 9_u64;
    (0..count).map(move |_| {
        let mut damaged = bytes.to_vec();
        for _ in 0..3 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            damaged[(state >> 33) as usize % among] ^= 1 << (state >> 20 & 7);
        }
        damaged
    })
}

/// How many of them are refused.
fn refused(bytes: &[u8], count: usize, among: usize) -> usize {
    damaged(bytes, count, among).filter(|damaged| OnnxNetwork::from_bytes(damaged.clone(), &[]).is_err()).count()
}

#[test]
fn what_can_be_planned_in_f32_can_be_in_bf16() {
    let test = "what_can_be_planned_in_f32_can_be_in_bf16";
    let folders = ["operator_networks", "octet_networks"]
        .map(|script| written(test, &format!("tests/python/{script}.py"), &[], ""));
    let [Some(folder), Some(_)] = folders else { return };
    mock_cuda::in_modes(test, &[Mode::Source], &[], |_| {
        let device = Device::open(0).unwrap();
        let plan = |bytes: &[u8], precision| {
            let mut network = OnnxNetwork::from_bytes(bytes.to_vec(), &[]).ok()?.with_precision(precision);
            network.plan(&device, 2, [4, 4, 8], &[0.9], None).ok()
        };
        let mut planned = 0;
        for name in OPERATORS.iter().chain(&OCTETS) {
            let bytes = std::fs::read(folder.join(format!("{name}.onnx"))).unwrap();
            assert!(plan(&bytes, Precision::Bf16).is_some(), "{name}");
            for (number, damaged) in damaged(&bytes, 400, bytes.len()).enumerate() {
                if plan(&damaged, Precision::F32).is_some() {
                    planned += 1;
                    assert!(plan(&damaged, Precision::Bf16).is_some(), "{name}, {number}");
                }
            }
        }
        assert!(planned > 500, "{planned}");
    });
}

#[test]
fn damaged_files_are_refused_without_a_panic() {
    let bytes = std::fs::read(model()).unwrap();
    for part in 0..40 {
        let end = bytes.len() * part / 40;
        assert!(OnnxNetwork::from_bytes(bytes[..end].to_vec(), &[]).is_err(), "{end} bytes");
    }
    // the graph's nodes lie before the weights
    let refused = refused(&bytes, 300, 40_000);
    assert!(refused > 50, "{refused}");
}

#[test]
fn damaged_operators_are_refused_without_a_panic() {
    let test = "damaged_operators_are_refused_without_a_panic";
    let Some(folder) = written(test, "tests/python/operator_networks.py", &[], "") else { return };
    for name in OPERATORS {
        let bytes = std::fs::read(folder.join(format!("{name}.onnx"))).unwrap();
        let refused = refused(&bytes, 2000, bytes.len());
        assert!((50..2000).contains(&refused), "{name}: {refused}");
    }
}
