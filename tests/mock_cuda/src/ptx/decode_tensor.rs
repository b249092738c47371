//! Instructions by which a warp multiplies matrices, and copies in the background.

use super::decode::Decoder;
use super::instruction::{Kind, Window};

impl Decoder<'_> {
    pub fn tensor(&mut self, mnemonic: &str, operands: &[&str]) -> Result<Kind, String> {
        Ok(match (mnemonic, operands) {
            ("cp.async.cg.shared.global", [to, from, "16", size]) => Kind::Fetch {
                to: self.address(Window::Shared, to)?,
                from: self.address(Window::Global, from)?,
                size: self.names.word(size)?,
            },
            ("cp.async.commit_group", []) => Kind::Commit,
            ("cp.async.wait_group", [left]) => {
                Kind::Wait { left: left.parse().map_err(|_| "expected a number of groups")? }
            }
            ("ldmatrix.sync.aligned.m8n8.x4.shared.b16", [to, row]) => self.matrices(to, row, false)?,
            ("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16", [to, row]) => self.matrices(to, row, true)?,
            ("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", [d, a, b, c]) => {
                Kind::Multiply { d: self.words(d)?, a: self.words(a)?, b: self.words(b)?, c: self.words(c)? }
            }
            _ => return Err("unknown instruction".into()),
        })
    }

    fn matrices(&mut self, to: &str, row: &str, transposed: bool) -> Result<Kind, String> {
        Ok(Kind::Matrices { to: self.words(to)?, transposed, row: self.address(Window::Shared, row)? })
    }

    /// `{%r1, %r2}`.
    fn words<const N: usize>(&mut self, text: &str) -> Result<[u32; N], String> {
        let names = text.trim_matches(['{', '}']).split(',').map(|name| self.names.word(name.trim()));
        let found = names.collect::<Result<Vec<_>, _>>()?;
        found.try_into().map_err(|found: Vec<_>| format!("{} registers, expected {N}", found.len()))
    }
}
