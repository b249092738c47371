//! Operators that look at elements in another way, or move them.

use super::lower::Lowering;
use super::step::{Window, Work};
use super::view::View;
use rwt_onnx::Operation;

/// The operators of this file.
pub(super) const OPERATORS: &[&str] = &[
    "Cast",
    "Concat",
    "Dropout",
    "Expand",
    "Flatten",
    "Gather",
    "Identity",
    "Pad",
    "Reshape",
    "Resize",
    "Slice",
    "Split",
    "Squeeze",
    "Tile",
    "Transpose",
    "Unsqueeze",
    "Upsample",
];

/// TensorProto.DataType of the floats that arrays here stand for.
const FLOATS: [i64; 2] = [1, 11];

impl Lowering<'_, '_> {
    pub(super) fn rearranged(&mut self, operation: &Operation<'_>) -> Result<Vec<View>, String> {
        let output = operation.outputs.first().copied().flatten();
        let shape = self.shape(output.ok_or("the first output is not wanted")?);
        if operation.operator() == "Concat" {
            return Ok(vec![self.concat(operation, shape)?]);
        }
        let it = self.input(operation, 0)?;
        let view = match operation.operator() {
            "Cast" if !FLOATS.contains(&operation.integer("to", 0)) => {
                return Err(format!("expected a cast to f32, found type {}", operation.integer("to", 0)));
            }
            "Cast" | "Dropout" | "Identity" => Some(it),
            "Expand" => it.expand(shape),
            "Tile" if it.expand(shape).is_some() => it.expand(shape), // of axes of size 1
            "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" => Some(self.reshaped(&it, shape)?),
            "Gather" => self.picked(operation, &it, shape),
            "Pad" => Some(self.pad(operation, &it, shape)?),
            "Resize" | "Upsample" => Some(self.resized(operation, &it, shape)?),
            "Slice" => self.sliced(operation, &it, shape),
            "Split" => return self.split(operation, &it),
            "Transpose" => {
                let order: Vec<usize> = operation.integers("perm").iter().map(|&axis| axis as usize).collect();
                let order = if order.is_empty() { (0..shape.len()).rev().collect() } else { order };
                it.permute(&order)
            }
            _ => None,
        };
        Ok(vec![view.ok_or("this variant is not computed on the device")?])
    }

    pub(super) fn reshaped(&mut self, view: &View, shape: &[usize]) -> Result<View, String> {
        if let Some(view) = view.reshape(shape) {
            return Ok(view);
        }
        if let Some(view) = self.half_reshaped(view, shape) {
            return Ok(view);
        }
        let dense = self.dense(view);
        dense.reshape(shape).ok_or_else(|| format!("expected {} elements, found {shape:?}", view.elements()))
    }

    /// One place of an axis.
    fn picked(&self, operation: &Operation<'_>, it: &View, shape: &[usize]) -> Option<View> {
        let axis = place(operation.integer("axis", 0), it.shape.len())?;
        let &[index] = self.integers_of(operation.inputs.get(1).copied().flatten())? else { return None };
        it.slice(axis, place(index, it.shape[axis])?, 1, 1)?.reshape(shape)
    }

    fn sliced(&self, operation: &Operation<'_>, it: &View, shape: &[usize]) -> Option<View> {
        let list = |place: usize| self.integers_of(operation.inputs.get(place).copied().flatten());
        let starts = list(1)?;
        let mut view = it.clone();
        for (number, &start) in starts.iter().enumerate() {
            let of = |list: Option<&[i64]>, default: i64| list.map_or(Some(default), |list| list.get(number).copied());
            let axis = place(of(list(3), number as i64)?, it.shape.len())?;
            let step = usize::try_from(of(list(4), 1)?).ok()?;
            let size = it.shape[axis] as i64;
            let start = if start < 0 { start.saturating_add(size) } else { start }.clamp(0, size);
            view = view.slice(axis, start as usize, *shape.get(axis)?, step)?;
        }
        Some(view)
    }

    fn split(&self, operation: &Operation<'_>, it: &View) -> Result<Vec<View>, String> {
        let axis = place(operation.integer("axis", 0), it.shape.len()).ok_or("the axis is out of range")?;
        let mut start = 0;
        let mut part = |output: &Option<usize>| {
            let output = output.ok_or("expected every part to have a name")?;
            let length = *self.shape(output).get(axis).ok_or("a part has another shape")?;
            let part = it.slice(axis, start, length, 1).ok_or("a part is out of range")?;
            start += length;
            Ok(part)
        };
        operation.outputs.iter().map(&mut part).collect()
    }

