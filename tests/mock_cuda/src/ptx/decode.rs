//! From written instructions to those that are carried out.

use super::instruction::{Instruction, Kind};
use super::module::{Parameter, Source, Space, Variable};
use super::operand::Names;
use super::rows::{Long, Operation, Word};
use super::statement::{Statement, Written};
use super::{compare, convert, float, integer, predicate};
use std::collections::HashMap;

/// A kernel that can be carried out.
pub struct Kernel {
    pub name: String,
    pub code: Vec<Instruction>,
    /// The registers before the first instruction.
    pub words: Vec<Word>,
    pub longs: Vec<Long>,
    pub predicates: usize,
    /// Bytes of shared arrays.
    pub shared: usize,
    /// Bytes of a thread's own memory.
    pub local: usize,
}

/// Instructions of one kernel, as they are read.
pub struct Decoder<'a> {
    pub names: Names,
    pub parameters: &'a [Parameter],
    /// Which instruction a label stands before.
    labels: HashMap<&'a str, u32>,
    targets: HashMap<&'a str, &'a [String]>,
    code: Vec<Instruction>,
}

/// Where variables lie: in shared memory never better aligned than they say, so that an alignment that was forgotten fails.
fn lay_out<'a>(variables: impl Iterator<Item = &'a Variable>, symbols: &mut HashMap<String, u64>) -> usize {
    let mut end = 0usize;
    for variable in variables {
        let mut start = end.next_multiple_of(variable.alignment);
        if start.is_multiple_of(2 * variable.alignment) {
            start += variable.alignment;
        }
        symbols.insert(variable.name.clone(), start as u64);
        end = start + variable.bytes;
    }
    end
}

/// Read a kernel's instructions; `globals` are addresses, `shared` the module's shared variables.
pub fn decode(source: &Source, globals: &HashMap<String, u64>, shared: &[Variable]) -> Result<Kernel, String> {
    let mut symbols = globals.clone();
    let own = source.statements.iter().filter_map(|statement| match statement {
        Statement::Variable(variable) => Some(variable),
        _ => None,
    });
    let used = |variable: &&Variable| {
        let mentions = |operand: &String| operand.contains(&variable.name);
        source.statements.iter().any(|s| matches!(s, Statement::Instruction(i) if i.operands.iter().any(mentions)))
    };
    let all = || shared.iter().filter(used).chain(own.clone().filter(|variable| variable.space == Space::Shared));
    let sized = all().filter(|variable| variable.bytes > 0);
    let shared = lay_out(sized.chain(all().filter(|variable| variable.bytes == 0)), &mut symbols);
    let local = lay_out(own.clone().filter(|variable| variable.space == Space::Local), &mut symbols);
    let mut decoder = Decoder {
        names: Names::new(symbols),
        parameters: &source.parameters,
        labels: HashMap::new(),
        targets: HashMap::new(),
        code: Vec::new(),
    };
    let place = |error: String| format!("{}: {error}", source.name);
    decoder.scan(&source.statements).map_err(place)?;
    let mut number = 0;
    for statement in &source.statements {
        if let Statement::Instruction(written) = statement {
            decoder
                .instruction(written, number)
                .map_err(|error| place(format!("{error} in `{} {}`", written.mnemonic, written.operands.join(", "))))?;
            number += 1;
        }
    }
    decoder.push(None, number, Kind::Exit);
    let Decoder { names, code, .. } = decoder;
    let Names { words, longs, predicates, .. } = names;
    let name = source.name.clone();
    let local = local.next_multiple_of(32);
    Ok(Kernel { name, code, words, longs, predicates: predicates as usize, shared, local })
}

impl<'a> Decoder<'a> {
    /// Registers and labels first, as jumps go forward too.
    fn scan(&mut self, statements: &'a [Statement]) -> Result<(), String> {
        let mut at = 0;
        for statement in statements {
            match statement {
                Statement::Registers(bytes, names) => {
                    names.iter().try_for_each(|name| self.names.declare(*bytes, name))?;
                }
                Statement::Label(name) => drop(self.labels.insert(name, at)),
                Statement::Targets(name, labels) => drop(self.targets.insert(name, labels)),
                Statement::Instruction(written) => at += instructions(written),
                Statement::Variable(_) => {}
            }
        }
        Ok(())
    }

    fn push(&mut self, guard: Option<(u32, bool)>, number: u32, kind: Kind) {
        self.code.push(Instruction { guard, kind, number });
    }

    fn instruction(&mut self, written: &Written, number: u32) -> Result<(), String> {
        let guard = match &written.guard {
            Some((name, holds)) => Some((self.names.predicate(name)?, *holds)),
            None => None,
        };
        let operands: Vec<&str> = written.operands.iter().map(String::as_str).collect();
        let mnemonic = written.mnemonic.as_str();
        if let Some(kinds) = self.vector_move(mnemonic, &operands)? {
            kinds.into_iter().for_each(|kind| self.push(guard, number, kind));
            return Ok(());
        }
        let kind = self.kind(mnemonic, &operands)?.ok_or("unknown instruction")?;
        self.push(guard, number, kind);
        Ok(())
    }

