//! The headers that were generated for the firmware.

use rwt_tests::root;
use std::fs::{File, read_to_string};
use std::io::BufReader;

const SIDE: usize = 32;

/// The numbers of one array of a header.
fn array(header: &str, name: &str) -> Vec<i64> {
    let text = read_to_string(root().join("examples/firmware/c").join(header)).unwrap();
    let (_, rest) = text.split_once(&format!(" {name}[")).unwrap_or_else(|| panic!("no {name} in {header}"));
    let (head, values) = rest.split_once('{').unwrap();
    let values = values.split_once('}').unwrap().0.split(',').map(str::trim).filter(|word| !word.is_empty());
    let values: Vec<i64> = values.map(|word| word.parse().unwrap()).collect();
    assert!(head.starts_with(&format!("{}]", values.len())), "{name} has {} numbers", values.len());
    values
}

/// The picture, black 0 to white 255.
pub fn patch() -> Vec<i64> {
    array("patch.h", "PATCH")
}

/// Written out once more: blocks of 4 x 4 pixels from row 0, column 48 on, in grey by the weights of BT.601.
#[test]
fn the_picture_is_a_patch_of_the_photograph() {
    const FACTOR: usize = 4;
    let file = File::open(root().join("examples/c_inpaint/astronaut.png")).unwrap();
    let mut reader = png::Decoder::new(BufReader::new(file)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!((info.width, info.height, info.color_type), (256, 256, png::ColorType::Rgb));
    let expected = (0..SIDE * SIDE).map(|pixel| {
        let mut sum = 0.0;
        for at in 0..FACTOR * FACTOR {
            let row = pixel / SIDE * FACTOR + at / FACTOR;
            let column = 48 + pixel % SIDE * FACTOR + at % FACTOR;
            let colours = &bytes[3 * (256 * row + column)..];
            sum += 0.299 * f64::from(colours[0]) + 0.587 * f64::from(colours[1]) + 0.114 * f64::from(colours[2]);
        }
        sum / (FACTOR * FACTOR) as f64
    });
    let patch = patch();
    assert_eq!(patch.len(), SIDE * SIDE);
    for (pixel, (found, expected)) in patch.iter().zip(expected).enumerate() {
        assert!((*found as f64 - expected).abs() <= 0.501, "pixel {pixel}: {found}, {expected}");
    }
}

#[test]
fn the_weights_are_those_that_were_written() {
    let (weights, channels) = (array("prior.h", "WEIGHTS"), 24);
    assert_eq!(weights.len(), 9 * channels * (4 + 4 * channels + 4));
    let hash = weights.iter().fold(2_166_136_261u32, |hash, w| (hash ^ u32::from(*w as u8)).wrapping_mul(16_777_619));
    let text = read_to_string(root().join("examples/firmware/c/prior.h")).unwrap();
    assert!(text.contains(&format!("WEIGHTS_HASH = {hash};")), "the hash of the weights is {hash}");
    // each output channel has its own scale: its largest weight is 127
    let mut rest = weights.as_slice();
    for (outputs, inputs) in [(24, 4), (24, 24), (24, 24), (24, 24), (24, 24), (4, 24)] {
        for _ in 0..outputs {
            let (channel, after) = rest.split_at(9 * inputs);
            assert_eq!(channel.iter().map(|weight| weight.abs()).max(), Some(127));
            rest = after;
        }
    }
    assert!(rest.is_empty());
}
