//! Operators that exporters write one after another and one kernel computes.

use super::precision::Precision;
use rwt_onnx::{FixedGraph, Operation, ValueContents};
use std::collections::HashMap;

/// The longest head of an attention kernel.
pub(super) const HEAD_LIMIT: usize = 512;

/// What was found, by the number of the operation that is replaced.
pub(super) struct Patterns {
    /// Operations that are parts of others.
    pub(super) absorbed: Vec<bool>,
    /// x·sigmoid(x), of this value.
    pub(super) silu: HashMap<usize, usize>,
    pub(super) attention: HashMap<usize, AttentionPattern>,
    /// Convolutions of a value with zeros around: top, left, bottom, right.
    pub(super) padded: HashMap<usize, (usize, [usize; 4])>,
    /// Normalisations of groups of channels.
    pub(super) groups: HashMap<usize, GroupNorm>,
    /// Multiplications that another operation does: their input is their output.
    scaled: HashMap<usize, usize>,
}

/// softmax(scale·Q K)·V.
pub(super) struct AttentionPattern {
    /// \[…, queries, length\], \[…, length, keys\] and \[…, keys, length of the values\].
    pub(super) operands: [usize; 3],
    pub(super) scale: f32,
    /// V is \[…, length of the values, keys\], and the result likewise.
    pub(super) transposed: bool,
}

/// Groups of a value's channels normalised, then scaled and shifted by the same numbers.
#[derive(Clone, Copy)]
pub(super) struct GroupNorm {
    pub(super) value: usize,
    /// Of all pictures together.
    pub(super) groups: usize,
    pub(super) epsilon: f32,
    pub(super) scale: f32,
    pub(super) shift: f32,
}

impl Patterns {
    pub(super) fn find(graph: &FixedGraph<'_>, precision: Precision) -> Self {
        let mut search = Search::new(graph);
        for (place, operation) in graph.operations.iter().enumerate() {
            match operation.operator() {
                "Mul" => search.silu(place, operation),
                "MatMul" => _ = search.attention(place, operation),
                "Conv" => _ = search.padded(place, operation),
                // in f32 a reshaped array lies as it was
                "Reshape" if precision == Precision::Bf16 => _ = search.group_norm(place, operation),
                _ => {}
            }
        }
        search.found
    }

    /// The value that an operation passes on.
    pub(super) fn looked_at(&self, place: usize) -> Option<usize> {
        self.scaled.get(&place).copied()
    }

    /// What an operation reads in place of its inputs.
    pub(super) fn reads(&self, place: usize) -> Option<&[usize]> {
        let silu = self.silu.get(&place).map(std::slice::from_ref);
        let group_norm = || self.groups.get(&place).map(|norm| std::slice::from_ref(&norm.value));
        let attention = || self.attention.get(&place).map(|pattern| &pattern.operands[..]);
        silu.or_else(group_norm).or_else(attention)
    }
}

struct Search<'g, 'a> {
    graph: &'g FixedGraph<'a>,
    makers: HashMap<usize, usize>,
    readers: Vec<usize>,
    found: Patterns,
}

impl<'g, 'a> Search<'g, 'a> {
    fn new(graph: &'g FixedGraph<'a>) -> Self {
        let mut readers = vec![0; graph.values.len()];
        readers[graph.output] = 1;
        let mut makers = HashMap::new();
        for (place, operation) in graph.operations.iter().enumerate() {
            operation.inputs.iter().flatten().for_each(|&input| readers[input] += 1);
            makers.extend(operation.outputs.iter().flatten().map(|&output| (output, place)));
        }
        let found = Patterns {
            absorbed: vec![false; graph.operations.len()],
            silu: HashMap::new(),
            attention: HashMap::new(),
            padded: HashMap::new(),
            groups: HashMap::new(),
            scaled: HashMap::new(),
        };
        Self { graph, makers, readers, found }
    }

