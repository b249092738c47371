//! The PTX that is committed is what the kernels' sources give, without spills, and with the arithmetic that they write.

use rwt_tests::{exists, output, root, scratch, skip, target};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The exit status of make_ptx.py where NVIDIA's compiler cannot be had.
const NO_TOOLS: i32 = 3;

/// Run make_ptx.py of this folder: did it succeed, and what did it say; `None`, and a line that says so, without its tools.
fn make_ptx(test: &str, folder: &Path, options: &[&str]) -> Option<(bool, String)> {
    if !exists("python3") {
        skip(test, "python3 is missing");
        return None;
    }
    let script = folder.join("make_ptx.py");
    let done = output(Command::new("python3").arg(script).args(options).env("CARGO_TARGET_DIR", target()));
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    if done.status.code() == Some(NO_TOOLS) {
        skip(test, &format!("NVIDIA's compiler cannot be had from PyPI: {}", said.lines().last().unwrap_or_default()));
        return None;
    }
    Some((done.status.success(), said))
}

/// A copy of a folder with what it holds.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Replace the first of one text in a file by another.
fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{} has no {from}", path.display());
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn ptx_is_what_the_sources_give() {
    let Some((is_good, said)) =
        make_ptx("ptx_is_what_the_sources_give", &root().join("backends/cuda"), &["--check", "--report"])
    else {
        return;
    };
    println!("{said}");
    assert!(is_good, "{said}");
    assert!(said.lines().any(|line| line.starts_with("rwt_step ")), "{said}");
}

#[test]
fn other_ptx_is_refused() {
    let folder = scratch("cuda_ptx");
    copy(&root().join("backends/cuda"), &folder);
    let try_it = |options: &[&str]| make_ptx("other_ptx_is_refused", &folder, options);
    let (noise, ptx) = (folder.join("src/noise.cuh"), folder.join("ptx/step.ptx"));
    let (source, compiled) = (fs::read_to_string(&noise).unwrap(), fs::read_to_string(&ptx).unwrap());

    edit(&noise, "0x3f3504f3", "0x3f3504f4");
    let Some((is_good, said)) = try_it(&["--check"]) else { return };
    assert!(!is_good && said.contains("ptx/step.ptx is not what its source gives"), "{said}");
    assert!(!said.contains("moments.ptx"), "{said}");
    fs::write(&noise, source).unwrap();

    for (from, to) in [("add.rn.f32", "add.f32"), ("mul.rn.f32", "mul.rn.ftz.f32")] {
        edit(&ptx, from, to);
        let Some((is_good, said)) = try_it(&["--report"]) else { return };
        assert!(!is_good && said.contains(&format!("step.ptx: {to}")), "{said}");
        fs::write(&ptx, &compiled).unwrap();
    }
}
