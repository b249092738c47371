//! Elements in memory.

/// What elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    F32,
    Bf16,
}

impl Kind {
    pub fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::Bf16 => 2,
        }
    }

    /// # Safety
    /// Elements lie there, at least `index` + 1 of them.
    pub unsafe fn read(self, address: u64, index: u64) -> f32 {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Self::F32 => (address as *const f32).add(index as usize).read(),
                Self::Bf16 => f32::from_bits(u32::from((address as *const u16).add(index as usize).read()) << 16),
            }
        }
    }

    /// # Safety
    /// There is room for `index` + 1 elements.
    pub unsafe fn write(self, address: u64, index: u64, value: f32) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Self::F32 => (address as *mut f32).add(index as usize).write(value),
                Self::Bf16 => (address as *mut u16).add(index as usize).write(rounded(value, 16) as u16),
            }
        }
    }
}

/// The upper bits of a float when the lowest ones are rounded away, to nearest and ties to even.
fn rounded(value: f32, bits: u32) -> u32 {
    let all = value.to_bits();
    if value.is_nan() {
        return all >> bits;
    }
    (all + (1 << (bits - 1)) - 1 + (all >> bits & 1)) >> bits
}

/// As tensor cores take a float where they are let: 10 bits of mantissa.
pub fn tf32(value: f32) -> f32 {
    f32::from_bits(rounded(value, 13) << 13)
}
