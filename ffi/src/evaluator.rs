//! A denoiser in the hands of one thread, for images of one shape.

use crate::denoiser::{Kind, Shared, rwt_denoiser};
use crate::denoiser_callback::Callback;
use crate::denoiser_info::rwt_denoiser_info;
use crate::denoiser_parts::{TiledEvaluator, depth};
use crate::operator::Measurement;
use crate::options;
use crate::status::{Failure, guard, rwt_status, rwt_status_code::*, zeros};
use rwt_core::Denoiser;
use std::num::NonZeroUsize;
use std::sync::Mutex;

pub(crate) struct Evaluator<'a> {
    /// Elements of an image.
    length: usize,
    kind: Of<'a>,
}

enum Of<'a> {
    #[cfg(feature = "onnx")]
    Onnx(Box<rwt_onnx::Evaluator<'a>>),
    #[cfg(feature = "cuda")]
    Cuda(crate::cuda_model::CudaEvaluator<'a>),
    /// With the most images of a call.
    Callback(&'a Mutex<Callback>, usize),
    Tiled(Box<TiledEvaluator<'a>>),
    /// With the slices of an image.
    Slicewise(Box<Evaluator<'a>>, usize),
}

impl Shared {
    pub fn evaluator(&self, shape: [usize; 3]) -> Result<Evaluator<'_>, Failure> {
        let [channels, height, width] = shape;
        let kind = match &self.kind {
            #[cfg(feature = "onnx")]
            Kind::Onnx(model) => Of::Onnx(Box::new(model.evaluator(height, width).map_err(refusal)?)),
            #[cfg(feature = "cuda")]
            Kind::Cuda(model) => Of::Cuda(model.evaluator(shape)),
            Kind::Callback(callback) => Of::Callback(callback, self.info.batch),
            Kind::Tiled(inner, size) => {
                let tiles = size.tiles(shape)?;
                Of::Tiled(Box::new(TiledEvaluator::new(inner.evaluator(tiles.tile_shape())?, tiles)))
            }
            Kind::Slicewise(inner) => {
                let depth = depth(inner, channels)?;
                Of::Slicewise(Box::new(inner.evaluator([channels / depth, height, width])?), depth)
            }
        };
        Ok(Evaluator { length: channels * height * width, kind })
    }
}

#[cfg(feature = "onnx")]
fn refusal(error: rwt_onnx::Error) -> Failure {
    let code = match error {
        rwt_onnx::Error::Memory { .. } => RWT_ERR_MEMORY,
        rwt_onnx::Error::Provider { .. } => RWT_ERR_UNSUPPORTED,
        _ => RWT_ERR_MODEL,
    };
    Failure::new(code, error.to_string())
}

#[cfg_attr(not(feature = "onnx"), allow(clippy::only_used_in_recursion))] // a callback asks for less
impl Evaluator<'_> {
    /// The most pictures that the engine or the callback takes at a time.
    pub fn batch(&self) -> usize {
        match &self.kind {
            #[cfg(feature = "onnx")]
            Of::Onnx(evaluator) => evaluator.batch(),
            #[cfg(feature = "cuda")]
            Of::Cuda(evaluator) => evaluator.batch(),
            Of::Callback(_, batch) => *batch,
            Of::Tiled(tiled) => tiled.inner.batch(),
            Of::Slicewise(inner, _) => inner.batch(),
        }
    }

    /// How many pictures an image is for the engine or the callback: its slices.
    pub fn slices(&self) -> usize {
        match &self.kind {
            Of::Tiled(tiled) => tiled.inner.slices(),
            Of::Slicewise(inner, depth) => depth * inner.slices(),
            _ => 1,
        }
    }

    /// Get ready for this many images side by side, and this many pictures at a time.
    pub fn prepare(&mut self, images: usize, pictures: usize) -> Result<(), Failure> {
        match &mut self.kind {
            #[cfg(feature = "onnx")]
            Of::Onnx(evaluator) => evaluator.prepare(pictures).map_err(refusal),
            #[cfg(feature = "cuda")]
            Of::Cuda(evaluator) => evaluator.prepare(pictures),
            Of::Callback(..) => Ok(()),
            Of::Tiled(tiled) => {
                tiled.prepare(images)?;
                tiled.inner.prepare(images, pictures)
            }
            Of::Slicewise(inner, depth) => inner.prepare(images.saturating_mul(*depth), pictures),
        }
    }

    /// What it takes of memory, in bytes, for this many images side by side and pictures at a time. What a callback takes
    /// is not known, and not counted, nor is a device's memory.
    pub fn memory(&self, images: usize, pictures: usize) -> Result<u64, Failure> {
        match &self.kind {
            #[cfg(feature = "onnx")]
            Of::Onnx(evaluator) => match evaluator.memory(pictures).map_err(refusal)? {
                0 => Err(Failure::new(
                    RWT_ERR_UNSUPPORTED,
                    "the denoiser was opened without a limit of memory, so what it takes is not counted",
                )),
                bytes => Ok(bytes),
            },
            #[cfg(feature = "cuda")]
            Of::Cuda(_) => Ok(0),
            Of::Callback(..) => Ok(0),
            Of::Tiled(tiled) => {
                let workspace = (tiled.tiles.workspace_len(images) as u64).saturating_mul(size_of::<f32>() as u64);
                Ok(tiled.inner.memory(images, pictures)?.saturating_add(workspace))
            }
            Of::Slicewise(inner, depth) => inner.memory(images.saturating_mul(*depth), pictures),
        }
    }

    /// Show each level of this chain, and those after it, in a symmetry of its own, if the model has any.
    pub fn begin(&mut self, chain: rwt_core::Chain) {
        self.begin_slices(chain, NonZeroUsize::MIN);
    }

    fn begin_slices(&mut self, chain: rwt_core::Chain, slices: NonZeroUsize) {
        match &mut self.kind {
            #[cfg(feature = "onnx")]
            Of::Onnx(evaluator) => {
                evaluator.set_chains(Some(chain));
                evaluator.set_slices(slices);
            }
            #[cfg(feature = "cuda")]
            Of::Cuda(evaluator) => evaluator.begin(chain, slices),
            Of::Callback(..) => {}
            Of::Tiled(tiled) => tiled.inner.begin_slices(chain, slices),
            Of::Slicewise(inner, depth) => {
                inner.begin_slices(chain, NonZeroUsize::new(*depth).map_or(slices, |d| d.saturating_mul(slices)));
            }
        }
    }
}

#[cfg(feature = "cuda")]
impl<'a> Evaluator<'a> {
    /// The network on a device, where a walk may stay.
    pub fn on_device(&mut self) -> Option<&mut crate::cuda_model::CudaEvaluator<'a>> {
        match &mut self.kind {
            Of::Cuda(evaluator) => Some(evaluator),
            _ => None,
        }
    }
}

impl Denoiser for Evaluator<'_> {
    type Error = String;

    fn denoise(&mut self, x: &[f32], sigma: f64, denoised: &mut [f32]) -> Result<(), String> {
        match &mut self.kind {
            #[cfg(feature = "onnx")]
            Of::Onnx(evaluator) => evaluator.denoise(x, sigma, denoised).map_err(|e| e.to_string()),
            #[cfg(feature = "cuda")]
            Of::Cuda(evaluator) => evaluator.denoise(x, sigma, denoised),
            Of::Callback(callback, batch) => {
                let callback = callback.lock().map_err(|_| "a thread panicked in the callback".to_owned())?;
                let most = batch.saturating_mul(self.length);
                let mut parts = x.chunks(most).zip(denoised.chunks_mut(most));
                parts.try_for_each(|(x, denoised)| callback.denoise(x, sigma, denoised))
            }
            Of::Tiled(tiled) => tiled.denoise(x, x.len() / self.length, sigma, denoised),
            Of::Slicewise(inner, _) => inner.denoise(x, sigma, denoised),
        }
    }
}

