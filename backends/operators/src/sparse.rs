//! A matrix of which most elements are zero.

use rwt_core::{Error, Operator};

use crate::{require, require_finite, require_len};

/// Compressed rows (CSR): row i has the values and columns from `starts[i]` to `starts[i + 1]`.
#[derive(Clone, Debug)]
pub struct Sparse {
    columns: usize,
    starts: Vec<usize>,
    places: Vec<u32>,
    values: Vec<f32>,
    norm: f64,
}

impl Sparse {
    /// A matrix of `starts.len() − 1` rows. `starts` begins with 0, does not fall, and ends with the number of values.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::Parameter`] for lengths, starts, columns or values that cannot be.
    pub fn new(columns: usize, starts: &[usize], places: &[u32], values: &[f32]) -> Result<Self, Error> {
        require(columns > 0 && columns <= u32::MAX as usize, "columns", "from 1 to 2^32 - 1", columns as f64)?;
        require(starts.len() >= 2 && starts[0] == 0, "rows", "at least 1, the first at value 0", starts.len() as f64)?;
        let falls = starts.windows(2).find(|pair| pair[1] < pair[0]);
        require(falls.is_none(), "starts", "not falling", falls.map_or(0.0, |pair| pair[1] as f64))?;
        require_len("values", starts[starts.len() - 1], values.len())?;
        require_len("places", values.len(), places.len())?;
        require_finite("values", values)?;
        if let Some(&found) = places.iter().find(|&&place| place as usize >= columns) {
            return Err(Error::Parameter { name: "place", expected: "below the columns", found: f64::from(found) });
        }
        let (starts, places, values) = (starts.to_vec(), places.to_vec(), values.to_vec());
        let mut matrix = Self { columns, starts, places, values, norm: 0.0 };
        matrix.norm = matrix.bound();
        Ok(matrix)
    }

    /// The geometric mean of the largest sums of rows and of columns, of absolute values.
    fn bound(&self) -> f64 {
        let (mut largest, mut columns) = (0f64, vec![0f64; self.columns]);
        for row in 0..self.measurement_len() {
            let mut sum = 0.0;
            for (place, value) in self.row(row) {
                sum += f64::from(value.abs());
                columns[place] += f64::from(value.abs());
            }
            largest = largest.max(sum);
        }
        (largest * columns.into_iter().fold(0.0, f64::max)).sqrt()
    }

    fn row(&self, row: usize) -> impl Iterator<Item = (usize, f32)> {
        let range = self.starts[row]..self.starts[row + 1];
        self.places[range.clone()].iter().map(|&place| place as usize).zip(self.values[range].iter().copied())
    }
}

impl Operator for Sparse {
    fn image_len(&self) -> usize {
        self.columns
    }

    fn measurement_len(&self) -> usize {
        self.starts.len() - 1
    }

    fn apply(&self, x: &[f32], y: &mut [f32], _scratch: &mut [f32]) {
        for (row, y) in y.iter_mut().enumerate() {
            *y = self.row(row).map(|(place, value)| f64::from(value) * f64::from(x[place])).sum::<f64>() as f32;
        }
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], _scratch: &mut [f32]) {
        x.fill(0.0);
        for (row, y) in y.iter().enumerate() {
            self.row(row).for_each(|(place, value)| x[place] += value * y);
        }
    }

    fn norm(&self) -> f64 {
        self.norm
    }
}
