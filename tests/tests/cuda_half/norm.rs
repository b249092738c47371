//! Normalisation of groups.

use super::bench::*;

#[repr(C)]
#[derive(Clone, Copy)]
struct Norm {
    input: i64,
    output: i64,
    in_picture: u32,
    in_place: u32,
    out_picture: u32,
    out_place: u32,
    places: u32,
    channels: u32,
    slab: u32,
    group: u32,
    epsilon: f32,
    count: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct NormParts {
    sums: i64,
    parts: u32,
    reserved: u32,
    norm: Norm,
}

struct Case {
    pictures: usize,
    places: usize,
    channels: usize,
    group: usize,
    slab: usize,
    threads: u32,
    /// Where the numbers are around.
    mean: f64,
    /// Channels beside those of the input.
    beside: usize,
}

const PLAIN: Case =
    Case { pictures: 2, places: 63, channels: 64, group: 4, slab: 16, threads: 128, mean: 0.0, beside: 0 };

const CASES: [Case; 7] = [
    PLAIN,
    Case { group: 8, slab: 8, threads: 32, mean: -3.0, ..PLAIN },
    Case { pictures: 1, places: 35, channels: 96, group: 3, slab: 24, threads: 96, beside: 8, ..PLAIN },
    Case { pictures: 1, places: 1030, channels: 48, group: 16, slab: 16, threads: 512, mean: 60.0, ..PLAIN },
    Case { places: 5, channels: 256, group: 256, slab: 256, threads: 64, mean: 1.0, ..PLAIN },
    Case { places: 9, channels: 80, group: 5, slab: 80, threads: 224, ..PLAIN },
    Case { places: 1, channels: 1024, group: 64, slab: 1024, threads: 256, ..PLAIN },
];

const EPSILON: f64 = 1e-5;

/// silu((x - mean) / deviation · factor + bias), from f64 sums.
fn expected(case: &Case, x: &[f64], factor: &[f64], bias: &[f64]) -> Vec<Expected> {
    let mut all = vec![Expected::default(); x.len()];
    let at = |picture: usize, place: usize, channel: usize| (picture * case.places + place) * case.channels + channel;
    for picture in 0..case.pictures {
        for first in (0..case.channels).step_by(case.group) {
            let members = (0..case.places).flat_map(|place| (first..first + case.group).map(move |c| (place, c)));
            let members: Vec<_> = members.map(|(place, c)| (at(picture, place, c), c)).collect();
            let n = members.len() as f64;
            let mean = members.iter().map(|(i, _)| x[*i]).sum::<f64>() / n;
            let variance = members.iter().map(|(i, _)| (x[*i] - mean).powi(2)).sum::<f64>() / n;
            let scale = 1.0 / (variance + EPSILON).sqrt();
            for (i, channel) in members {
                let value = (x[i] - mean) * scale * factor[channel] + bias[channel];
                let size = (x[i].abs() + mean.abs()) * scale + 2.0;
                all[i] = Expected { value: value / (1.0 + (-value).exp()), size };
            }
        }
    }
    all
}

/// By one kernel, or by two with the places in parts.
fn check(case: &Case, parts: Option<usize>) -> Vec<f64> {
    let x = numbers(case.pictures * case.places * case.channels, 7);
    let x: Vec<_> = x.iter().map(|x| rounded(x + case.mean)).collect();
    let (factor, bias) = (numbers(case.channels, 8), numbers(case.channels, 9));
    let (mut weights, mut memory) = (Memory::default(), Memory::default());
    let wide = x.chunks(case.channels).flat_map(|x| [x, &vec![f64::NAN; case.beside]].concat());
    let in_place = case.channels + case.beside;
    let operand = |code, offset| Instruction { offset, code, value: 0.0, stride: [0, 1, 0], source: WEIGHTS };
    let program = [
        operand(MULTIPLY, weights.float(&factor)),
        operand(ADD, weights.float(&bias)),
        Instruction { code: SILU, ..Instruction::default() },
    ];
    let shape = Norm {
        input: memory.half(&wide.collect::<Vec<_>>()),
        output: memory.half_result(x.len()),
        in_picture: (case.places * in_place) as u32,
        in_place: in_place as u32,
        out_picture: (case.places * case.channels) as u32,
        out_place: case.channels as u32,
        places: case.places as u32,
        channels: case.channels as u32,
        slab: case.slab as u32,
        group: case.group as u32,
        epsilon: EPSILON as f32,
        count: program.len() as u32,
    };
    let slabs = (case.pictures * case.channels / case.slab) as u32;
    match parts {
        None => {
            let bench = Bench::new(include_str!("../../../backends/cuda/ptx/half_norm.ptx"));
            let parameters = parameters(&shape, &program, &[] as &[u32]);
            bench.launch("rwt_half_norm", [slabs, 1, 1], case.threads, &weights, &mut memory, &parameters);
        }
        Some(parts) => {
            let bench = Bench::new(include_str!("../../../backends/cuda/ptx/half_norm_parts.ptx"));
            let sums = memory.float_result(case.pictures * parts * case.channels * 2);
            let shape = NormParts { sums, parts: parts as u32, reserved: 0, norm: shape };
            let parameters = parameters(&shape, &program, &[] as &[u32]);
            for kernel in ["rwt_half_norm_sums", "rwt_half_norm_by"] {
                let grid = [slabs, parts as u32, 1];
                bench.launch(kernel, grid, case.threads, &weights, &mut memory, &parameters);
            }
        }
    }
    let found = memory.read_half(shape.output, x.len());
    let what = format!("{} channels in groups of {}, {} places, {parts:?}", case.channels, case.group, case.places);
    compare(&what, &found, &expected(case, &x, &factor, &bias), true);
    found
}

#[test]
fn groups_are_normalised() {
    in_all_modes("norm::groups_are_normalised", || {
        let parts = |case: &Case| [None, Some(1), Some(case.places.min(5))];
        CASES.iter().flat_map(|case| parts(case).into_iter().flat_map(|parts| check(case, parts))).collect()
    });
}
