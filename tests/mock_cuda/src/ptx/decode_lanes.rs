//! Instructions that move values between registers and lanes.

use super::decode::Decoder;
use super::instruction::{Kind, Shuffle, Vote};
use super::rows::{Operation, lanes, lanes2};

impl Decoder<'_> {
    /// `mov.b64 {low, high}, a` and `mov.b64 a, {low, high}`, which may be two instructions.
    pub fn vector_move(&mut self, mnemonic: &str, operands: &[&str]) -> Result<Option<Vec<Kind>>, String> {
        let [to, from] = operands else { return Ok(None) };
        if !mnemonic.starts_with("mov") || !(to.starts_with('{') || from.starts_with('{')) {
            return Ok(None);
        }
        let halves = |text: &'_ str| -> Vec<String> {
            text.trim_matches(['{', '}']).split(',').map(|name| name.trim().to_owned()).collect()
        };
        let compute = |operation, to, a, b| Kind::Compute { operation, to, a, b, c: 0 };
        let (low, high): (Operation, Operation) = match mnemonic {
            "mov.b64" => {
                (Operation::NarrowL(|a| lanes(a, |a| a as u32)), Operation::NarrowL(|a| lanes(a, |a| (a >> 32) as u32)))
            }
            "mov.b32" => (Operation::W(|a| lanes(a, |a| a & 0xffff)), Operation::W(|a| lanes(a, |a| a >> 16))),
            _ => return Err("unknown instruction".into()),
        };
        if to.starts_with('{') {
            let [first, second] = &halves(to)[..] else { return Err("expected two registers".into()) };
            let from = if mnemonic == "mov.b64" { self.names.long(from)? } else { self.names.word(from)? };
            let place = |decoder: &mut Self, name: &str| match name {
                "_" => Ok(None),
                _ => decoder.names.word(name).map(Some),
            };
            let (first, second) = (place(self, first)?, place(self, second)?);
            if first == Some(from) && mnemonic == "mov.b32" {
                return Err("the first half overwrites the second".into());
            }
            let nothing = Kind::WarpBarrier { members: self.names.word("0")? };
            let first = first.map_or(nothing, |to| compute(low, to, from, 0));
            let nothing = Kind::WarpBarrier { members: self.names.word("0")? };
            return Ok(Some(vec![first, second.map_or(nothing, |to| compute(high, to, from, 0))]));
        }
        let [first, second] = &halves(from)[..] else { return Err("expected two registers".into()) };
        let (first, second) = (self.names.word(first)?, self.names.word(second)?);
        Ok(Some(vec![match mnemonic {
            "mov.b64" => compute(
                Operation::WideWW(|a, b| lanes2(a, b, |a, b| u64::from(b) << 32 | u64::from(a))),
                self.names.long(to)?,
                first,
                second,
            ),
            _ => compute(
                Operation::WW(|a, b| lanes2(a, b, |a, b| b << 16 | a & 0xffff)),
                self.names.word(to)?,
                first,
                second,
            ),
        }]))
    }

    pub fn shuffle(&mut self, suffixes: &[&str], operands: &[&str]) -> Result<Kind, String> {
        let mode = match suffixes {
            ["sync", "up", "b32"] => Shuffle::Up,
            ["sync", "down", "b32"] => Shuffle::Down,
            ["sync", "bfly", "b32"] => Shuffle::Butterfly,
            ["sync", "idx", "b32"] => Shuffle::Index,
            _ => return Err("unknown instruction".into()),
        };
        let [to, value, lane, limits, members] = operands else { return Err("expected 5 operands".into()) };
        let (to, valid) = to.split_once('|').map_or((*to, None), |(to, valid)| (to, Some(valid)));
        let valid = valid.map(|name| self.names.predicate(name)).transpose()?;
        let mut word = |text: &str| self.names.word(text);
        let (to, value, lane) = (word(to)?, word(value)?, word(lane)?);
        Ok(Kind::Shuffle { mode, to, valid, value, lane, limits: word(limits)?, members: word(members)? })
    }

    pub fn vote(&mut self, suffixes: &[&str], to: &str, of: &str, members: &str) -> Result<Kind, String> {
        let mode = match suffixes {
            ["sync", "ballot", "b32"] => Vote::Ballot,
            ["sync", "all", "pred"] => Vote::All,
            ["sync", "any", "pred"] => Vote::Any,
            ["sync", "uni", "pred"] => Vote::Uniform,
            _ => return Err("unknown instruction".into()),
        };
        let plain = of.trim_start_matches('!');
        let (to, holds) = (self.names.register(to)?, plain.len() == of.len());
        Ok(Kind::Vote { mode, to, of: self.names.predicate(plain)?, holds, members: self.names.word(members)? })
    }
}
