//! What is read from a model, and why a model is refused.

mod common;

use common::{model, path, refusal, replaced};
use rwt_onnx::{Error, Evaluator, OnnxDenoiser};

/// The keys that an error about metadata names.
fn wrong_keys(error: Error) -> Vec<&'static str> {
    match error {
        Error::Metadata(problems) => problems.iter().map(|problem| problem.key).collect(),
        other => panic!("expected an error about metadata, found {other}"),
    }
}

/// A Protocol Buffers field that holds bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, content.len().try_into().unwrap()], content].concat()
}

#[test]
fn the_metadata_are_read_from_the_file() {
    let model = model();
    let info = model.info();
    assert_eq!(info.name, "rwt-leaves-rgb");
    assert_eq!((info.channels, info.multiple, info.margin), (3, 16, 8));
    assert_eq!(info.range, (-1.0, 1.0));
    assert_eq!((info.sigma_min, info.sigma_max), (0.01, 40.0));
    assert!(info.mean.abs() < 1.0 && info.variance > 0.0);
    assert!(info.square);
    assert_eq!(info.licence, "MIT OR Apache-2.0");
    assert!(!info.source.is_empty());
}

#[test]
fn models_and_evaluators_cross_threads() {
    fn shareable<T: Send + Sync>() {}
    fn movable<T: Send>() {}
    shareable::<OnnxDenoiser>();
    movable::<Evaluator<'_>>();
    shareable::<Error>();
}

#[test]
fn a_missing_file_is_named() {
    let error = OnnxDenoiser::open("no/such.onnx").err().unwrap();
    assert!(matches!(error, Error::Read { .. }) && error.to_string().contains("no/such.onnx"), "{error}");
}

#[test]
fn each_missing_key_is_named() {
    for key in ["version", "name", "prediction", "time", "channels", "range", "mean", "variance", "multiple", "margin"]
    {
        let old = format!("rwt.{key}");
        let new = format!("rwx.{key}");
        let keys = wrong_keys(refusal(replaced(old.as_bytes(), new.as_bytes())));
        assert!(keys.contains(&old.as_str()), "{old}: {keys:?}");
    }
}

#[test]
fn all_missing_keys_are_named_at_once() {
    assert!(wrong_keys(refusal(replaced(b"rwt.", b"rwx."))).len() >= 12);
}

#[test]
fn contradictory_values_are_refused_with_expected_and_found() {
    let error = refusal(replaced(b"rwt.range\x12\x04-1,1", b"rwt.range\x12\x041,-1"));
    assert!(error.to_string().contains("rwt.range: expected two increasing numbers"), "{error}");
    let error = refusal(replaced(b"rwt.sigma_max\x12\x0240", b"rwt.sigma_max\x12\x020."));
    assert!(error.to_string().contains("above rwt.sigma_min = 0.01, found \"0.\""), "{error}");
    let twice = refusal([common::bytes(), field(14, &[field(1, b"rwt.margin"), field(2, b"4")].concat())].concat());
    assert_eq!(wrong_keys(twice), ["rwt.margin"]);
    assert_eq!(wrong_keys(refusal(replaced(b"square", b"rounds"))), ["rwt.symmetry"]);
}

#[test]
fn channels_are_compared_with_the_graph() {
    let error = refusal(replaced(b"rwt.channels\x12\x013", b"rwt.channels\x12\x014"));
    assert!(matches!(error, Error::Interface { what: "input x", .. }), "{error}");
}

#[test]
fn other_names_of_inputs_and_outputs_are_refused() {
    let error = refusal(replaced(b"\x0a\x05sigma", b"\x0a\x05sigmo"));
    assert!(matches!(error, Error::Interface { what: "inputs", .. }), "{error}");
    assert!(error.to_string().contains("sigmo"), "{error}");
    let error = refusal(replaced(b"\x0a\x08denoised", b"\x0a\x08denoiser"));
    assert!(error.to_string().contains("expected denoised or output, found denoiser"), "{error}");
}

#[test]
fn unsupported_operators_are_named() {
    let error = refusal(replaced(b"\x22\x0aReciprocal", b"\x22\x0aReciprocus"));
    assert!(matches!(&error, Error::Operators { names } if names == &["Reciprocus"]), "{error}");
}

#[test]
fn weights_that_are_not_numbers_are_refused() {
    let mut bytes = common::bytes();
    let half = bytes.len() / 2;
    bytes[half..half + 4096].fill(0xff);
    let error = refusal(bytes);
    assert!(matches!(error, Error::NotFinite { .. }), "{error}");
}

#[test]
fn data_in_other_files_is_refused_before_any_is_opened() {
    let location = field(13, &[field(1, b"location"), field(2, b"/etc/hostname")].concat());
    let tensor = [field(8, b"weights"), location, vec![14 << 3, 1]].concat();
    let error = refusal(field(7, &field(5, &tensor)));
    assert!(matches!(&error, Error::ExternalData { tensor } if tensor == "weights"), "{error}");
}

#[test]
fn a_file_above_the_limit_is_refused() {
    let path = std::env::temp_dir().join(format!("rwt-onnx-large-{}.onnx", std::process::id()));
    std::fs::File::create(&path).unwrap().set_len((1 << 30) + 1).unwrap(); // sparse
    let error = OnnxDenoiser::open(&path).err().unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

#[test]
fn the_directory_is_no_model() {
    assert!(matches!(OnnxDenoiser::open(path().parent().unwrap()), Err(Error::Read { .. })));
}
