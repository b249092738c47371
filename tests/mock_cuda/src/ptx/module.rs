//! The text of a module: its variables and kernels.

use super::statement::{Statement, statements};

/// What a module declares.
#[derive(Debug, Default)]
pub struct Module {
    pub variables: Vec<Variable>,
    pub kernels: Vec<Source>,
}

/// Where a variable lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// .global and .const alike.
    Global,
    Shared,
    Local,
}

/// A declared array.
#[derive(Clone, Debug)]
pub struct Variable {
    pub name: String,
    pub space: Space,
    pub alignment: usize,
    /// 0 for a shared array whose size the launch says.
    pub bytes: usize,
    /// May be shorter: the rest is 0.
    pub initial: Vec<u8>,
}

/// A kernel's parameter: where it lies among all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: String,
    pub offset: usize,
    pub bytes: usize,
}

/// A kernel's text.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    pub parameters: Vec<Parameter>,
    /// Threads of a block at most, if it says.
    pub most_threads: Option<u32>,
    pub statements: Vec<Statement>,
}

impl Module {
    /// Read a module's text; an error says what was not understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = without_comments(text);
        let mut module = Self::default();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let line_end = rest.find('\n').unwrap_or(rest.len());
            if [".version", ".target", ".address_size"].iter().any(|word| rest.starts_with(word)) {
                rest = rest[line_end..].trim_start();
                continue;
            }
            let end = rest.find([';', '(', '=']).ok_or_else(|| format!("not understood: {}", &rest[..line_end]))?;
            if rest[..end].contains(".entry") && rest[end..].starts_with('(') {
                let (kernel, after) = kernel(rest)?;
                module.kernels.push(kernel);
                rest = after.trim_start();
            } else if rest[..end].contains(".func") {
                return Err(format!("functions that kernels call: {}", &rest[..line_end]));
            } else {
                let end = rest.find(';').ok_or("a variable without its end")?;
                module.variables.push(variable(&rest[..end])?);
                rest = rest[end + 1..].trim_start();
            }
        }
        Ok(module)
    }
}

fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code)).collect::<Vec<_>>().join("\n")
}

/// Bytes of a type such as .f32; 0 for a predicate.
pub fn bytes_of(name: &str) -> Result<usize, String> {
    match name.trim_start_matches('.') {
        "b8" | "u8" | "s8" => Ok(1),
        "b16" | "u16" | "s16" | "f16" => Ok(2),
        "b32" | "u32" | "s32" | "f32" => Ok(4),
        "b64" | "u64" | "s64" | "f64" => Ok(8),
        "pred" => Ok(0),
        _ => Err(format!("unknown type {name}")),
    }
}

/// Such as `.visible .const .align 4 .b8 table[32] = {0, 0, 128, 63}`.
pub fn variable(text: &str) -> Result<Variable, String> {
    let wrong = || format!("not understood: {text}");
    let (declared, initial) = text.split_once('=').unwrap_or((text, ""));
    let (declared, sizes) = declared.split_once('[').unwrap_or((declared, "1]"));
    let (mut space, mut alignment, mut kind, mut name) = (None, None, "", "");
    let mut words = declared.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            ".visible" | ".weak" | ".extern" => {}
            ".global" | ".const" => space = Some(Space::Global),
            ".shared" => space = Some(Space::Shared),
            ".local" => space = Some(Space::Local),
            ".align" => alignment = words.next().and_then(|number| number.parse().ok()),
            _ if word.starts_with('.') => kind = word,
            _ => name = word,
        }
    }
    let size = bytes_of(kind)?;
    let mut count = 1;
    for number in sizes.split(['[', ']']).map(str::trim) {
        match number {
            "" => {}
            _ => count *= number.parse::<usize>().map_err(|_| wrong())?,
        }
    }
    if sizes.trim() == "]" {
        count = 0;
    }
    let initial = initial.trim().trim_start_matches('{').trim_end_matches('}');
    let mut bytes = Vec::new();
    for number in initial.split(',').map(str::trim).filter(|number| !number.is_empty()) {
        bytes.extend_from_slice(&super::operand::immediate(number).ok_or_else(wrong)?.to_le_bytes()[..size]);
    }
    let space = space.ok_or_else(wrong)?;
    let name = name.to_owned();
    Ok(Variable { name, space, alignment: alignment.unwrap_or(size), bytes: count * size, initial: bytes })
}

/// A kernel at the beginning of the text, and the text behind it.
fn kernel(text: &str) -> Result<(Source, &str), String> {
    let (head, rest) = text.split_once('(').ok_or("a kernel without parameters")?;
    let name = head.split_whitespace().last().unwrap_or_default().to_owned();
    let (listed, rest) = rest.split_once(')').ok_or_else(|| format!("{name}: endless parameters"))?;
    let (directives, rest) = rest.split_once('{').ok_or_else(|| format!("{name}: no body"))?;
    let mut depth = 1;
    let end = rest.char_indices().find(|(_, c)| {
        depth += i32::from(*c == '{') - i32::from(*c == '}');
        depth == 0
    });
    let (end, _) = end.ok_or_else(|| format!("{name}: endless"))?;
    let statements = statements(&rest[..end]).map_err(|error| format!("{name}: {error}"))?;
    let most_threads = directives.split_once(".maxntid").map(|(_, sizes)| {
        let sizes = sizes.trim_start().split(|c: char| c != ',' && c != ' ' && !c.is_ascii_digit()).next();
        sizes.unwrap_or_default().split([',', ' ']).filter_map(|size| size.parse::<u32>().ok()).product()
    });
    Ok((Source { parameters: parameters(listed)?, name, most_threads, statements }, &rest[end + 1..]))
}

fn parameters(listed: &str) -> Result<Vec<Parameter>, String> {
    let mut parameters: Vec<Parameter> = Vec::new();
    for text in listed.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        let text = text.trim_start_matches(".param");
        let (kept, count) = match text.split_once('[') {
            Some((kept, count)) => (kept, count.trim_end_matches(']').parse().map_err(|_| text.to_owned())?),
            None => (text, 1),
        };
        let words: Vec<_> = kept.split_whitespace().collect();
        let align = words.iter().position(|word| *word == ".align").and_then(|at| words.get(at + 1)?.parse().ok());
        let kind = words.iter().find(|word| bytes_of(word).is_ok_and(|bytes| bytes > 0));
        let size = bytes_of(kind.ok_or_else(|| format!("not understood: {text}"))?)?;
        let align = if words.contains(&".ptr") { size } else { align.unwrap_or(size) };
        let end = parameters.last().map_or(0, |last| last.offset + last.bytes);
        let name = words.last().copied().unwrap_or_default().to_owned();
        parameters.push(Parameter { name, offset: end.next_multiple_of(align), bytes: count * size });
    }
    Ok(parameters)
}
