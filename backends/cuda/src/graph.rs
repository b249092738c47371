//! Work that is captured once and replayed.

use crate::device::Device;
use crate::error::Error;
use cudarc::driver::CudaGraph;
use cudarc::driver::sys::{CUgraphInstantiate_flags, CUstreamCaptureMode};

/// Work that was captured once; a replay is one call of the driver, without copies, allocations or waiting.
pub(crate) struct Graph(CudaGraph);

impl Graph {
    /// Capture what `work` enqueues, which is not done yet.
    pub fn capture(device: &Device, work: impl FnOnce() -> Result<(), Error>) -> Result<Self, Error> {
        let failed = |error| Error::driver("capturing a graph", error);
        // no other thread may disturb the capture, and it none
        let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        device.stream().begin_capture(mode).map_err(failed)?;
        let worked = work();
        let flags = CUgraphInstantiate_flags::CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH;
        let captured = device.stream().end_capture(flags); // the stream must be left in order whatever happened
        worked?;
        match captured.map_err(failed)? {
            Some(graph) => Ok(Self(graph)),
            None => Err(Error::Driver { call: "capturing a graph", reason: "it was broken off".into() }),
        }
    }

    /// Enqueue it once more.
    pub fn replay(&self) -> Result<(), Error> {
        self.0.launch().map_err(|error| Error::driver("replaying a graph", error))
    }
}
