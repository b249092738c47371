//! The arithmetic of shapes: the values of small tensors that depend on sizes and constants alone, as exporters write
//! them around reshapes, pads and resizes.

use ndarray::{ArrayD, Axis, IxDyn, Slice, concatenate};

use crate::graph::Node;
use crate::small::{Small, VALUE_LIMIT};

/// What a node writes, if its inputs are known and it is of the kind that calculates with sizes. `None` says nothing
/// about the shape.
pub(crate) fn fold(node: &Node, inputs: &[Option<&Small>]) -> Option<Small> {
    let input = |place: usize| inputs.get(place).copied().flatten();
    let first = input(0)?;
    let is_integer = first.is_integer;
    match &node.operator[..] {
        "Cast" => cast(first, node.integer("to", 0)),
        "ConstantOfShape" => filled(node, first)?,
        "Where" => {
            let (yes, no) = (input(1)?, input(2)?);
            let picked = both(first, yes, |keep, a| if keep != 0.0 { a } else { f64::NAN })?;
            let picked = Small { values: picked, is_integer: true };
            let values = both(&picked, no, |a, b| if a.is_nan() { b } else { a })?;
            Small { values, is_integer: no.is_integer }
        }
        _ => {
            let values = of_one(node, first)
                .or_else(|| of_two(node, first, input(1).filter(|_| inputs.len() == 2)?))
                .or_else(|| arranged(node, inputs, first))?;
            Small { values, is_integer }
        }
    }
    .rounded()
}

/// Element by element.
fn of_one(node: &Node, a: &Small) -> Option<ArrayD<f64>> {
    Some(match &node.operator[..] {
        "Abs" => a.values.mapv(f64::abs),
        "Ceil" => a.values.mapv(f64::ceil),
        "Floor" => a.values.mapv(f64::floor),
        "Identity" => a.values.clone(),
        "Cos" => a.values.mapv(f64::cos),
        "Exp" => a.values.mapv(f64::exp),
        "Log" => a.values.mapv(f64::ln),
        "Neg" => -&a.values,
        "Not" => a.values.mapv(|a| f64::from(a == 0.0)),
        "Reciprocal" => a.values.mapv(f64::recip),
        "Sin" => a.values.mapv(f64::sin),
        "Sqrt" => a.values.mapv(f64::sqrt),
        _ => return None,
    })
}

/// Element by element of two, broadcast.
fn of_two(node: &Node, a: &Small, b: &Small) -> Option<ArrayD<f64>> {
    let truth = |holds: fn(f64, f64) -> bool| both(a, b, |a, b| f64::from(holds(a, b)));
    match &node.operator[..] {
        "Add" => both(a, b, |a, b| a + b),
        "And" => truth(|a, b| a != 0.0 && b != 0.0),
        "Div" if a.is_integer => both(a, b, |a, b| (a / b).trunc()),
        "Div" => both(a, b, |a, b| a / b),
        "Equal" => truth(|a, b| a == b),
        "Greater" => truth(|a, b| a > b),
        "GreaterOrEqual" => truth(|a, b| a >= b),
        "Less" => truth(|a, b| a < b),
        "LessOrEqual" => truth(|a, b| a <= b),
        "Max" => both(a, b, f64::max),
        "Min" => both(a, b, f64::min),
        "Mod" if node.integer("fmod", 0) == 0 => both(a, b, |a, b| a - b * (a / b).floor()),
        "Mod" => both(a, b, |a, b| a % b),
        "Mul" => both(a, b, |a, b| a * b),
        "Or" => truth(|a, b| a != 0.0 || b != 0.0),
        "Pow" => both(a, b, f64::powf),
        "Sub" => both(a, b, |a, b| a - b),
        _ => None,
    }
}