    fn concat(&mut self, operation: &Operation<'_>, shape: &[usize]) -> Result<View, String> {
        let axis = place(operation.integer("axis", 0), shape.len()).ok_or("the axis is out of range")?;
        let whole = View::dense(0, shape);
        let (mut parts, mut start) = (Vec::new(), 0);
        let mut repeats = vec![true; shape.len()];
        for number in 0..operation.inputs.len() {
            let part = self.input(operation, number)?;
            let fits = |(along, (&a, &b)): (usize, (&usize, &usize))| along == axis || a == b;
            if part.shape.len() != shape.len() || !part.shape.iter().zip(shape).enumerate().all(fits) {
                return Err(format!("expected parts of {shape:?}, found {:?}", part.shape));
            }
            repeats.iter_mut().zip(&part.strides).for_each(|(all, &stride)| *all &= stride == 0);
            let to = whole.slice(axis, start, part.shape[axis], 1).ok_or("a part is out of range")?;
            start += part.shape[axis];
            parts.push([part, to]);
        }
        let views: Vec<View> = parts.iter().map(|[part, _]| part.clone()).collect();
        if let Some(result) = self.half_concat(&views, axis, shape) {
            return Ok(result);
        }
        repeats[axis] = false;
        // what is repeated is copied once
        let once = whole.once(&repeats);
        let dense = View::dense(0, &once.shape);
        let mut start = 0;
        for [part, to] in &mut parts {
            *part = part.once(&repeats);
            *to = dense.slice(axis, start, part.shape[axis], 1).ok_or("a part is out of range")?;
            start += part.shape[axis];
        }
        self.step(Work::Copy(parts), &dense.shape).expand(shape).ok_or_else(|| "the parts do not fit".into())
    }

    /// Nearest neighbours by whole factors.
    fn resized(&mut self, operation: &Operation<'_>, it: &View, shape: &[usize]) -> Result<View, String> {
        let only = "expected nearest neighbours enlarged by whole factors";
        let is_upsample = operation.operator() == "Upsample";
        let or = |text: &'static str, default: &'static str| match operation.text(text) {
            "" => default.to_owned(),
            text => text.to_owned(),
        };
        let rounding = or("nearest_mode", if is_upsample { "floor" } else { "round_prefer_floor" });
        let places = or("coordinate_transformation_mode", if is_upsample { "asymmetric" } else { "half_pixel" });
        let factors: Vec<usize> = shape.iter().zip(&it.shape).map(|(&to, &from)| to / from).collect();
        let is_whole = shape.iter().zip(&it.shape).all(|(to, from)| to % from == 0 && to >= from);
        let fits = match (&places[..], &rounding[..]) {
            ("asymmetric", "floor") => true,
            ("asymmetric", "round_prefer_floor") => factors.iter().all(|&factor| factor <= 2),
            ("half_pixel" | "pytorch_half_pixel" | "half_pixel_symmetric", rounding) => rounding.starts_with("round"),
            _ => false,
        };
        if or("mode", "nearest") != "nearest" || !is_whole || !fits {
            return Err(only.into());
        }
        if let Some(result) = self.half_enlarged(it, &factors) {
            return Ok(result);
        }
        let with = |factors: &[usize]| it.shape.iter().zip(factors).flat_map(|(&a, &b)| [a, b]).collect::<Vec<_>>();
        let wide = it.reshape(&with(&vec![1; shape.len()])).and_then(|view| view.expand(&with(&factors)));
        self.reshaped(&wide.ok_or(only)?, shape)
    }

    /// Of the last two axes.
    fn pad(&mut self, operation: &Operation<'_>, it: &View, shape: &[usize]) -> Result<View, String> {
        let only = "expected pads of the last two axes alone, known before the evaluation";
        let pads = self.integers_of(operation.inputs.get(1).copied().flatten()).ok_or(only)?;
        let rank = shape.len();
        let is_last = |(place, &pad): (usize, &i64)| pad == 0 || place % rank + 2 >= rank;
        if rank < 2 || pads.len() != 2 * rank || operation.inputs.len() > 3 || !pads.iter().enumerate().all(is_last) {
            return Err(only.into());
        }
        let mode = ["constant", "reflect", "edge"].iter().position(|&mode| mode == operation.text("mode"));
        let mode = if operation.text("mode").is_empty() { Some(0) } else { mode };
        let before = [pads[rank - 2], pads[2 * rank - 2], pads[rank - 1], pads[2 * rank - 1]];
        let sizes = [it.shape[rank - 2] as i64, it.shape[rank - 1] as i64];
        let reflects = mode == Some(1);
        if reflects && before.iter().zip([sizes[0], sizes[0], sizes[1], sizes[1]]).any(|(&pad, size)| pad >= size) {
            return Err("expected pads below the size, to reflect once".into());
        }
        let planes = shape[..rank - 2].iter().product();
        let input = self.dense(it);
        let window = Window {
            input: input.reshape(&[planes, it.shape[rank - 2], it.shape[rank - 1]]).ok_or(only)?,
            out_size: [shape[rank - 2], shape[rank - 1]],
            before: [before[0] as i32, before[2] as i32],
            kernel: [1, 1],
            stride: [1, 1],
            mode: mode.ok_or("expected the mode constant, reflect or edge")? as i32,
            value: self.number(operation.inputs.get(2).copied().flatten()).unwrap_or(0.0),
        };
        Ok(self.step(Work::Pad(Box::new(window)), shape))
    }
}

/// A place that may be counted from the end.
pub(super) fn place(place: i64, size: usize) -> Option<usize> {
    let place = if place < 0 { place.checked_add(size as i64)? } else { place };
    usize::try_from(place).ok().filter(|&place| place < size)
}
