//! The place: it holds the arrays, runs the denoiser and applies rows.

use crate::denoiser::Denoiser;
use crate::error::{Error, WalkError, require_len};
use crate::update::update;
use crate::walk::{Step, Walk};
use core::ops::ControlFlow;

/// What a backend implements beside running its network: hold x and the denoised image, and apply a row.
pub trait Walker {
    /// What can go wrong.
    type Error;

    /// Evaluate D(x, sigma); keep the result of the evaluation before if the walker was made for it.
    fn denoise(&mut self, sigma: f64) -> Result<(), Self::Error>;

    /// Evaluate ∇log p(y | x) at the present x.
    fn gradient(&mut self) -> Result<(), Self::Error>;

    /// Apply one row to x.
    fn update(&mut self, step: &Step) -> Result<(), Self::Error>;
}

impl Walk<'_> {
    /// Walk all rows. `observe(row, step, walker)` is called after each; [`ControlFlow::Break`] ends the walk there,
    /// and the row is returned as `Break`.
    ///
    /// # Errors
    /// The walker's own, with the row at which it happened.
    pub fn run<W: Walker>(
        &self,
        walker: &mut W,
        mut observe: impl FnMut(usize, &Step, &W) -> ControlFlow<()>,
    ) -> Result<ControlFlow<usize>, (usize, W::Error)> {
        for (row, step) in self.steps().iter().enumerate() {
            self.step(walker, step).map_err(|error| (row, error))?;
            if observe(row, step, walker).is_break() {
                return Ok(ControlFlow::Break(row));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    pub(crate) fn step<W: Walker>(&self, walker: &mut W, step: &Step) -> Result<(), W::Error> {
        if step.denoised != 0.0 {
            walker.denoise(step.sigma)?;
        }
        if step.gradient != 0.0 {
            walker.gradient()?;
        }
        walker.update(step)
    }
}

/// Walks over the caller's slices; the reference for every other backend.
pub struct SliceWalker<'a, D> {
    denoiser: D,
    seed: u64,
    first_chain: u64,
    chains: usize,
    x: &'a mut [f32],
    denoised: &'a mut [f32],
    previous: &'a mut [f32],
}

/// What stops a [`SliceWalker`]; [`Walk::sample`] adds the row and σ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SliceError<E> {
    /// Lengths do not fit, or a row needs what the walker does not have.
    Plan(Error),
    /// The denoiser failed.
    Denoiser(E),
    /// The denoised image is not finite at this element.
    NotFinite(usize),
}

impl<'a, D: Denoiser> SliceWalker<'a, D> {
    /// A walker over `chains` images, one after another in `x`; chain c of them has the noise of `first_chain` + c.
    /// `denoised` is as long as `x`; `previous` too if the plan uses it ([`Walk::uses_previous`]), else empty.
    ///
    /// # Errors
    /// [`Error::Length`], or [`Error::Parameter`] for no chains.
    pub fn new(
        denoiser: D,
        seed: u64,
        first_chain: u64,
        chains: usize,
        x: &'a mut [f32],
        denoised: &'a mut [f32],
        previous: &'a mut [f32],
    ) -> Result<Self, Error> {
        crate::error::require(chains > 0, "chains", "at least 1", chains as f64)?;
        require_len("x (a multiple of the chains)", x.len() / chains * chains, x.len())?;
        require_len("denoised", x.len(), denoised.len())?;
        if !previous.is_empty() {
            require_len("previous", x.len(), previous.len())?;
        }
        Ok(Self { denoiser, seed, first_chain, chains, x, denoised, previous })
    }

    /// The present x.
    pub fn x(&self) -> &[f32] {
        self.x
    }

    /// The newest denoised image: the best estimate so far.
    pub fn denoised(&self) -> &[f32] {
        self.denoised
    }
}

impl<D: Denoiser> Walker for SliceWalker<'_, D> {
    type Error = SliceError<D::Error>;

    fn denoise(&mut self, sigma: f64) -> Result<(), Self::Error> {
        if !self.previous.is_empty() {
            core::mem::swap(&mut self.denoised, &mut self.previous);
        }
        self.denoiser.denoise(self.x, sigma, self.denoised).map_err(SliceError::Denoiser)?;
        match self.denoised.iter().position(|v| !v.is_finite()) {
            Some(element) => Err(SliceError::NotFinite(element)),
            None => Ok(()),
        }
    }

    fn gradient(&mut self) -> Result<(), Self::Error> {
        let found = f64::NAN;
        Err(SliceError::Plan(Error::Parameter { name: "gradient", expected: "0 in a walk without measurement", found }))
    }

    fn update(&mut self, step: &Step) -> Result<(), Self::Error> {
        self.each_chain(|seed, chain, x, denoised, previous| update(step, seed, chain, x, denoised, previous, &[]))
            .map_err(SliceError::Plan)
    }
}

impl<D> SliceWalker<'_, D> {
    /// Call `work(seed, chain, x, denoised, previous)` with each chain's part of the arrays.
    pub(crate) fn each_chain(
        &mut self,
        mut work: impl FnMut(u64, u64, &mut [f32], &[f32], &[f32]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let n = self.x.len() / self.chains;
        for chain in 0..self.chains {
            let part = |array: &'_ [f32]| if array.is_empty() { 0..0 } else { chain * n..(chain + 1) * n };
            let (denoised, previous) = (&self.denoised[part(self.denoised)], &self.previous[part(self.previous)]);
            let x = &mut self.x[chain * n..(chain + 1) * n];
            work(self.seed, self.first_chain.wrapping_add(chain as u64), x, denoised, previous)?;
        }
        Ok(())
    }
}

impl Walk<'_> {
    /// Sample: walk all rows with a [`SliceWalker`] and say where and why it stopped if it did.
    ///
    /// # Errors
    /// Everything that [`WalkError`] lists; `x` then holds the last x that was finite.
    pub fn sample<'s, D: Denoiser>(
        &self,
        walker: &mut SliceWalker<'s, D>,
        observe: impl FnMut(usize, &Step, &SliceWalker<'s, D>) -> ControlFlow<()>,
    ) -> Result<(), WalkError<D::Error>> {
        match self.run(walker, observe) {
            Ok(ControlFlow::Continue(())) => Ok(()),
            Ok(ControlFlow::Break(row)) => Err(WalkError::Cancelled { row }),
            Err((row, error)) => Err(self.place(row, error)),
        }
    }

    /// The error of a row, with the row and its level.
    pub(crate) fn place<E>(&self, row: usize, error: SliceError<E>) -> WalkError<E> {
        let sigma = self.steps()[row].sigma;
        match error {
            SliceError::Plan(error) => WalkError::Plan(error),
            SliceError::Denoiser(error) => WalkError::Denoiser { row, sigma, error },
            SliceError::NotFinite(element) => WalkError::NotFinite { name: "the denoised image", row, sigma, element },
        }
    }
}
