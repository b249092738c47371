//! The embedded engine: load a graph, run it once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rten::{
    DataType, Dimension, Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueOrView, ValueType, ValueView,
};

use crate::operators;
use crate::{Error, ModelInfo, TimeInput};

/// A loaded graph with a picture and a time as inputs and one output.
pub(crate) struct Embedded {
    model: Model,
    x: NodeId,
    time: NodeId,
    output: NodeId,
    has_integer_time: bool,
    has_scalar_time: bool,
    output_channels: usize,
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
    /// Load an ONNX model whose bytes, operators and names (of the time and the output) have been checked; check the
    /// shapes and types of its inputs.
    pub(crate) fn load(bytes: Vec<u8>, names: &[&str; 2], info: &ModelInfo) -> Result<Self, Error> {
        let model = guarded("loading", || {
            let mut options = ModelOptions::with_ops(operators::registry());
            options.prepack_weights(true).load(bytes).map_err(|e| e.to_string())
        })?;
        let id = |name| model.find_node(name).ok_or_else(|| interface("graph", name, "nothing"));
        let (x, time, output) = (id("x")?, id(names[0])?, id(names[1])?);
        check_input(&model, x, "input x", false, &[None, Some(info.channels), None, None])?;
        let node = model.node_info(time);
        let has_integer_time = node.as_ref().and_then(|node| node.dtype()) == Some(ValueType::Tensor(DataType::Int32));
        let has_scalar_time = node.and_then(|node| node.shape()).is_some_and(|shape| shape.is_empty());
        if has_integer_time && info.conventions.time != TimeInput::Integer {
            return Err(interface("the time's type", "f32, as rwt.time is not integer", "an integer type"));
        }
        check_input(&model, time, "the time", has_integer_time, if has_scalar_time { &[] } else { &[None] })?;
        let output_channels = if info.conventions.learned_variance { 2 * info.channels } else { info.channels };
        Ok(Self { model, x, time, output, has_integer_time, has_scalar_time, output_channels })
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
            let length = if self.has_scalar_time { &[][..] } else { &[1] };
            let x = ValueView::from_shape(shape, &worker.padded[..]).map_err(|e| e.to_string())?;
            let time: ValueOrView = if self.has_integer_time {
                ValueView::from_shape(length, &integer).map_err(|e| e.to_string())?.into()
            } else {
                ValueView::from_shape(length, &float).map_err(|e| e.to_string())?.into()
            };
            let options = RunOptions::default().with_thread_pool(Some(worker.pool.clone()));
            let inputs = vec![(self.x, x.into()), (self.time, time)];
            let [found] = self.model.run_n(inputs, [self.output], Some(options)).map_err(|e| e.to_string())?;
            found.into_shape_vec::<f32, 4>().map_err(|e| e.to_string())
        })?;
        let expected = [shape[0], self.output_channels, shape[2], shape[3]];
        if found != expected || data.len() != expected.iter().product::<usize>() {
            return Err(Error::OutputShape { expected, found: found.to_vec() });
        }
        output(&data);
        Ok(())
    }
}

/// `None` in `shape` is an axis that must not be fixed, except to the one picture that is evaluated at a time.
fn check_input(
    model: &Model,
    id: NodeId,
    what: &'static str,
    integer: bool,
    shape: &[Option<usize>],
) -> Result<(), Error> {
    let node = model.node_info(id);
    let Some(found) = node.as_ref().and_then(|node| node.shape()) else {
        return Ok(()); // nothing declared: the trial evaluation decides
    };
    let fits = |(axis, (found, expected)): (usize, (&Dimension, &Option<usize>))| match (found, expected) {
        (Dimension::Fixed(found), Some(expected)) => found == expected,
        (Dimension::Fixed(found), None) => axis == 0 && *found == 1,
        (Dimension::Symbolic(_), _) => true,
    };
    let (wanted, name) = if integer { (DataType::Int32, "i64") } else { (DataType::Float, "f32") };
    let is_wanted = node.and_then(|node| node.dtype()).is_none_or(|kind| kind == ValueType::Tensor(wanted));
    if is_wanted && found.len() == shape.len() && found.iter().zip(shape).enumerate().all(fits) {
        return Ok(());
    }
    let expected: Vec<_> = shape.iter().map(|size| size.map_or("any".into(), |size| size.to_string())).collect();
    let expected = format!("{name} [{}], where the channels are those of rwt.channels", expected.join(", "));
    let found = found.iter().map(|size| match size {
        Dimension::Fixed(size) => size.to_string(),
        Dimension::Symbolic(name) => name.clone(),
    });
    let kind = if is_wanted { name } else { "another type" };
    Err(interface(what, &expected, &format!("{kind} [{}]", found.collect::<Vec<_>>().join(", "))))
}

fn interface(what: &'static str, expected: &str, found: &str) -> Error {
    Error::Interface { what, expected: expected.into(), found: found.into() }
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
