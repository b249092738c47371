//! What a model file holds, read before the engine sees it.
//!
//! The engine's parser trusts lengths, and allocates what they say before it reads. So every message that it would
//! decode is walked here first, without copying: lengths against bytes, tensor shapes against data, and sizes that a
//! damaged byte could turn into gigabytes.

use std::collections::BTreeSet;

use crate::Error;
use crate::operators;
use crate::wire::{Fields, Value, text, varint};

/// Pads, strides, kernels and the like of more than this are damage, not design.
const WINDOW_LIMIT: u64 = 64;
/// More inputs of an operator than a network has.
const INPUT_LIMIT: usize = 1024;
/// Integer constants are axes, shapes and pads; i32's and i64's ends mean "to the end" and are let through.
const INTEGER_LIMIT: u64 = 1 << 16;
const WINDOWS: [&str; 7] =
    ["pads", "strides", "dilations", "kernel_shape", "output_padding", "output_shape", "blocksize"];

/// The parts of a model that are judged before loading.
#[derive(Default)]
pub(crate) struct Contents {
    /// metadata_props in the file's order.
    pub(crate) metadata: Vec<(String, String)>,
    /// Operators in use, with their domain where it is not ONNX's own.
    pub(crate) operators: BTreeSet<String>,
    /// An operator runs a graph of its own, which is not walked.
    has_subgraph: bool,
    /// Names of the graph's inputs; old exporters list weights among them.
    inputs: Vec<String>,
    /// Names of the graph's outputs.
    outputs: Vec<String>,
    /// Names of the weights.
    weights: BTreeSet<String>,
}

impl Contents {
    /// Walk a ModelProto.
    pub(crate) fn read(model: &[u8]) -> Result<Self, Error> {
        let mut contents = Self::default();
        let mut graphs = 0;
        each(model, |number, message| match number {
            7 => {
                graphs += 1;
                contents.graph(message)
            }
            8 => leaf(message),
            14 => {
                let entry = [string(message, 1)?, string(message, 2)?].map(str::to_owned);
                contents.metadata.push(entry.into());
                Ok(())
            }
            25 => Err(Error::Malformed("expected operators of ONNX, found functions of the model's own".into())),
            _ => Ok(()),
        })?;
        match graphs {
            1 => Ok(contents),
            found => Err(Error::Malformed(format!("expected one graph, found {found}"))),
        }
    }

    /// The names of inputs and outputs are those of a denoiser: the names of the time and the output. For the embedded
    /// engine, its operators are known, too.
    pub(crate) fn check(&self, is_embedded: bool) -> Result<[&'static str; 2], Error> {
        let names: Vec<_> = self.operators.iter().filter(|name| !operators::is_supported(name)).cloned().collect();
        if is_embedded && !names.is_empty() || self.has_subgraph {
            return Err(Error::Operators { names });
        }
        let interface = |what, expected: &str, found: &[&str]| {
            let found = if found.is_empty() { "nothing".into() } else { found.join(", ") };
            Err(Error::Interface { what, expected: expected.into(), found })
        };
        let mut inputs: Vec<_> =
            self.inputs.iter().filter(|&n| !self.weights.contains(n)).map(String::as_str).collect();
        inputs.sort_unstable();
        let time = match inputs[..] {
            ["sigma", "x"] => "sigma",
            ["t", "x"] => "t",
            _ => return interface("inputs", "x and sigma, or x and t", &inputs),
        };
        let outputs: Vec<_> = self.outputs.iter().map(String::as_str).collect();
        match ["denoised", "output"].into_iter().find(|name| outputs.contains(name)) {
            Some(output) => Ok([time, output]),
            None => interface("outputs", "denoised or output", &outputs),
        }
    }

    fn graph(&mut self, graph: &[u8]) -> Result<(), Error> {
        each(graph, |number, message| match number {
            1 => self.node(message),
            5 => {
                self.weights.insert(string(message, 8)?.into());
                tensor(message)
            }
            11..=13 => {
                let name = string(message, 1)?.into();
                match number {
                    11 => self.inputs.push(name),
                    12 => self.outputs.push(name),
                    _ => {}
                }
                value_info(message)
            }
            _ => Ok(()),
        })
    }

    fn node(&mut self, node: &[u8]) -> Result<(), Error> {
        let mut inputs = 0;
        let (kind, domain) = (string(node, 4)?, string(node, 7)?);
        let name = if matches!(domain, "" | "ai.onnx") { kind.to_owned() } else { format!("{domain}.{kind}") };
        each(node, |number, message| match number {
            5 => attribute(message).map(|holds_graph| {
                if holds_graph {
                    self.operators.insert(format!("{name} with a subgraph"));
                    self.has_subgraph = true;
                }
            }),
            1 => {
                inputs += 1;
                Ok(())
            }
            _ => Ok(()),
        })?;
        if inputs > INPUT_LIMIT {
            let text = format!("{name}: expected at most {INPUT_LIMIT} inputs, found {inputs}");
            return Err(Error::Malformed(text));
        }
        self.operators.insert(name);
        Ok(())
    }
}

