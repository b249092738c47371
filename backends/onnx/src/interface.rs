//! A graph's inputs and outputs as a denoiser's.

use crate::graph::{Axis, Graph, Input};
use crate::{Error, ModelInfo, TimeInput};

/// TensorProto.DataType.
const FLOAT: u64 = 1;
const INT64: u64 = 7;

/// What an engine must know to run a network.
#[derive(Clone, Debug)]
pub(crate) struct Interface {
    /// The time's name; the picture's is x.
    pub(crate) time: &'static str,
    pub(crate) output: &'static str,
    pub(crate) has_integer_time: bool,
    pub(crate) has_scalar_time: bool,
    /// The network takes one picture at a time.
    pub(crate) is_single: bool,
    /// The names of the axes of x that are free; "" for one that is not.
    pub(crate) axes: Vec<String>,
    pub(crate) output_channels: usize,
}

impl Interface {
    /// Check the declared types and shapes of x and the time; what is not declared, the trial evaluation decides.
    pub(crate) fn new(graph: &Graph, [time, output]: [&'static str; 2], info: &ModelInfo) -> Result<Self, Error> {
        let x = graph.inputs.get("x").cloned().unwrap_or_default();
        let told = graph.inputs.get(time).cloned().unwrap_or_default();
        let fits = |axes: &[Axis]| {
            let [n, channels, height, width] = axes else { return false };
            let is_free = |axis: &Axis| matches!(axis, Axis::Free(_));
            let is_single = *n == Axis::Fixed(1);
            (is_free(n) || is_single)
                && (is_free(channels) || *channels == Axis::Fixed(info.channels))
                && is_free(height)
                && is_free(width)
        };
        if x.kind != FLOAT || !x.axes.as_deref().is_none_or(fits) {
            let expected =
                format!("f32 [any, {}, any, any], where the channels are those of rwt.channels", info.channels);
            return Err(refused("input x", expected, &x));
        }
        let is_integer = told.kind == INT64;
        let may_be_integer = info.conventions.time == TimeInput::Integer;
        let rank = told.axes.as_ref().map_or(1, Vec::len);
        let is_one = |axis: &Axis| matches!(axis, Axis::Free(_) | Axis::Fixed(1));
        if !(told.kind == FLOAT || is_integer && may_be_integer) || rank > 1 || !told.axes.iter().flatten().all(is_one)
        {
            let expected = format!(
                "f32{} [any] or a scalar",
                if may_be_integer { " or i64" } else { ", as rwt.time is not integer," }
            );
            return Err(refused("the time", expected, &told));
        }
        let is_fixed =
            |input: &Input| input.axes.iter().flatten().next().is_some_and(|axis| matches!(axis, Axis::Fixed(_)));
        Ok(Self {
            time,
            output,
            has_integer_time: is_integer,
            has_scalar_time: rank == 0,
            is_single: is_fixed(&x) || is_fixed(&told),
            axes: x
                .axes
                .iter()
                .flatten()
                .map(|axis| if let Axis::Free(name) = axis { name.clone() } else { String::new() })
                .collect(),
            output_channels: if info.conventions.learned_variance { 2 * info.channels } else { info.channels },
        })
    }

    /// The shapes of x and the time for padded pictures.
    pub(crate) fn shapes(&self, shape: [usize; 4]) -> [(&'static str, Vec<usize>); 2] {
        let times = if self.has_scalar_time { vec![] } else { vec![shape[0]] };
        [("x", shape.to_vec()), (self.time, times)]
    }
}

fn refused(what: &'static str, expected: String, found: &Input) -> Error {
    let kind = match found.kind {
        FLOAT => "f32",
        INT64 => "i64",
        _ => "another type",
    };
    let axes = found.axes.iter().flatten().map(|axis| match axis {
        Axis::Fixed(size) => size.to_string(),
        Axis::Free(name) if name.is_empty() => "any".into(),
        Axis::Free(name) => name.clone(),
    });
    Error::Interface { what, expected, found: format!("{kind} [{}]", axes.collect::<Vec<_>>().join(", ")) }
}
