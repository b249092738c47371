//! Convolutions.

use super::bench::*;

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

/// A convolution, what lies around its arrays, and what follows it.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    pictures: usize,
    size: [usize; 2],
    cin: usize,
    cout: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    /// Each place of the input stands for 2 x 2.
    is_enlarged: bool,
    is_transposed: bool,
    /// Channels beside those of the input and the output.
    beside: [usize; 2],
    /// f32 as [picture, channel, place].
    is_float: bool,
    has_program: bool,
}

const PLAIN: Case = Case {
    name: "",
    pictures: 2,
    size: [7, 9],
    cin: 24,
    cout: 40,
    kernel: 3,
    stride: 1,
    padding: 1,
    is_enlarged: false,
    is_transposed: false,
    beside: [0, 0],
    is_float: false,
    has_program: false,
};

const CASES: [Case; 7] = [
    Case { name: "3 x 3 with a program", has_program: true, ..PLAIN },
    Case { name: "1 x 1 to f32", kernel: 1, padding: 0, cin: 8, cout: 3, is_float: true, has_program: true, ..PLAIN },
    Case { name: "stride 2", cin: 40, cout: 136, stride: 2, ..PLAIN },
    Case { name: "transposed", cin: 16, kernel: 4, stride: 2, is_transposed: true, has_program: true, ..PLAIN },
    Case { name: "enlarged", pictures: 3, size: [4, 6], is_enlarged: true, ..PLAIN },
    Case { name: "a product", size: [1, 67], kernel: 1, padding: 0, cin: 104, cout: 72, beside: [16, 8], ..PLAIN },
    Case { name: "one place", pictures: 1, size: [1, 1], cin: 72, cout: 8, ..PLAIN },
];

impl Case {
    fn height(&self) -> [usize; 2] {
        self.size.map(|size| if self.is_enlarged { 2 * size } else { size })
    }

    fn out(&self) -> [usize; 2] {
        let before = 2 * self.padding;
        self.height().map(|size| match self.is_transposed {
            true => (size - 1) * self.stride + self.kernel - before,
            false => (size + before - self.kernel) / self.stride + 1,
        })
    }

    fn places(&self) -> usize {
        self.out().iter().product()
    }

    /// Which kernel elements (ky, kx) a phase has, and the input's place that each reads from the phase's corner.
    fn taps(&self, phase: usize) -> Vec<([usize; 2], [i32; 2])> {
        let (kernel, stride, padding) = (self.kernel, self.stride, self.padding);
        let all = (0..kernel * kernel).map(|k| [k / kernel, k % kernel]);
        if !self.is_transposed {
            return all.map(|k| (k, k.map(|k| k as i32))).collect();
        }
        let phase = [phase / stride, phase % stride];
        let inside = all.filter(|k| (0..2).all(|axis| (phase[axis] + padding) % stride == k[axis] % stride));
        let shift = |k: [usize; 2]| [0, 1].map(|axis| (phase[axis] + padding) as i32 - k[axis] as i32);
        inside.map(|k| (k, shift(k).map(|shift| shift / stride as i32))).collect()
    }

    fn phases(&self) -> usize {
        if self.is_transposed { self.stride * self.stride } else { 1 }
    }

    /// Sums by the definition: over what lies inside, of weights [cout][cin][ky][kx].
    fn expected(&self, x: &[f64], weights: &[f64]) -> Vec<Expected> {
        let (size, out, kernel) = (self.height(), self.out(), self.kernel);
        let shift = usize::from(self.is_enlarged);
        let mut sums = vec![Expected::default(); self.pictures * self.places() * self.cout];
        let mut add = |picture: usize, [oy, ox]: [usize; 2], [iy, ix]: [usize; 2], k: usize| {
            let from = ((picture * self.size[0] + (iy >> shift)) * self.size[1] + (ix >> shift)) * self.cin;
            let to = (picture * self.places() + oy * out[1] + ox) * self.cout;
            for channel in 0..self.cout {
                for c in 0..self.cin {
                    let term = x[from + c] * weights[(channel * self.cin + c) * kernel * kernel + k];
                    sums[to + channel].value += term;
                    sums[to + channel].size += term.abs();
                }
            }
        };
        let near = |far: [usize; 2], k: [usize; 2], limit: [usize; 2]| {
            let at = |axis: usize| (far[axis] * self.stride + k[axis]).checked_sub(self.padding);
            let at = [at(0)?, at(1)?];
            (at[0] < limit[0] && at[1] < limit[1]).then_some(at)
        };
        for picture in 0..self.pictures {
            for k in 0..kernel * kernel {
                let element = [k / kernel, k % kernel];
                let (from, limit) = if self.is_transposed { (size, out) } else { (out, size) };
                for far in (0..from[0] * from[1]).map(|i| [i / from[1], i % from[1]]) {
                    if let Some(near) = near(far, element, limit) {
                        let (o, i) = if self.is_transposed { (near, far) } else { (far, near) };
                        add(picture, o, i, k);
                    }
                }
            }
        }
        sums
    }
}

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
