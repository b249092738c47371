//! What is done with each element after a kernel has computed it.

use super::view::View;

/// A function of the element and of one operand, numbered as in program.cuh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Code {
    Add,
    Subtract,
    SubtractFrom,
    Multiply,
    Divide,
    DivideByIt,
    Maximum,
    Minimum,
    Relu,
    LeakyRelu,
    Sigmoid,
    Silu,
    Negate,
    Absolute,
    Reciprocal,
    SquareRoot,
    Exp,
    Log,
    Sin,
    Cos,
    Tanh,
    Erf,
    Gelu,
    Power,
}

impl Code {
    /// Every kernel knows it; the others are known where nothing else is computed.
    pub(super) fn is_light(self) -> bool {
        (self as i32) < Code::Exp as i32
    }

    /// The code with which the operands can be exchanged.
    pub(super) fn exchanged(self) -> Option<Self> {
        Some(match self {
            Self::Add | Self::Multiply | Self::Maximum | Self::Minimum => self,
            Self::Subtract => Self::SubtractFrom,
            Self::SubtractFrom => Self::Subtract,
            Self::Divide => Self::DivideByIt,
            Self::DivideByIt => Self::Divide,
            _ => return None,
        })
    }

    /// With this value as operand, nothing is done.
    pub(super) fn is_nothing(self, value: f32) -> bool {
        match self {
            Self::Add | Self::Subtract => value == 0.0,
            Self::Multiply | Self::Divide | Self::Power => value == 1.0,
            _ => false,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Instruction {
    pub(super) code: Code,
    pub(super) operand: Operand,
}

#[derive(Clone, Debug)]
pub(super) enum Operand {
    /// The same for all elements; 0 for a function of one number.
    Value(f32),
    /// Of the shape of the elements.
    View(View),
}

impl Operand {
    pub(super) fn view(&self) -> Option<&View> {
        match self {
            Self::Value(_) => None,
            Self::View(view) => Some(view),
        }
    }
}
