//! The shapes that an operator writes, given those that it reads.

use std::borrow::Cow;

use rten_shape_inference::ops::{self, Padding};
use rten_shape_inference::{
    BinaryOp, InferShapes, InferShapesContext, ReductionOp, SymExpr, SymTensor, SymbolGen, UnaryOp, VariadicOp,
};

use crate::graph::Node;
use crate::small::Small;

/// The outputs of a node, or why they are not known.
pub(crate) fn outputs(node: &Node, inputs: &[Option<SymTensor>]) -> Result<Vec<SymTensor>, String> {
    let inputs = &with_axes(node, inputs)[..];
    let mut symbols = SymbolGen::new();
    let mut infer = |rule: &dyn InferShapes| {
        rule.infer_shapes(InferShapesContext::new(inputs), &mut symbols).map_err(|error| error.to_string())
    };
    let axis = |default| node.integer("axis", default) as i32;
    match &node.operator[..] {
        name if BINARY.contains(&name) => infer(&BinaryOp),
        "Max" | "Mean" | "Min" | "Sum" | "Where" => infer(&VariadicOp),
        name if UNARY.contains(&name) => infer(&UnaryOp),
        "Concat" => infer(&ops::Concat { axis: axis(0) }),
        // the values are folded elsewhere
        "ConstantOfShape" => infer(&ops::ConstantOfShape { value: None }),
        "Conv" | "ConvTranspose" | "AveragePool" | "MaxPool" => window(node, inputs, &mut infer),
        "GlobalAveragePool" | "GlobalMaxPool" => infer(&ops::GlobalPool),
        "DepthToSpace" => infer(&ops::DepthToSpace { block_size: node.integer("blocksize", 1) as u32 }),
        // three operands have outer products between them
        "Einsum" if inputs.len() > 2 => Err("more than two operands".into()),
        "Einsum" => infer(&ops::Einsum { equation: node.text("equation") }),
        "Expand" => infer(&ops::Expand),
        "Flatten" => infer(&ops::Flatten { axis: axis(1) }),
        "Gather" => infer(&ops::Gather { axis: axis(0) }),
        "Gemm" => infer(&ops::Gemm {
            transpose_a: node.integer("transA", 0) != 0,
            transpose_b: node.integer("transB", 0) != 0,
        }),
        "MatMul" => infer(&ops::MatMul),
        "Pad" => infer(&ops::Pad),
        "Range" => infer(&ops::Range),
        name if name.starts_with("Reduce") => {
            let axes: Vec<i32> = node.integers("axes").iter().map(|&axis| axis as i32).collect();
            let axes = (!axes.is_empty()).then_some(&axes[..]);
            infer(&ReductionOp { axes, keep_dims: node.integer("keepdims", 1) != 0 })
        }
        "Reshape" => infer(&ops::Reshape { allow_zero: node.integer("allowzero", 0) != 0 }),
        "Resize" => infer(&ops::Resize),
        "Upsample" => infer(&ops::Upsample),
        "Slice" => infer(&ops::Slice),
        "Split" => Err("the parts are not known".into()), // see `split`
        "Squeeze" => infer(&ops::Squeeze),
        "Unsqueeze" => infer(&ops::Unsqueeze),
        "Tile" => infer(&ops::Tile),
        "Transpose" => {
            let order = sizes(node.integers("perm"));
            infer(&ops::Transpose { perm: (!order.is_empty()).then_some(&order) })
        }
        "Attention" => attention(inputs),
        _ => Err("the operator is not known".into()),
    }
}

/// The shape of the queries, with the length of the values.
fn attention(inputs: &[Option<SymTensor>]) -> Result<Vec<SymTensor>, String> {
    let shape = |place: usize| {
        let input = inputs.get(place).and_then(Option::as_ref).and_then(SymTensor::shape);
        Ok::<Vec<_>, String>(input.ok_or("the shapes of queries and values are unknown")?.collect())
    };
    let (mut queries, values) = (shape(0)?, shape(2)?);
    match (queries.last_mut(), values.last()) {
        (Some(last), Some(length)) => *last = length.clone(),
        _ => return Err("queries and values are scalars".into()),
    }
    Ok(vec![SymTensor::from_shape(queries)])
}

/// Before opset 13 the axes of Squeeze and Unsqueeze are an attribute; afterwards an input, which they become here.
fn with_axes<'a>(node: &Node, inputs: &'a [Option<SymTensor>]) -> Cow<'a, [Option<SymTensor>]> {
    let axes = node.integers("axes");
    if inputs.len() != 1 || axes.is_empty() || !matches!(&node.operator[..], "Squeeze" | "Unsqueeze") {
        return inputs.into();
    }
    let axes = axes.iter().map(|&axis| SymExpr::Value(axis as i32)).collect();
    vec![inputs[0].clone(), Some(SymTensor::from_vec(axes))].into()
}

/// What has the shape that two inputs have together.
const BINARY: &[&str] = &[
    "Add",
    "And",
    "Div",
    "Equal",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "Mod",
    "Mul",
    "Or",
    "Pow",
    "PRelu",
    "Sub",
];

