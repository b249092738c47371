//! The linker finds memory.x; the tables are those of the firmware in C.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    let folder = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo"));
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo"));
    println!("cargo:rustc-link-search={}", folder.display());
    println!("cargo:rustc-link-arg=-Tlink.x"); // cortex-m-rt's
    println!("cargo:rerun-if-changed=memory.x");
    let mut rust = String::new();
    for header in ["../c/prior.h", "../c/patch.h"] {
        println!("cargo:rerun-if-changed={header}");
        rust += &tables(&folder.join(header));
    }
    std::fs::write(out.join("tables.rs"), rust).expect("OUT_DIR");
}

/// C's `static const type NAME[count] = {…};` as Rust's.
fn tables(header: &Path) -> String {
    let (text, mut rust) = (std::fs::read_to_string(header).expect("the header"), String::new());
    for definition in text.split("static const ").skip(1) {
        let (head, rest) = definition.split_once('=').expect("a definition");
        let value = rest.split_once(';').expect("its end").0.trim().replace('F', "");
        let (kind, name) = head.trim().rsplit_once(' ').expect("a type and a name");
        let kind = match kind {
            "float" => "f32",
            "double" => "f64",
            "signed char" => "i8",
            "unsigned char" => "u8",
            "unsigned" => "u32",
            _ => panic!("no type in Rust for {kind}"),
        };
        let written = match name.split_once('[') {
            Some((name, count)) => {
                let values = value.replace('{', "[").replace('}', "]");
                writeln!(rust, "pub static {name}: [{kind}; {count} = {values};")
            }
            None => writeln!(rust, "pub const {name}: {kind} = {value};"),
        };
        written.expect("a String takes everything");
    }
    rust
}
