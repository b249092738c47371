//! OpenVINO inside ONNX Runtime. Without a build that has it these tests are skipped, by name.

mod common;
#[path = "common/skip.rs"]
mod skip;

use common::{Random, path};
use rwt_core::Denoiser;
use rwt_onnx::{EngineChoice, Error, OnnxDenoiser, OpenOptions, Precision, Provider, RuntimeOptions};

/// The build of ONNX Runtime with OpenVINO that RWT_OPENVINO names, or a skipped test.
fn options(test: &str) -> Option<RuntimeOptions> {
    let library = std::env::var_os("RWT_OPENVINO");
    if library.is_none() {
        skip::skip(test, "RWT_OPENVINO does not name a libonnxruntime of the wheel onnxruntime-openvino");
    }
    let library = Some(library?.into());
    Some(RuntimeOptions { library, threads: 2, provider: Provider::OpenVino, ..RuntimeOptions::default() })
}

fn open(options: RuntimeOptions) -> Result<OnnxDenoiser, Error> {
    OnnxDenoiser::open_with(path(), &OpenOptions { engine: EngineChoice::Runtime(options), ..OpenOptions::default() })
}

/// The largest and the root mean square difference from the embedded engine, over some sizes and batches.
fn differences(model: &OnnxDenoiser) -> (f64, f64) {
    let embedded = common::model();
    let (mut largest, mut squares, mut count) = (0f64, 0.0, 0);
    for (pictures, height, width) in [(1, 64, 64), (4, 32, 40), (5, 33, 50)] {
        let mut random = Random(3);
        let x: Vec<f32> = (0..pictures * 3 * height * width).map(|_| random.normal()).collect();
        let [a, b] = [model, &embedded].map(|model| {
            let mut denoised = vec![f32::NAN; x.len()];
            model.evaluator(height, width).unwrap().denoise(&x, 0.3, &mut denoised).unwrap();
            denoised
        });
        for (a, b) in a.iter().zip(b) {
            let difference = f64::from((a - b).abs());
            assert!(difference.is_finite());
            (largest, squares, count) = (largest.max(difference), squares + difference * difference, count + 1);
        }
    }
    (largest, (squares / f64::from(count)).sqrt())
}

#[test]
fn openvino_gives_the_same_picture() {
    let Some(options) = options("openvino_gives_the_same_picture") else { return };
    for batch in [0, 4] {
        let model = open(RuntimeOptions { batch, ..options.clone() }).unwrap();
        assert!(model.engine_name().ends_with("OpenVINO"), "{}", model.engine_name());
        let (largest, _) = differences(&model);
        assert!(largest < 2e-5, "{largest}");
    }
}

#[test]
fn a_file_that_was_replaced_is_noticed() {
    let Some(options) = options("a_file_that_was_replaced_is_noticed") else { return };
    let copy = std::env::temp_dir().join(format!("rwt-replaced-{}.onnx", std::process::id()));
    std::fs::copy(path(), &copy).unwrap();
    let how = OpenOptions { engine: EngineChoice::Runtime(options), ..OpenOptions::default() };
    let model = OnnxDenoiser::open_with(&copy, &how).unwrap();
    model.evaluator(16, 16).unwrap().prepare(1).unwrap();
    std::fs::remove_file(&copy).unwrap();
    model.evaluator(16, 16).unwrap().prepare(1).unwrap(); // that one is compiled
    assert!(matches!(model.evaluator(24, 24).unwrap().prepare(1), Err(Error::Read { .. })));
    std::fs::write(&copy, b"another").unwrap();
    let error = model.evaluator(24, 24).unwrap().prepare(1).unwrap_err().to_string();
    std::fs::remove_file(&copy).unwrap();
    assert!(error.contains("changed after it was opened"), "{error}");
}

#[test]
fn bf16_is_a_choice_and_says_so() {
    let Some(options) = options("bf16_is_a_choice_and_says_so") else { return };
    let model = open(RuntimeOptions { precision: Precision::Bf16, device: "CPU".into(), ..options }).unwrap();
    assert!(model.engine_name().ends_with("OpenVINO CPU, bf16"), "{}", model.engine_name());
    let (largest, rms) = differences(&model);
    println!("bf16: largest {largest:.1e}, rms {rms:.1e}");
    assert!(rms < 0.02 && largest < 0.5, "{largest} {rms}");
}

#[test]
fn operators_that_it_lacks_may_run_on_the_cpu_if_that_is_allowed() {
    let Some(options) = options("operators_that_it_lacks_may_run_on_the_cpu_if_that_is_allowed") else { return };
    let model = open(RuntimeOptions { cpu_fallback: true, ..options }).unwrap();
    assert!(model.engine_name().ends_with("OpenVINO, what it lacks on the CPU"), "{}", model.engine_name());
    assert!(differences(&model).0 < 2e-5);
}

#[test]
fn what_the_library_cannot_do_is_refused() {
    let Some(options) = options("what_the_library_cannot_do_is_refused") else { return };
    let refusal = |options| match open(options) {
        Err(error @ Error::Provider { .. }) => error.to_string(),
        Err(other) => panic!("{other}"),
        Ok(model) => panic!("{}", model.engine_name()),
    };
    let cuda = refusal(RuntimeOptions { provider: Provider::Cuda, ..options.clone() });
    assert!(cuda.contains("CUDA") && cuda.contains("onnxruntime-gpu"), "{cuda}");
    let half = RuntimeOptions { provider: Provider::Cpu, precision: Precision::Bf16, ..options.clone() };
    assert!(refusal(half).contains("f32, not bf16"));
    let elsewhere = RuntimeOptions { device: "XPU.9".into(), ..options };
    assert!(refusal(elsewhere.clone()).contains("whole network"));
    let with_cpu = refusal(RuntimeOptions { cpu_fallback: true, ..elsewhere });
    assert!(with_cpu.contains("no part of the network"), "{with_cpu}");
}
