//! Denoisers in ONNX files for `rwt`, run by an embedded engine in pure Rust (the default: no library to install) or by
//! ONNX Runtime, which is found when the program runs ([`EngineChoice`]).
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
//! # The file
//!
//! Inputs `x`, f32 \[n, channels, height, width\], and the time, `sigma` or `t`, f32 or (for `rwt.time` integer) i64,
//! \[n\] or a scalar; output `denoised` or `output` with the shape of x (or twice its channels). What they mean is said in
//! metadata_props, version 1:
//!
//! | key | value | |
//! | --- | --- | --- |
//! | `rwt.version` | 1 | required |
//! | `rwt.name`, `rwt.licence` | text; an SPDX expression | required |
//! | `rwt.source` | where the weights come from | |
//! | `rwt.prediction` | denoised, noise, score, velocity, edm | required |
//! | `rwt.process` | ve (the network sees x), vp (it sees x/√(1 + σ²)), edm | required for noise and score |
//! | `rwt.sigma_data` | σ_data of Karras et al. 2022 | required for edm |
//! | `rwt.time` | sigma, log_sigma, quarter_log_sigma, index, integer | required |
//! | `rwt.table` | linear FIRST LAST COUNT (of β), scaled_linear FIRST LAST COUNT, cosine COUNT, or sigmas, betas, alpha_bars and the values | required for an index |
//! | `rwt.learned_variance` | no, yes: the output has 2 · channels, of which the first half counts | no |
//! | `rwt.sigma_min`, `rwt.sigma_max` | the noise levels trained on, in the units of x | the table's |
//! | `rwt.range` | LOW,HIGH of the data | required |
//! | `rwt.mean`, `rwt.variance` | of the data's elements | required |
//! | `rwt.channels` | of a picture | required |
//! | `rwt.multiple` | heights and widths must be multiples of this | required |
//! | `rwt.margin` | reflected pixels to add on each side and cut off | required |
//! | `rwt.symmetry` | none, square: turned and mirrored pictures are as likely | none |
//!
//! Whatever the network predicts, callers get D(x, σ). Keys that are missing can be given when the file is opened
//! ([`OpenOptions::keys`]); keys that contradict each other or the graph are errors. Pictures are padded by
//! reflection and cropped again, so that any size works and borders look like the rest.

mod assignment;
mod contents;
mod conventions;
mod embedded;
mod engine;
mod error;
mod evaluator;
mod fold;
mod graph;
mod interface;
mod library;
mod memory;
mod model_info;
mod network;
mod nvidia;
mod onnx_denoiser;
mod operators;
mod padding;
mod provider;
mod runtime;
mod sessions;
mod shapes;
mod small;
mod source;
mod stream_runtime;
mod symmetry;
mod weights;
mod wire;

pub use conventions::{Conventions, TimeInput};
pub use engine::{EngineChoice, RuntimeOptions};
pub use error::{Error, KeyProblem};
pub use evaluator::Evaluator;
pub use model_info::ModelInfo;
pub use network::{FixedGraph, Level, Network, Operation, Value, ValueContents};
pub use onnx_denoiser::{OnnxDenoiser, OpenOptions};
pub use provider::{Precision, Provider};
pub use stream_runtime::{Arrays, StreamBinding, StreamRuntime};
