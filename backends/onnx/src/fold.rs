//! The arithmetic of shapes: the values of small tensors that depend on sizes and constants alone, as exporters write
//! them around reshapes, pads and resizes.

use ndarray::{ArrayD, Axis, IxDyn, Slice, concatenate};

use crate::graph::Node;

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
    fn rounded(mut self) -> Option<Self> {
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

    fn integers(&self) -> Vec<i64> {
        self.values.iter().map(|&value| value as i64).collect()
    }
}

/// What a node writes, if its inputs are known and it is of the kind that calculates with sizes. `None` says nothing
/// about the shape.
pub(crate) fn fold(node: &Node, inputs: &[Option<&Small>]) -> Option<Small> {
    let input = |place: usize| inputs.get(place).copied().flatten();
    let (first, second) = (input(0)?, input(1));
    let integers = |place, name| match input(place) {
        Some(list) => list.integers(),
        None => node.integers(name).to_vec(),
    };
    let values = match &node.operator[..] {
        "Identity" => first.values.clone(),
        "Cast" => return cast(first, node.integer("to", 0)).rounded(),
        "Floor" => first.values.mapv(f64::floor),
        "Ceil" => first.values.mapv(f64::ceil),
        "Neg" => -&first.values,
        "Add" => both(first, second?, |a, b| a + b)?,
        "Sub" => both(first, second?, |a, b| a - b)?,
        "Mul" => both(first, second?, |a, b| a * b)?,
        "Div" if first.is_integer => both(first, second?, |a, b| (a / b).trunc())?,
        "Div" => both(first, second?, |a, b| a / b)?,
        "Mod" => {
            both(first, second?, |a, b| if node.integer("fmod", 0) == 0 { a - b * (a / b).floor() } else { a % b })?
        }
        "Pow" => both(first, second?, f64::powf)?,
        "Abs" => first.values.mapv(f64::abs),
        "Min" if inputs.len() == 2 => both(first, second?, f64::min)?,
        "Max" if inputs.len() == 2 => both(first, second?, f64::max)?,
        "Equal" => both(first, second?, |a, b| f64::from(a == b))?,
        "Greater" => both(first, second?, |a, b| f64::from(a > b))?,
        "GreaterOrEqual" => both(first, second?, |a, b| f64::from(a >= b))?,
        "Less" => both(first, second?, |a, b| f64::from(a < b))?,
        "LessOrEqual" => both(first, second?, |a, b| f64::from(a <= b))?,
        "And" => both(first, second?, |a, b| f64::from(a != 0.0 && b != 0.0))?,
        "Or" => both(first, second?, |a, b| f64::from(a != 0.0 || b != 0.0))?,
        "Not" => first.values.mapv(|a| f64::from(a == 0.0)),
        "Where" => {
            let (yes, no) = (second?, input(2)?);
            let picked = both(first, yes, |keep, a| if keep != 0.0 { a } else { f64::NAN })?;
            let picked = Small { values: picked, is_integer: true };
            let values = both(&picked, no, |a, b| if a.is_nan() { b } else { a })?;
            return Small { values, is_integer: no.is_integer }.rounded();
        }
        "Concat" => {
            let parts = inputs.iter().map(|part| part.map(|part| part.values.view())).collect::<Option<Vec<_>>>()?;
            (parts.iter().map(|part| part.len()).sum::<usize>() <= VALUE_LIMIT).then_some(())?;
            concatenate(axis(node.integer("axis", 0), first.values.ndim())?, &parts).ok()?
        }
        "ConstantOfShape" => {
            let shape: Vec<usize> =
                first.integers().into_iter().map(|size| usize::try_from(size).ok()).collect::<Option<_>>()?;
            let value = node.tensor("value").and_then(|value| value.small.as_ref());
            let fill = value.and_then(|value| value.values.first().copied()).unwrap_or(0.0);
            let length =
                shape.iter().try_fold(1_usize, |n, &size| n.checked_mul(size)).filter(|&n| n <= VALUE_LIMIT)?;
            return Small::new(&shape, vec![fill; length], value.is_some_and(|value| value.is_integer));
        }
        "Gather" => gather(first, second?, node.integer("axis", 0))?,
        "Range" => {
            let [start, end, step] = [first, second?, input(2)?].map(|small| small.values.first().copied());
            let (start, end, step) = (start?, end?, step?);
            let length = ((end - start) / step).ceil().max(0.0);
            (length <= VALUE_LIMIT as f64)
                .then(|| ArrayD::from_shape_fn(IxDyn(&[length as usize]), |i| start + i[0] as f64 * step))?
        }
        "ReduceProd" if node.integers("axes").is_empty() && second.is_none() => {
            let shape = vec![1; if node.integer("keepdims", 1) != 0 { first.values.ndim() } else { 0 }];
            ArrayD::from_elem(IxDyn(&shape), first.values.product())
        }
        "Reshape" => reshape(first, &second?.integers())?,
        "Slice" => slice(first, [1, 2, 3, 4].map(|place| input(place).map(Small::integers)))?,
        "Squeeze" => {
            let mut axes = integers(1, "axes");
            if axes.is_empty() {
                axes = (0..).zip(first.values.shape()).filter(|(_, size)| **size == 1).map(|(axis, _)| axis).collect();
            }
            let mut shape = first.values.shape().to_vec();
            let mut axes = axes.iter().map(|&a| axis(a, shape.len())).collect::<Option<Vec<_>>>()?;
            axes.sort_unstable();
            axes.iter().rev().for_each(|axis| _ = shape.remove(axis.0));
            shaped(first, &shape)?
        }
        "Transpose" => {
            let mut order: Vec<usize> = node.integers("perm").iter().map(|&axis| axis as usize).collect();
            if order.is_empty() {
                order = (0..first.values.ndim()).rev().collect();
            }
            let mut sorted = order.clone();
            sorted.sort_unstable();
            sorted
                .iter()
                .copied()
                .eq(0..first.values.ndim())
                .then(|| first.values.clone().permuted_axes(IxDyn(&order)))?
        }
        "Unsqueeze" => {
            let axes = integers(1, "axes");
            let mut shape = first.values.shape().to_vec();
            let mut axes = axes.iter().map(|&a| axis(a, shape.len() + axes.len())).collect::<Option<Vec<_>>>()?;
            axes.sort_unstable();
            for axis in axes {
                (axis.0 <= shape.len()).then(|| shape.insert(axis.0, 1))?;
            }
            shaped(first, &shape)?
        }
        _ => return None,
    };
    Small { values, is_integer: first.is_integer }.rounded()
}

