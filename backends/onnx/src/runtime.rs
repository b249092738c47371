//! ONNX Runtime, through `ort`, from a library that is found when the program runs.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ort::environment::Environment;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session, SessionInputValue};
use ort::value::{Outlet, TensorElementType, TensorRef, ValueType};

use crate::engine::RuntimeOptions;
use crate::library::Library;
use crate::{Error, ModelInfo, TimeInput};

/// The one library of this process and its environment.
static LOADED: Mutex<Option<(Library, Environment)>> = Mutex::new(None);

/// A loaded graph with a picture and a time as inputs and one output.
pub(crate) struct Runtime {
    session: Mutex<Session>,
    names: [&'static str; 2],
    has_integer_time: bool,
    has_scalar_time: bool,
    output_channels: usize,
    name: String,
}

impl Runtime {
    /// Find the library, load an ONNX model and check the shapes and types of its inputs.
    pub(crate) fn load(
        bytes: &[u8],
        names: &[&'static str; 2],
        info: &ModelInfo,
        options: &RuntimeOptions,
    ) -> Result<Self, Error> {
        let (environment, version) = environment(options.library.as_ref())?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if options.threads == 0 { cores } else { options.threads };
        let session = session(&environment, bytes, threads)?;
        let outlet = |name: &str| session.inputs().iter().find(|input| input.name() == name);
        let channels = i64::try_from(info.channels).unwrap_or(i64::MAX);
        let is_picture = |shape: &[i64]| shape.len() == 4 && (shape[1] == channels || shape[1] < 0);
        let x = format!("f32 [any, {channels}, any, any], where the channels are those of rwt.channels");
        check(outlet("x"), "input x", &x, |ty, shape| ty == TensorElementType::Float32 && is_picture(shape))?;
        let (mut has_integer_time, mut has_scalar_time) = (false, false);
        check(outlet(names[0]), "the time", "f32, or i64 if rwt.time is integer, [any] or a scalar", |ty, shape| {
            has_integer_time = ty == TensorElementType::Int64;
            has_scalar_time = shape.is_empty();
            let is_known = ty == TensorElementType::Float32 || has_integer_time;
            is_known && shape.len() <= 1 && (!has_integer_time || info.conventions.time == TimeInput::Integer)
        })?;
        let output_channels = if info.conventions.learned_variance { 2 * info.channels } else { info.channels };
        let name = format!("ONNX Runtime {version}, CPU");
        Ok(Self {
            session: Mutex::new(session),
            names: *names,
            has_integer_time,
            has_scalar_time,
            output_channels,
            name,
        })
    }

    /// The engine's name, version and provider.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Run on one padded picture and hand over the output; see [`Engine::run`](crate::engine::Engine::run).
    pub(crate) fn run(
        &self,
        shape: [usize; 4],
        x: &[f32],
        time: f64,
        output: impl FnOnce(&[f32]),
    ) -> Result<(), Error> {
        let failed = |error: ort::Error| engine("running", &error);
        let (float, integer) = ([time as f32], [time as i64]);
        let length = if self.has_scalar_time { vec![] } else { vec![1_usize] };
        let x = TensorRef::from_array_view((shape, x)).map_err(failed)?;
        let time: SessionInputValue<'_> = if self.has_integer_time {
            TensorRef::from_array_view((length, &integer[..])).map_err(failed)?.into()
        } else {
            TensorRef::from_array_view((length, &float[..])).map_err(failed)?.into()
        };
        let inputs: Vec<(Cow<'_, str>, SessionInputValue<'_>)> =
            vec![("x".into(), x.into()), (self.names[0].into(), time)];
        let mut session = locked(&self.session);
        let outputs = session.run(inputs).map_err(failed)?;
        let (found, data) = outputs[self.names[1]].try_extract_tensor::<f32>().map_err(failed)?;
        let expected = [shape[0], self.output_channels, shape[2], shape[3]];
        let found: Vec<usize> = found.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
        if found != expected {
            return Err(Error::OutputShape { expected, found });
        }
        output(data);
        Ok(())
    }
}

/// The process's environment, made at the first call, and the library's version.
fn environment(path: Option<&PathBuf>) -> Result<(Environment, String), Error> {
    let mut loaded = locked(&LOADED);
    if let Some((library, environment)) = &*loaded {
        if let Some(path) = path.filter(|path| **path != library.path) {
            let why = format!("this process already uses {}", library.path.display());
            return Err(Error::Runtime {
                wanted: crate::library::WANTED,
                tried: vec![format!("{}: {why}", path.display())],
            });
        }
        return Ok((environment.clone(), library.version.clone()));
    }
    let library = Library::find(path.map(PathBuf::as_path))?;
    let builder = ort::init_from(&library.path).map_err(|error| engine("loading", &error))?;
    let environment = builder.with_name("rwt").build().map_err(|error| engine("loading", &error))?;
    *loaded = Some((library.clone(), environment.clone()));
    Ok((environment, library.version))
}

fn session(environment: &Environment, bytes: &[u8], threads: usize) -> Result<Session, Error> {
    let failed = |error: &dyn std::fmt::Display| engine("loading", error);
    let builder = Session::builder(environment).map_err(|error| failed(&error))?;
    let builder = builder.with_optimization_level(GraphOptimizationLevel::Level3).map_err(|error| failed(&error))?;
    let mut builder = builder.with_intra_threads(threads).map_err(|error| failed(&error))?;
    builder.commit_from_memory(bytes).map_err(|error| failed(&error))
}

/// An input is a tensor whose type and shape are right; free axes are negative.
fn check(
    outlet: Option<&Outlet>,
    what: &'static str,
    expected: &str,
    is_right: impl FnOnce(TensorElementType, &[i64]) -> bool,
) -> Result<(), Error> {
    let found = match outlet.map(Outlet::dtype) {
        Some(ValueType::Tensor { ty, shape, .. }) => {
            if is_right(*ty, shape) {
                return Ok(());
            }
            format!("{ty} {:?}", &shape[..])
        }
        Some(other) => format!("{other}"),
        None => "nothing".into(),
    };
    Err(Error::Interface { what, expected: expected.into(), found })
}

fn engine(stage: &'static str, error: &dyn std::fmt::Display) -> Error {
    Error::Engine { stage, message: error.to_string() }
}

/// A lock whose holder panicked holds nothing half-done here.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
