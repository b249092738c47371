//! Operators that work element by element.

use super::lower::Lowering;
use super::program::{Code, Instruction, Operand};
use super::view::View;
use rwt_onnx::Operation;

/// Functions of one number.
fn function(operator: &str) -> Option<Code> {
    Some(match operator {
        "Abs" => Code::Absolute,
        "Cos" => Code::Cos,
        "Erf" => Code::Erf,
        "Exp" => Code::Exp,
        "Log" => Code::Log,
        "Neg" => Code::Negate,
        "Reciprocal" => Code::Reciprocal,
        "Relu" => Code::Relu,
        "Sigmoid" => Code::Sigmoid,
        "Sin" => Code::Sin,
        "Sqrt" => Code::SquareRoot,
        "Tanh" => Code::Tanh,
        _ => return None,
    })
}

/// Functions of two numbers, the first being the element.
fn combination(operator: &str) -> Option<Code> {
    Some(match operator {
        "Add" | "Sum" => Code::Add,
        "Sub" => Code::Subtract,
        "Mul" => Code::Multiply,
        "Div" => Code::Divide,
        "Max" => Code::Maximum,
        "Min" => Code::Minimum,
        _ => return None,
    })
}

/// The operators of this file.
pub(super) const OPERATORS: &[&str] = &[
    "Abs",
    "Add",
    "Clip",
    "Cos",
    "Div",
    "Erf",
    "Exp",
    "Gelu",
    "LeakyRelu",
    "Log",
    "Max",
    "Min",
    "Mul",
    "Neg",
    "Pow",
    "Reciprocal",
    "Relu",
    "Sigmoid",
    "Sin",
    "Sqrt",
    "Sub",
    "Sum",
    "Swish",
    "Tanh",
];

impl Lowering<'_, '_> {
    pub(super) fn elementwise(&mut self, operation: &Operation<'_>) -> Result<View, String> {
        let operator = operation.operator();
        if let Some(code) = function(operator) {
            return self.function(operation, code, 0.0);
        }
        if let Some(code) = combination(operator) {
            return self.combination(operation, code);
        }
        match operator {
            "Clip" => self.clip(operation),
            "Gelu" if operation.text("approximate") != "tanh" => self.function(operation, Code::Gelu, 0.0),
            "LeakyRelu" => self.function(operation, Code::LeakyRelu, operation.float("alpha", 0.01) as f32),
            "Pow" => {
                let power = self.number(operation.inputs.get(1).copied().flatten());
                self.function(operation, Code::Power, power.ok_or("expected a constant exponent")?)
            }
            "Swish" if operation.float("alpha", 1.0) == 1.0 => self.function(operation, Code::Silu, 0.0),
            _ => Err("this variant is not computed on the device".into()),
        }
    }

    fn function(&mut self, operation: &Operation<'_>, code: Code, value: f32) -> Result<View, String> {
        let it = self.input(operation, 0)?;
        let it = self.expanded(operation, &it)?;
        Ok(self.apply(&it, code, Operand::Value(value)))
    }

    /// Of the shape of the operation's output.
    fn expanded(&self, operation: &Operation<'_>, view: &View) -> Result<View, String> {
        let output = operation.outputs.first().copied().flatten().ok_or("no output")?;
        view.expand(self.shape(output)).ok_or_else(|| "the shapes do not fit together".into())
    }

    fn combination(&mut self, operation: &Operation<'_>, code: Code) -> Result<View, String> {
        let numbers: Vec<_> = operation.inputs.iter().map(|&input| self.number(input)).collect();
        let mut it: Option<View> = None;
        for place in 0..operation.inputs.len() {
            let Some(before) = it else {
                let first = self.input(operation, place)?;
                it = Some(self.expanded(operation, &first)?);
                continue;
            };
            it = Some(match (numbers[place], code.exchanged(), place) {
                (Some(number), _, _) => self.apply(&before, code, Operand::Value(number)),
                (None, Some(exchanged), 1) if numbers[0].is_some() => {
                    let next = self.input(operation, 1)?;
                    let next = self.expanded(operation, &next)?;
                    self.apply(&next, exchanged, Operand::Value(numbers[0].unwrap_or_default()))
                }
                _ => {
                    let next = self.input(operation, place)?;
                    let next = self.expanded(operation, &next)?;
                    self.combined(before, code, next)
                }
            });
        }
        it.ok_or_else(|| "no inputs".into())
    }

    /// Behind the kernel of one of the two, if that can be.
    fn combined(&mut self, a: View, code: Code, b: View) -> View {
        if let Some(exchanged) = code.exchanged() {
            let then_b = Instruction { code, operand: Operand::View(b.clone()) };
            let then_a = Instruction { code: exchanged, operand: Operand::View(a.clone()) };
            let prefers_b = !self.can_follow(&a, &then_b) && self.can_follow(&b, &then_a);
            let is_spread = |view: &View| view.strides.contains(&0);
            if prefers_b || !self.can_follow(&a, &then_b) && is_spread(&a) && !is_spread(&b) {
                return self.apply(&b, exchanged, Operand::View(a));
            }
        }
        self.apply(&a, code, Operand::View(b))
    }

    fn clip(&mut self, operation: &Operation<'_>) -> Result<View, String> {
        let mut it = self.input(operation, 0)?;
        for (place, attribute, code) in [(1, "min", Code::Maximum), (2, "max", Code::Minimum)] {
            let given = operation.inputs.get(place).copied().flatten();
            let bound = match given {
                Some(_) => Some(self.number(given).ok_or("expected constant bounds")?),
                None => Some(operation.float(attribute, f64::NAN) as f32).filter(|bound| !bound.is_nan()),
            };
            if let Some(bound) = bound {
                it = self.apply(&it, code, Operand::Value(bound));
            }
        }
        Ok(it)
    }
}
