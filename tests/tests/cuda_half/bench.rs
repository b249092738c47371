//! Arrays in the device's memory, launches, and comparisons.

use rwt_cuda::{Array, Device, Module};
use rwt_tests::mock_cuda::{self, Mode};
use rwt_tests::{scratch, target};

/// What is between arrays, and must stay: not a number, as bf16 and as f32.
const GUARD: u32 = 0xffff_ffff;
/// Words of it.
const GAP: usize = 12;

/// Where an operand lies.
pub const VALUE: i32 = 0;
pub const WEIGHTS: i32 = 1;
pub const MEMORY: i32 = 2;
pub const HALF_MEMORY: i32 = 3;

/// Codes of instructions.
pub const ADD: i32 = 0;
pub const MULTIPLY: i32 = 3;
pub const SILU: i32 = 11;
pub const TANH: i32 = 20;

/// An instruction of a program, as it lies in memory.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Instruction {
    pub offset: i64,
    pub code: i32,
    pub value: f32,
    pub stride: [u32; 3],
    pub source: i32,
}

/// The bits of the nearest bf16, halves to even.
pub fn bf16(value: f64) -> u16 {
    let bits = (value as f32).to_bits();
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

pub fn rounded(value: f64) -> f64 {
    f32::from_bits(u32::from(bf16(value)) << 16).into()
}

/// Numbers in [-1, 1) that are bf16's, the same in every run.
pub fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    (0..count).map(|_| rounded(next())).collect()
}

/// Arrays in bf16 and f32, one after another, with guards in between.
#[derive(Default)]
pub struct Memory {
    words: Vec<u32>,
    /// Words that kernels may write.
    written: Vec<std::ops::Range<usize>>,
}

impl Memory {
    fn place(&mut self, words: usize) -> usize {
        self.words.resize((self.words.len() + GAP).next_multiple_of(4), GUARD);
        let at = self.words.len();
        self.words.resize(at + words, GUARD);
        at
    }

    /// An array in bf16: its offset in elements.
    pub fn half(&mut self, values: &[f64]) -> i64 {
        let at = self.place(values.len().div_ceil(2));
        for (i, value) in values.iter().enumerate() {
            let shift = 16 * (i % 2);
            let word = &mut self.words[at + i / 2];
            *word = *word & !(0xffff << shift) | u32::from(bf16(*value)) << shift;
        }
        2 * at as i64
    }

    pub fn float(&mut self, values: &[f64]) -> i64 {
        let at = self.place(values.len());
        for (word, value) in self.words[at..].iter_mut().zip(values) {
            *word = (*value as f32).to_bits();
        }
        at as i64
    }

    /// Space for a result.
    pub fn half_result(&mut self, len: usize) -> i64 {
        let at = self.place(len.div_ceil(2));
        self.written.push(at..at + len.div_ceil(2));
        2 * at as i64
    }

    pub fn float_result(&mut self, len: usize) -> i64 {
        let at = self.place(len);
        self.written.push(at..at + len);
        at as i64
    }

    pub fn read_half(&self, offset: i64, len: usize) -> Vec<f64> {
        let at = offset as usize;
        let value = |i: usize| f32::from_bits(self.words[i / 2] >> (16 * (i % 2)) << 16);
        (at..at + len).map(|i| value(i).into()).collect()
    }

    pub fn read_float(&self, offset: i64, len: usize) -> Vec<f64> {
        self.words[offset as usize..][..len].iter().map(|word| f32::from_bits(*word).into()).collect()
    }
}

/// A shape's bytes, its program, and what follows.
pub fn parameters<T: Copy, R: Copy>(shape: &T, program: &[Instruction], rest: &[R]) -> Vec<u64> {
    fn bytes<T: Copy>(values: &[T]) -> &[u8] {
        // SAFETY: plain numbers without padding.
        unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
    }
    let all = [bytes(std::slice::from_ref(shape)), bytes(program), bytes(rest)].concat();
    all.chunks(8).map(|chunk| u64::from_le_bytes(std::array::from_fn(|i| chunk.get(i).copied().unwrap_or(0)))).collect()
}

/// Kernels of a file, and the device that they run on.
pub struct Bench {
    device: Device,
    module: Module,
}

impl Bench {
    pub fn new(ptx: &str) -> Self {
        let device = Device::open(0).unwrap();
        let module = Module::load(&device, ptx.as_bytes()).unwrap();
        Self { device, module }
    }

    /// Run a kernel; nothing but results may have changed.
    pub fn launch(&self, name: &str, grid: [u32; 3], block: u32, weights: &Memory, memory: &mut Memory, shape: &[u64]) {
        let array = |words: &[u32]| Array::from_host(&self.device, words).unwrap();
        let (on_weights, on_memory) = (array(&weights.words), array(&memory.words));
        let shape = Array::from_host(&self.device, shape).unwrap();
        let addresses = [on_weights.address(), on_memory.address(), shape.address()];
        let mut arguments = addresses.each_ref().map(|address| std::ptr::from_ref(address).cast_mut().cast());
        let kernel = self.module.kernel(name).unwrap();
        // SAFETY: three addresses.
        let launched = unsafe { kernel.launch(grid, [block, 1, 1], 0, &mut arguments) };
        launched.unwrap_or_else(|error| panic!("{name}: {error}"));
        let before = memory.words.clone();
        on_memory.read(&self.device, &mut memory.words).unwrap();
        for (i, (before, after)) in before.iter().zip(&memory.words).enumerate() {
            let may = memory.written.iter().any(|range| range.contains(&i));
            assert!(may || before == after, "{name} has written word {i}");
        }
    }
}

/// A result and its terms' sizes, from which what f32 loses is estimated.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected {
    pub value: f64,
    pub size: f64,
}

/// Are the numbers those that are expected, rounded once to bf16, or as good as f32's sums?
pub fn compare(what: &str, found: &[f64], expected: &[Expected], is_half: bool) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, Expected { value, size })) in found.iter().zip(expected).enumerate() {
        let tolerance = 1e-6 * size + if is_half { value.abs() / 255.0 } else { 0.0 };
        assert!((found - value).abs() <= tolerance, "{what}, element {i}: {found}, expected {value} ± {tolerance:.1e}");
    }
}

/// Run `body` with PTX and with the sources, also with g++'s checks: it gives all results, whose bits must agree.
pub fn in_all_modes(test: &str, body: impl FnOnce() -> Vec<f64>) {
    let name = test.replace("::", "_");
    let file = target().join("tmp/rwt-tests").join(&name).join("bits");
    if std::env::var_os("RWT_MOCK_CHILD").is_none() {
        scratch(&name);
    }
    mock_cuda::in_modes(test, &[Mode::Ptx, Mode::Source, Mode::Sanitized], &[], |_| {
        let found: Vec<u8> = body().iter().flat_map(|value| value.to_bits().to_le_bytes()).collect();
        assert!(!found.is_empty());
        match std::fs::read(&file) {
            Ok(before) => assert!(found == before, "PTX and source differ"),
            Err(_) => std::fs::write(&file, found).unwrap(),
        }
    });
}
