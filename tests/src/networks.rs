//! Networks that Python scripts write for tests.

use crate::{root, run, skip, target};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

/// The Python with PyTorch and onnx, or a skipped test.
fn python(test: &str) -> Option<std::ffi::OsString> {
    let python = std::env::var_os("RWT_TORCH_PYTHON");
    if python.is_none() {
        skip(test, "RWT_TORCH_PYTHON does not name a Python with torch, diffusers and onnx");
    }
    python
}

/// A file, or with an empty name a folder of files, that a script writes, once for the tests of a process and their own processes.
pub fn written(test: &str, script: &str, arguments: &[&str], file: &str) -> Option<PathBuf> {
    let python = python(test)?;
    let folder = target().join("tmp/rwt-tests/networks");
    static DONE: Mutex<Vec<[String; 2]>> = Mutex::new(Vec::new());
    let what = [script, file].map(str::to_owned);
    let mut done = DONE.lock().expect("another test's script has failed");
    if std::env::var_os("RWT_MOCK_CHILD").is_none() && !done.contains(&what) {
        std::fs::create_dir_all(&folder).unwrap();
        let mut command = Command::new(python);
        command.args(["-W", "ignore"]).arg(root().join(script)).args(arguments);
        let place = if file.is_empty() { folder.clone() } else { folder.join(file) };
        run(command.arg(place));
        done.push(what);
    }
    Some(folder.join(file))
}

/// What a script prints, in the test's own processes too.
pub fn printed(test: &str, script: &str, arguments: &[String]) -> Option<String> {
    let mut command = Command::new(python(test)?);
    command.args(["-W", "ignore"]).arg(root().join(script)).args(arguments);
    Some(run(&mut command))
}

/// What `python/operator_networks.py` writes.
pub const OPERATORS: [&str; 9] = [
    "attention",
    "attention_operator",
    "convolutions",
    "functions",
    "moved",
    "normalisations",
    "sums",
    "time",
    "transposed",
];

/// What `python/octet_networks.py` writes.
pub const OCTETS: [&str; 5] =
    ["attended_octets", "gated_octets", "moved_octets", "normalised_octets", "strided_octets"];
