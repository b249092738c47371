//! cuDNN and cuBLASLt without a device, for tests.
//!
//! One file with the functions of both that `rwt-cuda` calls, to be found under the names of either. They check what they are
//! given, and hand plain loops to the mock driver, which captures them or carries them out. Heuristics offer what must not be
//! taken first. The environment says which versions they are: `RWT_MOCK_CUDNN` (91002) and `RWT_MOCK_CUBLASLT` (120804).

#![allow(non_snake_case, reason = "the libraries' names")]

mod control;
mod convolution;
mod cublas_lt;
mod cudnn;
mod driver;
mod numbers;
mod objects;
mod product;
