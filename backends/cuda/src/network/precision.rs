//! In which numbers a network is evaluated.

/// In which numbers a network is evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// f32 throughout.
    #[default]
    F32,
    /// bf16 for what depends on the picture, with sums in f32, on devices of compute capability 8.0 or more. The padded
    /// picture, the answer and what depends on the noise level alone stay f32, and so does what the kernels in bf16 do not
    /// do: numbers of channels that are no multiples of 8, and rarer operators. D(x, σ) is then the same to about 1e-2 of
    /// its length. An evaluation is reproduced bit by bit; with another number of pictures together it can be rounded in
    /// another way.
    Bf16,
}
