//! The embedded engine behind one door: load a graph, run it once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rten::{DataType, Dimension, Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueType, ValueView};

use crate::Error;
use crate::operators;

/// A loaded graph with inputs `x`, `sigma` and output `denoised`.
pub(crate) struct Engine {
    model: Model,
    x: NodeId,
    sigma: NodeId,
    denoised: NodeId,
}

impl Engine {
    /// Load an ONNX model whose bytes, operators and names have been checked; check the shapes of its inputs.
    pub(crate) fn load(bytes: Vec<u8>, channels: usize) -> Result<Self, Error> {
        let model = guarded("loading", || {
            let mut options = ModelOptions::with_ops(operators::registry());
            options.prepack_weights(true).load(bytes).map_err(|e| e.to_string())
        })?;
        let id = |name| model.find_node(name).ok_or_else(|| interface("graph", name, "nothing"));
        let (x, sigma, denoised) = (id("x")?, id("sigma")?, id("denoised")?);
        check_input(&model, x, "input x", &[None, Some(channels), None, None])?;
        check_input(&model, sigma, "input sigma", &[None])?;
        Ok(Self { model, x, sigma, denoised })
    }

    /// Run on one padded picture, \[1, channels, height, width\], and hand back the output of that shape.
    pub(crate) fn run(
        &self,
        pool: &Arc<ThreadPool>,
        shape: [usize; 4],
        x: &[f32],
        sigma: f32,
    ) -> Result<Vec<f32>, Error> {
        let (found, data) = guarded("running", || {
            let sigma = [sigma];
            let x = ValueView::from_shape(shape, x).map_err(|e| e.to_string())?;
            let level = ValueView::from_shape([1], &sigma).map_err(|e| e.to_string())?;
            let options = RunOptions::default().with_thread_pool(Some(pool.clone()));
            let inputs = vec![(self.x, x.into()), (self.sigma, level.into())];
            let [output] = self.model.run_n(inputs, [self.denoised], Some(options)).map_err(|e| e.to_string())?;
            output.into_shape_vec::<f32, 4>().map_err(|e| e.to_string())
        })?;
        if found != shape || data.len() != x.len() {
            return Err(Error::OutputShape { expected: shape, found: found.to_vec() });
        }
        Ok(data)
    }
}

/// `None` in `shape` is an axis that must not be fixed, except to the one picture that is evaluated at a time.
fn check_input(model: &Model, id: NodeId, what: &'static str, shape: &[Option<usize>]) -> Result<(), Error> {
    let node = model.node_info(id);
    let Some(found) = node.as_ref().and_then(|node| node.shape()) else {
        return Ok(()); // nothing declared: the trial evaluation decides
    };
    let fits = |(axis, (found, expected)): (usize, (&Dimension, &Option<usize>))| match (found, expected) {
        (Dimension::Fixed(found), Some(expected)) => found == expected,
        (Dimension::Fixed(found), None) => axis == 0 && *found == 1,
        (Dimension::Symbolic(_), _) => true,
    };
    let is_float = node.and_then(|node| node.dtype()).is_none_or(|kind| kind == ValueType::Tensor(DataType::Float));
    if is_float && found.len() == shape.len() && found.iter().zip(shape).enumerate().all(fits) {
        return Ok(());
    }
    let expected: Vec<_> = shape.iter().map(|size| size.map_or("any".into(), |size| size.to_string())).collect();
    let expected = format!("f32 [{}], where the channels are those of rwt.channels", expected.join(", "));
    let found = found.iter().map(|size| match size {
        Dimension::Fixed(size) => size.to_string(),
        Dimension::Symbolic(name) => name.clone(),
    });
    let kind = if is_float { "f32" } else { "another type" };
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
