//! Rows of a plan in a device's memory.

use cudarc::driver::{DeviceRepr, ValidAsZeroBits};
use rwt_core::Step;

/// A row with the layout that it has in core.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct Row(pub Step);

// SAFETY: repr(C), numbers alone, without padding; `struct rwt_row` in row.cuh is its twin.
unsafe impl DeviceRepr for Row {}
// SAFETY: zeros are a row.
unsafe impl ValidAsZeroBits for Row {}

const _: () = assert!(size_of::<Row>() == 56);
