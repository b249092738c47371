//! The library without std on microcontrollers, in QEMU, beside the same programs on this machine.

mod board;
mod budget;
mod header;
mod picture;

use board::{CORTEX_M3, CORTEX_M4F, M3, both, emulate, has_target, library, missing, programs_m3, values};
use rwt_tests::{declared, exists, run, scratch, skip};
use std::path::Path;
use std::process::Command;

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

#[test]
fn noise_levels_and_rows_on_a_microcontroller_have_the_bits_of_a_desktop() {
    if let Some(missing) = missing(CORTEX_M4F) {
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

#[test]
fn without_floating_point_hardware_the_results_are_the_same() {
    if let Some(missing) = missing(CORTEX_M3).or_else(|| missing(CORTEX_M4F)) {
        return skip("without_floating_point_hardware_the_results_are_the_same", &missing);
    }
    let folder = programs_m3();
    let there = |name: &str| emulate(M3, &folder.join(format!("{name}.elf")));
    assert_eq!(there("bits"), both("bits")[0]);
    picture::check(&there("restore"), &both("restore")[1]);
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
    if let Some(missing) = missing(CORTEX_M4F) {
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
