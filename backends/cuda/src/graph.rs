//! Work that is captured once and replayed.

use crate::device::Device;
use crate::error::Error;
use cudarc::driver::CudaGraph;
use cudarc::driver::result;
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
        let mut capturing = Capturing { device, is_ended: false };
        let worked = work();
        let flags = CUgraphInstantiate_flags::CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH;
        let captured = device.stream().end_capture(flags);
        capturing.is_ended = captured.is_ok();
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

/// Leaves the stream in order whatever happens, a panic too.
struct Capturing<'a> {
    device: &'a Device,
    is_ended: bool,
}

impl Drop for Capturing<'_> {
    fn drop(&mut self) {
        if self.is_ended {
            return;
        }
        // SAFETY: the stream lives; where the capture has ended already, the driver says so, and that is no matter.
        if let Ok(graph) = unsafe { result::stream::end_capture(self.device.stream().cu_stream()) }
            && !graph.is_null()
        {
            // SAFETY: the graph that was just made, of which nobody knows.
            let _ = unsafe { result::graph::destroy(graph) };
        }
    }
}
