//! Denoisers in ONNX files for `rwt`, run by an embedded engine in pure Rust: no library to install.
//!
//! ```no_run
//! use rwt_core::Denoiser;
//! use rwt_onnx::OnnxDenoiser;
//!
//! let model = OnnxDenoiser::open("examples/models/rwt-leaves-rgb.onnx")?;
//! let (height, width) = (240, 320); // any size
//! let mut evaluator = model.evaluator(height, width)?; // one a thread
//! let noisy = vec![0.0; model.info().channels * height * width];
//! let mut denoised = vec![0.0; noisy.len()];
//! evaluator.denoise(&noisy, 0.3, &mut denoised)?;
//! # Ok::<(), rwt_onnx::Error>(())
//! ```
//!
//! The file: inputs `x`, f32 \[n, channels, height, width\], and `sigma`, f32 \[n\], in the units of x; output
//! `denoised`, D(x, σ) with the shape of x; and metadata_props `rwt.*`, see [`ModelInfo`]. Pictures are padded by
//! reflection and cropped again, so that any size works and borders look like the rest.

mod contents;
mod engine;
mod error;
mod evaluator;
mod model_info;
mod onnx_denoiser;
mod operators;
mod padding;
mod symmetry;
mod wire;

pub use error::{Error, KeyProblem};
pub use evaluator::Evaluator;
pub use model_info::ModelInfo;
pub use onnx_denoiser::OnnxDenoiser;
