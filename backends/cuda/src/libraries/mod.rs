//! NVIDIA's libraries of convolutions and matrix products, where they open.

mod convolution;
mod cublas_lt;
mod cudnn;
mod functions;
mod open;
mod product;

pub(crate) use convolution::{Convolution, ConvolutionShape, Layout};
pub(crate) use product::{Factor, Product, ProductShape};

use crate::device::Device;
use cublas_lt::CublasLt;
use cudnn::Cudnn;
use std::sync::Arc;

/// Floating-point operations of a step that a library is called for: a first guess, which was not measured yet.
const WORTHWHILE: f64 = 1e9;
/// Bytes of memory that a library may use beside its operands.
pub(crate) const WORKSPACE_LIMIT: usize = 256 << 20;

/// Which steps of a network NVIDIA's libraries compute, where they open: cuDNN the convolutions, cuBLASLt the matrix products.
/// A choice by the size of a step, never by timing: the same machine gives the same bits in every run. Another library, or
/// none, gives others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Libraries {
    /// None: our own kernels alone, by which a picture has the same bits whatever pictures are beside it.
    #[default]
    Never,
    /// Steps of at least 10⁹ floating-point operations: a first guess, which was not measured yet.
    WhereWorthwhile,
    /// All steps that they can: to measure what is worthwhile.
    Everywhere,
}

impl Libraries {
    pub(crate) fn takes(self, operations: f64) -> bool {
        match self {
            Self::Never => false,
            Self::WhereWorthwhile => operations >= WORTHWHILE,
            Self::Everywhere => true,
        }
    }
}

/// What NVIDIA's libraries compute of a planned network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LibraryUse {
    /// Convolutions of an evaluation by cuDNN.
    pub cudnn: usize,
    /// Matrix products of an evaluation by cuBLASLt.
    pub cublas_lt: usize,
    /// Bytes of memory that they have beside their operands.
    pub workspace: u64,
    /// Why a library, or a step that it was asked for, is not among these: our own kernels do that work.
    pub refused: Vec<String>,
}

/// The libraries that opened, ready for one device's stream.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) cudnn: Option<Arc<Cudnn>>,
    pub(crate) cublas_lt: Option<Arc<CublasLt>>,
    /// Why the others did not open.
    pub(crate) refused: Vec<String>,
}

impl Opened {
    pub(crate) fn new(device: &Device) -> Self {
        let mut refused = Vec::new();
        let cublas_lt = CublasLt::open(device); // first: cuDNN looks for it
        let cublas_lt = cublas_lt.map_err(|reason| refused.push(format!("cuBLASLt: {reason}"))).ok();
        let cudnn = Cudnn::open(device).map_err(|reason| refused.push(format!("cuDNN: {reason}"))).ok();
        Self { cudnn: cudnn.map(Arc::new), cublas_lt: cublas_lt.map(Arc::new), refused }
    }
}

/// What operands consist of; sums are f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataType {
    F32,
    Bf16,
}

impl DataType {
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worthwhile_is_known_by_its_size() {
        // 3 x 3 from 256 to 256 channels at 32 x 32, and at 16 x 16
        let operations = |side: f64| 2.0 * 256.0 * 256.0 * 9.0 * side * side;
        assert!(Libraries::WhereWorthwhile.takes(operations(32.0)));
        assert!(!Libraries::WhereWorthwhile.takes(operations(16.0)));
        assert!(!Libraries::Never.takes(1e15) && Libraries::Everywhere.takes(1.0));
    }
}
