//! Instructions, each against arithmetic that is written another way, on random bits and those at which things go wrong.

use super::{Grid, Module, decode, run};
use std::collections::HashMap;

const EDGES: [u64; 18] = [
    0, 1, 31, 32, 33, 1 << 31, 1 << 63, 0x7fff_ffff, 0x7fff_ffff_ffff_ffff, u64::MAX, 0x3f80_0000, 0x7f80_0000,
    0xff80_0000, 0x7fc0_0000, 0x0000_0001, 0x7ff0_0000_0000_0000, 0xfff8_0000_0000_0000, 0x41ef_ffff_fff0_0000,
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
            assert_eq!(found[i], expected, "{body} of {:#x}, {:#x}, {:#x}: {:#x}, expected {expected:#x}", a[i], b[i], c[i], found[i]);
        }
    }
}

/// An instruction on words.
fn word(instruction: &str, expected: impl Fn(u32, u32, u32) -> u32) {
    check(&format!("{instruction} cvt.u64.u32 %rd0, %r0;"), |a, b, c| u64::from(expected(a as u32, b as u32, c as u32)));
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
    let body = format!("{instruction} setp.nan.f64 %p1, %fd0, %fd0; selp.f64 %fd0, 0d0, %fd0, %p1; mov.b64 %rd0, %fd0;");
    let bits = |value: f64| if value.is_nan() { 0 } else { value.to_bits() };
    let body = body.replace("0d0,", "0d0000000000000000,");
    check(&body, |a, b, c| bits(expected(f64::from_bits(a), f64::from_bits(b), f64::from_bits(c))));
}

fn holds(test: &str, expected: impl Fn(u64, u64) -> bool) {
    check(&format!("{test} selp.b64 %rd0, 1, 0, %p1;"), |a, b, _| u64::from(expected(a, b)));
}

#[test]
fn integers_of_32_bits() {
    word("add.s32 %r0, %r1, %r2;", |a, b, _| (u64::from(a) + u64::from(b)) as u32);
    word("sub.s32 %r0, %r1, %r2;", |a, b, _| (i64::from(a) - i64::from(b)) as u32);
    word("sub.s32 %r0, 5, %r2;", |_, b, _| (5 - i64::from(b)) as u32);
    word("mul.lo.s32 %r0, %r1, %r2;", |a, b, _| (u64::from(a) * u64::from(b)) as u32);
    word("mul.hi.u32 %r0, %r1, %r2;", |a, b, _| (u128::from(a) * u128::from(b) / (1 << 32)) as u32);
    word("mul.hi.s32 %r0, %r1, %r2;", |a, b, _| (i128::from(a as i32) * i128::from(b as i32)).div_euclid(1 << 32) as u32);
    word("mad.lo.s32 %r0, %r1, %r2, %r3;", |a, b, c| (u128::from(a) * u128::from(b) + u128::from(c)) as u32);
    word("or.b32 %r4, %r2, 1; div.u32 %r0, %r1, %r4;", |a, b, _| (f64::from(a) / f64::from(b | 1)) as u32);
    word("or.b32 %r4, %r2, 1; rem.u32 %r0, %r1, %r4;", |a, b, _| a - (f64::from(a) / f64::from(b | 1)) as u32 * (b | 1));
    word("or.b32 %r4, %r2, 1; div.s32 %r0, %r1, %r4;", |a, b, _| {
        (f64::from(a as i32) / f64::from((b | 1) as i32)) as i64 as u32
    });
    word("min.s32 %r0, %r1, %r2;", |a, b, _| f64::from(a as i32).min(f64::from(b as i32)) as i32 as u32);
    word("max.u32 %r0, %r1, %r2;", |a, b, _| f64::from(a).max(f64::from(b)) as u32);
    word("neg.s32 %r0, %r1;", |a, _, _| (-i64::from(a)) as u32);
    word("abs.s32 %r0, %r1;", |a, _, _| i64::from(a as i32).unsigned_abs() as u32);
    word("add.u32 %r0, %r1, -3;", |a, _, _| (u64::from(a) + 0xffff_fffd) as u32);
}

