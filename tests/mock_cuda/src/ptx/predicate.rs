//! Operations on predicates: a bit of each lane.

use super::rows::Operation;

pub fn operation(mnemonic: &str) -> Option<Operation> {
    Some(match mnemonic {
        "mov.pred" => Operation::P(|a| a),
        "not.pred" => Operation::P(|a| !a),
        "and.pred" | "and" => Operation::PP(|a, b| a & b),
        "or.pred" | "or" => Operation::PP(|a, b| a | b),
        "xor.pred" | "xor" => Operation::PP(|a, b| a ^ b),
        _ => return None,
    })
}
