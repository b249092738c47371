//! PyTorch's generator of normal numbers on the CPU: a Mersenne Twister and Box–Muller, in blocks of 16.

pub struct Torch {
    state: [u32; 624],
    index: usize,
}

impl Torch {
    pub fn new(seed: u32) -> Self {
        let mut state = [seed; 624];
        for i in 1..624 {
            let before = state[i - 1];
            state[i] = 1_812_433_253u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(i as u32);
        }
        Self { state, index: 624 }
    }

    fn word(&mut self) -> u32 {
        if self.index == 624 {
            for i in 0..624 {
                let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % 624] & 0x7fff_ffff);
                self.state[i] = self.state[(i + 397) % 624] ^ (y >> 1) ^ if y & 1 == 1 { 0x9908_b0df } else { 0 };
            }
            self.index = 0;
        }
        let mut y = self.state[self.index];
        self.index += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// `torch.randn(count)`, for multiples of 16.
    pub fn randn(&mut self, count: usize) -> Vec<f64> {
        assert!(count.is_multiple_of(16));
        let mut data: Vec<f64> = (0..count).map(|_| f64::from(self.word() & 0xff_ffff) / 16_777_216.0).collect();
        for block in data.chunks_mut(16) {
            for j in 0..8 {
                let (u1, u2) = (1.0 - block[j], block[j + 8]);
                let (radius, angle) = ((-2.0 * u1.ln()).sqrt(), 2.0 * std::f64::consts::PI * u2);
                (block[j], block[j + 8]) = (radius * angle.cos(), radius * angle.sin());
            }
        }
        data
    }
}
