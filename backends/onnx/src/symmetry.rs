//! The symmetries of the square: quarter turns and mirrors.

use rwt_core::{Chain, noise};

/// How a picture is shown to the network. As stored: transposed after it was mirrored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Symmetry {
    pub(crate) transposed: bool,
    pub(crate) upside_down: bool,
    pub(crate) left_to_right: bool,
}

impl Symmetry {
    /// How many there are.
    pub(crate) const COUNT: usize = 8;

    /// The symmetry of a number below [`Symmetry::COUNT`]; 0 is the picture as it is.
    pub(crate) fn number(number: usize) -> Self {
        Self { transposed: number & 1 != 0, upside_down: number & 2 != 0, left_to_right: number & 4 != 0 }
    }
}

/// What [`pick`] takes for a chain; the same for a pair of opposite noise.
pub(crate) fn chain_key(chain: Chain) -> u64 {
    chain.seed ^ noise::stream(chain.chain).rotate_left(32)
}

/// A number below `count` (a power of two) that looks drawn at random for each pair of key and σ: the finaliser of
/// SplitMix64 (Steele, Lea and Flood 2014).
pub(crate) fn pick(key: u64, sigma: f64, count: usize) -> usize {
    let mix = |mut z: u64| {
        z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    mix(mix(key) ^ sigma.to_bits()) as usize & (count - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_symmetry_is_picked_as_often_as_the_others() {
        for key in 0..4 {
            let mut counts = [0; Symmetry::COUNT];
            for level in 0..8000 {
                counts[pick(key, 20.0 * 0.999_f64.powi(level), Symmetry::COUNT)] += 1;
            }
            let chi2: f64 = counts.iter().map(|&n| (f64::from(n) - 1000.0).powi(2) / 1000.0).sum();
            assert!(chi2 < 24.3, "key {key}: {counts:?}"); // 0.1 % of a chi-square with 7 degrees of freedom
        }
        let same = (0..8000).filter(|&key| pick(key, 0.5, 8) == pick(key + 1, 0.5, 8)).count();
        assert!((875..1125).contains(&same), "{same} of 8000 neighbouring keys agree, expected 1000"); // 4.2 s.e.
    }
}
