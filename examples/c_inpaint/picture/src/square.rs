use crate::Error;
use crate::picture::{CHANNELS, Picture};

impl Picture {
    /// Crops to the centred square and, where that is larger than `size`, shrinks it to
    /// `size` x `size` by averaging over areas. A smaller square keeps its own size: enlarging
    /// would invent smoothness that a denoiser then believes.
    ///
    /// # Errors
    /// `size` is 0.
    pub fn square(&mut self, size: usize) -> Result<(), Error> {
        if size == 0 {
            return Err(Error::Argument("the size is 0; give the pixels of a side".into()));
        }
        let side = self.height.min(self.width);
        let (top, left) = ((self.height - side) / 2, (self.width - side) / 2);
        let target = side.min(size);
        let mut pixels = Vec::with_capacity(CHANNELS * target * target);
        for plane in self.pixels.chunks_exact(self.height * self.width) {
            let rows = plane.chunks_exact(self.width).skip(top).take(side);
            let crop: Vec<f32> = rows.flat_map(|row| &row[left..left + side]).copied().collect();
            let narrow = shrink_and_transpose(&crop, side, target);
            pixels.extend(shrink_and_transpose(&narrow, side, target));
        }
        (self.height, self.width, self.pixels) = (target, target, pixels);
        Ok(())
    }
}

/// Lines of `from` samples to `to` averages each (`to` <= `from`); the lines become columns.
fn shrink_and_transpose(lines: &[f32], from: usize, to: usize) -> Vec<f32> {
    let count = lines.len() / from;
    let mut out = vec![0.0; to * count];
    for (line, samples) in lines.chunks_exact(from).enumerate() {
        for cell in 0..to {
            out[cell * count + line] = average(samples, cell, to);
        }
    }
    out
}

/// The mean over [cell, cell + 1) of `cells` equal parts, in units of 1/cells of a sample.
fn average(samples: &[f32], cell: usize, cells: usize) -> f32 {
    let (start, end) = (cell * samples.len(), (cell + 1) * samples.len());
    let overlap = |i: usize| end.min((i + 1) * cells) - start.max(i * cells);
    let sum: f64 = (start / cells..end.div_ceil(cells)).map(|i| f64::from(samples[i]) * overlap(i) as f64).sum();
    (sum / samples.len() as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(height: usize, width: usize, level: impl Fn(usize, usize) -> f32) -> Picture {
        let plane: Vec<f32> = (0..height * width).map(|i| level(i / width, i % width)).collect();
        Picture { height, width, was_grey: true, pixels: plane.repeat(CHANNELS) }
    }

    #[test]
    fn the_square_is_the_centre() {
        let mut wide = picture(2, 6, |row, column| (10 * row + column) as f32);
        wide.square(2).unwrap();
        assert_eq!(wide.pixels[..4], [2.0, 3.0, 12.0, 13.0]);
    }

    #[test]
    fn an_area_average_is_the_mean_of_its_pixels() {
        let mut four = picture(4, 4, |row, column| (4 * row + column) as f32);
        four.square(2).unwrap();
        assert_eq!(four.pixels[..4], [2.5, 4.5, 10.5, 12.5]);
        let mut three = picture(3, 3, |_, column| [0.0, 3.0, 6.0][column]);
        three.square(2).unwrap();
        assert_eq!(three.pixels[..4], [1.0, 5.0, 1.0, 5.0]);
    }

    #[test]
    fn a_smaller_picture_keeps_its_size() {
        let mut small = picture(3, 5, |row, _| row as f32);
        small.square(256).unwrap();
        assert_eq!((small.height, small.width, small.pixels.len()), (3, 3, 27));
        assert!(small.square(0).is_err());
    }

    #[test]
    fn the_mean_is_kept() {
        let mut uneven = picture(97, 97, |row, column| ((row * 31 + column * 17) % 101) as f32);
        let mean = |pixels: &[f32]| pixels.iter().map(|&v| f64::from(v)).sum::<f64>() / pixels.len() as f64;
        let before = mean(&uneven.pixels);
        uneven.square(40).unwrap();
        assert!((mean(&uneven.pixels) - before).abs() < 1e-4);
    }
}
