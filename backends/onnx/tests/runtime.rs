//! ONNX Runtime beside the embedded engine. Without an ONNX Runtime on this machine these tests are skipped, by name.

mod common;
#[path = "common/graph.rs"]
mod graph;
#[path = "common/skip.rs"]
mod skip;

use common::{Random, bytes, path};
use graph::Graph;
use rwt_core::{Chain, Denoiser};
use rwt_onnx::{EngineChoice, Error, OnnxDenoiser, OpenOptions, RuntimeOptions};

fn options(options: RuntimeOptions) -> OpenOptions<'static> {
    OpenOptions { engine: EngineChoice::Runtime(options), ..OpenOptions::default() }
}

/// The shipped model on ONNX Runtime; `None`, and a line for the list of skipped tests, where there is none.
fn runtime(test: &str) -> Option<OnnxDenoiser> {
    match OnnxDenoiser::open_with(path(), &options(RuntimeOptions { threads: 2, ..RuntimeOptions::default() })) {
        Ok(model) => Some(model),
        Err(Error::Runtime { tried, .. }) => {
            skip::skip(test, &format!("no ONNX Runtime: {}", tried.join("; ")));
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn denoise(model: &OnnxDenoiser, height: usize, width: usize, x: &[f32], sigma: f64) -> Vec<f32> {
    let mut denoised = vec![f32::NAN; x.len()];
    model.evaluator(height, width).unwrap().denoise(x, sigma, &mut denoised).unwrap();
    denoised
}

fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert!(a.len() == b.len() && a.iter().chain(b).all(|value| value.is_finite()));
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn both_engines_give_the_same_picture() {
    let Some(model) = runtime("both_engines_give_the_same_picture") else { return };
    let embedded = common::model();
    assert!(model.engine_name().starts_with("ONNX Runtime 1.") && model.engine_name().ends_with("CPU"));
    assert!(embedded.engine_name().contains("rten") && embedded.is_parallel() && !model.is_parallel());
    assert_eq!(model.info(), embedded.info());
    let mut random = Random(3);
    for (height, width) in [(64, 64), (33, 50)] {
        for sigma in [0.01f64, 0.3, 40.0] {
            let x: Vec<f32> = (0..3 * height * width).map(|_| random.normal() * (0.5 + sigma as f32)).collect();
            let (a, b) = (denoise(&model, height, width, &x, sigma), denoise(&embedded, height, width, &x, sigma));
            assert!(difference(&a, &b) < 2e-5, "{height} x {width}, {sigma}: {}", difference(&a, &b));
        }
    }
}

#[test]
fn pictures_are_evaluated_in_batches_as_far_as_the_budget_allows() {
    let Some(one_by_one) = runtime("pictures_are_evaluated_in_batches_as_far_as_the_budget_allows") else { return };
    let model = OnnxDenoiser::open_with(path(), &options(RuntimeOptions { batch: 4, ..Default::default() })).unwrap();
    let first = Some(Chain { seed: 5, chain: 2 });
    for (height, width) in [(32, 32), (20, 33)] {
        let mut random = Random(4);
        let x: Vec<f32> = (0..9 * 3 * height * width).map(|_| random.normal()).collect();
        let [a, b] = [&model, &one_by_one].map(|model| {
            let mut evaluator = model.evaluator(height, width).unwrap();
            evaluator.set_chains(first);
            assert_eq!(evaluator.batch(), if std::ptr::eq(model, &one_by_one) { 1 } else { 4 });
            let mut denoised = vec![f32::NAN; x.len()];
            evaluator.denoise(&x, 0.4, &mut denoised).unwrap();
            denoised
        });
        assert!(difference(&a, &b) < 1e-5, "{height} x {width}: {}", difference(&a, &b));
        // each alone, as its own chain
        let mut evaluator = one_by_one.evaluator(height, width).unwrap();
        for (place, (x, together)) in x.chunks(x.len() / 9).zip(a.chunks(x.len() / 9)).enumerate() {
            evaluator.set_chains(Some(Chain { seed: 5, chain: 2 + place as u64 }));
            let mut alone = vec![f32::NAN; x.len()];
            evaluator.denoise(x, 0.4, &mut alone).unwrap();
            assert!(difference(together, &alone) < 1e-5, "{height} x {width}, picture {place}");
        }
    }
    for pictures in 1..6 {
        let memory = model.memory(pictures, 64, 64).unwrap();
        let engine = EngineChoice::Runtime(RuntimeOptions { batch: 5, ..Default::default() });
        let model = OnnxDenoiser::open_with(path(), &OpenOptions { engine, memory, keys: &[] }).unwrap();
        assert_eq!(model.evaluator(64, 64).unwrap().batch(), pictures);
    }
}

#[test]
fn threads_share_a_model() {
    let Some(model) = runtime("threads_share_a_model") else { return };
    let x = vec![0.25; 3 * 40 * 40];
    let expected = denoise(&model, 40, 40, &x, 0.5);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(difference(&denoise(&model, 40, 40, &x, 0.5), &expected) < 1e-5));
        }
    });
}

