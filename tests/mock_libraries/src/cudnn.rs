//! cuDNN's functions.

use crate::control::{call, setting};
use crate::convolution::{Convolution, Filter, Forward, Tensor, algorithms};
use crate::numbers::Kind;
use crate::objects::{give, take_back};
use std::ffi::{c_char, c_int, c_void};

pub const BAD_PARAM: c_int = 2000;
pub const SIZE_INSUFFICIENT: c_int = 2006;
pub const SHAPE_MISMATCH: c_int = 2008;
pub const NOT_SUPPORTED: c_int = 3000;
pub const EXECUTION_FAILED: c_int = 5000;

/// The stream.
#[derive(Default)]
struct Handle(Option<u64>);

/// `cudnnConvolutionFwdAlgoPerf_t`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Performance {
    pub algorithm: c_int,
    pub status: c_int,
    pub time: f32,
    pub memory: usize,
    pub determinism: c_int,
    pub math: c_int,
    pub reserved: [c_int; 3],
}

/// What a pointer of ours points to.
///
/// # Safety
/// NULL, or made by this library as this type.
unsafe fn at<'a, T>(pointer: *const c_void) -> Result<&'a T, c_int> {
    // SAFETY: the caller's promise.
    unsafe { pointer.cast::<T>().as_ref() }.ok_or(BAD_PARAM)
}

/// # Safety
/// As for [`at`].
unsafe fn at_mut<'a, T>(pointer: *mut c_void) -> Result<&'a mut T, c_int> {
    // SAFETY: the caller's promise.
    unsafe { pointer.cast::<T>().as_mut() }.ok_or(BAD_PARAM)
}