    /// The operation that makes a value for one reader.
    fn only(&self, value: usize) -> Option<(usize, &'g Operation<'a>)> {
        let place = *self.makers.get(&value)?;
        (self.readers[value] == 1).then(|| (place, &self.graph.operations[place]))
    }

    fn input(operation: &Operation<'_>, place: usize) -> Option<usize> {
        operation.inputs.get(place).copied().flatten()
    }

    fn silu(&mut self, place: usize, operation: &Operation<'_>) {
        let [Some(a), Some(b)] = operation.inputs[..] else { return };
        for (x, gate) in [(a, b), (b, a)] {
            if let Some((sigmoid, of)) = self.only(gate)
                && of.operator() == "Sigmoid"
                && of.inputs[..] == [Some(x)]
            {
                self.found.silu.insert(place, x);
                self.found.absorbed[sigmoid] = true;
                return;
            }
        }
    }

    /// A value times a number, or divided by one: the value and the factor.
    fn scaled(&self, operation: &Operation<'_>) -> Option<(usize, f32)> {
        let [Some(a), Some(b)] = operation.inputs[..] else { return None };
        let number = |value: usize| match &self.graph.values[value].contents {
            ValueContents::Floats(values) if self.graph.values[value].shape.iter().all(|&size| size == 1) => {
                values.first().copied()
            }
            _ => None,
        };
        match operation.operator() {
            "Mul" => number(b).map(|number| (a, number)).or_else(|| number(a).map(|number| (b, number))),
            "Div" => number(b).map(|number| (a, 1.0 / number)),
            _ => None,
        }
    }

    fn attention(&mut self, place: usize, operation: &Operation<'_>) -> Option<()> {
        let [Some(a), Some(b)] = operation.inputs[..] else { return None };
        let mut absorbed = Vec::new();
        let (softmax, value, transposed) = match self.softmax(a, &mut absorbed) {
            Some(softmax) => (softmax, b, false),
            None => {
                let (turned, of) = self.only(b)?;
                let shape = &self.graph.values[b].shape;
                let (from, axes) = (Self::input(of, 0)?, shape.len());
                (of.operator() == "Transpose" && swaps_last(of.integers("perm"), axes)).then_some(())?;
                absorbed.push(turned);
                (self.softmax(from, &mut absorbed)?, a, true)
            }
        };
        let (mut scores, mut scale) = (Self::input(softmax, 0)?, 1.0);
        let (product, of) = loop {
            let (place, of) = self.only(scores)?;
            absorbed.push(place);
            match self.scaled(of) {
                Some((value, factor)) => (scores, scale) = (value, scale * factor),
                None => break (place, of),
            }
        };
        let [Some(query), Some(key)] = of.inputs[..] else { return None };
        let values = &self.graph.values;
        let length = *values[query].shape.last()?;
        let axes = values[query].shape.len();
        let fits = of.operator() == "MatMul"
            && (3..=4).contains(&axes)
            && [key, value].iter().all(|&value| values[value].shape.len() == axes)
            && [key, value].iter().all(|&other| values[other].shape[..axes - 2] == values[query].shape[..axes - 2])
            && length <= HEAD_LIMIT
            && values[value].shape[axes - if transposed { 2 } else { 1 }] <= HEAD_LIMIT;
        fits.then_some(())?;
        self.found.absorbed[product] = true;
        absorbed.iter().for_each(|&place| self.found.absorbed[place] = true);
        for operand in [query, key] {
            scale *= self.take_scale(operand);
        }
        self.found.attention.insert(place, AttentionPattern { operands: [query, key, value], scale, transposed });
        Some(())
    }

