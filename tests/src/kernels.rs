//! The kernels' sources, built for the processor.

use crate::mock_cuda::said;
use crate::{command, compiler, exists, output, root, target};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What all sources are compiled with.
const FLAGS: &[&str] =
    &["-std=c++17", "-O2", "-g1", "-ffp-contract=off", "-fno-strict-aliasing", "-fPIC", "-fvisibility=hidden", "-Wall"];
const SANITIZE: &[&str] = &["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];

/// The library of all kernels of rwt-cuda, and of the tests' own, built now if it is not up to date. An error is why it cannot
/// be built here; kernels that do not compile fail the test.
pub fn build(sanitize: bool) -> Result<PathBuf, String> {
    static BUILT: [OnceLock<Result<PathBuf, String>>; 2] = [OnceLock::new(), OnceLock::new()];
    BUILT[usize::from(sanitize)].get_or_init(|| build_now(sanitize)).clone()
}

/// The library that a program must load first, so that g++'s checks work in one that was built without them.
pub fn sanitizer() -> Result<PathBuf, String> {
    let found = output(command(&compiler("CXX", "g++")).arg("-print-file-name=libasan.so"));
    let path = PathBuf::from(String::from_utf8_lossy(&found.stdout).trim());
    if path.is_absolute() { Ok(path) } else { Err("g++ has no libasan.so".into()) }
}

fn build_now(sanitize: bool) -> Result<PathBuf, String> {
    let cxx = compiler("CXX", "g++");
    if !exists(&cxx[0]) {
        return Err(format!("{} is not there to build kernels for the processor", cxx[0]));
    }
    let host = root().join("tests/mock_cuda/host");
    let folder = target().join("tmp/rwt-tests/mock_cuda").join(if sanitize { "sanitized" } else { "plain" });
    fs::create_dir_all(&folder).expect("a folder to write in");
    let lock = fs::File::create(folder.join("lock")).expect("a lock");
    lock.lock().expect("a lock");
    let library = folder.join("libkernels.so");
    let sources = sources();
    let flags: Vec<_> = FLAGS.iter().chain(sanitize.then_some(SANITIZE).into_iter().flatten()).chain(fused()).collect();
    let stamp = stamp(&sources, &host, &cxx, &flags);
    if library.exists() && fs::read_to_string(folder.join("stamp")).is_ok_and(|found| found == stamp) {
        return Ok(library);
    }
    let mut objects = Vec::new();
    for (path, text) in &sources {
        let copy = folder.join("src").join(path);
        fs::create_dir_all(copy.parent().expect("a folder")).expect("a folder to write in");
        fs::write(&copy, text).expect("a copy");
    }
    let kernels = sources.iter().filter(|(path, _)| path.extension().is_some_and(|extension| extension == "cu"));
    let runtime = ["block.cpp", "fibre.cpp", "tensor.cpp"].map(|name| host.join(name));
    for source in kernels.map(|(path, _)| folder.join("src").join(path)).chain(runtime) {
        let object = folder.join(source.file_name().expect("a name")).with_extension(format!("{}.o", objects.len()));
        let mut compile = command(&cxx);
        compile
            .args(&flags)
            .arg("-I")
            .arg(folder.join("src"))
            .args(["-x", "c++", "-c"])
            .arg(&source)
            .arg("-o")
            .arg(&object);
        compile.arg("-include").arg(host.join("cuda.hpp"));
        said(&mut compile).unwrap_or_else(|error| panic!("{error}"));
        objects.push(object);
    }
    let mut link: Command = command(&cxx);
    link.args(&flags).arg("-shared").args(&objects).arg("-o").arg(&library).arg("-Wl,-z,noexecstack");
    match said(&mut link) {
        Err(reason) if sanitize => return Err(format!("no sanitizers: {reason}")),
        linked => linked.unwrap_or_else(|error| panic!("{error}")),
    }
    fs::write(folder.join("stamp"), stamp).expect("a stamp");
    Ok(library)
}

/// With the processor's own fused multiply-add, which gives the same bits sooner.
fn fused() -> impl Iterator<Item = &'static &'static str> {
    #[cfg(target_arch = "x86_64")]
    let there = std::arch::is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    let there = false;
    there.then_some(&"-mfma").into_iter()
}

/// Sources by their paths below their folder, as C++: what a launch says the size of is asked for, and kernels are named.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for folder in
        ["backends/cuda/src", "examples/cuda_kernel", "tests/mock_cuda/kernels"].map(|folder| root().join(folder))
    {
        collect(&folder, &folder, &mut found);
    }
    found.sort();
    found
}

fn collect(folder: &Path, below: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, below, found);
        } else if path.extension().is_some_and(|extension| extension == "cu" || extension == "cuh") {
            let text = fs::read_to_string(&path).expect("a source");
            let name = path.strip_prefix(below).expect("below").to_owned();
            let mut text = format!("#line 1 \"{}\"\n{}", path.display(), with_dynamic_shared(&text));
            if path.extension().is_some_and(|extension| extension == "cu") {
                kernels(&text).iter().for_each(|kernel| text.push_str(&format!("\nRWT_KERNEL({kernel})")));
                text.push('\n');
            }
            found.push((name, text));
        }
    }
}

/// `extern __shared__ __align__(16) float tile[];` as a pointer, which C++ has.
fn with_dynamic_shared(text: &str) -> String {
    let mut parts = text.split("extern __shared__");
    let mut done = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (declared, rest) = part.split_once(';').expect("a declaration");
        let declared = match declared.split_once("__align__(") {
            Some((before, after)) => format!("{before} {}", after.split_once(')').expect("an alignment").1),
            None => declared.to_owned(),
        };
        let declared = declared.trim().trim_end_matches("[]").trim_end();
        let (kind, name) = declared.rsplit_once(char::is_whitespace).expect("a type and a name");
        done.push_str(&format!("{kind} *{name} = static_cast<{kind} *>(rwt_dynamic_shared());{rest}"));
    }
    done
}

/// Names of the kernels that a text defines.
fn kernels(text: &str) -> Vec<String> {
    let named = text.split("__global__").skip(1).filter_map(|text| {
        let (declared, body) = text.split_once(')')?;
        let (head, body) = match declared.contains("__launch_bounds__") {
            true => (body.split_once('(')?.0, body),
            false => (declared.split_once('(')?.0, body),
        };
        let defined = body.find('{')? < body.find(';').unwrap_or(usize::MAX);
        let name = head.split_whitespace().last()?;
        defined.then(|| name.to_owned())
    });
    named.collect()
}

fn stamp(sources: &[(PathBuf, String)], host: &Path, cxx: &[String], flags: &[&&str]) -> String {
    let mut hasher = DefaultHasher::new();
    (sources, cxx, flags).hash(&mut hasher);
    for name in ["cuda.hpp", "tensor.hpp", "tensor.cpp", "fibre.hpp", "fibre.cpp", "block.cpp"] {
        fs::read(host.join(name)).expect("the host's part").hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}
