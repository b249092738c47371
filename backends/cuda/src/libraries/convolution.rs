//! A convolution by cuDNN.

use super::cudnn::{Cudnn, Performance};
use super::functions::{Owned, call};
use super::{DataType, WORKSPACE_LIMIT};
use crate::error::Error;
use cudarc::driver::sys::CUdeviceptr;
use std::ffi::c_int;
use std::sync::Arc;

/// Of cudnnMathType_t.
const TENSOR_OP_MATH: c_int = 1;
const FMA_MATH: c_int = 3;
const DEFAULT_MATH: c_int = 0;
/// Of cudnnConvolutionMode_t: what networks call a convolution.
const CROSS_CORRELATION: c_int = 1;
const COMPUTE_F32: c_int = 0;
const DETERMINISTIC: c_int = 1;
/// Of cudnnConvolutionFwdAlgo_t: IMPLICIT_GEMM, IMPLICIT_PRECOMP_GEMM, GEMM, WINOGRAD. Transforms of larger tiles
/// (WINOGRAD_NONFUSED) and Fourier transforms round more than sums do.
const ALGORITHMS: [c_int; 4] = [0, 1, 2, 6];
/// There are 8.
const MOST_ALGORITHMS: usize = 10;

/// In which order elements lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Pictures \[n, channels, height, width\], weights \[rows, channels, height, width\].
    Nchw,
    /// Pictures \[n, height, width, channels\], weights \[rows, height, width, channels\].
    Nhwc,
}

/// Two-dimensional, zeros outside, dense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConvolutionShape {
    pub(crate) data: DataType,
    pub(crate) layout: Layout,
    pub(crate) pictures: usize,
    /// Channels of the input and of the output.
    pub(crate) channels: usize,
    pub(crate) rows: usize,
    pub(crate) groups: usize,
    pub(crate) in_size: [usize; 2],
    pub(crate) out_size: [usize; 2],
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) dilation: [usize; 2],
    /// Zeros above and left of the input.
    pub(crate) before: [usize; 2],
}

impl ConvolutionShape {
    /// cuDNN has as many zeros on the other side; other outputs it does not compute.
    pub(crate) fn is_symmetric(&self) -> bool {
        [0, 1].into_iter().all(|axis| {
            let reach = (self.kernel[axis] - 1) * self.dilation[axis] + 1;
            let room = (self.in_size[axis] + 2 * self.before[axis]).checked_sub(reach);
            room.is_some_and(|room| room / self.stride[axis] + 1 == self.out_size[axis])
        })
    }

    fn math(&self) -> c_int {
        match self.data {
            DataType::F32 => FMA_MATH, // not TF32
            DataType::Bf16 => TENSOR_OP_MATH,
        }
    }
}

/// Of cudnnDataType_t.
fn data(data: DataType) -> c_int {
    match data {
        DataType::F32 => 0,
        DataType::Bf16 => 9,
    }
}

fn int(value: usize) -> Result<c_int, Error> {
    let too_large = |_| Error::Library {
        library: "cuDNN",
        call: "a convolution's description",
        reason: format!("expected sizes and strides below 2^31, found {value}"),
    };
    c_int::try_from(value).map_err(too_large)
}

/// Planned once; a call of [`Convolution::enqueue`] only enqueues.
#[derive(Debug)]
pub(crate) struct Convolution {
    input: Owned,
    weights: Owned,
    output: Owned,
    convolution: Owned,
    algorithm: c_int,
    /// Bytes.
    pub(crate) workspace: usize,
    cudnn: Arc<Cudnn>,
}

// SAFETY: descriptors are memory of the library's, which any thread may read.
unsafe impl Send for Convolution {}
// SAFETY: as above; they are not changed any more.
unsafe impl Sync for Convolution {}

impl Convolution {
    /// Describe it and choose the algorithm: the first that is deterministic, of the wanted arithmetic and within the limit
    /// of memory, in the order of the library's heuristics, which time nothing.
    pub(crate) fn plan(cudnn: &Arc<Cudnn>, shape: &ConvolutionShape) -> Result<Self, Error> {
        let mut it = Self {
            input: tensor(cudnn, shape, shape.channels, shape.in_size)?,
            weights: cudnn.filter()?,
            output: tensor(cudnn, shape, shape.rows, shape.out_size)?,
            convolution: cudnn.convolution()?,
            algorithm: 0,
            workspace: 0,
            cudnn: Arc::clone(cudnn),
        };
        it.describe(shape)?;
        for found in it.algorithms()? {
            let is_exact = found.math == shape.math() || found.math == DEFAULT_MATH;
            let is_ours = ALGORITHMS.contains(&found.algorithm) && found.determinism == DETERMINISTIC;
            if found.status != 0 || !is_exact || !is_ours || found.memory > WORKSPACE_LIMIT {
                continue;
            }
            it.algorithm = found.algorithm;
            if it.measure().is_ok() && it.workspace <= WORKSPACE_LIMIT {
                return Ok(it);
            }
        }
        let reason = "expected a deterministic algorithm within the limit of memory, found none".into();
        Err(Error::Library { library: "cuDNN", call: "cudnnGetConvolutionForwardAlgorithm_v7", reason })
    }

