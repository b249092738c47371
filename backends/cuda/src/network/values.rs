//! Where values lie that are there before the first step: constants, and what is known of small ones.

use super::lower::{Constant, Lowering, Phase};
use super::view::View;
use rwt_onnx::{Operation, ValueContents};
use std::borrow::Cow;

impl<'a, 'g> Lowering<'a, 'g> {
    pub(super) fn shape(&self, value: usize) -> &'g [usize] {
        &self.graph.values[value].shape
    }

    /// Where the value of an operation's input lies.
    pub(super) fn input(&mut self, operation: &Operation<'_>, place: usize) -> Result<View, String> {
        let value = operation.inputs.get(place).copied().flatten();
        self.value(value.ok_or_else(|| format!("input {place} is missing"))?)
    }

    /// Where a value lies; a constant becomes a buffer when it is first asked for.
    pub(super) fn value(&mut self, value: usize) -> Result<View, String> {
        if let Some(view) = &self.views[value] {
            return Ok(view.clone());
        }
        let shape = self.shape(value);
        if shape.contains(&0) {
            return Err(format!("expected elements, found the shape {shape:?}"));
        }
        let view = match &self.graph.values[value].contents {
            ValueContents::Weights(name, bytes) if bytes.len() == 4 * shape.iter().product::<usize>() => {
                self.constant(format!("weights {name}"), Cow::Borrowed(bytes), shape)
            }
            ValueContents::Floats(values) => self.floats(values, shape),
            ValueContents::Integers(values) => {
                let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
                self.floats(&values, shape)
            }
            ValueContents::Weights(name, _) => {
                return Err(format!("weights {name} have not as many elements as their shape"));
            }
            ValueContents::Computed => {
                return Err("a constant of another type than f32, or more integers than a shape has".into());
            }
        };
        self.views[value] = Some(view.clone());
        Ok(view)
    }

    /// A value of few elements that are known.
    pub(super) fn floats_of(&self, value: Option<usize>) -> Option<Vec<f32>> {
        match &self.graph.values[value?].contents {
            ValueContents::Floats(values) => Some(values.clone()),
            ValueContents::Integers(values) => Some(values.iter().map(|&value| value as f32).collect()),
            _ => None,
        }
    }

    /// Integers that are known.
    pub(super) fn integers_of(&self, value: Option<usize>) -> Option<&'g [i64]> {
        match &self.graph.values[value?].contents {
            ValueContents::Integers(values) => Some(values),
            _ => None,
        }
    }

    /// The number that all elements are, if they are known.
    pub(super) fn number(&self, value: Option<usize>) -> Option<f32> {
        let values = self.floats_of(value)?;
        let first = *values.first()?;
        values.iter().all(|value| value.to_bits() == first.to_bits()).then_some(first)
    }

    pub(super) fn floats(&mut self, values: &[f32], shape: &[usize]) -> View {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(format!("values {bytes:?}"), Cow::Owned(bytes), shape)
    }

    pub(super) fn constant(&mut self, key: String, elements: Cow<'a, [u8]>, shape: &[usize]) -> View {
        let buffer = self.buffer(shape.iter().product(), Phase::Once);
        let found = self.constants.iter().position(|constant| constant.key == key);
        let place = found.unwrap_or_else(|| {
            self.constants.push(Constant { key, elements });
            self.constants.len() - 1
        });
        self.buffers[buffer].constant = Some(place);
        View::dense(buffer, shape)
    }

    pub(super) fn is_constant(&self, view: &View) -> bool {
        self.buffers[view.buffer].constant.is_some()
    }

    /// The bytes of a constant.
    pub(super) fn elements(&self, view: &View) -> Option<Cow<'a, [u8]>> {
        Some(self.constants[self.buffers[view.buffer].constant?].elements.clone())
    }

    pub(super) fn constant_key(&self, view: &View) -> Option<&str> {
        Some(&self.constants[self.buffers[view.buffer].constant?].key)
    }
}