/// The elements of the inputs, in another order or shape, and what else makes a list.
fn arranged(node: &Node, inputs: &[Option<&Small>], first: &Small) -> Option<ArrayD<f64>> {
    let input = |place: usize| inputs.get(place).copied().flatten();
    let axes = || input(1).map_or_else(|| node.integers("axes").to_vec(), Small::integers);
    match &node.operator[..] {
        "Concat" => {
            let parts = inputs.iter().map(|part| part.map(|part| part.values.view())).collect::<Option<Vec<_>>>()?;
            (parts.iter().map(|part| part.len()).sum::<usize>() <= VALUE_LIMIT).then_some(())?;
            concatenate(axis(node.integer("axis", 0), first.values.ndim())?, &parts).ok()
        }
        "Gather" => gather(first, input(1)?, node.integer("axis", 0)),
        "Range" => range([first, input(1)?, input(2)?].map(|small| small.values.first().copied())),
        "ReduceProd" if node.integers("axes").is_empty() && input(1).is_none() => {
            let shape = vec![1; if node.integer("keepdims", 1) != 0 { first.values.ndim() } else { 0 }];
            Some(ArrayD::from_elem(IxDyn(&shape), first.values.product()))
        }
        "Reshape" => reshape(first, &input(1)?.integers()),
        "Slice" => slice(first, [1, 2, 3, 4].map(|place| input(place).map(Small::integers))),
        "Squeeze" => squeeze(first, axes()),
        "Transpose" => transpose(first, node.integers("perm")),
        "Unsqueeze" => unsqueeze(first, &axes()),
        _ => None,
    }
}

/// A ConstantOfShape.
fn filled(node: &Node, shape: &Small) -> Option<Small> {
    let shape: Vec<usize> =
        shape.integers().into_iter().map(|size| usize::try_from(size).ok()).collect::<Option<_>>()?;
    let length = shape.iter().try_fold(1_usize, |n, &size| n.checked_mul(size)).filter(|&n| n <= VALUE_LIMIT)?;
    let value = node.tensor("value").and_then(|value| value.small.as_ref());
    let fill = value.and_then(|value| value.values.first().copied()).unwrap_or(0.0);
    Small::new(&shape, vec![fill; length], value.is_some_and(|value| value.is_integer))
}

fn range([start, end, step]: [Option<f64>; 3]) -> Option<ArrayD<f64>> {
    let (start, end, step) = (start?, end?, step?);
    let length = ((end - start) / step).ceil().max(0.0);
    let values = || ArrayD::from_shape_fn(IxDyn(&[length as usize]), |i| start + i[0] as f64 * step);
    (length <= VALUE_LIMIT as f64).then(values)
}

/// Without axes, all of size 1 are dropped.
fn squeeze(small: &Small, mut axes: Vec<i64>) -> Option<ArrayD<f64>> {
    let mut shape = small.values.shape().to_vec();
    if axes.is_empty() {
        axes = (0..).zip(&shape).filter(|(_, size)| **size == 1).map(|(axis, _)| axis).collect();
    }
    let mut axes = axes.iter().map(|&a| axis(a, shape.len())).collect::<Option<Vec<_>>>()?;
    axes.sort_unstable();
    axes.iter().rev().for_each(|axis| _ = shape.remove(axis.0));
    shaped(small, &shape)
}

fn unsqueeze(small: &Small, axes: &[i64]) -> Option<ArrayD<f64>> {
    let mut shape = small.values.shape().to_vec();
    let mut axes = axes.iter().map(|&a| axis(a, shape.len() + axes.len())).collect::<Option<Vec<_>>>()?;
    axes.sort_unstable();
    for axis in axes {
        (axis.0 <= shape.len()).then(|| shape.insert(axis.0, 1))?;
    }
    shaped(small, &shape)
}

