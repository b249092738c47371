//! Products of small matrices by all lanes of a warp, in bf16 with sums in f32.

use super::rows::{LANES, Word};

/// Two numbers as bf16, to nearest even; `high` in the upper half. What is not a number is 0x7fff, as on the devices.
pub fn pack(high: u32, low: u32) -> u32 {
    u32::from(bf16(high)) << 16 | u32::from(bf16(low))
}

fn bf16(bits: u32) -> u16 {
    if f32::from_bits(bits).is_nan() {
        return 0x7fff;
    }
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

/// The first (0) or second (1) bf16 of a register.
fn half(pair: u32, which: usize) -> f32 {
    f32::from_bits(pair >> (16 * which) << 16)
}

/// d of `mma.m16n8k16`, by the PTX ISA's "Matrix fragments for mma.m16n8k16 with floating point type". Products are added to c
/// in the order of k, each sum rounded.
pub fn multiply(a: [&Word; 4], b: [&Word; 2], c: [&Word; 4]) -> [Word; 4] {
    let (mut left, mut right, mut sums) = ([[0.0f32; 16]; 16], [[0.0f32; 8]; 16], [[0.0f32; 8]; 16]);
    for lane in 0..LANES {
        let (group, thread) = (lane >> 2, lane % 4);
        for i in 0..8 {
            let row = if i < 2 || (4..6).contains(&i) { group } else { group + 8 };
            let column = thread * 2 + (i & 1) + if i < 4 { 0 } else { 8 };
            left[row][column] = half(a[i / 2][lane], i % 2);
        }
        for i in 0..4 {
            right[thread * 2 + (i & 1) + if i < 2 { 0 } else { 8 }][group] = half(b[i / 2][lane], i % 2);
            sums[if i < 2 { group } else { group + 8 }][thread * 2 + (i & 1)] = f32::from_bits(c[i][lane]);
        }
    }
    for (sums, left) in sums.iter_mut().zip(&left) {
        for (left, right) in left.iter().zip(&right) {
            sums.iter_mut().zip(right).for_each(|(sum, right)| *sum += left * right);
        }
    }
    std::array::from_fn(|i| {
        std::array::from_fn(|lane| sums[if i < 2 { lane / 4 } else { lane / 4 + 8 }][lane % 4 * 2 + (i & 1)].to_bits())
    })
}

/// What the lanes get of an 8 x 8 matrix of 16 bits by `ldmatrix`.
pub fn distribute(matrix: &[[u16; 8]; 8], transposed: bool) -> Word {
    std::array::from_fn(|lane| {
        let (row, column) = (lane / 4, lane % 4 * 2);
        let (first, second) = match transposed {
            true => (matrix[column][row], matrix[column + 1][row]),
            false => (matrix[row][column], matrix[row][column + 1]),
        };
        u32::from(second) << 16 | u32::from(first)
    })
}
