//! Conditional sampling of p(x | y) without approximating the likelihood, MATH.md §6.
//!
//! Three methods share one [`Problem`](crate::Problem): [`gla`](crate::gla) (the default), the [`preconditioned`](crate::preconditioned)
//! walk and the paper's explicit [`template`](crate::template). Each samples one chain or several side by side in the
//! caller's memory; the noise of each depends on (seed, chain) alone.
//!
//! What none of them repairs: the weights of well separated narrow modes. Several chains show that there are several modes
//! ([`Modes`](crate::Modes) looks); the shares of the chains that end in each are not the posterior's.

use crate::recipes::paper::Paper;
use core::ops::{ControlFlow, Range};

/// How a posterior is sampled.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Method {
    /// See [`gla`](crate::gla).
    GuidedLookAhead,
    /// See [`preconditioned`](crate::preconditioned).
    Preconditioned {
        /// Step size over s², in (0, 2).
        epsilon: f64,
        /// T of \[RWT\] eq. 10; `None` keeps the marginals.
        temperature: Option<f64>,
    },
    /// See [`template`](crate::template).
    Template {
        /// Step size over s², in (0, 2).
        epsilon: f64,
        /// T at the first level; 1 at the last.
        first_temperature: f64,
    },
    /// See [`paper_template`](crate::paper_template).
    PaperTemplate(Paper),
}

/// Which chain of which run; of chains side by side the first, the others have the numbers after it.
///
/// (seed, chain) is the noise: who has the same pair has the same noise. So give chains on several machines numbers of their
/// own, or seeds: chains that are drawn twice count once, and no diagnostic of chains that agree (split R̂, the effective
/// sample size) tells. And simulate a measurement with the noise of another seed, or of a chain that no walk has: a
/// sample follows measurement noise that is its own noise of a late level too, and fits better than it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The run's seed.
    pub seed: u64,
    /// The chain's number, its stream of noise; from [`ANTITHETIC`](crate::noise::ANTITHETIC) on they are pairs.
    pub chain: u64,
}

/// What an observer is told after each evaluation.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Evaluations of the denoiser so far in this chain, or in each of these chains, since the walk began or went on.
    pub evaluations: usize,
    /// Evaluations of each whole chain.
    pub total: usize,
    /// The noise level of this evaluation.
    pub sigma: f64,
    /// What the newest solve left of its equation, ‖rest‖/‖residual‖, at most over the chains: 0 where it has a closed form,
    /// about 1 where conjugate gradients got nowhere. Guided look-ahead stays right with an inexact solve, but gains less.
    pub solver: f64,
    /// The newest denoised image at the walk's own place, of each chain in turn: the best estimates so far.
    pub denoised: &'a [f32],
    /// The walk's place, of each chain in turn.
    pub x: &'a [f32],
    /// Levels that are done, if the walk stands between two levels: with `x` it can go on from here, see
    /// [`PosteriorWalk::resume`](crate::PosteriorWalk::resume).
    pub level: Option<usize>,
}

/// An observer: called after each evaluation; [`ControlFlow::Break`] cancels.
pub trait Observe: FnMut(Progress<'_>) -> ControlFlow<()> {}
impl<F: FnMut(Progress<'_>) -> ControlFlow<()>> Observe for F {}

/// What a walk wants next: D(x, σ) of every chain, written into `workspace[into]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// σ.
    pub sigma: f64,
    /// Which part of the workspace.
    pub into: Range<usize>,
}
