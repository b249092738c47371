//! Convolutions and pools.

use super::lower::Lowering;
use super::program::{Code, Operand};
use super::step::{Conv, Window, Work};
use super::view::View;
use rwt_onnx::Operation;
use std::borrow::Cow;

/// The operators of this file.
pub(super) const OPERATORS: &[&str] = &["AveragePool", "Conv", "ConvTranspose", "MaxPool"];

/// Places are counted in 15 bits and a sign.
const SIZE_LIMIT: usize = 16_000;

/// What a window's attributes say of the two axes; a picture of one axis has a height of 1.
struct Layout {
    strides: [usize; 2],
    dilations: [usize; 2],
    /// Top, left, bottom, right.
    pads: [usize; 4],
}

impl Layout {
    fn read(operation: &Operation<'_>, axes: usize) -> Result<Self, String> {
        if !matches!(operation.text("auto_pad"), "" | "NOTSET" | "VALID") {
            return Err("expected explicit pads".into());
        }
        let list = |name: &str, default: i64, count: usize| {
            let given = operation.integers(name);
            let mut list = if given.is_empty() { vec![default; count] } else { given.to_vec() };
            if axes == 1 && list.len() == count {
                // the row is a picture of height 1
                let half = count.max(2) / 2;
                list = if count == 1 { vec![default, list[0]] } else { vec![0, list[0], 0, list[half]] };
            }
            let list: Option<Vec<usize>> = list.iter().map(|&value| usize::try_from(value).ok()).collect();
            list.ok_or_else(|| format!("expected {name} of at least 0"))
        };
        let two = |name, default| {
            <[usize; 2]>::try_from(list(name, default, axes)?).map_err(|_| format!("{name} of {axes} axes"))
        };
        let pads = <[usize; 4]>::try_from(list("pads", 0, 2 * axes)?).map_err(|_| format!("pads of {axes} axes"))?;
        let layout = Self { strides: two("strides", 1)?, dilations: two("dilations", 1)?, pads };
        if layout.strides.contains(&0) || layout.dilations.contains(&0) {
            return Err("expected strides and dilations of at least 1".into());
        }
        Ok(layout)
    }
}

/// \[n, channels, height, width\] of an array of pictures or of rows.
fn picture(shape: &[usize]) -> Result<[usize; 4], String> {
    match *shape {
        [n, channels, width] => Ok([n, channels, 1, width]),
        [n, channels, height, width] if height.max(width) <= SIZE_LIMIT => Ok([n, channels, height, width]),
        _ => Err(format!("expected pictures of at most {SIZE_LIMIT} rows and columns, found the shape {shape:?}")),
    }
}

impl Lowering<'_, '_> {
    pub(super) fn conv(&mut self, place: usize, operation: &Operation<'_>, shape: &[usize]) -> Result<View, String> {
        let (it, more) = match self.patterns.padded.get(&place).copied() {
            Some((value, more)) => (self.value(value)?, more),
            None => (self.input(operation, 0)?, [0; 4]),
        };
        let mut layout = Layout::read(operation, it.shape.len().saturating_sub(2))?;
        layout.pads.iter_mut().zip(more).for_each(|(pad, more)| *pad += more);
        let [pictures, channels, height, width] = picture(&it.shape)?;
        let [_, rows, out_height, out_width] = picture(shape)?;
        let kernel = self.input(operation, 1)?;
        let [_, depth, tall, wide] = picture(&kernel.shape)?;
        let groups = usize::try_from(operation.integer("group", 1)).unwrap_or(0);
        if kernel.shape[0] != rows || groups == 0 || depth * groups != channels || !rows.is_multiple_of(groups) {
            return Err(format!("expected {channels} channels in {groups} groups of {depth}"));
        }
        let table = places(depth, tall, wide).map(|(channel, y, x)| {
            Some((channel, [y * layout.dilations[0], x * layout.dilations[1]].map(|d| d as i32)))
        });
        let conv = Conv {
            input: it,
            weights: self.dense(&kernel),
            pictures,
            groups,
            rows: rows / groups,
            depth: depth * tall * wide,
            in_size: [height, width],
            out_size: [out_height, out_width],
            stride: layout.strides,
            start: [-(layout.pads[0] as i32), -(layout.pads[1] as i32)],
            phase_stride: [1, 1],
            kernel: Some(([tall, wide], layout.dilations)),
            table: table.collect(),
        };
        let result = self.convolved(conv, shape)?;
        self.biased(operation, result)
    }

