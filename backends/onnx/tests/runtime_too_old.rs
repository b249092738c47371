//! An ONNX Runtime that is too old, in a process that has not loaded another.

mod common;

use std::path::PathBuf;
use std::process::Command;

use common::path;
use rwt_onnx::{EngineChoice, OnnxDenoiser, OpenOptions, RuntimeOptions};

/// A library with the entry of ONNX Runtime that says it is version `version`, if there is a C compiler.
fn impostor(version: &str) -> Option<PathBuf> {
    let folder = std::env::temp_dir().join(format!("rwt-onnx-impostor-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (source, library) = (folder.join("a.c"), folder.join(format!("lib{version}.so")));
    let text = format!(
        "#include <stddef.h>\n#include <stdint.h>\n\
         static const void *api(uint32_t v) {{ (void)v; return NULL; }}\n\
         static const char *version(void) {{ return \"{version}\"; }}\n\
         static const struct {{ const void *(*a)(uint32_t); const char *(*v)(void); }} base = {{api, version}};\n\
         const void *OrtGetApiBase(void) {{ return &base; }}\n"
    );
    std::fs::write(&source, text).unwrap();
    let status = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    status.is_ok_and(|status| status.success()).then_some(library)
}

#[test]
fn a_library_that_is_too_old_is_named_with_its_version_and_the_wanted_one() {
    if cfg!(not(target_os = "linux")) {
        return;
    }
    for version in ["1.16.3", "2.40.0", "nonsense"] {
        let library = impostor(version).expect("a C compiler");
        let choice = RuntimeOptions { library: Some(library.clone()), ..RuntimeOptions::default() };
        let engine = EngineChoice::Runtime(choice);
        let options = OpenOptions { engine, ..OpenOptions::default() };
        let error = OnnxDenoiser::open_with(path(), &options).err().unwrap().to_string();
        assert!(error.contains(library.to_str().unwrap()), "{error}");
        assert!(error.contains(&format!("it is version {version}, wanted 1.24 or later")), "{error}");
        assert!(error.contains("pip install onnxruntime"), "{error}");
    }
}
