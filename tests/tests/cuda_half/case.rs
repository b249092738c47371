//! Convolutions by their definition.

use super::bench::Expected;

/// A convolution, what lies around its arrays, and what follows it.
#[derive(Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub pictures: usize,
    pub size: [usize; 2],
    pub cin: usize,
    pub cout: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    /// Each place of the input stands for 2 x 2.
    pub is_enlarged: bool,
    pub is_transposed: bool,
    /// Channels beside those of the input and the output.
    pub beside: [usize; 2],
    /// f32 as [picture, channel, place].
    pub is_float: bool,
    pub has_program: bool,
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

pub const CASES: [Case; 7] = [
    Case { name: "3 x 3 with a program", has_program: true, ..PLAIN },
    Case { name: "1 x 1 to f32", kernel: 1, padding: 0, cin: 8, cout: 3, is_float: true, has_program: true, ..PLAIN },
    Case { name: "stride 2", cin: 40, cout: 136, stride: 2, ..PLAIN },
    Case { name: "transposed", cin: 16, kernel: 4, stride: 2, is_transposed: true, has_program: true, ..PLAIN },
    Case { name: "enlarged", pictures: 3, size: [4, 6], is_enlarged: true, ..PLAIN },
    Case { name: "a product", size: [1, 67], kernel: 1, padding: 0, cin: 104, cout: 72, beside: [16, 8], ..PLAIN },
    Case { name: "one place", pictures: 1, size: [1, 1], cin: 72, cout: 8, ..PLAIN },
];

impl Case {
    pub fn height(&self) -> [usize; 2] {
        self.size.map(|size| if self.is_enlarged { 2 * size } else { size })
    }

    pub fn out(&self) -> [usize; 2] {
        let before = 2 * self.padding;
        self.height().map(|size| match self.is_transposed {
            true => (size - 1) * self.stride + self.kernel - before,
            false => (size + before - self.kernel) / self.stride + 1,
        })
    }

    pub fn places(&self) -> usize {
        self.out().iter().product()
    }

    /// Which kernel elements (ky, kx) a phase has, and the input's place that each reads from the phase's corner.
    pub fn taps(&self, phase: usize) -> Vec<([usize; 2], [i32; 2])> {
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

    pub fn phases(&self) -> usize {
        if self.is_transposed { self.stride * self.stride } else { 1 }
    }

    /// Sums by the definition: over what lies inside, of weights [cout][cin][ky][kx].
    pub fn expected(&self, x: &[f64], weights: &[f64]) -> Vec<Expected> {
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
