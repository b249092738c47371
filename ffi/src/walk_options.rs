//! What a walk over missing pixels samples, from a struct of numbers and arrays.

use crate::options::{self, SizedStruct};
use crate::status::{Failure, guard, rwt_status};
use core::ptr::null;
use rwt_core::{Chain, Mask, MaskWalk, Method};

/// A walk over an image most of whose pixels are missing; fill with rwt_walk_options_init first, then set at least eta,
/// mask, y, levels and their counts. The arrays must stay as they are until the walk has ended.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rwt_walk_options {
    /** sizeof(rwt_walk_options). */
    pub struct_size: usize,
    /** RWT_METHOD_GLA (the default) or RWT_METHOD_PRECONDITIONED. */
    pub method: i32,
    /** 0. */
    pub reserved: u32,
    /** Standard deviation of the noise in y, in y's own units. */
    pub eta: f64,
    /** The data's mean, where the walk starts. */
    pub mean: f64,
    /** The data's variance per element. */
    pub variance: f64,
    /** Step size over sigma^2 of the preconditioned walk, in (0, 2). */
    pub epsilon: f64,
    /** Temperature of the preconditioned walk, at most 1; below 0: the one that keeps the marginals. */
    pub temperature: f64,
    /** Seed of all noise. */
    pub seed: u64,
    /** The chain's number: chain c of a run of rwt_sampler_run with the same seed has the same noise; of an antithetic run
     * it is chain 2^63 + c. */
    pub chain: u64,
    /** pixels bytes, not 0 where the pixel was measured, the same ones for every channel. */
    pub mask: *const u8,
    /** The measurement, [channels, pixels]; what it holds at missing pixels is not read. */
    pub y: *const f32,
    /** Noise levels that decrease, as of rwt_schedule; the last about eta/5. */
    pub levels: *const f64,
    /** Pixels of a channel. */
    pub pixels: usize,
    /** Channels. */
    pub channels: usize,
    /** How many levels, at least 2. */
    pub level_count: usize,
    /** 0, or the levels that are done: what rwt_walk_level said when x was what it is now. */
    pub level: usize,
}

// SAFETY: repr(C), numbers and pointers, 8 + 2·4 + 14·8 bytes without padding on 64-bit targets.
unsafe impl SizedStruct for rwt_walk_options {
    fn defaults() -> Self {
        Self {
            struct_size: size_of::<Self>(),
            method: 0,
            reserved: 0,
            eta: 0.0,
            mean: 0.0,
            variance: 0.25,
            epsilon: 0.5,
            temperature: -1.0,
            seed: 1,
            chain: 0,
            mask: null(),
            y: null(),
            levels: null(),
            pixels: 0,
            channels: 1,
            level_count: 0,
            level: 0,
        }
    }
}

impl rwt_walk_options {
    /// Elements of the image.
    pub(crate) fn len(&self) -> Result<usize, Failure> {
        let (pixels, channels) = (self.pixels, self.channels);
        let n = pixels.checked_mul(channels).filter(|n| n.checked_mul(2 * size_of::<f32>()).is_some());
        let n = n.filter(|n| *n > 0);
        n.ok_or_else(|| Failure::argument(format_args!("an image cannot have {channels} x {pixels} elements")))
    }

    /// # Safety
    /// The arrays have the lengths that are told, and stay for 'a.
    pub(crate) unsafe fn walk<'a>(&self) -> Result<MaskWalk<'a>, Failure> {
        let n = self.len()?;
        // SAFETY: the caller's word.
        let (mask, y, levels) = unsafe {
            (
                options::slice::<u8>("mask", self.mask, self.pixels)?,
                options::slice("y", self.y, n)?,
                options::slice("levels", self.levels, self.level_count)?,
            )
        };
        let (epsilon, temperature) = (self.epsilon, self.temperature);
        if temperature.is_nan() {
            return Err(Failure::argument("temperature must be at most 1, or negative for the default, found NaN"));
        }
        let method = match self.method {
            0 => Method::GuidedLookAhead,
            1 => Method::Preconditioned { epsilon, temperature: (temperature >= 0.0).then_some(temperature) },
            other => {
                let text = format_args!("method must be RWT_METHOD_GLA or RWT_METHOD_PRECONDITIONED, found {other}");
                return Err(Failure::argument(text));
            }
        };
        let (mask, chain) = (Mask::new(mask, self.channels)?, Chain { seed: self.seed, chain: self.chain });
        let walk = MaskWalk::new(mask, y, self.eta, self.mean, self.variance, levels, method, chain)?;
        Ok(walk.resume(self.level)?)
    }
}

/// Write the defaults into *options; size is sizeof *options.
///
/// # Safety
/// `options` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_walk_options_init(options: *mut rwt_walk_options, size: usize) -> rwt_status {
    // SAFETY: the caller's word, as documented.
    guard(|| unsafe { options::write(options, size, rwt_walk_options::defaults()) })
}