/// Without an order, all axes are turned round.
fn transpose(small: &Small, order: &[i64]) -> Option<ArrayD<f64>> {
    let count = small.values.ndim();
    let order: Vec<usize> =
        if order.is_empty() { (0..count).rev().collect() } else { order.iter().map(|&axis| axis as usize).collect() };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    sorted.into_iter().eq(0..count).then(|| small.values.clone().permuted_axes(IxDyn(&order)))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn list(values: &[f64]) -> Small {
        Small::new(&[values.len()], values.to_vec(), true).unwrap()
    }

    fn folded(operator: &str, inputs: &[&Small]) -> Vec<f64> {
        let node = Node { operator: operator.into(), ..Node::default() };
        let inputs: Vec<_> = inputs.iter().map(|input| Some(*input)).collect();
        fold(&node, &inputs).unwrap_or_else(|| panic!("{operator}")).values.into_iter().collect()
    }

    #[test]
    fn numbers_are_calculated_as_onnx_says() {
        let (a, b) = (list(&[7.0, -7.0, 4.0, 0.0]), list(&[2.0, 2.0, -3.0, 5.0]));
        for (operator, expected) in [
            ("Add", [9.0, -5.0, 1.0, 5.0]),
            ("And", [1.0, 1.0, 1.0, 0.0]),
            ("Div", [3.0, -3.0, -1.0, 0.0]),
            ("Equal", [0.0, 0.0, 0.0, 0.0]),
            ("Greater", [1.0, 0.0, 1.0, 0.0]),
            ("GreaterOrEqual", [1.0, 0.0, 1.0, 0.0]),
            ("Less", [0.0, 1.0, 0.0, 1.0]),
            ("LessOrEqual", [0.0, 1.0, 0.0, 1.0]),
            ("Max", [7.0, 2.0, 4.0, 5.0]),
            ("Min", [2.0, -7.0, -3.0, 0.0]),
            ("Mod", [1.0, 1.0, -2.0, 0.0]),
            ("Mul", [14.0, -14.0, -12.0, 0.0]),
            ("Or", [1.0, 1.0, 1.0, 1.0]),
            ("Sub", [5.0, -9.0, 7.0, -5.0]),
        ] {
            assert_eq!(folded(operator, &[&a, &b]), expected, "{operator}");
        }
        assert_eq!(folded("Pow", &[&b, &list(&[2.0])]), [4.0, 4.0, 9.0, 25.0]);
        let fractions = Small::new(&[2], vec![1.5, -1.5], false).unwrap();
        for (operator, expected) in [
            ("Abs", [1.5, 1.5]),
            ("Ceil", [2.0, -1.0]),
            ("Floor", [1.0, -2.0]),
            ("Neg", [-1.5, 1.5]),
            ("Not", [0.0, 0.0]),
        ] {
            assert_eq!(folded(operator, &[&fractions]), expected, "{operator}");
        }
        assert_eq!(folded("Where", &[&list(&[1.0, 0.0, 2.0, 0.0]), &a, &b]), [7.0, 2.0, 4.0, 5.0]);
        assert_eq!(folded("Range", &[&list(&[1.0]), &list(&[8.0]), &list(&[3.0])]), [1.0, 4.0, 7.0]);
        assert_eq!(folded("ReduceProd", &[&b]), [-60.0]);
    }

    #[test]
    fn lists_are_arranged_as_numpy_does_it() {
        let a = Small::new(&[2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0], true).unwrap();
        let (one, end) = (list(&[1.0]), list(&[2f64.powi(63)]));
        assert_eq!(folded("Slice", &[&a, &one, &end, &one]), [1.0, 2.0, 4.0, 5.0]); // a[:, 1:]
        let (last, start, back) = (list(&[-1.0]), list(&[-(2f64.powi(63))]), list(&[-2.0]));
        assert_eq!(folded("Slice", &[&a, &last, &start, &one, &back]), [2.0, 0.0, 5.0, 3.0]); // a[:, ::-2]
        assert_eq!(folded("Gather", &[&a, &last]), [3.0, 4.0, 5.0]); // a[[-1]]
        assert_eq!(folded("Transpose", &[&a]), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(folded("Concat", &[&a, &a]).len(), 12);
        let node = Node { operator: "Reshape".into(), ..Node::default() };
        let shape =
            |sizes: &[f64]| fold(&node, &[Some(&a), Some(&list(sizes))]).map(|small| small.values.shape().to_vec());
        assert_eq!(shape(&[3.0, -1.0]), Some(vec![3, 2]));
        assert_eq!(shape(&[0.0, 1.0, 3.0]), Some(vec![2, 1, 3]));
        assert_eq!(shape(&[4.0, 2.0]), None);
        assert_eq!(folded("ConstantOfShape", &[&list(&[2.0, 2.0])]), [0.0; 4]);
    }
}
