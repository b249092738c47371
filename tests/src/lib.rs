//! What the tests of the workspace share: the built libraries, compilers, processes, and tests that are skipped.
//!
//! A test whose tool is missing says so with [`skip`] and passes; `RWT_SKIPPED` names a file that collects these lines.

pub mod kernels;
pub mod mock_cuda;
pub mod mock_libraries;
pub mod networks;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The workspace's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// Cargo's target folder, from where this test runs: `<target>/<profile>/deps/<test>`.
pub fn target() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    test.ancestors().nth(3).expect("<target>/<profile>/deps/<test>").to_owned()
}

/// The model that comes with the examples.
pub fn model() -> PathBuf {
    root().join("examples/models/rwt-leaves-rgb.onnx")
}

/// An empty folder of this name, for one test alone.
pub fn scratch(name: &str) -> PathBuf {
    let folder = target().join("tmp/rwt-tests").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder to write in");
    folder
}

/// The folder of librwt.so and librwt.a, built now if they are not up to date, with the link that the loader wants.
pub fn libraries() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--release", "-p", "rwt-ffi", "-p", "rwt-picture", "--target-dir"]).arg(target());
        run(build.current_dir(root()));
        let folder = target().join("release");
        let link = folder.join("librwt.so.0");
        if !link.exists() {
            let _ = std::os::unix::fs::symlink("librwt.so", &link); // another test may have been quicker
        }
        assert!(link.exists(), "{} does not exist", link.display());
        folder
    })
}

/// The program `name` of examples/`folder`, built by the example's own Makefile, once: of one example in each test's process,
/// for two builds at a time would write the same files.
pub fn example(folder: &str, name: &str) -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        libraries(); // cargo's messages, if any, come from here
        let folder = root().join("examples").join(folder);
        run(Command::new("make").arg("-C").arg(&folder).arg("all").env("CARGO_TARGET_DIR", target()));
        folder.join("build").join(name)
    })
}

/// The first number behind a name that begins a line of a printed table.
pub fn row(said: &str, name: &str) -> f64 {
    let line = said.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {said}"));
    let number = line[name.len()..].split_whitespace().next().map(|text| text.trim_end_matches(','));
    number.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no number behind {name} in {said}"))
}

/// The floats of a .npy file, whose header says this shape, such as "3, 64, 64".
pub fn read_npy(path: &Path, shape: &str) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (header, values) = bytes.split_at(128);
    let header = String::from_utf8_lossy(header);
    let expected = format!("'<f4', 'fortran_order': False, 'shape': ({shape})");
    assert!(header.contains(&expected), "{}: {header}", path.display());
    let sizes = shape.split(',').map(|size| size.trim().parse::<usize>().expect("a size"));
    assert_eq!(values.len(), 4 * sizes.product::<usize>(), "{}", path.display());
    values.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// The words of the command that the variable holds, or else the default.
pub fn compiler(variable: &str, default: &str) -> Vec<String> {
    let command = std::env::var(variable).unwrap_or_default();
    let words: Vec<_> = command.split_whitespace().map(str::to_owned).collect();
    if words.is_empty() { vec![default.to_owned()] } else { words }
}

/// Can this command be started?
pub fn exists(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// A command that starts with these words. What cargo tells a test's loader is not for it.
pub fn command(words: &[String]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env_remove("LD_LIBRARY_PATH");
    command
}

/// Run to the end, whatever that is.
pub fn output(command: &mut Command) -> Output {
    command.env_remove("LD_LIBRARY_PATH").output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Run and succeed; the standard output.
pub fn run(command: &mut Command) -> String {
    let output = output(command);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// Say that a test is skipped and why.
pub fn skip(test: &str, reason: &str) {
    let line = format!("SKIPPED: {test}: {reason}");
    eprintln!("{line}");
    if let Some(path) = std::env::var_os("RWT_SKIPPED") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
        // one write, as other tests append too
        file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()))
            .expect("the file that RWT_SKIPPED names");
    }
}

/// The functions that the header declares, in its order.
pub fn declared() -> Vec<String> {
    let header = std::fs::read_to_string(root().join("include/rwt.h")).expect("include/rwt.h");
    let declarations = header.split("RWT_API").skip(1).filter_map(|text| {
        let (before, _) = text.split_once('(')?;
        let name = before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next()?;
        (name.starts_with("rwt_") && !before.contains(';') && !before.contains('#')).then(|| name.to_owned())
    });
    declarations.collect()
}
