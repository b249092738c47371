//! What a run says of itself while it lasts.

use std::ffi::c_void;

/// How far a run is.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rwt_progress {
    /** sizeof(rwt_progress) in the library; read no further. */
    pub struct_size: usize,
    /** Evaluations of the denoiser done, over all chains. */
    pub evaluations: u64,
    /** Evaluations of the whole run. */
    pub total: u64,
    /** Chains that are finished. */
    pub chains_done: u32,
    /** Chains of the run. */
    pub chains: u32,
    /** Noise level of this evaluation. */
    pub sigma: f64,
    /** What the newest solve with the operator left of its equation, relatively: 0 where it has a closed form, about 1 where
     * conjugate gradients got nowhere. */
    pub solver: f64,
    /** The last noise level over the largest that leaves the likelihood as it is (a fifth of the measurements' standard
     * deviation, seen in the image): above 1 the samples are too wide by what it leaves. 0 without an operator. */
    pub coarse: f64,
}

/// Called after every evaluation; non-zero cancels the run. It must not unwind or longjmp.
pub type rwt_progress_fn = Option<unsafe extern "C" fn(user: *mut c_void, progress: *const rwt_progress) -> i32>;

/// The caller's callback and what it is told.
pub(crate) struct Report {
    pub callback: rwt_progress_fn,
    pub user: *mut c_void,
    pub progress: rwt_progress,
}

// SAFETY: the caller promises that user may be used from any one thread at a time; the mutex around it keeps that.
unsafe impl Send for Report {}

impl Report {
    /// Tell the caller; does it go on?
    pub fn tell(&self) -> bool {
        // SAFETY: the caller's function with the caller's pointer, by one thread at a time.
        self.callback.is_none_or(|call| unsafe { call(self.user, &raw const self.progress) } == 0)
    }
}
