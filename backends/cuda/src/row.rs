//! Rows and levels of plans in a device's memory.

use cudarc::driver::{DeviceRepr, ValidAsZeroBits};
use rwt_core::{Level, Step};

/// A row with the layout that it has in core.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct Row(pub Step);

// SAFETY: repr(C), numbers alone, without padding; `struct rwt_row` in row.cuh is its twin.
unsafe impl DeviceRepr for Row {}
// SAFETY: zeros are a row.
unsafe impl ValidAsZeroBits for Row {}

/// A level with the layout that it has in core.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct LevelRow(pub Level);

// SAFETY: repr(C), numbers alone, without padding; `struct rwt_level` in posterior.cuh is its twin.
unsafe impl DeviceRepr for LevelRow {}
// SAFETY: zeros are a level.
unsafe impl ValidAsZeroBits for LevelRow {}

const _: () = assert!(size_of::<Row>() == 56 && size_of::<LevelRow>() == 40);