#[test]
fn integers_of_16_bits() {
    let body = "cvt.u16.u32 %rs1, %r1; cvt.u16.u32 %rs2, %r2;";
    word(&format!("{body} add.s16 %rs0, %rs1, %rs2; cvt.u32.u16 %r0, %rs0;"), |a, b, _| (u64::from(a) + u64::from(b)) as u32 % 65_536);
    word(&format!("{body} mul.lo.s16 %rs0, %rs1, %rs2; cvt.s32.s16 %r0, %rs0;"), |a, b, _| {
        i32::from((u64::from(a as u16) * u64::from(b as u16)) as i16) as u32
    });
    word(&format!("{body} shr.s16 %rs0, %rs1, 3; cvt.u32.u16 %r0, %rs0;"), |a, _, _| u32::from((i32::from(a as i16) / 8 - i32::from((a as i16) < 0 && a % 8 != 0)) as u16));
    word(&format!("{body} mul.wide.u16 %r0, %rs1, %rs2;"), |a, b, _| u32::from(a as u16) * u32::from(b as u16));
    word(&format!("{body} mov.b32 %r0, {{%rs2, %rs1}};"), |a, b, _| a % 65_536 * 65_536 + b % 65_536);
    word("cvt.s8.s32 %rs1, %r1; cvt.s32.s8 %r0, %rs1;", |a, _, _| i32::from(a as i8) as u32);
    holds(&format!("{body} setp.lt.s16 %p1, %rs1, %rs2;"), |a, b| (a as i16) < b as i16);
    holds(&format!("{body} setp.hi.u16 %p1, %rs1, %rs2;"), |a, b| a as u16 > b as u16);
}

#[test]
fn bits() {
    word("and.b32 %r0, %r1, %r2;", |a, b, _| !(!a | !b));
    word("or.b32 %r0, %r1, %r2;", |a, b, _| !(!a & !b));
    word("xor.b32 %r0, %r1, %r2;", |a, b, _| (a | b) - (a & b));
    word("not.b32 %r0, %r1;", |a, _, _| u32::MAX - a);
    word("shl.b32 %r0, %r1, %r2;", |a, b, _| if b > 31 { 0 } else { (u64::from(a) * (1 << b)) as u32 });
    word("shr.u32 %r0, %r1, %r2;", |a, b, _| if b > 31 { 0 } else { a / (1 << b) });
    word("shr.s32 %r0, %r1, %r2;", |a, b, _| i64::from(a as i32).div_euclid(1 << b.min(31)) as u32);
    word("shf.l.wrap.b32 %r0, %r1, %r2, %r3;", |a, b, c| {
        ((u128::from(b) << 32 | u128::from(a)) * (1 << (c % 32)) / (1 << 32)) as u32
    });
    word("shf.r.clamp.b32 %r0, %r1, %r2, %r3;", |a, b, c| ((u128::from(b) << 32 | u128::from(a)) / (1 << c.min(32))) as u32);
    word("shf.l.wrap.b32 %r0, %r1, %r1, 7;", |a, _, _| a.rotate_left(7));
    word("prmt.b32 %r0, %r1, %r2, 0x3654;", |a, b, _| {
        let (a, b) = (a.to_le_bytes(), b.to_le_bytes());
        u32::from_le_bytes([b[0], b[1], b[2], a[3]])
    });
    word("prmt.b32 %r0, %r1, %r2, 0x8000;", |a, _, _| {
        let sign = if a & 0x80 != 0 { 0xff } else { 0 };
        u32::from_le_bytes([a as u8, a as u8, a as u8, sign])
    });
    word("popc.b32 %r0, %r1;", |a, _, _| format!("{a:b}").matches('1').count() as u32);
    word("clz.b32 %r0, %r1;", |a, _, _| 32 - if a == 0 { 0 } else { format!("{a:b}").len() as u32 });
    word("brev.b32 %r0, %r1;", |a, _, _| u32::from_str_radix(&format!("{a:032b}").chars().rev().collect::<String>(), 2).unwrap());
    word("bfe.u32 %r0, %r1, 5, 9;", |a, _, _| a / 32 % 512);
    word("bfi.b32 %r0, %r1, %r2, 5, 9;", |a, b, _| b - b / 32 % 512 * 32 + a % 512 * 32);
    check("shl.b64 %rd0, %rd1, %r2;", |a, b, _| if b as u32 > 63 { 0 } else { (u128::from(a) * (1 << (b as u32))) as u64 });
    check("shr.s64 %rd0, %rd1, %r2;", |a, b, _| i128::from(a as i64).div_euclid(1 << (b as u32).min(63)) as u64);
    check("shr.u64 %rd0, %rd1, %r2;", |a, b, _| if b as u32 > 63 { 0 } else { a / (1 << (b as u32)) });
    check("mov.b64 {%r4, %r5}, %rd1; mov.b64 %rd0, {%r5, %r4};", |a, _, _| a.rotate_left(32));
}

