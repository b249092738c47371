//! The nodes and constants of a graph, as far as shapes depend on them.

use std::collections::HashMap;

use crate::Error;
use crate::small::{Small, VALUE_LIMIT};
use crate::wire::{Fields, Value, text, varint};

/// A graph whose bytes have been walked by [`Contents`](crate::contents::Contents).
#[derive(Default)]
pub(crate) struct Graph {
    /// In the order of the file, which is that of execution.
    pub(crate) nodes: Vec<Node>,
    pub(crate) constants: HashMap<String, Constant>,
    pub(crate) inputs: HashMap<String, Input>,
}

/// An input as it is declared: a TensorProto.DataType, and the shape if there is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Input {
    pub(crate) kind: u64,
    pub(crate) axes: Option<Vec<Axis>>,
}

/// The size of an axis; a free one may have a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    Fixed(usize),
    Free(String),
}

/// An operator and what it reads and writes; "" for an input or output that is left out.
#[derive(Default)]
pub(crate) struct Node {
    pub(crate) operator: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    pub(crate) attributes: HashMap<String, Attribute>,
}

#[derive(Default)]
pub(crate) struct Attribute {
    integers: Vec<i64>,
    floats: Vec<f64>,
    text: String,
    tensor: Option<Constant>,
}

/// A tensor in the file: its shape and, of a small one, the values; larger ones are weights.
#[derive(Default, Clone)]
pub(crate) struct Constant {
    pub(crate) shape: Vec<usize>,
    pub(crate) small: Option<Small>,
}

impl Graph {
    pub(crate) fn read(model: &[u8]) -> Result<Self, Error> {
        let mut graph = Self::default();
        for part in messages(model, 7)?.into_iter().flat_map(fields) {
            match part? {
                (1, Value::Bytes(node)) => graph.node(node)?,
                (5, Value::Bytes(weights)) => {
                    let (name, constant) = Constant::read(weights)?;
                    graph.constants.insert(name, constant);
                }
                (11, Value::Bytes(input)) => graph.input(input)?,
                _ => {}
            }
        }
        Ok(graph)
    }

    /// An error if more operators than `limit` stand one after another.
    pub(crate) fn check_depth(&self, limit: usize) -> Result<(), Error> {
        let mut depths: HashMap<&str, usize> = HashMap::new();
        for node in &self.nodes {
            let depth = 1 + node.inputs.iter().filter_map(|name| depths.get(&name[..])).max().copied().unwrap_or(0);
            if depth > limit {
                let text = format!("expected at most {limit} operators one after another, found more");
                return Err(Error::Malformed(text));
            }
            depths.extend(node.outputs.iter().map(|name| (&name[..], depth)));
        }
        Ok(())
    }

    /// Remember a ValueInfoProto: name, type → tensor type → element type, shape → dimensions.
    fn input(&mut self, message: &[u8]) -> Result<(), Error> {
        let mut input = Input::default();
        for tensor in
            messages(message, 2)?.into_iter().map(|kind| messages(kind, 1)).collect::<Result<Vec<_>, _>>()?.concat()
        {
            for field in fields(tensor) {
                match field? {
                    (1, Value::Varint(kind)) => input.kind = kind,
                    (2, Value::Bytes(shape)) => {
                        input.axes = Some(messages(shape, 1)?.into_iter().map(Axis::read).collect::<Result<_, _>>()?);
                    }
                    _ => {}
                }
            }
        }
        let name = messages(message, 1)?.first().map_or(Ok(""), |name| text(name))?;
        self.inputs.insert(name.into(), input);
        Ok(())
    }

