//! Changes of memory that no other thread comes in between.

/// What becomes of a value of 32 or 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Add,
    Min,
    Max,
    MinSigned,
    MaxSigned,
    And,
    Or,
    Xor,
    Exchange,
    CompareExchange,
    AddSingle,
    AddDouble,
}

impl Change {
    /// `atom` or `red` with this operation ("min") and type ("u64").
    pub fn parse(name: &str, kind: &str) -> Option<Self> {
        Some(match (name, kind) {
            ("add", "u32" | "s32" | "u64") => Self::Add,
            ("add", "f32") => Self::AddSingle,
            ("add", "f64") => Self::AddDouble,
            ("min", "u32" | "u64") => Self::Min,
            ("max", "u32" | "u64") => Self::Max,
            ("min", "s32" | "s64") => Self::MinSigned,
            ("max", "s32" | "s64") => Self::MaxSigned,
            ("and", "b32" | "b64") => Self::And,
            ("or", "b32" | "b64") => Self::Or,
            ("xor", "b32" | "b64") => Self::Xor,
            ("exch", "b32" | "b64") => Self::Exchange,
            ("cas", "b32" | "b64") => Self::CompareExchange,
            _ => return None,
        })
    }

    /// The new value; all have `bytes` bytes.
    pub fn apply(self, old: u64, operand: u64, compared: u64, bytes: usize) -> u64 {
        let signed = |value: u64| if bytes == 4 { i64::from(value as i32) } else { value as i64 };
        match self {
            Self::Add => old.wrapping_add(operand),
            Self::Min => old.min(operand),
            Self::Max => old.max(operand),
            Self::MinSigned => {
                if signed(old) <= signed(operand) {
                    old
                } else {
                    operand
                }
            }
            Self::MaxSigned => {
                if signed(old) >= signed(operand) {
                    old
                } else {
                    operand
                }
            }
            Self::And => old & operand,
            Self::Or => old | operand,
            Self::Xor => old ^ operand,
            Self::Exchange => operand,
            Self::CompareExchange => {
                if old == operand {
                    compared
                } else {
                    old
                }
            }
            Self::AddSingle => u64::from((f32::from_bits(old as u32) + f32::from_bits(operand as u32)).to_bits()),
            Self::AddDouble => (f64::from_bits(old) + f64::from_bits(operand)).to_bits(),
        }
    }
}
