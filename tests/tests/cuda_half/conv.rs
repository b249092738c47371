//! Convolutions.

use super::bench::*;
use super::case::{CASES, Case};

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Conv {
    input: i64,
    weights: i64,
    output: i64,
    rows: u32,
    channels: u32,
    cin: u32,
    taps: u32,
    places: u32,
    row_places: u32,
    stride: [i32; 2],
    start: [i32; 2],
    height: u32,
    width: u32,
    shift: u32,
    in_picture: u32,
    in_row: u32,
    in_place: u32,
    out_height: u32,
    out_width: u32,
    out_picture: u32,
    out_channel: u32,
    out_place: u32,
    is_float: u32,
    phases: u32,
    phases_x: u32,
    phase_stride: [u32; 2],
    count: u32,
    table: u32,
}

/// Rows and columns of a block, and its threads.
const TILES: [(&str, u32, u32, u32); 5] = [
    ("rwt_half_conv_128x128", 128, 128, 256),
    ("rwt_half_conv_128x64", 128, 64, 128),
    ("rwt_half_conv_64x64", 64, 64, 128),
    ("rwt_half_conv_32x32", 32, 32, 256),
    ("rwt_half_conv_32x16", 32, 16, 256),
];

/// What a case's arrays are, and where.
struct Arrays {
    x: Vec<f64>,
    kernel: Vec<f64>,
    bias: Vec<f64>,
    factor: Vec<f64>,
    residual: Vec<f64>,
    weights: Memory,
    memory: Memory,
    shape: Conv,
    program: Vec<Instruction>,
    taps: Vec<[i32; 2]>,
}

impl Arrays {
    fn new(case: &Case) -> Self {
        let (places, cout) = (case.places(), case.cout);
        let mut all = Self {
            x: numbers(case.pictures * case.size[0] * case.size[1] * case.cin, 1),
            kernel: numbers(cout * case.cin * case.kernel * case.kernel, 2),
            bias: numbers(cout, 3),
            factor: numbers(case.pictures * cout, 4),
            residual: numbers(case.pictures * places * cout, 5),
            weights: Memory::default(),
            memory: Memory::default(),
            shape: Conv::default(),
            program: Vec::new(),
            taps: Vec::new(),
        };
        all.place(case);
        if case.has_program {
            all.write_program(case);
        }
        all
    }

    fn place(&mut self, case: &Case) {
        let [height, width] = case.height();
        let [out_height, out_width] = case.out();
        let phases = if case.is_transposed { [case.stride; 2] } else { [1; 2] };
        let q = [out_height.div_ceil(phases[0]), out_width.div_ceil(phases[1])];
        let wide = self.x.chunks(case.cin).flat_map(|x| [x, &vec![f64::NAN; case.beside[0]]].concat());
        let wide: Vec<_> = wide.collect();
        let in_place = case.cin + case.beside[0];
        let out_place = if case.is_float { 1 } else { case.cout + case.beside[1] };
        let mut packed = Vec::new();
        for phase in 0..case.phases() {
            let taps = case.taps(phase);
            for channel in 0..case.cout {
                for ([ky, kx], _) in &taps {
                    let at = |c: usize| (channel * case.cin + c) * case.kernel * case.kernel + ky * case.kernel + kx;
                    packed.extend((0..case.cin).map(|c| self.kernel[at(c)]));
                }
            }
            self.taps.extend(taps.iter().map(|(_, shift)| *shift));
        }
        let len = case.pictures * case.places();
        let step = if case.is_transposed { 1 } else { case.stride as i32 };
        let start = if case.is_transposed { 0 } else { -(case.padding as i32) };
        self.shape = Conv {
            input: self.memory.half(&wide),
            weights: self.weights.half(&packed),
            output: match case.is_float {
                true => self.memory.float_result(len * case.cout),
                false => self.memory.half_result(len * out_place),
            },
            rows: (case.pictures * q[0] * q[1]) as u32,
            channels: case.cout as u32,
            cin: case.cin as u32,
            taps: (self.taps.len() / case.phases()) as u32,
            places: (q[0] * q[1]) as u32,
            row_places: q[1] as u32,
            stride: [step; 2],
            start: [start; 2],
            height: height as u32,
            width: width as u32,
            shift: u32::from(case.is_enlarged),
            in_picture: (case.size[0] * case.size[1] * in_place) as u32,
            in_row: (case.size[1] * in_place) as u32,
            in_place: in_place as u32,
            out_height: out_height as u32,
            out_width: out_width as u32,
            out_picture: (case.places() * if case.is_float { case.cout } else { out_place }) as u32,
            out_channel: if case.is_float { case.places() as u32 } else { 1 },
            out_place: out_place as u32,
            is_float: u32::from(case.is_float),
            phases: case.phases() as u32,
            phases_x: phases[1] as u32,
            phase_stride: phases.map(|phases| phases as u32),
            count: 0,
            table: 0,
        };
    }

