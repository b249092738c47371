//! A warp: 32 lanes that go on together where they are at the same instruction.
//!
//! Of the groups of lanes that are at different instructions, the one that is furthest behind goes on, which lets lanes that
//! parted meet again.

use super::Fault;
use super::address::{Spaces, of_lane};
use super::decode::Kernel;
use super::instruction::{Address, Kind, Shuffle, View, Vote};
use super::operand::Register;
use super::rows::{ALL, LANES, Long, Operation, Word};
use crate::code::Code;

/// Instructions after which a kernel is taken for endless.
const MOST: u64 = 20_000_000_000;

/// What is common to the threads of a launch.
pub struct Common<'a> {
    pub kernel: &'a Kernel,
    pub parameters: &'a [u8],
    pub spaces: Spaces<'a>,
    /// Instructions so far, of warps.
    pub done: u64,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    at: u32,
    mask: u32,
    waits: Waits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    No,
    /// For the whole block.
    Block,
    /// For other lanes of the warp.
    Lanes,
}

pub struct Warp {
    pub words: Vec<Word>,
    longs: Vec<Long>,
    predicates: Vec<u32>,
    local: Vec<u8>,
    groups: Vec<Group>,
}

impl Warp {
    pub fn new(kernel: &Kernel) -> Self {
        Self {
            words: kernel.words.clone(),
            longs: kernel.longs.clone(),
            predicates: vec![0; kernel.predicates],
            local: vec![0xff; kernel.local * LANES],
            groups: Vec::new(),
        }
    }

    /// These lanes begin with the first instruction.
    pub fn start(&mut self, mask: u32) {
        self.groups.clear();
        self.groups.push(Group { at: 0, mask, waits: Waits::No });
    }

    pub fn is_over(&self) -> bool {
        self.groups.is_empty()
    }

    /// The instruction of the barrier at which all lanes that are left wait.
    pub fn barrier(&self) -> Result<u32, Fault> {
        let first = self.groups[0].at;
        match self.groups.iter().find(|group| group.at != first) {
            None => Ok(first),
            Some(other) => {
                let message =
                    format!("lanes {:#010x} and {:#010x} wait at different barriers", self.groups[0].mask, other.mask);
                Err(Fault::new(Code::LAUNCH_FAILED, message))
            }
        }
    }

    /// Leave the barrier.
    pub fn release(&mut self) {
        let mask = self.groups.iter().fold(0, |mask, group| mask | group.mask);
        let at = self.groups[0].at + 1;
        self.groups.clear();
        self.groups.push(Group { at, mask, waits: Waits::No });
    }

    /// Go on until all lanes wait for the block or are over.
    pub fn run(&mut self, common: &mut Common<'_>) -> Result<(), Fault> {
        loop {
            let ready = self.groups.iter().filter(|group| group.waits == Waits::No);
            let Some(at) = ready.map(|group| group.at).min() else { break };
            let mut mask = 0;
            self.groups.retain(|group| {
                let taken = group.at == at && group.waits == Waits::No;
                mask |= if taken { group.mask } else { 0 };
                !taken
            });
            self.advance(common, at, mask)?;
        }
        match self.groups.iter().find(|group| group.waits == Waits::Lanes) {
            None => Ok(()),
            Some(group) => {
                let message = format!("lanes {:#010x} wait for others of their warp, which never come", group.mask);
                Err(located(common, group.at, Fault::new(Code::LAUNCH_FAILED, message)))
            }
        }
    }

