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

/// A graph that calculates "grown" of x by these nodes, and must leave it as it is.
fn unchanged(constants: &[(&'static str, &[i64])], before: &[(&'static str, &[&'static str], &'static str)]) {
    let mut graph = Graph::new("sigma", &KEYS);
    graph.constants = constants.iter().map(|(name, values)| Constant::integers(name, values)).collect();
    graph.before = before.iter().map(|(operator, inputs, output)| (*operator, inputs.to_vec(), *output)).collect();
    let model = OnnxDenoiser::from_bytes(graph.bytes()).unwrap_or_else(|error| panic!("{before:?}: {error}"));
    let (x, mut denoised) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0], [0.0; 12]);
    model.evaluator(2, 3).unwrap().denoise(&x, 1.0, &mut denoised).unwrap();
    assert_eq!(denoised, x, "{before:?}");
}

#[test]
fn parts_remainders_and_comparisons_are_followed() {
    unchanged(&[], &[("Split num_outputs 2", &["x"], "front"), ("Neg", &["x"], "minus"), ("Neg", &["minus"], "grown")]);
    unchanged(
        &[("parts", &[1, 1])],
        &[
            ("Transpose", &["x"], "turned"),
            ("Transpose", &["turned"], "again"),
            ("Split axis 1", &["again", "parts"], "first second"),
            ("Concat axis 1", &["first", "second"], "grown"),
        ],
    );
    // as a network that pads itself to a multiple of 8 and cuts it off again, here by 0
    let one = ("one", &[1i64][..]);
    unchanged(
        &[one, ("zero", &[0]), ("pads", &[0, 0, 0, 0, 0, 0, 0])],
        &[
            ("Shape", &["x"], "shape"),
            ("Gather axis 0", &["shape", "one"], "channels"),
            ("Mod", &["channels", "one"], "rest"),
            ("Concat axis 0", &["pads", "rest"], "all"),
            ("Pad", &["x", "all"], "grown"),
        ],
    );
    unchanged(
        &[one, ("two", &[2])],
        &[
            ("Shape", &["x"], "shape"),
            ("Greater", &["two", "one"], "is_more"),
            ("Where", &["is_more", "shape", "two"], "sizes"),
            ("Reshape", &["x", "sizes"], "grown"),
        ],
    );
}

#[test]
fn constants_and_axes_of_older_exports_are_followed() {
    unchanged(&[], &[("Constant value_float 1", &[], "one"), ("Mul", &["x", "one"], "grown")]);
    // before opset 13 the axes are an attribute
    unchanged(
        &[],
        &[("Shape", &["x"], "shape"), ("Unsqueeze axes 1", &["x"], "more"), ("Reshape", &["more", "shape"], "grown")],
    );
}

#[test]
fn a_size_that_engines_would_calculate_otherwise_is_not_believed() {
    let refused = |constants: &[(&'static str, &[i64])], before: &[(&'static str, &[&'static str], &'static str)]| {
        let mut graph = Graph::new("sigma", &KEYS);
        graph.constants = constants.iter().map(|(name, values)| Constant::integers(name, values)).collect();
        graph.before = before.iter().map(|(operator, inputs, output)| (*operator, inputs.to_vec(), *output)).collect();
        graph.before.push(("ConstantOfShape", vec!["sizes"], "huge"));
        graph.before.push(("ReduceMax", vec!["huge"], "zero"));
        graph.before.push(("Add", vec!["x", "zero"], "grown"));
        OnnxDenoiser::from_bytes(graph.bytes()).err().unwrap()
    };
    // 2^32 is 0 to an engine of 32 bits, and 30000 is the largest of three
    let (half, large) = (("half", &[1i64 << 16][..]), ("large", &[30_000i64, 30_000][..]));
    let error = refused(
        &[half, ("one", &[1]), large],
        &[
            ("Mul", &["half", "half"], "wrapped"),
            ("Sub", &["large", "wrapped"], "less"),
            ("Max", &["less", "one"], "sizes"),
        ],
    );
    assert!(matches!(error, Error::Shapes { .. } | Error::Memory { .. }), "{error}");
    let error = refused(&[("one", &[1]), large], &[("Max", &["one", "one", "large"], "sizes")]);
    assert!(matches!(error, Error::Shapes { .. } | Error::Memory { .. }), "{error}");
}

#[test]
fn pictures_on_their_side_are_counted() {
    // an array of height times height
    let mut graph = Graph::new("sigma", &KEYS);
    graph.metadata.push(("rwt.symmetry", "square"));
    graph.constants = vec![Constant::integers("row", &[2])];
    graph.before = vec![
        ("Shape", vec!["x"], "shape"),
        ("Gather axis 0", vec!["shape", "row"], "height"),
        ("Concat axis 0", vec!["height", "height"], "sizes"),
        ("ConstantOfShape", vec!["sizes"], "huge"),
        ("ReduceMax", vec!["huge"], "zero"),
        ("Add", vec!["x", "zero"], "grown"),
    ];
    let model = OnnxDenoiser::from_bytes(graph.bytes()).unwrap();
    let [upright, on_side] = [(4000, 8), (8, 4000)].map(|(height, width)| model.memory(1, height, width).unwrap());
    assert_eq!(upright, on_side);
    assert!(on_side > 2 * 4 * 4000 * 4000);
    assert!(matches!(model.evaluator(8, 40_000), Err(Error::Memory { .. })));
}

#[test]
fn what_would_take_the_stack_or_the_memory_of_the_reader_is_refused() {
    let name = |k: usize| -> &'static str { Box::leak(format!("n{k}").into_boxed_str()) };
    let deep = |length: usize| {
        let mut graph = Graph::new("sigma", &KEYS);
        graph.before = (0..length).map(|k| ("Neg", vec![if k == 0 { "x" } else { name(k) }], name(k + 1))).collect();
        graph.before.push(("Neg", vec![name(length)], "grown"));
        OnnxDenoiser::from_bytes(graph.bytes())
    };
    assert!(deep(1001).is_ok());
    let error = deep(20_000).err().unwrap();
    assert!(error.to_string().contains("2500 operators one after another"), "{error}");
    let mut wide = Graph::new("sigma", &KEYS);
    wide.before = vec![("Concat axis 1", vec!["x"; 50_000], "grown")];
    let error = OnnxDenoiser::from_bytes(wide.bytes()).err().unwrap();
    assert!(error.to_string().contains("at most 1024 inputs, found 50000"), "{error}");
    let mut product = Graph::new("sigma", &KEYS);
    product.before = vec![("Einsum", vec!["x", "x", "x"], "grown")];
    assert!(matches!(OnnxDenoiser::from_bytes(product.bytes()), Err(Error::Shapes { .. })));
    // a function of the model's own, ModelProto.functions
    let mut functions = Graph::new("sigma", &KEYS).bytes();
    functions.extend([25u8 << 3 | 2 | 128, 1, 0]);
    let error = OnnxDenoiser::from_bytes(functions).err().unwrap();
    assert!(error.to_string().contains("functions of the model's own"), "{error}");
}