#[test]
fn integers_of_64_bits() {
    check("add.s64 %rd0, %rd1, %rd2;", |a, b, _| (u128::from(a) + u128::from(b)) as u64);
    check("sub.s64 %rd0, %rd1, %rd2;", |a, b, _| (i128::from(a) - i128::from(b)) as u64);
    check("mul.lo.s64 %rd0, %rd1, %rd2;", |a, b, _| (u128::from(a) * u128::from(b)) as u64);
    check("mul.hi.u64 %rd0, %rd1, %rd2;", |a, b, _| {
        let (ah, al, bh, bl) = (a >> 32, a & 0xffff_ffff, b >> 32, b & 0xffff_ffff);
        let middle = u128::from(ah * bl) + u128::from(al * bh) + u128::from(al * bl >> 32);
        ((u128::from(ah * bh)) + (middle >> 32)) as u64
    });
    check("mul.wide.u32 %rd0, %r1, %r2;", |a, b, _| (a & 0xffff_ffff) * (b & 0xffff_ffff));
    check("mul.wide.s32 %rd0, %r1, %r2;", |a, b, _| (i128::from(a as i32) * i128::from(b as i32)) as u64);
    check("mad.wide.u32 %rd0, %r1, %r2, %rd3;", |a, b, c| {
        (u128::from(a & 0xffff_ffff) * u128::from(b & 0xffff_ffff) + u128::from(c)) as u64
    });
    check("mad.lo.s64 %rd0, %rd1, %rd2, %rd3;", |a, b, c| a.wrapping_mul(b).wrapping_add(c));
    check("or.b64 %rd4, %rd2, 1; div.u64 %rd5, %rd1, %rd4; rem.u64 %rd6, %rd1, %rd4; mad.lo.s64 %rd0, %rd5, %rd4, %rd6;", |a, _, _| a);
    check("or.b64 %rd4, %rd2, 1; rem.u64 %rd0, %rd1, %rd4;", |a, b, _| (u128::from(a) % u128::from(b | 1)) as u64);
    check("min.u64 %rd0, %rd1, %rd2;", |a, b, _| if a < b { a } else { b });
    check("max.s64 %rd0, %rd1, %rd2;", |a, b, _| if (a as i64) < b as i64 { b } else { a });
    check("xor.b64 %rd4, %rd1, %rd2; not.b64 %rd0, %rd4;", |a, b, _| (a & b) | !(a | b));
}

