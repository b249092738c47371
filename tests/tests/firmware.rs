//! The library without std on microcontrollers, in QEMU, beside the same programs on this machine.

use rwt_tests::{compiler, declared, exists, libraries, output, root, run, scratch, skip, target};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const CORTEX_M4F: &str = "thumbv7em-none-eabihf";
/// It has no unit for floating-point numbers.
const CORTEX_M3: &str = "thumbv7m-none-eabi";

/// What the library without std has.
const EXPORTS: [&str; 14] = [
    "rwt_last_error",
    "rwt_noise",
    "rwt_plan",
    "rwt_plan_options_init",
    "rwt_schedule",
    "rwt_update",
    "rwt_version",
    "rwt_version_string",
    "rwt_walk_advance",
    "rwt_walk_begin",
    "rwt_walk_level",
    "rwt_walk_options_init",
    "rwt_walk_request",
    "rwt_walk_size",
];

/// Bytes.
const IMAGE: usize = 4 * 32 * 32;

/// Has rustc a core library for this target?
fn has_target(triple: &str) -> bool {
    let sysroot = run(Command::new("rustc").args(["--print", "sysroot"]).current_dir(root()));
    Path::new(sysroot.trim()).join("lib/rustlib").join(triple).is_dir()
}

/// librwt.a without std.
fn library(triple: &str) -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build.args(["rustc", "-p", "rwt-ffi", "--lib", "--profile", "firmware", "--crate-type", "staticlib"]);
    build.args(["--no-default-features", "--target", triple, "--target-dir"]).arg(target());
    run(build.current_dir(root()));
    target().join(triple).join("firmware/librwt.a")
}

/// What is missing to build for the Cortex-M4F, and to run it.
fn missing() -> Option<String> {
    missing_for(CORTEX_M4F)
}

fn missing_for(triple: &str) -> Option<String> {
    let tools = ["arm-none-eabi-gcc", "qemu-system-arm", "make"];
    let tool = tools.iter().find(|tool| !exists(tool)).map(|tool| format!("{tool} is missing"));
    tool.or_else(|| (!has_target(triple)).then(|| format!("no Rust for it: rustup target add {triple}")))
}

/// Run in QEMU; what was printed.
fn emulate(program: &Path) -> String {
    emulate_on("mps2-an386", program)
}

fn emulate_on(board: &str, program: &Path) -> String {
    let mut qemu = Command::new("timeout");
    qemu.args(["60", "qemu-system-arm", "-M", board, "-nographic", "-icount", "shift=0,sleep=off"]);
    qemu.args(["-semihosting-config", "enable=on,target=native", "-kernel"]).arg(program);
    let output = output(&mut qemu);
    let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {}\n{text}", program.display(), output.status);
    text
}

/// The folder of both programs for the microcontroller and for this machine.
fn programs() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = scratch("firmware");
        for (goal, library) in [("all", library(CORTEX_M4F)), ("host", libraries().join("librwt.a"))] {
            let mut make = Command::new("make");
            make.arg(goal).arg("-C").arg(root().join("examples/firmware/c"));
            make.arg(format!("CC={}", compiler("CC", "cc").join(" ")));
            make.arg(format!("BUILD={}", folder.display())).arg(format!("LIBRWT={}", library.display()));
            run(&mut make);
        }
        folder
    })
}

/// What a program says, on the microcontroller and here.
fn both(name: &str) -> [String; 2] {
    let folder = programs();
    [emulate(&folder.join(format!("{name}.elf"))), run(&mut Command::new(folder.join(name)))]
}

/// The values of the lines that begin with this name.
fn values<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let found: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).collect();
    assert!(!found.is_empty(), "no {name} in\n{text}");
    found
}

fn number(text: &str, name: &str) -> f64 {
    values(text, name)[0].parse().unwrap()
}

fn pixels(text: &str) -> Vec<f32> {
    values(text, "pixel").iter().map(|bits| f32::from_bits(u32::from_str_radix(bits, 16).unwrap())).collect()
}

#[test]
fn noise_levels_and_rows_on_a_microcontroller_have_the_bits_of_a_desktop() {
    if let Some(missing) = missing() {
        return skip("noise_levels_and_rows_on_a_microcontroller_have_the_bits_of_a_desktop", &missing);
    }
    let [there, here] = both("bits");
    assert_eq!(there, here);
    for (name, count) in [("noise", 3), ("levels", 4), ("bits", 20), ("updated", 20)] {
        let mut different = values(&here, name);
        assert_eq!(different.len(), count);
        different.sort_unstable();
        different.dedup();
        assert!(different.len() >= count - 2, "{name}: {different:?}"); // EDM's two begin alike, look-ahead is simple
    }
}

