//! The kernels of networks, loaded when a network is first planned on a device.

use super::emit::KernelName;
use crate::device::Device;
use crate::error::Error;
use crate::kernel::Kernel;

#[derive(Debug)]
pub(super) struct Kernels {
    pub(super) next: Kernel,
    pub(super) time: Kernel,
    pub(super) copy_row: Kernel,
    pub(super) enter: Kernel,
    pub(super) leave: Kernel,
    by_name: Vec<Kernel>,
}

/// In the order of [`KernelName`].
const NAMES: [(usize, &str); 15] = [
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
];

impl Kernels {
    pub(super) fn load(device: &Device) -> Result<Self, Error> {
        let images: [&'static str; 5] = [
            include_str!("../../ptx/pointwise.ptx"),
            include_str!("../../ptx/conv.ptx"),
            include_str!("../../ptx/gemm.ptx"),
            include_str!("../../ptx/norm.ptx"),
            include_str!("../../ptx/attention.ptx"),
        ];
        let modules = images.iter().map(|image| device.module(image)).collect::<Result<Vec<_>, _>>()?;
        let edges = device.module(include_str!("../../ptx/edges.ptx"))?;
        Ok(Self {
            next: device.module(include_str!("../../ptx/step.ptx"))?.kernel("rwt_next")?,
            time: edges.kernel("rwt_net_time")?,
            copy_row: edges.kernel("rwt_net_copy_row")?,
            enter: edges.kernel("rwt_net_enter")?,
            leave: edges.kernel("rwt_net_leave")?,
            by_name: NAMES.iter().map(|(module, name)| modules[*module].kernel(name)).collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn get(&self, name: KernelName) -> &Kernel {
        &self.by_name[name as usize]
    }
}
