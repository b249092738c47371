//! Lanes, and what is not understood.

use super::super::{Module, decode};
use super::compute;
use std::collections::HashMap;

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
        let text =
            format!(".visible .entry k(\n)\n{{ .reg .b32 %r<9>; .reg .b64 %rd<9>; .reg .f32 %f<9>; {line} ret; }}");
        let module = Module::parse(&text).unwrap();
        let error = decode(&module.kernels[0], &HashMap::new(), &[]).err().unwrap_or_else(|| panic!("{line}"));
        assert!(error.contains(name) && error.contains('k'), "{error}");
    }
    assert!(Module::parse(".visible .func f() { ret; }").is_err());
}
