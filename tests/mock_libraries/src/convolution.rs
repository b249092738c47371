//! Convolutions by loops.

use crate::control::count;
use crate::cudnn::{BAD_PARAM, EXECUTION_FAILED, NOT_SUPPORTED, Performance, SHAPE_MISMATCH, SIZE_INSUFFICIENT};
use crate::driver;
use crate::numbers::{Kind, tf32};
use std::ffi::c_int;

#[derive(Clone, Copy, Default)]
pub struct Tensor {
    pub kind: Option<Kind>,
    /// n, c, h, w, as all fours here.
    pub size: [u64; 4],
    pub stride: [u64; 4],
}

#[derive(Clone, Copy, Default)]
pub struct Filter {
    pub kind: Option<Kind>,
    pub is_nhwc: bool,
    pub size: [u64; 4],
    pub stride: [u64; 4],
}

#[derive(Clone, Copy, Default)]
pub struct Convolution {
    pub pad: [u64; 2],
    pub stride: [u64; 2],
    pub dilation: [u64; 2],
    pub groups: u64,
    /// Upside down and left to right, as mathematicians say it.
    pub is_turned: bool,
    pub math: c_int,
}

/// All descriptors of a call, which fit.
#[derive(Clone, Copy)]
pub struct Forward {
    kind: Kind,
    x: Tensor,
    w: Filter,
    y: Tensor,
    by: Convolution,
}

const FMA_MATH: c_int = 3;
/// Algorithms of whose results something is wrong that a program must look for.
const FOURIER: c_int = 4;
const WINOGRAD: c_int = 6;
const NONFUSED: c_int = 7;

/// What the heuristics say: at first what must not be taken, then what may.
pub fn algorithms(forward: &Forward) -> Vec<Performance> {
    let exact = if forward.kind == Kind::F32 { FMA_MATH } else { forward.by.math };
    let found = [
        (FOURIER, 0, 1, exact, 0),                // rounds more
        (NONFUSED, 0, 1, exact, 0),               // rounds more
        (WINOGRAD, 0, 0, exact, 0),               // is not deterministic
        (0, NOT_SUPPORTED, 1, exact, 0),          // does not work
        (1, 0, 1, 1, 0),                          // tensor cores, in f32 too
        (2, 0, 1, exact, 1 << 50),                // takes more memory than there is
        (1, 0, 1, exact, forward.bytes_of_row()), // the one
        (0, 0, 1, exact, 0),
    ];
    let result = |(algorithm, status, determinism, math, memory): (c_int, c_int, c_int, c_int, u64)| Performance {
        algorithm,
        status,
        time: -1.0,
        memory: memory as usize,
        determinism,
        math,
        reserved: [0; 3],
    };
    found.map(result).to_vec()
}

impl Forward {
    pub fn new(x: Tensor, w: Filter, by: Convolution, y: Tensor) -> Result<Self, c_int> {
        let kind = x.kind.ok_or(BAD_PARAM)?;
        if w.kind != x.kind || y.kind != x.kind || by.groups == 0 {
            return Err(BAD_PARAM);
        }
        let out = |axis: usize| {
            let reach = (w.size[2 + axis] - 1) * by.dilation[axis] + 1;
            (x.size[2 + axis] + 2 * by.pad[axis]).checked_sub(reach).map(|room| room / by.stride[axis] + 1)
        };
        let fits = y.size[0] == x.size[0]
            && y.size[1] == w.size[0]
            && x.size[1] == w.size[1] * by.groups
            && w.size[0].is_multiple_of(by.groups)
            && [out(0), out(1)] == [Some(y.size[2]), Some(y.size[3])];
        if !fits {
            return Err(SHAPE_MISMATCH);
        }
        let is_nhwc = |tensor: &Tensor| tensor.stride[1] == 1 && tensor.size[1] > 1;
        if kind == Kind::Bf16 && !(is_nhwc(&x) && is_nhwc(&y) && w.is_nhwc && by.math == 1) {
            return Err(NOT_SUPPORTED);
        }
        Ok(Self { kind, x, w, y, by })
    }

    fn bytes_of_row(&self) -> u64 {
        4 * self.w.size[1..].iter().product::<u64>()
    }

    pub fn workspace(&self, algorithm: c_int) -> Result<usize, c_int> {
        match algorithm {
            0 | FOURIER | WINOGRAD | NONFUSED => Ok(0),
            1 => Ok(self.bytes_of_row() as usize),
            2 => Ok(1 << 50),
            _ => Err(NOT_SUPPORTED),
        }
    }