#[test]
fn floats() {
    single("add.rn.f32 %f0, %f1, %f2;", |a, b, _| (f64::from(a) + f64::from(b)) as f32); // twice rounded is once: 53 ≥ 2·24 + 2
    single("sub.rn.f32 %f0, %f1, %f2;", |a, b, _| (f64::from(a) - f64::from(b)) as f32);
    single("mul.rn.f32 %f0, %f1, %f2;", |a, b, _| (f64::from(a) * f64::from(b)) as f32);
    single("mul.rn.f32 %f0, %f1, 0f40400000;", |a, _, _| (f64::from(a) * 3.0) as f32);
    single("div.rn.f32 %f0, %f1, %f2;", |a, b, _| (f64::from(a) / f64::from(b)) as f32);
    single("sqrt.rn.f32 %f0, %f1;", |a, _, _| f64::from(a).sqrt() as f32);
    single("rcp.rn.f32 %f0, %f1;", |a, _, _| (1.0 / f64::from(a)) as f32);
    single("fma.rn.f32 %f0, %f1, %f2, %f3;", f32::mul_add);
    single("abs.f32 %f4, %f1; add.rn.f32 %f0, %f4, 0f00000000;", |a, _, _| a.abs());
    single("neg.f32 %f4, %f1; mul.rn.f32 %f0, %f4, 0f3F800000;", |a, _, _| a * -1.0);
    single("min.f32 %f0, %f1, %f2;", |a, b, _| match (a.is_nan(), b.is_nan()) {
        (true, _) => b,
        (_, true) => a,
        _ if a == b => if a.is_sign_negative() { a } else { b },
        _ => if a - b < 0.0 { a } else { b },
    });
    double("add.rn.f64 %fd0, %fd1, %fd2;", |a, b, _| a + b);
    double("sub.rn.f64 %fd0, %fd1, %fd2;", |a, b, _| a + -b);
    double("mul.rn.f64 %fd0, %fd1, %fd2;", |a, b, _| a * b);
    double("div.rn.f64 %fd0, %fd1, %fd2;", |a, b, _| a / b);
    double("fma.rn.f64 %fd0, %fd1, %fd2, %fd3;", f64::mul_add);
    double("sqrt.rn.f64 %fd0, %fd1;", |a, _, _| a.sqrt());
    double("max.f64 %fd0, %fd1, %fd2;", |a, b, _| if a > b || b.is_nan() || a == b && a.is_sign_positive() { a } else { b });
}

/// A product whose rounding, and then a sum's, differ from the rounding of both at once.
#[test]
fn fused_multiply_add_rounds_once() {
    let a = f32::from_bits(0x3f80_0001); // 1 + 2^-23
    let bits = u64::from(a.to_bits());
    let operands = [vec![bits; 96], vec![bits; 96], vec![u64::from((-1f32).to_bits()); 96]];
    let store = "mov.b32 %r0, %f0; cvt.u64.u32 %rd0, %r0;";
    let found = compute(&format!("fma.rn.f32 %f0, %f1, %f2, %f3; {store}"), &operands);
    let exact = 2f64.powi(-22) + 2f64.powi(-46);
    assert_eq!(f32::from_bits(found[0] as u32), exact as f32);
    let found = compute(&format!("mul.rn.f32 %f4, %f1, %f2; add.rn.f32 %f0, %f4, %f3; {store}"), &operands);
    assert_eq!(f32::from_bits(found[0] as u32), 2f32.powi(-22));
}

