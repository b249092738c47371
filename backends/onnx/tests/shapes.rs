//! The arithmetic that exporters put around sizes is followed.

#[path = "common/graph.rs"]
mod graph;

use graph::{Constant, Graph};
use rwt_core::Denoiser;
use rwt_onnx::{Error, OnnxDenoiser};

const KEYS: [(&str, &str); 4] =
    [("rwt.prediction", "denoised"), ("rwt.time", "sigma"), ("rwt.sigma_min", "0.1"), ("rwt.sigma_max", "1")];

#[test]
fn sizes_that_a_file_calculates_are_followed() {
    // as exporters write x.reshape(n, c, h · w).reshape(x.shape) and a pad on the left
    let mut graph = Graph::new("sigma", &KEYS);
    let integers = Constant::integers;
    graph.constants = vec![
        integers("zero", &[0]),
        integers("two", &[2]),
        integers("one", &[-1]),
        integers("pairs", &[-1, 2]),
        integers("pads", &[0, 0, 0, 0, 0, 3, 0, 0]),
        integers("backwards", &[-1]),
        integers("start", &[-1]),
        integers("end", &[i64::MIN + 1]),
        integers("flat", &[8]),
    ];
    graph.before = vec![
        ("Shape", vec!["x"], "shape"),
        ("Slice", vec!["shape", "zero", "two", "zero"], "front"),
        ("Concat axis 0", vec!["front", "one"], "rows"),
        ("Reshape", vec!["x", "rows"], "flattened"),
        ("Reshape", vec!["flattened", "shape"], "back"),
        ("Reshape", vec!["pads", "pairs"], "by_axis"),
        ("Slice", vec!["by_axis", "start", "end", "zero", "backwards"], "turned"),
        ("Slice", vec!["turned", "start", "end", "zero", "backwards"], "again"),
        ("Reshape", vec!["again", "flat"], "pads_again"),
        ("Pad", vec!["back", "pads_again"], "padded"),
        ("Slice", vec!["padded", "zero", "height", "rows_axis"], "grown"),
    ];
    graph.constants.push(integers("height", &[i64::MAX]));
    graph.constants.push(integers("rows_axis", &[2]));
    // the pad makes two rows more than the output may have: the shapes are followed to that contradiction
    let error = OnnxDenoiser::from_bytes(graph.bytes()).err().unwrap();
    assert!(matches!(error, Error::OutputShape { .. }), "{error}");
    graph.before.truncate(5);
    graph.before[4].2 = "grown";
    let model = OnnxDenoiser::from_bytes(graph.bytes()).unwrap();
    let (x, mut denoised) = (vec![1.0; 12], vec![0.0; 12]);
    model.evaluator(2, 3).unwrap().denoise(&x, 0.5, &mut denoised).unwrap();
    assert_eq!(denoised, [0.5; 12]);
}

#[test]
fn a_size_that_depends_on_the_picture_is_refused_by_name() {
    let mut graph = Graph::new("sigma", &KEYS);
    graph.constants = vec![Constant::integers("axes", &[0, 1, 2, 3])];
    graph.before = vec![
        ("ReduceMax", vec!["x"], "largest"),
        ("Squeeze", vec!["largest", "axes"], "scalar"),
        ("Range", vec!["scalar", "scalar", "scalar"], "list"),
        ("ReduceMax", vec!["list"], "any"),
        ("Add", vec!["x", "any"], "grown"),
    ];
    let error = OnnxDenoiser::from_bytes(graph.bytes()).err().unwrap();
    assert!(matches!(error, Error::Shapes { .. }), "{error}");
    assert!(error.to_string().contains("Range list"), "{error}");
}
