//! How many operations read each value.

use super::patterns::Patterns;
use rwt_onnx::FixedGraph;

/// Operators that only look at their first input in another way.
pub(super) const LOOKS: &[&str] = &[
    "Cast",
    "Dropout",
    "Expand",
    "Flatten",
    "Gather",
    "Identity",
    "Reshape",
    "Resize",
    "Slice",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
    "Upsample",
];

/// Readers of each value, through operators that only look at it in another way. Counted from the end.
pub(super) fn uses(graph: &FixedGraph<'_>, patterns: &Patterns) -> Vec<usize> {
    let mut uses = vec![0; graph.values.len()];
    uses[graph.output] = 1;
    for (place, operation) in graph.operations.iter().enumerate().rev() {
        if patterns.absorbed[place] {
            continue;
        }
        let of_outputs: usize = operation.outputs.iter().flatten().map(|&output| uses[output]).sum();
        let reads = usize::from(of_outputs > 0);
        let looked_at = patterns.looked_at(place).or_else(|| {
            let looks = LOOKS.contains(&operation.operator());
            looks.then(|| operation.inputs.first().copied().flatten()).flatten()
        });
        if let Some(inputs) = patterns.reads(place) {
            inputs.iter().for_each(|&input| uses[input] += reads);
        } else if let Some(input) = looked_at {
            uses[input] += of_outputs;
        } else {
            operation.inputs.iter().flatten().for_each(|&input| uses[input] += reads);
        }
    }
    uses
}
