//! In which numbers a network is evaluated.

use crate::device::Device;
use crate::error::Error;

/// The oldest compute capability that multiplies matrices of bf16.
const CAPABILITY: (u32, u32) = (8, 0);

/// In which numbers a network is evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// f32 throughout.
    #[default]
    F32,
    /// bf16 for what depends on the picture, with sums in f32, on devices of compute capability 8.0 or more. The padded
    /// picture, the answer and what depends on the noise level alone stay f32, and so does what the kernels in bf16 do not
    /// do: numbers of channels that are no multiples of 8, and rarer operators. D(x, σ) is then the same to about 1e-2 of
    /// its length. An evaluation is reproduced bit by bit; with another number of pictures together it can be rounded in
    /// another way.
    Bf16,
}

impl Precision {
    /// Does a device compute with these numbers?
    ///
    /// # Errors
    /// [`Error::TooOld`] if it does not.
    pub fn check(self, device: &Device) -> Result<(), Error> {
        let found = device.info().capability;
        if self == Self::Bf16 && found < CAPABILITY {
            let what = "the device (its compute capability, for bf16)";
            return Err(Error::TooOld { what, found, needed: CAPABILITY });
        }
        Ok(())
    }
}
