//! ONNX Runtime, through `ort`: a network and the arrays that are bound to it.

use std::sync::{Arc, Mutex};

use ort::memory::Allocator;
use ort::session::{IoBinding, Session};
use ort::value::{DynTensor, Tensor};

use crate::interface::Interface;
use crate::sessions::{KEPT, Sessions, engine, locked};
use crate::source::Source;
use crate::{Error, Provider, RuntimeOptions};

/// A network with a picture and a time as inputs and one output.
pub(crate) struct Runtime {
    sessions: Sessions,
    interface: Interface,
    /// As the caller wants it; 0 for the usual.
    batch: usize,
    provider: Provider,
    name: String,
}

/// An evaluator's arrays, bound to the session that runs them: one for each of the newest shapes.
#[derive(Default)]
pub(crate) struct Worker(Vec<Bound>);

struct Bound {
    shape: [usize; 4],
    session: Arc<Mutex<Session>>,
    binding: IoBinding,
    x: Tensor<f32>,
    time: DynTensor,
}

impl Runtime {
    /// Find the library and load an ONNX model whose bytes and interface have been checked.
    pub(crate) fn load(source: Source, interface: &Interface, options: &RuntimeOptions) -> Result<Self, Error> {
        let sessions = Sessions::open(source, interface, options, None)?;
        let (name, batch, provider) = (sessions.name(), options.batch, options.provider);
        Ok(Self { sessions, interface: interface.clone(), batch, provider, name })
    }

    /// The engine's name, version and provider.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The most pictures of an evaluation of so many pixels each.
    pub(crate) fn batch(&self, pixels: usize) -> usize {
        match self.batch {
            _ if self.interface.is_single => 1,
            0 => self.provider.usual_batch(pixels),
            given => given,
        }
    }

    /// One session runs every number of pictures.
    pub(crate) fn takes_any_number(&self) -> bool {
        !self.sessions.is_fixed()
    }

    /// Drop the sessions of fixed shapes.
    pub(crate) fn forget(&self) {
        self.sessions.forget();
    }

    /// Make the session of a shape.
    pub(crate) fn prepare(&self, shape: [usize; 4]) -> Result<(), Error> {
        self.sessions.of(shape).map(drop)
    }

    /// Run on padded pictures and hand over the output; see [`Engine::run`](crate::engine::Engine::run).
    pub(crate) fn run(
        &self,
        worker: &mut Worker,
        shape: [usize; 4],
        time: f64,
        fill: impl FnOnce(&mut [f32]),
        output: impl FnOnce(&[f32]),
    ) -> Result<(), Error> {
        let place = match worker.0.iter().position(|bound| bound.shape == shape) {
            Some(place) => place,
            None => {
                if worker.0.len() == KEPT {
                    worker.0.remove(0);
                }
                worker.0.push(self.bind(shape)?);
                worker.0.len() - 1
            }
        };
        let Bound { session, binding, x, time: told, .. } = &mut worker.0[place];
        let failed = |error: ort::Error| engine("running", &error);
        fill(x.extract_tensor_mut().1);
        if self.interface.has_integer_time {
            told.try_extract_tensor_mut::<i64>().map_err(failed)?.1.fill(time as i64);
        } else {
            told.try_extract_tensor_mut::<f32>().map_err(failed)?.1.fill(time as f32);
        }
        if self.provider.copies() {
            // bound once, they would be copied once
            binding.bind_input("x", x).map_err(failed)?;
            binding.bind_input(self.interface.time, told).map_err(failed)?;
        }
        let mut session = locked(session);
        let outputs = session.run_binding(binding).map_err(failed)?;
        let (found, data) = outputs[self.interface.output].try_extract_tensor::<f32>().map_err(failed)?;
        let expected = [shape[0], self.interface.output_channels, shape[2], shape[3]];
        let found: [usize; 4] = std::array::from_fn(|axis| found.get(axis).map_or(0, |&size| size as usize));
        if found != expected || data.len() != expected.iter().product::<usize>() {
            return Err(Error::OutputShape { expected, found: found.to_vec() });
        }
        output(data);
        Ok(())
    }

    /// The arrays of a shape, made once and bound.
    fn bind(&self, shape: [usize; 4]) -> Result<Bound, Error> {
        let failed = |error: ort::Error| engine("binding", &error);
        let session = self.sessions.of(shape)?;
        let memory = Allocator::default();
        let x = Tensor::<f32>::new(&memory, shape).map_err(failed)?;
        let length = if self.interface.has_scalar_time { vec![] } else { vec![shape[0]] };
        let time = if self.interface.has_integer_time {
            Tensor::<i64>::new(&memory, length).map_err(failed)?.upcast()
        } else {
            Tensor::<f32>::new(&memory, length).map_err(failed)?.upcast()
        };
        let out = Tensor::<f32>::new(&memory, [shape[0], self.interface.output_channels, shape[2], shape[3]])
            .map_err(failed)?;
        let mut binding = locked(&session).create_binding().map_err(failed)?;
        binding.bind_input("x", &x).map_err(failed)?;
        binding.bind_input(self.interface.time, &time).map_err(failed)?;
        binding.bind_output(self.interface.output, out).map_err(failed)?;
        Ok(Bound { shape, session, binding, x, time })
    }
}
