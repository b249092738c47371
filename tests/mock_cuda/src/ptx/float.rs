//! Operations on f32 and f64, rounded to nearest, subnormal numbers kept. What is not a number is 0x7fffffff in f32, as on
//! the devices, whatever the operands' bits were.

use super::rows::{Operation, Word, lanes, lanes2, lanes3, op};

const NAN: u32 = 0x7fff_ffff;
const NAN64: u64 = 0x7fff_ffff_ffff_ffff;

fn f(a: u32) -> f32 {
    f32::from_bits(a)
}

fn d(a: u64) -> f64 {
    f64::from_bits(a)
}

#[inline(always)]
fn bits(a: f32) -> u32 {
    if a.is_nan() { NAN } else { a.to_bits() }
}

/// With f32's sign and magnitude as a number that orders −0 before +0.
fn ordered(a: u32) -> i32 {
    let a = a as i32;
    a ^ ((a >> 31) as u32 >> 1) as i32
}

fn ordered64(a: u64) -> i64 {
    let a = a as i64;
    a ^ ((a >> 63) as u64 >> 1) as i64
}

fn pick(a: u32, b: u32, first: bool) -> u32 {
    match (f(a).is_nan(), f(b).is_nan()) {
        (true, true) => NAN,
        (true, false) => b,
        (false, true) => a,
        (false, false) => {
            if first {
                a
            } else {
                b
            }
        }
    }
}

fn pick64(a: u64, b: u64, first: bool) -> u64 {
    match (d(a).is_nan(), d(b).is_nan()) {
        (true, true) => NAN64,
        (true, false) => b,
        (false, true) => a,
        (false, false) => {
            if first {
                a
            } else {
                b
            }
        }
    }
}

/// The fastest way to a fused multiply-add that this processor has.
fn fused() -> Operation {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        fn rows(a: &Word, b: &Word, c: &Word) -> Word {
            std::array::from_fn(|i| bits(f(a[i]).mul_add(f(b[i]), f(c[i]))))
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor was asked.
            return Operation::WWW(|a, b, c| unsafe { rows(a, b, c) });
        }
    }
    op!(WWW, |a, b, c| bits(f(a).mul_add(f(b), f(c))))
}

/// Operations on f32.
pub fn single(mnemonic: &str) -> Option<Operation> {
    Some(match mnemonic {
        "add.rn.f32" | "add.f32" => op!(WW, |a, b| bits(f(a) + f(b))),
        "sub.rn.f32" | "sub.f32" => op!(WW, |a, b| bits(f(a) - f(b))),
        "mul.rn.f32" | "mul.f32" => op!(WW, |a, b| bits(f(a) * f(b))),
        "div.rn.f32" => op!(WW, |a, b| bits(f(a) / f(b))),
        "fma.rn.f32" => fused(),
        "sqrt.rn.f32" => op!(W, |a| bits(f(a).sqrt())),
        "rcp.rn.f32" => op!(W, |a| bits(1.0 / f(a))),
        "neg.f32" => op!(W, |a| a ^ 0x8000_0000),
        "abs.f32" => op!(W, |a| a & 0x7fff_ffff),
        "min.f32" => op!(WW, |a, b| pick(a, b, ordered(a) < ordered(b))),
        "max.f32" => op!(WW, |a, b| pick(a, b, ordered(a) > ordered(b))),
        "copysign.f32" => op!(WW, |a, b| a & 0x8000_0000 | b & 0x7fff_ffff),
        _ => return None,
    })
}

/// Two f32 as one register of two bf16.
pub fn packed(mnemonic: &str) -> Option<Operation> {
    (mnemonic == "cvt.rn.bf16x2.f32").then_some(op!(WW, |a, b| super::tensor::pack(a, b)))
}

/// Operations on f64.
pub fn double(mnemonic: &str) -> Option<Operation> {
    Some(match mnemonic {
        "add.rn.f64" | "add.f64" => op!(LL, |a, b| (d(a) + d(b)).to_bits()),
        "sub.rn.f64" | "sub.f64" => op!(LL, |a, b| (d(a) - d(b)).to_bits()),
        "mul.rn.f64" | "mul.f64" => op!(LL, |a, b| (d(a) * d(b)).to_bits()),
        "div.rn.f64" => op!(LL, |a, b| (d(a) / d(b)).to_bits()),
        "fma.rn.f64" => op!(LLL, |a, b, c| d(a).mul_add(d(b), d(c)).to_bits()),
        "sqrt.rn.f64" => op!(L, |a| d(a).sqrt().to_bits()),
        "rcp.rn.f64" => op!(L, |a| (1.0 / d(a)).to_bits()),
        "neg.f64" => op!(L, |a| a ^ 1 << 63),
        "abs.f64" => op!(L, |a| a & !(1 << 63)),
        "min.f64" => op!(LL, |a, b| pick64(a, b, ordered64(a) < ordered64(b))),
        "max.f64" => op!(LL, |a, b| pick64(a, b, ordered64(a) > ordered64(b))),
        "copysign.f64" => op!(LL, |a, b| a & 1 << 63 | b & !(1 << 63)),
        _ => return None,
    })
}
