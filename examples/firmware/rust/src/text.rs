//! Numbers as text: the machinery of core::fmt would take more flash than the walk.

use crate::board::print;

#[inline(never)]
fn digits(mut value: u32, base: u32, least: usize) {
    let (mut text, mut first) = ([0u8; 10], 10);
    while first > 0 && (value != 0 || 10 - first < least) {
        first -= 1;
        let digit = (value % base) as u8;
        if let Some(place) = text.get_mut(first) {
            *place = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
        }
        value /= base;
    }
    print(text.get(first..).unwrap_or_default());
}

/// A name, and a number in decimal.
pub fn number(name: &str, value: u32) {
    print(name.as_bytes());
    print(b" ");
    digits(value, 10, 1);
    print(b"\n");
}

/// A name, and 32 bits in hexadecimal.
pub fn bits(name: &str, value: u32) {
    print(name.as_bytes());
    print(b" ");
    digits(value, 16, 8);
    print(b"\n");
}

/// A name, and a number from 0 on with two decimals.
pub fn hundredths(name: &str, value: f64) {
    let value = (value * 100.0 + 0.5) as u32;
    print(name.as_bytes());
    print(b" ");
    digits(value / 100, 10, 1);
    print(b".");
    digits(value % 100, 10, 2);
    print(b"\n");
}

/// FNV-1a over the bytes of words.
pub fn hash(words: impl Iterator<Item = u32>) -> u32 {
    words.flat_map(u32::to_le_bytes).fold(2_166_136_261, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619))
}