    /// Add a node; `Constant` becomes one.
    fn node(&mut self, message: &[u8]) -> Result<(), Error> {
        let mut node = Node::default();
        for field in fields(message) {
            let (number, Value::Bytes(bytes)) = field? else { continue };
            match number {
                1 => node.inputs.push(text(bytes)?.into()),
                2 => node.outputs.push(text(bytes)?.into()),
                4 => node.operator.push_str(text(bytes)?),
                7 if !matches!(bytes, b"" | b"ai.onnx") => node.operator.insert_str(0, &format!("{}.", text(bytes)?)),
                5 => {
                    let (name, attribute) = Attribute::read(bytes)?;
                    node.attributes.insert(name, attribute);
                }
                _ => {}
            }
        }
        if node.operator == "Constant" {
            let name = node.outputs.first().cloned().unwrap_or_default();
            self.constants.insert(name, node.constant());
        } else {
            self.nodes.push(node);
        }
        Ok(())
    }
}

impl Axis {
    /// A Dimension: a size or a name.
    fn read(message: &[u8]) -> Result<Self, Error> {
        let mut axis = Self::Free(String::new());
        for field in fields(message) {
            match field? {
                (1, Value::Varint(size)) => axis = Self::Fixed(size as usize),
                (2, Value::Bytes(name)) => axis = Self::Free(text(name)?.into()),
                _ => {}
            }
        }
        Ok(axis)
    }
}

impl Node {
    /// The integers of an attribute; one if it is an integer, none if it is missing.
    pub(crate) fn integers(&self, name: &str) -> &[i64] {
        self.attributes.get(name).map_or(&[], |attribute| &attribute.integers)
    }

    pub(crate) fn integer(&self, name: &str, default: i64) -> i64 {
        self.integers(name).first().copied().unwrap_or(default)
    }

    pub(crate) fn float(&self, name: &str, default: f64) -> f64 {
        self.attributes.get(name).and_then(|attribute| attribute.floats.first()).copied().unwrap_or(default)
    }

    /// For messages: the operator and its first output.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.operator, self.outputs.first().map_or("", |name| name))
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", |attribute| &attribute.text)
    }

    pub(crate) fn tensor(&self, name: &str) -> Option<&Constant> {
        self.attributes.get(name).and_then(|attribute| attribute.tensor.as_ref())
    }

    /// What a `Constant` node says: a tensor, a number or a list of them.
    fn constant(&self) -> Constant {
        if let Some(tensor) = self.tensor("value") {
            return tensor.clone();
        }
        let integers = |name| self.integers(name).iter().map(|&v| v as f64).collect::<Vec<_>>();
        let floats = |name| self.attributes.get(name).map_or(vec![], |attribute: &Attribute| attribute.floats.clone());
        let (values, is_integer, is_scalar) = match &self.attributes {
            a if a.contains_key("value_int") => (integers("value_int"), true, true),
            a if a.contains_key("value_float") => (floats("value_float"), false, true),
            a if a.contains_key("value_floats") => (floats("value_floats"), false, false),
            _ => (integers("value_ints"), true, false),
        };
        let shape = if is_scalar { vec![] } else { vec![values.len()] };
        let small = Small::new(&shape, values, is_integer).filter(|small| small.values.len() <= VALUE_LIMIT);
        Constant { shape, small }
    }
}

impl Attribute {
    fn read(message: &[u8]) -> Result<(String, Self), Error> {
        let (mut name, mut attribute) = (String::new(), Self::default());
        for field in fields(message) {
            match field? {
                (1, Value::Bytes(bytes)) => name = text(bytes)?.into(),
                (3 | 8, Value::Varint(value)) => attribute.integers.push(value as i64),
                (8, Value::Bytes(bytes)) => attribute.integers.extend(packed(bytes)?),
                (2 | 7, Value::Fixed(bytes)) => attribute.floats.extend(floats(bytes)),
                (7, Value::Bytes(bytes)) => attribute.floats.extend(floats(bytes)),
                (4, Value::Bytes(bytes)) => attribute.text = String::from_utf8_lossy(bytes).into_owned(),
                (5, Value::Bytes(bytes)) => attribute.tensor = Some(Constant::read(bytes)?.1),
                _ => {}
            }
        }
        Ok((name, attribute))
    }
}

