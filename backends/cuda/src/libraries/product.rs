//! A matrix product by cuBLASLt.

use super::cublas_lt::{CublasLt, Heuristic};
use super::functions::{Owned, call};
use super::{DataType, WORKSPACE_LIMIT};
use crate::error::Error;
use cudarc::driver::sys::CUdeviceptr;
use std::ffi::{c_int, c_void};
use std::sync::Arc;

/// CUBLAS_COMPUTE_32F, which is not TF32; CUDA_R_32F.
const COMPUTE_F32: c_int = 68;
const F32: c_int = 0;
/// Of cublasLtMatmulDescAttributes_t; CUBLAS_OP_T.
const TRANSPOSE_A: c_int = 3;
const TRANSPOSE_B: c_int = 4;
const TRANSPOSED: c_int = 1;
/// Of cublasLtMatrixLayoutAttribute_t.
const BATCHES: c_int = 5;
const BATCH_STRIDE: c_int = 6;
/// Of cublasLtMatmulPreferenceAttributes_t; parts of a sum are added in f32, by a kernel after those that make them.
const MOST_WORKSPACE: c_int = 1;
const REDUCTION: c_int = 3;
const REDUCTION_IN_F32: u32 = 2;
const ALIGNMENT_A: c_int = 5;
const MOST_ALGORITHMS: usize = 8;

/// A factor of row-major matrices: element (row, column) of batch b lies at row · `leading` + column + b · `batch`, or where
/// it is turned at row + column · `leading` + b · `batch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Factor {
    pub(crate) is_turned: bool,
    pub(crate) leading: usize,
    pub(crate) batch: usize,
    /// Bytes that every matrix's address is a multiple of.
    pub(crate) alignment: u32,
}

/// output\[batch\]\[row\]\[column\] = Σ left\[batch\]\[row\]\[k\] right\[batch\]\[k\]\[column\], dense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProductShape {
    pub(crate) data: DataType,
    pub(crate) batches: usize,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) depth: usize,
    pub(crate) left: Factor,
    pub(crate) right: Factor,
}

impl ProductShape {
    /// The output, dense and at the beginning of a buffer.
    fn output(&self) -> Factor {
        let (leading, batch) = (self.columns, self.rows * self.columns);
        let alignment = if (batch * self.data.bytes()).is_multiple_of(16) { 16 } else { self.data.bytes() as u32 };
        Factor { is_turned: false, leading, batch, alignment }
    }
}

/// Planned once; a call of [`Product::enqueue`] only enqueues.
#[derive(Debug)]
pub(crate) struct Product {
    description: Owned,
    /// As cuBLAS sees them, whose matrices are column-major: output^T = right^T left^T.
    right: Owned,
    left: Owned,
    output: Owned,
    algorithm: [u64; 8],
    /// Bytes.
    pub(crate) workspace: usize,
    blas: Arc<CublasLt>,
}

// SAFETY: descriptors are memory of the library's, which any thread may read.
unsafe impl Send for Product {}
// SAFETY: as above; they are not changed any more.
unsafe impl Sync for Product {}

fn pointer<T>(value: &T) -> *const c_void {
    (&raw const *value).cast()
}

impl Product {
    /// Describe it and take the first algorithm of the library's heuristics, which time nothing.
    pub(crate) fn plan(blas: &Arc<CublasLt>, shape: &ProductShape) -> Result<Self, Error> {
        let destroy = blas.functions.cublasLtMatmulDescDestroy;
        // SAFETY: the counterparts.
        let description =
            unsafe { Owned::new(destroy, |at| call!(blas, cublasLtMatmulDescCreate(at, COMPUTE_F32, F32)))? };
        for (factor, attribute) in [(&shape.right, TRANSPOSE_A), (&shape.left, TRANSPOSE_B)] {
            if factor.is_turned {
                let (it, value, size) = (description.pointer, pointer(&TRANSPOSED), size_of::<c_int>());
                // SAFETY: an attribute of this size.
                unsafe { call!(blas, cublasLtMatmulDescSetAttribute(it, attribute, value, size))? };
            }
        }
        let mut it = Self {
            right: layout(blas, shape, &shape.right, [shape.depth, shape.columns])?,
            left: layout(blas, shape, &shape.left, [shape.rows, shape.depth])?,
            output: layout(blas, shape, &shape.output(), [shape.rows, shape.columns])?,
            description,
            algorithm: [0; 8],
            workspace: 0,
            blas: Arc::clone(blas),
        };
        let found = it.algorithms(shape)?;
        let best = found.iter().find(|found| found.state == 0 && found.workspace <= WORKSPACE_LIMIT);
        let best = best.ok_or_else(|| Error::Library {
            library: "cuBLASLt",
            call: "cublasLtMatmulAlgoGetHeuristic",
            reason: "expected an algorithm within the limit of memory, found none".into(),
        })?;
        (it.algorithm, it.workspace) = (best.algorithm, best.workspace);
        Ok(it)
    }