    fn convolved(&mut self, mut conv: Conv, shape: &[usize]) -> Result<View, String> {
        let misfit = "the picture does not fit";
        if self.may_be_half(&conv.input) {
            conv.input = conv.input.reshape(&picture(&conv.input.shape)?).ok_or(misfit)?;
            if let Some(result) = self.half_conv(&conv) {
                return result.reshape(shape).ok_or_else(|| misfit.into());
            }
        }
        conv.input = self.pictures(&conv.input)?;
        Ok(self.step(Work::Conv(Box::new(conv)), shape))
    }

    fn biased(&mut self, operation: &Operation<'_>, result: View) -> Result<View, String> {
        let Some(Some(_)) = operation.inputs.get(2) else { return Ok(result) };
        let bias = self.input(operation, 2)?;
        let mut wide = vec![1; result.shape.len()];
        wide[1] = result.shape[1];
        let bias = bias.reshape(&wide).and_then(|bias| bias.expand(&result.shape)).ok_or("the bias does not fit")?;
        Ok(self.apply(&result, Code::Add, Operand::View(bias)))
    }

    fn pictures(&mut self, it: &View) -> Result<View, String> {
        let it = self.dense(it);
        let it = self.in_memory(&it);
        it.reshape(&picture(&it.shape)?).ok_or_else(|| "the picture does not fit".into())
    }

    /// As one convolution for each place of an output pixel relative to the stride.
    pub(super) fn conv_transpose(&mut self, operation: &Operation<'_>, shape: &[usize]) -> Result<View, String> {
        let it = self.input(operation, 0)?;
        let layout = Layout::read(operation, it.shape.len().saturating_sub(2))?;
        let [pictures, channels, height, width] = picture(&it.shape)?;
        let [_, rows, out_height, out_width] = picture(shape)?;
        let kernel = self.input(operation, 1)?;
        let [depth, out, tall, wide] = picture(&kernel.shape)?;
        if operation.integer("group", 1) != 1 || depth != channels || out != rows {
            return Err(format!("expected one group of {channels} channels"));
        }
        let [taps_y, taps_x] = [(tall, 0), (wide, 1)]
            .map(|(size, axis)| taps(size, layout.strides[axis], layout.dilations[axis], layout.pads[axis]));
        let (mut table, mut sources) = (Vec::new(), Vec::new());
        for phase_y in &taps_y {
            for phase_x in &taps_x {
                for (channel, y, x) in places(channels, phase_y.len(), phase_x.len()) {
                    let pair = phase_y[y].zip(phase_x[x]);
                    table.push(pair.map(|(y, x)| (channel, [y.1, x.1])));
                    sources.push(pair.map(|(y, x)| (channel, y.0, x.0)));
                }
            }
        }
        let depth = channels * taps_y[0].len() * taps_x[0].len();
        let conv = Conv {
            input: it,
            weights: self.packed(&kernel, &sources, [rows, tall, wide, depth], &layout)?,
            pictures,
            groups: 1,
            rows,
            depth,
            in_size: [height, width],
            out_size: [out_height, out_width],
            stride: [1, 1],
            start: [0, 0],
            phase_stride: layout.strides,
            kernel: None,
            table,
        };
        let result = self.convolved(conv, shape)?;
        self.biased(operation, result)
    }