    /// The softmax over the last axis that makes a value.
    fn softmax(&self, mut value: usize, absorbed: &mut Vec<usize>) -> Option<&'g Operation<'a>> {
        loop {
            let (place, of) = self.only(value)?;
            let last = self.graph.values[value].shape.len() as i64 - 1;
            let is_last = |axis: i64| axis == -1 || axis == last;
            match of.operator() {
                "Cast" | "Identity" => value = Self::input(of, 0)?,
                "Softmax" if is_last(of.integer("axis", -1)) => {
                    absorbed.push(place);
                    return Some(of);
                }
                _ => return None,
            }
            absorbed.push(place);
        }
    }

    /// The factor of a multiplication before an operand, which is then left out; 1 if there is none.
    fn take_scale(&mut self, mut value: usize) -> f32 {
        while let Some((place, of)) = self.only(value) {
            if let Some((before, factor)) = self.scaled(of) {
                self.found.scaled.insert(place, before);
                return factor;
            }
            match (of.operator(), Self::input(of, 0)) {
                ("Cast" | "Identity" | "Reshape" | "Transpose", Some(before)) => value = before,
                _ => break,
            }
        }
        1.0
    }

    /// Groups of channels as the channels of another shape, and back.
    fn group_norm(&mut self, place: usize, operation: &Operation<'_>) -> Option<()> {
        let (norm, of) = self.only(Self::input(operation, 0)?)?;
        (of.operator() == "InstanceNormalization").then_some(())?;
        let (reshape, before) = self.only(Self::input(of, 0)?)?;
        (before.operator() == "Reshape").then_some(())?;
        let value = Self::input(before, 0)?;
        let shape = |value: usize| &self.graph.values[value].shape[..];
        let ([pictures, channels, _, ..], [same, groups, ..]) = (shape(value), shape(Self::input(of, 0)?)) else {
            return None;
        };
        let out = operation.outputs.first().copied().flatten()?;
        let fits = pictures == same && *groups > 0 && channels % groups == 0 && shape(out) == shape(value);
        fits.then_some(())?;
        let number = |number: usize| match &self.graph.values[Self::input(of, number)?].contents {
            ValueContents::Floats(values) => {
                let first = *values.first()?;
                values.iter().all(|&value| value == first).then_some(first)
            }
            _ => None,
        };
        let (scale, shift, epsilon) = (number(1)?, number(2)?, of.float("epsilon", 1e-5) as f32);
        let found = GroupNorm { value, groups: pictures * groups, epsilon, scale, shift };
        self.found.groups.insert(place, found);
        self.found.absorbed[norm] = true;
        self.found.absorbed[reshape] = true;
        Some(())
    }

    fn padded(&mut self, place: usize, operation: &Operation<'_>) -> Option<()> {
        let (pad, of) = self.only(Self::input(operation, 0)?)?;
        let number = |place: usize| Self::input(of, place).map(|value| &self.graph.values[value].contents);
        let is_zero = match number(2) {
            None => of.float("value", 0.0) == 0.0,
            Some(ValueContents::Floats(values)) => values.iter().all(|&value| value == 0.0),
            _ => false,
        };
        let Some(ValueContents::Integers(pads)) = number(1) else { return None };
        let is_plain = of.operator() == "Pad" && matches!(of.text("mode"), "" | "constant") && of.inputs.len() < 4;
        let [0, 0, top, left, 0, 0, bottom, right] = pads[..] else { return None };
        let sides = [top, left, bottom, right].map(|side| usize::try_from(side).ok());
        let [Some(top), Some(left), Some(bottom), Some(right)] = sides else { return None };
        (is_plain && is_zero && matches!(operation.text("auto_pad"), "" | "NOTSET")).then_some(())?;
        self.found.absorbed[pad] = true;
        self.found.padded.insert(place, (Self::input(of, 0)?, [top, left, bottom, right]));
        Some(())
    }
}

/// Does this order of axes exchange the last two and no others?
fn swaps_last(order: &[i64], axes: usize) -> bool {
    let mut wanted: Vec<i64> = (0..axes as i64).collect();
    if axes >= 2 {
        wanted.swap(axes - 1, axes - 2);
    }
    order == wanted
}
