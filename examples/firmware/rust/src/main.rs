//! Restore a picture of 32 × 32 most of whose pixels are missing, without a heap and an operating system: a sample of the
//! posterior by guided look-ahead, then one estimate by the preconditioned walk without noise. The program of
//! ../c/restore.c in Rust, on the core alone.
#![no_std]
#![no_main]

mod board;
mod network;
mod text;

use core::convert::Infallible;
use cortex_m_rt::entry;
use network::SmallNetwork;
use rwt_core::{Chain, Denoiser, Error, Mask, MaskWalk, Method, Schedule, WalkError, noise};

const SIDE: usize = 32;
const PIXELS: usize = SIDE * SIDE;
const LEVELS: usize = 32;
const SEED: u64 = 7;
const ETA: f64 = 0.02;

type Image = [f32; PIXELS];

/// All memory beside the stack: x, y and the workspace of two images are four images.
struct Memory {
    x: Image,
    y: Image,
    workspace: [f32; 2 * PIXELS],
    mask: [u8; PIXELS],
    levels: [f64; LEVELS],
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    board::print(b"panic\n");
    board::leave(3)
}

/// Three pixels of ten, with noise that no chain of the seed has.
#[inline(never)]
fn measure(y: &mut Image, mask: &mut [u8; PIXELS]) {
    noise::fill(SEED, u64::from(u32::MAX), 0, 0, y);
    let mut state = 1u32;
    for (pixel, (y, mask)) in y.iter_mut().zip(mask).enumerate() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *mask = u8::from((state >> 16) % 10 < 3);
        *y = if *mask != 0 { network::picture(pixel) + ETA as f32 * *y } else { 0.0 };
    }
}

#[inline(never)]
fn set_levels(levels: &mut [f64]) -> Result<(), Error> {
    Schedule::Geometric { sigma_max: 2.0, sigma_min: ETA / 2.0 }.levels(levels)
}

/// Here and not where the walk goes on, which has less stack to use then.
#[inline(never)]
fn begin(walk: &mut Option<MaskWalk<'static>>, problem: &Problem, method: Method) -> Result<(), Error> {
    let (mask, chain) = (Mask::new(problem.mask, 1)?, Chain { seed: SEED, chain: 0 });
    let Problem { y, levels, .. } = problem;
    *walk = Some(MaskWalk::new(mask, *y, ETA, 0.0, SmallNetwork::VARIANCE, levels, method, chain)?);
    Ok(())
}

/// The library asks, the caller runs its denoiser.
#[inline(never)]
fn go(
    walk: &mut MaskWalk<'_>,
    x: &mut Image,
    workspace: &mut [f32],
    denoiser: &mut impl Denoiser<Error = Infallible>,
) -> Result<(), WalkError> {
    while let Some(request) = walk.request(x, workspace)? {
        let denoised = workspace.get_mut(request.into).unwrap_or_default();
        let Ok(()) = denoiser.denoise(x, request.sigma, denoised);
        walk.advance(x, workspace)?;
    }
    Ok(())
}

/// One walk; what cannot be used, if it fails.
#[inline(never)]
fn restore(
    walk: &mut Option<MaskWalk<'static>>,
    problem: &Problem,
    method: Method,
    x: &mut Image,
    workspace: &mut [f32],
    denoiser: &mut impl Denoiser<Error = Infallible>,
) -> Result<(), &'static str> {
    begin(walk, problem, method).map_err(|error| name(&error.into()))?;
    walk.as_mut().map_or(Ok(()), |walk| go(walk, x, workspace, denoiser).map_err(|error| name(&error)))
}

fn name(error: &WalkError) -> &'static str {
    match error {
        WalkError::Plan(Error::Parameter { name, .. }) | WalkError::NotFinite { name, .. } => name,
        _ => "the walk",
    }
}

fn words(image: &[f32]) -> impl Iterator<Item = u32> {
    image.iter().map(|v| v.to_bits())
}

/// What every walk has; y, the mask and the levels stand in the memory.
struct Problem {
    y: &'static Image,
    mask: &'static [u8],
    levels: &'static [f64],
}

#[entry]
fn main() -> ! {
    static mut MEMORY: Memory = Memory {
        x: [0.0; PIXELS],
        y: [0.0; PIXELS],
        workspace: [0.0; 2 * PIXELS],
        mask: [0; PIXELS],
        levels: [0.0; LEVELS],
    };
    static mut WALK: Option<MaskWalk<'static>> = None; // not all zeros: it would take the arrays into flash
    static mut NETWORK: SmallNetwork = SmallNetwork::NEW;
    board::start_clock();
    let Memory { x, y, workspace, mask, levels } = MEMORY;
    let error = NETWORK.error(x, &mut workspace[..PIXELS]);
    measure(y, mask);
    let (y, mask, before) = (&*y, &*mask, network::psnr(y));
    board::paint();
    let start = board::ticks();
    let mut result = set_levels(levels).map_err(|_| "levels");
    let problem = Problem { y, mask, levels };
    result = result.and_then(|()| restore(WALK, &problem, Method::GuidedLookAhead, x, workspace, NETWORK));
    let (sampled, sample) = (network::psnr(x), text::hash(words(x)));
    let method = Method::Preconditioned { epsilon: 1.0, temperature: Some(0.0) };
    result = result.and_then(|()| restore(WALK, &problem, method, x, workspace, NETWORK));
    let (ticks, stack) = (board::ticks().wrapping_sub(start), board::stack());
    if let Err(what) = result {
        fail(what);
    }
    text::number("millionths_from_pytorch", (error * 1e6) as u32);
    text::hundredths("psnr_before", before);
    text::hundredths("psnr_of_a_sample", sampled);
    text::bits("sample", sample);
    text::number("ticks", ticks);
    text::number("stack", stack);
    report(x, y);
    board::leave(0)
}

#[inline(never)]
fn report(x: &Image, y: &Image) {
    text::hundredths("psnr_after", network::psnr(x));
    text::bits("measurement", text::hash(words(y)));
    text::bits("image", text::hash(words(x)));
    words(x).for_each(|bits| text::bits("pixel", bits));
}

/// Say what was wrong, and end.
fn fail(what: &str) -> ! {
    board::print(what.as_bytes());
    board::print(b" cannot be used\n");
    board::leave(1)
}
