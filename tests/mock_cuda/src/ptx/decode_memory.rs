//! Instructions that touch memory.

use super::address::{LOCAL, SHARED};
use super::atomic::Change;
use super::decode::Decoder;
use super::instruction::{Address, Kind, View, Window};
use super::integer;
use super::module::bytes_of;
use super::operand::{Register, immediate};
use super::rows::{Operation, lanes};

impl Decoder<'_> {
    /// Between a space's own addresses and generic ones.
    pub fn space_of(&mut self, suffixes: &[&str], to: &str, from: &str) -> Result<Kind, String> {
        let operation = match suffixes {
            ["to", "global" | "const", "u64"] | ["global" | "const", "u64"] => integer::wide("mov.u64"),
            ["shared", "u64"] => Some(Operation::L(|a| lanes(a, |a| a + SHARED))),
            ["local", "u64"] => Some(Operation::L(|a| lanes(a, |a| a + LOCAL))),
            ["to", "shared", "u64"] => Some(Operation::L(|a| lanes(a, |a| a.wrapping_sub(SHARED)))),
            ["to", "local", "u64"] => Some(Operation::L(|a| lanes(a, |a| a.wrapping_sub(LOCAL)))),
            _ => None,
        };
        self.compute(operation.ok_or("unknown instruction")?, &[to, from])
    }

    pub fn load(&mut self, suffixes: &[&str], to: &str, from: &str) -> Result<Kind, String> {
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

    pub fn store(&mut self, suffixes: &[&str], to: &str, from: &str) -> Result<Kind, String> {
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

    pub fn atomic(&mut self, silent: bool, suffixes: &[&str], operands: &[&str]) -> Result<Kind, String> {
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
    pub fn address(&self, window: Window, text: &str) -> Result<Address, String> {
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

/// A name and the offset behind it, such as `%rd1+-8`.
fn named(text: &str) -> Result<(&str, i64), String> {
    let (name, offset) = text.split_once('+').unwrap_or((text, "0"));
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(("", immediate(name).ok_or("no address")? as i64));
    }
    let offset = immediate(offset.trim()).ok_or_else(|| format!("unknown offset {offset}"))?;
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
