//! Where each buffer lies in the device's memory.

use super::lower::{Lowered, Phase};

/// Places are multiples of this many elements: 256 bytes.
const ALIGNMENT: usize = 64;

/// Offsets in elements: of constants among the weights, of all others in one array that begins with the level's row.
pub(super) struct Places {
    pub(super) offsets: Vec<usize>,
    /// Elements of the constants together, and of the array.
    pub(super) weights: usize,
    pub(super) memory: usize,
    /// The first elements of the array: what depends on the noise level and evaluations read.
    pub(super) row: usize,
    /// Where each constant begins.
    pub(super) constants: Vec<usize>,
}

fn aligned(len: usize) -> usize {
    len.next_multiple_of(ALIGNMENT)
}

impl Places {
    pub(super) fn new(lowered: &Lowered<'_>) -> Self {
        let count = lowered.buffers.len();
        let mut places = Self { offsets: vec![0; count], weights: 0, memory: 0, row: 0, constants: vec![] };
        for constant in &lowered.constants {
            places.constants.push(places.weights);
            places.weights += aligned(constant.elements.len() / 4);
        }
        let (first, last) = lives(lowered);
        let crosses = |buffer: usize| {
            lowered.buffers[buffer].phase == Phase::Time
                && last[buffer].is_some_and(|step| step >= lowered.steps.len() || lowered.phase(step) == Phase::Picture)
        };
        let mut in_arena = Vec::new();
        for (number, buffer) in lowered.buffers.iter().enumerate() {
            if let Some(constant) = buffer.constant {
                places.offsets[number] = places.constants[constant];
            } else if crosses(number) {
                places.offsets[number] = places.row;
                places.row += aligned(buffer.len);
            } else if let (Some(first), Some(last)) = (first[number], last[number]) {
                let kept = buffer.phase == Phase::Once;
                in_arena.push((number, if kept { 0 } else { first }, if kept { lowered.steps.len() } else { last }));
            }
        }
        places.memory = places.row + places.lay_out(lowered, &mut in_arena);
        places
    }

    /// Put each buffer into the first gap that is free during its life; the end of the arena.
    fn lay_out(&mut self, lowered: &Lowered<'_>, buffers: &mut [(usize, usize, usize)]) -> usize {
        buffers.sort_by_key(|&(_, first, _)| first);
        let mut placed: Vec<(usize, usize, usize)> = Vec::new(); // begin, end, last step
        let mut size = 0;
        for &mut (number, first, last) in buffers {
            placed.retain(|&(_, _, until)| until >= first);
            let len = aligned(lowered.buffers[number].words());
            let mut begin = 0;
            for &(taken, end, _) in &placed {
                if begin + len <= taken {
                    break;
                }
                begin = begin.max(end);
            }
            let at = placed.partition_point(|&(taken, ..)| taken < begin);
            placed.insert(at, (begin, begin + len, last));
            self.offsets[number] = self.row + begin;
            size = size.max(begin + len);
        }
        size
    }
}

/// The steps that first write and last read each buffer; the picture is written before all, the answer read after all.
fn lives(lowered: &Lowered<'_>) -> (Vec<Option<usize>>, Vec<Option<usize>>) {
    let mut first = vec![None; lowered.buffers.len()];
    let mut last = vec![None; lowered.buffers.len()];
    for buffer in [lowered.x, lowered.time] {
        (first[buffer], last[buffer]) = (Some(0), Some(0));
    }
    // the picture comes after what is computed before it
    first[lowered.x] = Some((0..lowered.steps.len()).find(|&step| lowered.phase(step) == Phase::Picture).unwrap_or(0));
    last[lowered.x] = first[lowered.x];
    for (number, step) in lowered.steps.iter().enumerate() {
        first[step.out] = first[step.out].or(Some(number));
        last[step.out] = last[step.out].max(Some(number));
        for view in step.reads() {
            last[view.buffer] = Some(number);
        }
    }
    last[lowered.output] = Some(lowered.steps.len());
    (first, last)
}
