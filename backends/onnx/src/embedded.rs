//! The embedded engine: load a graph, run it once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueOrView, ValueView};

use crate::Error;
use crate::interface::Interface;
use crate::operators;
use crate::weights::{self, Parts};

/// A loaded graph with a picture and a time as inputs and one output.
pub(crate) struct Embedded {
    model: Model,
    x: NodeId,
    time: NodeId,
    output: NodeId,
    interface: Interface,
}

/// One thread, and the picture that it computes on.
pub(crate) struct Worker {
    pool: Arc<ThreadPool>,
    padded: Vec<f32>,
}

impl Worker {
    pub(crate) fn new() -> Self {
        Self { pool: Arc::new(ThreadPool::with_num_threads(1)), padded: Vec::new() }
    }
}

impl Embedded {
    /// Load an ONNX model whose bytes, operators and interface have been checked.
    pub(crate) fn load(bytes: Vec<u8>, interface: &Interface) -> Result<Self, Error> {
        let parts = Parts::of(bytes)?;
        let model = guarded("loading", || {
            let mut options = ModelOptions::with_ops(operators::registry());
            options.prepack_weights(true).external_data(weights::NAME, parts.weights);
            options.load(parts.graph).map_err(|e| e.to_string())
        })?;
        let id = |name: &str| {
            let refused = || Error::Interface { what: "graph", expected: name.into(), found: "nothing".into() };
            model.find_node(name).ok_or_else(refused)
        };
        let (x, time, output) = (id("x")?, id(interface.time)?, id(interface.output)?);
        Ok(Self { model, x, time, output, interface: interface.clone() })
    }

    /// Run on one padded picture; see [`Engine::run`](crate::engine::Engine::run).
    pub(crate) fn run(
        &self,
        worker: &mut Worker,
        shape: [usize; 4],
        time: f64,
        fill: impl FnOnce(&mut [f32]),
        output: impl FnOnce(&[f32]),
    ) -> Result<(), Error> {
        worker.padded.resize(shape.iter().product(), 0.0);
        fill(&mut worker.padded);
        let (found, data) = guarded("running", || {
            let (float, integer) = ([time as f32], [time as i32]);
            let length = if self.interface.has_scalar_time { &[][..] } else { &[1] };
            let x = ValueView::from_shape(shape, &worker.padded[..]).map_err(|e| e.to_string())?;
            let time: ValueOrView = if self.interface.has_integer_time {
                ValueView::from_shape(length, &integer).map_err(|e| e.to_string())?.into()
            } else {
                ValueView::from_shape(length, &float).map_err(|e| e.to_string())?.into()
            };
            let options = RunOptions::default().with_thread_pool(Some(worker.pool.clone()));
            let inputs = vec![(self.x, x.into()), (self.time, time)];
            let [found] = self.model.run_n(inputs, [self.output], Some(options)).map_err(|e| e.to_string())?;
            found.into_shape_vec::<f32, 4>().map_err(|e| e.to_string())
        })?;
        let expected = [shape[0], self.interface.output_channels, shape[2], shape[3]];
        if found != expected || data.len() != expected.iter().product::<usize>() {
            return Err(Error::OutputShape { expected, found: found.to_vec() });
        }
        output(&data);
        Ok(())
    }
}

/// Call the engine, turning its errors and panics into ours.
///
/// The engine indexes, unwraps and does unchecked arithmetic on what a file says (shapes in its operators, names in
/// its graph), so a damaged or odd model can make it panic. Nothing of ours is half-changed then: it only borrows
/// inputs, and a lock that it poisons makes later calls fail here, too.
fn guarded<T>(stage: &'static str, call: impl FnOnce() -> Result<T, String>) -> Result<T, Error> {
    let message = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(message)) => message,
        Err(panic) => match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(panic) => panic.downcast::<&str>().map_or("a panic".into(), |text| text.to_string()),
        },
    };
    Err(Error::Engine { stage, message })
}
