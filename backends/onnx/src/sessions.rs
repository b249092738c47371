//! The sessions of one network: one for all shapes or, where the provider is faster for it, one for each.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use crate::assignment;
use crate::interface::Interface;
use crate::library::Library;
use crate::source::Source;
use crate::{Error, Precision, Provider, RuntimeOptions, nvidia};

/// The one library of this process and its environment.
static LOADED: Mutex<Option<(Library, Environment)>> = Mutex::new(None);

/// Shapes whose sessions, and whose arrays in an evaluator, are kept: a picture as it is and on its side, alone and in
/// batches.
pub(crate) const KEPT: usize = 4;

/// The configuration that says where the files are that a model in memory refers to.
const WEIGHTS_FOLDER: &str = "session.model_external_initializers_file_folder_path";

type Shared = Arc<Mutex<Session>>;

/// Makes sessions and keeps them.
pub(crate) struct Sessions {
    environment: Environment,
    library: Library,
    options: RuntimeOptions,
    threads: usize,
    /// The address of the stream that the provider computes on, if it is not to be its own.
    stream: Option<usize>,
    /// The model and the names of the axes of x, if there is a session for each shape.
    fixed: Option<(Source, Vec<String>)>,
    kept: Mutex<Vec<([usize; 4], Shared)>>,
}

impl Sessions {
    /// Find the library and the provider. A stream outlives the sessions.
    pub(crate) fn open(
        source: Source,
        interface: &Interface,
        options: &RuntimeOptions,
        stream: Option<usize>,
    ) -> Result<Self, Error> {
        let (environment, library) = environment(options.library.as_ref())?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if options.threads == 0 { cores } else { options.threads };
        let (fixed, kept) = (None, Mutex::default());
        let mut sessions = Self { environment, library, options: options.clone(), threads, stream, fixed, kept };
        let builder = sessions.builder()?;
        if options.provider.wants_fixed_shapes() {
            sessions.fixed = Some((source, interface.axes.clone()));
        } else {
            let session = sessions.commit(builder, &source)?;
            locked(&sessions.kept).push(([0; 4], Arc::new(Mutex::new(session))));
        }
        Ok(sessions)
    }

    /// Drop the sessions of fixed shapes.
    pub(crate) fn forget(&self) {
        if self.is_fixed() {
            locked(&self.kept).clear();
        }
    }

    /// Is there a session for each shape?
    pub(crate) fn is_fixed(&self) -> bool {
        self.fixed.is_some()
    }

    /// The session for pictures of a shape.
    pub(crate) fn of(&self, shape: [usize; 4]) -> Result<Shared, Error> {
        let mut kept = locked(&self.kept);
        let Some((source, axes)) = &self.fixed else { return Ok(kept[0].1.clone()) };
        if let Some((_, session)) = kept.iter().find(|(known, _)| *known == shape) {
            return Ok(session.clone());
        }
        let mut builder = self.builder()?;
        let named = || axes.iter().zip(shape).filter(|(axis, _)| !axis.is_empty());
        // a name for two sizes fixes neither
        for (axis, size) in named().filter(|(axis, size)| named().all(|(other, of)| other != *axis || of == *size)) {
            builder = option(builder.with_dimension_override(axis, size as i64))?;
        }
        let session = self.commit(builder, source)?;
        if self.options.cpu_fallback && assignment::parts_of(&session, self.options.provider.name()) == Some(0) {
            return Err(self.refused("it runs no part of the network: the device may be missing"));
        }
        let session = Arc::new(Mutex::new(session));
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push((shape, session.clone()));
        Ok(session)
    }

    /// The engine's version and what computes.
    pub(crate) fn name(&self) -> String {
        let RuntimeOptions { provider, device, precision, cpu_fallback, .. } = &self.options;
        let mut name = format!("ONNX Runtime {}, {provider}", self.library.version);
        if !device.is_empty() {
            name += &format!(" {device}");
        }
        if *precision != Precision::F32 {
            name += &format!(", {precision}");
        }
        if *cpu_fallback {
            name += ", what it lacks on the CPU";
        }
        name
    }

