//! Unitary Fourier transforms of planes on a device.

use crate::array::Array;
use crate::chains::require;
use crate::device::Device;
use crate::error::Error;
use crate::kernel::{Kernel, arguments};
use crate::kernels::THREADS;

/// Rows and frequencies of a block of threads.
const DFT_TILE: u32 = 32;

/// Complex planes, real and imaginary parts apart.
#[derive(Debug)]
pub(crate) struct Planes {
    pub re: Array<f32>,
    pub im: Array<f32>,
}

impl Planes {
    pub fn zeros(device: &Device, len: usize) -> Result<Self, Error> {
        Ok(Self { re: Array::zeros(device, len)?, im: Array::zeros(device, len)? })
    }

    pub fn addresses(&self) -> [u64; 2] {
        [self.re.address(), self.im.address()]
    }
}

#[derive(Debug)]
pub(crate) struct FourierKernels {
    dft: Kernel,
    pub residual: Kernel,
    pub pull: Kernel,
    pub sums: Kernel,
    pub noise: Kernel,
    pub step: Kernel,
}

/// The cosines and sines of an axis.
#[derive(Debug)]
struct Turns {
    length: usize,
    cosines: Array<f32>,
    sines: Array<f32>,
}

impl Turns {
    fn new(device: &Device, length: usize) -> Result<Self, Error> {
        let angle = |j: usize| std::f64::consts::TAU * j as f64 / length as f64;
        let table = |f: fn(f64) -> f64| (0..length).map(|j| f(angle(j)) as f32).collect::<Vec<_>>();
        let (cosines, sines) = (table(f64::cos), table(f64::sin));
        Ok(Self { length, cosines: Array::from_host(device, &cosines)?, sines: Array::from_host(device, &sines)? })
    }
}

/// Unitary transforms of planes of one size, axis by axis as sums.
#[derive(Debug)]
pub(crate) struct Spectral {
    height: Turns,
    width: Turns,
    pub kernels: FourierKernels,
}

impl Spectral {
    pub fn new(device: &Device, height: usize, width: usize) -> Result<Self, Error> {
        for size in [height, width] {
            require((1..=65_536).contains(&size), "height and width", "1 to 65536", size)?;
        }
        require(height * width <= 1 << 31, "pixels", "at most 2^31", height * width)?;
        let module = device.module(include_str!("../ptx/fourier.ptx"))?;
        let kernels = FourierKernels {
            dft: module.kernel("rwt_dft")?,
            residual: module.kernel("rwt_fourier_residual")?,
            pull: module.kernel("rwt_fourier_pull")?,
            sums: module.kernel("rwt_fourier_sums")?,
            noise: module.kernel("rwt_fourier_noise")?,
            step: module.kernel("rwt_fourier_step")?,
        };
        Ok(Self { height: Turns::new(device, height)?, width: Turns::new(device, width)?, kernels })
    }

    /// Elements of a plane.
    pub fn plane(&self) -> usize {
        self.height.length * self.width.length
    }

    /// The transform of real planes, before any walk.
    pub fn transform(&self, device: &Device, real: &[f32]) -> Result<Planes, Error> {
        let from = Array::from_host(device, real)?;
        let (half, to) = (Planes::zeros(device, real.len())?, Planes::zeros(device, real.len())?);
        self.forward(real.len(), [from.address(), 0], 0, &half, &to)?;
        device.synchronize()?; // what is half done is freed here
        Ok(to)
    }

    /// to ← F from, of `total` elements; the imaginary parts' address may be 0, and `gap` elements of `from` are left out between
    /// planes.
    pub fn forward(&self, total: usize, from: [u64; 2], gap: u64, half: &Planes, to: &Planes) -> Result<(), Error> {
        self.axis(total, [&self.width, &self.height], -1.0, (from, gap), (half.addresses(), 0))?;
        self.axis(total, [&self.height, &self.width], -1.0, (half.addresses(), 0), (to.addresses(), 0))
    }

    /// to ← F⁻¹ from, with a gap between the planes of `to`; the address of its imaginary parts may be 0.
    pub fn inverse(&self, total: usize, from: &Planes, half: &Planes, to: [u64; 2], gap: u64) -> Result<(), Error> {
        self.axis(total, [&self.width, &self.height], 1.0, (from.addresses(), 0), (half.addresses(), 0))?;
        self.axis(total, [&self.height, &self.width], 1.0, (half.addresses(), 0), (to, gap))
    }

    /// Transform every row of planes [rows, length], and transpose them.
    fn axis(
        &self,
        total: usize,
        [along, across]: [&Turns; 2],
        sign: f32,
        (from, in_gap): ([u64; 2], u64),
        (to, out_gap): ([u64; 2], u64),
    ) -> Result<(), Error> {
        let (plane, rows, length) = (self.plane() as u64, across.length as u32, along.length as u32);
        let (stride, out_stride) = (plane + in_gap, plane + out_gap);
        let (cosines, sines) = (along.cosines.address(), along.sines.address());
        let ([re_in, im_in], [re_out, im_out]) = (from, to);
        let arguments =
            arguments![re_in, im_in, stride, re_out, im_out, out_stride, rows, length, cosines, sines, sign];
        let grid = [(total as u64 / plane) as u32, length.div_ceil(DFT_TILE), rows.div_ceil(DFT_TILE)];
        // SAFETY: rwt_dft's parameters; total elements and the gaps.
        unsafe { self.kernels.dft.launch(grid, [THREADS, 1, 1], 0, arguments) }
    }
}
