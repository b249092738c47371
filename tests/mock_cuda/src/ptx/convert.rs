//! Conversions between types.

use super::rows::{Operation, lanes, op};

/// A type that values are converted from or to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Signed(u32),
    Unsigned(u32),
    F32,
    F64,
}

impl Kind {
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "s8" => Self::Signed(8),
            "s16" => Self::Signed(16),
            "s32" => Self::Signed(32),
            "s64" => Self::Signed(64),
            "u8" => Self::Unsigned(8),
            "u16" => Self::Unsigned(16),
            "u32" => Self::Unsigned(32),
            "u64" => Self::Unsigned(64),
            "f32" => Self::F32,
            "f64" => Self::F64,
            _ => return None,
        })
    }

    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }
}

/// How a float becomes whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    Exact,
    Nearest,
    Zero,
    Down,
    Up,
}

/// From one type to another.
#[derive(Clone, Copy, Debug)]
pub struct Conversion {
    pub from: Kind,
    pub to: Kind,
    rounding: Rounding,
    saturate: bool,
}

/// `cvt` with these suffixes, such as ["rzi", "s32", "f32"].
pub fn conversion(suffixes: &[&str]) -> Option<Operation> {
    let (mut saturate, mut rounding, mut nearest) = (false, Rounding::Exact, false);
    let (last, rest) = suffixes.split_last()?;
    let (to, rest) = rest.split_last()?;
    for suffix in rest {
        match *suffix {
            "sat" => saturate = true,
            "rn" => nearest = true,
            "rni" => rounding = Rounding::Nearest,
            "rzi" => rounding = Rounding::Zero,
            "rmi" => rounding = Rounding::Down,
            "rpi" => rounding = Rounding::Up,
            _ => return None,
        }
    }
    let (from, to) = (Kind::parse(last)?, Kind::parse(to)?);
    let whole = rounding != Rounding::Exact;
    let valid = match (from.is_float(), to.is_float()) {
        (false, false) => !whole && !nearest,
        (false, true) => !whole && nearest && !saturate,
        (true, false) => whole && !nearest,
        (true, true) => whole && from == to || !whole && nearest == (from == Kind::F64 && to == Kind::F32),
    };
    if !valid {
        return None;
    }
    Some(match (from, to) {
        (Kind::Unsigned(32), Kind::Unsigned(64) | Kind::Signed(64)) => op!(WideW, |a| u64::from(a)),
        (Kind::Signed(32), Kind::Unsigned(64) | Kind::Signed(64)) if !saturate => op!(WideW, |a| a as i32 as u64),
        (Kind::Unsigned(64) | Kind::Signed(64), Kind::Unsigned(32) | Kind::Signed(32)) if !saturate => {
            op!(NarrowL, |a| a as u32)
        }
        (Kind::F32, Kind::F64) if !saturate => op!(WideW, |a| f64::from(f32::from_bits(a)).to_bits()),
        (Kind::F64, Kind::F32) if !saturate => op!(NarrowL, |a| (f64::from_bits(a) as f32).to_bits()),
        (Kind::Signed(32), Kind::F32) => op!(W, |a| (a as i32 as f32).to_bits()),
        (Kind::Unsigned(32), Kind::F32) => op!(W, |a| (a as f32).to_bits()),
        _ => Operation::Convert(Conversion { from, to, rounding, saturate }),
    })
}

impl Conversion {
    /// Register files of the destination and the source, as the decoder names them.
    pub fn files(&self) -> &'static str {
        let long = |kind| matches!(kind, Kind::F64 | Kind::Signed(64) | Kind::Unsigned(64));
        match (long(self.to), long(self.from)) {
            (false, false) => "ww",
            (false, true) => "wl",
            (true, false) => "lw",
            (true, true) => "ll",
        }
    }

    /// One value, in the lower bits.
    pub fn apply(&self, bits: u64) -> u64 {
        match self.from {
            Kind::F32 => self.of_float(f64::from(f32::from_bits(bits as u32))),
            Kind::F64 => self.of_float(f64::from_bits(bits)),
            Kind::Signed(width) => self.of_integer(i128::from((bits << (64 - width)) as i64 >> (64 - width))),
            Kind::Unsigned(width) => self.of_integer(i128::from(bits << (64 - width) >> (64 - width))),
        }
    }

    fn of_integer(&self, value: i128) -> u64 {
        match self.to {
            Kind::F32 => u64::from((value as f32).to_bits()), // each is rounded once
            Kind::F64 => (value as f64).to_bits(),
            Kind::Signed(width) | Kind::Unsigned(width) => {
                let value = if self.saturate { self.clamped(value) } else { value };
                self.kept(value as u64, width)
            }
        }
    }

    /// A float, exactly as f64. To an integer it is always clamped.
    fn of_float(&self, value: f64) -> u64 {
        let value = match self.rounding {
            Rounding::Exact => value,
            Rounding::Nearest => value.round_ties_even(),
            Rounding::Zero => value.trunc(),
            Rounding::Down => value.floor(),
            Rounding::Up => value.ceil(),
        };
        let value = match self.saturate && self.to.is_float() {
            true if value.is_nan() => 0.0,
            true => value.clamp(0.0, 1.0) + 0.0, // -0 becomes 0
            false => value,
        };
        match self.to {
            Kind::F32 if value.is_nan() => 0x7fff_ffff,
            Kind::F32 => u64::from((value as f32).to_bits()),
            Kind::F64 => value.to_bits(),
            Kind::Signed(width) | Kind::Unsigned(width) => self.kept(self.clamped(value as i128) as u64, width),
        }
    }

    /// The lower bits, extended by the type's sign in a register that is wider.
    fn kept(&self, value: u64, width: u32) -> u64 {
        match self.to {
            Kind::Signed(_) => ((value << (64 - width)) as i64 >> (64 - width)) as u64,
            _ => value << (64 - width) >> (64 - width),
        }
    }

    fn clamped(&self, value: i128) -> i128 {
        match self.to {
            Kind::Signed(width) => value.clamp(-(1 << (width - 1)), (1 << (width - 1)) - 1),
            Kind::Unsigned(width) => value.clamp(0, (1 << width) - 1),
            _ => value,
        }
    }
}
