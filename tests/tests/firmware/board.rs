//! The firmware's programs built, and run in QEMU or on this machine.

use rwt_tests::{compiler, exists, libraries, output, root, run, scratch, target};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub const CORTEX_M4F: &str = "thumbv7em-none-eabihf";
/// It has no unit for floating-point numbers.
pub const CORTEX_M3: &str = "thumbv7m-none-eabi";

/// Has rustc a core library for this target?
pub fn has_target(triple: &str) -> bool {
    let sysroot = run(Command::new("rustc").args(["--print", "sysroot"]).current_dir(root()));
    Path::new(sysroot.trim()).join("lib/rustlib").join(triple).is_dir()
}

/// QEMU's board with a Cortex-M4F, and with a Cortex-M3.
pub const M4F: &str = "mps2-an386";
pub const M3: &str = "mps2-an385";

/// librwt.a without std.
pub fn library(triple: &str) -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build.args(["rustc", "-p", "rwt-ffi", "--lib", "--profile", "firmware", "--crate-type", "staticlib"]);
    build.args(["--no-default-features", "--target", triple, "--target-dir"]).arg(target());
    run(build.current_dir(root()));
    target().join(triple).join("firmware/librwt.a")
}

/// What is missing to build for this target, and to run it.
pub fn missing(triple: &str) -> Option<String> {
    let tools = ["arm-none-eabi-gcc", "qemu-system-arm", "make"];
    let tool = tools.iter().find(|tool| !exists(tool)).map(|tool| format!("{tool} is missing"));
    tool.or_else(|| (!has_target(triple)).then(|| format!("no Rust for it: rustup target add {triple}")))
}

/// Run in QEMU; what was printed.
pub fn emulate(board: &str, program: &Path) -> String {
    let mut qemu = Command::new("timeout");
    qemu.args(["60", "qemu-system-arm", "-M", board, "-nographic", "-icount", "shift=0,sleep=off"]);
    qemu.args(["-semihosting-config", "enable=on,target=native", "-kernel"]).arg(program);
    let output = output(&mut qemu);
    let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {}\n{text}", program.display(), output.status);
    text
}

/// The folder of both programs for the microcontroller and for this machine.
pub fn programs() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = scratch("firmware");
        for (goal, library) in [("all", library(CORTEX_M4F)), ("host", libraries().join("librwt.a"))] {
            let mut make = Command::new("make");
            make.arg(goal).arg("-C").arg(root().join("examples/firmware/c"));
            make.arg(format!("CC={}", compiler("CC", "cc").join(" ")));
            make.arg(format!("BUILD={}", folder.display())).arg(format!("LIBRWT={}", library.display()));
            run(&mut make);
        }
        folder
    })
}

/// The programs for a Cortex-M3.
pub fn programs_m3() -> PathBuf {
    let folder = scratch("firmware-m3");
    let mut make = Command::new("make");
    make.arg("all").arg("-C").arg(root().join("examples/firmware/c"));
    make.arg("MACHINE=-mcpu=cortex-m3 -mthumb -mfloat-abi=soft");
    make.arg(format!("BUILD={}", folder.display())).arg(format!("LIBRWT={}", library(CORTEX_M3).display()));
    run(&mut make);
    folder
}

/// The program in Rust; `None` if what it depends on cannot be downloaded.
pub fn in_rust() -> Option<PathBuf> {
    let folder = root().join("examples/firmware/rust");
    if !output(Command::new(env!("CARGO")).args(["fetch", "--locked"]).current_dir(&folder)).status.success() {
        return None;
    }
    let target = target().join("firmware-rust");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--locked", "--target-dir"]).arg(&target).current_dir(&folder);
    run(build.env_remove("RUSTFLAGS"));
    Some(target.join(CORTEX_M4F).join("release/restore"))
}

/// What a program says, on the microcontroller and here.
pub fn both(name: &str) -> [String; 2] {
    let folder = programs();
    [emulate(M4F, &folder.join(format!("{name}.elf"))), run(&mut Command::new(folder.join(name)))]
}

/// The values of the lines that begin with this name.
pub fn values<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let found: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).collect();
    assert!(!found.is_empty(), "no {name} in\n{text}");
    found
}

pub fn number(text: &str, name: &str) -> f64 {
    values(text, name)[0].parse().unwrap()
}
