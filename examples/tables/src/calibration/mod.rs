//! Simulation-based calibration: are the samples of a method distributed as the posterior says, over all that could have
//! been measured?
//!
//! A truth is drawn from the prior, measured, and [`CHAINS`] samples of its posterior are drawn. If the sampler is right,
//! truth and samples are drawn alike, so that the truth's rank among the samples is uniform (Talts et al.,
//! arXiv:1804.06788): too often at the ends, the samples are too sure; too often in the middle, not sure enough. A sampler
//! that looked at no measurement at all would have uniform ranks too; so bias and spread are compared with the exact
//! posterior as well, which is known for every [`Case`].

mod case;
mod ranks;
mod run;

pub use case::{Case, cases};
pub use ranks::Ranks;
pub use run::{CHAINS, Calibration, Told, calibrate};
