//! The operators that a denoiser may use.

use rten::{OpRegistry, op_registry};

macro_rules! operators {
    ($($name:ident),* $(,)?) => {
        /// Their ONNX names. `Constant` is a tensor to the engine, so it is not in its registry.
        const NAMES: &[&str] = &["Constant", $(stringify!($name)),*];

        /// The engine's registry of them. Control flow, sequences and random numbers are left out: a denoiser is a
        /// function, and what is not linked cannot be reached by a damaged file.
        pub(crate) fn registry() -> OpRegistry {
            op_registry!($($name),*)
        }
    };
}

operators![
    Abs,
    Add,
    And,
    AveragePool,
    BatchNormalization,
    Cast,
    CastLike,
    Ceil,
    Clip,
    Concat,
    ConstantOfShape,
    Conv,
    ConvTranspose,
    Cos,
    DepthToSpace,
    Div,
    Einsum,
    Elu,
    Equal,
    Erf,
    Exp,
    Expand,
    Flatten,
    Floor,
    Gather,
    Gelu,
    Gemm,
    GlobalAveragePool,
    Greater,
    GreaterOrEqual,
    HardSigmoid,
    HardSwish,
    Identity,
    InstanceNormalization,
    LayerNormalization,
    LeakyRelu,
    Less,
    LessOrEqual,
    Log,
    LogSoftmax,
    MatMul,
    Max,
    MaxPool,
    Mean,
    Min,
    Mod,
    Mul,
    Neg,
    Not,
    Or,
    PRelu,
    Pad,
    Pow,
    Range,
    Reciprocal,
    ReduceL2,
    ReduceMax,
    ReduceMean,
    ReduceMin,
    ReduceProd,
    ReduceSum,
    ReduceSumSquare,
    Relu,
    Reshape,
    Resize,
    Round,
    Shape,
    Sigmoid,
    Sign,
    Sin,
    Size,
    Slice,
    Softmax,
    Softplus,
    Softsign,
    Split,
    Sqrt,
    Squeeze,
    Sub,
    Sum,
    Tanh,
    Tile,
    Transpose,
    Trilu,
    Unsqueeze,
    Upsample,
    Where,
];

/// True if the engine runs the operator of this ONNX name.
pub(crate) fn is_supported(name: &str) -> bool {
    NAMES.contains(&name)
}
