//! Finding a library without a panic.

use libloading::Library;
use std::path::PathBuf;

/// Names folders, separated as in PATH, that are looked in before the places of the system's loader.
const FOLDERS: &str = "RWT_CUDA_LIBRARIES";

/// The first library of these names that `with` can use, or why there is none.
///
/// CUDA's libraries are never unloaded: `with` must not close what it is given.
pub(super) fn first<T>(names: &[&str], mut with: impl FnMut(Library) -> Result<T, String>) -> Result<T, String> {
    let folders = std::env::var_os(FOLDERS);
    let folders: Vec<PathBuf> = folders.iter().flat_map(std::env::split_paths).collect();
    let mut tried = Vec::new();
    if let Some(folder) = folders.iter().find(|folder| !folder.is_absolute() && !folder.as_os_str().is_empty()) {
        tried.push(format!("{FOLDERS}: expected absolute folders, found {}", folder.display()));
    }
    let in_folders = folders.iter().filter(|folder| folder.is_absolute());
    let in_folders = in_folders.flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    for path in in_folders.filter(|path| path.is_file()).chain(names.iter().map(PathBuf::from)) {
        // SAFETY: opening NVIDIA's libraries runs their own initialisers only.
        let opened = unsafe { Library::new(&path) };
        let found = opened
            .map_err(|error| std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string));
        match found.and_then(&mut with) {
            Ok(used) => return Ok(used),
            Err(reason) => {
                let path = path.to_string_lossy();
                // the system's loader names the file itself
                let reason =
                    reason.trim().strip_prefix(&*path).map_or(reason.trim(), |rest| rest.trim_start_matches(": "));
                tried.push(format!("{path}: {reason}"));
            }
        }
    }
    Err(tried.join("; "))
}
