//! The C interface, in two levels. Level 1 ([`rwt_schedule`](plan::rwt_schedule), [`rwt_plan`](plan::rwt_plan),
//! [`rwt_update`](plan::rwt_update), [`rwt_noise`](plan::rwt_noise), the training tables of [`table`]) has no handle, no heap and no callback: the
//! caller drives; the [`diagnostics`] work on the caller's arrays too. Level 2 has denoisers, operators and a sampler that
//! runs chains over threads.
//!
//! Without the feature `std` there is a part of level 1 alone: schedules, plans, the update, noise and the [`walk`] over
//! missing pixels, for machines without a heap and an operating system. An error there has a status and no text of its own.
//!
//! The documentation that a C programmer reads is the header's, generated from here.
#![cfg_attr(not(feature = "std"), no_std)]
#![allow(non_camel_case_types)] // the names are C's

#[cfg(all(not(feature = "std"), target_os = "none"))]
mod bare;
#[cfg(feature = "std")]
mod budget;
#[cfg(feature = "std")]
mod collector;
#[cfg(feature = "operators")]
pub mod composed;
#[cfg(feature = "std")]
pub mod cuda;
#[cfg(feature = "cuda")]
mod cuda_model;
#[cfg(feature = "std")]
pub mod denoiser;
#[cfg(feature = "std")]
pub mod denoiser_callback;
#[cfg(feature = "std")]
pub mod denoiser_info;
#[cfg(feature = "std")]
pub mod denoiser_options;
#[cfg(feature = "std")]
pub mod denoiser_parts;
#[cfg(feature = "std")]
pub mod diagnostics;
#[cfg(feature = "std")]
mod draw;
#[cfg(feature = "cuda")]
mod draw_on_device;
#[cfg(feature = "std")]
pub mod evaluator;
#[cfg(feature = "std")]
mod folder;
#[cfg(feature = "std")]
mod held;
mod last_error;
#[cfg(feature = "std")]
pub mod mask;
#[cfg(feature = "operators")]
mod matrix;
#[cfg(feature = "std")]
pub mod noise_model;
#[cfg(feature = "std")]
mod npy;
#[cfg(feature = "std")]
pub mod operator;
#[cfg(feature = "std")]
pub mod operator_callback;
#[cfg(feature = "operators")]
pub mod operators;
pub(crate) mod options;
pub mod plan;
pub mod plan_options;
#[cfg(feature = "std")]
pub mod plan_print;
#[cfg(feature = "std")]
pub mod progress;
#[cfg(feature = "std")]
mod queue;
#[cfg(feature = "std")]
mod run;
#[cfg(feature = "std")]
pub mod sampler;
#[cfg(feature = "std")]
pub mod sampler_options;
#[cfg(feature = "std")]
pub mod sampler_report;
#[cfg(feature = "std")]
pub mod samples;
pub mod status;
#[cfg(feature = "std")]
pub mod table;
pub mod walk;
pub mod walk_options;
