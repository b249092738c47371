//! The C interface on a device: the program of `c_cuda/` with the mock driver.

use rwt_tests::mock_cuda::{self, Mode};
use rwt_tests::{command, compiler, libraries, model, root, run, scratch};
use std::process::Command;

#[test]
fn the_c_interface_walks_on_a_device_as_on_the_processor() {
    let test = "the_c_interface_walks_on_a_device_as_on_the_processor";
    mock_cuda::in_modes(test, &[Mode::Source], &[], |_| {
        let folder = libraries().to_str().expect("UTF-8");
        let program = scratch("c_cuda").join("cuda");
        let mut compile = command(&compiler("CC", "cc"));
        compile.args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-D_XOPEN_SOURCE=700", "-O1", "-I"]);
        compile
            .arg(root().join("include"))
            .args(["c_cuda/cuda.c", "c/test.c"].map(|file| root().join("tests").join(file)));
        compile.arg("-o").arg(&program);
        run(compile.args([&format!("-L{folder}"), &format!("-Wl,-rpath,{folder}"), "-lrwt", "-lm", "-lpthread"]));
        let output = Command::new(&program).arg(model()).output().expect("the program"); // the driver's path stays
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}\n{said}", output.status);
        println!("{said}");
    });
}
