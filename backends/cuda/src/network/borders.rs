//! What lies between a walk and a network: noise levels, symmetries, reflected borders, Tweedie's formula.

use super::shapes::Edges;
use crate::array::{Array, Element};
use crate::chains::require;
use crate::denoiser::Io;
use crate::device::Device;
use crate::error::Error;
use crate::kernel::{Kernel, arguments};
use cudarc::driver::sys::CUdeviceptr;
use rwt_core::Chain;
use rwt_onnx::Network;

/// Threads of a block.
const BLOCK: u32 = 256;

/// What lies between a walk and a network, for pictures of one number and size.
#[derive(Debug)]
pub(super) struct Borders {
    enter: Kernel,
    leave: Kernel,
    /// Scale, time, input and output of each level.
    levels: Array<f64>,
    /// In which symmetry each picture is shown, \[levels\]\[pictures\].
    symmetries: Array<u32>,
    edges: Array<u32>,
    size: Edges,
}

impl Borders {
    pub fn new(device: &Device, network: &Network, chains: usize, shape: [usize; 3]) -> Result<Self, Error> {
        let [channels, height, width] = shape;
        let [padded_height, padded_width] = network.padded(height, width)?;
        let info = network.info();
        let answers = if info.conventions.learned_variance { 2 * channels } else { channels };
        let [height, width, padded_height, padded_width, margin, channels, answers, pictures] =
            [height, width, padded_height, padded_width, info.margin, channels, answers, chains].map(|n| n as u32);
        let size = Edges { height, width, padded_height, padded_width, margin, channels, answers, pictures };
        let edges = [[height, width, padded_height, padded_width], [margin, channels, answers, pictures]];
        let module = device.module(include_str!("../../ptx/edges.ptx"))?;
        Ok(Self {
            enter: module.kernel("rwt_net_enter")?,
            leave: module.kernel("rwt_net_leave")?,
            levels: Array::zeros(device, 4)?,
            symmetries: Array::zeros(device, 1)?,
            edges: Array::from_host(device, edges.as_flattened())?,
            size,
        })
    }

    /// Can the network take these pictures and levels?
    pub fn check(network: &Network, chains: usize, shape: [usize; 3], sigmas: &[f64]) -> Result<(), Error> {
        let channels = network.info().channels;
        if shape[0] != channels {
            return Err(rwt_onnx::Error::Channels { expected: channels, found: shape[0] }.into());
        }
        let most = 65_535 / channels; // blocks in y
        require((1..=most).contains(&chains), "chains", "1 to 65535 planes together", chains)?;
        Ok(sigmas.iter().try_for_each(|&sigma| network.level(sigma).map(drop))?)
    }

    /// Take in the levels. A picture that is not square once padded is not transposed.
    pub fn set_levels(
        &mut self,
        device: &Device,
        network: &Network,
        sigmas: &[f64],
        first: Option<Chain>,
    ) -> Result<(), Error> {
        let levels = sigmas.iter().map(|&sigma| network.level(sigma)).collect::<Result<Vec<_>, _>>()?;
        let numbers: Vec<f64> = levels.iter().flat_map(|l| [l.scale, l.time, l.input, l.output]).collect();
        let mask = if self.size.padded_height == self.size.padded_width { 7 } else { 6 };
        let symmetry = |sigma: f64, picture: u32| {
            let chain = |first: Chain| Chain { chain: first.chain.wrapping_add(u64::from(picture)), ..first };
            first.map_or(0, |first| network.symmetry(chain(first), sigma) & mask)
        };
        let pictures = self.size.pictures;
        let symmetries = sigmas.iter().flat_map(|&sigma| (0..pictures).map(move |picture| symmetry(sigma, picture)));
        put(device, &mut self.levels, &numbers)?;
        put(device, &mut self.symmetries, &symmetries.collect::<Vec<u32>>())
    }

    /// How many pictures there are.
    pub fn pictures(&self) -> usize {
        self.size.pictures as usize
    }

    /// Where the levels lie.
    pub fn levels(&self) -> CUdeviceptr {
        self.levels.address()
    }

    /// padded ← the network's input, of x.
    pub fn enter(&self, io: &Io, padded: CUdeviceptr) -> Result<(), Error> {
        let Io { x, level, .. } = *io;
        let (levels, symmetries, edges) = (self.levels.address(), self.symmetries.address(), self.edges.address());
        let plane = self.size.padded_height * self.size.padded_width;
        self.launch(&self.enter, plane, arguments![levels, level, symmetries, x, padded, edges])
    }

    /// D(x, σ) ← the network's answer and x.
    pub fn leave(&self, io: &Io, answer: CUdeviceptr) -> Result<(), Error> {
        let Io { x, denoised, level, .. } = *io;
        let (levels, symmetries, edges) = (self.levels.address(), self.symmetries.address(), self.edges.address());
        let plane = self.size.height * self.size.width;
        self.launch(&self.leave, plane, arguments![levels, level, symmetries, x, answer, denoised, edges])
    }

    /// One launch over planes of pictures.
    fn launch(&self, kernel: &Kernel, plane: u32, arguments: &mut [*mut std::ffi::c_void]) -> Result<(), Error> {
        let grid = [plane.div_ceil(BLOCK), self.size.pictures * self.size.channels, 1];
        // SAFETY: the callers' promise: the kernel's parameters.
        unsafe { kernel.launch(grid, [BLOCK, 1, 1], 0, arguments) }
    }
}

/// Overwrite an array, or make it anew if it is too short.
fn put<T: Element>(device: &Device, array: &mut Array<T>, values: &[T]) -> Result<(), Error> {
    if array.len() < values.len() {
        *array = Array::from_host(device, values)?;
        return Ok(());
    }
    array.write(device, values)
}
