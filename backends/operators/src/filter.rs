//! A linear map along one axis.

use rwt_core::Error;

use crate::{require, require_finite};

/// Each output is a weighted sum of neighbouring inputs.
#[derive(Clone, Debug)]
pub struct Filter {
    inputs: usize,
    /// First input and first weight of each output; one more at the end.
    starts: Vec<(usize, usize)>,
    weights: Vec<f32>,
}

impl Filter {
    /// A blur by a kernel of odd length whose middle is the pixel itself; outside of the axis are zeros.
    ///
    /// # Errors
    /// [`Error::Parameter`] for no inputs, or a kernel that is even or not finite.
    pub fn blur(inputs: usize, kernel: &[f32]) -> Result<Self, Error> {
        require(inputs > 0, "inputs", "at least 1", 0.0)?;
        require(kernel.len() % 2 == 1, "length of the kernel", "odd", kernel.len() as f64)?;
        require_finite("kernel", kernel)?;
        let half = kernel.len() / 2;
        // a convolution turns the kernel round
        Ok(Self::from_rows(
            inputs,
            (0..inputs).map(|output| {
                let (first, last) = (output.saturating_sub(half), (output + half).min(inputs - 1));
                (first, (first..=last).map(|input| kernel[half + output - input]).collect())
            }),
        ))
    }

    /// Bicubic downsampling by a whole factor with the antialiasing of image libraries (Pillow's, and MATLAB's but for the
    /// borders): the kernel of Keys 1981 with a = −1/2, `factor` times as wide, cut at the borders and normalised.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless `inputs` is a positive multiple of the factor.
    pub fn bicubic(inputs: usize, factor: usize) -> Result<Self, Error> {
        require(factor > 0, "factor", "at least 1", factor as f64)?;
        require(inputs > 0 && inputs.is_multiple_of(factor), "inputs", "a multiple of the factor", inputs as f64)?;
        let (scale, support) = (factor as f64, 2.0 * factor as f64);
        Ok(Self::from_rows(
            inputs,
            (0..inputs / factor).map(|output| {
                let centre = (output as f64 + 0.5) * scale;
                let first = (centre - support + 0.5).max(0.0) as usize;
                let end = ((centre + support + 0.5) as usize).min(inputs);
                let weights: Vec<f64> = (first..end).map(|input| keys((input as f64 + 0.5 - centre) / scale)).collect();
                let sum: f64 = weights.iter().sum();
                (first, weights.iter().map(|weight| (weight / sum) as f32).collect())
            }),
        ))
    }

    fn from_rows(inputs: usize, rows: impl Iterator<Item = (usize, Vec<f32>)>) -> Self {
        let (mut starts, mut weights) = (Vec::new(), Vec::new());
        for (first, row) in rows {
            starts.push((first, weights.len()));
            weights.extend(row);
        }
        starts.push((inputs, weights.len()));
        Self { inputs, starts, weights }
    }

    /// The length of the axis.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The length of the axis afterwards.
    pub fn outputs(&self) -> usize {
        self.starts.len() - 1
    }

    /// The first input of an output, and the weights from there.
    pub(crate) fn row(&self, output: usize) -> (usize, &[f32]) {
        let [(first, start), (_, end)] = [self.starts[output], self.starts[output + 1]];
        (first, &self.weights[start..end])
    }

    /// An upper bound of the norm: the geometric mean of the largest sums of rows and of columns.
    pub(crate) fn norm(&self) -> f64 {
        let (mut largest, mut columns) = (0f64, vec![0.0; self.inputs]);
        for output in 0..self.outputs() {
            let (first, weights) = self.row(output);
            let mut sum = 0.0;
            for (column, weight) in columns[first..].iter_mut().zip(weights) {
                *column += f64::from(weight.abs());
                sum += f64::from(weight.abs());
            }
            largest = largest.max(sum);
        }
        (largest * columns.into_iter().fold(0.0, f64::max)).sqrt()
    }
}

/// The cubic kernel of Keys 1981 with a = −1/2.
fn keys(x: f64) -> f64 {
    let x = x.abs();
    match x {
        ..1.0 => (1.5 * x - 2.5) * x * x + 1.0,
        1.0..2.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
        _ => 0.0,
    }
}
