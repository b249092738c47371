//! Arrays without their elements: where each element lies.

/// Elements of a buffer, seen with a shape: that at place p lies at `offset` + Σ p·stride.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct View {
    pub(super) buffer: usize,
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    /// 0 where an axis repeats the same elements.
    pub(super) strides: Vec<usize>,
}

impl View {
    /// A whole buffer, row-major.
    pub(super) fn dense(buffer: usize, shape: &[usize]) -> Self {
        Self { buffer, offset: 0, shape: shape.to_vec(), strides: dense_strides(shape) }
    }

    pub(super) fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Row-major without gaps.
    pub(super) fn is_dense(&self) -> bool {
        let factors = self.factors();
        matches!(factors[..], [] | [(_, 1)])
    }

    /// The axes from the outermost, (size, stride), as few as there can be.
    pub(super) fn factors(&self) -> Vec<(usize, usize)> {
        let mut merged: Vec<(usize, usize)> = Vec::new();
        for (&size, &stride) in self.shape.iter().zip(&self.strides).filter(|(size, _)| **size != 1) {
            match merged.last_mut() {
                Some(outer) if outer.1 == size * stride => *outer = (outer.0 * size, stride),
                _ => merged.push((size, stride)),
            }
        }
        merged
    }

    /// The same elements in the same order with another shape, if strides can say that.
    pub(super) fn reshape(&self, shape: &[usize]) -> Option<Self> {
        let mut factors = self.factors();
        let mut strides = vec![0; shape.len()];
        for (&size, stride) in shape.iter().zip(&mut strides).rev() {
            if size == 1 {
                continue;
            }
            let (length, step) = factors.pop()?;
            if length % size != 0 {
                return None;
            }
            *stride = step;
            if length > size {
                factors.push((length / size, step * size));
            }
        }
        factors.is_empty().then(|| Self { shape: shape.to_vec(), strides, ..*self })
    }

    /// The axes in another order, each once; `None` for something else.
    pub(super) fn permute(&self, order: &[usize]) -> Option<Self> {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        let pick = |of: &[usize]| order.iter().map(|&axis| of[axis]).collect();
        let is_order = sorted.into_iter().eq(0..self.shape.len());
        is_order.then(|| Self { shape: pick(&self.shape), strides: pick(&self.strides), ..*self })
    }

    /// Repeated to a shape by numpy's rules; `None` if it does not fit.
    pub(super) fn expand(&self, shape: &[usize]) -> Option<Self> {
        let more = shape.len().checked_sub(self.shape.len())?;
        let mut strides = vec![0; shape.len()];
        for (axis, (&size, &stride)) in self.shape.iter().zip(&self.strides).enumerate() {
            match (size, shape[more + axis]) {
                (size, wanted) if size == wanted => strides[more + axis] = stride,
                (1, _) => {}
                _ => return None,
            }
        }
        Some(Self { shape: shape.to_vec(), strides, ..*self })
    }

    /// `length` elements of an axis from `start`, every `step`-th; `None` outside.
    pub(super) fn slice(&self, axis: usize, start: usize, length: usize, step: usize) -> Option<Self> {
        let last = start + length.checked_sub(1)? * step;
        (last < *self.shape.get(axis)?).then(|| {
            let mut part = self.clone();
            part.offset += start * part.strides[axis];
            part.strides[axis] *= step;
            part.shape[axis] = length;
            part
        })
    }

    /// The order of the axes, outermost first, in which the elements lie.
    pub(super) fn memory_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.shape.len()).collect();
        let far = |axis: usize| if self.shape[axis] == 1 { usize::MAX } else { self.strides[axis] };
        order.sort_by_key(|&axis| std::cmp::Reverse(far(axis)));
        order
    }

    /// Are the elements of the last axis neighbours that begin at multiples of 8, and a multiple of 8?
    pub(super) fn is_octets(&self) -> bool {
        let Some((&last, outer)) = self.shape.split_last() else { return false };
        let outer = outer.iter().zip(&self.strides).filter(|(size, _)| **size != 1);
        let is_whole = last.is_multiple_of(8) && self.strides.last() == Some(&1);
        is_whole && self.offset.is_multiple_of(8) && outer.into_iter().all(|(_, stride)| stride.is_multiple_of(8))
    }

    /// Without the repetitions: axes of stride 0 have size 1.
    pub(super) fn once(&self, repeated: &[bool]) -> Self {
        let mut once = self.clone();
        for (size, _) in once.shape.iter_mut().zip(repeated).filter(|(_, repeated)| **repeated) {
            *size = 1;
        }
        once
    }
}

