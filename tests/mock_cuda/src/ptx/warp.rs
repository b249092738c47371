//! A warp: 32 lanes that go on together where they are at the same instruction.
//!
//! Of the groups of lanes that are at different instructions, the one that is furthest behind goes on, which lets lanes that
//! parted meet again.

use super::Fault;
use super::address::Spaces;
use super::copies::Copies;
use super::decode::Kernel;
use super::exchange::exchange;
use super::instruction::Kind;
use super::registers::{Registers, lanes_of};
use super::rows::{ALL, LANES};
use crate::code::Code;

/// Instructions after which a kernel is taken for endless.
const MOST: u64 = 1_000_000_000;

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
    pub registers: Registers,
    /// Memory of the lanes' own.
    pub local: Vec<u8>,
    /// What each lane has under way.
    pub copies: [Copies; LANES],
    groups: Vec<Group>,
}

impl Warp {
    pub fn new(kernel: &Kernel) -> Self {
        Self {
            registers: Registers::new(kernel),
            local: vec![0xff; kernel.local * LANES],
            copies: std::array::from_fn(|_| Copies::default()),
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
                Some((predicate, true)) => mask & self.registers.predicates[predicate as usize],
                Some((predicate, false)) => mask & !self.registers.predicates[predicate as usize],
            };
            if active == 0 {
                at += 1;
                continue;
            }
            match &instruction.kind {
                Kind::Compute { operation, to, a, b, c } => {
                    self.registers.compute(operation, [*to, *a, *b, *c], active)
                }
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
                Kind::Multiply { .. }
                | Kind::Matrices { .. }
                | Kind::Shuffle { .. }
                | Kind::Vote { .. }
                | Kind::WarpBarrier { .. } => {
                    let members = self.members(&instruction.kind, active);
                    let met = self.meet(at, active, members).map_err(|fault| located(common, at, fault))?;
                    mask &= !active;
                    let Some(met) = met else {
                        if mask == 0 {
                            return Ok(());
                        }
                        at += 1;
                        continue;
                    };
                    match &instruction.kind {
                        kind @ (Kind::Multiply { .. } | Kind::Matrices { .. }) => self.access(kind, met, common),
                        kind => exchange(&mut self.registers, kind, met),
                    }
                    .map_err(|fault| located(common, at, fault))?;
                    mask |= met;
                }
                Kind::Active { to } => self.registers.set_word(*to, [mask; LANES], active),
                kind => self.access(kind, active, common).map_err(|fault| located(common, at, fault))?,
            }
            at += 1;
        }
        self.groups.push(Group { at, mask, waits: Waits::No });
        Ok(())
    }

    /// The lanes that an instruction is for.
    fn members(&self, kind: &Kind, active: u32) -> u32 {
        match kind {
            Kind::Shuffle { members, .. } | Kind::Vote { members, .. } | Kind::WarpBarrier { members } => {
                self.registers.words[*members as usize][active.trailing_zeros() as usize]
            }
            _ => ALL,
        }
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

    /// Each lane goes where its number says.
    fn choose(&mut self, at: u32, mask: u32, active: u32, index: u32, targets: &[u32]) {
        for (number, target) in targets.iter().enumerate() {
            let number = number as u32;
            let last = targets.len() as u32 - 1;
            let lanes = lanes_of(active).filter(|lane| self.registers.words[index as usize][*lane].min(last) == number);
            let chosen = lanes.fold(0, |mask, lane| mask | 1 << lane);
            if chosen != 0 {
                self.groups.push(Group { at: *target, mask: chosen, waits: Waits::No });
            }
        }
        if mask != active {
            self.groups.push(Group { at: at + 1, mask: mask & !active, waits: Waits::No });
        }
    }
}

fn located(common: &Common<'_>, at: u32, fault: Fault) -> Fault {
    let number = common.kernel.code[at as usize].number;
    Fault { message: format!("instruction {number}: {}", fault.message), ..fault }
}