    /// Lanes go on together until they part, wait, or catch up with others.
    fn advance(&mut self, common: &mut Common<'_>, mut at: u32, mut mask: u32) -> Result<(), Fault> {
        let ready = self.groups.iter().filter(|group| group.waits == Waits::No);
        let stop = ready.map(|group| group.at).min().unwrap_or(u32::MAX);
        let kernel = common.kernel;
        while at < stop {
            let instruction = &kernel.code[at as usize];
            common.done += 1;
            let active = match instruction.guard {
                None => mask,
                Some((predicate, true)) => mask & self.predicates[predicate as usize],
                Some((predicate, false)) => mask & !self.predicates[predicate as usize],
            };
            if active == 0 {
                at += 1;
                continue;
            }
            match &instruction.kind {
                Kind::Compute { operation, to, a, b, c } => self.compute(operation, [*to, *a, *b, *c], active),
                Kind::Jump { target } if active == mask => {
                    at = *target;
                    if common.done > MOST {
                        let fault = Fault::new(Code::LAUNCH_FAILED, "it does not end");
                        return Err(located(common, at, fault));
                    }
                    continue;
                }
                Kind::Jump { target } => {
                    self.groups.push(Group { at: *target, mask: active, waits: Waits::No });
                    self.groups.push(Group { at: at + 1, mask: mask & !active, waits: Waits::No });
                    return Ok(());
                }
                Kind::Choose { index, targets } => {
                    self.choose(at, mask, active, *index, targets);
                    return Ok(());
                }
                Kind::Exit => {
                    mask &= !active;
                    if mask == 0 {
                        return Ok(());
                    }
                }
                Kind::Barrier => {
                    self.groups.push(Group { at, mask: active, waits: Waits::Block });
                    mask &= !active;
                    if mask == 0 {
                        return Ok(());
                    }
                }
                Kind::Shuffle { members, .. } | Kind::Vote { members, .. } | Kind::WarpBarrier { members } => {
                    let members = self.words[*members as usize][active.trailing_zeros() as usize];
                    let met = self.meet(at, active, members).map_err(|fault| located(common, at, fault))?;
                    mask &= !active;
                    let Some(met) = met else {
                        if mask == 0 {
                            return Ok(());
                        }
                        at += 1;
                        continue;
                    };
                    self.exchange(&instruction.kind, met).map_err(|fault| located(common, at, fault))?;
                    mask |= met;
                }
                Kind::Active { to } => self.set_word(*to, [mask; LANES], active),
                kind => self.access(kind, active, common).map_err(|fault| located(common, at, fault))?,
            }
            at += 1;
        }
        self.groups.push(Group { at, mask, waits: Waits::No });
        Ok(())
    }

    fn compute(&mut self, operation: &Operation, [to, a, b, c]: [u32; 4], active: u32) {
        use Operation as O;
        let (w, l) = (&self.words, &self.longs);
        let (to, a, b, c) = (to as usize, a as usize, b as usize, c as usize);
        let (word, long) = match operation {
            O::W(f) => (Some(f(&w[a])), None),
            O::WW(f) => (Some(f(&w[a], &w[b])), None),
            O::WWW(f) => (Some(f(&w[a], &w[b], &w[c])), None),
            O::NarrowL(f) => (Some(f(&l[a])), None),
            O::L(f) => (None, Some(f(&l[a]))),
            O::LL(f) => (None, Some(f(&l[a], &l[b]))),
            O::LLL(f) => (None, Some(f(&l[a], &l[b], &l[c]))),
            O::LW(f) => (None, Some(f(&l[a], &w[b]))),
            O::WideW(f) => (None, Some(f(&w[a]))),
            O::WideWW(f) => (None, Some(f(&w[a], &w[b]))),
            O::WideWWL(f) => (None, Some(f(&w[a], &w[b], &l[c]))),
            O::ChooseW => {
                let mask = self.predicates[c];
                (Some(std::array::from_fn(|i| if mask >> i & 1 == 1 { w[a][i] } else { w[b][i] })), None)
            }
            O::ChooseL => {
                let mask = self.predicates[c];
                (None, Some(std::array::from_fn(|i| if mask >> i & 1 == 1 { l[a][i] } else { l[b][i] })))
            }
            O::Convert(conversion) => {
                let files = conversion.files();
                let from = |i: usize| if files.ends_with('l') { l[a][i] } else { u64::from(w[a][i]) };
                let values: Long = std::array::from_fn(|i| conversion.apply(from(i)));
                if files.starts_with('l') {
                    (None, Some(values))
                } else {
                    (Some(values.map(|value| value as u32)), None)
                }
            }
            O::TestWW(f) => return self.set_predicate(to, f(&w[a], &w[b]), active),
            O::TestLL(f) => return self.set_predicate(to, f(&l[a], &l[b]), active),
            O::P(f) => return self.set_predicate(to, f(self.predicates[a]), active),
            O::PP(f) => return self.set_predicate(to, f(self.predicates[a], self.predicates[b]), active),
        };
        if let Some(word) = word {
            self.set_word(to as u32, word, active);
        } else if let Some(long) = long {
            let row = &mut self.longs[to];
            if active == ALL {
                *row = long;
            } else {
                of(active).for_each(|lane| row[lane] = long[lane]);
            }
        }
    }

    fn set_word(&mut self, to: u32, value: Word, active: u32) {
        let row = &mut self.words[to as usize];
        if active == ALL {
            *row = value;
        } else {
            of(active).for_each(|lane| row[lane] = value[lane]);
        }
    }

    fn set_predicate(&mut self, to: usize, value: u32, active: u32) {
        let row = &mut self.predicates[to];
        *row = *row & !active | value & active;
    }

