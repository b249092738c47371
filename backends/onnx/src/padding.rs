//! Reflected borders: padding to the sizes that a network takes, and cropping its output again.

use crate::symmetry::Symmetry;

/// Where each padded element is read from: `rows[r] + columns[c]` in a plane of the picture. Reflection does not repeat
/// the edge (numpy's `reflect`), and a picture smaller than the border is reflected as often as needed.
pub(crate) struct Padding {
    margin: usize,
    plane: usize,
    rows: Axis,
    columns: Axis,
}

/// One axis of the padded picture: offsets into a plane, and how many of them are the picture itself.
struct Axis {
    offsets: Vec<usize>,
    inside: usize,
}

impl Padding {
    /// Padding of height × width by `margin` on each side, and on to a multiple of `multiple` at the bottom and right,
    /// of the picture as `symmetry` shows it; `None` without memory. All sizes are at least one and small enough not to
    /// overflow.
    pub(crate) fn new(height: usize, width: usize, margin: usize, multiple: usize, symmetry: Symmetry) -> Option<Self> {
        let axis = |size: usize, stride: usize, mirrored: bool| {
            let length = padded_size(size, margin, multiple);
            let mut offsets = Vec::new();
            offsets.try_reserve_exact(length).ok()?;
            let sources = (0..length).map(|place| reflected(place, margin, size));
            offsets.extend(sources.map(|source| stride * if mirrored { size - 1 - source } else { source }));
            Some(Axis { offsets, inside: size })
        };
        let mut rows = axis(height, width, symmetry.upside_down)?;
        let mut columns = axis(width, 1, symmetry.left_to_right)?;
        if symmetry.transposed {
            std::mem::swap(&mut rows, &mut columns);
        }
        Some(Self { margin, plane: height * width, rows, columns })
    }

    /// The padded height and width.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.rows.offsets.len(), self.columns.offsets.len())
    }

    /// Fill `padded`, \[channels, padded height, padded width\], from `image`, \[channels, height, width\], times `scale`.
    pub(crate) fn pad(&self, image: &[f32], scale: f32, padded: &mut [f32]) {
        let (height, width) = self.size();
        for (plane, target) in image.chunks_exact(self.plane).zip(padded.chunks_exact_mut(height * width)) {
            for (row, start) in target.chunks_exact_mut(width).zip(&self.rows.offsets) {
                for (value, offset) in row.iter_mut().zip(&self.columns.offsets) {
                    *value = scale * plane[start + offset];
                }
            }
        }
    }

    /// Copy the picture out of `padded` into `image`, shaped as in [`Padding::pad`]; more planes than the picture's are left
    /// out.
    pub(crate) fn crop(&self, padded: &[f32], image: &mut [f32]) {
        let (height, width) = self.size();
        let inside = |axis: &Axis| self.margin..self.margin + axis.inside;
        for (plane, target) in padded.chunks_exact(height * width).zip(image.chunks_exact_mut(self.plane)) {
            for row in inside(&self.rows) {
                for column in inside(&self.columns) {
                    target[self.rows.offsets[row] + self.columns.offsets[column]] = plane[row * width + column];
                }
            }
        }
    }
}

/// `size` with both margins, rounded up; saturates instead of overflowing.
pub(crate) fn padded_size(size: usize, margin: usize, multiple: usize) -> usize {
    size.saturating_add(2 * margin).checked_next_multiple_of(multiple).unwrap_or(usize::MAX)
}

/// The place inside 0..size that `place` of the padded axis shows.
fn reflected(place: usize, margin: usize, size: usize) -> usize {
    if size == 1 {
        return 0;
    }
    let period = 2 * (size - 1);
    let offset = (place + (period - margin % period)) % period;
    offset.min(period - offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflection_does_not_repeat_the_edge() {
        // numpy.pad([0, 1, 2, 3], (2, 4), "reflect")
        let places: Vec<_> = (0..10).map(|place| reflected(place, 2, 4)).collect();
        assert_eq!(places, [2, 1, 0, 1, 2, 3, 2, 1, 0, 1]);
    }

    #[test]
    fn a_size_below_the_margin_is_reflected_again() {
        // numpy.pad([0, 1, 2], (5, 6), "reflect"), and of one element
        let places: Vec<_> = (0..14).map(|place| reflected(place, 5, 3)).collect();
        assert_eq!(places, [1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1, 0]);
        assert_eq!(reflected(7, 3, 1), 0);
    }

    #[test]
    fn pad_writes_reflected_rows_and_columns_and_crop_undoes_it() {
        let padding = Padding::new(2, 3, 1, 4, Symmetry::default()).unwrap();
        assert_eq!(padding.size(), (4, 8));
        let image: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let mut padded = vec![f32::NAN; 2 * 4 * 8];
        padding.pad(&image, 1.0, &mut padded);
        let rows = [
            [4., 3., 4., 5., 4., 3., 4., 5.],
            [1., 0., 1., 2., 1., 0., 1., 2.],
            [4., 3., 4., 5., 4., 3., 4., 5.],
            [1., 0., 1., 2., 1., 0., 1., 2.],
        ];
        assert_eq!(padded[..32], *rows.concat());
        assert_eq!(padded[32..], *rows.concat().iter().map(|v| v + 6.).collect::<Vec<_>>());
        let mut back = vec![0.; 12];
        padding.crop(&padded, &mut back);
        assert_eq!(back, image);
    }

    #[test]
    fn a_turned_picture_is_the_turned_picture_padded_and_comes_back_unturned() {
        let (height, width) = (3, 4);
        let image: Vec<f32> = (0..12).map(|i| i as f32).collect();
        for symmetry in (0..Symmetry::COUNT).map(Symmetry::number) {
            let at = |row: usize, column: usize| {
                let (mut row, mut column) = if symmetry.transposed { (column, row) } else { (row, column) };
                if symmetry.upside_down {
                    row = height - 1 - row;
                }
                if symmetry.left_to_right {
                    column = width - 1 - column;
                }
                image[row * width + column]
            };
            let (h, w) = if symmetry.transposed { (width, height) } else { (height, width) };
            let turned: Vec<f32> = (0..h * w).map(|i| at(i / w, i % w)).collect();
            let plain = Padding::new(h, w, 2, 4, Symmetry::default()).unwrap();
            let padding = Padding::new(height, width, 2, 4, symmetry).unwrap();
            assert_eq!(padding.size(), plain.size());
            let (mut expected, mut found) = (vec![f32::NAN; 64], vec![f32::NAN; 64]);
            plain.pad(&turned, 1.0, &mut expected);
            padding.pad(&image, 1.0, &mut found);
            assert_eq!(found, expected, "{symmetry:?}");
            let mut back = vec![f32::NAN; 12];
            padding.crop(&found, &mut back);
            assert_eq!(back, image, "{symmetry:?}");
        }
    }
}
