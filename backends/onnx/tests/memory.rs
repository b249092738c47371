//! What an evaluation needs is told before it is taken, and bounded.

mod common;
#[path = "common/graph.rs"]
mod graph;
#[path = "common/peak.rs"]
mod peak;

use common::{bytes, model};
use graph::{Constant, Graph};
use rwt_core::Denoiser;
use rwt_onnx::{Error, OnnxDenoiser, OpenOptions};

const KEYS: [(&str, &str); 4] =
    [("rwt.prediction", "denoised"), ("rwt.time", "sigma"), ("rwt.sigma_min", "0.1"), ("rwt.sigma_max", "1")];

/// The only test of this program: another beside it would be measured, too.
#[test]
fn an_evaluation_takes_what_was_counted_and_large_pictures_are_refused() {
    let model = model();
    for (height, width) in [(8, 8), (64, 64), (60, 200), (256, 256)] {
        let mut evaluator = model.evaluator(height, width).unwrap();
        let (x, mut denoised) = (vec![0.1; 3 * height * width], vec![0.0; 3 * height * width]);
        let taken = peak::peak_of(|| evaluator.denoise(&x, 0.5, &mut denoised).unwrap()) as u64;
        let counted = model.memory(1, height, width).unwrap();
        println!("{height} x {width}: {taken} of {counted} bytes");
        let is_worth_counting = height * width < 64 * 64 || taken > counted / 4;
        assert!(taken <= counted && is_worth_counting, "{height} x {width}: counted {counted}, taken {taken}");
        assert!(model.memory(4, height, width).unwrap() > 3 * (counted - (1 << 20)));
    }
    let refusal = model.evaluator(20_000, 20_000).err().unwrap();
    assert!(matches!(refusal, Error::Memory { limit: 0x1_0000_0000, .. }), "{refusal}");

    let counted = model.memory(1, 64, 64).unwrap();
    let open = |memory| {
        let options = OpenOptions { memory, ..OpenOptions::default() };
        OnnxDenoiser::from_bytes_with(bytes(), &options)
    };
    let tight = open(counted).unwrap();
    assert!(tight.evaluator(64, 64).is_ok());
    let refusal = tight.evaluator(64, 72).err().unwrap().to_string();
    assert!(refusal.contains(&format!("expected at most {counted}")) && refusal.contains("tiles"), "{refusal}");
    assert!(matches!(open(1000).err().unwrap(), Error::Memory { limit: 1000, .. }));
    assert_eq!(open(u64::MAX).unwrap().memory(1, 20_000, 20_000).unwrap(), 0, "nothing is counted");

    for shape in [&[1 << 16, 1 << 16][..], &[1 << 16, 1 << 16, 1 << 16, 1 << 16, 1 << 16]] {
        let mut found = None;
        let taken = peak::peak_of(|| found = Some(OnnxDenoiser::from_bytes(grown(shape)).err().unwrap()));
        assert!(matches!(found, Some(Error::Memory { .. })), "{shape:?}: {found:?}");
        assert!(taken < 1 << 20, "{shape:?}: {taken} bytes");
    }
}

/// A network that fills an array of this shape with zeros and adds its first element.
fn grown(shape: &[i64]) -> Vec<u8> {
    let mut graph = Graph::new("sigma", &KEYS);
    graph.constants = vec![Constant::integers("shape", shape), Constant::integers("first", &[0])];
    graph.before = vec![
        ("ConstantOfShape", vec!["shape"], "huge"),
        ("ReduceMax", vec!["huge"], "zero"),
        ("Add", vec!["x", "zero"], "grown"),
    ];
    graph.bytes()
}
