//! Posterior samplers judged on mixtures of Gaussians, where the posterior is known exactly.
//!
//! An [`Instance`] is one inverse problem of the family on which Cardoso et al. compared samplers ("Monte Carlo guided
//! diffusion", arXiv:2308.07983): 25 Gaussians of unit covariance in R⁸ with random weights, their means on a grid of
//! spacing 8, and a random matrix A whose singular values lie in (0, 1). `gmm_instances.json`, beside this crate's
//! `Cargo.toml`, holds three of them with 1, 2 and 4 measurements, made for this project and frozen;
//! [`Instance::random`] makes others. The [`Posterior`] draws exactly, [`Method::sample`] with the methods of rwt-core,
//! and [`max_sliced_wasserstein`] tells how far the two are apart.

mod distance;
mod instance;
mod posterior;
mod sampling;

pub use distance::max_sliced_wasserstein;
pub use instance::Instance;
pub use posterior::Posterior;
pub use sampling::{Method, SAMPLES, distance};
