//! The one operation of every sampler: the fused update.

use crate::error::{Error, require_len};
use crate::noise;
use crate::walk::Step;

const BLOCK: usize = 64;

/// x ← step.x·x + step.denoised·denoised + step.previous·previous + step.gradient·gradient + step.noise·n(seed, chain, step.draw)
///
/// in one pass over one chain. A term whose coefficient is zero is not read: its array may be empty, or hold anything.
/// The other arrays have the length of `x`. Single precision, terms added in the order above, never contracted: this
/// is the reference that every other backend equals bit by bit.
///
/// # Errors
/// [`Error::Length`] if an array that is needed has another length than `x`; nothing is written then.
pub fn update(
    step: &Step,
    seed: u64,
    chain: u64,
    x: &mut [f32],
    denoised: &[f32],
    previous: &[f32],
    gradient: &[f32],
) -> Result<(), Error> {
    for (name, coefficient, array) in [
        ("denoised", step.denoised, denoised),
        ("previous", step.previous, previous),
        ("gradient", step.gradient, gradient),
    ] {
        if coefficient != 0.0 {
            require_len(name, x.len(), array.len())?;
        }
    }
    // no index that could panic: firmware has nobody to tell
    let terms = |offset: usize, normals: &[f32], x: &mut [f32]| {
        let range = offset..offset + x.len();
        let mut sum = [0f32; BLOCK];
        if step.x != 0.0 {
            add(&mut sum, step.x, Some(x));
        }
        if step.denoised != 0.0 {
            add(&mut sum, step.denoised, denoised.get(range.clone()));
        }
        if step.previous != 0.0 {
            add(&mut sum, step.previous, previous.get(range.clone()));
        }
        if step.gradient != 0.0 {
            add(&mut sum, step.gradient, gradient.get(range));
        }
        if step.noise != 0.0 {
            add(&mut sum, step.noise, Some(normals));
        }
        x.iter_mut().zip(&sum).for_each(|(x, sum)| *x = *sum);
    };
    if step.noise != 0.0 {
        noise::for_each_block(seed, chain, step.draw, x.len(), |offset, normals| {
            terms(offset, normals, x.get_mut(offset..offset + normals.len()).unwrap_or_default());
        });
    } else {
        for (index, block) in x.chunks_mut(BLOCK).enumerate() {
            terms(index * BLOCK, &[], block);
        }
    }
    Ok(())
}

#[inline(always)]
fn add(sum: &mut [f32; BLOCK], coefficient: f64, array: Option<&[f32]>) {
    let coefficient = coefficient as f32;
    for (sum, value) in sum.iter_mut().zip(array.unwrap_or_default()) {
        *sum += coefficient * value;
    }
}
