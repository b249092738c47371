//! Floats, comparisons and conversions.

use super::{check, compute, double, holds, single, word};

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
    single("neg.f32 %f4, %f1; mul.rn.f32 %f0, %f4, 0f3F800000;", |a, _, _| -a);
    single("min.f32 %f0, %f1, %f2;", |a, b, _| match (a.is_nan(), b.is_nan()) {
        (true, _) => b,
        (_, true) => a,
        _ if a == b => {
            if a.is_sign_negative() {
                a
            } else {
                b
            }
        }
        _ => {
            if a - b < 0.0 {
                a
            } else {
                b
            }
        }
    });
    double("add.rn.f64 %fd0, %fd1, %fd2;", |a, b, _| a + b);
    double("sub.rn.f64 %fd0, %fd1, %fd2;", |a, b, _| a + -b);
    double("mul.rn.f64 %fd0, %fd1, %fd2;", |a, b, _| a * b);
    double("div.rn.f64 %fd0, %fd1, %fd2;", |a, b, _| a / b);
    double("fma.rn.f64 %fd0, %fd1, %fd2, %fd3;", f64::mul_add);
    double("sqrt.rn.f64 %fd0, %fd1;", |a, _, _| a.sqrt());
    double(
        "max.f64 %fd0, %fd1, %fd2;",
        |a, b, _| if a > b || b.is_nan() || a == b && a.is_sign_positive() { a } else { b },
    );
}

/// A product whose rounding, and then a sum's, differ from the rounding of both at once.
#[test]
fn fused_multiply_add_rounds_once() {
    let a = 1.0 + 2f32.powi(-12);
    let bits = u64::from(a.to_bits());
    let operands = [vec![bits; 96], vec![bits; 96], vec![u64::from((-1f32).to_bits()); 96]];
    let store = "mov.b32 %r0, %f0; cvt.u64.u32 %rd0, %r0;";
    let found = compute(&format!("fma.rn.f32 %f0, %f1, %f2, %f3; {store}"), &operands);
    let exact = 2f64.powi(-11) + 2f64.powi(-24);
    assert_eq!(f32::from_bits(found[0] as u32), exact as f32);
    let found = compute(&format!("mul.rn.f32 %f4, %f1, %f2; add.rn.f32 %f0, %f4, %f3; {store}"), &operands);
    assert_eq!(f32::from_bits(found[0] as u32), 2f32.powi(-11));
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
    holds("setp.leu.f64 %p1, %fd1, %fd2;", |a, b| {
        f64::from_bits(a).partial_cmp(&f64::from_bits(b)).is_none_or(|o| o.is_le())
    });
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
    check("cvt.rn.f32.u64 %f4, %rd1; mov.b32 %r0, %f4; cvt.u64.u32 %rd0, %r0;", |a, _, _| {
        u64::from((a as f32).to_bits())
    });
    check("cvt.rzi.s32.f32 %r0, %f1; cvt.s64.s32 %rd0, %r0;", |a, _, _| f(a) as i32 as u64);
    check("cvt.rzi.u32.f64 %r0, %fd1; cvt.u64.u32 %rd0, %r0;", |a, _, _| u64::from(d(a) as u32));
    check("cvt.rni.s64.f64 %rd0, %fd1;", |a, _, _| d(a).round_ties_even() as i64 as u64);
    check("cvt.rmi.s32.f32 %r0, %f1; cvt.s64.s32 %rd0, %r0;", |a, _, _| f(a).floor() as i32 as u64);
    check("cvt.rpi.u64.f32 %rd0, %f1;", |a, _, _| f(a).ceil() as u64);
    check("cvt.u64.u16 %rd0, %rs1;", |_, _, _| 0xffff); // never written
    single("cvt.rni.f32.f32 %f0, %f1;", |a, _, _| a.round_ties_even());
    single("cvt.rmi.f32.f32 %f0, %f1;", |a, _, _| a.floor());
    check(
        "cvt.rn.f32.f64 %f0, %fd1; setp.nan.f32 %p1, %f0, %f0; mov.b32 %r0, %f0; selp.b32 %r0, 0, %r0, %p1; cvt.u64.u32 %rd0, %r0;",
        |a, _, _| {
            if d(a).is_nan() { 0 } else { u64::from((d(a) as f32).to_bits()) }
        },
    );
    check(
        "cvt.f64.f32 %fd0, %f1; setp.nan.f64 %p1, %fd0, %fd0; mov.b64 %rd0, %fd0; selp.b64 %rd0, 0, %rd0, %p1;",
        |a, _, _| {
            if f(a).is_nan() { 0 } else { f64::from(f(a)).to_bits() }
        },
    );
}
