//! The kernels of networks, loaded when a network is first planned on a device.

use super::precision::Precision;
use crate::device::Device;
use crate::error::Error;
use crate::kernel::Kernel;

/// A kernel of the network's modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KernelName {
    Pointwise,
    Copy,
    Pad,
    Pool,
    Conv32,
    Conv64,
    Gemm32,
    Gemm64,
    Norm,
    Softmax,
    Reduce,
    Attention64,
    Attention128,
    Attention256,
    Attention512,
    HalfConv128x128,
    HalfConv128x64,
    HalfConv64x64,
    HalfConv32x32,
    HalfConv32x16,
    HalfNorm,
    HalfNormSums,
    HalfNormBy,
    HalfPointwise,
    HalfCopy,
    HalfPool,
    HalfAttention64,
    HalfAttention128,
    HalfAttention256,
    HalfAttentionFew64,
    HalfAttentionFew128,
    HalfAttentionFew256,
}

#[derive(Debug)]
pub(super) struct Kernels {
    pub(super) next: Kernel,
    pub(super) time: Kernel,
    pub(super) copy_row: Kernel,
    by_name: Vec<Kernel>,
}

/// In the order of [`KernelName`].
const NAMES: [(usize, &str); 32] = [
    (0, "rwt_net_pointwise"),
    (0, "rwt_net_copy"),
    (0, "rwt_net_pad"),
    (0, "rwt_net_pool"),
    (1, "rwt_net_conv_32"),
    (1, "rwt_net_conv_64"),
    (2, "rwt_net_gemm_32"),
    (2, "rwt_net_gemm_64"),
    (3, "rwt_net_norm"),
    (3, "rwt_net_softmax"),
    (3, "rwt_net_reduce"),
    (4, "rwt_net_attention_64"),
    (4, "rwt_net_attention_128"),
    (4, "rwt_net_attention_256"),
    (4, "rwt_net_attention_512"),
    (5, "rwt_half_conv_128x128"),
    (5, "rwt_half_conv_128x64"),
    (5, "rwt_half_conv_64x64"),
    (6, "rwt_half_conv_32x32"),
    (6, "rwt_half_conv_32x16"),
    (7, "rwt_half_norm"),
    (8, "rwt_half_norm_sums"),
    (8, "rwt_half_norm_by"),
    (9, "rwt_half_pointwise"),
    (9, "rwt_half_copy"),
    (9, "rwt_half_pool"),
    (10, "rwt_half_attention_64"),
    (10, "rwt_half_attention_128"),
    (10, "rwt_half_attention_256"),
    (11, "rwt_half_attention_few_64"),
    (11, "rwt_half_attention_few_128"),
    (11, "rwt_half_attention_few_256"),
];

/// The first images are of kernels in f32.
const F32_IMAGES: usize = 5;

impl Kernels {
    /// Those of bf16 too, if they are asked for.
    ///
    /// # Errors
    /// [`Error::TooOld`] for a device that does not compute with bf16, [`Error::Driver`].
    pub(super) fn load(device: &Device, precision: Precision) -> Result<Self, Error> {
        precision.check(device)?;
        let images: [&'static str; 12] = [
            include_str!("../../ptx/pointwise.ptx"),
            include_str!("../../ptx/conv.ptx"),
            include_str!("../../ptx/gemm.ptx"),
            include_str!("../../ptx/norm.ptx"),
            include_str!("../../ptx/attention.ptx"),
            include_str!("../../ptx/half_conv.ptx"),
            include_str!("../../ptx/half_small.ptx"),
            include_str!("../../ptx/half_norm.ptx"),
            include_str!("../../ptx/half_norm_parts.ptx"),
            include_str!("../../ptx/half_move.ptx"),
            include_str!("../../ptx/half_attention.ptx"),
            include_str!("../../ptx/half_few.ptx"),
        ];
        let count = if precision == Precision::Bf16 { images.len() } else { F32_IMAGES };
        let modules = images[..count].iter().map(|image| device.module(image)).collect::<Result<Vec<_>, _>>()?;
        let names = NAMES.iter().filter(|(module, _)| *module < count);
        let edges = device.module(include_str!("../../ptx/edges.ptx"))?;
        Ok(Self {
            next: device.module(include_str!("../../ptx/step.ptx"))?.kernel("rwt_next")?,
            time: edges.kernel("rwt_net_time")?,
            copy_row: edges.kernel("rwt_net_copy_row")?,
            by_name: names.map(|(module, name)| modules[*module].kernel(name)).collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn get(&self, name: KernelName) -> &Kernel {
        &self.by_name[name as usize]
    }
}