macro_rules! made {
    ($($create:ident, $destroy:ident: $type:ty;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $create(place: *mut *mut c_void) -> c_int {
            // SAFETY: the caller's place for a pointer.
            call(stringify!($create), || unsafe { give(place, <$type>::default()) })
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn $destroy(it: *mut c_void) -> c_int {
            // SAFETY: made above, and taken back once.
            unsafe { take_back::<$type>(stringify!($destroy), it) }
        }
    )*};
}

made! {
    cudnnCreate, cudnnDestroy: Handle;
    cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor: Tensor;
    cudnnCreateFilterDescriptor, cudnnDestroyFilterDescriptor: Filter;
    cudnnCreateConvolutionDescriptor, cudnnDestroyConvolutionDescriptor: Convolution;
}

#[unsafe(no_mangle)]
extern "C" fn cudnnGetVersion() -> usize {
    setting("RWT_MOCK_CUDNN", 91_002)
}

#[unsafe(no_mangle)]
extern "C" fn cudnnGetErrorString(_: c_int) -> *const c_char {
    c"the mock's refusal".as_ptr()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cudnnSetStream(handle: *mut c_void, stream: u64) -> c_int {
    call("cudnnSetStream", || {
        // SAFETY: a handle of ours.
        unsafe { at_mut::<Handle>(handle)? }.0 = Some(stream);
        Ok(())
    })
}

fn kind(number: c_int) -> Result<Kind, c_int> {
    match number {
        0 => Ok(Kind::F32),
        9 => Ok(Kind::Bf16),
        _ => Err(NOT_SUPPORTED),
    }
}

fn sizes<const N: usize>(sizes: [c_int; N]) -> Result<[u64; N], c_int> {
    if sizes.iter().any(|&size| size <= 0) { Err(BAD_PARAM) } else { Ok(sizes.map(|size| size as u64)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cudnnSetTensor4dDescriptorEx(
    it: *mut c_void,
    data: c_int,
    n: c_int,
    c: c_int,
    h: c_int,
    w: c_int,
    n_stride: c_int,
    c_stride: c_int,
    h_stride: c_int,
    w_stride: c_int,
) -> c_int {
    call("cudnnSetTensor4dDescriptorEx", || {
        let (size, stride) = (sizes([n, c, h, w])?, sizes([n_stride, c_stride, h_stride, w_stride])?);
        // SAFETY: a tensor's descriptor of ours.
        *unsafe { at_mut(it)? } = Tensor { kind: Some(kind(data)?), size, stride };
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cudnnSetFilter4dDescriptor(
    it: *mut c_void,
    data: c_int,
    format: c_int,
    k: c_int,
    c: c_int,
    h: c_int,
    w: c_int,
) -> c_int {
    call("cudnnSetFilter4dDescriptor", || {
        let size = sizes([k, c, h, w])?;
        let [_, c, h, w] = size;
        let stride = match format {
            0 => [c * h * w, h * w, w, 1],
            1 => [c * h * w, 1, w * c, c],
            _ => return Err(NOT_SUPPORTED),
        };
        // SAFETY: a filter's descriptor of ours.
        *unsafe { at_mut(it)? } = Filter { kind: Some(kind(data)?), is_nhwc: format == 1, size, stride };
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cudnnSetConvolution2dDescriptor(
    it: *mut c_void,
    pad_h: c_int,
    pad_w: c_int,
    u: c_int,
    v: c_int,
    dilation_h: c_int,
    dilation_w: c_int,
    mode: c_int,
    compute: c_int,
) -> c_int {
    call("cudnnSetConvolution2dDescriptor", || {
        if pad_h < 0 || pad_w < 0 || !matches!(mode, 0 | 1) || compute != 0 {
            return Err(BAD_PARAM);
        }
        // SAFETY: a convolution's descriptor of ours.
        let it = unsafe { at_mut::<Convolution>(it)? };
        it.pad = [pad_h, pad_w].map(|pad| pad as u64);
        (it.stride, it.dilation) = (sizes([u, v])?, sizes([dilation_h, dilation_w])?);
        (it.is_turned, it.groups, it.math) = (mode == 0, 1, 0);
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cudnnSetConvolutionGroupCount(it: *mut c_void, groups: c_int) -> c_int {
    call("cudnnSetConvolutionGroupCount", || {
        let [groups] = sizes([groups])?;
        // SAFETY: a convolution's descriptor of ours.
        unsafe { at_mut::<Convolution>(it)? }.groups = groups;
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cudnnSetConvolutionMathType(it: *mut c_void, math: c_int) -> c_int {
    call("cudnnSetConvolutionMathType", || {
        // SAFETY: a convolution's descriptor of ours.
        unsafe { at_mut::<Convolution>(it)? }.math = math;
        if (0..=3).contains(&math) { Ok(()) } else { Err(BAD_PARAM) }
    })
}

/// # Safety
/// Descriptors of ours.
unsafe fn forward(
    x: *const c_void,
    w: *const c_void,
    convolution: *const c_void,
    y: *const c_void,
) -> Result<Forward, c_int> {
    // SAFETY: the caller's promise.
    unsafe {
        let (x, w): (&Tensor, &Filter) = (at(x)?, at(w)?);
        Forward::new(*x, *w, *at::<Convolution>(convolution)?, *at::<Tensor>(y)?)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cudnnGetConvolutionForwardAlgorithm_v7(
    _: *mut c_void,
    x: *const c_void,
    w: *const c_void,
    convolution: *const c_void,
    y: *const c_void,
    requested: c_int,
    returned: *mut c_int,
    results: *mut Performance,
) -> c_int {
    call("cudnnGetConvolutionForwardAlgorithm_v7", || {
        // SAFETY: descriptors of ours, and room for as many results as are asked for.
        unsafe {
            let found = algorithms(&forward(x, w, convolution, y)?);
            let count = found.len().min(requested.max(0) as usize);
            returned.write(count as c_int);
            results.copy_from_nonoverlapping(found.as_ptr(), count);
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cudnnGetConvolutionForwardWorkspaceSize(
    _: *mut c_void,
    x: *const c_void,
    w: *const c_void,
    convolution: *const c_void,
    y: *const c_void,
    algorithm: c_int,
    bytes: *mut usize,
) -> c_int {
    call("cudnnGetConvolutionForwardWorkspaceSize", || {
        // SAFETY: descriptors of ours, and the caller's place for a number.
        unsafe { bytes.write(forward(x, w, convolution, y)?.workspace(algorithm)?) };
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cudnnConvolutionForward(
    handle: *mut c_void,
    alpha: *const f32,
    x: *const c_void,
    x_at: u64,
    w: *const c_void,
    w_at: u64,
    convolution: *const c_void,
    algorithm: c_int,
    workspace: u64,
    bytes: usize,
    beta: *const f32,
    y: *const c_void,
    y_at: u64,
) -> c_int {
    call("cudnnConvolutionForward", || {
        // SAFETY: a handle and descriptors of ours, and the caller's numbers.
        unsafe {
            let stream = at::<Handle>(handle)?.0.ok_or(BAD_PARAM)?;
            let forward = forward(x, w, convolution, y)?;
            forward.enqueue(stream, [*alpha, *beta], [x_at, w_at, y_at], algorithm, workspace, bytes)
        }
    })
}