    /// The weights of a transposed convolution, \[phases, rows, depth\], with zeros where a phase has fewer than others.
    fn packed(
        &mut self,
        kernel: &View,
        sources: &[Option<(usize, usize, usize)>],
        [rows, tall, wide, depth]: [usize; 4],
        layout: &Layout,
    ) -> Result<View, String> {
        let given = self.elements(kernel).zip(self.constant_key(kernel).map(str::to_owned));
        let (bytes, key) = given.ok_or("expected constant weights")?;
        let mut packed = Vec::with_capacity(sources.len() * rows * 4);
        for phase in sources.chunks(depth) {
            for row in 0..rows {
                for source in phase {
                    let at = source.map(|(channel, y, x)| 4 * (((channel * rows + row) * tall + y) * wide + x));
                    packed.extend(at.and_then(|at| bytes.get(at..at + 4)).unwrap_or(&[0; 4]));
                }
            }
        }
        let key = format!("phases {:?} {:?} {:?} {key}", layout.strides, layout.dilations, layout.pads);
        Ok(self.constant(key, Cow::Owned(packed), &[sources.len() / depth, rows, depth]))
    }

    pub(super) fn pool(&mut self, operation: &Operation<'_>, shape: &[usize]) -> Result<View, String> {
        let it = self.input(operation, 0)?;
        let axes = it.shape.len().saturating_sub(2);
        let layout = Layout::read(operation, axes)?;
        let sizes = operation.integers("kernel_shape").iter().map(|&size| usize::try_from(size).unwrap_or(0));
        let sizes: Vec<usize> = sizes.filter(|&size| size > 0).collect();
        let kernel = match sizes[..] {
            [wide] if axes == 1 => [1, wide],
            [tall, wide] if axes == 2 => [tall, wide],
            _ => return Err("expected a kernel of as many axes as the picture".into()),
        };
        if operation.integer("ceil_mode", 0) != 0 || layout.dilations != [1, 1] {
            return Err("expected no ceil_mode and no dilations".into());
        }
        let [pictures, channels, height, width] = picture(&it.shape)?;
        let [_, _, out_height, out_width] = picture(shape)?;
        let mode = match operation.operator() {
            "MaxPool" => 2,
            _ if operation.integer("count_include_pad", 0) != 0 => 0,
            _ => 1,
        };
        let mut window = Window {
            input: it.clone(),
            out_size: [out_height, out_width],
            before: [layout.pads[0] as i32, layout.pads[1] as i32],
            kernel,
            stride: layout.strides,
            mode,
            value: 0.0,
        };
        if let Some(result) = self.half_pool(&window) {
            return Ok(result);
        }
        let input = self.pictures(&it)?;
        window.input = input.reshape(&[pictures * channels, height, width]).ok_or("the picture does not fit")?;
        Ok(self.step(Work::Pool(Box::new(window)), shape))
    }
}

fn places(channels: usize, tall: usize, wide: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..channels * tall * wide).map(move |k| (k / (tall * wide), k / wide % tall, k % wide))
}

/// For each phase of a transposed axis, the kernel's elements that reach it, with the input place of each relative to
/// the phase's: output o = stride·q + phase takes element k from input q + (phase + pad − dilation·k)/stride. All phases
/// have the same length.
fn taps(size: usize, stride: usize, dilation: usize, pad: usize) -> Vec<Vec<Option<(usize, i32)>>> {
    let of_phase = |phase: usize| {
        let reach = |k: usize| {
            let far = (phase + pad) as i64 - (dilation * k) as i64;
            (far % stride as i64 == 0).then(|| Some((k, (far / stride as i64) as i32)))
        };
        (0..size).filter_map(reach).collect::<Vec<_>>()
    };
    let mut phases: Vec<_> = (0..stride).map(of_phase).collect();
    let longest = phases.iter().map(Vec::len).max().unwrap_or(0);
    phases.iter_mut().for_each(|phase| phase.resize(longest, None));
    phases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_phase_of_a_transposed_axis_takes_the_elements_that_reach_it() {
        // outputs of stride 2, kernel 4, pad 1: o = 2 i - 1 + k
        let phases = taps(4, 2, 1, 1);
        assert_eq!(phases, [vec![Some((1, 0)), Some((3, -1))], vec![Some((0, 1)), Some((2, 0))]]);
        // a phase that fewer elements reach
        assert_eq!(taps(3, 2, 1, 0), [vec![Some((0, 0)), Some((2, -1))], vec![Some((1, 0)), None]]);
    }
}
