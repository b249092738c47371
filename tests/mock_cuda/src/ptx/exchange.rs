//! What lanes that have met tell each other.

use super::Fault;
use super::instruction::{Kind, Shuffle, Vote};
use super::operand::Register;
use super::registers::{Registers, lanes_of};
use super::rows::{ALL, LANES};
use crate::code::Code;

/// What lanes that have met do.
pub fn exchange(registers: &mut Registers, kind: &Kind, met: u32) -> Result<(), Fault> {
    match *kind {
        Kind::Shuffle { mode, to, valid, value, lane, limits, .. } => {
            let (values, by, limits) =
                (registers.words[value as usize], registers.words[lane as usize], registers.words[limits as usize]);
            let (mut result, mut inside) = (values, 0);
            for lane in lanes_of(met) {
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
            registers.set_word(to, result, met);
            if let Some(valid) = valid {
                registers.set_predicate(valid, inside, met);
            }
        }
        Kind::Vote { mode, to, of, holds, .. } => {
            let bits = registers.predicates[of as usize];
            let bits = if holds { bits } else { !bits } & met;
            let all = |yes: bool| if yes { ALL } else { 0 };
            match (mode, to) {
                (Vote::Ballot, Register::Word(to)) => registers.set_word(to, [bits; LANES], met),
                (Vote::All, Register::Predicate(to)) => registers.set_predicate(to, all(bits == met), met),
                (Vote::Any, Register::Predicate(to)) => registers.set_predicate(to, all(bits != 0), met),
                (Vote::Uniform, Register::Predicate(to)) => {
                    registers.set_predicate(to, all(bits == met || bits == 0), met);
                }
                _ => return Err(Fault::new(Code::INVALID_PTX, "a vote into another register")),
            }
        }
        _ => {}
    }
    Ok(())
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