    fn kind(&mut self, mnemonic: &str, operands: &[&str]) -> Result<Option<Kind>, String> {
        let parts: Vec<&str> = mnemonic.split('.').collect();
        let suffixes = &parts[1..];
        Ok(Some(match (parts[0], operands) {
            ("ret" | "exit", []) => Kind::Exit,
            ("bra", [label]) => Kind::Jump { target: self.label(label)? },
            ("brx", [index, list]) if suffixes[0] == "idx" => {
                let labels = *self.targets.get(list).ok_or("unknown list of labels")?;
                let targets = labels.iter().map(|label| self.label(label)).collect::<Result<_, _>>()?;
                Kind::Choose { index: self.names.word(index)?, targets }
            }
            ("bar" | "barrier", ["0"]) if matches!(suffixes, ["sync"] | ["sync", "aligned"] | ["cta", "sync"]) => {
                Kind::Barrier
            }
            ("bar", [members]) if suffixes == ["warp", "sync"] => {
                Kind::WarpBarrier { members: self.names.word(members)? }
            }
            ("membar" | "fence", []) => Kind::WarpBarrier { members: self.names.word("0")? }, // all is done in order
            ("activemask", [to]) => Kind::Active { to: self.names.word(to)? },
            ("shfl", _) if suffixes.len() == 3 => self.shuffle(suffixes, operands)?,
            ("vote", [to, of, members]) => self.vote(suffixes, to, of, members)?,
            ("ld", [to, from]) => self.load(suffixes, to, from)?,
            ("st", [to, from]) => self.store(suffixes, to, from)?,
            ("atom" | "red", _) => self.atomic(parts[0] == "red", suffixes, operands)?,
            ("cp" | "ldmatrix" | "mma", _) => self.tensor(mnemonic, operands)?,
            ("setp", _) => return self.test(suffixes, operands),
            ("cvta", [to, from]) => self.space_of(suffixes, to, from)?,
            ("bfi", [to, a, b, start, len]) => match integer::insert(mnemonic) {
                Some(apply) => {
                    let from =
                        [self.names.word(a)?, self.names.word(b)?, self.names.word(start)?, self.names.word(len)?];
                    Kind::Insert { apply, to: self.names.word(to)?, from }
                }
                None => return Ok(None),
            },
            _ => {
                let operation = match parts[0] {
                    "cvt" => convert::conversion(suffixes).or_else(|| float::packed(mnemonic)),
                    _ => integer::narrow(mnemonic)
                        .or_else(|| integer::wide(mnemonic))
                        .or_else(|| float::single(mnemonic))
                        .or_else(|| float::double(mnemonic))
                        .or_else(|| predicate::operation(mnemonic)),
                };
                return operation.map(|operation| self.compute(operation, operands)).transpose();
            }
        }))
    }

    fn label(&self, name: &str) -> Result<u32, String> {
        self.labels.get(name).copied().ok_or_else(|| format!("unknown label {name}"))
    }

    /// Operands go where the operation's registers are.
    pub fn compute(&mut self, operation: Operation, operands: &[&str]) -> Result<Kind, String> {
        use Operation as O;
        let text = |at: usize| operands.get(at).copied().ok_or("too few operands");
        let files = match operation {
            O::W(_) => "ww",
            O::WW(_) => "www",
            O::WWW(_) => "wwww",
            O::L(_) => "ll",
            O::LL(_) => "lll",
            O::LLL(_) => "llll",
            O::LW(_) => "llw",
            O::WideW(_) => "lw",
            O::WideWW(_) => "lww",
            O::WideWWL(_) => "lwwl",
            O::NarrowL(_) => "wl",
            O::TestWW(_) => "pww",
            O::TestLL(_) => "pll",
            O::P(_) => "pp",
            O::PP(_) => "ppp",
            O::ChooseW => "wwwp",
            O::ChooseL => "lllp",
            O::Convert(conversion) => conversion.files(),
        };
        if operands.len() != files.len() {
            return Err(format!("{} operands, expected {}", operands.len(), files.len()));
        }
        let mut places = [0; 4];
        for (at, file) in files.chars().enumerate() {
            places[at] = match file {
                'w' => self.names.word(text(at)?)?,
                'l' => self.names.long(text(at)?)?,
                _ => self.names.predicate(text(at)?)?,
            };
        }
        let [to, a, b, c] = places;
        Ok(Kind::Compute { operation, to, a, b, c })
    }

    /// `setp.lt.f32 p, a, b` or `setp.lt.and.f32 p, a, b, q`.
    fn test(&mut self, suffixes: &[&str], operands: &[&str]) -> Result<Option<Kind>, String> {
        let (compare, combine, kind) = match suffixes {
            [compare, kind] => (*compare, None, *kind),
            [compare, combine, kind] => (*compare, Some(*combine), *kind),
            _ => return Ok(None),
        };
        let Some(operation) = compare::comparison(compare, kind) else { return Ok(None) };
        let with = match (combine.map(predicate::operation), operands.get(3)) {
            (None, None) => None,
            (Some(Some(Operation::PP(combine))), Some(name)) => {
                let plain = name.trim_start_matches('!');
                Some((combine, self.names.predicate(plain)?, plain.len() == name.len()))
            }
            _ => return Ok(None),
        };
        let Kind::Compute { to, a, b, .. } = self.compute(operation, operands.get(..3).ok_or("too few operands")?)?
        else {
            return Ok(None);
        };
        Ok(Some(Kind::Test { operation, to, a, b, with }))
    }
}

/// Instructions that a written one becomes.
fn instructions(written: &Written) -> u32 {
    let splits = written.mnemonic.starts_with("mov") && written.operands.first().is_some_and(|to| to.starts_with('{'));
    1 + u32::from(splits)
}
