//! Tests that need something which is not on this machine.

use std::io::Write;

/// Say that a test was skipped and why, and add a line to the list that RWT_SKIPPED names.
pub fn skip(test: &str, reason: &str) {
    let line = format!("SKIPPED: {}, {test}: {reason}\n", env!("CARGO_PKG_NAME"));
    eprint!("{line}");
    if let Some(list) = std::env::var_os("RWT_SKIPPED") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(list);
        file.and_then(|mut file| file.write_all(line.as_bytes())).unwrap();
    }
}
