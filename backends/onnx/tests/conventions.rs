//! Networks of every convention: whatever they predict and are told, callers get D(x, σ).

#[path = "common/graph.rs"]
mod graph;

use graph::Graph;
use rwt_core::vp::Betas;
use rwt_core::{Denoiser, Prediction};
use rwt_onnx::{Error, OnnxDenoiser, OpenOptions, TimeInput};

const DOMAIN: [(&str, &str); 2] = [("rwt.sigma_min", "0.02"), ("rwt.sigma_max", "50")];

fn open(graph: &Graph) -> OnnxDenoiser {
    OnnxDenoiser::from_bytes(graph.bytes()).unwrap_or_else(|error| panic!("{:?}: {error}", graph.metadata))
}

/// D of a picture of 2 × 2 × 3 numbers.
fn denoise(model: &OnnxDenoiser, x: &[f32], sigma: f64) -> Result<Vec<f32>, Error> {
    let mut denoised = vec![f32::NAN; x.len()];
    model.evaluator(2, 3)?.denoise(x, sigma, &mut denoised)?;
    Ok(denoised)
}

fn x() -> Vec<f32> {
    (0..12).map(|i| (i as f32 * 0.9).sin() * 3.0).collect()
}

/// The raw output is the input times the time: D by the definition of what is predicted.
fn check(model: &OnnxDenoiser, prediction: Prediction, sigma: f64, time: f64) {
    let found = denoise(model, &x(), sigma).unwrap();
    for (found, x) in found.iter().zip(x()) {
        let raw = prediction.input_scale(sigma) * f64::from(x) * time;
        let expected = prediction.denoised(f64::from(x), sigma, raw);
        assert!(
            (f64::from(*found) - expected).abs() < 2e-5 * expected.abs().max(1.0),
            "{prediction:?} {sigma}: {found} {expected}"
        );
    }
}

#[test]
fn every_prediction_and_process_gives_the_denoised_picture() {
    let cases = [
        (("denoised", None), Prediction::DenoisedVe),
        (("denoised", Some("vp")), Prediction::DenoisedVp),
        (("noise", Some("ve")), Prediction::NoiseVe),
        (("noise", Some("vp")), Prediction::NoiseVp),
        (("score", Some("ve")), Prediction::ScoreVe),
        (("score", Some("vp")), Prediction::ScoreVp),
        (("velocity", None), Prediction::VelocityVp),
        (("edm", None), Prediction::Edm { sigma_data: 0.6 }),
    ];
    for ((name, process), prediction) in cases {
        let mut metadata = vec![("rwt.prediction", name), ("rwt.time", "sigma")];
        metadata.extend(DOMAIN);
        metadata.extend(process.map(|process| ("rwt.process", process)));
        metadata.extend((name == "edm").then_some(("rwt.sigma_data", "0.6")));
        let model = open(&Graph::new("sigma", &metadata));
        assert_eq!(model.info().conventions.prediction, prediction);
        for sigma in [0.02, 1.0, 50.0] {
            check(&model, prediction, sigma, sigma);
        }
    }
}

#[test]
fn every_time_is_what_the_network_is_told() {
    type Time = fn(f64) -> f64;
    let cases: [(&str, TimeInput, Time); 3] = [
        ("sigma", TimeInput::Sigma, |s| s),
        ("log_sigma", TimeInput::LogSigma, f64::ln),
        ("quarter_log_sigma", TimeInput::QuarterLogSigma, |s| s.ln() / 4.0),
    ];
    for (name, kind, time) in cases {
        let metadata = [&[("rwt.prediction", "denoised"), ("rwt.time", name)][..], &DOMAIN].concat();
        for scalar in [false, true] {
            let model = open(&Graph { scalar, ..Graph::new("t", &metadata) });
            assert_eq!(model.info().conventions.time, kind);
            check(&model, Prediction::DenoisedVe, 0.3, time(0.3));
        }
    }
}

const DDPM: [(&str, &str); 4] = [
    ("rwt.prediction", "noise"),
    ("rwt.process", "vp"),
    ("rwt.time", "index"),
    ("rwt.table", "linear 0.0001 0.02 1000"),
];

fn ddpm_table() -> Vec<f64> {
    let mut table = vec![0.0; 1000];
    Betas::Linear { first: 1e-4, last: 0.02 }.sigmas(&mut table).unwrap();
    table
}

#[test]
fn an_index_is_interpolated_on_the_training_table() {
    let (model, table) = (open(&Graph::new("t", &DDPM)), ddpm_table());
    assert_eq!((model.info().sigma_min, model.info().sigma_max), (table[0], table[999]), "the table's ends");
    check(&model, Prediction::NoiseVp, table[700], 700.0);
    check(&model, Prediction::NoiseVp, (table[9] * table[10]).sqrt(), 9.5);
    assert!(matches!(denoise(&model, &x(), 200.0), Err(Error::Sigma { .. })));
}