    /// With the provider; it must be there and, unless the caller allows otherwise, run the whole network.
    fn builder(&self) -> Result<SessionBuilder, Error> {
        let builder = option(Session::builder(&self.environment))?;
        let mut builder = option(builder.with_optimization_level(GraphOptimizationLevel::Level3))?;
        builder = option(builder.with_intra_threads(self.threads))?;
        builder = option(builder.with_log_level(LogLevel::Fatal))?; // errors are returned
        if self.is_nvidia() {
            nvidia::open_beside(&self.library.path);
        }
        let dispatch = self.options.provider.dispatch(&self.options, self.threads, self.stream)?;
        if dispatch.is_empty() {
            return Ok(builder);
        }
        builder = match self.options.cpu_fallback {
            true => option(builder.with_config_entry(assignment::RECORD, "1"))?,
            false => option(builder.with_disable_cpu_fallback())?,
        };
        builder = option(builder.with_memory_pattern(false))?; // as DirectML demands
        builder.with_execution_providers(dispatch).map_err(|error| self.not_started(&error.to_string()))
    }

    fn commit(&self, mut builder: SessionBuilder, source: &Source) -> Result<Session, Error> {
        let session = match source {
            Source::Bytes(bytes) => builder.commit_from_memory(bytes),
            Source::File(file) => {
                file.check()?;
                let mut builder = option(builder.with_config_entry(WEIGHTS_FOLDER, &file.folder))?;
                builder.commit_from_memory(&file.graph)
            }
        };
        session.map_err(|error| {
            let why = error.to_string();
            if why.contains("fallback to CPU EP") {
                return self.refused(
                    "it does not run the whole network: the device may be missing, or the provider lacks operators and \
                     the CPU was not allowed for them",
                );
            }
            if self.is_nvidia() && why.contains(" failure ") {
                return self.not_started(&why); // "CUDA failure 100: ..."
            }
            engine("loading", &why)
        })
    }

    fn is_nvidia(&self) -> bool {
        matches!(self.options.provider, Provider::Cuda | Provider::TensorRt)
    }

    fn not_started(&self, why: &str) -> Error {
        let why = why.rsplit("[ONNXRuntimeError] : ").next().unwrap_or(why).trim();
        self.refused(&format!("it does not start ({why}); {}", self.options.provider.needs()))
    }

    fn refused(&self, why: &str) -> Error {
        Error::Provider { provider: self.options.provider.to_string(), why: why.into() }
    }
}

/// The process's environment, made at the first call, and the library.
fn environment(path: Option<&PathBuf>) -> Result<(Environment, Library), Error> {
    let mut loaded = locked(&LOADED);
    if let Some((library, environment)) = &*loaded {
        if let Some(path) = path.filter(|path| **path != library.path) {
            let why = format!("this process already uses {}", library.path.display());
            return Err(Error::Runtime {
                wanted: crate::library::WANTED,
                tried: vec![format!("{}: {why}", path.display())],
            });
        }
        return Ok((environment.clone(), library.clone()));
    }
    let library = Library::find(path.map(PathBuf::as_path))?;
    let builder = ort::init_from(&library.path).map_err(|error| engine("loading", &error))?;
    let environment = builder.with_name("rwt").build().map_err(|error| engine("loading", &error))?;
    *loaded = Some((library.clone(), environment.clone()));
    Ok((environment, library))
}

/// A builder with one more option.
fn option<E: std::fmt::Display>(builder: Result<SessionBuilder, E>) -> Result<SessionBuilder, Error> {
    builder.map_err(|error| engine("loading", &error))
}

pub(crate) fn engine(stage: &'static str, error: &dyn std::fmt::Display) -> Error {
    Error::Engine { stage, message: error.to_string() }
}

/// A lock whose holder panicked holds nothing half-done here.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
