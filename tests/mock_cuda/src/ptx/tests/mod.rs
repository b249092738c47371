//! Instructions, each against arithmetic that is written another way, on random bits and those at which things go wrong.

mod floats;
mod integers;
mod lanes;
mod tensor;

use super::{Grid, Module, decode, run};
use std::collections::HashMap;

const EDGES: [u64; 18] = [
    0,
    1,
    31,
    32,
    33,
    1 << 31,
    1 << 63,
    0x7fff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
    0x3f80_0000,
    0x7f80_0000,
    0xff80_0000,
    0x7fc0_0000,
    0x0000_0001,
    0x7ff0_0000_0000_0000,
    0xfff8_0000_0000_0000,
    0x41ef_ffff_fff0_0000,
];

/// A third of them edges.
fn random(seed: u64, count: usize) -> Vec<u64> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state ^ state >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ state >> 32
    };
    (0..count).map(|_| if next() % 3 == 0 { EDGES[(next() >> 7) as usize % EDGES.len()] } else { next() }).collect()
}

const THREADS: u32 = 96;

/// Run a kernel's body in 96 threads. It finds three operands in %rd1 to %rd3, their lower halves in %r1 to %r3, and in %f1 to
/// %f3, %fd1 to %fd3; its result is %rd0.
fn compute(body: &str, operands: &[Vec<u64>; 3]) -> Vec<u64> {
    let text = format!(
        ".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry k(\n.param .u64 k_0,\n.param .u64 k_1\n)\n{{
        .reg .pred %p<9>; .reg .b16 %rs<9>; .reg .b32 %r<20>; .reg .f32 %f<9>; .reg .b64 %rd<20>; .reg .f64 %fd<9>;
        ld.param.u64 %rd10, [k_0]; ld.param.u64 %rd11, [k_1];
        mov.u32 %r10, %tid.x; mul.wide.u32 %rd12, %r10, 24; add.s64 %rd13, %rd10, %rd12;
        ld.global.u64 %rd1, [%rd13]; ld.global.u64 %rd2, [%rd13+8]; ld.global.u64 %rd3, [%rd13+16];
        cvt.u32.u64 %r1, %rd1; cvt.u32.u64 %r2, %rd2; cvt.u32.u64 %r3, %rd3;
        mov.b32 %f1, %r1; mov.b32 %f2, %r2; mov.b32 %f3, %r3;
        mov.b64 %fd1, %rd1; mov.b64 %fd2, %rd2; mov.b64 %fd3, %rd3;
        {body}
        mul.wide.u32 %rd12, %r10, 8; add.s64 %rd13, %rd11, %rd12; st.global.u64 [%rd13], %rd0; ret;\n}}"
    );
    let module = Module::parse(&text).unwrap_or_else(|error| panic!("{error}: {body}"));
    let kernel = decode(&module.kernels[0], &HashMap::new(), &[]).unwrap_or_else(|error| panic!("{error}"));
    let [a, b, c] = operands;
    let read: Vec<u64> = (0..a.len()).flat_map(|i| [a[i], b[i], c[i]]).collect();
    let mut written = vec![0u64; a.len()];
    let range = |address: u64, len: usize| (address, address + 8 * len as u64);
    let mut ranges = [range(read.as_ptr() as u64, read.len()), range(written.as_mut_ptr() as u64, written.len())];
    let parameters: Vec<u8> = ranges.iter().flat_map(|(start, _)| start.to_le_bytes()).collect();
    ranges.sort_unstable();
    let grid = Grid { blocks: [1; 3], threads: [THREADS, 1, 1], dynamic: 0, reverse: false };
    run(&kernel, &grid, &parameters, &ranges).unwrap_or_else(|fault| panic!("{}: {body}", fault.message));
    written
}

/// The body's result is this function of the operands' bits, for many of them.
fn check(body: &str, expected: impl Fn(u64, u64, u64) -> u64) {
    for seed in 0..40 {
        let operands = [3, 5, 7].map(|factor| random(factor * (seed + 1), THREADS as usize));
        let found = compute(body, &operands);
        let [a, b, c] = &operands;
        for i in 0..found.len() {
            let expected = expected(a[i], b[i], c[i]);
            assert_eq!(
                found[i], expected,
                "{body} of {:#x}, {:#x}, {:#x}: {:#x}, expected {expected:#x}",
                a[i], b[i], c[i], found[i]
            );
        }
    }
}

/// An instruction on words.
fn word(instruction: &str, expected: impl Fn(u32, u32, u32) -> u32) {
    check(&format!("{instruction} cvt.u64.u32 %rd0, %r0;"), |a, b, c| {
        u64::from(expected(a as u32, b as u32, c as u32))
    });
}

/// An instruction on f32; a result that is not a number is the devices' one.
fn single(instruction: &str, expected: impl Fn(f32, f32, f32) -> f32) {
    let float = |bits: u64| f32::from_bits(bits as u32);
    let bits = |value: f32| if value.is_nan() { 0x7fff_ffff } else { value.to_bits() };
    let body = format!("{instruction} mov.b32 %r0, %f0; cvt.u64.u32 %rd0, %r0;");
    check(&body, |a, b, c| u64::from(bits(expected(float(a), float(b), float(c)))));
}

/// An instruction on f64; what is not a number is compared as such only.
fn double(instruction: &str, expected: impl Fn(f64, f64, f64) -> f64) {
    let body =
        format!("{instruction} setp.nan.f64 %p1, %fd0, %fd0; selp.f64 %fd0, 0d0, %fd0, %p1; mov.b64 %rd0, %fd0;");
    let bits = |value: f64| if value.is_nan() { 0 } else { value.to_bits() };
    let body = body.replace("0d0,", "0d0000000000000000,");
    check(&body, |a, b, c| bits(expected(f64::from_bits(a), f64::from_bits(b), f64::from_bits(c))));
}

fn holds(test: &str, expected: impl Fn(u64, u64) -> bool) {
    check(&format!("{test} selp.b64 %rd0, 1, 0, %p1;"), |a, b, _| u64::from(expected(a, b)));
}
