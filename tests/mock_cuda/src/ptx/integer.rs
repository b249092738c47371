//! Operations on integers and bits.

use super::instruction::Insert;
use super::rows::{Operation, lanes, lanes2, lanes3, op};

/// The lower 16 bits with their sign.
fn s16(a: u32) -> i32 {
    i32::from(a as u16 as i16)
}

fn h(a: u32) -> u32 {
    a & 0xffff
}

fn prmt(a: u32, b: u32, selector: u32) -> u32 {
    let bytes = u64::from(b) << 32 | u64::from(a);
    (0..4).fold(0, |result, at| {
        let control = selector >> (4 * at) & 15;
        let byte = (bytes >> (8 * (control & 7))) as u8;
        let byte = if control & 8 != 0 { ((byte as i8) >> 7) as u8 } else { byte };
        result | u32::from(byte) << (8 * at)
    })
}

fn bfe(a: u32, start: u32, len: u32, signed: bool) -> u32 {
    let (start, len) = (start & 255, len & 255);
    let sign = if signed && len > 0 { a >> (start + len - 1).min(31) & 1 } else { 0 };
    let field = if start > 31 { 0 } else { a >> start };
    let kept = if len == 0 { 0 } else { 32 - start.min(32) }.min(len);
    let low = if kept >= 32 { u32::MAX } else { (1 << kept) - 1 };
    let fill = if len == 0 { 0 } else { (u32::MAX * sign) & !low };
    field & low | fill
}

fn bfi(a: u32, b: u32, start: u32, len: u32) -> u32 {
    let (start, len) = (start & 255, len & 255);
    let ones = if len > 31 { u32::MAX } else { (1 << len) - 1 };
    let field = if start > 31 { 0 } else { ones << start };
    let shifted = if start > 31 { 0 } else { a << start };
    b & !field | shifted & field
}

