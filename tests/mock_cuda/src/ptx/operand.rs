//! Operands: registers, numbers, and names of variables.

use super::rows::{LANES, Long, Word};
use std::collections::HashMap;

/// A register's place in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// Of 16 or 32 bits.
    Word(u32),
    /// Of 64 bits.
    Long(u32),
    Predicate(u32),
}

/// The registers that say where a thread is, in the order of their places.
pub const SPECIAL: [&str; 13] = [
    "%tid.x",
    "%tid.y",
    "%tid.z",
    "%ntid.x",
    "%ntid.y",
    "%ntid.z",
    "%ctaid.x",
    "%ctaid.y",
    "%ctaid.z",
    "%nctaid.x",
    "%nctaid.y",
    "%nctaid.z",
    "%laneid",
];

/// What the names in a kernel stand for. Numbers become registers that never change.
pub struct Names {
    single: HashMap<String, Register>,
    /// First place of the registers that have this name and a number.
    families: HashMap<String, (Register, u32)>,
    pub words: Vec<Word>,
    pub longs: Vec<Long>,
    pub predicates: u32,
    word_constants: HashMap<u32, u32>,
    long_constants: HashMap<u64, u32>,
    /// Addresses of variables.
    pub symbols: HashMap<String, u64>,
}

impl Names {
    pub fn new(symbols: HashMap<String, u64>) -> Self {
        Self {
            single: HashMap::new(),
            families: HashMap::new(),
            words: vec![[0; LANES]; SPECIAL.len()],
            longs: Vec::new(),
            predicates: 0,
            word_constants: HashMap::new(),
            long_constants: HashMap::new(),
            symbols,
        }
    }

    /// Declare registers: %r<72> stands for %r0 to %r71.
    pub fn declare(&mut self, bytes: usize, name: &str) -> Result<(), String> {
        let (name, count) = match name.split_once('<') {
            Some((name, count)) => (name, count.trim_end_matches('>').parse::<u32>().map_err(|_| name.to_owned())?),
            None => (name, 0),
        };
        let places = count.max(1) as usize;
        // never written: a bit pattern that is not a number
        let first = match bytes {
            0 => {
                self.predicates += places as u32;
                Register::Predicate(self.predicates - places as u32)
            }
            8 => {
                self.longs.resize(self.longs.len() + places, [u64::MAX; LANES]);
                Register::Long((self.longs.len() - places) as u32)
            }
            _ => {
                self.words.resize(self.words.len() + places, [u32::MAX; LANES]);
                Register::Word((self.words.len() - places) as u32)
            }
        };
        match count {
            0 => drop(self.single.insert(name.to_owned(), first)),
            _ => drop(self.families.insert(name.to_owned(), (first, count))),
        }
        Ok(())
    }

    /// The register of this name.
    pub fn register(&self, name: &str) -> Result<Register, String> {
        if let Some(found) = self.single.get(name) {
            return Ok(*found);
        }
        if let Some(place) = SPECIAL.iter().position(|special| *special == name) {
            return Ok(Register::Word(place as u32));
        }
        let family = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = name[family.len()..].parse::<u32>().ok();
        match (self.families.get(family), number) {
            (Some((first, count)), Some(number)) if number < *count => Ok(match *first {
                Register::Word(first) => Register::Word(first + number),
                Register::Long(first) => Register::Long(first + number),
                Register::Predicate(first) => Register::Predicate(first + number),
            }),
            _ => Err(format!("unknown register {name}")),
        }
    }

    /// A register of 32 bits, a number, or a variable's address.
    pub fn word(&mut self, text: &str) -> Result<u32, String> {
        let value = match immediate(text).or_else(|| self.symbols.get(text).copied()) {
            Some(value) => value as u32,
            None => {
                return match self.register(text)? {
                    Register::Word(place) => Ok(place),
                    other => Err(format!("{text} is {other:?}, not of 32 bits")),
                };
            }
        };
        let words = &mut self.words;
        Ok(*self.word_constants.entry(value).or_insert_with(|| {
            words.push([value; LANES]);
            (words.len() - 1) as u32
        }))
    }

    /// A register of 64 bits, a number, or a variable's address.
    pub fn long(&mut self, text: &str) -> Result<u32, String> {
        let value = match immediate(text).or_else(|| self.symbols.get(text).copied()) {
            Some(value) => value,
            None => {
                return match self.register(text)? {
                    Register::Long(place) => Ok(place),
                    other => Err(format!("{text} is {other:?}, not of 64 bits")),
                };
            }
        };
        let longs = &mut self.longs;
        Ok(*self.long_constants.entry(value).or_insert_with(|| {
            longs.push([value; LANES]);
            (longs.len() - 1) as u32
        }))
    }

    pub fn predicate(&self, text: &str) -> Result<u32, String> {
        match self.register(text)? {
            Register::Predicate(place) => Ok(place),
            other => Err(format!("{text} is {other:?}, not a predicate")),
        }
    }
}

/// The bits of a number such as -5, 0x1F, 0f3F800000 or 0d3FF0000000000000.
pub fn immediate(text: &str) -> Option<u64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_end_matches('U');
    let magnitude = match digits.get(..2) {
        Some("0f" | "0F" | "0d" | "0D" | "0x" | "0X") => u64::from_str_radix(&digits[2..], 16).ok()?,
        _ => digits.parse::<u64>().ok()?,
    };
    Some(if negative { magnitude.wrapping_neg() } else { magnitude })
}
