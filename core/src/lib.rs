//! Random walks with Tweedie: sampling images with a trained denoiser, `no_std` and without allocation.
//!
//! One equation covers the samplers of the field (Park et al., IEEE SPM 2025, arXiv:2411.18702, cited as \[RWT\]):
//!
//! x ← x + a (D(x, σ) − x) + b n,  a = τ/σ², b² = 2τT
//!
//! with the MMSE denoiser D, noise levels σ, step sizes τ and temperatures T. Three nouns:
//!
//! | noun | what it is | where |
//! | --- | --- | --- |
//! | [`Walk`] | the plan: rows of scalars, made by [`recipes`] from levels of a [`Schedule`] | never sees an image |
//! | [`Step`] | one row: a noise level and the coefficients of one [`update`] | the same in C and CUDA |
//! | [`Walker`] | the place: it holds arrays and runs the [`Denoiser`] | [`SliceWalker`] here, others in backends |
//!
//! [`recipes`] is the table of the known samplers, each cell linked to the function that makes it.
//! Posterior samples of an inverse problem ([`Problem`]) come from [`gla()`], [`preconditioned()`] or [`template()`],
//! those with missing pixels in little memory from [`MaskWalk`];
//! [`Tiles`] take images that are too large for a network in parts; what samples say: [`Moments`], [`Histogram`], [`Fit`],
//! [`Modes`], and of chains that are kept [`split_rhat`] and [`ess`].
//!
//! ```
//! use rwt_core::{Gaussian, Schedule, SliceWalker, Step, Walk, recipes};
//! use core::ops::ControlFlow;
//!
//! let mut levels = [0.0; 30];
//! Schedule::Geometric { sigma_max: 50.0, sigma_min: 0.01 }.levels(&mut levels)?;
//! let mut rows = [Step::default(); 31];
//! let count = recipes::ddim(&levels, 0.0, &mut rows)?;
//!
//! let prior = Gaussian::new(&[1.0; 4], &[0.25; 4])?; // any denoiser: a network, a closure, …
//! let (mut x, mut denoised) = ([0.0; 4], [0.0; 4]);
//! let mut walker = SliceWalker::new(prior, 7, 0, 1, &mut x, &mut denoised, &mut [])?;
//! Walk::new(&rows[..count])?.sample(&mut walker, |_, _, _| ControlFlow::Continue(()))?;
//! assert!(x.iter().all(|v| (v - 1.0).abs() < 2.0)); // N(1, 0.25)
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]

mod corrector;
mod counts;
mod denoiser;
mod diagnostics;
mod error;
mod exact;
mod fit;
mod gla;
mod histogram;
mod level;
mod likelihood;
mod mask_walk;
mod measured;
mod modes;
mod moments;
pub mod noise;
mod operator;
mod operators;
mod posterior;
mod posterior_walk;
mod preconditioned;
mod prediction;
mod print;
mod problem;
pub mod recipes;
mod schedule;
mod self_test;
mod template;
mod tiles;
mod time_map;
pub mod training;
mod update;
pub mod vp;
mod walk;
mod walker;

pub use corrector::Corrector;
pub use counts::{Poisson, Transmission};
pub use denoiser::Denoiser;
pub use diagnostics::{ess, split_rhat};
pub use error::{Error, WalkError};
pub use exact::{Gaussian, Mixture};
pub use fit::Fit;
pub use gla::gla;
pub use histogram::Histogram;
pub use level::Level;
pub use likelihood::{Likelihood, LogLikelihood};
pub use mask_walk::MaskWalk;
pub use modes::Modes;
pub use moments::{Moments, psnr};
pub use operator::{CG_STEPS, Operator, conjugate_gradients, dot};
pub use operators::{Dense, Mask};
pub use posterior::{Chain, Method, Observe, Progress, Request};
pub use posterior_walk::PosteriorWalk;
pub use preconditioned::{check_preconditioned, preconditioned};
pub use prediction::{Prediction, Tweedie};
pub use print::WalkTable;
pub use problem::Problem;
pub use schedule::{Schedule, check_levels};
pub use self_test::{OperatorReport, check_len, check_operator};
pub use template::{paper_template, template};
pub use tiles::{TileError, Tiles};
pub use time_map::{Outside, Time, TimeMap};
pub use update::update;
pub use walk::{Step, Walk};
pub use walker::{SliceError, SliceWalker, Walker};
