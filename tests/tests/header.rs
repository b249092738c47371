//! The header is clean C and C++ of every common standard.

use rwt_tests::{command, compiler, declared, exists, root, run, scratch, skip};

const CHECKS: [&str; 6] = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"];

fn compile(test: &str, compiler: &[String], language: &str, standard: &str) {
    let source = scratch(test).join(format!("uses_header.{language}"));
    std::fs::write(&source, "#include \"rwt.h\"\n#include \"rwt.h\"\nint main(void) { return (int)rwt_version(); }\n")
        .expect("a source");
    let mut command = command(compiler);
    command.arg(format!("-std={standard}")).args(CHECKS).arg("-I").arg(root().join("include"));
    run(command.arg("-fsyntax-only").arg(source));
}

fn compile_c(test: &str, standard: &str) {
    compile(test, &compiler("CC", "cc"), "c", standard);
}

fn compile_cpp(test: &str, standard: &str) {
    let compiler = compiler("CXX", "c++");
    if exists(&compiler[0]) {
        compile(test, &compiler, "cpp", standard);
    } else {
        skip(test, &format!("there is no C++ compiler ({})", compiler[0]));
    }
}

#[test]
fn the_header_is_clean_c99() {
    compile_c("the_header_is_clean_c99", "c99");
}

#[test]
fn the_header_is_clean_c11() {
    compile_c("the_header_is_clean_c11", "c11");
}

#[test]
fn the_header_is_clean_cpp11() {
    compile_cpp("the_header_is_clean_cpp11", "c++11");
}

#[test]
fn the_header_is_clean_cpp17() {
    compile_cpp("the_header_is_clean_cpp17", "c++17");
}

#[test]
fn every_function_is_declared_once() {
    let mut names = declared();
    assert!(names.len() > 20, "{names:?}");
    names.sort();
    for pair in names.windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
}
