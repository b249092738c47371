//! The noise: ChaCha8's words, the normal quantile, and independence of everything but its four numbers.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use rwt_core::noise::{ANTITHETIC, fill, normal_from_word, stream, uniform};
use rwt_core::{Step, update};

#[test]
fn words_are_those_of_chacha8() {
    // the first words of the ChaCha8 key stream for a zero key and stream, from the eSTREAM test vectors
    let mut out = [0f32; 4];
    fill(0, 0, 0, 0, &mut out);
    for (found, word) in out.iter().zip([0x2fef003eu32, 0xd6405f89, 0xe8b85b7f, 0xa1a5091f]) {
        assert_eq!(*found, normal_from_word(word));
    }
}

#[test]
fn seed_chain_draw_and_element_are_key_stream_and_position() {
    let (seed, chain, draw, element) = (0x0123_4567_89ab_cdef_u64, 5, 77u32, 123_456);
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(chain);
    rng.set_word_pos((u128::from(draw) << 36) + u128::from(element));
    let mut out = [0f32; 100];
    fill(seed, chain, draw, element, &mut out);
    for found in out {
        assert_eq!(found, normal_from_word(rng.next_u32()));
    }
}

#[test]
fn antithetic_chains_are_pairs_of_opposite_noise() {
    let noise = |chain| {
        let mut out = [0f32; 200];
        fill(3, chain, 8, 5, &mut out);
        out
    };
    for k in [0, 1, 77, ANTITHETIC / 2 - 1] {
        let plain = noise(k);
        assert_eq!(noise(ANTITHETIC + 2 * k), plain);
        assert_eq!(noise(ANTITHETIC + 2 * k + 1), plain.map(|n| -n));
        assert_eq!([stream(k), stream(ANTITHETIC + 2 * k), stream(ANTITHETIC + 2 * k + 1)], [k; 3]);
    }
    let halves = [ANTITHETIC, ANTITHETIC + 1].map(|chain| uniform(3, chain, 8, 5));
    assert_eq!(halves[0], uniform(3, 0, 8, 5));
    assert_eq!(halves[0] + halves[1], 1.0);
}

/// Φ(z) in f64 for z ≤ 0.
fn probability(z: f64) -> f64 {
    libm::erfc(-z / std::f64::consts::SQRT_2) / 2.0
}

#[test]
fn a_word_becomes_the_quantile_of_its_probability() {
    let mut worst = 0f64;
    let words = (0..200_000u64).map(|k| (k.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32);
    for word in words.chain(0..2000).chain(u32::MAX - 2000..=u32::MAX).chain(0x7fff_f000..0x8000_1000) {
        let z = f64::from(normal_from_word(word));
        let positive = word < 0x8000_0000;
        assert_eq!(z > 0.0, positive);
        // positive words run from the middle outwards: 2(1 − Φ(|z|)) = 1 − (m + ½) 2⁻³¹
        let m = if positive { word } else { !word };
        let tail = (f64::from(0x7fff_ffff - m) + 0.5) / 2f64.powi(32);
        // one Newton step of the exact quantile from z tells the error
        let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let error = (probability(-z.abs()) - tail) / density / z.abs();
        worst = worst.max(error.abs());
    }
    assert!(worst < 1e-6, "largest relative error {worst:e}");
}

#[test]
fn a_draw_does_not_depend_on_how_it_is_cut() {
    let mut whole = [0f32; 1000];
    fill(9, 3, 2, 0, &mut whole);
    for cut in [1, 7, 64, 65, 500] {
        let mut parts = [0f32; 1000];
        for (k, part) in parts.chunks_mut(cut).enumerate() {
            fill(9, 3, 2, (k * cut) as u64, part);
        }
        assert_eq!(parts, whole);
    }
    let mut x = [f32::NAN; 1000];
    update(&Step { noise: 1.0, draw: 2, ..Step::default() }, 9, 3, &mut x, &[], &[], &[]).unwrap();
    assert_eq!(x, whole);
}

#[test]
fn draws_are_standard_normal_and_uncorrelated() {
    const N: usize = 400_000;
    let draw = |seed, chain, draw| {
        let mut out = vec![0f32; N];
        fill(seed, chain, draw, 0, &mut out);
        out
    };
    let a = draw(1, 0, 0);
    let moment = |p: i32| a.iter().map(|v| f64::from(*v).powi(p)).sum::<f64>() / N as f64;
    let error = 1.0 / (N as f64).sqrt();
    // the standard errors of the first four sample moments are 1, √2, √15, √96 over √N
    for (p, expected, spread) in [(1, 0.0, 1f64), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
        let z = (moment(p) - expected) / (spread.sqrt() * error);
        assert!(z.abs() < 4.0, "moment {p} is {z} standard errors off");
    }
    for b in [draw(2, 0, 0), draw(1, 1, 0), draw(1, 0, 1)] {
        let z = a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() / (N as f64).sqrt();
        assert!(z.abs() < 4.0, "correlation is {z} standard errors off");
    }
}
