//! Damaged files are refused, or are harmless: no panic, no abort, no gigabytes.

mod common;
#[path = "common/largest.rs"]
mod largest;

use std::sync::atomic::Ordering::Relaxed;

use common::{Random, bytes, refusal};
use largest::LARGEST;
use rwt_onnx::{EngineChoice, Error, OnnxDenoiser, OpenOptions, RuntimeOptions};

fn assert_no_gigabytes() {
    let largest = LARGEST.load(Relaxed);
    assert!(largest < 64 << 20, "one allocation of {largest} bytes");
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let whole = bytes();
    for i in 0..20 {
        let error = refusal(whole[..whole.len() * i / 20].to_vec());
        assert!(matches!(error, Error::Malformed(_) | Error::Metadata(_)), "{i}/20: {error}");
    }
    for cut in [1, 2, 40] {
        refusal(whole[..whole.len() - cut].to_vec());
    }
    assert_no_gigabytes();
}

#[test]
fn random_bytes_are_refused() {
    let mut random = Random(1);
    for length in 0..300 {
        refusal((0..length).map(|_| random.next() as u8).collect());
    }
    assert_no_gigabytes();
}

#[test]
fn a_length_beyond_the_file_is_refused_before_it_is_allocated() {
    for number in [1, 7, 8, 14] {
        let endless = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        refusal([&[8, 8, number << 3 | 2][..], &endless].concat());
    }
    assert_no_gigabytes();
}

#[test]
fn deep_nesting_is_refused_without_using_the_stack() {
    let mut graph = Vec::new();
    for _ in 0..20_000 {
        let wrap = |tag: u8, content: &[u8]| {
            let (mut head, mut length) = (vec![tag], content.len());
            while length > 127 {
                head.push(length as u8 | 128);
                length >>= 7;
            }
            head.push(length as u8);
            [&head, content].concat()
        };
        graph = wrap(0x0a, &wrap(0x2a, &wrap(0x32, &graph))); // node { attribute { g } }
        if graph.len() > 60_000 {
            break;
        }
    }
    let mut model = vec![0x3a];
    let length = graph.len();
    model.extend([length as u8 | 128, (length >> 7) as u8 | 128, (length >> 14) as u8]);
    model.extend(graph);
    assert!(matches!(refusal(model.clone()), Error::Operators { .. }));
    // before any library is looked for
    let engine = EngineChoice::Runtime(RuntimeOptions::default());
    let error = OnnxDenoiser::from_bytes_with(model, &OpenOptions { engine, ..OpenOptions::default() }).err().unwrap();
    assert!(matches!(error, Error::Operators { .. }), "{error}");
}

#[test]
fn a_flipped_bit_never_panics_or_allocates_without_bound() {
    let whole = bytes();
    let mut random = Random(2);
    let (mut refused, mut harmless) = (0, 0);
    for i in 0..240 {
        let mut damaged = whole.clone();
        // The structure is at the front and the end, weights between.
        let place = match i % 4 {
            0 => random.next() as usize % 64,
            1 => random.next() as usize % 40_000,
            2 => whole.len() - 1 - random.next() as usize % 1200,
            _ => random.next() as usize % whole.len(),
        };
        damaged[place] ^= 1 << (random.next() % 8);
        match OnnxDenoiser::from_bytes(damaged) {
            Ok(_) => harmless += 1,
            Err(_) => refused += 1,
        }
    }
    println!("{refused} refused, {harmless} harmless");
    assert!(refused >= 40, "{refused} refused");
    assert_no_gigabytes();
}
