//! Standard normal noise as a function of (seed, chain, draw, element).
//!
//! One 32-bit word of ChaCha8 becomes one normal by the inverse of the normal distribution function. The key is the
//! seed (little endian, then zeros), the stream is the chain, the word's position is `draw · 2³⁶ + element`; so any
//! element of any draw can be computed alone, on any machine, in any order. Only additions and multiplications of
//! IEEE single precision are used, without contraction: every target gives the same bits. Chains from [`ANTITHETIC`] on
//! come in pairs of opposite noise.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Chains `ANTITHETIC + 2k` and `ANTITHETIC + 2k + 1` have the noise of chain k, the second with the opposite sign.
///
/// Each chain alone follows the law that it would follow anyway; what is odd in the noise cancels in the mean of a pair
/// (antithetic variates, Hammersley and Morton 1956).
pub const ANTITHETIC: u64 = 1 << 63;

/// Elements of one draw: 2³⁶.
pub const MAX_ELEMENTS: u64 = 1 << 36;

const BLOCK: usize = 64;

/// Call `consume(offset, normals)` for the elements 0..n of a draw, in blocks of at most 64.
pub(crate) fn for_each_block(seed: u64, chain: u64, draw: u32, n: usize, mut consume: impl FnMut(usize, &[f32])) {
    let (mut rng, opposite) = (generator(seed, chain, draw, 0), opposite(chain));
    let mut normals = [0f32; BLOCK];
    let mut offset = 0;
    while offset < n {
        let count = BLOCK.min(n - offset);
        next(&mut rng, opposite, &mut normals);
        consume(offset, &normals[..count]);
        offset += count;
    }
}

/// Write the elements `first..first + out.len()` of a draw, N(0, 1) each, into `out`.
pub fn fill(seed: u64, chain: u64, draw: u32, first: u64, out: &mut [f32]) {
    next(&mut generator(seed, chain, draw, first), opposite(chain), out);
}

/// The normals of the next words, which stand in their places first: firmware has little stack.
fn next(rng: &mut ChaCha8Rng, opposite: u32, normals: &mut [f32]) {
    normals.iter_mut().for_each(|word| *word = f32::from_bits(rng.next_u32() ^ opposite));
    normals.iter_mut().for_each(|normal| *normal = normal_from_word(normal.to_bits()));
}

/// One element of a draw as a number in (0, 1), uniformly distributed: the same word as [`fill`]'s.
pub fn uniform(seed: u64, chain: u64, draw: u32, element: u64) -> f64 {
    (f64::from(generator(seed, chain, draw, element).next_u32() ^ opposite(chain)) + 0.5) / 4_294_967_296.0
}

/// The chain whose noise a chain has, if not with its sign.
pub fn stream(chain: u64) -> u64 {
    if chain < ANTITHETIC { chain } else { (chain - ANTITHETIC) / 2 }
}

/// The bits that are turned over in a chain's words.
fn opposite(chain: u64) -> u32 {
    if chain < ANTITHETIC { 0 } else { (chain as u32 & 1).wrapping_neg() }
}

#[inline(always)] // else its result is on the stack twice
fn generator(seed: u64, chain: u64, draw: u32, first: u64) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(stream(chain));
    rng.set_word_pos((u128::from(draw) << 36) + u128::from(first));
    rng
}

/// ln(m) = f + f² Q(f) with f = m − 1, √½ ≤ m < √2; minimax, relative error 4e-8.
const LOG: [f32; 7] =
    [-0.500_005_84, 0.333_352_63, -0.249_614_64, 0.198_882_79, -0.173_260_18, 0.163_356_27, -0.100_345_194];

/// √2 erf⁻¹(x)/x in t = 1 + 2 ln(1 − x²)/(31 ln 2), −1 ≤ t ≤ 1; minimax, relative error 1e-7.
const INVERSE: [f32; 17] = [
    4.400_759,
    -2.330_601_5,
    -0.563_403_4,
    -0.259_642_63,
    -0.136_399_76,
    -0.067_230_225,
    -0.008_638_348,
    0.068_953_55,
    0.076_315_38,
    -0.039_539_274,
    0.015_738_67,
    0.249_957_56,
    0.113_988_01,
    -0.221_079_86,
    -0.148_667_23,
    0.056_860_965,
    0.045_943_36,
];

/// The normal quantile of a word taken as a probability: odd in the word's middle, within ±6.338, relative error 7e-7.
#[inline(always)]
pub fn normal_from_word(word: u32) -> f32 {
    let sign = word & 0x8000_0000;
    let m = word ^ (((word as i32) >> 31) as u32); // distance from the middle, 31 bits
    let rest = 0x7fff_ffff - m;
    const SCALE: f32 = 1.0 / 2_147_483_648.0;
    let x = (m as i32 as f32 + 0.5) * SCALE;
    let tail = (rest as i32 as f32 + 0.5) * SCALE; // 1 − x, exact where x is near 1
    let bits = (tail * (1.0 + x)).to_bits() as i32; // 1 − x²
    let exponent = (bits - 0x3f35_04f3) >> 23;
    let f = f32::from_bits((bits - (exponent << 23)) as u32) - 1.0;
    let log = exponent as f32 * core::f32::consts::LN_2 + (f + f * f * horner(&LOG, f));
    let t = log * (2.0 / (31.0 * core::f32::consts::LN_2)) + 1.0;
    let z = x * horner(&INVERSE, t);
    f32::from_bits(z.to_bits() | sign)
}

#[inline(always)]
fn horner<const N: usize>(coefficients: &[f32; N], t: f32) -> f32 {
    let mut sum = coefficients[N - 1];
    for k in (0..N - 1).rev() {
        sum = sum * t + coefficients[k];
    }
    sum
}
