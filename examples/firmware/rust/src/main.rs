//! Restore a picture of 32 × 32 most of whose pixels are missing, without a heap and an operating system; the program of
//! ../c/restore.c in Rust, on the core alone.
#![no_std]
#![no_main]

mod board;
mod prior;
mod text;

use core::convert::Infallible;
use cortex_m_rt::entry;
use prior::GaussianField;
use rwt_core::{Chain, Denoiser, Error, Mask, MaskWalk, Method, Schedule, WalkError, noise};

const SIDE: usize = 32;
const PIXELS: usize = SIDE * SIDE;
const LEVELS: usize = 24;
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
fn measure(y: &mut Image, mask: &mut [u8; PIXELS]) {
    noise::fill(SEED, u64::from(u32::MAX), 0, 0, y);
    let mut state = 1u32;
    for (pixel, (y, mask)) in y.iter_mut().zip(mask).enumerate() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *mask = u8::from((state >> 16) % 10 < 3);
        *y = if *mask != 0 { prior::picture(pixel) + ETA as f32 * *y } else { 0.0 };
    }
}

/// Here and not where the walk goes on, which has less stack to use then.
#[inline(never)]
fn begin(
    walk: &mut Option<MaskWalk<'static>>,
    y: &'static Image,
    mask: &'static [u8],
    levels: &'static mut [f64],
) -> Result<(), Error> {
    Schedule::Geometric { sigma_max: 4.0, sigma_min: ETA / 5.0 }.levels(levels)?;
    let (mask, chain) = (Mask::new(mask, 1)?, Chain { seed: SEED, chain: 0 });
    let variance = GaussianField::VARIANCE;
    *walk = Some(MaskWalk::new(mask, y, ETA, 0.0, variance, levels, Method::GuidedLookAhead, chain)?);
    Ok(())
}

/// The library asks, the caller runs its denoiser.
#[inline(never)]
fn restore(
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

fn words(image: &[f32]) -> impl Iterator<Item = u32> {
    image.iter().map(|v| v.to_bits())
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
    board::start_clock();
    let Memory { x, y, workspace, mask, levels } = MEMORY;
    measure(y, mask);
    let (y, before) = (&*y, prior::psnr(y));
    board::paint();
    let start = board::instructions();
    let mut result = begin(WALK, y, mask, levels).map_err(WalkError::from);
    if let Some(walk) = WALK {
        result = restore(walk, x, workspace, &mut GaussianField);
    }
    let instructions = board::instructions() - start;
    let stack = board::stack();
    match result {
        Err(WalkError::Plan(Error::Parameter { name, .. }) | WalkError::NotFinite { name, .. }) => fail(name),
        Err(_) => fail("the walk"),
        Ok(()) => report(x, y, before, instructions, stack),
    }
    board::leave(0)
}

fn report(x: &Image, y: &Image, before: f64, instructions: u64, stack: u32) {
    text::hundredths("psnr_before", before);
    text::hundredths("psnr_after", prior::psnr(x));
    text::bits("measurement", text::hash(words(y)));
    text::bits("image", text::hash(words(x)));
    text::number("instructions", instructions as u32);
    text::number("stack", stack);
    words(x).for_each(|bits| text::bits("pixel", bits));
}

/// Say what was wrong, and end.
fn fail(what: &str) -> ! {
    board::print(what.as_bytes());
    board::print(b" cannot be used\n");
    board::leave(1)
}
