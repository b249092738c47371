//! Elementwise arithmetic, conversions, copies, pooling.

use super::bench::*;

const PTX: &str = include_str!("../../../backends/cuda/ptx/half_move.ptx");
const BLOCK: u32 = 96;

#[repr(C)]
#[derive(Clone, Copy)]
struct Pointwise {
    input: Instruction,
    output: i64,
    size: [u32; 3],
    given: u32,
    to: [u32; 3],
    is_float: u32,
    count: u32,
    reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Copied {
    input: i64,
    output: i64,
    size: [u32; 6],
    from: [u32; 6],
    to: [u32; 6],
    each: u32,
    total: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Window {
    input: i64,
    output: i64,
    mode: u32,
    pictures: u32,
    channels: u32,
    size: [u32; 2],
    out: [u32; 2],
    before: [i32; 2],
    kernel: [u32; 2],
    stride: [u32; 2],
    in_picture: u32,
    in_row: u32,
    in_place: u32,
    out_picture: u32,
    out_place: u32,
}

fn grid(elements: usize, parts: u32) -> [u32; 3] {
    [(elements as u32).div_ceil(BLOCK), parts, 1]
}

fn exact(values: impl IntoIterator<Item = f64>) -> Vec<Expected> {
    values.into_iter().map(|value| Expected { value, size: 0.0 }).collect()
}

/// Run one pointwise kernel on one input; the output as it lies there.
fn pointwise(
    mut memory: Memory,
    input: Instruction,
    program: &[Instruction],
    [size, to]: [[usize; 3]; 2],
    given: usize,
    is_float: bool,
) -> Vec<f64> {
    let len = size.iter().product();
    let output = if is_float { memory.float_result(len) } else { memory.half_result(len) };
    let [size, to] = [size, to].map(|sizes| sizes.map(|size| size as u32));
    let (count, given) = (program.len() as u32, given as u32);
    let shape = Pointwise { input, output, size, given, to, is_float: u32::from(is_float), count, reserved: 0 };
    let octets = (size[0] * size[1].div_ceil(8) * size[2]) as usize;
    let parameters = parameters(&shape, program, &[] as &[u32]);
    Bench::new(PTX).launch("rwt_half_pointwise", grid(octets, 1), BLOCK, &Memory::default(), &mut memory, &parameters);
    if is_float { memory.read_float(output, len) } else { memory.read_half(output, len) }
}

/// f32 [2, 3, 35] to [2, 35, 8] in bf16, zeros where no channel is.
fn from_f32() -> Vec<f64> {
    let values: Vec<_> = numbers(2 * 3 * 35, 1).iter().map(|x| x * 1.003).collect();
    let mut memory = Memory::default();
    let input = Instruction {
        offset: memory.float(&values),
        stride: [3 * 35, 35, 1],
        source: MEMORY,
        ..Instruction::default()
    };
    let found = pointwise(memory, input, &[], [[2, 8, 35], [8 * 35, 1, 8]], 3, false);
    let value = |i: usize| {
        let (channel, place, picture) = (i % 8, i / 8 % 35, i / 8 / 35);
        if channel < 3 { rounded(f64::from(values[(picture * 3 + channel) * 35 + place] as f32)) } else { 0.0 }
    };
    compare("from f32", &found, &exact((0..found.len()).map(value)), true);
    assert!((0..found.len()).all(|i| found[i] == value(i)), "from f32: not the nearest");
    found
}

/// Three channels of [2, 35, 8] in bf16 to f32 [2, 3, 35]: tanh of x f + 1/4.
fn to_f32() -> Vec<f64> {
    let (values, factor) = (numbers(2 * 35 * 8, 2), numbers(2 * 35 * 8, 3));
    let mut memory = Memory::default();
    let stride = [35 * 8, 1, 8];
    let place = |offset, code| Instruction { offset, code, value: 0.0, stride, source: HALF_MEMORY };
    let input = place(memory.half(&values), 0);
    let program = [
        place(memory.half(&factor), MULTIPLY),
        Instruction { code: ADD, value: 0.25, source: VALUE, ..Instruction::default() },
        Instruction { code: TANH, ..Instruction::default() },
    ];
    let found = pointwise(memory, input, &program, [[2, 3, 35], [3 * 35, 35, 1]], 3, true);
    let value = |i: usize| {
        let (place, channel, picture) = (i % 35, i / 35 % 3, i / 35 / 3);
        let at = (picture * 35 + place) * 8 + channel;
        Expected { value: (values[at] * factor[at] + 0.25).tanh(), size: 1.0 }
    };
    compare("to f32", &found, &(0..found.len()).map(value).collect::<Vec<_>>(), false);
    found
}

/// x + f of [3, 11, 16] in bf16 with f in f32 for each picture and channel, silu.
fn within() -> Vec<f64> {
    let (values, term) = (numbers(3 * 11 * 16, 4), numbers(3 * 16, 5));
    let mut memory = Memory::default();
    let stride = [11 * 16, 1, 16];
    let input = Instruction { offset: memory.half(&values), stride, source: HALF_MEMORY, ..Instruction::default() };
    let program = [
        Instruction { offset: memory.float(&term), code: ADD, value: 0.0, stride: [16, 1, 0], source: MEMORY },
        Instruction { code: SILU, ..Instruction::default() },
    ];
    let found = pointwise(memory, input, &program, [[3, 16, 11], [11 * 16, 1, 16]], 16, false);
    let value = |i: usize| {
        let value = values[i] + term[i / 176 * 16 + i % 16];
        Expected { value: value / (1.0 + (-value).exp()), size: 2.0 }
    };
    compare("within", &found, &(0..found.len()).map(value).collect::<Vec<_>>(), true);
    found
}

fn copy(mut memory: Memory, mut parts: Vec<Copied>, output: i64, len: usize) -> Vec<f64> {
    for part in &mut parts {
        part.total = part.size.iter().product();
    }
    let (first, rest) = parts.split_first().unwrap();
    let most = parts.iter().map(|part| part.total).max().unwrap() as usize;
    let parameters = parameters(first, &[], rest);
    let grid = grid(most, parts.len() as u32);
    Bench::new(PTX).launch("rwt_half_copy", grid, BLOCK, &Memory::default(), &mut memory, &parameters);
    memory.read_half(output, len)
}

/// [3, 5, 16] enlarged twice beside [6, 10, 8].
fn enlarged_and_joined() -> Vec<f64> {
    let (small, large) = (numbers(3 * 5 * 16, 6), numbers(6 * 10 * 8, 7));
    let mut memory = Memory::default();
    let (at, other) = (memory.half(&small), memory.half(&large));
    let output = memory.half_result(60 * 24);
    let parts = vec![
        Copied {
            input: at,
            output,
            size: [1, 3, 2, 5, 2, 2],
            from: [0, 5 * 16, 0, 16, 0, 8],
            to: [0, 2 * 240, 240, 48, 24, 8],
            each: 8,
            total: 0,
        },
        Copied {
            input: other,
            output: output + 16,
            size: [1, 1, 1, 1, 60, 1],
            from: [0, 0, 0, 0, 8, 8],
            to: [0, 0, 0, 0, 24, 8],
            each: 8,
            total: 0,
        },
    ];
    let found = copy(memory, parts, output, 60 * 24);
    let value = |i: usize| {
        let (channel, x, y) = (i % 24, i / 24 % 10, i / 240);
        if channel < 16 { small[(y / 2 * 5 + x / 2) * 16 + channel] } else { large[(y * 10 + x) * 8 + channel - 16] }
    };
    assert_eq!(found, (0..found.len()).map(value).collect::<Vec<_>>());
    found
}

/// [7, 9] to [9, 7], one by one.
fn transposed() -> Vec<f64> {
    let values = numbers(63, 8);
    let mut memory = Memory::default();
    let input = memory.half(&values);
    let output = memory.half_result(63);
    let part = Copied {
        input,
        output,
        size: [1, 1, 1, 1, 9, 7],
        from: [0, 0, 0, 0, 1, 9],
        to: [0, 0, 0, 0, 7, 1],
        each: 1,
        total: 0,
    };
    let found = copy(memory, vec![part], output, 63);
    assert_eq!(found, (0..63).map(|i| values[i % 7 * 9 + i / 7]).collect::<Vec<_>>());
    found
}

/// Pooling of [2, 5, 7, 16] by 3 x 2 in steps of 2, with a border of 1.
fn pooled(mode: u32) -> Vec<f64> {
    let values = numbers(2 * 5 * 7 * 16, 9);
    let mut memory = Memory::default();
    let input = memory.half(&values);
    let output = memory.half_result(2 * 3 * 4 * 16);
    let shape = Window {
        input,
        output,
        mode,
        pictures: 2,
        channels: 16,
        size: [5, 7],
        out: [3, 4],
        before: [1, 1],
        kernel: [3, 2],
        stride: [2, 2],
        in_picture: 5 * 7 * 16,
        in_row: 7 * 16,
        in_place: 16,
        out_picture: 3 * 4 * 16,
        out_place: 16,
    };
    let parameters = parameters(&shape, &[], &[] as &[u32]);
    Bench::new(PTX).launch("rwt_half_pool", grid(48, 1), BLOCK, &Memory::default(), &mut memory, &parameters);
    let found = memory.read_half(output, 2 * 3 * 4 * 16);
    let value = |i: usize| {
        let (channel, x, y, picture) = (i % 16, i / 16 % 4, i / 64 % 3, i / 192);
        let inside = |at: usize, k: usize, size: usize| (2 * at + k).checked_sub(1).filter(|at| *at < size);
        let places = (0..6).filter_map(|k| Some([inside(y, k / 2, 5)?, inside(x, k % 2, 7)?]));
        let window: Vec<_> = places.map(|[y, x]| values[((picture * 5 + y) * 7 + x) * 16 + channel]).collect();
        let sum: f64 = window.iter().sum();
        let value = match mode {
            0 => sum / 6.0,
            1 => sum / window.len() as f64,
            _ => window.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        };
        Expected { value, size: 1.0 }
    };
    compare(&format!("pooling {mode}"), &found, &(0..found.len()).map(value).collect::<Vec<_>>(), true);
    found
}

#[test]
fn elements_are_converted() {
    in_all_modes("moves::elements_are_converted", || [from_f32(), to_f32(), within()].concat());
}

#[test]
fn arrays_are_copied_and_pooled() {
    in_all_modes("moves::arrays_are_copied_and_pooled", || {
        [enlarged_and_joined(), transposed(), pooled(0), pooled(1), pooled(2)].concat()
    });
}
