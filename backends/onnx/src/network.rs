//! A checked graph with all its shapes known, for executors other than this crate's engines.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use rwt_core::Chain;

use crate::contents::Contents;
use crate::graph::{Graph, Node, weights};
use crate::interface::Interface;
use crate::memory::outputs;
use crate::onnx_denoiser::{SIZE_LIMIT, read};
use crate::padding::padded_size;
use crate::symmetry::{Symmetry, chain_key, pick};
use crate::{Error, ModelInfo};

/// The longest chain of operators.
const DEPTH_LIMIT: usize = 20_000;
/// Elements are counted in 32 bits.
const ELEMENT_LIMIT: u64 = i32::MAX as u64;

/// A denoiser's file as the engines take it, read and checked in the same way, for an executor of its own.
pub struct Network {
    pub(crate) bytes: Arc<Vec<u8>>,
    info: ModelInfo,
    graph: Graph,
    pub(crate) interface: Interface,
}

/// What an evaluation at one noise level takes beside x: the network is given `scale`·x and `time`, and
/// D(x, σ) = `input`·x + `output`·(what it answers). Of the answer's channels, the first are meant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// What x is multiplied by.
    pub scale: f64,
    /// What the network is told of σ.
    pub time: f64,
    /// Coefficient of x.
    pub input: f64,
    /// Coefficient of the answer.
    pub output: f64,
}

/// A graph for pictures of one number and size.
pub struct FixedGraph<'a> {
    /// Everything that is read or written by an operation.
    pub values: Vec<Value<'a>>,
    /// In the order of execution, but for those whose results are known.
    pub operations: Vec<Operation<'a>>,
    /// Which value is the picture, \[pictures, channels, height, width\].
    pub x: usize,
    /// Which value is the time, \[pictures\] or a scalar.
    pub time: usize,
    /// Which value is the answer, \[pictures, channels or twice as many, height, width\].
    pub output: usize,
}

/// A tensor of a graph.
pub struct Value<'a> {
    /// Sizes of its axes; none for a scalar.
    pub shape: Vec<usize>,
    /// Its elements, if they do not depend on x and the time.
    pub contents: ValueContents<'a>,
}

/// The elements of a tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueContents<'a> {
    /// Not known before the evaluation, or integers too many for a shape.
    Computed,
    /// Integers or truth values.
    Integers(Vec<i64>),
    /// A few floats.
    Floats(Vec<f32>),
    /// The name and the little-endian f32 of a weight in the file.
    Weights(&'a str, &'a [u8]),
}

/// A node of a graph.
pub struct Operation<'a> {
    node: &'a Node,
    /// Which values are read; `None` for an optional one that is left out.
    pub inputs: Vec<Option<usize>>,
    /// Which values are written; `None` for one that nobody wants.
    pub outputs: Vec<Option<usize>>,
}

impl<'a> Operation<'a> {
    /// The ONNX operator, such as "Conv".
    pub fn operator(&self) -> &'a str {
        &self.node.operator
    }

    /// The operator and its first output, for messages.
    pub fn name(&self) -> String {
        self.node.name()
    }

    /// The integers of an attribute; one if it is an integer, none if it is missing.
    pub fn integers(&self, name: &str) -> &'a [i64] {
        self.node.integers(name)
    }

    /// An integer attribute.
    pub fn integer(&self, name: &str, default: i64) -> i64 {
        self.node.integer(name, default)
    }

    /// A float attribute.
    pub fn float(&self, name: &str, default: f64) -> f64 {
        self.node.float(name, default)
    }

    /// A text attribute, or "".
    pub fn text(&self, name: &str) -> &'a str {
        self.node.text(name)
    }
}

impl Network {
    /// Read and check a file of at most 1 GiB, with metadata that it lacks, such as `("rwt.time", "sigma")`.
    ///
    /// # Errors
    /// As [`OnnxDenoiser::open_with`](crate::OnnxDenoiser::open_with), but for what engines say.
    pub fn open(path: impl AsRef<Path>, keys: &[(&str, &str)]) -> Result<Self, Error> {
        Self::from_bytes(read(path.as_ref())?, keys)
    }

    /// The same from the bytes of a file.
    ///
    /// # Errors
    /// As [`OnnxDenoiser::from_bytes_with`](crate::OnnxDenoiser::from_bytes_with), but for what engines say.
    pub fn from_bytes(bytes: Vec<u8>, keys: &[(&str, &str)]) -> Result<Self, Error> {
        let found = bytes.len() as u64;
        if found > SIZE_LIMIT {
            return Err(Error::TooLarge { expected: SIZE_LIMIT, found });
        }
        let mut contents = Contents::read(&bytes)?;
        let names = contents.check(false)?;
        contents.metadata.extend(keys.iter().map(|(key, value)| (key.to_string(), value.to_string())));
        let info = ModelInfo::from_metadata(&contents.metadata)?;
        let graph = Graph::read(&bytes)?;
        graph.check_depth(DEPTH_LIMIT)?;
        let interface = Interface::new(&graph, names, &info)?;
        Ok(Self { bytes: Arc::new(bytes), info, graph, interface })
    }

    /// What the model says about itself.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// The operators of the nodes and what they write, for messages.
    pub fn operators(&self) -> impl Iterator<Item = (&str, String)> {
        self.graph.nodes.iter().map(|node| (&node.operator[..], node.name()))
    }

    /// The size at which the network sees pictures of this height and width: with `rwt.margin` reflected pixels before
    /// and behind, and more behind up to a multiple of `rwt.multiple`.
    ///
    /// # Errors
    /// [`Error::Size`].
    pub fn padded(&self, height: usize, width: usize) -> Result<[usize; 2], Error> {
        let size = [height, width].map(|size| padded_size(size, self.info.margin, self.info.multiple));
        let elements = (size[0] as u64).saturating_mul(size[1] as u64).saturating_mul(self.info.channels as u64);
        if height == 0 || width == 0 || elements > ELEMENT_LIMIT {
            return Err(Error::Size { height, width, limit: ELEMENT_LIMIT as usize });
        }
        Ok(size)
    }

