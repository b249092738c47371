//! Linear measurement operators A with their adjoints.

use crate::error::{Error, require_len};

/// How many conjugate-gradient steps an operator without a closed form takes.
const CG_STEPS: usize = 15;

/// A linear operator from images (n elements) to measurements (m elements).
pub trait Operator {
    /// n.
    fn image_len(&self) -> usize;

    /// m.
    fn measurement_len(&self) -> usize;

    /// y ← A x. `x` has n elements, `y` has m.
    fn apply(&self, x: &[f32], y: &mut [f32]);

    /// x ← Aᵀ y.
    fn adjoint(&self, y: &[f32], x: &mut [f32]);

    /// An upper bound of ‖A‖, the largest singular value.
    fn norm(&self) -> f64;

    /// Elements of scratch that [`Operator::solve`] needs.
    fn solve_len(&self) -> usize {
        3 * self.measurement_len() + self.image_len()
    }

    /// r ← (noise_variance·I + q A Aᵀ)⁻¹ r; conjugate gradients unless the operator knows better.
    fn solve(&self, noise_variance: f64, q: f64, r: &mut [f32], scratch: &mut [f32]) {
        let m = self.measurement_len();
        let (solution, rest) = scratch.split_at_mut(m);
        let (direction, rest) = rest.split_at_mut(m);
        let (image, rest) = rest.split_at_mut(self.image_len());
        let applied = &mut rest[..m];
        solution.fill(0.0);
        direction.copy_from_slice(r);
        let mut rr = dot(r, r);
        let stop = rr * 1e-12;
        for _ in 0..CG_STEPS {
            if rr <= stop || rr == 0.0 {
                break;
            }
            self.adjoint(direction, image);
            self.apply(image, applied);
            for (a, d) in applied.iter_mut().zip(direction.iter()) {
                *a = (noise_variance * f64::from(*d) + q * f64::from(*a)) as f32;
            }
            let step = (rr / dot(direction, applied)) as f32;
            for i in 0..m {
                solution[i] += step * direction[i];
                r[i] -= step * applied[i];
            }
            let next = dot(r, r);
            let ratio = (next / rr) as f32;
            for (d, r) in direction.iter_mut().zip(r.iter()) {
                *d = r + ratio * *d;
            }
            rr = next;
        }
        r.copy_from_slice(solution);
    }
}

/// ⟨a, b⟩ in f64.
pub fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// Keeps the pixels of a mask, the same for every channel; measurements are laid out as the image is, zero where
/// nothing was measured.
#[derive(Clone, Copy, Debug)]
pub struct Mask<'a> {
    mask: &'a [u8],
    channels: usize,
}

impl<'a> Mask<'a> {
    /// `mask` has one byte a pixel (height · width), non-zero where the pixel was measured.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an empty mask or no channels.
    pub fn new(mask: &'a [u8], channels: usize) -> Result<Self, Error> {
        crate::error::require(!mask.is_empty(), "pixels of the mask", "at least 1", 0.0)?;
        crate::error::require(channels > 0, "channels", "at least 1", 0.0)?;
        Ok(Self { mask, channels })
    }

    /// Is this element of the image measured?
    pub fn keeps(&self, element: usize) -> bool {
        self.mask[element % self.mask.len()] != 0
    }

    fn each(&self, from: &[f32], to: &mut [f32]) {
        for (from, to) in from.chunks_exact(self.mask.len()).zip(to.chunks_exact_mut(self.mask.len())) {
            for ((from, to), keep) in from.iter().zip(to).zip(self.mask) {
                *to = if *keep != 0 { *from } else { 0.0 };
            }
        }
    }
}

impl Operator for Mask<'_> {
    fn image_len(&self) -> usize {
        self.mask.len() * self.channels
    }

    fn measurement_len(&self) -> usize {
        self.image_len()
    }

    fn apply(&self, x: &[f32], y: &mut [f32]) {
        self.each(x, y);
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32]) {
        self.each(y, x);
    }

    fn norm(&self) -> f64 {
        1.0
    }

    fn solve_len(&self) -> usize {
        0
    }

    fn solve(&self, noise_variance: f64, q: f64, r: &mut [f32], _scratch: &mut [f32]) {
        let scale = (1.0 / (noise_variance + q)) as f32;
        for plane in r.chunks_exact_mut(self.mask.len()) {
            for (r, keep) in plane.iter_mut().zip(self.mask) {
                *r = if *keep != 0 { *r * scale } else { 0.0 };
            }
        }
    }
}

/// A dense matrix, row-major, m rows of n columns.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a> {
    matrix: &'a [f32],
    rows: usize,
    columns: usize,
}

impl<'a> Dense<'a> {
    /// An m × n matrix.
    ///
    /// # Errors
    /// [`Error::Length`] unless `matrix` has rows · columns > 0 elements.
    pub fn new(matrix: &'a [f32], rows: usize, columns: usize) -> Result<Self, Error> {
        require_len("matrix", rows.saturating_mul(columns).max(1), matrix.len())?;
        Ok(Self { matrix, rows, columns })
    }
}

impl Operator for Dense<'_> {
    fn image_len(&self) -> usize {
        self.columns
    }

    fn measurement_len(&self) -> usize {
        self.rows
    }

    fn apply(&self, x: &[f32], y: &mut [f32]) {
        for (row, y) in self.matrix.chunks_exact(self.columns).zip(y) {
            *y = dot(row, x) as f32;
        }
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32]) {
        x.fill(0.0);
        for (row, y) in self.matrix.chunks_exact(self.columns).zip(y) {
            for (x, a) in x.iter_mut().zip(row) {
                *x += y * a;
            }
        }
    }

    /// The Frobenius norm.
    fn norm(&self) -> f64 {
        libm::sqrt(dot(self.matrix, self.matrix))
    }
}
