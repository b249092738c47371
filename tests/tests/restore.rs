//! The restoring example, as a user runs it: every task, a folder to go on in, and bad input.

use rwt_tests::{output, row, run, scratch};
use std::process::Command;

fn example() -> Command {
    Command::new(rwt_tests::example("restore", "restore"))
}

#[test]
fn every_task_gives_a_mean_that_is_better_than_what_was_measured_and_fits_it() {
    let tasks =
        [("super-resolution", 0.5), ("deblurring", 2.0), ("tomography", 8.0), ("photons", 3.0), ("low-dose", 8.0)];
    for (task, better) in tasks {
        let folder = scratch(&format!("restore-{task}"));
        let said = run(example().args([task, "--size", "32", "--chains", "4", "--out"]).arg(&folder));
        let (measured, mean) = (row(&said, "measured"), row(&said, "mean"));
        let chi2 = row(&said, "fit: chi^2 / m");
        eprintln!("{task}: {measured} dB, mean {mean} dB, chi^2 / m {chi2}");
        assert!(mean > measured + better, "{task}: {said}");
        assert!((0.7..1.6).contains(&chi2), "{task}: {said}");
        for file in ["panel.png", "truth.npy", "measurement.npy", "mean.npy", "std.npy"] {
            assert!(folder.join(file).exists(), "{task}: {file}");
        }
    }
}

#[test]
fn in_a_folder_nothing_is_drawn_twice() {
    let (out, folder) = (scratch("restore-out"), scratch("restore-folder"));
    let run_with = |chains: &str| {
        let mut command = example();
        command.args(["photons", "--size", "24", "--chains", chains, "--out"]).arg(&out);
        run(command.arg("--folder").arg(&folder))
    };
    run_with("1");
    assert!(folder.join("sample-00000000.npy").exists() && folder.join("run.txt").exists());
    let first = std::fs::read(folder.join("sample-00000000.npy")).expect("a sample");
    run_with("3");
    assert!(folder.join("sample-00000002.npy").exists());
    assert_eq!(first, std::fs::read(folder.join("sample-00000000.npy")).expect("the same"));
}

#[test]
fn what_cannot_be_is_said() {
    for (arguments, expected) in [
        (&["focusing"][..], "give super-resolution"),
        (&["deblurring", "--noise", "-1"], "--help"),
        (&["deblurring", "--chains"], "needs a value"),
        (&["deblurring", "--model", "none.onnx"], "none.onnx"),
        (&["deblurring", "none.png"], "none.png"),
    ] {
        let found = output(example().arg("--out").arg(scratch("restore-bad")).args(arguments));
        let said = String::from_utf8_lossy(&found.stderr).into_owned();
        assert!(!found.status.success() && said.contains(expected), "{arguments:?}: {said}");
    }
}