/// An image of this shape is one that the denoiser knows, and the operator was made for.
pub(crate) fn check_shape(
    shape: [usize; 3],
    info: &rwt_denoiser_info,
    operator: Option<&Measurement>,
) -> Result<(), Failure> {
    let [channels, height, width] = shape;
    let elements = channels.checked_mul(height).and_then(|n| n.checked_mul(width));
    if !elements.is_some_and(|n| n > 0 && n <= isize::MAX as usize / 64) {
        return Err(Failure::argument(format!("an image cannot have {channels} x {height} x {width} elements")));
    }
    if info.channels != 0 && info.channels != channels {
        let text = format!("the denoiser knows images of {} channels, found {channels}", info.channels);
        return Err(Failure::argument(text));
    }
    match operator {
        Some(a) if a.shape != shape => Err(Failure::argument(format!(
            "the operator was made for {} x {} x {} elements, the sampler is for {channels} x {height} x {width}",
            a.shape[0], a.shape[1], a.shape[2]
        ))),
        _ => Ok(()),
    }
}

/// D(x, sigma) of an image [channels, height, width], n = channels * height * width floats, into as many of denoised. x must be
/// finite and sigma within the denoiser's range. The image is shown as it is, in no other symmetry. Any thread may call
/// this at any time; those that share a callback wait for each other. Each call sets the denoiser up anew: to walk by
/// yourself over many levels this costs a little, a sampler does it once.
///
/// # Safety
/// `denoiser` is a live handle; `x` and `denoised` point to n floats each and do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_denoiser_evaluate(
    denoiser: *const rwt_denoiser,
    x: *const f32,
    n: usize,
    channels: usize,
    height: usize,
    width: usize,
    sigma: f64,
    denoised: *mut f32,
) -> rwt_status {
    guard(|| {
        // SAFETY: NULL or a live handle, n floats each; the caller's word.
        let (denoiser, x) = unsafe { (denoiser.as_ref(), options::slice("x", x, n)?) };
        let denoiser = denoiser.ok_or_else(|| Failure::null("denoiser"))?;
        let found = evaluate(&denoiser.shared, x, [channels, height, width], sigma)?;
        // SAFETY: n floats, the caller's word.
        unsafe { options::slice_mut("denoised", denoised, n)? }.copy_from_slice(&found);
        Ok(())
    })
}