    /// Lanes that wait here for each other: all of the members, once they are here.
    fn meet(&mut self, at: u32, active: u32, members: u32) -> Result<Option<u32>, Fault> {
        if members == 0 {
            return Ok(Some(active)); // a fence
        }
        let mut here = active;
        self.groups.retain(|group| {
            let taken = group.at == at && group.waits == Waits::Lanes;
            here |= if taken { group.mask } else { 0 };
            !taken
        });
        if here & !members != 0 {
            let message = format!("lanes {here:#010x} are not all among the members {members:#010x}");
            return Err(Fault::new(Code::LAUNCH_FAILED, message));
        }
        if members & !here != 0 {
            self.groups.push(Group { at, mask: here, waits: Waits::Lanes });
            return Ok(None);
        }
        Ok(Some(here))
    }

    /// What lanes that have met do.
    fn exchange(&mut self, kind: &Kind, met: u32) -> Result<(), Fault> {
        match *kind {
            Kind::Shuffle { mode, to, valid, value, lane, limits, .. } => {
                let (values, by, limits) =
                    (self.words[value as usize], self.words[lane as usize], self.words[limits as usize]);
                let (mut result, mut inside) = (values, 0);
                for lane in of(met) {
                    let (from, holds) = source(mode, lane as u32, by[lane] & 31, limits[lane]);
                    if met >> from & 1 == 0 {
                        return Err(Fault::new(
                            Code::LAUNCH_FAILED,
                            format!("lane {lane} reads lane {from}, which is not there"),
                        ));
                    }
                    result[lane] = values[from as usize];
                    inside |= u32::from(holds) << lane;
                }
                self.set_word(to, result, met);
                if let Some(valid) = valid {
                    self.set_predicate(valid as usize, inside, met);
                }
            }
            Kind::Vote { mode, to, of, holds, .. } => {
                let bits = self.predicates[of as usize];
                let bits = if holds { bits } else { !bits } & met;
                let all = |yes: bool| if yes { ALL } else { 0 };
                match (mode, to) {
                    (Vote::Ballot, Register::Word(to)) => self.set_word(to, [bits; LANES], met),
                    (Vote::All, Register::Predicate(to)) => self.set_predicate(to as usize, all(bits == met), met),
                    (Vote::Any, Register::Predicate(to)) => self.set_predicate(to as usize, all(bits != 0), met),
                    (Vote::Uniform, Register::Predicate(to)) => {
                        self.set_predicate(to as usize, all(bits == met || bits == 0), met);
                    }
                    _ => return Err(Fault::new(Code::INVALID_PTX, "a vote into another register")),
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn choose(&mut self, at: u32, mask: u32, active: u32, index: u32, targets: &[u32]) {
        for (number, target) in targets.iter().enumerate() {
            let number = number as u32;
            let last = targets.len() as u32 - 1;
            let lanes = of(active).filter(|lane| self.words[index as usize][*lane].min(last) == number);
            let chosen = lanes.fold(0, |mask, lane| mask | 1 << lane);
            if chosen != 0 {
                self.groups.push(Group { at: *target, mask: chosen, waits: Waits::No });
            }
        }
        if mask != active {
            self.groups.push(Group { at: at + 1, mask: mask & !active, waits: Waits::No });
        }
    }

    fn get(&self, register: Register, lane: usize) -> u64 {
        match register {
            Register::Word(place) => u64::from(self.words[place as usize][lane]),
            Register::Long(place) => self.longs[place as usize][lane],
            Register::Predicate(place) => u64::from(self.predicates[place as usize] >> lane & 1),
        }
    }

    fn put(&mut self, register: Register, lane: usize, value: u64) {
        match register {
            Register::Word(place) => self.words[place as usize][lane] = value as u32,
            Register::Long(place) => self.longs[place as usize][lane] = value,
            Register::Predicate(_) => {}
        }
    }

    /// What touches memory, lane by lane.
    fn access(&mut self, kind: &Kind, active: u32, common: &mut Common<'_>) -> Result<(), Fault> {
        match kind {
            Kind::Test { operation, to, a, b, with } => {
                let tested = match operation {
                    Operation::TestWW(f) => f(&self.words[*a as usize], &self.words[*b as usize]),
                    Operation::TestLL(f) => f(&self.longs[*a as usize], &self.longs[*b as usize]),
                    _ => 0,
                };
                let combined = with.map_or(tested, |(combine, other, holds)| {
                    let other = self.predicates[other as usize];
                    combine(tested, if holds { other } else { !other })
                });
                self.set_predicate(*to as usize, combined, active);
            }
            Kind::Insert { apply, to, from } => {
                let [a, b, c, d] = from.map(|place| self.words[place as usize]);
                self.set_word(*to, std::array::from_fn(|i| apply(a[i], b[i], c[i], d[i])), active);
            }
            Kind::Parameter { to, offset, view } => {
                // SAFETY: the decoder has seen that it is inside.
                let value = unsafe { read(common.parameters.as_ptr().add(*offset), *view) };
                of(active).for_each(|lane| self.put(*to, lane, value));
            }
            Kind::Load { to, count, view, address } => {
                for lane in of(active) {
                    let from = self.find(address, lane, count * view.bytes, common)?;
                    for (index, register) in to[..*count].iter().enumerate() {
                        // SAFETY: just looked up.
                        let value = unsafe { read(from.add(index * view.bytes), *view) };
                        self.put(*register, lane, value);
                    }
                }
            }
            Kind::Store { from, count, view, address } => {
                for lane in of(active) {
                    let to = self.find(address, lane, count * view.bytes, common)?;
                    for (index, register) in from[..*count].iter().enumerate() {
                        // SAFETY: just looked up.
                        unsafe { write(to.add(index * view.bytes), *view, self.get(*register, lane)) };
                    }
                }
            }
            Kind::Atomic { change, to, operand, compared, view, address } => {
                for lane in of(active) {
                    let place = self.find(address, lane, view.bytes, common)?;
                    let compared = compared.map_or(0, |register| self.get(register, lane));
                    // SAFETY: just looked up; one thread at a time.
                    unsafe {
                        let old = read(place, *view);
                        write(place, *view, change.apply(old, self.get(*operand, lane), compared, view.bytes));
                        if let Some(to) = to {
                            self.put(*to, lane, old);
                        }
                    }
                }
            }
            _ => return Err(Fault::new(Code::INVALID_PTX, "an instruction that nobody carries out")),
        }
        Ok(())
    }

    #[inline(always)]
    fn find(
        &mut self,
        address: &Address,
        lane: usize,
        bytes: usize,
        common: &mut Common<'_>,
    ) -> Result<*mut u8, Fault> {
        let base = address.base.map_or(0, |register| self.get(register, lane));
        let at = base.wrapping_add(address.offset);
        let mut local = of_lane(&mut self.local, lane);
        let found = common.spaces.find(address.window, at, bytes, &mut local);
        found.map_err(|fault| Fault { message: format!("lane {lane}: {}", fault.message), ..fault })
    }
}

/// The lanes of a mask.
fn of(mask: u32) -> impl Iterator<Item = usize> {
    let mut left = mask;
    std::iter::from_fn(move || {
        let lane = left.trailing_zeros() as usize;
        left &= left.wrapping_sub(1);
        (lane < LANES).then_some(lane)
    })
}

/// The lane that is read, and whether it lies within the limits.
fn source(mode: Shuffle, lane: u32, by: u32, limits: u32) -> (u32, bool) {
    let (segment, clamp) = (limits >> 8 & 31, limits & 31);
    let last = lane & segment | clamp & !segment;
    let first = lane & segment;
    let (from, holds) = match mode {
        Shuffle::Up => (lane.wrapping_sub(by), lane as i32 - by as i32 >= last as i32),
        Shuffle::Down => (lane + by, lane + by <= last),
        Shuffle::Butterfly => (lane ^ by, lane ^ by <= last),
        Shuffle::Index => (first | by & !segment, first | by & !segment <= last),
    };
    if holds { (from, true) } else { (lane, false) }
}

/// # Safety
/// There are that many bytes.
#[inline(always)]
unsafe fn read(from: *const u8, view: View) -> u64 {
    // SAFETY: the caller's promise.
    unsafe {
        match (view.bytes, view.signed) {
            (1, false) => u64::from(from.read()),
            (1, true) => from.cast::<i8>().read() as u64,
            (2, false) => u64::from(from.cast::<u16>().read_unaligned()),
            (2, true) => from.cast::<i16>().read_unaligned() as u64,
            (4, false) => u64::from(from.cast::<u32>().read_unaligned()),
            (4, true) => from.cast::<i32>().read_unaligned() as u64,
            _ => from.cast::<u64>().read_unaligned(),
        }
    }
}

/// # Safety
/// There are that many bytes.
#[inline(always)]
unsafe fn write(to: *mut u8, view: View, value: u64) {
    // SAFETY: the caller's promise.
    unsafe { to.copy_from_nonoverlapping(value.to_le_bytes().as_ptr(), view.bytes) };
}

fn located(common: &Common<'_>, at: u32, fault: Fault) -> Fault {
    let number = common.kernel.code[at as usize].number;
    Fault { message: format!("instruction {number}: {}", fault.message), ..fault }
}