    fn describe(&self, shape: &ConvolutionShape) -> Result<(), Error> {
        let (cudnn, [tall, wide]) = (&self.cudnn, shape.kernel);
        let [rows, depth, tall, wide] = [int(shape.rows)?, int(shape.channels / shape.groups)?, int(tall)?, int(wide)?];
        let format = match shape.layout {
            Layout::Nchw => 0,
            Layout::Nhwc => 1,
        };
        let (weights, kind) = (self.weights.pointer, data(shape.data));
        // SAFETY: a filter's descriptor and numbers.
        unsafe { call!(cudnn, cudnnSetFilter4dDescriptor(weights, kind, format, rows, depth, tall, wide))? };
        let ([top, left], [down, along]) = (shape.before, shape.stride);
        let [top, left, down, along] = [int(top)?, int(left)?, int(down)?, int(along)?];
        let (apart_y, apart_x, groups) = (int(shape.dilation[0])?, int(shape.dilation[1])?, int(shape.groups)?);
        let (it, mode, sums) = (self.convolution.pointer, CROSS_CORRELATION, COMPUTE_F32);
        // SAFETY: a convolution's descriptor and numbers.
        unsafe {
            call!(cudnn, cudnnSetConvolution2dDescriptor(it, top, left, down, along, apart_y, apart_x, mode, sums))?;
            call!(cudnn, cudnnSetConvolutionGroupCount(it, groups))?;
            call!(cudnn, cudnnSetConvolutionMathType(it, shape.math()))
        }
    }

    /// The library's own order, the quickest first.
    fn algorithms(&self) -> Result<Vec<Performance>, Error> {
        let (mut count, mut found) = (0, [Performance::default(); MOST_ALGORITHMS]);
        let (input, weights) = (self.input.pointer, self.weights.pointer);
        let (convolution, output) = (self.convolution.pointer, self.output.pointer);
        let (cudnn, most, at) = (&self.cudnn, MOST_ALGORITHMS as c_int, found.as_mut_ptr());
        self.bind()?;
        // SAFETY: descriptors that were set, and room for as many results.
        unsafe {
            call!(
                cudnn,
                cudnnGetConvolutionForwardAlgorithm_v7(
                    cudnn.handle,
                    input,
                    weights,
                    convolution,
                    output,
                    most,
                    &mut count,
                    at,
                )
            )?;
        }
        let count = usize::try_from(count).unwrap_or(0).min(MOST_ALGORITHMS);
        Ok(found[..count].to_vec())
    }

    /// What the algorithm takes of memory.
    fn measure(&mut self) -> Result<(), Error> {
        let (input, weights) = (self.input.pointer, self.weights.pointer);
        let (convolution, output) = (self.convolution.pointer, self.output.pointer);
        let (cudnn, algorithm, bytes) = (&self.cudnn, self.algorithm, &raw mut self.workspace);
        // SAFETY: descriptors that were set, and a place for a number.
        unsafe {
            call!(
                cudnn,
                cudnnGetConvolutionForwardWorkspaceSize(
                    cudnn.handle,
                    input,
                    weights,
                    convolution,
                    output,
                    algorithm,
                    bytes,
                )
            )
        }
    }

    /// This thread may not have used the device yet.
    fn bind(&self) -> Result<(), Error> {
        let bound = self.cudnn.stream.context().bind_to_thread();
        bound.map_err(|error| Error::driver("taking the device for a library", error))
    }

    /// Enqueue it on the device's stream.
    ///
    /// # Safety
    /// Addresses of arrays of the planned shape, and of as many bytes of workspace, alive until it has run.
    pub(crate) unsafe fn enqueue(
        &self,
        [input, weights, output]: [CUdeviceptr; 3],
        workspace: CUdeviceptr,
    ) -> Result<(), Error> {
        let (cudnn, one, zero) = (&self.cudnn, 1.0_f32, 0.0_f32);
        self.bind()?;
        // SAFETY: the caller's promise; the factors are read now.
        unsafe {
            call!(
                cudnn,
                cudnnConvolutionForward(
                    cudnn.handle,
                    (&raw const one).cast(),
                    self.input.pointer,
                    input as _,
                    self.weights.pointer,
                    weights as _,
                    self.convolution.pointer,
                    self.algorithm,
                    workspace as _,
                    self.workspace,
                    (&raw const zero).cast(),
                    self.output.pointer,
                    output as _,
                )
            )
        }
    }
}

/// A described array of pictures.
fn tensor(
    cudnn: &Cudnn,
    shape: &ConvolutionShape,
    channels: usize,
    [height, width]: [usize; 2],
) -> Result<Owned, Error> {
    let strides = match shape.layout {
        Layout::Nchw => [channels * height * width, height * width, width, 1],
        Layout::Nhwc => [channels * height * width, 1, width * channels, channels],
    };
    let [s0, s1, s2, s3] = [int(strides[0])?, int(strides[1])?, int(strides[2])?, int(strides[3])?];
    let [n, channels, height, width] = [int(shape.pictures)?, int(channels)?, int(height)?, int(width)?];
    let tensor = cudnn.tensor()?;
    let (it, kind) = (tensor.pointer, data(shape.data));
    // SAFETY: a tensor's descriptor and numbers.
    unsafe {
        call!(cudnn, cudnnSetTensor4dDescriptorEx(it, kind, n, channels, height, width, s0, s1, s2, s3))?;
    }
    Ok(tensor)
}
