//! A run keeps its budget of memory, and draws the same samples.
#![cfg(feature = "onnx")]

#[path = "../../backends/onnx/tests/common/peak.rs"]
mod peak;
#[path = "../../backends/onnx/tests/common/skip.rs"]
mod skip;

use rwt::denoiser::{rwt_denoiser, rwt_denoiser_free, rwt_denoiser_open, rwt_denoiser_open_with};
use rwt::denoiser_options::{rwt_denoiser_options, rwt_denoiser_options_init, rwt_engine};
use rwt::denoiser_parts::rwt_denoiser_tiled;
use rwt::mask::rwt_operator_mask;
use rwt::operator::{rwt_operator, rwt_operator_free};
use rwt::sampler::{rwt_sampler_create, rwt_sampler_free, rwt_sampler_run};
use rwt::sampler_options::{rwt_sampler_options, rwt_sampler_options_init};
use rwt::samples::rwt_sampler_sample;
use rwt::status::rwt_last_error;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ptr::null_mut;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/models/rwt-leaves-rgb.onnx\0");
const SIDE: usize = 160;
const N: usize = 3 * SIDE * SIDE;
const CHAINS: u32 = 3;
const MEMORY: i32 = 12;

struct Drawn {
    samples: Vec<Vec<f32>>,
    peak: u64,
}

/// Draw chains on as many threads within a budget, or say what stands against it.
fn draw(denoiser: *mut rwt_denoiser, operator: *mut rwt_operator, memory: u64) -> Result<Drawn, String> {
    let (y, mut sampler, mut status) = (vec![0.25; N], null_mut(), 0);
    let n = if operator.is_null() { 0 } else { N };
    // SAFETY: live handles, an initialised struct, arrays of the lengths that are told.
    unsafe {
        let mut options = MaybeUninit::<rwt_sampler_options>::uninit();
        assert_eq!(rwt_sampler_options_init(options.as_mut_ptr(), size_of::<rwt_sampler_options>()), 0);
        let mut options = options.assume_init();
        (options.levels, options.chains, options.threads) = (2, CHAINS, CHAINS);
        (options.eta, options.memory) = (0.1, memory);
        let peak = peak::peak_of(|| {
            status = rwt_sampler_create(denoiser, operator, &raw const options, 3, SIDE, SIDE, &raw mut sampler);
            if status == 0 {
                assert_eq!(rwt_sampler_run(sampler, y.as_ptr(), n, None, null_mut()), 0);
            }
        }) as u64;
        if status != 0 {
            assert_eq!(status, MEMORY);
            return Err(CStr::from_ptr(rwt_last_error()).to_str().unwrap().to_owned());
        }
        let mut samples = vec![vec![0.0; N]; CHAINS as usize];
        for (chain, sample) in samples.iter_mut().enumerate() {
            assert_eq!(rwt_sampler_sample(sampler, chain as u32, sample.as_mut_ptr(), N), 0);
        }
        rwt_sampler_free(sampler);
        Ok(Drawn { samples, peak })
    }
}

/// What is needed once, and by each thread, as the refusal says.
fn needed(refusal: &str) -> [u64; 2] {
    let numbers = refusal.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse::<u64>().ok());
    let numbers: Vec<_> = numbers.collect();
    assert_eq!(numbers[0], numbers[1] + numbers[2], "{refusal}");
    [numbers[1], numbers[2]]
}

fn check(name: &str, denoiser: *mut rwt_denoiser, operator: *mut rwt_operator) {
    let [shared, each] = needed(&draw(denoiser, operator, 1).err().unwrap());
    let free = draw(denoiser, operator, 0).unwrap();
    for threads in 1..u64::from(CHAINS) {
        let budget = shared + threads * each;
        let drawn = draw(denoiser, operator, budget).unwrap();
        println!("{name}, {threads} threads: {} of {budget} bytes, {} without a budget", drawn.peak, free.peak);
        assert!(drawn.peak <= budget && drawn.peak > budget / 4, "{} of {budget} bytes", drawn.peak);
        assert_eq!(drawn.samples, free.samples, "the same bits");
    }
    assert!(free.peak > shared + each, "without a budget it takes {} bytes, with one {}", free.peak, shared + each);
    assert!(draw(denoiser, operator, shared + each - 1).err().unwrap().contains("rwt_denoiser_tiled"));
}

/// What the system says that this process has, in bytes.
fn status(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    line.split_whitespace().next().map_or(0, |kib| 1024 * kib.parse::<u64>().unwrap())
}

/// ONNX Runtime does not allocate as Rust does: what it takes is the growth of the process.
fn check_runtime() {
    if std::env::var_os("ORT_DYLIB_PATH").is_none() || status("VmHWM:") == 0 {
        return skip::skip("a_run_takes_no_more_than_its_budget, ONNX Runtime", "no ORT_DYLIB_PATH, or no /proc");
    }
    let mut model = null_mut();
    let mut options = MaybeUninit::<rwt_denoiser_options>::uninit();
    // SAFETY: room for the options, which are initialised then; a string that ends with 0; a place for a handle.
    unsafe {
        assert_eq!(rwt_denoiser_options_init(options.as_mut_ptr(), size_of::<rwt_denoiser_options>()), 0);
        let mut options = options.assume_init();
        (options.engine, options.threads) = (rwt_engine::RWT_ENGINE_ONNX_RUNTIME as i32, 1);
        assert_eq!(rwt_denoiser_open_with(PATH.as_ptr().cast(), &raw const options, &raw mut model), 0);
    }
    let [shared, each] = needed(&draw(model, null_mut(), 1).err().unwrap());
    let before = status("VmRSS:");
    draw(model, null_mut(), shared + each).unwrap();
    let taken = status("VmHWM:") - before;
    println!("ONNX Runtime: {taken} of {} bytes", shared + each);
    assert!(taken <= shared + each && taken > (shared + each) / 4, "{taken} of {} bytes", shared + each);
    // SAFETY: a live handle, freed once.
    unsafe { rwt_denoiser_free(model) };
}

/// The only test of this program: another beside it would be measured, too.
#[test]
fn a_run_takes_no_more_than_its_budget() {
    check_runtime(); // first, while freed memory cannot serve it
    let mask: Vec<_> = (0..SIDE * SIDE).map(|i| u8::from(i % 5 == 0)).collect();
    let (mut model, mut tiled, mut operator) = (null_mut(), null_mut(), null_mut());
    // SAFETY: a string that ends with 0, arrays of the lengths that are told, live handles that are freed once.
    unsafe {
        assert_eq!(rwt_denoiser_open(PATH.as_ptr().cast(), &raw mut model), 0);
        assert_eq!(rwt_denoiser_tiled(model, 96, 96, 32, &raw mut tiled), 0);
        assert_eq!(rwt_operator_mask(mask.as_ptr(), 3, SIDE, SIDE, &raw mut operator), 0);
        check("the prior", model, null_mut());
        check("a posterior", model, operator);
        check("a posterior by tiles", tiled, operator);
        rwt_operator_free(operator);
        rwt_denoiser_free(tiled);
        rwt_denoiser_free(model);
    }
}
