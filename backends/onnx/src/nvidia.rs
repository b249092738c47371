//! NVIDIA's libraries where pip puts them, which no loader knows of.

use std::path::{Path, PathBuf};

/// What the CUDA provider loads, each after those that it loads itself.
const NAMES: [&str; 8] = [
    "libcudart.so.",
    "libnvrtc.so.",
    "libnvJitLink.so.",
    "libcublasLt.so.",
    "libcublas.so.",
    "libcurand.so.",
    "libcufft.so.",
    "libcudnn.so.",
];

/// Open the libraries of the packages nvidia-* in the Python environment that this ONNX Runtime belongs to: what is open, its
/// provider finds by its name. What cannot be opened is left to the system's loader.
pub(crate) fn open_beside(runtime: &Path) {
    for path in beside(runtime) {
        // SAFETY: loading runs the initialisers of NVIDIA's libraries, as the provider would; they stay open.
        if let Ok(library) = unsafe { libloading::Library::new(path) } {
            std::mem::forget(library);
        }
    }
}

/// `nvidia/*/lib/` beside `onnxruntime/capi/libonnxruntime.so.*`.
fn beside(runtime: &Path) -> Vec<PathBuf> {
    let entries = |folder: PathBuf| {
        let mut paths: Vec<_> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    let packages = runtime.ancestors().nth(3).map(|site| entries(site.join("nvidia"))).unwrap_or_default();
    let files: Vec<_> = packages.into_iter().flat_map(|package| entries(package.join("lib"))).collect();
    let is = |path: &Path, name: &str| path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(name));
    NAMES.iter().flat_map(|name| files.iter().filter(|path| is(path, name)).cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_found_in_the_order_in_which_they_need_each_other() {
        let site = std::env::temp_dir().join(format!("rwt-nvidia-{}", std::process::id()));
        for file in [
            "onnxruntime/capi/libonnxruntime.so.1.24.0",
            "nvidia/cublas/lib/libcublas.so.12",
            "nvidia/cublas/lib/libcublasLt.so.12",
            "nvidia/cuda_runtime/lib/libcudart.so.12",
            "nvidia/cudnn/lib/libcudnn_graph.so.9",
            "nvidia/cudnn/lib/libcudnn.so.9",
            "nvidia/cudnn/include/cudnn.h",
        ] {
            std::fs::create_dir_all(site.join(file).parent().unwrap()).unwrap();
            std::fs::write(site.join(file), "no library").unwrap();
        }
        let runtime = site.join("onnxruntime/capi/libonnxruntime.so.1.24.0");
        let found = beside(&runtime);
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["libcudart.so.12", "libcublasLt.so.12", "libcublas.so.12", "libcudnn.so.9"]);
        open_beside(&runtime); // none can be opened
        open_beside(Path::new("libonnxruntime.so"));
        std::fs::remove_dir_all(site).unwrap();
    }
}
