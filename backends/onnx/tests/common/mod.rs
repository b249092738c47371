//! The shipped model, and edits of its bytes.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::path::PathBuf;

use rwt_onnx::{Error, OnnxDenoiser};

pub fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/models/rwt-leaves-rgb.onnx"))
}

pub fn bytes() -> Vec<u8> {
    std::fs::read(path()).unwrap()
}

pub fn model() -> OnnxDenoiser {
    OnnxDenoiser::open(path()).unwrap()
}

/// Replace every occurrence of `old`, at least one, by `new` of the same length.
pub fn replaced(old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let mut bytes = bytes();
    let places: Vec<_> = bytes.windows(old.len()).enumerate().filter(|(_, w)| *w == old).map(|(i, _)| i).collect();
    assert!(!places.is_empty(), "{old:?} is not in the file");
    for place in places {
        bytes[place..place + new.len()].copy_from_slice(new);
    }
    bytes
}

/// Why these bytes are refused.
pub fn refusal(bytes: Vec<u8>) -> Error {
    OnnxDenoiser::from_bytes(bytes).err().expect("the model should be refused")
}

/// Numbers in [-1, 1), the same in every run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn uniform(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    /// Standard normal, nearly: a sum of twelve uniforms.
    pub fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.uniform()).sum::<f32>() / 2.0
    }
}