    /// The library's own order, the quickest first.
    fn algorithms(&self, shape: &ProductShape) -> Result<Vec<Heuristic>, Error> {
        let blas = &self.blas;
        let destroy = blas.functions.cublasLtMatmulPreferenceDestroy;
        // SAFETY: the counterparts.
        let preference = unsafe { Owned::new(destroy, |at| call!(blas, cublasLtMatmulPreferenceCreate(at)))? };
        let prefer = |attribute: c_int, value: *const c_void, size: usize| {
            // SAFETY: an attribute of this size.
            unsafe { call!(blas, cublasLtMatmulPreferenceSetAttribute(preference.pointer, attribute, value, size)) }
        };
        prefer(MOST_WORKSPACE, pointer(&(WORKSPACE_LIMIT as u64)), 8)?;
        prefer(REDUCTION, pointer(&REDUCTION_IN_F32), 4)?;
        let output = shape.output().alignment;
        for (number, alignment) in [shape.right.alignment, shape.left.alignment, output, output].iter().enumerate() {
            prefer(ALIGNMENT_A + number as c_int, pointer(alignment), 4)?;
        }
        let (mut count, mut found) = (0, [Heuristic::default(); MOST_ALGORITHMS]);
        let (it, right, left) = (self.description.pointer, self.right.pointer, self.left.pointer);
        let (output, preference) = (self.output.pointer, preference.pointer);
        let (most, at) = (MOST_ALGORITHMS as c_int, found.as_mut_ptr());
        self.bind()?;
        // SAFETY: descriptors that were made, and room for as many results.
        unsafe {
            call!(
                blas,
                cublasLtMatmulAlgoGetHeuristic(
                    blas.handle,
                    it,
                    right,
                    left,
                    output,
                    output,
                    preference,
                    most,
                    at,
                    &mut count,
                )
            )?;
        }
        let count = usize::try_from(count).unwrap_or(0).min(MOST_ALGORITHMS);
        Ok(found[..count].to_vec())
    }

    /// This thread may not have used the device yet.
    fn bind(&self) -> Result<(), Error> {
        let bound = self.blas.stream.context().bind_to_thread();
        bound.map_err(|error| Error::driver("taking the device for a library", error))
    }

    /// Enqueue it on the device's stream.
    ///
    /// # Safety
    /// Addresses of matrices of the planned shape and alignment, and of as many bytes of workspace, alive until it has run.
    pub(crate) unsafe fn enqueue(
        &self,
        [left, right, output]: [CUdeviceptr; 3],
        workspace: CUdeviceptr,
    ) -> Result<(), Error> {
        let (blas, one, zero) = (&self.blas, 1.0_f32, 0.0_f32);
        self.bind()?;
        // SAFETY: the caller's promise; the factors are read now.
        unsafe {
            call!(
                blas,
                cublasLtMatmul(
                    blas.handle,
                    self.description.pointer,
                    pointer(&one),
                    right as _,
                    self.right.pointer,
                    left as _,
                    self.left.pointer,
                    pointer(&zero),
                    output as _,
                    self.output.pointer,
                    output as _,
                    self.output.pointer,
                    self.algorithm.as_ptr(),
                    workspace as _,
                    self.workspace,
                    blas.stream.cu_stream().cast(),
                )
            )
        }
    }
}

/// A row-major matrix [rows, columns] as the library's column-major one, which is its transpose.
fn layout(blas: &CublasLt, shape: &ProductShape, factor: &Factor, [rows, columns]: [usize; 2]) -> Result<Owned, Error> {
    let [along, across] = if factor.is_turned { [rows, columns] } else { [columns, rows] }.map(|size| size as u64);
    let data = match shape.data {
        DataType::F32 => F32,
        DataType::Bf16 => 14,
    };
    let (destroy, leading) = (blas.functions.cublasLtMatrixLayoutDestroy, factor.leading as i64);
    // SAFETY: the counterparts.
    let layout =
        unsafe { Owned::new(destroy, |at| call!(blas, cublasLtMatrixLayoutCreate(at, data, along, across, leading)))? };
    let set = |attribute: c_int, value: *const c_void, size: usize| {
        // SAFETY: an attribute of this size.
        unsafe { call!(blas, cublasLtMatrixLayoutSetAttribute(layout.pointer, attribute, value, size)) }
    };
    if shape.batches > 1 {
        set(BATCHES, pointer(&(shape.batches as i32)), 4)?;
        set(BATCH_STRIDE, pointer(&(factor.batch as i64)), 8)?;
    }
    Ok(layout)
}
