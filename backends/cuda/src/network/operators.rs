//! Which operators are computed on the device, and how each becomes steps.

use super::lower::Lowering;
use super::program::{Code, Operand};
use super::view::View;
use super::{arithmetic, matrix, normal, rearrange, window};
use crate::error::Error;
use rwt_onnx::{Network, Operation};

/// Operators that must be known before the evaluation, as they depend on sizes and constants alone.
const KNOWN: &[&str] = &[
    "And",
    "Ceil",
    "Constant",
    "ConstantOfShape",
    "Equal",
    "Floor",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "Mod",
    "Not",
    "Or",
    "Range",
    "ReduceProd",
    "Shape",
    "Size",
    "Where",
];

/// An error for the first node whose operator is not known at all.
pub(super) fn check(network: &Network) -> Result<(), Error> {
    let lists =
        [KNOWN, arithmetic::OPERATORS, matrix::OPERATORS, normal::OPERATORS, rearrange::OPERATORS, window::OPERATORS];
    for (operator, node) in network.operators() {
        if !lists.iter().any(|list| list.contains(&operator)) {
            let reason = format!("the operator {operator} is not computed on the device");
            return Err(Error::Operator { node, reason });
        }
    }
    Ok(())
}

impl Lowering<'_, '_> {
    /// Where the outputs of an operation lie, after the steps that make them.
    pub(super) fn operation(&mut self, place: usize, operation: &Operation<'_>) -> Result<Vec<View>, String> {
        let outputs: Vec<_> = operation.outputs.iter().map(|&output| output.map(|output| self.shape(output))).collect();
        if outputs.iter().flatten().any(|shape| shape.contains(&0)) {
            return Err(format!("expected elements, found the shapes {outputs:?}"));
        }
        let shape = outputs.first().copied().flatten().ok_or("the first output is not wanted")?;
        let views = self.views_of(place, operation, shape)?;
        for (view, shape) in views.iter().zip(&outputs) {
            if shape.is_some_and(|shape| view.shape != shape) {
                return Err(format!("expected the shape {shape:?}, found {:?}", view.shape));
            }
        }
        Ok(views)
    }

    fn views_of(&mut self, place: usize, operation: &Operation<'_>, shape: &[usize]) -> Result<Vec<View>, String> {
        if let Some(value) = self.patterns.looked_at(place) {
            let view = self.value(value)?;
            return Ok(vec![view.expand(shape).ok_or("the factor does not fit")?]);
        }
        if let Some(&value) = self.patterns.silu.get(&place) {
            let it = self.value(value)?;
            return Ok(vec![self.apply(&it, Code::Silu, Operand::Value(0.0))]);
        }
        let view = match operation.operator() {
            _ if self.patterns.groups.contains_key(&place) => self.group_norm(place, shape),
            _ if self.patterns.attention.contains_key(&place) => self.attended(place, shape),
            "Attention" => self.attention_operator(operation, shape),
            "Conv" => self.conv(place, operation, shape),
            "ConvTranspose" => self.conv_transpose(operation, shape),
            "AveragePool" | "MaxPool" => self.pool(operation, shape),
            "Gemm" => self.general_product(operation, shape),
            "MatMul" => self.matmul(operation, shape),
            name if arithmetic::OPERATORS.contains(&name) => self.elementwise(operation),
            name if normal::OPERATORS.contains(&name) => self.over_rows(operation, shape),
            name if rearrange::OPERATORS.contains(&name) => return self.rearranged(operation),
            name => Err(format!("{name} depends on the picture or the noise level, which only shapes may")),
        }?;
        Ok(vec![view])
    }

    /// A view of an array that kernels may write, copied if it is a constant.
    pub(super) fn in_memory(&mut self, view: &View) -> View {
        if self.is_constant(view) { self.copied(view) } else { view.clone() }
    }
}