fn evaluate(denoiser: &Shared, x: &[f32], shape: [usize; 3], sigma: f64) -> Result<Vec<f32>, Failure> {
    let info = &denoiser.info;
    check_shape(shape, info, None)?;
    let expected = shape.iter().product();
    if x.len() != expected {
        return Err(Failure::argument(format!("n must be {expected} elements, found {}", x.len())));
    }
    let (low, high) = (info.sigma_min, info.sigma_max);
    if !(low..=high).contains(&sigma) {
        return Err(Failure::argument(format!("sigma must be {low} to {high}, found {sigma}")));
    }
    let finite = |name: &str, image: &[f32]| match image.iter().position(|value| !value.is_finite()) {
        Some(i) => Err(Failure::new(RWT_ERR_NOT_FINITE, format!("{name} is {} at element {i}", image[i]))),
        None => Ok(()),
    };
    finite("x", x)?;
    let mut evaluator = denoiser.evaluator(shape)?;
    evaluator.prepare(1, evaluator.batch().min(evaluator.slices()))?;
    let mut denoised = zeros(expected)?;
    evaluator.denoise(x, sigma, &mut denoised).map_err(|text| Failure::new(RWT_ERR_DENOISER, text))?;
    finite("the denoised image", &denoised)?;
    Ok(denoised)
}
