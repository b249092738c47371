//! Operators over rows: normalisations, softmax, sums.

use super::lower::Lowering;
use super::patterns::GroupNorm;
use super::program::{Code, Operand};
use super::rearrange::place;
use super::step::{Reduction, Work};
use super::view::View;
use rwt_onnx::Operation;

/// The operators of this file.
pub(super) const OPERATORS: &[&str] = &[
    "BatchNormalization",
    "GlobalAveragePool",
    "GroupNormalization",
    "InstanceNormalization",
    "LayerNormalization",
    "ReduceL2",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceSum",
    "ReduceSumSquare",
    "Softmax",
];

impl Lowering<'_, '_> {
    pub(super) fn over_rows(&mut self, operation: &Operation<'_>, shape: &[usize]) -> Result<View, String> {
        match operation.operator() {
            "BatchNormalization" => self.batch_norm(operation, shape),
            "GlobalAveragePool" => {
                let it = self.input(operation, 0)?;
                self.reduced(&it, &(2..it.shape.len()).collect::<Vec<_>>(), Reduction::Mean, shape)
            }
            "GroupNormalization" => {
                let groups = usize::try_from(operation.integer("num_groups", 0)).unwrap_or(0);
                self.norm(operation, shape, shape.first().copied().unwrap_or(1) * groups)
            }
            "InstanceNormalization" => self.norm(operation, shape, shape.iter().take(2).product()),
            "LayerNormalization" => {
                let axis = place(operation.integer("axis", -1), shape.len()).ok_or("the axis is out of range")?;
                self.norm(operation, shape, shape[..axis].iter().product())
            }
            "Softmax" => self.softmax(operation, shape),
            operator => {
                let it = self.input(operation, 0)?;
                let kind = match operator {
                    "ReduceMax" => Reduction::Max,
                    "ReduceMean" => Reduction::Mean,
                    "ReduceMin" => Reduction::Min,
                    "ReduceSum" => Reduction::Sum,
                    _ => Reduction::SumOfSquares,
                };
                let axes = self.axes_of(operation, it.shape.len())?;
                let it = self.reduced(&it, &axes, kind, shape)?;
                let is_length = operator == "ReduceL2";
                Ok(if is_length { self.apply(&it, Code::SquareRoot, Operand::Value(0.0)) } else { it })
            }
        }
    }

    /// Each row normalised, then scaled and shifted: by one number for a channel (or a group), or of the rows' shape.
    fn norm(&mut self, operation: &Operation<'_>, shape: &[usize], rows: usize) -> Result<View, String> {
        let it = self.input(operation, 0)?;
        if rows == 0 || !it.elements().is_multiple_of(rows) {
            return Err(format!("expected {rows} equal groups, found the shape {shape:?}"));
        }
        let mut it = self.normalised(&it, rows, operation.float("epsilon", 1e-5) as f32, shape);
        for (number, code) in [(1, Code::Multiply), (2, Code::Add)] {
            let Some(&Some(value)) = operation.inputs.get(number) else { continue };
            if let Some(same) = self.number(Some(value)) {
                it = self.apply(&it, code, Operand::Value(same));
                continue;
            }
            let by = self.value(value)?;
            let by = match operation.operator() {
                "LayerNormalization" => by.expand(shape).ok_or("the scale does not fit"),
                _ => per_channel(&by, shape),
            };
            it = self.apply(&it, code, Operand::View(by?));
        }
        Ok(it)
    }

    /// A pattern of a normalisation.
    pub(super) fn group_norm(&mut self, place: usize, shape: &[usize]) -> Result<View, String> {
        let GroupNorm { value, groups, epsilon, scale, shift } = self.patterns.groups[&place];
        let it = self.value(value)?;
        let it = self.normalised(&it, groups, epsilon, shape);
        let it = self.apply(&it, Code::Multiply, Operand::Value(scale));
        Ok(self.apply(&it, Code::Add, Operand::Value(shift)))
    }

    fn normalised(&mut self, it: &View, rows: usize, epsilon: f32, shape: &[usize]) -> View {
        if let Some(result) = self.half_norm(it, rows, epsilon) {
            return result;
        }
        let input = self.dense(it);
        self.step(Work::Norm { input, rows, epsilon }, shape)
    }

    /// With the moments of the training data.
    fn batch_norm(&mut self, operation: &Operation<'_>, shape: &[usize]) -> Result<View, String> {
        let it = self.input(operation, 0)?;
        let mut constants = Vec::new();
        for number in 1..5 {
            let view = self.input(operation, number)?;
            let bytes = self.elements(&view).ok_or("expected constant moments")?;
            let floats = bytes.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap_or_default())));
            constants.push(floats.collect::<Vec<_>>());
        }
        let [scale, shift, mean, variance] = &constants[..] else { return Err("expected four constants".into()) };
        let epsilon = operation.float("epsilon", 1e-5);
        let factors: Vec<f64> = scale.iter().zip(variance).map(|(scale, v)| scale / (v + epsilon).sqrt()).collect();
        let terms = factors.iter().zip(mean).zip(shift).map(|((factor, mean), shift)| (shift - factor * mean) as f32);
        let terms: Vec<f32> = terms.collect();
        let factors: Vec<f32> = factors.iter().map(|&factor| factor as f32).collect();
        let mut it = it;
        for (values, code) in [(factors, Code::Multiply), (terms, Code::Add)] {
            let by = self.floats(&values, &[values.len()]);
            it = self.apply(&it, code, Operand::View(per_channel(&by, shape)?));
        }
        Ok(it)
    }

    fn softmax(&mut self, operation: &Operation<'_>, shape: &[usize]) -> Result<View, String> {
        let it = self.input(operation, 0)?;
        let last = shape.len().checked_sub(1).ok_or("expected an array, found a number")?;
        let axis = place(operation.integer("axis", -1), shape.len()).ok_or("the axis is out of range")?;
        let mut order: Vec<usize> = (0..shape.len()).collect();
        order.swap(axis, last);
        let turned = it.permute(&order).ok_or("the axes do not fit")?;
        let input = self.dense(&turned);
        let rows = input.elements() / input.shape[last];
        let turned = input.shape.clone();
        self.step(Work::Softmax { input, rows }, &turned).permute(&order).ok_or_else(|| "the axes do not fit".into())
    }

    fn reduced(&mut self, it: &View, axes: &[usize], kind: Reduction, shape: &[usize]) -> Result<View, String> {
        let kept = (0..it.shape.len()).filter(|axis| !axes.contains(axis));
        let order: Vec<usize> = kept.chain(axes.iter().copied()).collect();
        let turned = it.permute(&order).ok_or("expected each axis once")?;
        let input = self.dense(&turned);
        let rows: usize = shape.iter().product();
        if rows == 0 || !input.elements().is_multiple_of(rows) {
            return Err("the axes do not fit".into());
        }
        let out = self.step(Work::Reduce { input, rows, kind }, &[rows]);
        out.reshape(shape).ok_or_else(|| "the axes do not fit".into())
    }
}

/// One number for a channel, the second axis, or for a group of channels.
fn per_channel(by: &View, shape: &[usize]) -> Result<View, &'static str> {
    let misfit = "the scale does not fit the channels";
    let (channels, count) = (*shape.get(1).ok_or(misfit)?, by.elements());
    if count == 0 || channels % count != 0 {
        return Err(misfit);
    }
    let rest: usize = shape[2..].iter().product();
    let wide = by.reshape(&[1, count, 1]).and_then(|view| view.expand(&[shape[0], count, channels / count * rest]));
    wide.and_then(|view| view.reshape(shape)).ok_or(misfit)
}
