//! Tiny ONNX files, written byte by byte: the raw output is the network's input times its time.
#![allow(dead_code, reason = "each test binary uses a part")]

/// A Protocol Buffers number.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 127 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A field that holds bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [varint(u64::from(number) << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

/// A field that holds a number.
fn number(number: u8, value: u64) -> Vec<u8> {
    [varint(u64::from(number) << 3), varint(value)].concat()
}

fn node(kind: &str, inputs: &[&str], output: &str, attribute: Option<(&str, u64)>) -> Vec<u8> {
    let mut content: Vec<u8> = inputs.iter().flat_map(|name| field(1, name.as_bytes())).collect();
    content.extend(output.split(' ').flat_map(|name| field(2, name.as_bytes())));
    content.extend(field(3, output.as_bytes()));
    content.extend(field(4, kind.as_bytes()));
    if let Some((name, value)) = attribute {
        let value = match name {
            "axes" | "perm" => [number(8, value), number(20, 7)].concat(),
            "value_float" => [vec![2 << 3 | 5], (value as f32).to_le_bytes().to_vec(), number(20, 1)].concat(),
            _ => [number(3, value), number(20, 2)].concat(),
        };
        content.extend(field(5, &[field(1, name.as_bytes()), value].concat()));
    }
    field(1, &content)
}

/// 1 is f32, 7 is i64. An axis of 0 is free.
fn value(name: &str, kind: u64, shape: &[u64]) -> Vec<u8> {
    let free = ["n", "channels", "height", "width"];
    let axis =
        |(size, free): (&u64, &str)| field(1, &if *size == 0 { field(2, free.as_bytes()) } else { number(1, *size) });
    let shape: Vec<u8> = shape.iter().zip(free).flat_map(axis).collect();
    [field(1, name.as_bytes()), field(2, &field(1, &[number(1, kind), field(2, &shape)].concat()))].concat()
}

/// A tensor of integers, a vector.
#[derive(Clone)]
pub struct Constant {
    name: &'static str,
    values: Vec<i64>,
}

impl Constant {
    pub fn integers(name: &'static str, values: &[i64]) -> Self {
        Self { name, values: values.to_vec() }
    }

    fn bytes(&self) -> Vec<u8> {
        let raw: Vec<u8> = self.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let shape = number(1, self.values.len() as u64);
        [shape, number(2, 7), field(8, self.name.as_bytes()), field(9, &raw)].concat()
    }
}

pub struct Graph {
    /// The time's name, "sigma" or "t".
    pub time: &'static str,
    /// Whether the time is an i64.
    pub integer: bool,
    /// Whether the time is a scalar.
    pub scalar: bool,
    /// Whether the output has twice the channels, the input being the second half.
    pub doubled: bool,
    /// Whether it takes one picture at a time.
    pub single: bool,
    pub metadata: Vec<(&'static str, &'static str)>,
    pub constants: Vec<Constant>,
    /// Nodes that make "grown" of x, which then takes its place: operator (with an attribute and its value), inputs, output.
    pub before: Vec<(&'static str, Vec<&'static str>, &'static str)>,
}

impl Graph {
    /// With the metadata that every file needs, and these.
    pub fn new(time: &'static str, metadata: &[(&'static str, &'static str)]) -> Self {
        let always = [
            ("rwt.version", "1"),
            ("rwt.name", "test"),
            ("rwt.licence", "MIT"),
            ("rwt.channels", "2"),
            ("rwt.range", "-1,1"),
            ("rwt.mean", "0"),
            ("rwt.variance", "0.25"),
            ("rwt.multiple", "1"),
            ("rwt.margin", "0"),
        ];
        let metadata = [&always, metadata].concat();
        let (integer, scalar, doubled, single) = (false, false, false, false);
        Self { time, integer, scalar, doubled, single, metadata, constants: vec![], before: vec![] }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut graph = node("Cast", &[self.time], "float", Some(("to", 1)));
        for (operator, inputs, output) in &self.before {
            let words: Vec<&str> = operator.split(' ').collect();
            let attribute = words.get(2).map(|value| (words[1], value.parse().unwrap()));
            graph.extend(node(words[0], inputs, output, attribute));
        }
        let x = if self.before.is_empty() { "x" } else { "grown" };
        let raw = if self.doubled { "raw" } else { "output" };
        if self.scalar {
            graph.extend(node("Mul", &[x, "float"], raw, None));
        } else {
            graph.extend(node("Unsqueeze", &["float", "wide_axes"], "wide", None));
            graph.extend(node("Mul", &[x, "wide"], raw, None));
        }
        if self.doubled {
            graph.extend(node("Concat", &["raw", "x"], "output", Some(("axis", 1))));
        }
        graph.extend(field(2, b"test"));
        graph.extend(field(5, &Constant::integers("wide_axes", &[1, 2, 3]).bytes()));
        for constant in &self.constants {
            graph.extend(field(5, &constant.bytes()));
        }
        graph.extend(field(11, &value("x", 1, &[u64::from(self.single), 2, 0, 0])));
        let kind = if self.integer { 7 } else { 1 };
        graph.extend(field(11, &value(self.time, kind, if self.scalar { &[] } else { &[0] })));
        graph.extend(field(12, &value("output", 1, &[0, if self.doubled { 4 } else { 2 }, 0, 0])));
        let mut model = number(1, 8);
        model.extend(field(7, &graph));
        model.extend(field(8, &number(2, 18)));
        for (key, text) in &self.metadata {
            model.extend(field(14, &[field(1, key.as_bytes()), field(2, text.as_bytes())].concat()));
        }
        model
    }
}
