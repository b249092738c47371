//! The C interface, in two levels. Level 1 ([`rwt_schedule`](plan::rwt_schedule), [`rwt_plan`](plan::rwt_plan),
//! [`rwt_update`](plan::rwt_update), [`rwt_noise`](plan::rwt_noise), the training tables of [`table`]) has no handle, no heap and no callback: the
//! caller drives; the [`diagnostics`] work on the caller's arrays too. Level 2 has denoisers, operators and a sampler that
//! runs chains over threads.
//!
//! The documentation that a C programmer reads is the header's, generated from here.
#![allow(non_camel_case_types)] // the names are C's

mod budget;
mod collector;
#[cfg(feature = "operators")]
pub mod composed;
pub mod denoiser;
pub mod denoiser_callback;
pub mod denoiser_info;
pub mod denoiser_options;
pub mod denoiser_parts;
pub mod diagnostics;
mod draw;
pub mod evaluator;
mod folder;
mod held;
pub mod mask;
#[cfg(feature = "operators")]
mod matrix;
pub mod noise_model;
mod npy;
pub mod operator;
pub mod operator_callback;
#[cfg(feature = "operators")]
pub mod operators;
pub(crate) mod options;
pub mod plan;
pub mod plan_options;
pub mod progress;
mod run;
pub mod sampler;
pub mod sampler_options;
pub mod sampler_report;
pub mod samples;
pub mod status;
pub mod table;