#[test]
fn comparisons() {
    let f = |bits: u64| f32::from_bits(bits as u32);
    holds("setp.lt.s32 %p1, %r1, %r2;", |a, b| (a as i32) < b as i32);
    holds("setp.ge.u32 %p1, %r1, %r2;", |a, b| a as u32 >= b as u32);
    holds("setp.eq.s64 %p1, %rd1, %rd2;", |a, b| a == b);
    holds("setp.gt.s64 %p1, %rd1, %rd2;", |a, b| a as i64 > b as i64);
    holds("setp.lt.f32 %p1, %f1, %f2;", |a, b| f(a) < f(b));
    holds("setp.geu.f32 %p1, %f1, %f2;", |a, b| f(a).is_nan() || f(b).is_nan() || f(a) >= f(b));
    holds("setp.neu.f32 %p1, %f1, %f2;", |a, b| f(a) != f(b));
    holds("setp.ne.f32 %p1, %f1, %f2;", |a, b| !f(a).is_nan() && !f(b).is_nan() && f(a) != f(b));
    holds("setp.nan.f32 %p1, %f1, %f2;", |a, b| f(a).is_nan() || f(b).is_nan());
    holds("setp.leu.f64 %p1, %fd1, %fd2;", |a, b| f64::from_bits(a).partial_cmp(&f64::from_bits(b)).is_none_or(|o| o.is_le()));
    holds("setp.eq.s32 %p2, %r1, %r2; setp.lt.or.u32 %p1, %r1, 7, %p2;", |a, b| a as u32 == b as u32 || (a as u32) < 7);
    holds("setp.eq.s32 %p2, %r1, %r2; setp.lt.and.u32 %p1, %r1, %r2, !%p2;", |a, b| (a as u32) < b as u32);
    holds("setp.lt.u32 %p2, %r1, %r2; setp.lt.u32 %p3, %r1, 9; xor.pred %p4, %p2, %p3; not.pred %p1, %p4;", |a, b| {
        ((a as u32) < b as u32) == ((a as u32) < 9)
    });
}

#[test]
fn conversions() {
    let f = |bits: u64| f32::from_bits(bits as u32);
    let d = f64::from_bits;
    word("cvt.rn.f32.s32 %f4, %r1; mov.b32 %r0, %f4;", |a, _, _| (f64::from(a as i32) as f32).to_bits());
    word("cvt.rn.f32.u32 %f4, %r1; mov.b32 %r0, %f4;", |a, _, _| (f64::from(a) as f32).to_bits());
    check("cvt.rn.f64.u32 %fd4, %r1; mov.b64 %rd0, %fd4;", |a, _, _| (a as u32 as f64).to_bits());
    check("cvt.rn.f64.s64 %fd4, %rd1; mov.b64 %rd0, %fd4;", |a, _, _| (a as i64 as f64).to_bits());
    check("cvt.rn.f32.u64 %f4, %rd1; mov.b32 %r0, %f4; cvt.u64.u32 %rd0, %r0;", |a, _, _| u64::from((a as f32).to_bits()));
    check("cvt.rzi.s32.f32 %r0, %f1; cvt.s64.s32 %rd0, %r0;", |a, _, _| f(a) as i32 as u64);
    check("cvt.rzi.u32.f64 %r0, %fd1; cvt.u64.u32 %rd0, %r0;", |a, _, _| u64::from(d(a) as u32));
    check("cvt.rni.s64.f64 %rd0, %fd1;", |a, _, _| d(a).round_ties_even() as i64 as u64);
    check("cvt.rmi.s32.f32 %r0, %f1; cvt.s64.s32 %rd0, %r0;", |a, _, _| f(a).floor() as i32 as u64);
    check("cvt.rpi.u64.f32 %rd0, %f1;", |a, _, _| f(a).ceil() as u64);
    check("cvt.u64.u16 %rd0, %rs1;", |_, _, _| 0xffff); // never written
    single("cvt.rni.f32.f32 %f0, %f1;", |a, _, _| a.round_ties_even());
    single("cvt.rmi.f32.f32 %f0, %f1;", |a, _, _| a.floor());
    check("cvt.rn.f32.f64 %f0, %fd1; setp.nan.f32 %p1, %f0, %f0; mov.b32 %r0, %f0; selp.b32 %r0, 0, %r0, %p1; cvt.u64.u32 %rd0, %r0;", |a, _, _| {
        if d(a).is_nan() { 0 } else { u64::from((d(a) as f32).to_bits()) }
    });
    check("cvt.f64.f32 %fd0, %f1; setp.nan.f64 %p1, %fd0, %fd0; mov.b64 %rd0, %fd0; selp.b64 %rd0, 0, %rd0, %p1;", |a, _, _| {
        if f(a).is_nan() { 0 } else { f64::from(f(a)).to_bits() }
    });
}