/// What has the shape of its first input.
const UNARY: &[&str] = &[
    "Abs",
    "BatchNormalization",
    "Cast",
    "CastLike",
    "Ceil",
    "Clip",
    "Cos",
    "Dropout",
    "Elu",
    "Erf",
    "Exp",
    "Floor",
    "Gelu",
    "GroupNormalization",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "InstanceNormalization",
    "LayerNormalization",
    "LeakyRelu",
    "Log",
    "LogSoftmax",
    "Mish",
    "Neg",
    "Not",
    "Reciprocal",
    "Relu",
    "Round",
    "Sigmoid",
    "Sign",
    "Sin",
    "Softmax",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Swish",
    "Tanh",
    "Trilu",
];

type Infer<'a> = dyn FnMut(&dyn InferShapes) -> Result<Vec<SymTensor>, String> + 'a;

/// Convolutions and pools. What is not said of strides and dilations is 1, of pads 0.
fn window(node: &Node, inputs: &[Option<SymTensor>], infer: &mut Infer<'_>) -> Result<Vec<SymTensor>, String> {
    let first = inputs.first().and_then(Option::as_ref);
    let axes = first.and_then(SymTensor::ndim).ok_or("the input's shape is unknown")?.saturating_sub(2);
    let list = |name, default, length| match node.integers(name) {
        [] => vec![default; length],
        given => sizes(given),
    };
    let (strides, dilations) = (list("strides", 1, axes), list("dilations", 1, axes));
    let pads = list("pads", 0, 2 * axes);
    let padding = match node.text("auto_pad") {
        "SAME_UPPER" | "SAME_LOWER" => Padding::Same,
        _ => Padding::Fixed(&pads),
    };
    match &node.operator[..] {
        "Conv" => infer(&ops::Conv { dilations: &dilations, padding, strides: &strides }),
        "ConvTranspose" => {
            let groups = node.integer("group", 1) as usize;
            let extra = sizes(node.integers("output_padding"));
            let output_padding = (!extra.is_empty()).then_some(&extra[..]);
            infer(&ops::ConvTranspose { groups, padding, strides: &strides, dilations: &dilations, output_padding })
        }
        _ => {
            let kernel_size = &sizes(node.integers("kernel_shape"));
            let ceil_mode = node.integer("ceil_mode", 0) != 0;
            infer(&ops::Pool { dilations: &dilations, kernel_size, padding, strides: &strides, ceil_mode })
        }
    }
}

fn sizes(integers: &[i64]) -> Vec<usize> {
    integers.iter().map(|&value| usize::try_from(value).unwrap_or(0)).collect()
}

/// A tensor as the rules take it: with its values where a shape may depend on them.
pub(crate) fn known(shape: &[usize], small: Option<&Small>) -> SymTensor {
    let whole = small.and_then(|small| small.values.iter().map(|&value| whole(value)).collect::<Option<Vec<_>>>());
    match (whole, shape.len()) {
        (Some(values), 1) => SymTensor::from_vec(values),
        (Some(values), 0) if values.len() == 1 => SymTensor::from_scalar(values[0].clone()),
        _ => SymTensor::from_fixed_shape(shape),
    }
}

/// The ends of i64 mean "to the end": those of i32 do, too.
fn whole(value: f64) -> Option<SymExpr> {
    (value.fract() == 0.0).then(|| SymExpr::Value(value.clamp(i32::MIN.into(), i32::MAX.into()) as i32))
}

/// The parts of a Split, given the shape, and the sizes if they are an input: else they are an attribute, or equal but for
/// the last.
pub(crate) fn split(node: &Node, shape: &[usize], sizes: Option<&Small>) -> Option<Vec<Vec<usize>>> {
    let axis = node.integer("axis", 0);
    let axis = usize::try_from(if axis < 0 { axis + shape.len() as i64 } else { axis }).ok()?;
    let length = *shape.get(axis)?;
    let given = sizes.map(|sizes| sizes.values.iter().map(|&v| v as i64).collect());
    let given = given.or_else(|| Some(node.integers("split").to_vec()).filter(|list| !list.is_empty()));
    let parts = match given {
        Some(list) => list.into_iter().map(|size| usize::try_from(size).ok()).collect::<Option<Vec<_>>>()?,
        None => {
            let count = usize::try_from(node.integer("num_outputs", node.outputs.len() as i64)).ok()?;
            let each = length.div_ceil(count.max(1));
            (0..count.min(node.outputs.len())).map(|part| each.min(length.saturating_sub(part * each))).collect()
        }
    };
    let part = |size| {
        let mut part = shape.to_vec();
        part[axis] = size;
        part
    };
    Some(parts.into_iter().map(part).collect())
}

/// Resize and Upsample by scales that need not be whole.
pub(crate) fn resized(shape: &[usize], scales: &Small) -> Option<Vec<usize>> {
    let fits = scales.values.len() == shape.len();
    fits.then(|| {
        shape.iter().zip(&scales.values).map(|(&size, scale)| (size as f32 * *scale as f32).floor() as usize).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_numbers_of_32_bits() {
        // 10 times 0.7 is 6.99… of 64 bits, and 7 as engines have it
        let scales = Small::new(&[2], vec![1.0, f64::from(0.7f32)], false).unwrap();
        assert_eq!(resized(&[3, 10], &scales), Some(vec![3, 7]));
    }
}
