//! The shared library's name for the loader.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,librwt.so.0");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete"); // thread-local error texts outlive dlclose
    }
}