    pub fn enqueue(
        self,
        stream: u64,
        [alpha, beta]: [f32; 2],
        [x, w, y]: [u64; 3],
        algorithm: c_int,
        workspace: u64,
        bytes: usize,
    ) -> Result<(), c_int> {
        if self.workspace(algorithm)? > bytes {
            return Err(SIZE_INSUFFICIENT);
        }
        let size = self.kind.bytes();
        if [x, w, y].iter().any(|address| *address == 0 || !address.is_multiple_of(size))
            || !workspace.is_multiple_of(16)
        {
            return Err(BAD_PARAM);
        }
        let extent = |sizes: [u64; 4], strides: [u64; 4]| {
            size * (1 + sizes.iter().zip(strides).map(|(size, stride)| (size - 1) * stride).sum::<u64>())
        };
        let mut ranges = vec![
            [x, extent(self.x.size, self.x.stride)],
            [w, extent(self.w.size, self.w.stride)],
            [y, extent(self.y.size, self.y.stride)],
        ];
        if bytes > 0 {
            ranges.push([workspace, bytes as u64]);
        }
        count(&format!("algorithm {algorithm}"));
        count(if self.by.math == FMA_MATH { "convolutions by fma" } else { "convolutions by tensor cores" });
        let work = move || {
            // SAFETY: the driver has looked the ranges up.
            unsafe { (workspace as *mut u8).write_bytes(0xff, bytes) };
            self.run([alpha, beta], [x, w, y]);
        };
        if driver::enqueue(stream, &ranges, work) { Ok(()) } else { Err(EXECUTION_FAILED) }
    }

    fn run(&self, [alpha, beta]: [f32; 2], [x, w, y]: [u64; 3]) {
        let [pictures, rows, height, width] = self.y.size;
        let through_cores = self.kind == Kind::F32 && self.by.math != FMA_MATH;
        let mut sums = vec![0.0_f32; (height * width) as usize];
        for n in 0..pictures {
            for k in 0..rows {
                sums.fill(0.0);
                let channels = self.w.size[1];
                let first = k / (rows / self.by.groups) * channels;
                for c in 0..channels {
                    let weight = w + self.kind.bytes() * (k * self.w.stride[0] + c * self.w.stride[1]);
                    let from = n * self.x.stride[0] + (first + c) * self.x.stride[1];
                    self.add(&mut sums, x + self.kind.bytes() * from, weight, through_cores);
                }
                for (place, sum) in sums.iter().enumerate() {
                    let (row, column) = (place as u64 / width, place as u64 % width);
                    let at = n * self.y.stride[0] + k * self.y.stride[1];
                    let at = at + row * self.y.stride[2] + column * self.y.stride[3];
                    // SAFETY: inside the ranges.
                    unsafe {
                        let before = if beta == 0.0 { 0.0 } else { beta * self.kind.read(y, at) };
                        self.kind.write(y, at, alpha * sum + before);
                    }
                }
            }
        }
    }

    /// One channel of one row.
    fn add(&self, sums: &mut [f32], x: u64, w: u64, through_cores: bool) {
        let [_, _, tall, wide] = self.w.size;
        let ([_, _, height, width], columns) = (self.x.size, self.y.size[3] as usize);
        for (r, s) in (0..tall).flat_map(|r| (0..wide).map(move |s| (r, s))) {
            let (from_r, from_s) = if self.by.is_turned { (tall - 1 - r, wide - 1 - s) } else { (r, s) };
            // SAFETY: inside the ranges.
            let weight = unsafe { self.kind.read(w, from_r * self.w.stride[2] + from_s * self.w.stride[3]) };
            let weight = if through_cores { tf32(weight) } else { weight };
            for (row, sums) in sums.chunks_mut(columns).enumerate() {
                let at_y = (row as u64 * self.by.stride[0] + r * self.by.dilation[0]).wrapping_sub(self.by.pad[0]);
                if at_y >= height {
                    continue;
                }
                for (column, sum) in sums.iter_mut().enumerate() {
                    let at_x =
                        (column as u64 * self.by.stride[1] + s * self.by.dilation[1]).wrapping_sub(self.by.pad[1]);
                    if at_x < width {
                        // SAFETY: inside the ranges.
                        let value = unsafe { self.kind.read(x, at_y * self.x.stride[2] + at_x * self.x.stride[3]) };
                        *sum += weight * if through_cores { tf32(value) } else { value };
                    }
                }
            }
        }
    }
}
