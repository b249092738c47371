//! Chains side by side on a device.

use crate::array::Array;
use crate::denoiser::{CudaDenoiser, Io};
use crate::device::Device;
use crate::error::Error;
use crate::graph::Graph;
use crate::kernel::arguments;
use crate::kernels::{Kernels, STEP_THREADS, THREADS, blocks_of};
use crate::row::Row;
use cudarc::driver::sys::CUdeviceptr;
use rwt_core::{Chain, Step, Walk};
use std::ops::ControlFlow;

/// Nothing was found that is not finite.
const ALL_FINITE: u64 = u64::MAX;
/// Elements in an entry of `bad`, below the row.
const ELEMENT_BITS: u32 = 40;

/// Chains side by side on a device, with the denoiser that they share: x and the denoised images stay there.
pub struct Chains<D> {
    pub(crate) device: Device,
    pub(crate) denoiser: D,
    pub(crate) kernels: Kernels,
    pub(crate) chains: usize,
    pub(crate) shape: [usize; 3],
    pub(crate) x: Array<f32>,
    pub(crate) denoised: Array<f32>,
    /// The present row's σ.
    pub(crate) sigma: Array<f64>,
    /// The present row.
    pub(crate) level: Array<u32>,
    /// The first row and element that are not finite.
    pub(crate) bad: Array<u64>,
}

/// What an update reads beside x and the denoised images: addresses, 0 for none.
#[derive(Clone, Copy, Default)]
pub(crate) struct Terms {
    pub previous: CUdeviceptr,
    pub gradient: CUdeviceptr,
    /// The gradient's coefficient in each chain, instead of the row's.
    pub scale: CUdeviceptr,
}

/// Says how far a walk is, after every so many rows and at the end, for which the host must wait; [`ControlFlow::Break`] ends it.
pub struct Watch<'a> {
    /// Rows between two calls; 0 for none at all.
    pub every: usize,
    /// Is told how many rows are done, and of how many.
    pub observe: &'a mut dyn FnMut(usize, usize) -> ControlFlow<()>,
}