/// Walk an AttributeProto; true if it holds a subgraph, which is not walked: such a model is refused.
fn attribute(attribute: &[u8]) -> Result<bool, Error> {
    let name = string(attribute, 1)?;
    let is_window = WINDOWS.contains(&name);
    let mut holds_graph = false;
    let mut fields = Fields(attribute);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (3 | 8, Value::Varint(value)) if is_window && (value as i64).unsigned_abs() > WINDOW_LIMIT => {
                let found = value as i64;
                return Err(Error::Malformed(format!(
                    "attribute {name}: expected at most {WINDOW_LIMIT}, found {found}"
                )));
            }
            (5, Value::Bytes(message)) => tensor(message)?,
            (6 | 11, Value::Bytes(_)) => holds_graph = true,
            _ => {}
        }
    }
    Ok(holds_graph)
}

/// Walk a ValueInfoProto → TypeProto → tensor type → shape → dimensions.
fn value_info(info: &[u8]) -> Result<(), Error> {
    nested(info, 2, |kind| {
        each(kind, |number, message| match number {
            1 => nested(message, 2, |shape| nested(shape, 1, leaf)),
            4 => Err(Error::Malformed("expected values that are tensors, found a sequence".into())),
            _ => Ok(()),
        })
    })
}

/// Walk a TensorProto: its shape is that of its data, and its data are inside.
fn tensor(tensor: &[u8]) -> Result<(), Error> {
    let name = string(tensor, 8)?;
    let (mut elements, mut kind, mut raw, mut typed) = (Some(1_u64), 0, None, 0);
    let mut fields = Fields(tensor);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, Value::Varint(size)) => elements = elements.and_then(|n| n.checked_mul(size)),
            (2, Value::Varint(code)) => kind = code,
            (9, Value::Bytes(data)) => raw = Some(data),
            (5 | 7, Value::Bytes(data)) => typed += packed_integers(name, data)?,
            (4 | 10, Value::Bytes(data)) => typed += data.len() as u64 / if number == 4 { 4 } else { 8 },
            (4 | 5 | 7 | 10, _) => typed += 1,
            (13, Value::Bytes(_)) => {
                return Err(Error::ExternalData { tensor: name.into() });
            }
            (14, Value::Varint(1..)) => {
                return Err(Error::ExternalData { tensor: name.into() });
            }
            _ => {}
        }
    }
    let size = element_size(kind).ok_or_else(|| {
        Error::Malformed(format!("tensor {name}: expected numbers of a known type, found type {kind}"))
    })?;
    let found = raw.map_or(typed, |data| data.len() as u64 / size);
    if elements != Some(found) || raw.is_some_and(|data| !(data.len() as u64).is_multiple_of(size)) {
        let expected = elements.map_or("fewer than 2^64".into(), |n| n.to_string());
        return Err(Error::Malformed(format!("tensor {name}: expected {expected} elements, found {found}")));
    }
    match (kind, raw) {
        (6, Some(data)) => {
            integers(name, data.chunks_exact(4).map(|b| i32::from_le_bytes(b.try_into().unwrap_or_default()).into()))
        }
        (7, Some(data)) => {
            integers(name, data.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap_or_default())))
        }
        _ => Ok(()),
    }
}

/// Bytes of one element of a TensorProto.DataType, for the types that the engine loads.
fn element_size(kind: u64) -> Option<u64> {
    match kind {
        2 | 3 | 9 => Some(1),
        10 => Some(2),
        1 | 6 => Some(4),
        7 | 11 => Some(8),
        _ => None,
    }
}

fn packed_integers(tensor: &str, mut data: &[u8]) -> Result<u64, Error> {
    let mut values = Vec::new();
    while !data.is_empty() {
        values.push(varint(&mut data)? as i64);
    }
    integers(tensor, values.iter().copied())?;
    Ok(values.len() as u64)
}

fn integers(tensor: &str, mut values: impl Iterator<Item = i64>) -> Result<(), Error> {
    let is_end = |value: i64| value >= i32::MAX.into() || value <= i32::MIN.into();
    match values.find(|&value| !is_end(value) && value.unsigned_abs() > INTEGER_LIMIT) {
        None => Ok(()),
        Some(found) => {
            Err(Error::Malformed(format!("tensor {tensor}: expected integers up to {INTEGER_LIMIT}, found {found}")))
        }
    }
}

/// Call `visit` with every field that holds bytes; check all others.
fn each<'a>(message: &'a [u8], mut visit: impl FnMut(u64, &'a [u8]) -> Result<(), Error>) -> Result<(), Error> {
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next()? {
        if let Value::Bytes(bytes) = value {
            visit(number, bytes)?;
        }
    }
    Ok(())
}

/// Check a message, and `visit` its embedded messages of the given number.
fn nested<'a>(
    message: &'a [u8],
    number: u64,
    mut visit: impl FnMut(&'a [u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    each(message, |found, bytes| if found == number { visit(bytes) } else { Ok(()) })
}

/// Check a message that holds no other.
fn leaf(message: &[u8]) -> Result<(), Error> {
    each(message, |_, _| Ok(()))
}

/// The last text of the given number in a message, or "".
fn string(message: &[u8], number: u64) -> Result<&str, Error> {
    let mut found = "";
    nested(message, number, |bytes| {
        found = text(bytes)?;
        Ok(())
    })?;
    Ok(found)
}