impl Constant {
    fn read(message: &[u8]) -> Result<(String, Self), Error> {
        let (mut name, mut constant, mut kind) = (String::new(), Self::default(), 0);
        let (mut raw, mut typed): (&[u8], Vec<f64>) = (&[], Vec::new());
        for field in fields(message) {
            match field? {
                (1, Value::Varint(size)) => constant.shape.push(size as usize),
                (1, Value::Bytes(sizes)) => constant.shape.extend(packed(sizes)?.iter().map(|&size| size as usize)),
                (2, Value::Varint(code)) => kind = code,
                (4, Value::Bytes(data)) if data.len() <= 4 * VALUE_LIMIT => typed.extend(floats(data)),
                (5 | 7, Value::Bytes(data)) => typed.extend(packed(data)?.into_iter().map(|v| v as f64)),
                (5 | 7, Value::Varint(value)) => typed.push(value as i64 as f64),
                (8, Value::Bytes(bytes)) => name = text(bytes)?.into(),
                (9, Value::Bytes(data)) => raw = data,
                _ => {}
            }
        }
        let elements = constant.shape.iter().try_fold(1_usize, |n, &size| n.checked_mul(size));
        if elements.is_some_and(|n| n <= VALUE_LIMIT) {
            let values = match kind {
                1 if typed.is_empty() => floats(raw).collect(),
                6 if typed.is_empty() => raw.chunks_exact(4).map(|b| f64::from(i32::from_le_bytes(array(b)))).collect(),
                7 if typed.is_empty() => raw.chunks_exact(8).map(|b| i64::from_le_bytes(array(b)) as f64).collect(),
                9 if typed.is_empty() => raw.iter().map(|&b| f64::from(b)).collect(),
                _ => typed,
            };
            constant.small = Small::new(&constant.shape, values, matches!(kind, 6 | 7 | 9));
        }
        Ok((name, constant))
    }
}

/// The bytes of the f32 tensors in a model, by name, of those that keep them in one piece.
pub(crate) fn weights(model: &[u8]) -> Result<HashMap<&str, &[u8]>, Error> {
    let mut found = HashMap::new();
    for part in messages(model, 7)?.into_iter().flat_map(fields) {
        match part? {
            (5, Value::Bytes(tensor)) => {
                let name = messages(tensor, 8)?.first().map_or(Ok(""), |name| text(name))?;
                found.extend(f32_bytes(tensor)?.map(|bytes| (name, bytes)));
            }
            // a Constant's tensor lies in its only attribute
            (1, Value::Bytes(node)) if messages(node, 4)?.first() == Some(&&b"Constant"[..]) => {
                let name = messages(node, 2)?.first().map_or(Ok(""), |name| text(name))?;
                for attribute in messages(node, 5)? {
                    for tensor in messages(attribute, 5)? {
                        found.extend(f32_bytes(tensor)?.map(|bytes| (name, bytes)));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The elements of a TensorProto, if they are f32.
fn f32_bytes(tensor: &[u8]) -> Result<Option<&[u8]>, Error> {
    let (mut kind, mut data) = (0, None);
    for field in fields(tensor) {
        match field? {
            (2, Value::Varint(code)) => kind = code,
            (4 | 9, Value::Bytes(bytes)) => data = Some(bytes),
            _ => {}
        }
    }
    Ok(data.filter(|_| kind == 1))
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap_or([0; N])
}

fn floats(data: &[u8]) -> impl Iterator<Item = f64> {
    data.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(array(b))))
}

fn packed(mut data: &[u8]) -> Result<Vec<i64>, Error> {
    let mut values = Vec::new();
    while !data.is_empty() {
        values.push(varint(&mut data)? as i64);
    }
    Ok(values)
}

/// The fields of a message, or the error where it is damaged.
fn fields(message: &[u8]) -> impl Iterator<Item = Result<(u64, Value<'_>), Error>> {
    let mut fields = Fields(message);
    std::iter::from_fn(move || fields.next().transpose())
}

/// The embedded messages of a number.
fn messages(message: &[u8], wanted: u64) -> Result<Vec<&[u8]>, Error> {
    let mut found = Vec::new();
    for field in fields(message) {
        if let (number, Value::Bytes(bytes)) = field?
            && number == wanted
        {
            found.push(bytes);
        }
    }
    Ok(found)
}