/// The picture, what it takes on the microcontroller, and that it is a restored one.
#[test]
fn a_picture_restored_on_a_microcontroller_is_that_of_a_desktop() {
    if let Some(missing) = missing() {
        return skip("a_picture_restored_on_a_microcontroller_is_that_of_a_desktop", &missing);
    }
    let [there, here] = both("restore");
    assert_eq!(values(&there, "levels"), values(&here, "levels"));
    check_picture(&there, &here);
}

#[test]
fn without_floating_point_hardware_the_results_are_the_same() {
    if let Some(missing) = missing_for(CORTEX_M3) {
        return skip("without_floating_point_hardware_the_results_are_the_same", &missing);
    }
    let folder = scratch("firmware-m3");
    let mut make = Command::new("make");
    make.arg("all").arg("-C").arg(root().join("examples/firmware/c"));
    make.arg("MACHINE=-mcpu=cortex-m3 -mthumb -mfloat-abi=soft");
    make.arg(format!("BUILD={}", folder.display())).arg(format!("LIBRWT={}", library(CORTEX_M3).display()));
    run(&mut make);
    let there = |name: &str| emulate_on("mps2-an385", &folder.join(format!("{name}.elf")));
    assert_eq!(there("bits"), both("bits")[0]);
    check_picture(&there("restore"), &both("restore")[1]);
}

fn check_picture(there: &str, here: &str) {
    for name in ["measurement", "psnr_before", "psnr_after"] {
        assert_eq!(values(there, name), values(here, name));
    }
    let (restored, expected) = (pixels(there), pixels(here));
    assert_eq!([restored.len(), expected.len()], [1024, 1024]);
    let far = restored.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far <= 1e-5, "{far}");
    let [before, after] = ["psnr_before", "psnr_after"].map(|name| number(there, name));
    println!("PSNR {before} to {after} dB, {} instructions", values(there, "instructions")[0]);
    assert!(before < 20.0 && after > 35.0, "{before} dB, {after} dB");
}

#[test]
fn a_picture_restored_by_rust_on_a_microcontroller_is_that_of_a_desktop() {
    let test = "a_picture_restored_by_rust_on_a_microcontroller_is_that_of_a_desktop";
    if let Some(missing) = missing() {
        return skip(test, &missing);
    }
    let folder = root().join("examples/firmware/rust");
    if !output(Command::new(env!("CARGO")).args(["fetch", "--locked"]).current_dir(&folder)).status.success() {
        return skip(test, "cortex-m-rt cannot be downloaded");
    }
    let target = target().join("firmware-rust");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--locked", "--target-dir"]).arg(&target).current_dir(&folder);
    run(build.env_remove("RUSTFLAGS"));
    let program = target.join(CORTEX_M4F).join("release/restore");
    let there = emulate(&program);
    check_picture(&there, &run(&mut Command::new(programs().join("restore"))));
    let ([flash, ram], stack) = (sizes(&program), number(&there, "stack") as usize);
    println!("in Rust: flash {flash}, static RAM {ram}, stack {stack} bytes");
    assert!(flash > 8 << 10 && flash <= 40 << 10, "{flash} bytes of flash, with the prior's tables");
    assert!(ram > 4 * IMAGE && ram <= 4 * IMAGE + 2048, "{ram} bytes of RAM");
    assert!(stack > 256 && stack <= 2048, "{stack} bytes of stack");
}

/// Bytes of a program: flash, static RAM.
fn sizes(program: &Path) -> [usize; 2] {
    let sizes = run(Command::new("arm-none-eabi-size").arg(program));
    let words = sizes.lines().nth(1).unwrap().split_whitespace();
    let sizes: Vec<usize> = words.map_while(|word| word.parse().ok()).collect();
    [sizes[0] + sizes[1], sizes[1] + sizes[2]]
}

/// Bytes of librwt.a in a program, by the linker's map: in flash, in RAM.
fn taken(map: &str) -> [usize; 2] {
    let (mut flash, mut ram, mut section) = (0, 0, String::new());
    let (_, placed) = map.split_once("Linker script and memory map").expect("a map");
    for line in placed.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        if let Some(first) = words.first().filter(|first| first.starts_with('.')) {
            section = (*first).to_owned();
        }
        let Some(place) = words.iter().position(|word| word.contains("librwt.a(")) else { continue };
        let Some(size) = place.checked_sub(1).and_then(|at| words[at].strip_prefix("0x")) else { continue };
        let size = usize::from_str_radix(size, 16).unwrap();
        if section.starts_with(".text") || section.starts_with(".rodata") {
            flash += size;
        } else if section.starts_with(".bss") || section.starts_with(".data") {
            (flash, ram) = (flash + usize::from(section.starts_with(".data")) * size, ram + size);
        }
    }
    [flash, ram]
}

