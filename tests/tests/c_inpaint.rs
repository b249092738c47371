//! The C example, as a user runs it: it fills pictures in, and says what is wrong with bad input.

use rwt_tests::{model, output, run, scratch};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const SIDE: usize = 48;

fn example() -> Command {
    Command::new(rwt_tests::example("c_inpaint", "c_inpaint"))
}

/// An RGB picture that varies slowly.
fn smooth() -> Vec<u8> {
    let level = |i: usize| {
        let (row, column, channel) = (i / 3 / SIDE, i / 3 % SIDE, i % 3);
        let (row, column) = (row as f64 / SIDE as f64, column as f64 / SIDE as f64);
        let wave = (6.0 * row + 2.0 * channel as f64).sin() * (5.0 * column).cos();
        (128.0 + 90.0 * wave + 30.0 * (column - row)) as u8
    };
    (0..3 * SIDE * SIDE).map(level).collect()
}

fn write_png(path: &Path, pixels: &[u8], side: usize) {
    let file = std::fs::File::create(path).expect("a file");
    let mut encoder = png::Encoder::new(file, side as u32, side as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().and_then(|mut writer| writer.write_image_data(pixels)).expect("a PNG");
}

fn read_png(path: &Path) -> Vec<u8> {
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())));
    let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("pixels");
    assert_eq!((info.width as usize, info.height as usize, info.color_type), (SIDE, SIDE, png::ColorType::Rgb));
    pixels
}

fn psnr(a: &[u8], b: &[u8]) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / squares).log10()
}

/// A folder with the smooth picture in it, and the example told to use it and few evaluations.
fn prepare(test: &str) -> (PathBuf, Command) {
    let folder = scratch(&format!("c_inpaint-{test}"));
    write_png(&folder.join("smooth.png"), &smooth(), SIDE);
    let mut command = example();
    command.current_dir(&folder).args(["--levels", "8", "--chains", "2", "--out", "out"]);
    (folder, command)
}

#[test]
fn the_mean_is_far_better_than_missing_pixels_left_grey() {
    let (folder, mut command) = prepare("mean");
    let said = run(command.args(["--levels", "16", "--chains", "4", "smooth.png"]));
    let out = folder.join("out");
    for name in ["measured", "sample-0", "sample-1", "mean", "std", "panel"] {
        assert!(out.join(name).with_extension("png").exists(), "{name}.png was not written");
    }
    assert!(said.contains("mean of 4 samples") && said.contains("124 evaluations"), "{said}");
    assert!(said.contains("fit: chi^2 / m ") && said.contains("too few samples to see groups"), "{said}");
    let (truth, mean) = (smooth(), read_png(&out.join("mean.png")));
    let mut grey = read_png(&out.join("measured.png"));
    let missing = |pixel: &[u8]| pixel == [0, 0, 0];
    let count = grey.chunks_exact(3).filter(|pixel| missing(pixel)).count();
    assert!(count.abs_diff(SIDE * SIDE * 8 / 10) < SIDE, "{count} pixels are missing");
    grey.chunks_exact_mut(3).filter(|pixel| missing(pixel)).for_each(|pixel| pixel.fill(128));
    let (found, bar) = (psnr(&mean, &truth), psnr(&grey, &truth) + 8.0);
    eprintln!("mean {found:.2} dB, bar {bar:.2} dB");
    assert!(found > bar, "the mean has {found:.2} dB, less than {bar:.2}");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let pictures = |folder: &Path| {
        ["mean.png", "sample-0.png", "sample-1.png", "std.png"]
            .map(|name| std::fs::read(folder.join(name)).expect(name))
    };
    let draw = |test: &str, seed: &str, threads: &str| {
        let (folder, mut command) = prepare(test);
        run(command.args(["--seed", seed, "--threads", threads, "smooth.png"]));
        pictures(&folder.join("out"))
    };
    let first = draw("seed-a", "5", "1");
    assert!(first == draw("seed-b", "5", "2"), "the same seed gave other pictures");
    assert!(first != draw("seed-c", "6", "1"), "another seed gave the same pictures");
}

/// Run with these arguments; it must fail and name the problem.
fn refuses(test: &str, arguments: &[&str], problem: &str) {
    let (_, mut command) = prepare(test);
    refused(output(command.args(arguments)), problem);
}

fn refused(output: Output, problem: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(problem), "\"{problem}\" is not in: {said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn a_bad_option_is_named() {
    refuses("no-chains", &["--chains", "0", "smooth.png"], "--chains 0");
    refuses("missing-1.5", &["--missing", "1.5", "smooth.png"], "--missing 1.5");
    refuses("noise-nan", &["--noise", "nan", "smooth.png"], "--noise nan");
    refuses("noise-word", &["--noise", "loud", "smooth.png"], "--noise loud");
    refuses("unknown-option", &["--fast", "smooth.png"], "--fast");
    refuses("unknown-method", &["--method", "magic", "smooth.png"], "--method magic");
    refuses("two-pictures", &["smooth.png", "second.png"], "second.png");
}

#[test]
fn a_picture_that_cannot_be_read_is_named() {
    refuses("no-file", &["nothing.png"], "nothing.png");
    let (folder, mut command) = prepare("not-png");
    std::fs::write(folder.join("text.png"), "this is no picture, and it goes on for a while").expect("a file");
    refused(output(command.arg("text.png")), "text.png");
    let (folder, mut command) = prepare("truncated-png");
    let bytes = std::fs::read(folder.join("smooth.png")).expect("a PNG");
    std::fs::write(folder.join("half.png"), &bytes[..bytes.len() / 2]).expect("a file");
    refused(output(command.arg("half.png")), "half.png");
}

#[test]
fn a_model_that_cannot_be_read_is_named() {
    refuses("no-model", &["--model", "nothing.onnx", "smooth.png"], "nothing.onnx");
    let (folder, mut command) = prepare("truncated-model");
    let bytes = std::fs::read(model()).expect("the model");
    std::fs::write(folder.join("half.onnx"), &bytes[..bytes.len() / 2]).expect("a file");
    refused(output(command.args(["--model", "half.onnx", "smooth.png"])), "half.onnx");
}

#[test]
fn a_mask_of_another_size_is_named() {
    let (folder, mut command) = prepare("mask-size");
    write_png(&folder.join("mask.png"), &[255; 3 * 10 * 10], 10);
    refused(output(command.args(["--mask", "mask.png", "smooth.png"])), "10 x 10");
}

/// Does this process have a handler for SIGINT (signal 2)?
fn handles_interrupts(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default();
    u64::from_str_radix(caught.trim(), 16).unwrap_or(0) & 2 != 0
}

#[test]
fn an_interrupt_stops_it_and_pictures_are_written() {
    let (folder, mut command) = prepare("interrupt");
    command.args(["--levels", "5000", "smooth.png"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.env_remove("LD_LIBRARY_PATH").spawn().expect("the example");
    let deadline = Instant::now() + Duration::from_secs(60);
    while !handles_interrupts(child.id()) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(500)); // it walks
    run(Command::new("kill").args(["-INT", &child.id().to_string()]));
    let output = child.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("stopped"), "{said}");
    for name in ["measured.png", "sample-0.png", "mean.png"] {
        read_png(&folder.join("out").join(name));
    }
}
