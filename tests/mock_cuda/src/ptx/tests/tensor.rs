//! Products of matrices by a warp, and copies in the background.

use super::super::{Grid, Module, decode, run};
use super::{compute, random};
use std::collections::HashMap;

/// Small whole numbers, exact in bf16.
fn number(seed: usize) -> i32 {
    (seed * 7919 % 31) as i32 - 15
}

fn bf16(value: i32) -> u64 {
    u64::from((value as f32).to_bits() >> 16)
}

/// Which lane, register and half of it holds element (row, column) of a: the tables of the PTX ISA the other way round.
fn place_of_a(row: usize, column: usize) -> (usize, usize, usize) {
    (row % 8 * 4 + column % 8 / 2, row / 8 + column / 8 * 2, column % 2)
}

fn place_of_b(row: usize, column: usize) -> (usize, usize, usize) {
    (column * 4 + row % 8 / 2, row / 8, row % 2)
}

fn place_of_sum(row: usize, column: usize) -> (usize, usize) {
    (row % 8 * 4 + column / 2, row / 8 * 2 + column % 2)
}

#[test]
fn places_are_those_of_the_tables() {
    // entries of the figures for m16n8k16 with .bf16: T17 is lane 17, group 4, thread 1
    assert_eq!(place_of_a(0, 0), (0, 0, 0));
    assert_eq!(place_of_a(4, 3), (17, 0, 1));
    assert_eq!(place_of_a(12, 2), (17, 1, 0));
    assert_eq!(place_of_a(4, 11), (17, 2, 1));
    assert_eq!(place_of_a(15, 15), (31, 3, 1));
    assert_eq!(place_of_b(3, 4), (17, 0, 1));
    assert_eq!(place_of_b(10, 4), (17, 1, 0));
    assert_eq!(place_of_b(15, 7), (31, 1, 1));
    assert_eq!(place_of_sum(4, 2), (17, 0));
    assert_eq!(place_of_sum(12, 3), (17, 3));
}

#[test]
fn a_warp_multiplies_matrices() {
    let (a, b) = (|row: usize, k: usize| number(16 * row + k), |k: usize, column: usize| number(500 + 8 * k + column));
    let mut operands = [vec![0u64; 96], vec![0u64; 96], vec![0u64; 96]];
    for warp in 0..3 {
        for (row, k) in (0..256).map(|i| (i / 16, i % 16)) {
            let (lane, register, half) = place_of_a(row, k);
            operands[register / 2][32 * warp + lane] |= bf16(a(row, k)) << (32 * (register % 2) + 16 * half);
        }
        for (k, column) in (0..128).map(|i| (i / 8, i % 8)) {
            let (lane, register, half) = place_of_b(k, column);
            operands[2][32 * warp + lane] |= bf16(b(k, column)) << (32 * register + 16 * half);
        }
    }
    let mut found = Vec::new();
    for part in [["%f4", "%f5"], ["%f6", "%f7"]] {
        let [low, high] = part;
        let body = format!(
            "mov.b64 {{%r1, %r2}}, %rd1; mov.b64 {{%r3, %r4}}, %rd2; mov.b64 {{%r5, %r6}}, %rd3;
            mov.f32 %f4, 0f40A00000; mov.f32 %f5, 0f40A00000; mov.f32 %f6, 0f40A00000; mov.f32 %f7, 0f40A00000;
            mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {{%f4, %f5, %f6, %f7}}, {{%r1, %r2, %r3, %r4}}, {{%r5, %r6}}, {{%f4, %f5, %f6, %f7}};
            mov.b32 %r7, {low}; mov.b32 %r8, {high}; mov.b64 %rd0, {{%r7, %r8}};"
        );
        found.push(compute(&body, &operands));
    }
    for warp in 0..3 {
        for (row, column) in (0..128).map(|i| (i / 8, i % 8)) {
            let expected = 5 + (0..16).map(|k| a(row, k) * b(k, column)).sum::<i32>();
            let (lane, register) = place_of_sum(row, column);
            let bits = (found[register / 2][32 * warp + lane] >> (32 * (register % 2))) as u32;
            assert_eq!(f32::from_bits(bits), expected as f32, "({row}, {column})");
        }
    }
}

