//! Comparisons.

use super::rows::{Operation, mask, op};

fn f(a: u32) -> f32 {
    f32::from_bits(a)
}

fn d(a: u64) -> f64 {
    f64::from_bits(a)
}

/// `setp` of this comparison ("lt") and type ("f32").
pub fn comparison(compare: &str, kind: &str) -> Option<Operation> {
    match kind {
        "u32" | "b32" => unsigned(compare),
        "s32" => signed(compare),
        "u16" | "b16" => unsigned16(compare),
        "s16" => signed16(compare),
        "u64" | "b64" => unsigned64(compare),
        "s64" => signed64(compare),
        "f32" => single(compare),
        "f64" => double(compare),
        _ => None,
    }
}

/// The comparisons of integers, in one representation.
macro_rules! integers {
    ($name:ident, $kind:ident, |$a:ident| $view:expr) => {
        fn $name(compare: &str) -> Option<Operation> {
            macro_rules! view {
                ($value:expr) => {{
                    let $a = $value;
                    $view
                }};
            }
            Some(match compare {
                "eq" => op!($kind, |a, b| view!(a) == view!(b)),
                "ne" => op!($kind, |a, b| view!(a) != view!(b)),
                "lt" | "lo" => op!($kind, |a, b| view!(a) < view!(b)),
                "le" | "ls" => op!($kind, |a, b| view!(a) <= view!(b)),
                "gt" | "hi" => op!($kind, |a, b| view!(a) > view!(b)),
                "ge" | "hs" => op!($kind, |a, b| view!(a) >= view!(b)),
                _ => return None,
            })
        }
    };
}

integers!(unsigned, TestWW, |a| a);
integers!(signed, TestWW, |a| a as i32);
integers!(unsigned16, TestWW, |a| a as u16);
integers!(signed16, TestWW, |a| a as i16);
integers!(unsigned64, TestLL, |a| a);
integers!(signed64, TestLL, |a| a as i64);

/// The comparisons of floats, ordered and, with u, those that hold if one is not a number too.
macro_rules! floats {
    ($name:ident, $kind:ident, $float:ident) => {
        fn $name(compare: &str) -> Option<Operation> {
            Some(match compare {
                "eq" => op!($kind, |a, b| $float(a) == $float(b)),
                "ne" => op!($kind, |a, b| $float(a) < $float(b) || $float(a) > $float(b)),
                "lt" => op!($kind, |a, b| $float(a) < $float(b)),
                "le" => op!($kind, |a, b| $float(a) <= $float(b)),
                "gt" => op!($kind, |a, b| $float(a) > $float(b)),
                "ge" => op!($kind, |a, b| $float(a) >= $float(b)),
                "equ" => op!($kind, |a, b| $float(a).partial_cmp(&$float(b)).is_none_or(|order| order.is_eq())),
                "neu" => op!($kind, |a, b| $float(a) != $float(b)),
                "ltu" => op!($kind, |a, b| $float(a).partial_cmp(&$float(b)).is_none_or(|order| order.is_lt())),
                "leu" => op!($kind, |a, b| $float(a).partial_cmp(&$float(b)).is_none_or(|order| order.is_le())),
                "gtu" => op!($kind, |a, b| $float(a).partial_cmp(&$float(b)).is_none_or(|order| order.is_gt())),
                "geu" => op!($kind, |a, b| $float(a).partial_cmp(&$float(b)).is_none_or(|order| order.is_ge())),
                "num" => op!($kind, |a, b| !$float(a).is_nan() && !$float(b).is_nan()),
                "nan" => op!($kind, |a, b| $float(a).is_nan() || $float(b).is_nan()),
                _ => return None,
            })
        }
    };
}

floats!(single, TestWW, f);
floats!(double, TestLL, d);