/// The order that undoes an order of axes.
pub(super) fn inverse(order: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; order.len()];
    order.iter().enumerate().for_each(|(place, &axis)| inverse[axis] = place);
    inverse
}

pub(super) fn dense_strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// The fewest axes, at most three and outermost first, in which all of these views of the same shape have strides.
pub(super) fn common_axes<'a>(elements: usize, views: impl Iterator<Item = &'a View> + Clone) -> Option<[usize; 3]> {
    let mut ends: Vec<usize> = Vec::new(); // products of the inner sizes where a view's stride changes
    for view in views.clone() {
        let mut product = 1;
        for (size, _) in view.factors().into_iter().rev() {
            product *= size;
            if product < elements && !ends.contains(&product) {
                ends.push(product);
            }
        }
    }
    ends.sort_unstable();
    let axes = match ends[..] {
        [] => [1, 1, elements],
        [inner] if elements.is_multiple_of(inner) => [1, elements / inner, inner],
        [inner, middle] if elements.is_multiple_of(middle) && middle.is_multiple_of(inner) => {
            [elements / middle, middle / inner, inner]
        }
        _ => return None,
    };
    views.clone().all(|view| view.reshape(&axes).is_some()).then_some(axes)
}

/// The fewest axes in which both have strides, the finer ones.
pub(super) fn finest_axes(a: &View, b: &View) -> Vec<usize> {
    let mut ends: Vec<usize> = vec![a.elements()];
    for view in [a, b] {
        let mut product = 1;
        for (size, _) in view.factors().into_iter().rev() {
            product *= size;
            ends.push(product);
        }
    }
    ends.sort_unstable();
    ends.dedup();
    let mut sizes: Vec<usize> =
        ends.iter().scan(1, |before, &end| Some(end / std::mem::replace(before, end))).collect();
    sizes.reverse();
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_array_is_reshaped_only_where_strides_can_say_it() {
        let view = View::dense(0, &[2, 3, 4]).permute(&[0, 2, 1]).unwrap(); // [2, 4, 3]
        assert_eq!(view.strides, [12, 1, 4]);
        assert_eq!(view.reshape(&[2, 2, 2, 3]).map(|v| v.strides), Some(vec![12, 2, 1, 4]));
        assert_eq!(view.reshape(&[2, 12]), None);
        assert!(!view.is_dense() && view.permute(&[0, 2, 1]).unwrap().is_dense());
        let back = view.permute(&[0, 2, 1]).unwrap().reshape(&[6, 1, 4]).unwrap();
        assert_eq!(back.strides, [4, 0, 1]);
    }

    #[test]
    fn views_share_axes() {
        let whole = View::dense(0, &[2, 8, 5, 7]);
        let channels = View::dense(1, &[8, 1, 1]).expand(&[2, 8, 5, 7]).unwrap();
        assert_eq!(common_axes(560, [&whole, &channels].into_iter()), Some([2, 8, 35]));
        assert_eq!(channels.reshape(&[2, 8, 35]).map(|v| v.strides), Some(vec![0, 1, 0]));
        assert_eq!(common_axes(560, [&whole].into_iter()), Some([1, 1, 560]));
        let turned = View::dense(2, &[7, 5, 8, 2]).permute(&[3, 2, 1, 0]).unwrap();
        assert_eq!(turned.permute(&[0, 1, 1, 2]), None);
        assert_eq!(common_axes(560, [&whole, &turned].into_iter()), None);
    }

    #[test]
    fn slices_stay_inside() {
        let view = View::dense(0, &[4, 6]);
        assert_eq!(view.slice(1, 1, 3, 2).map(|v| (v.offset, v.strides)), Some((1, vec![6, 2])));
        assert_eq!(view.slice(1, 2, 3, 2), None);
        assert_eq!(view.slice(2, 0, 1, 1), None);
        assert_eq!(view.slice(0, 0, 0, 1), None);
    }
}
