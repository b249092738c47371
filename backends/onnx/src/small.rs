//! Small tensors of known elements.

use ndarray::{ArrayD, IxDyn};

use crate::network::{Value, ValueContents};

/// Larger tensors than this make no shape.
pub(crate) const VALUE_LIMIT: usize = 1024;

/// A small tensor. f64 holds every size and every f32.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Small {
    pub(crate) values: ArrayD<f64>,
    pub(crate) is_integer: bool,
}

impl Small {
    pub(crate) fn new(shape: &[usize], values: Vec<f64>, is_integer: bool) -> Option<Self> {
        let values = ArrayD::from_shape_vec(IxDyn(shape), values).ok()?;
        Some(Self { values, is_integer })
    }

    /// A vector of integers.
    pub(crate) fn sizes(sizes: impl IntoIterator<Item = usize>) -> Self {
        let values: Vec<f64> = sizes.into_iter().map(|size| size as f64).collect();
        Self { values: ArrayD::from_shape_vec(IxDyn(&[values.len()]), values).unwrap_or_default(), is_integer: true }
    }

    /// Integers of 32 bits and floats of 32 bits; `None` where an engine would wrap around, or for too many.
    pub(crate) fn rounded(mut self) -> Option<Self> {
        let range = f64::from(i32::MIN)..=f64::from(i32::MAX);
        // the ends of i64 mean "to the end"
        let is_size = |value: &f64| range.contains(value) || value.abs() >= 2f64.powi(62);
        if self.values.len() > VALUE_LIMIT || self.is_integer && !self.values.iter().all(is_size) {
            return None;
        }
        if !self.is_integer {
            self.values.mapv_inplace(|value| f64::from(value as f32));
        }
        Some(self)
    }

    pub(crate) fn contents(&self) -> ValueContents<'static> {
        if self.is_integer {
            ValueContents::Integers(self.integers())
        } else {
            ValueContents::Floats(self.values.iter().map(|&value| value as f32).collect())
        }
    }

    pub(crate) fn integers(&self) -> Vec<i64> {
        self.values.iter().map(|&value| value as i64).collect()
    }
}

impl Value<'_> {
    /// Of few elements that are known.
    pub(crate) fn small(&self) -> Option<Small> {
        match &self.contents {
            ValueContents::Integers(values) => {
                Small::new(&self.shape, values.iter().map(|&value| value as f64).collect(), true)
            }
            ValueContents::Floats(values) => {
                Small::new(&self.shape, values.iter().map(|&value| value.into()).collect(), false)
            }
            _ => None,
        }
    }
}
