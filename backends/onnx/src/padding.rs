//! Reflected borders: padding to the sizes that a network takes, and cropping its output again.

/// Where each padded row and column is read from. Reflection does not repeat the edge (numpy's `reflect`), and a
/// picture smaller than the border is reflected as often as needed.
pub(crate) struct Padding {
    margin: usize,
    height: usize,
    width: usize,
    rows: Vec<usize>,
    columns: Vec<usize>,
}

impl Padding {
    /// Padding of height × width by `margin` on each side, and on to a multiple of `multiple` at the bottom and right.
    /// All sizes are at least one and small enough not to overflow.
    pub(crate) fn new(height: usize, width: usize, margin: usize, multiple: usize) -> Self {
        let sources = |size: usize| -> Vec<usize> {
            (0..padded_size(size, margin, multiple)).map(|place| reflected(place, margin, size)).collect()
        };
        Self { margin, height, width, rows: sources(height), columns: sources(width) }
    }

    /// The padded height and width.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.rows.len(), self.columns.len())
    }

    /// Fill `padded`, \[channels, padded height, padded width\], from `image`, \[channels, height, width\].
    pub(crate) fn pad(&self, image: &[f32], padded: &mut [f32]) {
        let (left, right) = (self.margin, self.margin + self.width);
        let planes = image.chunks_exact(self.height * self.width);
        for (plane, target) in planes.zip(padded.chunks_exact_mut(self.rows.len() * self.columns.len())) {
            for (row, &source) in target.chunks_exact_mut(self.columns.len()).zip(&self.rows) {
                let line = &plane[source * self.width..][..self.width];
                row[left..right].copy_from_slice(line);
                for column in (0..left).chain(right..row.len()) {
                    row[column] = line[self.columns[column]];
                }
            }
        }
    }

    /// Copy the picture out of `padded` into `image`, shaped as in [`Padding::pad`].
    pub(crate) fn crop(&self, padded: &[f32], image: &mut [f32]) {
        let width = self.columns.len();
        let planes = padded.chunks_exact(self.rows.len() * width);
        for (plane, target) in planes.zip(image.chunks_exact_mut(self.height * self.width)) {
            let rows = plane.chunks_exact(width).skip(self.margin);
            for (row, line) in rows.zip(target.chunks_exact_mut(self.width)) {
                line.copy_from_slice(&row[self.margin..][..self.width]);
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
        let padding = Padding::new(2, 3, 1, 4);
        assert_eq!(padding.size(), (4, 8));
        let image: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let mut padded = vec![f32::NAN; 2 * 4 * 8];
        padding.pad(&image, &mut padded);
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
}