    /// How D(x, σ) is asked for.
    ///
    /// # Errors
    /// [`Error::Sigma`], [`Error::NotOnTable`].
    pub fn level(&self, sigma: f64) -> Result<Level, Error> {
        self.info.check_sigma(sigma)?;
        let conventions = &self.info.conventions;
        let rule = conventions.prediction.tweedie(sigma);
        let scale = conventions.prediction.input_scale(sigma);
        Ok(Level { scale, time: conventions.time_of(sigma)?, input: rule.input, output: rule.output })
    }

    /// In which symmetry of the square a chain's picture is shown at a level: 1 transposed (after the others) + 2 upside
    /// down + 4 left to right; 0 unless pictures in all symmetries are as likely to the model
    /// ([`Evaluator::set_chains`](crate::Evaluator::set_chains)).
    pub fn symmetry(&self, chain: Chain, sigma: f64) -> u32 {
        if self.info.square { pick(chain_key(chain), sigma, Symmetry::COUNT) as u32 } else { 0 }
    }

    /// The graph for so many pictures of a padded size.
    ///
    /// # Errors
    /// [`Error::Shapes`] at a node whose shapes do not fit or are not known, [`Error::Memory`] for a value of more
    /// elements than can be counted, [`Error::OutputShape`].
    pub fn at(&self, pictures: usize, [height, width]: [usize; 2]) -> Result<FixedGraph<'_>, Error> {
        let shape = [pictures, self.info.channels, height, width];
        let mut fixing =
            Fixing { graph: &self.graph, weights: weights(&self.bytes)?, places: HashMap::new(), fixed: vec![] };
        let [x, time] =
            self.interface.shapes(shape).map(|(name, shape)| fixing.add(name, shape, ValueContents::Computed));
        let (x, time) = (x?, time?);
        let mut operations = Vec::new();
        for node in &self.graph.nodes {
            operations.extend(fixing.run(node)?);
        }
        let output = fixing.place(self.interface.output).ok().flatten();
        let expected = [pictures, self.interface.output_channels, height, width];
        match output {
            Some(output) if fixing.fixed[output].shape == expected => {
                Ok(FixedGraph { values: fixing.fixed, operations, x, time, output })
            }
            output => {
                let found = output.map(|output| fixing.fixed[output].shape.clone()).unwrap_or_default();
                Err(Error::OutputShape { expected, found })
            }
        }
    }
}

/// A graph while its shapes are found.
struct Fixing<'a> {
    graph: &'a Graph,
    weights: HashMap<&'a str, &'a [u8]>,
    places: HashMap<&'a str, usize>,
    fixed: Vec<Value<'a>>,
}

impl<'a> Fixing<'a> {
    fn add(&mut self, name: &'a str, shape: Vec<usize>, contents: ValueContents<'a>) -> Result<usize, Error> {
        let elements = shape.iter().fold(1_u64, |n, &size| n.saturating_mul(size as u64));
        if elements > ELEMENT_LIMIT {
            return Err(Error::Memory { limit: 4 * ELEMENT_LIMIT, needed: elements.saturating_mul(4) });
        }
        self.fixed.push(Value { shape, contents });
        self.places.insert(name, self.fixed.len() - 1);
        Ok(self.fixed.len() - 1)
    }

    /// Which value has this name; constants become values when they are first asked for.
    fn place(&mut self, name: &'a str) -> Result<Option<usize>, String> {
        if name.is_empty() {
            return Ok(None);
        }
        if let Some(&place) = self.places.get(name) {
            return Ok(Some(place));
        }
        let constant = self.graph.constants.get(name).ok_or_else(|| format!("nothing before it writes {name:?}"))?;
        let contents = match (&constant.small, self.weights.get(name)) {
            (Some(small), _) => small.contents(),
            (None, Some(bytes)) => ValueContents::Weights(name, bytes),
            (None, None) => ValueContents::Computed,
        };
        self.add(name, constant.shape.clone(), contents).map(Some).map_err(|error| error.to_string())
    }

    /// Add what a node writes; the operation, unless all of that is known.
    fn run(&mut self, node: &'a Node) -> Result<Option<Operation<'a>>, Error> {
        let failed = |why: String| Error::Shapes { node: node.name(), why };
        let inputs = node.inputs.iter().map(|name| self.place(name)).collect::<Result<Vec<_>, _>>().map_err(failed)?;
        let smalls: Vec<_> = inputs.iter().map(|place| place.and_then(|place| self.fixed[place].small())).collect();
        let shape_of = |place: usize| &self.fixed[place].shape[..];
        let seen =
            inputs.iter().zip(&smalls).map(|(place, small)| place.map(|place| (shape_of(place), small.as_ref())));
        let seen: Vec<_> = seen.collect();
        // the rules calculate with i32 and trust each other
        let found = catch_unwind(AssertUnwindSafe(|| outputs(node, &seen)));
        let found = found.unwrap_or_else(|_| Err("a size is out of range".into())).map_err(failed)?;
        let is_known = found.iter().all(|(_, small)| small.is_some());
        let mut places = Vec::new();
        for (name, (shape, small)) in node.outputs.iter().zip(found) {
            let contents = small.map_or(ValueContents::Computed, |small| small.contents());
            places.push(if name.is_empty() { None } else { Some(self.add(name, shape, contents)?) });
        }
        Ok((!is_known).then_some(Operation { node, inputs, outputs: places }))
    }
}
