//! Normalisations, attention, and elements moved in bf16.

use super::emit::COPY_AXES;
use super::half::{HalfNorm, HalfWork};
use super::lower::Lowering;
use super::step::{Attention, Work};
use super::view::{View, finest_axes, inverse};

/// The most channels of a block of the normalisation.
const SLAB_LIMIT: usize = 1024;
/// Fewer blocks than this, of more octets each, are done in parts, together about so many.
const FEW_BLOCKS: usize = 64;
const MANY_OCTETS: usize = 2048;
const BLOCKS: usize = 128;
/// The longest head of an attention kernel in bf16.
const HEAD_LIMIT: usize = 256;

impl Lowering<'_, '_> {
    /// Each row of the logical order normalised, where a row is all places of some channels.
    pub(super) fn half_norm(&mut self, it: &View, rows: usize, epsilon: f32) -> Option<View> {
        if !self.is_half(it) {
            return None;
        }
        // groups of channels of a picture, or the channels of a place
        let (pictures, channels) = (it.shape[0], *it.shape.get(1)?);
        let of_groups = || {
            let group = channels.checked_div(rows / pictures).filter(|group| group * rows == pictures * channels)?;
            let turned =
                it.reshape(&[pictures, channels, it.elements() / (pictures * channels)])?.permute(&[0, 2, 1])?;
            turned.is_octets().then_some((turned, group))
        };
        let of_places = || {
            let group = it.elements() / rows;
            it.reshape(&[rows, 1, group]).filter(View::is_octets).map(|turned| (turned, group))
        };
        let (input, group) = of_groups().or_else(of_places)?;
        let slab = slab(input.shape[2], group)?;
        let sizes = input.shape.clone();
        let mut norm = Box::new(HalfNorm { input, group, slab, epsilon, sums: None });
        if let Some(parts) = parts(sizes[0] * sizes[2] / slab, sizes[1], slab) {
            let work = HalfWork::Sums { norm: norm.clone(), parts };
            norm.sums = Some(self.step(Work::Half(work), &[sizes[0], parts, sizes[2], 2]));
        }
        let out = self.half_step(HalfWork::Norm(norm), &sizes);
        if sizes[1] == 1 { out.reshape(&it.shape) } else { out.permute(&[0, 2, 1])?.reshape(&it.shape) }
    }

    /// Of \[batch, heads, places, length\].
    pub(super) fn half_attention(&mut self, operands: &[View; 3], scale: f32) -> Option<View> {
        let is_fit = |view: &View| self.is_half(view) && view.is_octets() && view.shape[3] <= HEAD_LIMIT;
        if !operands.iter().all(is_fit) {
            return None;
        }
        let [query, key, value] = operands.clone();
        let ([batch, heads, places, _], wide) = (query.shape[..].try_into().ok()?, value.shape[3]);
        let (sizes, order) = ([batch, places, heads, wide], [0, 2, 1, 3]);
        let output = View::dense(0, &sizes).permute(&order)?;
        let work = HalfWork::Attention(Box::new(Attention { query, key, value, output, scale }));
        self.half_step(work, &sizes).permute(&order)
    }

    /// Parts one after another along an axis, if all are in bf16 and lie alike.
    pub(super) fn half_concat(&mut self, parts: &[View], axis: usize, shape: &[usize]) -> Option<View> {
        let order = parts.first()?.memory_order();
        let is_fit = |part: &View| self.is_half(part) && part.permute(&order).is_some_and(|part| part.is_octets());
        if !parts.iter().all(is_fit) {
            return None;
        }
        let sizes: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
        let along = order.iter().position(|&each| each == axis)?;
        let (whole, mut start, mut pairs) = (View::dense(0, &sizes), 0, vec![]);
        for part in parts {
            let part = part.permute(&order)?;
            let length = part.shape[along];
            pairs.push([part, whole.slice(along, start, length, 1)?]);
            start += length;
        }
        self.half_step(HalfWork::Copy(pairs), &sizes).permute(&inverse(&order))
    }

