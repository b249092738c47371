//! The registers of a warp, and what is computed in them.

use super::decode::Kernel;
use super::instruction::Kind;
use super::operand::Register;
use super::rows::{ALL, LANES, Long, Operation, Word};

/// The registers of a warp, each with a value of every lane.
pub struct Registers {
    pub words: Vec<Word>,
    pub longs: Vec<Long>,
    pub predicates: Vec<u32>,
}

impl Registers {
    pub fn new(kernel: &Kernel) -> Self {
        let (words, longs) = (kernel.words.clone(), kernel.longs.clone());
        Self { words, longs, predicates: vec![0; kernel.predicates] }
    }

    /// to ← operation(a, b, c) in the active lanes.
    pub fn compute(&mut self, operation: &Operation, [to, a, b, c]: [u32; 4], active: u32) {
        use Operation as O;
        let (w, l, p) = (&self.words, &self.longs, &self.predicates);
        let (a, b, c) = (a as usize, b as usize, c as usize);
        match operation {
            O::W(f) => self.set_word(to, f(&w[a]), active),
            O::WW(f) => self.set_word(to, f(&w[a], &w[b]), active),
            O::WWW(f) => self.set_word(to, f(&w[a], &w[b], &w[c]), active),
            O::NarrowL(f) => self.set_word(to, f(&l[a]), active),
            O::L(f) => self.set_long(to, f(&l[a]), active),
            O::LL(f) => self.set_long(to, f(&l[a], &l[b]), active),
            O::LLL(f) => self.set_long(to, f(&l[a], &l[b], &l[c]), active),
            O::LW(f) => self.set_long(to, f(&l[a], &w[b]), active),
            O::WideW(f) => self.set_long(to, f(&w[a]), active),
            O::WideWW(f) => self.set_long(to, f(&w[a], &w[b]), active),
            O::WideWWL(f) => self.set_long(to, f(&w[a], &w[b], &l[c]), active),
            O::ChooseW => self.set_word(to, chosen(p[c], &w[a], &w[b]), active),
            O::ChooseL => self.set_long(to, chosen(p[c], &l[a], &l[b]), active),
            O::Convert(conversion) => {
                let files = conversion.files();
                let from = |i: usize| if files.ends_with('l') { l[a][i] } else { u64::from(w[a][i]) };
                let values: Long = std::array::from_fn(|i| conversion.apply(from(i)));
                match files.starts_with('l') {
                    true => self.set_long(to, values, active),
                    false => self.set_word(to, values.map(|value| value as u32), active),
                }
            }
            O::TestWW(f) => self.set_predicate(to, f(&w[a], &w[b]), active),
            O::TestLL(f) => self.set_predicate(to, f(&l[a], &l[b]), active),
            O::P(f) => self.set_predicate(to, f(p[a]), active),
            O::PP(f) => self.set_predicate(to, f(p[a], p[b]), active),
        }
    }

    /// A comparison, combined with another predicate.
    pub fn test(&mut self, kind: &Kind, active: u32) {
        let Kind::Test { operation, to, a, b, with } = kind else { return };
        let (a, b) = (*a as usize, *b as usize);
        let tested = match operation {
            Operation::TestWW(f) => f(&self.words[a], &self.words[b]),
            Operation::TestLL(f) => f(&self.longs[a], &self.longs[b]),
            _ => return,
        };
        let combined = with.map_or(tested, |(combine, other, holds)| {
            let other = self.predicates[other as usize];
            combine(tested, if holds { other } else { !other })
        });
        self.set_predicate(*to, combined, active);
    }

    pub fn set_word(&mut self, to: u32, value: Word, active: u32) {
        set(&mut self.words[to as usize], value, active);
    }

    pub fn set_long(&mut self, to: u32, value: Long, active: u32) {
        set(&mut self.longs[to as usize], value, active);
    }

    pub fn set_predicate(&mut self, to: u32, value: u32, active: u32) {
        let row = &mut self.predicates[to as usize];
        *row = *row & !active | value & active;
    }

    #[inline(always)]
    pub fn get(&self, register: Register, lane: usize) -> u64 {
        match register {
            Register::Word(place) => u64::from(self.words[place as usize][lane]),
            Register::Long(place) => self.longs[place as usize][lane],
            Register::Predicate(place) => u64::from(self.predicates[place as usize] >> lane & 1),
        }
    }

    #[inline(always)]
    pub fn put(&mut self, register: Register, lane: usize, value: u64) {
        match register {
            Register::Word(place) => self.words[place as usize][lane] = value as u32,
            Register::Long(place) => self.longs[place as usize][lane] = value,
            Register::Predicate(_) => {}
        }
    }
}

#[inline(always)]
fn set<T: Copy>(row: &mut [T; LANES], value: [T; LANES], active: u32) {
    if active == ALL {
        *row = value;
    } else {
        lanes_of(active).for_each(|lane| row[lane] = value[lane]);
    }
}

fn chosen<T: Copy>(mask: u32, a: &[T; LANES], b: &[T; LANES]) -> [T; LANES] {
    std::array::from_fn(|i| if mask >> i & 1 == 1 { a[i] } else { b[i] })
}

/// The lanes of a mask.
pub fn lanes_of(mask: u32) -> impl Iterator<Item = usize> {
    let mut left = mask;
    std::iter::from_fn(move || {
        let lane = left.trailing_zeros() as usize;
        left &= left.wrapping_sub(1);
        (lane < LANES).then_some(lane)
    })
}