#[test]
fn every_kind_of_time_and_output_is_read() {
    if runtime("every_kind_of_time_and_output_is_read").is_none() {
        return;
    }
    let ddpm = |time| {
        [
            ("rwt.prediction", "noise"),
            ("rwt.process", "vp"),
            ("rwt.time", time),
            ("rwt.table", "linear 0.0001 0.02 1000"),
        ]
    };
    let x: Vec<f32> = (0..12).map(|i| (i as f32 * 0.7).sin()).collect();
    for (time, integer, scalar, doubled) in [
        ("index", false, false, false),
        ("index", false, true, false),
        ("integer", true, false, false),
        ("integer", true, true, false),
        ("index", false, false, true),
    ] {
        let mut graph = Graph { integer, scalar, doubled, ..Graph::new("t", &ddpm(time)) };
        graph.metadata.extend(doubled.then_some(("rwt.learned_variance", "yes")));
        let embedded = OnnxDenoiser::from_bytes(graph.bytes()).unwrap();
        let model = OnnxDenoiser::from_bytes_with(graph.bytes(), &options(RuntimeOptions::default())).unwrap();
        let sigma = embedded.info().conventions.table[400];
        let (a, b) = (denoise(&model, 2, 3, &x, sigma), denoise(&embedded, 2, 3, &x, sigma));
        assert!(difference(&a, &b) < 1e-3 * 400.0, "{time} {integer} {scalar} {doubled}: {a:?} {b:?}");
    }
    let wrong = Graph { integer: true, ..Graph::new("t", &ddpm("index")) };
    let error = OnnxDenoiser::from_bytes_with(wrong.bytes(), &options(RuntimeOptions::default())).err().unwrap();
    assert!(matches!(error, Error::Interface { what: "the time", .. }), "{error}");
}

#[test]
fn damaged_files_are_refused_as_by_the_embedded_engine() {
    if runtime("damaged_files_are_refused_as_by_the_embedded_engine").is_none() {
        return;
    }
    let open =
        |bytes: Vec<u8>| OnnxDenoiser::from_bytes_with(bytes, &options(RuntimeOptions::default())).err().unwrap();
    let whole = bytes();
    assert!(matches!(open(whole[..whole.len() / 2].to_vec()), Error::Malformed(_)));
    assert!(matches!(open(b"not a model".to_vec()), Error::Malformed(_)));
    let unknown = common::replaced(b"\x22\x0aReciprocal", b"\x22\x0aReciprocus");
    assert!(matches!(open(unknown.clone()), Error::Shapes { .. }));
    let unbounded = OpenOptions { memory: u64::MAX, ..options(RuntimeOptions::default()) };
    let error = OnnxDenoiser::from_bytes_with(unknown, &unbounded).err().unwrap();
    assert!(matches!(error, Error::Engine { stage: "loading", .. }), "{error}");
    let mut nan = whole.clone();
    nan[whole.len() / 2..][..4096].fill(0xff);
    assert!(matches!(open(nan), Error::NotFinite { .. } | Error::Engine { .. }));
}

#[test]
fn another_library_is_refused_in_the_same_process() {
    if runtime("another_library_is_refused_in_the_same_process").is_none() {
        return;
    }
    let other =
        RuntimeOptions { library: Some("/somewhere/else/libonnxruntime.so".into()), ..RuntimeOptions::default() };
    let error = OnnxDenoiser::open_with(path(), &options(other)).err().unwrap().to_string();
    assert!(error.contains("this process already uses"), "{error}");
}

#[test]
fn a_provider_that_the_library_lacks_is_named_with_its_package() {
    if runtime("a_provider_that_the_library_lacks_is_named_with_its_package").is_none() {
        return;
    }
    for (name, package) in [
        ("openvino", "onnxruntime-openvino"),
        ("cuda", "onnxruntime-gpu"),
        ("tensorrt-f16", "onnxruntime-gpu"),
        ("coreml", "macOS"),
        ("directml", "onnxruntime-directml"),
    ] {
        let engine: EngineChoice = name.parse().unwrap();
        let how = OpenOptions { engine, ..OpenOptions::default() };
        match OnnxDenoiser::open_with(path(), &how) {
            Err(error @ Error::Provider { .. }) => assert!(error.to_string().contains(package), "{error}"),
            Err(other) => panic!("{name}: {other}"),
            Ok(model) => assert!(!model.engine_name().ends_with("CPU"), "this build of ONNX Runtime has {name}"),
        }
    }
    for (name, why) in [("onnxruntime-bf16", "f32, not bf16"), ("cuda-f16", "f32, not f16")] {
        let how = OpenOptions { engine: name.parse().unwrap(), ..OpenOptions::default() };
        let error = OnnxDenoiser::open_with(path(), &how).err().unwrap().to_string();
        assert!(error.contains(why), "{error}");
    }
    let device = RuntimeOptions { device: "GPU".into(), ..RuntimeOptions::default() };
    let error = OnnxDenoiser::open_with(path(), &options(device)).err().unwrap().to_string();
    assert!(error.contains("expected no device"), "{error}");
}
