//! Level 1: a posterior sample over missing pixels, evaluation by evaluation. No handle, no heap, no callback.

use crate::options;
use crate::status::{Failure, guard, rwt_status, rwt_status_code::RWT_ERR_NOT_FINITE};
use crate::walk_options::rwt_walk_options;
use core::ptr::null_mut;
use rwt_core::{MaskWalk, WalkError};

/// Words of an rwt_walk.
pub const RWT_WALK_WORDS: usize = 32;

/// Images of workspace that a walk takes beside x and y.
pub const RWT_WALK_IMAGES: usize = 2;

/// A walk under way, in the caller's memory: plain data that may be moved, and needs no freeing.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rwt_walk {
    /** The library's own. */
    pub words: [u64; RWT_WALK_WORDS],
}

/// What the words are.
#[repr(C)]
struct State {
    tag: u64,
    n: usize,
    x: *mut f32,
    workspace: *mut f32,
    walk: MaskWalk<'static>,
}

const _: () = assert!(size_of::<State>() <= size_of::<rwt_walk>() && align_of::<State>() <= align_of::<rwt_walk>());

/// The first word of a walk that was begun.
const TAG: u64 = u64::from_le_bytes(*b"rwt_walk");

/// # Safety
/// `walk` is NULL or points to a walk that nobody else touches meanwhile, whose arrays are still there.
unsafe fn state<'a>(walk: *mut rwt_walk) -> Result<&'a mut State, Failure> {
    // SAFETY: one walk, plain words, the caller's word.
    let words = unsafe { options::slice_mut("walk", walk, 1)? };
    if words[0].words[0] != TAG {
        return Err(Failure::argument("the walk was not begun: call rwt_walk_begin first"));
    }
    // SAFETY: with the tag the words are what rwt_walk_begin wrote.
    Ok(unsafe { &mut *walk.cast::<State>() })
}

impl State {
    /// x, the workspace and the walk.
    fn parts(&mut self) -> (&mut [f32], &mut [f32], &mut MaskWalk<'static>) {
        // SAFETY: rwt_walk_begin checked them; they are still there and untouched meanwhile by the caller's word.
        unsafe {
            (
                core::slice::from_raw_parts_mut(self.x, self.n),
                core::slice::from_raw_parts_mut(self.workspace, RWT_WALK_IMAGES * self.n),
                &mut self.walk,
            )
        }
    }
}

/// Bytes of an rwt_walk as this library knows it; sizeof(rwt_walk) as the header knows it.
#[unsafe(no_mangle)]
pub extern "C" fn rwt_walk_size() -> usize {
    size_of::<rwt_walk>()
}

/// Begin a walk that makes x a posterior sample of an image with missing pixels, to the bit the one of rwt_sampler_run with
/// the same numbers; its arrays are the caller's, and its denoiser is run by the caller:
///
/// ```c
///     status = rwt_walk_begin(&walk, &options, n, x, RWT_WALK_IMAGES * n, workspace);
///     while (!status && !(status = rwt_walk_request(&walk, &sigma, &denoised)) && denoised) {
///         ... write D(x, sigma) into denoised[n], from a network, a chip, another processor ...
///         status = rwt_walk_advance(&walk);
///     }
/// ```
///
/// n must be channels * pixels. x holds what stood there if options.level is not 0, else anything; the workspace anything.
/// What options points to, x and the workspace must stay where they are until the walk has ended.
///
/// # Safety
/// `walk` points to an rwt_walk; `options` was initialised, and its arrays have the lengths that it tells; `x` points to n
/// floats, `workspace` to `workspace_len`; nothing overlaps.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_walk_begin(
    walk: *mut rwt_walk,
    options: *const rwt_walk_options,
    n: usize,
    x: *mut f32,
    workspace_len: usize,
    workspace: *mut f32,
) -> rwt_status {
    guard(|| {
        if options.is_null() {
            return Err(Failure::null("options"));
        }
        // SAFETY: the caller's word, as documented.
        let (words, options) = unsafe { (options::slice_mut("walk", walk, 1)?, options::read(options)?) };
        let elements = options.len()?;
        if n != elements {
            let text = format_args!("n must be channels * pixels, {elements}, found {n}");
            return Err(Failure::argument(text));
        }
        if workspace_len < RWT_WALK_IMAGES * n {
            let least = RWT_WALK_IMAGES * n;
            return Err(Failure::argument(format_args!(
                "workspace_len must be at least {least}, found {workspace_len}"
            )));
        }
        // SAFETY: the caller's word; checked here, used in the calls that follow.
        unsafe {
            options::slice_mut("x", x, n)?;
            options::slice_mut("workspace", workspace, RWT_WALK_IMAGES * n)?;
        }
        // SAFETY: the arrays stay until the walk has ended, the caller's word.
        let state = State { tag: TAG, n, x, workspace, walk: unsafe { options.walk()? } };
        // SAFETY: a State fits an rwt_walk, see above.
        unsafe { (&raw mut words[0]).cast::<State>().write(state) };
        Ok(())
    })
}

/// Where to evaluate the denoiser next: write D(x, *sigma) of the walk's x into the n floats at *denoised, then call
/// rwt_walk_advance. *denoised is NULL when the walk has ended, and x is the sample. Asked again, it says the same.
///
/// # Safety
/// `walk` points to an rwt_walk, `sigma` to a double, `denoised` to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_walk_request(walk: *mut rwt_walk, sigma: *mut f64, denoised: *mut *mut f32) -> rwt_status {
    guard(|| {
        // SAFETY: the caller's word, as documented.
        let (state, sigma, denoised) = unsafe {
            (state(walk)?, options::slice_mut("sigma", sigma, 1)?, options::slice_mut("denoised", denoised, 1)?)
        };
        let (x, workspace, walk) = state.parts();
        match walk.request(x, workspace)? {
            Some(request) => {
                let into = workspace.get_mut(request.into).unwrap_or_default();
                (sigma[0], denoised[0]) = (request.sigma, into.as_mut_ptr());
            }
            None => denoised[0] = null_mut(),
        }
        Ok(())
    })
}

/// Take in the denoised image that was asked for; nothing, if none was. RWT_ERR_NOT_FINITE if NaN or infinity is in it.
///
/// # Safety
/// `walk` points to an rwt_walk.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_walk_advance(walk: *mut rwt_walk) -> rwt_status {
    guard(|| {
        // SAFETY: the caller's word, as documented.
        let (x, workspace, walk) = unsafe { state(walk)? }.parts();
        walk.advance(x, workspace).map_err(|error| match error {
            WalkError::Plan(error) => error.into(),
            error => Failure::new(RWT_ERR_NOT_FINITE, error),
        })
    })
}

/// Write the levels that are done into *level if the walk stands between two levels, which it can after rwt_walk_advance,
/// else SIZE_MAX. A walk that begins with this level and the x of now goes on with the same bits.
///
/// # Safety
/// `walk` points to an rwt_walk, `level` to a size_t.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rwt_walk_level(walk: *mut rwt_walk, level: *mut usize) -> rwt_status {
    guard(|| {
        // SAFETY: the caller's word, as documented.
        let (state, level) = unsafe { (state(walk)?, options::slice_mut("level", level, 1)?) };
        level[0] = state.walk.level().unwrap_or(usize::MAX);
        Ok(())
    })
}