#[test]
fn a_warp_reads_matrices() {
    let operands = [random(1, 96), random(2, 96), vec![0; 96]];
    // lane l writes and names row l
    let row = |row: usize, column: usize| (operands[column / 4][row] >> (16 * (column % 4))) & 0xffff;
    for (name, transposed) in [("", false), (".trans", true)] {
        for (registers, first) in [(["%r4", "%r5"], 0), (["%r6", "%r7"], 2)] {
            let [low, high] = registers;
            let body = format!(
                ".shared .align 16 .b8 rows[1536]; mov.u32 %r3, rows; shl.b32 %r1, %r10, 4; add.s32 %r3, %r3, %r1;
                st.shared.v2.u64 [%r3], {{%rd1, %rd2}}; bar.warp.sync -1;
                ldmatrix.sync.aligned.m8n8.x4{name}.shared.b16 {{%r4, %r5, %r6, %r7}}, [%r3];
                mov.b64 %rd0, {{{low}, {high}}};"
            );
            for (thread, found) in compute(&body, &operands).into_iter().enumerate() {
                let (warp, lane) = (thread / 32, thread % 32);
                for matrix in 0..2 {
                    let at = |i: usize, j: usize| row(32 * warp + 8 * (first + matrix) + i, j);
                    let (i, j) = (lane / 4, lane % 4 * 2);
                    let pair = if transposed { [at(j, i), at(j + 1, i)] } else { [at(i, j), at(i, j + 1)] };
                    assert_eq!(found >> (32 * matrix) & 0xffff_ffff, pair[1] << 16 | pair[0], "thread {thread}{name}");
                }
            }
        }
    }
}

/// Lane l copies 16 bytes of its own in each of two groups, and looks at the lower half of one (`look`) at some time.
fn copied(look: u32, between: &str, size: u32) -> Vec<(u64, u64)> {
    let text = format!(
        ".visible .entry k(\n.param .u64 k_0,\n.param .u64 k_1\n)\n{{
        .reg .b32 %r<9>; .reg .b64 %rd<9>; .shared .align 16 .b8 tiles[1024];
        ld.param.u64 %rd1, [k_0]; ld.param.u64 %rd2, [k_1]; mov.u32 %r1, %tid.x;
        mul.wide.u32 %rd3, %r1, 16; add.s64 %rd1, %rd1, %rd3; mul.wide.u32 %rd3, %r1, 8; add.s64 %rd2, %rd2, %rd3;
        mov.u32 %r2, tiles; shl.b32 %r3, %r1, 4; add.s32 %r2, %r2, %r3; mov.u32 %r4, {size};
        cp.async.cg.shared.global [%r2], [%rd1], 16, %r4; cp.async.commit_group;
        cp.async.cg.shared.global [%r2+512], [%rd1+512], 16, %r4; cp.async.commit_group;
        {between} ld.shared.u64 %rd4, [%r2+{look}]; cp.async.wait_group 0; st.global.u64 [%rd2], %rd4; ret;\n}}"
    );
    let module = Module::parse(&text).unwrap();
    let kernel = decode(&module.kernels[0], &HashMap::new(), &[]).unwrap();
    let read: Vec<u128> = random(3, 64).into_iter().map(u128::from).collect();
    let mut written = [0u64; 32];
    let mut ranges = [
        (read.as_ptr() as u64, read.as_ptr_range().end as u64),
        (written.as_mut_ptr() as u64, written.as_ptr_range().end as u64),
    ];
    let parameters: Vec<u8> = ranges.iter().flat_map(|(start, _)| start.to_le_bytes()).collect();
    ranges.sort_unstable();
    let grid = Grid { blocks: [1; 3], threads: [32, 1, 1], dynamic: 0, reverse: false };
    run(&kernel, &grid, &parameters, &ranges).unwrap_or_else(|fault| panic!("{}", fault.message));
    let source = read[look as usize / 16..].iter().map(|value| *value as u64);
    written.into_iter().zip(source).collect()
}

#[test]
fn copies_are_there_when_they_are_waited_for() {
    let all = |found: Vec<(u64, u64)>, holds: &dyn Fn(u64, u64) -> bool| found.iter().all(|(a, b)| holds(*a, *b));
    assert!(all(copied(0, "", 16), &|found, _| found == u64::MAX));
    assert!(all(copied(0, "cp.async.wait_group 2;", 16), &|found, _| found == u64::MAX));
    assert!(all(copied(0, "cp.async.wait_group 1;", 16), &|found, source| found == source));
    assert!(all(copied(512, "cp.async.wait_group 1;", 16), &|found, _| found == u64::MAX));
    assert!(all(copied(512, "cp.async.wait_group 0;", 16), &|found, source| found == source));
    assert!(all(copied(512, "cp.async.wait_group 0;", 0), &|found, _| found == 0));
}

#[test]
fn numbers_are_rounded_to_bf16() {
    for (value, expected) in [
        (0x3f80_0000_u32, 0x3f80_u64),
        (0x3f80_8000, 0x3f80), // halves to even
        (0x3f81_8000, 0x3f82),
        (0x3f80_8001, 0x3f81),
        (0xbf80_ffff, 0xbf81),
        (0x7f7f_ffff, 0x7f80),
        (0xff80_0000, 0xff80),
        (0x7f80_0001, 0x7fff),
        (0x0000_8001, 0x0001),
    ] {
        let operands = [vec![u64::from(value); 96], vec![0x4000_0000; 96], vec![0; 96]];
        let found = compute("cvt.rn.bf16x2.f32 %r0, %f1, %f2; cvt.u64.u32 %rd0, %r0;", &operands);
        assert_eq!(found[5], expected << 16 | 0x4000, "{value:#x}");
    }
}
