//! The statements of a kernel's body.

use super::module::{Variable, variable};

/// A statement of a kernel's body.
#[derive(Clone, Debug)]
pub enum Statement {
    Label(String),
    /// Bytes of the type (0 for predicates), and names, of which one such as %r<72> stands for 72.
    Registers(usize, Vec<String>),
    Variable(Variable),
    /// Labels that a jump chooses from.
    Targets(String, Vec<String>),
    Instruction(Written),
}

/// An instruction as it is written.
#[derive(Clone, Debug)]
pub struct Written {
    /// Only in lanes where this predicate holds, or where it does not.
    pub guard: Option<(String, bool)>,
    pub mnemonic: String,
    pub operands: Vec<String>,
}

/// Read a body.
pub fn statements(text: &str) -> Result<Vec<Statement>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if rest.starts_with(['{', '}']) {
            rest = rest[1..].trim_start(); // a scope of names, which are unique here
            continue;
        }
        let end = rest.find([';', ':']).ok_or_else(|| format!("not understood: {rest}"))?;
        let (statement, after) = (rest[..end].trim(), &rest[end + 1..]);
        if rest[end..].starts_with(':') && after.trim_start().starts_with(".branchtargets") {
            let (listed, after) = after.split_once(';').ok_or("endless .branchtargets")?;
            let listed = listed.trim_start().trim_start_matches(".branchtargets");
            found.push(Statement::Targets(statement.to_owned(), operands(listed)));
            rest = after.trim_start();
            continue;
        }
        match statement {
            _ if rest[end..].starts_with(':') => found.push(Statement::Label(statement.to_owned())),
            _ if statement.starts_with(".pragma") => {}
            _ if statement.starts_with(".reg") => found.push(registers(statement)?),
            _ if statement.starts_with('.') => found.push(Statement::Variable(variable(statement)?)),
            _ => found.push(Statement::Instruction(instruction(statement)?)),
        }
        rest = after.trim_start();
    }
    Ok(found)
}

fn registers(text: &str) -> Result<Statement, String> {
    let mut words = text.splitn(3, char::is_whitespace).skip(1);
    let bytes = super::module::bytes_of(words.next().unwrap_or_default())?;
    let names = words.next().unwrap_or_default().split(',').map(|name| name.trim().to_owned());
    Ok(Statement::Registers(bytes, names.collect()))
}

fn instruction(text: &str) -> Result<Written, String> {
    let (guard, text) = match text.strip_prefix('@') {
        Some(text) => {
            let (name, text) = text.split_once(char::is_whitespace).ok_or_else(|| format!("not understood: {text}"))?;
            let plain = name.trim_start_matches('!');
            (Some((plain.to_owned(), plain.len() == name.len())), text.trim_start())
        }
        None => (None, text),
    };
    let (mnemonic, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    Ok(Written { guard, mnemonic: mnemonic.to_owned(), operands: operands(rest) })
}

/// Operands, separated by commas outside of braces and brackets.
fn operands(text: &str) -> Vec<String> {
    let mut depth = 0;
    let split = text.split(|c: char| {
        depth += i32::from(c == '{' || c == '[') - i32::from(c == '}' || c == ']');
        c == ',' && depth == 0
    });
    split.map(|operand| operand.trim().to_owned()).filter(|operand| !operand.is_empty()).collect()
}