fn funnel(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// Operations on 16 and 32 bits.
pub fn narrow(mnemonic: &str) -> Option<Operation> {
    Some(match mnemonic {
        "mov.u32" | "mov.b32" | "mov.s32" | "mov.f32" | "mov.u16" | "mov.b16" | "mov.s16" => op!(W, |a| a),
        "add.s32" | "add.u32" => op!(WW, |a, b| a.wrapping_add(b)),
        "sub.s32" | "sub.u32" => op!(WW, |a, b| a.wrapping_sub(b)),
        "mul.lo.s32" | "mul.lo.u32" => op!(WW, |a, b| a.wrapping_mul(b)),
        "mul.hi.u32" => op!(WW, |a, b| ((u64::from(a) * u64::from(b)) >> 32) as u32),
        "mul.hi.s32" => op!(WW, |a, b| ((i64::from(a as i32) * i64::from(b as i32)) >> 32) as u32),
        "mul.wide.u16" => op!(WW, |a, b| h(a).wrapping_mul(h(b))),
        "mul.wide.s16" => op!(WW, |a, b| (s16(a) * s16(b)) as u32),
        "mad.lo.s32" | "mad.lo.u32" => op!(WWW, |a, b, c| a.wrapping_mul(b).wrapping_add(c)),
        "mad.hi.u32" => op!(WWW, |a, b, c| (((u64::from(a) * u64::from(b)) >> 32) as u32).wrapping_add(c)),
        "div.u32" => op!(WW, |a, b| a.checked_div(b).unwrap_or(u32::MAX)),
        "div.s32" => op!(WW, |a, b| if b == 0 { u32::MAX } else { (a as i32).wrapping_div(b as i32) as u32 }),
        "rem.u32" => op!(WW, |a, b| a.checked_rem(b).unwrap_or(a)),
        "rem.s32" => op!(WW, |a, b| if b == 0 { a } else { (a as i32).wrapping_rem(b as i32) as u32 }),
        "neg.s32" => op!(W, |a| a.wrapping_neg()),
        "abs.s32" => op!(W, |a| (a as i32).wrapping_abs() as u32),
        "min.u32" => op!(WW, |a, b| a.min(b)),
        "max.u32" => op!(WW, |a, b| a.max(b)),
        "min.s32" => op!(WW, |a, b| (a as i32).min(b as i32) as u32),
        "max.s32" => op!(WW, |a, b| (a as i32).max(b as i32) as u32),
        "and.b32" | "and.b16" => op!(WW, |a, b| a & b),
        "or.b32" | "or.b16" => op!(WW, |a, b| a | b),
        "xor.b32" | "xor.b16" => op!(WW, |a, b| a ^ b),
        "not.b32" => op!(W, |a| !a),
        "not.b16" => op!(W, |a| h(!a)),
        "cnot.b32" => op!(W, |a| u32::from(a == 0)),
        "shl.b32" => op!(WW, |a, b| a.checked_shl(b).unwrap_or(0)),
        "shr.u32" | "shr.b32" => op!(WW, |a, b| a.checked_shr(b).unwrap_or(0)),
        "shr.s32" => op!(WW, |a, b| ((a as i32) >> b.min(31)) as u32),
        "shl.b16" => op!(WW, |a, b| h(a.checked_shl(b).unwrap_or(0))),
        "shr.u16" | "shr.b16" => op!(WW, |a, b| h(a).checked_shr(b).unwrap_or(0)),
        "shr.s16" => op!(WW, |a, b| h((s16(a) >> b.min(31)) as u32)),
        "shf.l.wrap.b32" => op!(WWW, |a, b, c| (funnel(a, b) << (c & 31) >> 32) as u32),
        "shf.r.wrap.b32" => op!(WWW, |a, b, c| (funnel(a, b) >> (c & 31)) as u32),
        "shf.l.clamp.b32" => op!(WWW, |a, b, c| (funnel(a, b) << c.min(32) >> 32) as u32),
        "shf.r.clamp.b32" => op!(WWW, |a, b, c| (funnel(a, b) >> c.min(32)) as u32),
        "prmt.b32" => op!(WWW, |a, b, c| prmt(a, b, c)),
        "popc.b32" => op!(W, |a| a.count_ones()),
        "clz.b32" => op!(W, |a| a.leading_zeros()),
        "brev.b32" => op!(W, |a| a.reverse_bits()),
        "bfe.u32" => op!(WWW, |a, b, c| bfe(a, b, c, false)),
        "bfe.s32" => op!(WWW, |a, b, c| bfe(a, b, c, true)),
        "add.s16" | "add.u16" => op!(WW, |a, b| h(a.wrapping_add(b))),
        "sub.s16" | "sub.u16" => op!(WW, |a, b| h(a.wrapping_sub(b))),
        "mul.lo.s16" | "mul.lo.u16" => op!(WW, |a, b| h(a.wrapping_mul(b))),
        "min.u16" => op!(WW, |a, b| h(a).min(h(b))),
        "max.u16" => op!(WW, |a, b| h(a).max(h(b))),
        "min.s16" => op!(WW, |a, b| h(s16(a).min(s16(b)) as u32)),
        "max.s16" => op!(WW, |a, b| h(s16(a).max(s16(b)) as u32)),
        "selp.b32" | "selp.u32" | "selp.s32" | "selp.f32" | "selp.b16" | "selp.u16" | "selp.s16" => Operation::ChooseW,
        _ => return None,
    })
}

/// Insertion of bits has four operands: a, b, and where.
pub fn insert(mnemonic: &str) -> Option<Insert> {
    (mnemonic == "bfi.b32").then_some(bfi)
}

/// Operations on 64 bits, and between 32 and 64.
pub fn wide(mnemonic: &str) -> Option<Operation> {
    Some(match mnemonic {
        "mov.u64" | "mov.b64" | "mov.s64" | "mov.f64" => op!(L, |a| a),
        "add.s64" | "add.u64" => op!(LL, |a, b| a.wrapping_add(b)),
        "sub.s64" | "sub.u64" => op!(LL, |a, b| a.wrapping_sub(b)),
        "mul.lo.s64" | "mul.lo.u64" => op!(LL, |a, b| a.wrapping_mul(b)),
        "mul.hi.u64" => op!(LL, |a, b| ((u128::from(a) * u128::from(b)) >> 64) as u64),
        "mul.hi.s64" => op!(LL, |a, b| ((i128::from(a as i64) * i128::from(b as i64)) >> 64) as u64),
        "mad.lo.s64" | "mad.lo.u64" => op!(LLL, |a, b, c| a.wrapping_mul(b).wrapping_add(c)),
        "mul.wide.u32" => op!(WideWW, |a, b| u64::from(a) * u64::from(b)),
        "mul.wide.s32" => op!(WideWW, |a, b| (i64::from(a as i32) * i64::from(b as i32)) as u64),
        "mad.wide.u32" => op!(WideWWL, |a, b, c| (u64::from(a) * u64::from(b)).wrapping_add(c)),
        "mad.wide.s32" => {
            op!(WideWWL, |a, b, c| ((i64::from(a as i32) * i64::from(b as i32)) as u64).wrapping_add(c))
        }
        "div.u64" => op!(LL, |a, b| a.checked_div(b).unwrap_or(u64::MAX)),
        "div.s64" => op!(LL, |a, b| if b == 0 { u64::MAX } else { (a as i64).wrapping_div(b as i64) as u64 }),
        "rem.u64" => op!(LL, |a, b| a.checked_rem(b).unwrap_or(a)),
        "rem.s64" => op!(LL, |a, b| if b == 0 { a } else { (a as i64).wrapping_rem(b as i64) as u64 }),
        "neg.s64" => op!(L, |a| a.wrapping_neg()),
        "abs.s64" => op!(L, |a| (a as i64).wrapping_abs() as u64),
        "min.u64" => op!(LL, |a, b| a.min(b)),
        "max.u64" => op!(LL, |a, b| a.max(b)),
        "min.s64" => op!(LL, |a, b| (a as i64).min(b as i64) as u64),
        "max.s64" => op!(LL, |a, b| (a as i64).max(b as i64) as u64),
        "and.b64" => op!(LL, |a, b| a & b),
        "or.b64" => op!(LL, |a, b| a | b),
        "xor.b64" => op!(LL, |a, b| a ^ b),
        "not.b64" => op!(L, |a| !a),
        "shl.b64" => op!(LW, |a, b| a.checked_shl(b).unwrap_or(0)),
        "shr.u64" | "shr.b64" => op!(LW, |a, b| a.checked_shr(b).unwrap_or(0)),
        "shr.s64" => op!(LW, |a, b| ((a as i64) >> b.min(63)) as u64),
        "popc.b64" => op!(NarrowL, |a| a.count_ones()),
        "clz.b64" => op!(NarrowL, |a| a.leading_zeros()),
        "brev.b64" => op!(L, |a| a.reverse_bits()),
        "selp.b64" | "selp.u64" | "selp.s64" | "selp.f64" => Operation::ChooseL,
        _ => return None,
    })
}
