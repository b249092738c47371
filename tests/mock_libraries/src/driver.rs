//! The mock driver, as the libraries use it.

use std::ffi::c_void;
use std::sync::OnceLock;

type Free = extern "C" fn(*const c_void);
type Enqueue = unsafe extern "C" fn(u64, Free, Free, *const c_void, *const [u64; 2], usize) -> u32;

/// Work with the memory that it uses, address and bytes.
pub struct Job {
    pub run: Box<dyn Fn() + Send + Sync>,
}

extern "C" fn run(job: *const c_void) {
    // SAFETY: the box that `enqueue` gave away.
    let job = unsafe { &*job.cast::<Job>() };
    (job.run)();
}

extern "C" fn free(job: *const c_void) {
    // SAFETY: the box that `enqueue` gave away, once.
    drop(unsafe { Box::from_raw(job.cast::<Job>().cast_mut()) });
}

/// Hand work to the driver; false if it does not take it.
pub fn enqueue(stream: u64, ranges: &[[u64; 2]], work: impl Fn() + Send + Sync + 'static) -> bool {
    static LIBRARY: OnceLock<Option<libloading::Library>> = OnceLock::new();
    // SAFETY: the mock driver, which is open already.
    let library = LIBRARY.get_or_init(|| unsafe { libloading::Library::new("libcuda.so.1") }.ok());
    let Some(library) = library else { return false };
    // SAFETY: the mock's function of this name has this type.
    let Ok(function) = (unsafe { library.get::<Enqueue>(b"mock_enqueue\0") }) else { return false };
    let job = Box::into_raw(Box::new(Job { run: Box::new(work) }));
    // SAFETY: as many ranges; the job lives until it is freed.
    unsafe { function(stream, run, free, job.cast(), ranges.as_ptr(), ranges.len()) == 0 }
}
