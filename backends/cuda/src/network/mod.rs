//! Denoisers in ONNX files, executed on the device in f32 or bf16: by our own kernels, NVIDIA's libraries, or ONNX Runtime.

mod arena;
mod arithmetic;
mod borders;
mod calls;
mod described;
mod emit;
mod emit_half;
mod emit_half_windows;
mod emit_products;
mod emit_windows;
mod half;
mod half_lower;
mod half_rows;
mod half_window;
mod kernels;
mod lower;
mod matrix;
mod normal;
mod onnx_network;
mod operators;
mod patterns;
mod planned;
mod precision;
mod program;
mod rearrange;
mod runtime_network;
mod shapes;
mod step;
mod uses;
mod values;
mod view;
mod window;

pub use onnx_network::{Needed, OnnxNetwork};
pub use precision::Precision;
pub use runtime_network::RuntimeNetwork;
