//! Matrix products by loops.

use crate::control::count;
use crate::cublas_lt::{Description, EXECUTION_FAILED, INVALID_VALUE, NOT_SUPPORTED};
use crate::driver;
use crate::numbers::Kind;
use std::ffi::c_int;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Column-major: element (row, column) of batch b lies at row + column · leading + b · batch.
#[derive(Clone, Copy)]
pub struct Matrix {
    pub kind: Kind,
    pub rows: u64,
    pub columns: u64,
    pub leading: u64,
    pub batches: u64,
    pub batch: u64,
}

/// What an algorithm was made for: the product, its bytes of workspace, the alignment of A, B, C and D.
#[repr(C)]
pub struct Algorithm {
    product: u64,
    workspace: u64,
    alignment: [u32; 4],
    rest: [u64; 4],
}

/// D = alpha op(A) op(B) + beta C.
#[derive(Clone, Copy)]
pub struct Multiply {
    transposed: [bool; 2],
    matrices: [Matrix; 4],
}

impl Matrix {
    fn bytes(&self) -> u64 {
        let last = (self.rows - 1) + (self.columns - 1) * self.leading + (self.batches - 1) * self.batch;
        self.kind.bytes() * (last + 1)
    }

    fn size(&self, is_transposed: bool) -> [u64; 2] {
        if is_transposed { [self.columns, self.rows] } else { [self.rows, self.columns] }
    }
}

impl Multiply {
    pub fn new(Description(transposed): Description, matrices: [Matrix; 4]) -> Result<Self, c_int> {
        let [a, b, c, d] = &matrices;
        let ([rows, depth], [other, columns]) = (a.size(transposed[0]), b.size(transposed[1]));
        let same = |one: &Matrix, other: &Matrix| {
            one.size(false) == other.size(false) && one.leading == other.leading && one.batch == other.batch
        };
        if depth != other || d.size(false) != [rows, columns] || !same(c, d) {
            return Err(INVALID_VALUE);
        }
        if matrices.iter().any(|matrix| matrix.kind != a.kind || matrix.batches != a.batches) {
            return Err(NOT_SUPPORTED);
        }
        Ok(Self { transposed, matrices })
    }

    fn number(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.transposed.hash(&mut hasher);
        for matrix in &self.matrices {
            (matrix.rows, matrix.columns, matrix.leading, matrix.batches, matrix.batch).hash(&mut hasher);
        }
        hasher.finish()
    }

    pub fn algorithm(&self, workspace: u64, alignment: [u32; 4]) -> Algorithm {
        Algorithm { product: self.number(), workspace, alignment, rest: [0; 4] }
    }

    pub fn enqueue(
        self,
        stream: u64,
        [alpha, beta]: [f32; 2],
        places: [u64; 4],
        algorithm: &Algorithm,
        workspace: u64,
        bytes: u64,
    ) -> Result<(), c_int> {
        let is_aligned = |(place, alignment): (&u64, &u32)| *place != 0 && place.is_multiple_of((*alignment).into());
        let is_fit =
            algorithm.product == self.number() && algorithm.workspace <= bytes && workspace.is_multiple_of(256);
        if !is_fit || !places.iter().zip(&algorithm.alignment).all(is_aligned) {
            return Err(INVALID_VALUE);
        }
        let batch_bytes = |matrix: &Matrix| if matrix.batches > 1 { matrix.batch * matrix.kind.bytes() } else { 0 };
        if self
            .matrices
            .iter()
            .zip(algorithm.alignment)
            .any(|(m, alignment)| batch_bytes(m) % u64::from(alignment) != 0)
        {
            return Err(INVALID_VALUE);
        }
        let ranges = self.matrices.iter().zip(places).map(|(matrix, place)| [place, matrix.bytes()]);
        let ranges: Vec<_> = ranges.chain((bytes > 0).then_some([workspace, bytes])).collect();
        count("products");
        let work = move || {
            // SAFETY: the driver has looked the ranges up.
            unsafe { (workspace as *mut u8).write_bytes(0xff, bytes as usize) };
            self.run([alpha, beta], places);
        };
        if driver::enqueue(stream, &ranges, work) { Ok(()) } else { Err(EXECUTION_FAILED) }
    }

    fn run(&self, [alpha, beta]: [f32; 2], [a_at, b_at, c_at, d_at]: [u64; 4]) {
        let [a, b, c, d] = &self.matrices;
        let place = |matrix: &Matrix, batch: u64, row: u64, column: u64, is_transposed: bool| {
            let [row, column] = if is_transposed { [column, row] } else { [row, column] };
            batch * matrix.batch + row + column * matrix.leading
        };
        let depth = a.size(self.transposed[0])[1];
        for batch in 0..d.batches {
            for (column, row) in (0..d.columns).flat_map(|column| (0..d.rows).map(move |row| (column, row))) {
                let mut sum = 0.0_f32;
                for k in 0..depth {
                    // SAFETY: inside the ranges.
                    sum += unsafe {
                        a.kind.read(a_at, place(a, batch, row, k, self.transposed[0]))
                            * b.kind.read(b_at, place(b, batch, k, column, self.transposed[1]))
                    };
                }
                // SAFETY: as above.
                unsafe {
                    let at = place(c, batch, row, column, false);
                    let before = if beta == 0.0 { 0.0 } else { beta * c.kind.read(c_at, at) };
                    d.kind.write(d_at, place(d, batch, row, column, false), alpha * sum + before);
                }
            }
        }
    }
}