#[test]
fn a_network_with_integer_times_takes_levels_of_its_table_only() {
    let mut metadata = DDPM.to_vec();
    metadata[2].1 = "integer";
    for integer in [true, false] {
        let (model, table) = (open(&Graph { integer, ..Graph::new("t", &metadata) }), ddpm_table());
        check(&model, Prediction::NoiseVp, table[40], 40.0);
        let between = denoise(&model, &x(), (table[3] * table[4]).sqrt());
        assert!(matches!(between, Err(Error::NotOnTable { .. })), "{between:?}");
    }
}

#[test]
fn a_table_that_begins_with_the_largest_level_counts_from_there() {
    let metadata = [
        ("rwt.prediction", "score"),
        ("rwt.process", "ve"),
        ("rwt.time", "index"),
        ("rwt.table", "sigmas 8 2, 0.5,0.1"),
    ];
    let model = open(&Graph::new("t", &metadata));
    assert!(model.info().conventions.descending);
    for (time, sigma) in [8.0, 2.0, 0.5, 0.1].into_iter().enumerate() {
        check(&model, Prediction::ScoreVe, sigma, time as f64);
    }
}

#[test]
fn of_learned_variances_the_first_half_is_the_prediction() {
    let metadata = [&DDPM[..], &[("rwt.learned_variance", "yes")]].concat();
    let model = open(&Graph { doubled: true, ..Graph::new("t", &metadata) });
    check(&model, Prediction::NoiseVp, ddpm_table()[500], 500.0);
    let undeclared = OnnxDenoiser::from_bytes(Graph { doubled: true, ..Graph::new("t", &DDPM) }.bytes());
    assert!(matches!(undeclared.err(), Some(Error::OutputShape { .. })));
}

#[test]
fn missing_keys_can_be_given_and_contradictions_are_refused() {
    let bytes = Graph::new("t", &[("rwt.prediction", "noise"), ("rwt.time", "index")]).bytes();
    fn with<'a>(keys: &'a [(&'a str, &'a str)]) -> OpenOptions<'a> {
        OpenOptions { keys, ..OpenOptions::default() }
    }
    let given = [("rwt.process", "vp"), ("rwt.table", "cosine 1000")];
    assert!(OnnxDenoiser::from_bytes(bytes.clone()).is_err());
    let model = OnnxDenoiser::from_bytes_with(bytes.clone(), &with(&given)).unwrap();
    assert_eq!(model.info().conventions.table.len(), 1000);
    let contradiction = [given[0], given[1], ("rwt.time", "sigma")];
    let error = OnnxDenoiser::from_bytes_with(bytes, &with(&contradiction)).err().unwrap();
    assert!(error.to_string().contains("rwt.time: expected one value, found \"index\" and \"sigma\""), "{error}");
}

#[test]
fn keys_that_do_not_go_together_are_named() {
    let wrong = |metadata: &[(&'static str, &'static str)], key: &str| {
        let metadata = [metadata, &DOMAIN].concat();
        let error = OnnxDenoiser::from_bytes(Graph::new("t", &metadata).bytes()).err().expect("refused").to_string();
        assert!(error.contains(key), "{metadata:?}: {error}");
    };
    wrong(&[("rwt.prediction", "noise"), ("rwt.time", "sigma")], "rwt.process");
    wrong(&[("rwt.prediction", "velocity"), ("rwt.process", "ve"), ("rwt.time", "sigma")], "goes with velocity");
    wrong(&[("rwt.prediction", "edm"), ("rwt.time", "sigma")], "rwt.sigma_data");
    wrong(&[("rwt.prediction", "epsilon"), ("rwt.time", "sigma")], "denoised or noise or score");
    wrong(&[("rwt.prediction", "denoised"), ("rwt.time", "index")], "rwt.table");
    wrong(&[("rwt.prediction", "denoised"), ("rwt.time", "sigma"), ("rwt.table", "cosine 10")], "rwt.table");
    for table in [
        "linear 0.1",
        "cosine 1",
        "cosine 1e9",
        "betas 0.1 x",
        "alpha_bars 0.5 0.9",
        "sigmas 1 1",
        "sigmas 1",
        "circle 3",
        "",
    ] {
        let mut metadata = DDPM;
        metadata[3].1 = table;
        wrong(&metadata, "rwt.table");
    }
    let mut outside = DDPM.to_vec();
    outside.extend([("rwt.sigma_min", "0.001"), ("rwt.sigma_max", "50")]);
    let error = OnnxDenoiser::from_bytes(Graph::new("t", &outside).bytes()).err().expect("refused").to_string();
    assert!(error.contains("inside rwt.table"), "{error}");
    let integer = Graph { integer: true, ..Graph::new("t", &DDPM) };
    let error = OnnxDenoiser::from_bytes(integer.bytes()).err().expect("refused").to_string();
    assert!(error.contains("rwt.time is not integer"), "{error}");
}
