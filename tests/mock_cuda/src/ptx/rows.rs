//! Registers of a warp: a value of each lane.

/// Lanes of a warp.
pub const LANES: usize = 32;
/// All of them.
pub const ALL: u32 = u32::MAX;

/// A register of 32 bits, or of 16 in the lower half.
pub type Word = [u32; LANES];
/// A register of 64 bits.
pub type Long = [u64; LANES];

#[inline(always)]
pub fn lanes<A: Copy, R>(a: &[A; LANES], f: impl Fn(A) -> R) -> [R; LANES] {
    std::array::from_fn(|i| f(a[i]))
}

#[inline(always)]
pub fn lanes2<A: Copy, B: Copy, R>(a: &[A; LANES], b: &[B; LANES], f: impl Fn(A, B) -> R) -> [R; LANES] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

#[inline(always)]
pub fn lanes3<A: Copy, B: Copy, C: Copy, R>(
    a: &[A; LANES],
    b: &[B; LANES],
    c: &[C; LANES],
    f: impl Fn(A, B, C) -> R,
) -> [R; LANES] {
    std::array::from_fn(|i| f(a[i], b[i], c[i]))
}

/// A bit of each lane.
#[inline(always)]
pub fn mask<A: Copy, B: Copy>(a: &[A; LANES], b: &[B; LANES], f: impl Fn(A, B) -> bool) -> u32 {
    (0..LANES).fold(0, |mask, i| mask | u32::from(f(a[i], b[i])) << i)
}

/// An operation on all lanes, by the registers that it takes.
#[derive(Clone, Copy)]
#[expect(clippy::upper_case_acronyms, reason = "a letter for each operand")]
pub enum Operation {
    W(fn(&Word) -> Word),
    WW(fn(&Word, &Word) -> Word),
    WWW(fn(&Word, &Word, &Word) -> Word),
    L(fn(&Long) -> Long),
    LL(fn(&Long, &Long) -> Long),
    LLL(fn(&Long, &Long, &Long) -> Long),
    /// A long register shifted by a word.
    LW(fn(&Long, &Word) -> Long),
    /// A long register from words.
    WideW(fn(&Word) -> Long),
    WideWW(fn(&Word, &Word) -> Long),
    WideWWL(fn(&Word, &Word, &Long) -> Long),
    /// A word from a long register.
    NarrowL(fn(&Long) -> Word),
    /// Predicates.
    TestWW(fn(&Word, &Word) -> u32),
    TestLL(fn(&Long, &Long) -> u32),
    P(fn(u32) -> u32),
    PP(fn(u32, u32) -> u32),
    /// a where the predicate holds, else b.
    ChooseW,
    ChooseL,
    /// Any conversion of one value.
    Convert(super::convert::Conversion),
}

/// `op!(WW, |a, b| …)` of one lane's values.
macro_rules! op {
    (W, |$a:ident| $e:expr) => {
        Operation::W(|a| lanes(a, |$a: u32| $e))
    };
    (WW, |$a:ident, $b:ident| $e:expr) => {
        Operation::WW(|a, b| lanes2(a, b, |$a: u32, $b: u32| $e))
    };
    (WWW, |$a:ident, $b:ident, $c:ident| $e:expr) => {
        Operation::WWW(|a, b, c| lanes3(a, b, c, |$a: u32, $b: u32, $c: u32| $e))
    };
    (L, |$a:ident| $e:expr) => {
        Operation::L(|a| lanes(a, |$a: u64| $e))
    };
    (LL, |$a:ident, $b:ident| $e:expr) => {
        Operation::LL(|a, b| lanes2(a, b, |$a: u64, $b: u64| $e))
    };
    (LLL, |$a:ident, $b:ident, $c:ident| $e:expr) => {
        Operation::LLL(|a, b, c| lanes3(a, b, c, |$a: u64, $b: u64, $c: u64| $e))
    };
    (LW, |$a:ident, $b:ident| $e:expr) => {
        Operation::LW(|a, b| lanes2(a, b, |$a: u64, $b: u32| $e))
    };
    (WideW, |$a:ident| $e:expr) => {
        Operation::WideW(|a| lanes(a, |$a: u32| $e))
    };
    (WideWW, |$a:ident, $b:ident| $e:expr) => {
        Operation::WideWW(|a, b| lanes2(a, b, |$a: u32, $b: u32| $e))
    };
    (WideWWL, |$a:ident, $b:ident, $c:ident| $e:expr) => {
        Operation::WideWWL(|a, b, c| lanes3(a, b, c, |$a: u32, $b: u32, $c: u64| $e))
    };
    (NarrowL, |$a:ident| $e:expr) => {
        Operation::NarrowL(|a| lanes(a, |$a: u64| $e))
    };
    (TestWW, |$a:ident, $b:ident| $e:expr) => {
        Operation::TestWW(|a, b| mask(a, b, |$a: u32, $b: u32| $e))
    };
    (TestLL, |$a:ident, $b:ident| $e:expr) => {
        Operation::TestLL(|a, b| mask(a, b, |$a: u64, $b: u64| $e))
    };
}
pub(super) use op;