#[test]
fn lanes_part_and_meet() {
    // steps of Collatz until 1, of tid + 1: every lane another number of turns
    let body = "add.s32 %r4, %r10, 1; mov.u32 %r5, 0;
        $again: setp.eq.s32 %p1, %r4, 1; @%p1 bra $done;
        and.b32 %r6, %r4, 1; setp.eq.s32 %p2, %r6, 0; @%p2 bra $even;
        mad.lo.s32 %r4, %r4, 3, 1; bra.uni $next;
        $even: shr.u32 %r4, %r4, 1;
        $next: add.s32 %r5, %r5, 1; bra.uni $again;
        $done: bar.sync 0; vote.sync.ballot.b32 %r7, %p1, -1; and.b32 %r8, %r7, 0xFF; shl.b32 %r8, %r8, 16;
        add.s32 %r5, %r5, %r8; cvt.u64.u32 %rd0, %r5;";
    let found = compute(body, &[vec![0; 96], vec![0; 96], vec![0; 96]]);
    for (thread, found) in found.into_iter().enumerate() {
        let (mut at, mut steps) = (thread as u64 + 1, 0);
        while at != 1 {
            at = if at % 2 == 0 { at / 2 } else { 3 * at + 1 };
            steps += 1;
        }
        assert_eq!(found, steps + (0xff << 16), "thread {thread}");
    }
}

#[test]
fn shuffles() {
    let lanes: Vec<u64> = (0..96).map(|i| i * i + 1).collect();
    let shuffle = |mode: &str, by: u32, limits: u32| {
        let body = format!(
            "shfl.sync.{mode}.b32 %r0|%p1, %r1, {by}, {limits}, -1; cvt.u64.u32 %rd0, %r0; @!%p1 add.s64 %rd0, %rd0, 1000000;"
        );
        compute(&body, &[lanes.clone(), lanes.clone(), lanes.clone()])
    };
    let own = |i: u64| i * i + 1;
    for (i, found) in (0..96).zip(shuffle("bfly", 5, 31)) {
        assert_eq!(found, own(i ^ 5));
    }
    for (i, found) in (0..96).zip(shuffle("down", 8, 31)) {
        assert_eq!(found, if i % 32 < 24 { own(i + 8) } else { own(i) + 1_000_000 });
    }
    for (i, found) in (0..96).zip(shuffle("up", 8, 0)) {
        assert_eq!(found, if i % 32 >= 8 { own(i - 8) } else { own(i) + 1_000_000 });
    }
    for (i, found) in (0..96).zip(shuffle("idx", 3, 0x181f)) {
        assert_eq!(found, own(i / 8 * 8 + 3)); // in segments of 8 lanes
    }
}

#[test]
fn what_is_not_understood_is_named() {
    for (line, name) in [
        ("ex2.approx.f32 %f0, %f1;", "ex2.approx.f32"),
        ("fma.rn.ftz.f32 %f0, %f1, %f2, %f3;", "fma.rn.ftz.f32"),
        ("add.s32 %r0, %r99, %r1;", "%r99"),
        ("add.s32 %r0, %rd1, %r1;", "%rd1"),
        ("bra $nowhere;", "$nowhere"),
        ("ld.param.u32 %r0, [missing];", "missing"),
        ("add.s32 %r0, %r1;", "operands"),
    ] {
        let text = format!(".visible .entry k(\n)\n{{ .reg .b32 %r<9>; .reg .b64 %rd<9>; .reg .f32 %f<9>; {line} ret; }}");
        let module = Module::parse(&text).unwrap();
        let error = decode(&module.kernels[0], &HashMap::new(), &[]).err().unwrap_or_else(|| panic!("{line}"));
        assert!(error.contains(name) && error.contains('k'), "{error}");
    }
    assert!(Module::parse(".visible .func f() { ret; }").is_err());
}
