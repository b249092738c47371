//! Integers and bits.

use super::{check, holds, word};

#[test]
fn integers_of_32_bits() {
    word("add.s32 %r0, %r1, %r2;", |a, b, _| (u64::from(a) + u64::from(b)) as u32);
    word("sub.s32 %r0, %r1, %r2;", |a, b, _| (i64::from(a) - i64::from(b)) as u32);
    word("sub.s32 %r0, 5, %r2;", |_, b, _| (5 - i64::from(b)) as u32);
    word("mul.lo.s32 %r0, %r1, %r2;", |a, b, _| (u64::from(a) * u64::from(b)) as u32);
    word("mul.hi.u32 %r0, %r1, %r2;", |a, b, _| (u128::from(a) * u128::from(b) / (1 << 32)) as u32);
    word("mul.hi.s32 %r0, %r1, %r2;", |a, b, _| {
        (i128::from(a as i32) * i128::from(b as i32)).div_euclid(1 << 32) as u32
    });
    word("mad.lo.s32 %r0, %r1, %r2, %r3;", |a, b, c| (u128::from(a) * u128::from(b) + u128::from(c)) as u32);
    word("or.b32 %r4, %r2, 1; div.u32 %r0, %r1, %r4;", |a, b, _| (f64::from(a) / f64::from(b | 1)) as u32);
    word("or.b32 %r4, %r2, 1; rem.u32 %r0, %r1, %r4;", |a, b, _| {
        a - (f64::from(a) / f64::from(b | 1)) as u32 * (b | 1)
    });
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
    word(&format!("{body} add.s16 %rs0, %rs1, %rs2; cvt.u32.u16 %r0, %rs0;"), |a, b, _| {
        (u64::from(a) + u64::from(b)) as u32 % 65_536
    });
    word(&format!("{body} mul.lo.s16 %rs0, %rs1, %rs2; cvt.s32.s16 %r0, %rs0;"), |a, b, _| {
        i32::from((u64::from(a as u16) * u64::from(b as u16)) as i16) as u32
    });
    word(&format!("{body} shr.s16 %rs0, %rs1, 3; cvt.u32.u16 %r0, %rs0;"), |a, _, _| {
        u32::from((i32::from(a as i16) / 8 - i32::from((a as i16) < 0 && a % 8 != 0)) as u16)
    });
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
    word("shf.r.clamp.b32 %r0, %r1, %r2, %r3;", |a, b, c| {
        ((u128::from(b) << 32 | u128::from(a)) / (1 << c.min(32))) as u32
    });
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
    word("brev.b32 %r0, %r1;", |a, _, _| {
        u32::from_str_radix(&format!("{a:032b}").chars().rev().collect::<String>(), 2).unwrap()
    });
    word("bfe.u32 %r0, %r1, 5, 9;", |a, _, _| a / 32 % 512);
    word("bfi.b32 %r0, %r1, %r2, 5, 9;", |a, b, _| b - b / 32 % 512 * 32 + a % 512 * 32);
    check(
        "shl.b64 %rd0, %rd1, %r2;",
        |a, b, _| if b as u32 > 63 { 0 } else { (u128::from(a) * (1 << (b as u32))) as u64 },
    );
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
        let middle = u128::from(ah * bl) + u128::from(al * bh) + u128::from((al * bl) >> 32);
        ((u128::from(ah * bh)) + (middle >> 32)) as u64
    });
    check("mul.wide.u32 %rd0, %r1, %r2;", |a, b, _| (a & 0xffff_ffff) * (b & 0xffff_ffff));
    check("mul.wide.s32 %rd0, %r1, %r2;", |a, b, _| (i128::from(a as i32) * i128::from(b as i32)) as u64);
    check("mad.wide.u32 %rd0, %r1, %r2, %rd3;", |a, b, c| {
        (u128::from(a & 0xffff_ffff) * u128::from(b & 0xffff_ffff) + u128::from(c)) as u64
    });
    check("mad.lo.s64 %rd0, %rd1, %rd2, %rd3;", |a, b, c| a.wrapping_mul(b).wrapping_add(c));
    check(
        "or.b64 %rd4, %rd2, 1; div.u64 %rd5, %rd1, %rd4; rem.u64 %rd6, %rd1, %rd4; mad.lo.s64 %rd0, %rd5, %rd4, %rd6;",
        |a, _, _| a,
    );
    check("or.b64 %rd4, %rd2, 1; rem.u64 %rd0, %rd1, %rd4;", |a, b, _| (u128::from(a) % u128::from(b | 1)) as u64);
    check("min.u64 %rd0, %rd1, %rd2;", |a, b, _| if a < b { a } else { b });
    check("max.s64 %rd0, %rd1, %rd2;", |a, b, _| if (a as i64) < b as i64 { b } else { a });
    check("xor.b64 %rd4, %rd1, %rd2; not.b64 %rd0, %rd4;", |a, b, _| (a & b) | !(a | b));
}
