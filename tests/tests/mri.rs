//! The scan example, as a user runs it.

use rwt_tests::{output, read_npy, row, run, scratch};
use std::path::Path;
use std::process::Command;

fn example() -> Command {
    Command::new(rwt_tests::example("mri", "mri"))
}

fn numbers(path: &Path, shape: &str) -> Vec<f64> {
    read_npy(path, shape).into_iter().map(f64::from).collect()
}

fn psnr(a: &[f64], b: &[f64]) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    -10.0 * (squares / a.len() as f64).log10()
}

#[test]
fn the_mean_is_far_better_than_the_zero_filled_image() {
    let folder = scratch("mri-mean");
    let arguments = ["--size", "64", "--chains", "2", "--levels", "20", "--seed", "2", "--out"];
    let said = run(example().args(arguments).arg(&folder));
    let image = |name: &str| numbers(&folder.join(name), "3, 64, 64");
    let (truth, masks) = (image("truth.npy"), image("masks.npy"));
    assert!(truth.iter().all(|v| (0.0..=1.0).contains(v)) && truth.iter().any(|v| *v > 0.9));
    for (contrast, mask) in masks.chunks(64 * 64).enumerate() {
        assert_eq!(mask.iter().sum::<f64>(), 16.0 * 64.0, "contrast {contrast}: a quarter of the lines");
        assert_eq!(mask[0], 1.0, "the middle of Fourier space");
    }
    let scan = numbers(&folder.join("scan.npy"), "3, 4, 2, 64, 64");
    let measured = |i: usize| masks[i / (8 * 64 * 64) * 64 * 64 + i % (64 * 64)] == 1.0;
    assert!((0..scan.len()).all(|i| (scan[i] != 0.0) == measured(i)), "the scan is where the masks are");
    let (mean, zero_filled) = (psnr(&image("mean.npy"), &truth), row(&said, "zero-filled"));
    eprintln!("mean {mean:.2} dB, zero-filled {zero_filled:.2} dB");
    assert!((mean - row(&said, "mean of 2")).abs() < 0.006, "the table is of what was written: {said}");
    assert!(mean > zero_filled + 6.0, "{said}");
    assert!(folder.join("panel.png").exists() && said.contains("of the tissue's pixels"), "{said}");
}

#[test]
fn a_bad_option_is_named() {
    let folder = scratch("mri-options");
    let refused = |arguments: &[&str], problem: &str| {
        let output = output(example().current_dir(&folder).args(arguments));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(problem) && !said.contains("panicked"), "\"{problem}\" is not in: {said}");
    };
    refused(&["--acceleration", "0.5"], "--acceleration 0.5: give a number from 1");
    refused(&["--coils", "0"], "--coils 0: give a whole number from 1");
    refused(&["--noise", "nan"], "--noise nan");
    refused(&["--fast"], "--fast");
    refused(&["head.png"], "head.png: no picture is taken");
    refused(&["--model", "nothing.onnx"], "nothing.onnx");
}
