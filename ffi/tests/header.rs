//! The committed header is what the sources say, and its version is the package's.

use std::path::Path;

fn header_path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../include/rwt.h")
}

fn generated() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).expect("cbindgen.toml");
    let mut sources: Vec<_> =
        std::fs::read_dir(folder.join("src")).expect("src").map(|entry| entry.expect("entry").path()).collect();
    sources.retain(|path| !path.ends_with("lib.rs")); // it names the others, which would then appear twice
    sources.sort();
    let mut builder = cbindgen::Builder::new().with_config(config).with_src(folder.join("../core/src/walk.rs"));
    for source in sources {
        builder = builder.with_src(source);
    }
    let mut text = Vec::new();
    builder.generate().expect("cbindgen").write(&mut text);
    for_c(&String::from_utf8(text).expect("UTF-8"))
}

/// The Rust headings and trailing blanks that mean nothing to a C programmer.
fn for_c(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if line == " * # Safety" {
            lines.pop(); // the blank line above
        } else if !line.starts_with(" * ```") {
            lines.push(line);
        }
    }
    lines.join("\n").replace("*     * ", "* ") + "\n" // a block comment's own stars
}

#[test]
fn the_header_is_what_the_sources_say_and_has_the_version_of_the_package() {
    the_committed_header_is_what_the_sources_say();
    the_header_has_the_version_of_the_package();
}

fn the_committed_header_is_what_the_sources_say() {
    let text = generated();
    if std::env::var_os("RWT_BLESS").is_some() {
        std::fs::write(header_path(), &text).expect("write include/rwt.h");
    }
    let committed = std::fs::read_to_string(header_path()).unwrap_or_default();
    assert!(committed == text, "include/rwt.h is out of date: run RWT_BLESS=1 cargo test -p rwt-ffi --test header");
}

fn the_header_has_the_version_of_the_package() {
    let text = std::fs::read_to_string(header_path()).expect("include/rwt.h");
    for (name, value) in [
        ("MAJOR", env!("CARGO_PKG_VERSION_MAJOR")),
        ("MINOR", env!("CARGO_PKG_VERSION_MINOR")),
        ("PATCH", env!("CARGO_PKG_VERSION_PATCH")),
    ] {
        assert!(text.contains(&format!("#define RWT_VERSION_{name} {value}\n")), "RWT_VERSION_{name} is not {value}");
    }
}