#[test]
fn the_firmware_in_c_keeps_to_24_kib_of_flash_four_images_and_2_kib_of_stack() {
    if let Some(missing) = missing() {
        return skip("the_firmware_in_c_keeps_to_24_kib_of_flash_four_images_and_2_kib_of_stack", &missing);
    }
    let program = programs().join("restore.elf");
    let map = std::fs::read_to_string(programs().join("restore.elf.map")).expect("the linker's map");
    let [flash, ram] = taken(&map);
    let [all_flash, all_ram] = sizes(&program);
    let stack = number(&emulate(&program), "stack") as usize;
    println!("flash {flash} of {all_flash}, static RAM {ram} of {all_ram}, stack {stack} bytes");
    assert!(flash > 8 << 10 && flash <= 24 << 10, "rwt takes {flash} bytes of flash");
    assert!(ram <= 64, "rwt has {ram} bytes of its own");
    assert!(all_ram > 4 * IMAGE && all_ram <= 4 * IMAGE + 2048, "{all_ram} bytes of RAM");
    assert!(stack > 256 && stack <= 2048, "{stack} bytes of stack");
}

/// The symbols of librwt.a that these functions reach.
fn reached(library: &Path, functions: &[&str], name: &str) -> Vec<(String, String)> {
    let object = scratch(name).join("all.o");
    let mut link = Command::new("arm-none-eabi-ld");
    link.args(["-r", "--gc-sections"]);
    for function in functions {
        link.args(["-u", function]);
    }
    run(link.arg(library).arg("-o").arg(&object));
    let symbols = run(Command::new("arm-none-eabi-readelf").arg("-sW").arg(&object));
    let rows = symbols.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.len() == 8).map(|row| (row[6].to_owned(), row[7].to_owned())).collect()
}

#[test]
fn the_library_without_std_needs_nothing_has_no_heap_and_cannot_panic_after_the_plan() {
    let test = "the_library_without_std_needs_nothing_has_no_heap_and_cannot_panic_after_the_plan";
    if let Some(missing) = missing() {
        return skip(test, &missing);
    }
    let library = library(CORTEX_M4F);
    let all = reached(&library, &EXPORTS, "firmware-all");
    let undefined: Vec<_> = all.iter().filter(|(section, _)| section == "UND").collect();
    assert!(undefined.is_empty(), "{undefined:?}");
    for export in EXPORTS {
        assert!(all.iter().any(|(section, name)| section != "UND" && name == export), "{export} is not there");
    }
    let heap = |name: &str| ["alloc", "malloc", "free", "sbrk"].iter().any(|part| name.contains(part));
    assert!(!all.iter().any(|(_, name)| heap(name)), "{all:?}");
    // The plan is made once; its recipes index their rows.
    let hot: Vec<_> = EXPORTS.into_iter().filter(|name| *name != "rwt_plan").collect();
    let hot = reached(&library, &hot, "firmware-hot");
    assert!(hot.len() > 50);
    let panics: Vec<_> = hot.iter().filter(|(_, name)| name.contains("panic") || name.contains("_fail")).collect();
    assert!(panics.is_empty(), "{panics:?}");
    assert!(all.iter().any(|(_, name)| name.contains("panic")), "the search finds nothing: is rwt_plan free of them?");
}

#[test]
fn the_library_without_std_builds_for_other_microcontrollers() {
    let test = "the_library_without_std_builds_for_other_microcontrollers";
    assert!(EXPORTS.iter().all(|export| declared().iter().any(|name| name == export)), "{:?}", declared());
    for triple in ["thumbv8m.main-none-eabihf", "riscv32imac-unknown-none-elf"] {
        if !has_target(triple) {
            skip(&format!("{test}, {triple}"), &format!("rustup target add {triple}"));
            continue;
        }
        let library = library(triple);
        if !exists("readelf") {
            return skip(test, "readelf is missing: install binutils");
        }
        let symbols = run(Command::new("readelf").arg("-sW").arg(&library));
        let found = |name: &&str| symbols.lines().any(|line| line.split_whitespace().nth(7) == Some(name));
        assert_eq!(EXPORTS.iter().filter(|name| found(name)).count(), EXPORTS.len(), "{triple}");
    }
}
