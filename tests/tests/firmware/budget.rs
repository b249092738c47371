//! What the firmware takes of flash, RAM and stack: at most its budget, and what README says.

use crate::board::{CORTEX_M4F, M4F, emulate, in_rust, missing, number, programs};
use rwt_tests::{root, run, skip};
use std::path::Path;
use std::process::Command;

/// Bytes.
const IMAGE: usize = 4 * 32 * 32;
/// What the denoiser computes in, 24 channels of 16 × 16 twice: its own, beside the budget of rwt.
const ACTIVATIONS: usize = 2 * 2 * 24 * 16 * 16;

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

/// Bytes of the static whose name in the program holds this.
fn bytes_of(program: &Path, name: &str) -> usize {
    let symbols = run(Command::new("arm-none-eabi-nm").args(["-S", "-C"]).arg(program));
    let rows = symbols.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut sizes =
        rows.filter(|row| row.len() >= 4 && matches!(row[2], "b" | "B") && row[3..].join(" ").contains(name));
    let found = sizes.next().unwrap_or_else(|| panic!("no {name} in {}", program.display()));
    assert_eq!(sizes.next(), None, "two of {name}");
    usize::from_str_radix(found[1], 16).unwrap()
}

/// Numbers of the row of README's table that begins so.
fn recorded(row: &str) -> Vec<f64> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let line = readme.lines().find_map(|line| line.strip_prefix(&format!("| {row}")));
    let cells = line.unwrap_or_else(|| panic!("no {row} in README")).split_once('|').unwrap().1;
    let words = cells.split(|c: char| !c.is_ascii_digit() && c != '.');
    words.filter_map(|word| word.parse().ok()).collect()
}

/// Within two hundredths, as compilers differ.
fn assert_recorded(row: &str, column: usize, measured: f64) {
    let recorded = *recorded(row).get(column).unwrap_or_else(|| panic!("README has no figure {column} of {row}"));
    assert!((measured / recorded - 1.0).abs() < 0.02, "README says {recorded} of {row}, which is {measured}");
}

const KIB: f64 = 1024.0;

#[test]
fn the_firmware_in_c_keeps_to_24_kib_of_flash_four_images_and_2_kib_of_stack() {
    if let Some(missing) = missing(CORTEX_M4F) {
        return skip("the_firmware_in_c_keeps_to_24_kib_of_flash_four_images_and_2_kib_of_stack", &missing);
    }
    let program = programs().join("restore.elf");
    let map = std::fs::read_to_string(programs().join("restore.elf.map")).expect("the linker's map");
    let [flash, ram] = taken(&map);
    let ([all_flash, all_ram], activations) = (sizes(&program), bytes_of(&program, "activations"));
    let stack = number(&emulate(M4F, &program), "stack") as usize;
    println!("in C: rwt's flash {flash} of {all_flash}, static RAM {ram} of {all_ram}, stack {stack} bytes");
    assert!(flash > 8 << 10 && flash <= 24 << 10, "rwt takes {flash} bytes of flash");
    assert!(ram <= 64, "rwt has {ram} bytes of its own");
    assert_eq!(activations, ACTIVATIONS);
    let beside = all_ram - activations;
    assert!(beside > 4 * IMAGE && beside <= 4 * IMAGE + 2048, "{beside} bytes of RAM beside the denoiser's");
    assert!(stack > 256 && stack <= 2048, "{stack} bytes of stack");
    assert_recorded("flash", 0, all_flash as f64 / KIB);
    assert_recorded("of which rwt", 0, flash as f64 / KIB);
    assert_recorded("static RAM beside", 0, beside as f64 / KIB);
    assert_recorded("deepest stack", 0, stack as f64);
}

#[test]
fn the_firmware_in_rust_keeps_to_four_images_and_2_kib_of_stack() {
    let test = "the_firmware_in_rust_keeps_to_four_images_and_2_kib_of_stack";
    if let Some(missing) = missing(CORTEX_M4F) {
        return skip(test, &missing);
    }
    let Some(program) = in_rust() else { return skip(test, "cortex-m-rt cannot be downloaded") };
    let ([flash, ram], activations) = (sizes(&program), bytes_of(&program, "NETWORK"));
    let stack = number(&emulate(M4F, &program), "stack") as usize;
    println!("in Rust: flash {flash}, static RAM {ram}, stack {stack} bytes");
    assert!(flash > 8 << 10 && flash <= 56 << 10, "{flash} bytes of flash, with the weights");
    assert_eq!(activations, ACTIVATIONS);
    let beside = ram - activations;
    assert!(beside > 4 * IMAGE && beside <= 4 * IMAGE + 2048, "{beside} bytes of RAM beside the denoiser's");
    assert!(stack > 256 && stack <= 2048, "{stack} bytes of stack");
    assert_recorded("flash", 1, flash as f64 / KIB);
    assert_recorded("static RAM beside", 1, beside as f64 / KIB);
    assert_recorded("deepest stack", 1, stack as f64);
}