impl<D: CudaDenoiser> Chains<D> {
    /// `chains` pictures of `shape` \[channels, height, width\].
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; [`Error::Plan`] for no chains, no pixels, or more elements than 2³⁶ a chain.
    pub fn new(device: &Device, denoiser: D, chains: usize, shape: [usize; 3]) -> Result<Self, Error> {
        let n = shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size)).unwrap_or(usize::MAX);
        require((1..=1 << 36).contains(&n), "elements of a picture", "1 to 2^36", n)?;
        require((1..=65_535).contains(&chains), "chains", "1 to 65535 at a time", chains)?;
        let total = n.checked_mul(chains).filter(|total| *total <= 1 << ELEMENT_BITS);
        let total = total.ok_or(()).or_else(|()| {
            require(false, "elements of all chains", "at most 2^40", n.saturating_mul(chains)).map(|()| 0)
        })?;
        Ok(Self {
            device: device.clone(),
            denoiser,
            kernels: Kernels::load(device)?,
            chains,
            shape,
            x: Array::zeros(device, total)?,
            denoised: Array::zeros(device, total)?,
            sigma: Array::zeros(device, 1)?,
            level: Array::zeros(device, 1)?,
            bad: Array::zeros(device, 1)?,
        })
    }

    /// Elements of one chain.
    pub(crate) fn n(&self) -> usize {
        self.shape.iter().product()
    }

    /// Where the chains are, \[chains, channels, height, width\].
    pub fn x(&self) -> &Array<f32> {
        &self.x
    }

    /// The newest denoised images.
    pub fn denoised(&self) -> &Array<f32> {
        &self.denoised
    }

    /// Walk all rows from the first, whatever x holds, with the noise of `first` and the chains after it. After an error x is
    /// somewhere on the way.
    ///
    /// # Errors
    /// [`Error::NotFinite`], [`Error::Cancelled`], or what the denoiser and the driver say.
    pub fn walk(&mut self, walk: &Walk<'_>, first: Chain, watch: Option<Watch<'_>>) -> Result<(), Error> {
        let steps = walk.steps();
        if let Some(found) = steps.iter().map(|step| step.gradient).find(|gradient| *gradient != 0.0) {
            let expected = "0 in a walk without measurement";
            return Err(rwt_core::Error::Parameter { name: "gradient", expected, found }.into());
        }
        let rows: Vec<_> = steps.iter().copied().map(Row).collect();
        let rows = Array::from_host(&self.device, &rows)?;
        let previous = if walk.uses_previous() { Some(Array::<f32>::zeros(&self.device, self.x.len())?) } else { None };
        let terms = Terms { previous: previous.as_ref().map_or(0, Array::address), ..Terms::default() };
        let sigmas: Vec<_> = steps.iter().map(|step| step.sigma).collect();
        self.start(&sigmas, first)?;
        let work = |chains: &mut Self, evaluates: bool| {
            if evaluates {
                chains.begin(&rows)?;
                chains.evaluate(chains.denoised.address())?;
            }
            chains.update(&rows, first, terms)?;
            chains.next()
        };
        self.repeat(&sigmas, |row| steps[row].denoised != 0.0, work, watch)
    }

    /// Get the denoiser ready for these levels, and begin at the first.
    pub(crate) fn start(&mut self, sigmas: &[f64], first: Chain) -> Result<(), Error> {
        self.denoiser.plan(&self.device, self.chains, self.shape, sigmas, Some(first))?;
        self.level.write(&self.device, &[0])?;
        self.bad.write(&self.device, &[ALL_FINITE])
    }

    /// Do the work of each row, which is of two kinds; the first thing that is not finite is an error. The work of a kind is
    /// captured once and replayed, unless the denoiser cannot be captured.
    pub(crate) fn repeat(
        &mut self,
        sigmas: &[f64],
        kind: impl Fn(usize) -> bool,
        mut work: impl FnMut(&mut Self, bool) -> Result<(), Error>,
        mut watch: Option<Watch<'_>>,
    ) -> Result<(), Error> {
        let (device, rows, mut graphs) = (self.device.clone(), sigmas.len(), [None, None]);
        for row in 0..rows {
            let kind = kind(row);
            if !self.denoiser.is_capturable() {
                work(self, kind)?;
            } else if let Some(graph) = &graphs[usize::from(kind)] {
                Graph::replay(graph)?;
            } else {
                let graph = graphs[usize::from(kind)].insert(Graph::capture(&device, || work(self, kind))?);
                graph.replay()?;
            }
            let Some(Watch { every, observe }) = &mut watch else { continue };
            if *every > 0 && ((row + 1) % *every == 0 || row + 1 == rows) {
                self.check(sigmas)?; // waits
                if observe(row + 1, rows).is_break() {
                    return Err(Error::Cancelled { row });
                }
            }
        }
        self.check(sigmas)
    }

    /// Wait, and look for what is not finite.
    fn check(&self, sigmas: &[f64]) -> Result<(), Error> {
        let mut bad = [0];
        self.bad.read(&self.device, &mut bad)?;
        if bad[0] == ALL_FINITE {
            return Ok(());
        }
        let (row, element) = ((bad[0] >> ELEMENT_BITS) as usize, (bad[0] & ((1 << ELEMENT_BITS) - 1)) as usize);
        Err(Error::NotFinite { name: "the denoised image or x", row, sigma: sigmas[row], element })
    }

    /// σ ← the present row's.
    pub(crate) fn begin(&self, rows: &Array<Row>) -> Result<(), Error> {
        let (rows, level, sigma) = (rows.address(), self.level.address(), self.sigma.address());
        // SAFETY: rwt_begin(rows, level, sigma), of one thread.
        unsafe { self.kernels.begin.launch([1; 3], [1; 3], 0, arguments![rows, level, sigma]) }
    }

    /// The next row.
    pub(crate) fn next(&self) -> Result<(), Error> {
        let level = self.level.address();
        // SAFETY: rwt_next(level), of one thread.
        unsafe { self.kernels.next.launch([1; 3], [1; 3], 0, arguments![level]) }
    }

    /// Evaluate the denoiser at x.
    pub(crate) fn evaluate(&mut self, denoised: CUdeviceptr) -> Result<(), Error> {
        let (sigma, level) = (self.sigma.address(), self.level.address());
        self.denoiser.enqueue(&Io { x: self.x.address(), denoised, sigma, level })
    }

    /// x ← what the present row says.
    pub(crate) fn update(&self, rows: &Array<Row>, first: Chain, terms: Terms) -> Result<(), Error> {
        let (rows, level, Chain { seed, chain }, n) = (rows.address(), self.level.address(), first, self.n() as u64);
        let (x, denoised, bad) = (self.x.address(), self.denoised.address(), self.bad.address());
        let Terms { previous, gradient, scale } = terms;
        let arguments = arguments![rows, level, seed, chain, n, x, denoised, previous, gradient, scale, bad];
        let grid = [n.div_ceil(16 * u64::from(STEP_THREADS)) as u32, self.chains as u32, 1];
        // SAFETY: rwt_step's parameters; x, denoised and what is not 0 of the terms have chains * n elements.
        unsafe { self.kernels.step.launch(grid, [STEP_THREADS, 1, 1], 0, arguments) }
    }

    /// x ← value, in all chains.
    pub(crate) fn fill(&self, value: f32) -> Result<(), Error> {
        let (x, total) = (self.x.address(), self.x.len() as u64);
        let grid = [blocks_of(total), 1, 1];
        // SAFETY: rwt_fill(x, n, value) strides over all of x.
        unsafe { self.kernels.fill.launch(grid, [THREADS, 1, 1], 0, arguments![x, total, value]) }
    }
}

pub(crate) fn require(holds: bool, name: &'static str, expected: &'static str, found: usize) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(rwt_core::Error::Parameter { name, expected, found: found as f64 }.into()) }
}

/// The row of the first place: x ← x + σ n(0).
pub(crate) fn first_place(sigma: f64) -> Step {
    Step { x: 1.0, ..Step::start(sigma) }
}
