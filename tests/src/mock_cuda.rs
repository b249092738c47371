//! NVIDIA's driver without a device: tests in processes of their own, in which it is found.
//!
//! ```ignore
//! #[test]
//! fn walks() {
//!     mock_cuda::both("walks", |mock| {
//!         let device = rwt_cuda::Device::open(0).unwrap();
//!         …
//!         assert_eq!(mock.counter("htod"), 0);
//!     });
//! }
//! ```

use crate::{kernels, output, root, run, skip, target};
use std::ffi::{CString, c_char};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// In a process that is a test's own: how kernels run.
const CHILD: &str = "RWT_MOCK_CHILD";

/// Where a loader looks, the mock driver's folder first.
const LOADER: &str = "LD_LIBRARY_PATH";

/// The mock driver, open in this process.
pub struct Mock {
    library: libloading::Library,
}

/// How kernels run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Their PTX, interpreted.
    Ptx,
    /// Their source, built for the processor.
    Source,
    /// Their source, with what g++ has to find wrong accesses.
    Sanitized,
}

/// Run `body` with kernels from their PTX, and again from their source. `test` is the test's own name.
pub fn both(test: &str, body: impl FnOnce(&Mock)) {
    in_modes(test, &[Mode::Ptx, Mode::Source], &[], body);
}

/// Run `body` in a process for each mode, with these variables. `test` is the test's own name: this function is called in
/// the test, and again in the test's own processes.
pub fn in_modes(test: &str, modes: &[Mode], variables: &[(&str, &str)], body: impl FnOnce(&Mock)) {
    if std::env::var_os(CHILD).is_some() {
        return body(&Mock::open());
    }
    for mode in modes {
        if let Some(child) = prepare(child(test).envs(variables.iter().copied()), test, *mode) {
            finish(child, &format!("{test} in mode {mode:?}"));
        }
    }
}

/// Let this program find the mock driver. `None` if its kernels cannot be built here, which `test` is skipped for.
pub fn prepare<'c>(program: &'c mut Command, test: &str, mode: Mode) -> Option<&'c mut Command> {
    let set = program.get_envs().find(|(name, _)| *name == LOADER).and_then(|(_, value)| value.map(PathBuf::from));
    let folders = std::env::join_paths([folder().to_owned()].into_iter().chain(set)).expect("folders without a colon");
    program.env(CHILD, "1").env(LOADER, folders).env_remove("RWT_MOCK_MODE");
    if mode == Mode::Ptx {
        return Some(program);
    }
    let built = kernels::build(mode == Mode::Sanitized);
    let preload = || if mode == Mode::Sanitized { kernels::sanitizer().map(Some) } else { Ok(None) };
    match built.and_then(|library| Ok((library, preload()?))) {
        Ok((library, preload)) => {
            program.env("RWT_MOCK_MODE", "source").env("RWT_MOCK_KERNELS", library);
            if let Some(preload) = preload {
                program.env("LD_PRELOAD", preload).env("ASAN_OPTIONS", "detect_leaks=0");
            }
            Some(program)
        }
        Err(reason) => {
            skip(test, &reason);
            None
        }
    }
}

/// Run `body` in a process without the mock. `None` in the process that starts it.
pub fn without_driver(test: &str, body: impl FnOnce()) {
    if std::env::var_os(CHILD).is_some() {
        return body();
    }
    finish(child(test).env(CHILD, "1"), test);
}

/// This test's program, for this test alone.
fn child(test: &str) -> Command {
    let program = std::env::current_exe().expect("the test's own path");
    let mut child = Command::new(program);
    child.args([test, "--exact", "--nocapture", "--include-ignored", "--test-threads=1"]);
    child
}

fn finish(child: &mut Command, what: &str) {
    let output = child.output().unwrap_or_else(|error| panic!("{child:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{what}: {}\n{out}\n{err}", output.status);
    for line in err.lines().filter(|line| line.starts_with("SKIPPED") || line.starts_with("MEASURED")) {
        eprintln!("{line}");
    }
}

/// The folder in which a loader finds the driver, built now if it is not up to date.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--release", "-p", "rwt-mock-cuda", "--target-dir"]).arg(target());
        run(build.current_dir(root()));
        let folder = target().join("tmp/rwt-tests/mock_cuda/driver");
        std::fs::create_dir_all(&folder).expect("a folder to write in");
        for name in ["libcuda.so", "libcuda.so.1"] {
            // another test may have been quicker
            let _ = std::os::unix::fs::symlink(target().join("release/librwt_mock_cuda.so"), folder.join(name));
        }
        folder
    })
}

impl Mock {
    fn open() -> Self {
        // SAFETY: its initialisers are Rust's own.
        let library = unsafe { libloading::Library::new("libcuda.so.1") };
        Self { library: library.expect("the mock") }
    }

    /// How often this was done since the start or the newest [`Mock::reset`]: a function's name, or launches (outside of
    /// graphs), executions (of kernels), nodes (captured), graphs (instantiated), replays, htod, dtoh, dtod, memset, allocs,
    /// frees, syncs, instructions (of warps, interpreted).
    pub fn counter(&self, name: &str) -> u64 {
        let name = CString::new(name).expect("a name");
        // SAFETY: the mock's function of this name has this type.
        unsafe {
            self.library.get::<unsafe extern "C" fn(*const c_char) -> u64>(b"mock_counter").expect("mock_counter")(
                name.as_ptr(),
            )
        }
    }

    /// Count from 0, and let nothing fail.
    pub fn reset(&self) {
        // SAFETY: as above.
        unsafe { self.library.get::<unsafe extern "C" fn()>(b"mock_reset").expect("mock_reset")() }
    }

    /// Let the `from_now`-th next call of this function of the driver (1 for the next one) fail with this error, undone.
    pub fn fail(&self, call: &str, from_now: u64, code: u32) {
        let call = CString::new(call).expect("a name");
        type Fail = unsafe extern "C" fn(*const c_char, u64, u32);
        // SAFETY: as above.
        unsafe { self.library.get::<Fail>(b"mock_fail").expect("mock_fail")(call.as_ptr(), from_now, code) }
    }

    /// What the newest error was about.
    pub fn message(&self) -> String {
        let mut text = vec![0u8; 4096];
        type Message = unsafe extern "C" fn(*mut u8, usize) -> usize;
        // SAFETY: as above; the text has that many bytes.
        let len = unsafe {
            self.library.get::<Message>(b"mock_message").expect("mock_message")(text.as_mut_ptr(), text.len())
        };
        String::from_utf8_lossy(&text[..len.min(text.len() - 1)]).into_owned()
    }
}

/// The end of what a command says, for a reason.
pub(crate) fn said(command: &mut Command) -> Result<(), String> {
    let output = output(command);
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}
