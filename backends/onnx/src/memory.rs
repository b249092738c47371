//! How much memory an evaluation takes, before it takes it.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rten_shape_inference::{SymExpr, SymTensor};

use crate::Error;
use crate::fold::fold;
use crate::graph::{Graph, Node};
use crate::shapes;
use crate::small::Small;

/// Bytes of an element of what an engine computes.
const ELEMENT: u64 = 4;
/// What engines take however small the picture is.
const BASE: u64 = 1 << 20;

/// What is known of one value at a point of the execution.
struct Known {
    shape: Vec<usize>,
    small: Option<Small>,
    bytes: u64,
}

/// An execution without numbers.
struct Execution<'a> {
    graph: &'a Graph,
    limit: u64,
    values: HashMap<&'a str, Known>,
    live: u64,
    peak: u64,
}

impl Graph {
    /// Twice the largest sum of the values that are needed at the same time, in bytes, for inputs of the given shapes.
    /// Twice, because engines keep what they freed for values of other sizes, and pack what they multiply.
    ///
    /// # Errors
    /// [`Error::Memory`] as soon as it is above `limit`; [`Error::Shapes`] at a node whose shapes do not fit or are not
    /// known.
    pub(crate) fn peak(&self, inputs: &[(&'static str, Vec<usize>)], limit: u64) -> Result<u64, Error> {
        let mut execution = Execution { graph: self, limit, values: HashMap::new(), live: 0, peak: 0 };
        for (name, shape) in inputs {
            execution.add(name, shape.clone(), None)?;
        }
        let mut last_use = HashMap::new();
        for (position, node) in self.nodes.iter().enumerate() {
            last_use.extend(node.inputs.iter().map(|name| (&name[..], position)));
        }
        for (position, node) in self.nodes.iter().enumerate() {
            execution.run(node)?;
            for name in &node.inputs {
                if last_use.get(&name[..]) == Some(&position) {
                    execution.free(name);
                }
            }
        }
        Ok(execution.peak)
    }
}

impl<'a> Execution<'a> {
    fn run(&mut self, node: &'a Node) -> Result<(), Error> {
        let failed = |why: String| Error::Shapes { node: node.name(), why };
        let inputs = node.inputs.iter().map(|name| self.input(name)).collect::<Result<Vec<_>, _>>().map_err(failed)?;
        // the rules calculate with i32 and trust each other
        let outputs = catch_unwind(AssertUnwindSafe(|| outputs(node, &inputs)));
        let outputs = outputs.unwrap_or_else(|_| Err("a size is out of range".into())).map_err(failed)?;
        self.has_room(extra(node, &inputs))?;
        for (name, (shape, small)) in node.outputs.iter().zip(outputs) {
            self.add(name, shape, small)?;
        }
        Ok(())
    }

    /// Count what is needed now and some more.
    fn has_room(&mut self, more: u64) -> Result<(), Error> {
        let now = self.live.saturating_add(more).saturating_mul(2).saturating_add(BASE);
        self.peak = self.peak.max(now);
        if now > self.limit { Err(Error::Memory { limit: self.limit, needed: now }) } else { Ok(()) }
    }

    fn input(&self, name: &str) -> Result<Option<Input<'_>>, String> {
        match (name, self.values.get(name), self.graph.constants.get(name)) {
            ("", ..) => Ok(None),
            (_, Some(known), _) => Ok(Some((&known.shape, known.small.as_ref()))),
            (_, None, Some(constant)) => Ok(Some((&constant.shape, constant.small.as_ref()))),
            _ => Err(format!("nothing before it writes {name:?}")),
        }
    }

    fn add(&mut self, name: &'a str, shape: Vec<usize>, small: Option<Small>) -> Result<(), Error> {
        let elements = shape.iter().fold(1_u64, |n, &size| n.saturating_mul(size as u64));
        let bytes = elements.saturating_mul(ELEMENT);
        if elements > i32::MAX as u64 {
            let limit = self.limit.min(ELEMENT * i32::MAX as u64); // engines count elements in 32 bits
            return Err(Error::Memory { limit, needed: bytes });
        }
        self.live = self.live.saturating_add(bytes);
        self.has_room(0)?;
        if let Some(before) = self.values.insert(name, Known { shape, small, bytes }) {
            self.live -= before.bytes;
        }
        Ok(())
    }

    fn free(&mut self, name: &str) {
        if let Some(known) = self.values.remove(name) {
            self.live -= known.bytes;
        }
    }
}

/// The shape of a value and, if it is known, the value.
pub(crate) type Input<'a> = (&'a [usize], Option<&'a Small>);
pub(crate) type Output = (Vec<usize>, Option<Small>);

/// What a node writes: shapes, and the values where they are known.
pub(crate) fn outputs(node: &Node, inputs: &[Option<Input<'_>>]) -> Result<Vec<Output>, String> {
    let shape_of = |place: usize| inputs.get(place).copied().flatten().map(|(shape, _)| shape);
    let smalls: Vec<_> = inputs.iter().map(|input| input.and_then(|(_, small)| small)).collect();
    let folded = shape_of(0).and_then(|shape| measured(node, shape)).or_else(|| fold(node, &smalls));
    if let Some(small) = folded {
        return Ok(vec![(small.values.shape().to_vec(), Some(small))]);
    }
    let scales = match &node.operator[..] {
        "Resize" if inputs.len() > 2 => smalls[2],
        "Resize" | "Upsample" => smalls.get(1).copied().flatten(),
        _ => None,
    };
    if let Some(shape) = scales.and_then(|scales| shapes::resized(shape_of(0)?, scales)) {
        return Ok(vec![(shape, None)]);
    }
    if node.operator == "Split" {
        let parts = shape_of(0).and_then(|shape| shapes::split(node, shape, smalls.get(1).copied().flatten()));
        return Ok(parts.ok_or("the parts are not known")?.into_iter().map(|part| (part, None)).collect());
    }
    let inputs: Vec<_> = inputs.iter().map(|input| input.map(|(shape, small)| shapes::known(shape, small))).collect();
    shapes::outputs(node, &inputs)?.into_iter().map(|output| Ok((sizes(&output)?, None))).collect()
}

/// What an operator needs while it runs: a transposed convolution multiplies matrices before it adds their columns up.
fn extra(node: &Node, inputs: &[Option<Input<'_>>]) -> u64 {
    let shape = |place: usize| inputs.get(place).copied().flatten().map(|(shape, _)| shape);
    match (&node.operator[..], shape(0), shape(1)) {
        ("ConvTranspose", Some([_, _, places @ ..]), Some([_, weights @ ..])) => {
            let product = |sizes: &[usize]| sizes.iter().fold(1u64, |n, &size| n.saturating_mul(size as u64));
            product(places).saturating_mul(product(weights)).saturating_mul(ELEMENT)
        }
        _ => 0,
    }
}

/// What the operators say that look at a shape alone.
fn measured(node: &Node, shape: &[usize]) -> Option<Small> {
    let count = shape.len() as i64;
    let place = |name, default| {
        let place = node.integer(name, default);
        (if place < 0 { place + count } else { place }).clamp(0, count) as usize
    };
    match &node.operator[..] {
        "Shape" => {
            let start = place("start", 0);
            Some(Small::sizes(shape[start..place("end", count).max(start)].iter().copied()))
        }
        "Size" => Small::new(&[], vec![shape.iter().map(|&size| size as f64).product()], true),
        _ => None,
    }
}

/// The sizes of an output, if all are known.
fn sizes(output: &SymTensor) -> Result<Vec<usize>, String> {
    let unknown = || "the size is not known before the evaluation".to_owned();
    let size = |size: SymExpr| match size.simplify() {
        SymExpr::Value(size) => usize::try_from(size).map_err(|_| format!("a size of {size}")),
        _ => Err(unknown()),
    };
    output.shape().ok_or_else(unknown)?.map(size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_convolution_needs_its_columns() {
        let node = |operator: &str| Node { operator: operator.into(), ..Node::default() };
        let inputs = [Some((&[1, 256, 30, 20][..], None)), Some((&[256, 128, 4, 4][..], None))];
        assert_eq!(extra(&node("ConvTranspose"), &inputs), 4 * 600 * 128 * 16);
        assert_eq!(extra(&node("Conv"), &inputs), 0);
    }
}
