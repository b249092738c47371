//! The bf16 kernels of networks on the mock device, against sums in f64 of the rounded inputs.

mod attention;
mod bench;
mod case;
mod conv;
mod moves;
mod norm;