    /// With another shape, copied so that what were neighbours are neighbours.
    pub(super) fn half_reshaped(&mut self, it: &View, shape: &[usize]) -> Option<View> {
        if !self.is_half(it) {
            return None;
        }
        let with_last = |axes: usize, last: usize| (0..axes).filter(|&a| a != last).chain([last]).collect::<Vec<_>>();
        let parts = |last: usize| {
            let order = with_last(shape.len(), last);
            let turned: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
            let to = View::dense(0, &turned).permute(&inverse(&order))?;
            let sizes = Some(finest_axes(it, &to)).filter(|sizes| sizes.len() <= COPY_AXES)?;
            let (from, to) = (it.reshape(&sizes)?, to.reshape(&sizes)?);
            let near = (0..sizes.len()).find(|&axis| sizes[axis] > 1 && to.strides[axis] == 1)?;
            let near = with_last(sizes.len(), near);
            let (from, to) = (from.permute(&near)?, to.permute(&near)?);
            (from.is_octets() && to.is_octets()).then_some((from, to, turned, order))
        };
        let (from, to, turned, order) = (0..shape.len()).filter(|&axis| shape[axis] > 1).find_map(parts)?;
        self.half_step(HalfWork::Copy(vec![[from, to]]), &turned).permute(&inverse(&order))
    }

    /// Pictures \[n, channels, height, width\] with each place repeated by these factors.
    pub(super) fn half_enlarged(&mut self, it: &View, factors: &[usize]) -> Option<View> {
        let [pictures, channels, height, width] = it.shape[..] else { return None };
        let &[1, 1, tall, wide] = factors else { return None };
        let turned = it.permute(&[0, 2, 3, 1]).filter(|turned| self.is_half(it) && turned.is_octets())?;
        let narrow = turned.reshape(&[pictures, height, 1, width, 1, channels])?;
        let from = narrow.expand(&[pictures, height, tall, width, wide, channels])?;
        let to = View::dense(0, &from.shape);
        let sizes = [pictures, height * tall, width * wide, channels];
        let out = self.half_step(HalfWork::Copy(vec![[from, to]]), &sizes);
        let large = out.permute(&[0, 3, 1, 2])?;
        if tall == wide && tall.is_power_of_two() {
            self.enlarged.insert(out.buffer, (large.clone(), it.clone(), tall.ilog2()));
        }
        Some(large)
    }
}

/// Channels of a block: whole groups and octets, 32 bytes if that can be.
fn slab(channels: usize, group: usize) -> Option<usize> {
    let least = (1..=8).map(|count| count * group).find(|slab| slab.is_multiple_of(8))?;
    let twice = 2 * least;
    let slab = if least < 16 && channels.is_multiple_of(twice) { twice } else { least };
    (channels.is_multiple_of(slab) && slab <= SLAB_LIMIT).then_some(slab)
}

/// In how many parts the places of few blocks of many octets are added up.
fn parts(blocks: usize, places: usize, slab: usize) -> Option<usize> {
    (blocks < FEW_BLOCKS && places * slab / 8 > MANY_OCTETS).then(|| BLOCKS.div_ceil(blocks).min(places))
}

#[cfg(test)]
mod tests {
    use super::{parts, slab};

    #[test]
    fn few_large_slabs_are_added_up_in_parts() {
        assert_eq!(parts(8, 4096, 16), Some(16));
        assert_eq!(parts(63, 1025, 16), Some(3));
        assert_eq!(parts(1, 17, 1024), Some(17)); // no more parts than places
        assert_eq!((parts(64, 4096, 16), parts(8, 1024, 16)), (None, None));
    }

    #[test]
    fn slabs_are_whole_groups_and_octets() {
        assert_eq!(slab(64, 2), Some(16));
        assert_eq!(slab(72, 8), Some(8));
        assert_eq!(slab(96, 3), Some(24));
        assert_eq!(slab(512, 512), Some(512));
        assert_eq!(slab(2048, 2048), None);
        assert_eq!(slab(40, 5), Some(40));
    }
}
