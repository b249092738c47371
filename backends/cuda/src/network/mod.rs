//! Denoisers in ONNX files, executed on the device in f32, by our own kernels or NVIDIA's libraries.

mod arena;
mod arithmetic;
mod calls;
mod emit;
mod emit_products;
mod emit_windows;
mod kernels;
mod lower;
mod matrix;
mod normal;
mod onnx_network;
mod operators;
mod patterns;
mod planned;
mod program;
mod rearrange;
mod shapes;
mod step;
mod values;
mod view;
mod window;

pub use onnx_network::{Needed, OnnxNetwork};