    /// silu((sum + bias) factor + residual + 0.25).
    fn write_program(&mut self, case: &Case) {
        let (cout, picture) = (case.cout as u32, (case.places() * case.cout) as u32);
        let bias = self.weights.float(&self.bias);
        let factor = self.memory.float(&self.factor);
        let residual = self.memory.half(&self.residual);
        let operand = |code, source, offset, stride| Instruction { offset, code, value: 0.0, stride, source };
        self.program = vec![
            operand(ADD, WEIGHTS, bias, [0, 1, 0]),
            operand(MULTIPLY, MEMORY, factor, [cout, 1, 0]),
            operand(ADD, HALF_MEMORY, residual, [picture, 1, cout]),
            Instruction { code: ADD, value: 0.25, ..Instruction::default() },
            Instruction { code: SILU, ..Instruction::default() },
        ];
    }

    /// What the program makes of the sums.
    fn expected(&self, case: &Case) -> Vec<Expected> {
        let mut expected = case.expected(&self.x, &self.kernel);
        if case.has_program {
            for (i, Expected { value, size }) in expected.iter_mut().enumerate() {
                let (channel, picture) = (i % case.cout, i / case.cout / case.places());
                let factor = self.factor[picture * case.cout + channel];
                *value = (*value + self.bias[channel]) * factor + self.residual[i] + 0.25;
                *value /= 1.0 + (-*value).exp();
                *size += 3.0;
            }
        }
        expected
    }

    /// The result as [picture, place, channel].
    fn found(&self, case: &Case) -> Vec<f64> {
        let (shape, places) = (&self.shape, case.places());
        let len = case.pictures * shape.out_picture as usize;
        let all = match case.is_float {
            true => self.memory.read_float(shape.output, len),
            false => self.memory.read_half(shape.output, len),
        };
        let at = |i: usize| {
            let (channel, place, picture) = (i % case.cout, i / case.cout % places, i / case.cout / places);
            picture * shape.out_picture as usize
                + place * shape.out_place as usize
                + channel * shape.out_channel as usize
        };
        (0..case.pictures * places * case.cout).map(|i| all[at(i)]).collect()
    }
}

fn check(case: &Case, kernels: &[(&str, u32, u32, u32)]) -> Vec<f64> {
    let mut all = Vec::new();
    for (kernel, m, n, block) in kernels {
        let ptx = match kernel.contains("_32x") {
            true => include_str!("../../../backends/cuda/ptx/half_small.ptx"),
            false => include_str!("../../../backends/cuda/ptx/half_conv.ptx"),
        };
        let mut arrays = Arrays::new(case);
        let program = arrays.program.clone();
        let mut shape = arrays.shape;
        shape.count = program.len() as u32;
        shape.table = (size_of::<Conv>() + size_of_val(&program[..])) as u32;
        let parameters = parameters(&shape, &program, &arrays.taps);
        let grid = [shape.rows.div_ceil(*m) * shape.channels.div_ceil(*n), 1, shape.phases];
        Bench::new(ptx).launch(kernel, grid, *block, &arrays.weights, &mut arrays.memory, &parameters);
        let found = arrays.found(case);
        compare(&format!("{kernel}, {}", case.name), &found, &arrays.expected(case), !case.is_float);
        all.extend(found);
    }
    all
}

#[test]
fn convolutions_are_the_sums_of_their_definition() {
    in_all_modes("conv::convolutions_are_the_sums_of_their_definition", || {
        CASES.iter().flat_map(|case| check(case, &TILES)).collect()
    });
}