fn cast(small: &Small, to: i64) -> Small {
    let is_integer = matches!(to, 6 | 7 | 9);
    let values = if is_integer { small.values.mapv(f64::trunc) } else { small.values.clone() };
    Small { values, is_integer }
}

fn both(a: &Small, b: &Small, f: impl Fn(f64, f64) -> f64) -> Option<ArrayD<f64>> {
    let long = a.values.ndim().max(b.values.ndim());
    let sizes = |values: &ArrayD<f64>| [vec![1; long - values.ndim()], values.shape().to_vec()].concat();
    let (left, right) = (sizes(&a.values), sizes(&b.values));
    let shape: Vec<usize> = left.iter().zip(&right).map(|(&a, &b)| if a == 1 { b } else { a }).collect();
    shape.iter().try_fold(1_usize, |n, &size| n.checked_mul(size)).filter(|&n| n <= VALUE_LIMIT)?;
    let (left, right) = (a.values.broadcast(IxDyn(&shape))?, b.values.broadcast(IxDyn(&shape))?);
    let values = left.iter().zip(right.iter()).map(|(&a, &b)| f(a, b)).collect();
    ArrayD::from_shape_vec(IxDyn(&shape), values).ok()
}

/// An axis that may be counted from the end.
fn axis(axis: i64, axes: usize) -> Option<Axis> {
    let axis = if axis < 0 { axis + axes as i64 } else { axis };
    usize::try_from(axis).ok().filter(|&axis| axis < axes).map(Axis)
}

fn shaped(small: &Small, shape: &[usize]) -> Option<ArrayD<f64>> {
    ArrayD::from_shape_vec(IxDyn(shape), small.values.iter().copied().collect()).ok()
}

/// 0 keeps a size, −1 takes what is left.
fn reshape(small: &Small, wanted: &[i64]) -> Option<ArrayD<f64>> {
    let mut shape = Vec::new();
    for (place, &size) in wanted.iter().enumerate() {
        shape.push(match size {
            0 => *small.values.shape().get(place)?,
            -1 => 0,
            size => usize::try_from(size).ok()?,
        });
    }
    if let Some(free) = wanted.iter().position(|&size| size == -1) {
        let mut others = shape.iter().enumerate().filter(|(place, _)| *place != free);
        let product = others.try_fold(1_usize, |n, (_, &size)| n.checked_mul(size)).filter(|&n| n > 0)?;
        shape[free] = small.values.len() / product;
    }
    shaped(small, &shape)
}

fn gather(small: &Small, indices: &Small, along: i64) -> Option<ArrayD<f64>> {
    let along = axis(along, small.values.ndim())?;
    let places = indices.integers().into_iter().map(|index| axis(index, small.values.len_of(along)));
    let places = places.map(|place| place.map(|place| place.0)).collect::<Option<Vec<_>>>()?;
    let shape = small.values.shape();
    let shape = [&shape[..along.0], indices.values.shape(), &shape[along.0 + 1..]].concat();
    (small.values.len() / small.values.len_of(along).max(1) * places.len() <= VALUE_LIMIT).then_some(())?;
    shaped(&Small { values: small.values.select(along, &places), is_integer: true }, &shape)
}

/// starts, ends, axes, steps; an end beyond the tensor is its end.
fn slice(small: &Small, [starts, ends, axes, steps]: [Option<Vec<i64>>; 4]) -> Option<ArrayD<f64>> {
    let (starts, ends) = (starts?, ends?);
    let axes = axes.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    let mut values = small.values.clone();
    for (((start, end), along), step) in starts.into_iter().zip(ends).zip(axes).zip(steps) {
        let along = axis(along, values.ndim())?;
        let length = values.len_of(along) as i64;
        let place = |at: i64, low: i64, high: i64| if at < 0 { at.saturating_add(length) } else { at }.clamp(low, high);
        // backwards, the places from start down to the one above end
        let (first, last) = match step {
            1.. => (place(start, 0, length), place(end, 0, length)),
            0 => return None,
            _ => (place(end, -1, length - 1) + 1, place(start, -1, length - 1) + 1),
        };
        let range = Slice::new(first as isize, Some(last.max(first) as isize), isize::try_from(step).ok()?);
        values = values.slice_axis(along, range).to_owned();
    }
    Some(values)
}
