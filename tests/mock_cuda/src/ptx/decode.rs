//! From written instructions to those that are carried out.

use super::address::{LOCAL, SHARED};
use super::atomic::Change;
use super::instruction::{Address, Instruction, Kind, Shuffle, View, Vote, Window};
use super::module::{Parameter, Source, Space, Variable, bytes_of};
use super::operand::{Names, Register};
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
struct Decoder<'a> {
    names: Names,
    parameters: &'a [Parameter],
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
                    "cvt" => convert::conversion(suffixes),
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
    fn compute(&mut self, operation: Operation, operands: &[&str]) -> Result<Kind, String> {
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

    /// `mov.b64 {low, high}, a` and `mov.b64 a, {low, high}`, which may be two instructions.
    fn vector_move(&mut self, mnemonic: &str, operands: &[&str]) -> Result<Option<Vec<Kind>>, String> {
        let [to, from] = operands else { return Ok(None) };
        if !mnemonic.starts_with("mov") || !(to.starts_with('{') || from.starts_with('{')) {
            return Ok(None);
        }
        let halves = |text: &'_ str| -> Vec<String> {
            text.trim_matches(['{', '}']).split(',').map(|name| name.trim().to_owned()).collect()
        };
        let compute = |operation, to, a, b| Kind::Compute { operation, to, a, b, c: 0 };
        let (low, high): (Operation, Operation) = match mnemonic {
            "mov.b64" => (
                Operation::NarrowL(|a| super::rows::lanes(a, |a| a as u32)),
                Operation::NarrowL(|a| super::rows::lanes(a, |a| (a >> 32) as u32)),
            ),
            "mov.b32" => (
                Operation::W(|a| super::rows::lanes(a, |a| a & 0xffff)),
                Operation::W(|a| super::rows::lanes(a, |a| a >> 16)),
            ),
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
                Operation::WideWW(|a, b| super::rows::lanes2(a, b, |a, b| u64::from(b) << 32 | u64::from(a))),
                self.names.long(to)?,
                first,
                second,
            ),
            _ => compute(
                Operation::WW(|a, b| super::rows::lanes2(a, b, |a, b| b << 16 | a & 0xffff)),
                self.names.word(to)?,
                first,
                second,
            ),
        }]))
    }

    fn shuffle(&mut self, suffixes: &[&str], operands: &[&str]) -> Result<Kind, String> {
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

    fn vote(&mut self, suffixes: &[&str], to: &str, of: &str, members: &str) -> Result<Kind, String> {
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

    /// Between a space's own addresses and generic ones.
    fn space_of(&mut self, suffixes: &[&str], to: &str, from: &str) -> Result<Kind, String> {
        let operation = match suffixes {
            ["to", "global" | "const", "u64"] | ["global" | "const", "u64"] => integer::wide("mov.u64"),
            ["shared", "u64"] => Some(Operation::L(|a| super::rows::lanes(a, |a| a + SHARED))),
            ["local", "u64"] => Some(Operation::L(|a| super::rows::lanes(a, |a| a + LOCAL))),
            ["to", "shared", "u64"] => Some(Operation::L(|a| super::rows::lanes(a, |a| a.wrapping_sub(SHARED)))),
            ["to", "local", "u64"] => Some(Operation::L(|a| super::rows::lanes(a, |a| a.wrapping_sub(LOCAL)))),
            _ => None,
        };
        self.compute(operation.ok_or("unknown instruction")?, &[to, from])
    }

    fn load(&mut self, suffixes: &[&str], to: &str, from: &str) -> Result<Kind, String> {
        let (window, count, view) = access(suffixes)?;
        let (to, found) = self.registers(to)?;
        if found != count {
            return Err(format!("{found} registers, expected {count}"));
        }
        match window {
            Some(window) => Ok(Kind::Load { to, count, view, address: self.address(window, from)? }),
            None => {
                let (name, offset) = named(from.trim_matches(['[', ']']))?;
                let parameter = self.parameters.iter().find(|parameter| parameter.name == name);
                let parameter = parameter.ok_or_else(|| format!("unknown parameter {name}"))?;
                let offset = offset as usize;
                if count != 1 || offset + view.bytes > parameter.bytes {
                    return Err("not inside of the parameter".into());
                }
                Ok(Kind::Parameter { to: to[0], offset: parameter.offset + offset, view })
            }
        }
    }

    fn store(&mut self, suffixes: &[&str], to: &str, from: &str) -> Result<Kind, String> {
        let (window, count, view) = access(suffixes)?;
        let (from, found) = match (from.starts_with('{'), view.bytes) {
            (true, _) => self.registers(from)?,
            (false, 8) => ([Register::Long(self.names.long(from)?); 4], 1),
            (false, _) => match self.names.register(from) {
                Ok(register) => ([register; 4], 1),
                Err(_) => ([Register::Word(self.names.word(from)?); 4], 1),
            },
        };
        if found != count {
            return Err(format!("{found} registers, expected {count}"));
        }
        let window = window.ok_or("parameters are not written")?;
        Ok(Kind::Store { from, count, view, address: self.address(window, to)? })
    }

    fn atomic(&mut self, silent: bool, suffixes: &[&str], operands: &[&str]) -> Result<Kind, String> {
        let ordered = |part: &&&str| !matches!(**part, "relaxed" | "gpu" | "cta" | "sys");
        let parts: Vec<&str> = suffixes.iter().filter(ordered).copied().collect();
        let (window, name, kind) = match parts[..] {
            ["global", name, kind] => (Window::Global, name, kind),
            ["shared", name, kind] => (Window::Shared, name, kind),
            [name, kind] => (Window::Generic, name, kind),
            _ => return Err("unknown instruction".into()),
        };
        let change = Change::parse(name, kind).ok_or("unknown instruction")?;
        let (to, rest) =
            if silent { (None, operands) } else { (operands.first(), operands.get(1..).unwrap_or_default()) };
        let view = View { bytes: bytes_of(kind)?, signed: false };
        let mut value = |text: &str| match view.bytes {
            8 => self.names.long(text).map(Register::Long),
            _ => self.names.word(text).map(Register::Word),
        };
        let (place, operand, compared) = match (rest, change == Change::CompareExchange) {
            ([place, operand], false) => (*place, value(operand)?, None),
            ([place, operand, compared], true) => (*place, value(operand)?, Some(value(compared)?)),
            _ => return Err("another number of operands".into()),
        };
        let to = to.filter(|name| **name != "_").map(|name| value(name)).transpose()?;
        Ok(Kind::Atomic { change, to, operand, compared, view, address: self.address(window, place)? })
    }

    /// `{%f1, %f2}` or `%f1`; how many.
    fn registers(&self, text: &str) -> Result<([Register; 4], usize), String> {
        let mut found = [Register::Word(0); 4];
        let mut count = 0;
        for name in text.trim_matches(['{', '}']).split(',') {
            *found.get_mut(count).ok_or("more than 4 registers")? = self.names.register(name.trim())?;
            count += 1;
        }
        Ok((found, count))
    }

    /// `[%rd1+16]`, `[table+4]`, `[%r1]`.
    fn address(&self, window: Window, text: &str) -> Result<Address, String> {
        let (name, offset) = named(text.trim_matches(['[', ']']))?;
        if let Some(start) = self.names.symbols.get(name) {
            return Ok(Address { window, base: None, offset: start.wrapping_add(offset as u64) });
        }
        let base = match name {
            "" => None,
            name => Some(self.names.register(name)?),
        };
        Ok(Address { window, base, offset: offset as u64 })
    }
}

/// Instructions that a written one becomes.
fn instructions(written: &Written) -> u32 {
    let splits = written.mnemonic.starts_with("mov") && written.operands.first().is_some_and(|to| to.starts_with('{'));
    1 + u32::from(splits)
}

/// A name and the offset behind it, such as `%rd1+-8`.
fn named(text: &str) -> Result<(&str, i64), String> {
    let (name, offset) = text.split_once('+').unwrap_or((text, "0"));
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(("", super::operand::immediate(name).ok_or("no address")? as i64));
    }
    let offset = super::operand::immediate(offset.trim()).ok_or_else(|| format!("unknown offset {offset}"))?;
    Ok((name.trim(), offset as i64))
}

/// Suffixes of `ld` and `st`: where (`None` for parameters), how many values, of which type.
fn access(suffixes: &[&str]) -> Result<(Option<Window>, usize, View), String> {
    let (kind, rest) = suffixes.split_last().ok_or("no type")?;
    let (mut window, mut count) = (Some(Window::Generic), 1);
    for suffix in rest {
        match *suffix {
            "param" => window = None,
            "global" | "const" => window = Some(Window::Global),
            "shared" => window = Some(Window::Shared),
            "local" => window = Some(Window::Local),
            "v2" => count = 2,
            "v4" => count = 4,
            "nc" | "volatile" | "relaxed" | "cta" | "gpu" | "sys" | "weak" => {}
            _ => return Err("unknown instruction".into()),
        }
    }
    Ok((window, count, View { bytes: bytes_of(kind)?, signed: kind.starts_with('s') }))
}
