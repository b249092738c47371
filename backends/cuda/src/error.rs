//! What can go wrong on a device.

use cudarc::driver::sys::cudaError_enum;

/// What can go wrong on a device, or on the way to one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No library of NVIDIA's driver.
    #[error("NVIDIA's driver was not found ({reason}): install it, or use a denoiser on the processor")]
    NoDriver {
        /// What the loader says.
        reason: String,
    },
    /// A driver without a device.
    #[error("the driver knows {found} device(s), device {index} was asked for; CUDA_VISIBLE_DEVICES hides devices")]
    NoDevice {
        /// Which one was asked for.
        index: usize,
        /// How many there are.
        found: usize,
    },
    /// A driver or a device of an older generation.
    #[error("{what} has version {}.{}, at least {}.{} is needed", found.0, found.1, needed.0, needed.1)]
    TooOld {
        /// The driver, or the device's compute capability.
        what: &'static str,
        /// Major and minor number.
        found: (u32, u32),
        /// Major and minor number.
        needed: (u32, u32),
    },
    /// The device's memory does not suffice.
    #[error(
        "{needed} bytes of the device's memory are needed, {free} of {total} are free: take fewer chains at a time"
    )]
    OutOfMemory {
        /// Bytes asked for.
        needed: u64,
        /// Bytes.
        free: u64,
        /// Bytes.
        total: u64,
    },
    /// A kernel could not be started.
    #[error("kernel {kernel} could not be started: {reason}")]
    Launch {
        /// Its name.
        kernel: String,
        /// What the driver says.
        reason: String,
    },
    /// Another call of the driver failed; a device that was lost says so here too.
    #[error("{call} failed: {reason}")]
    Driver {
        /// What was being done.
        call: &'static str,
        /// What the driver says.
        reason: String,
    },
    /// A call of one of NVIDIA's libraries failed.
    #[error("{library}: {call} failed: {reason}")]
    Library {
        /// Which library.
        library: &'static str,
        /// Its function.
        call: &'static str,
        /// What it says.
        reason: String,
    },
    /// A network's file was refused, or a picture or noise level that it cannot evaluate.
    #[error(transparent)]
    Network(#[from] rwt_onnx::Error),
    /// A node of a network that the device does not compute.
    #[error("{node}: {reason}; export it in another way, or use a denoiser on the processor")]
    Operator {
        /// Its operator and what it writes.
        node: String,
        /// Why not.
        reason: String,
    },
    /// A denoiser was asked before it was planned.
    #[error("expected a plan before an evaluation, found none")]
    NotPlanned,
    /// An array has another length than the rest needs.
    #[error("{name}: expected {expected} elements, found {found}")]
    Length {
        /// Which array.
        name: &'static str,
        /// Elements.
        expected: usize,
        /// Elements.
        found: usize,
    },
    /// A parameter out of its range, a bad row, …
    #[error(transparent)]
    Plan(#[from] rwt_core::Error),
    /// The denoised image, or x, is not finite.
    #[error("{name} is not finite at element {element}, evaluation {row} at noise level {sigma}")]
    NotFinite {
        /// What.
        name: &'static str,
        /// Which evaluation, from 0.
        row: usize,
        /// Its noise level.
        sigma: f64,
        /// The first such element, over all chains.
        element: usize,
    },
    /// The observer broke the walk off.
    #[error("cancelled after evaluation {row}")]
    Cancelled {
        /// Which evaluation, from 0.
        row: usize,
    },
}

impl Error {
    /// An error of the driver in this call.
    pub(crate) fn driver(call: &'static str, error: cudarc::driver::DriverError) -> Self {
        Self::Driver { call, reason: reason(error) }
    }

    /// Did the driver say that there was no memory?
    pub(crate) fn is_memory(error: cudarc::driver::DriverError) -> bool {
        error.0 == cudaError_enum::CUDA_ERROR_OUT_OF_MEMORY
    }
}

/// The driver's name of an error, with what it says of it.
pub(crate) fn reason(error: cudarc::driver::DriverError) -> String {
    let text = |text: Result<&std::ffi::CStr, _>| text.map(|text| text.to_string_lossy().into_owned()).ok();
    match (text(error.error_name()), text(error.error_string())) {
        (Some(name), Some(string)) => format!("{name}, {string}"),
        (Some(name), None) => name,
        _ => format!("{:?}", error.0),
    }
}
