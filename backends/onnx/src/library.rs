//! Finding ONNX Runtime on this machine, and looking at it before it is used.

use std::ffi::{CStr, c_char, c_void};
use std::path::{Path, PathBuf};

use crate::Error;

/// The file's name where the system's loader looks for it.
const NAME: &str = if cfg!(windows) {
    "onnxruntime.dll"
} else if cfg!(target_os = "macos") {
    "libonnxruntime.dylib"
} else {
    "libonnxruntime.so"
};
/// The oldest minor version of ONNX Runtime 1 whose interface this crate can use.
pub(crate) const WANTED: u32 = ort::MINOR_VERSION;

/// An ONNX Runtime that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Library {
    pub(crate) path: PathBuf,
    pub(crate) version: String,
}

impl Library {
    /// The library at `path`; without one, that of `ORT_DYLIB_PATH`; without that, the first that can be used of the
    /// system's and those of the active Python environments.
    pub(crate) fn find(path: Option<&Path>) -> Result<Self, Error> {
        let named = path.map(Path::to_path_buf).or_else(|| std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from));
        let candidates = match named {
            Some(path) => vec![path],
            None => std::iter::once(PathBuf::from(NAME)).chain(in_python_environments()).collect(),
        };
        let mut tried = Vec::new();
        for path in candidates {
            match inspect(&path) {
                Ok(version) => return Ok(Self { path, version }),
                Err(why) => tried.push(format!("{}: {why}", path.display())),
            }
        }
        Err(Error::Runtime { wanted: WANTED, tried })
    }
}

/// `onnxruntime/capi/libonnxruntime.so.*` of the environments that VIRTUAL_ENV and CONDA_PREFIX name.
fn in_python_environments() -> Vec<PathBuf> {
    let prefixes = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(std::env::var_os).map(PathBuf::from);
    let lists = |folder: PathBuf| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    let starts_with = |path: &Path, start: &str| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(start))
    };
    let mut found = Vec::new();
    for prefix in prefixes {
        let pythons = lists(prefix.join("lib")).into_iter().filter(|path| starts_with(path, "python3"));
        for site in pythons.map(|path| path.join("site-packages")).chain([prefix.join("Lib/site-packages")]) {
            let files = lists(site.join("onnxruntime/capi"));
            found.extend(files.into_iter().filter(|path| starts_with(path, NAME)));
        }
    }
    found
}

/// The head of `OrtApiBase`, onnxruntime_c_api.h.
#[repr(C)]
struct ApiBase {
    get_api: unsafe extern "C" fn(u32) -> *const c_void,
    get_version_string: unsafe extern "C" fn() -> *const c_char,
}

/// The version of the library at a path, or why it cannot be used. It stays loaded.
///
/// The bindings are known to hang, to panic or to crash where the library is missing or too old; so this comes first.
fn inspect(path: &Path) -> Result<String, String> {
    if path.components().count() > 1 && !path.is_file() {
        return Err("there is no such file".into());
    }
    // SAFETY: loading runs the library's initialisers; it is the one that the caller or the system named.
    let library = unsafe { libloading::Library::new(path) }.map_err(|error| error.to_string())?;
    // SAFETY: the type is that of onnxruntime_c_api.h, where this symbol is declared.
    let get_base = unsafe { library.get::<unsafe extern "C" fn() -> *const ApiBase>(b"OrtGetApiBase\0") };
    let get_base = get_base.map_err(|_| "it is not ONNX Runtime: it has no OrtGetApiBase")?;
    // SAFETY: takes nothing, gives a static struct or NULL.
    let base = unsafe { get_base().as_ref() }.ok_or("OrtGetApiBase gave nothing")?;
    // SAFETY: the same for a static string.
    let version = unsafe { (base.get_version_string)().as_ref() }.ok_or("it does not tell its version")?;
    // SAFETY: not NULL, a string that ends with 0.
    let version = unsafe { CStr::from_ptr(version) }.to_string_lossy().into_owned();
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    // SAFETY: asks for an interface by its number; NULL if it is unknown.
    let has_interface = !unsafe { (base.get_api)(WANTED) }.is_null();
    if numbers.next() != Some(1) || numbers.next().unwrap_or(0) < WANTED || !has_interface {
        return Err(format!("it is version {version}, wanted 1.{WANTED} or later"));
    }
    std::mem::forget(library); // closing and opening it again would start its threads twice
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_runtime_is_refused_with_the_path_and_the_reason() {
        let refusal = |path: &str| Library::find(Some(Path::new(path))).unwrap_err().to_string();
        let missing = refusal("/no/such/libonnxruntime.so");
        assert!(missing.contains("/no/such/libonnxruntime.so: there is no such file"), "{missing}");
        assert!(missing.contains("1.24") && missing.contains("pip install onnxruntime"), "{missing}");
        let text = refusal(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        assert!(text.contains("Cargo.toml"), "{text}");
        if cfg!(target_os = "linux") && Path::new("/lib/x86_64-linux-gnu/libm.so.6").exists() {
            let other = refusal("/lib/x86_64-linux-gnu/libm.so.6");
            assert!(other.contains("it is not ONNX Runtime"), "{other}");
        }
    }
}
