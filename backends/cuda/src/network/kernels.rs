//! The kernels of networks, loaded when a network is first planned on a device.

use super::emit::KernelName;
use crate::device::Device;
use crate::error::Error;
use crate::kernel::{Kernel, Module};

#[derive(Debug)]
pub(super) struct Kernels {
    pub(super) time: Kernel,
    pub(super) copy_row: Kernel,
    pub(super) enter: Kernel,
    pub(super) leave: Kernel,
    by_name: Vec<Kernel>,
}

/// In the order of [`KernelName`].
const NAMES: [(usize, &str); 13] = [
    (0, "rwt_net_pointwise"),
    (0, "rwt_net_copy"),
    (0, "rwt_net_pad"),
    (0, "rwt_net_pool"),
    (1, "rwt_net_conv"),
    (2, "rwt_net_gemm"),
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
        let images: [&[u8]; 5] = [
            include_bytes!("../../ptx/pointwise.ptx"),
            include_bytes!("../../ptx/conv.ptx"),
            include_bytes!("../../ptx/gemm.ptx"),
            include_bytes!("../../ptx/norm.ptx"),
            include_bytes!("../../ptx/attention.ptx"),
        ];
        let modules = images.iter().map(|image| Module::load(device, image)).collect::<Result<Vec<_>, _>>()?;
        let edges = Module::load(device, include_bytes!("../../ptx/edges.ptx"))?;
        Ok(Self {
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
