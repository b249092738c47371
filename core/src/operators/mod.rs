//! Operators that need no memory of their own.

mod dense;
mod mask;

pub use dense::Dense;
pub use mask::Mask;
