//! C programs against the built libraries. The tests are in `c/`, one C function each, which runs in its own process.

use rwt_tests::{command, compiler, declared, exists, libraries, model, output, root, run, scratch, skip};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const CHECKS: [&str; 7] = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"];

/// Compile all of `c/` with these arguments of the linker.
fn build(name: &str, link: &[&str]) -> PathBuf {
    let sources = root().join("tests/c");
    let program = scratch(&format!("c_abi-{name}")).join("c_test");
    let mut command = command(&compiler("CC", "cc"));
    command.args(CHECKS).args(["-D_XOPEN_SOURCE=700", "-O1", "-g", "-I"]).arg(root().join("include"));
    for entry in std::fs::read_dir(sources).expect("tests/c") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "c") {
            command.arg(path);
        }
    }
    run(command.arg("-o").arg(&program).args(link));
    program
}

fn shared() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = libraries().to_str().expect("UTF-8");
        build("shared", &[&format!("-L{folder}"), &format!("-Wl,-rpath,{folder}"), "-lrwt", "-lm", "-lpthread"])
    })
}

fn fixed() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let library = libraries().join("librwt.a");
        build("static", &[library.to_str().expect("UTF-8"), "-lm", "-lpthread", "-ldl"])
    })
}

/// Run one test of a program; what it said if it failed.
fn failure(program: &Path, test: &str) -> Option<String> {
    let kind = program.parent().and_then(Path::file_name).and_then(|name| name.to_str()).expect("a folder");
    let mut command = Command::new(program);
    let output = output(command.arg(test).arg(model()).arg(scratch(&format!("{kind}-{test}"))));
    let said = String::from_utf8_lossy(&output.stderr);
    (!output.status.success())
        .then(|| format!("{test}: {}\n{}{said}", output.status, String::from_utf8_lossy(&output.stdout)))
}

macro_rules! c_tests {
    ($($test:ident)*) => {
        const TESTS: &[&str] = &[$(stringify!($test)),*];
        $(#[test]
        fn $test() {
            if let Some(failure) = failure(shared(), stringify!($test)) {
                panic!("{failure}");
            }
        })*
    };
}

c_tests! {
    a_plan_driven_by_hand_gives_the_bits_of_a_sampler
    samples_driven_by_hand_have_the_moments_of_the_prior
    the_noise_of_an_update_is_that_of_rwt_noise
    a_walk_driven_by_hand_gives_the_bits_of_a_sampler
    a_walk_goes_on_from_a_level_with_the_same_bits
    a_walk_asked_out_of_turn_stays_where_it_is
    a_bad_argument_of_a_walk_is_an_error
    a_shorter_struct_gets_defaults_for_what_it_lacks
    a_longer_struct_works_unless_it_sets_what_is_unknown
    a_struct_that_was_not_initialised_is_refused
    init_writes_no_more_than_it_was_told
    a_bad_argument_of_schedule_or_plan_is_an_error
    a_plan_that_does_not_fit_says_how_long_it_is
    a_bad_argument_of_update_or_noise_is_an_error
    a_plan_prints_itself_as_a_table_and_as_csv
    the_time_of_a_level_is_its_index_in_the_table
    a_table_is_resampled_and_levels_are_snapped_to_it
    lists_of_temperatures_and_the_forward_process_are_plans
    psnr_of_bad_arguments_is_nan
    a_bad_argument_of_a_denoiser_is_an_error
    a_bad_argument_of_an_operator_is_an_error
    a_bad_argument_of_sampler_create_is_an_error
    a_bad_option_of_a_sampler_is_an_argument_error
    a_bad_argument_of_a_samplers_results_is_an_error
    an_image_too_large_for_memory_is_an_error
    more_chains_than_memory_holds_are_an_error
    release_is_called_once_when_the_last_user_is_freed
    release_is_never_called_if_the_denoiser_is_refused
    a_callback_that_takes_several_images_is_called_less_often
    a_failing_callback_stops_the_run_with_its_status_named
    nan_from_a_callback_stops_the_run_with_the_level_named
    a_huge_measurement_gives_no_sample_that_is_not_finite
    progress_counts_every_evaluation
    progress_cancels_and_the_chains_that_began_are_readable
    another_thread_cancels_a_run
    a_run_that_was_cancelled_between_chains_says_so
    cancel_without_a_run_is_forgotten
    a_sampler_is_busy_while_it_runs
    a_second_run_gives_the_same_bits
    a_chain_does_not_depend_on_how_many_there_are
    chains_from_a_later_one_on_are_those_of_a_longer_run
    antithetic_chains_are_pairs_with_the_bits_of_a_shorter_run
    a_failure_names_the_chain_by_its_number_in_the_whole_run
    mean_and_std_are_those_of_the_samples
    a_mask_of_another_shape_is_refused
    nan_at_a_measured_pixel_is_named_by_its_place
    nan_at_a_missing_pixel_is_ignored
    samples_of_a_gaussian_posterior_have_its_moments
    a_wrong_eta_is_caught_by_the_moments
    a_model_says_what_it_knows
    a_model_that_cannot_be_used_is_an_error
    the_samples_of_a_model_do_not_depend_on_threads
    both_engines_walk_the_same_path
    an_engine_that_cannot_be_had_is_an_error
    options_of_a_model_are_checked
    an_evaluation_above_the_budget_of_memory_is_an_error
    samples_fit_an_average_and_a_callers_operator_does_the_same
    an_operator_that_is_wrong_is_found
    every_operator_passes_its_own_test
    a_weight_of_0_leaves_a_measurement_out
    a_bad_argument_of_any_operator_is_an_error
    tiles_give_what_the_whole_image_gives
    a_volume_is_denoised_slice_by_slice_and_slices_by_tiles
    a_posterior_of_a_volume_by_tiles_is_that_of_the_whole
    a_bad_argument_of_tiles_slices_or_an_evaluation_is_an_error
    threads_evaluate_one_model_at_the_same_time
    a_tighter_budget_walks_fewer_chains_side_by_side_to_the_same_samples
    an_image_above_the_budget_is_sampled_by_tiles
    a_scan_of_real_contrasts_is_its_definition
    composed_stacked_and_scaled_operators_are_made_of_their_parts
    channels_side_by_side_are_sampled_as_one_image
    operators_that_do_not_fit_together_are_an_error
    a_callback_inside_another_operator_says_why_it_failed
    split_rhat_and_ess_are_those_of_arviz
    the_fit_is_that_of_chi_squared
    samples_on_a_line_are_cut_where_a_hand_would
    a_bad_argument_of_a_diagnostic_is_an_error
    a_sampler_says_how_its_samples_fit
    two_groups_of_samples_are_reported
    a_pair_counts_once_where_groups_are_looked_for
    what_was_not_measured_is_not_counted
    a_bad_argument_of_sampler_check_is_an_error
    an_interrupted_run_goes_on_with_the_same_bits
    more_chains_go_on_from_those_that_are_there
    a_sample_in_the_folder_is_an_array_of_numpy
    a_folder_of_another_run_or_a_broken_file_is_an_error
    what_is_kept_and_quantiles_are_over_all_samples
    a_last_level_that_is_too_coarse_is_reported
    counts_and_a_callers_likelihood_are_posterior_to_numerical_integration
    a_likelihood_that_cannot_be_is_an_error
    a_folder_of_another_likelihood_is_an_error
    the_version_is_that_of_the_header
}

#[test]
fn every_test_of_the_c_program_is_run() {
    let listed = run(Command::new(shared()).arg("--list"));
    assert_eq!(listed.lines().collect::<Vec<_>>(), TESTS);
}

#[test]
fn the_static_library_passes_the_same_tests() {
    let failures: Vec<_> = TESTS.iter().filter_map(|test| failure(fixed(), test)).collect();
    assert!(failures.is_empty(), "{} of {} failed\n{}", failures.len(), TESTS.len(), failures.join("\n"));
}

#[test]
fn the_shared_library_exports_what_the_header_declares() {
    if !exists("nm") {
        return skip("the_shared_library_exports_what_the_header_declares", "nm is missing: install binutils");
    }
    let library = libraries().join("librwt.so");
    let text = run(Command::new("nm").args(["-D", "--defined-only"]).arg(library));
    let mut exported: Vec<_> = text.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    let mut declared = declared();
    exported.sort_unstable();
    declared.sort();
    assert_eq!(exported, declared);
}

/// The tests that need neither minutes nor a memory limit, one after another in one process.
#[test]
fn valgrind_finds_no_leak_and_no_bad_access() {
    if !exists("valgrind") {
        return skip("valgrind_finds_no_leak_and_no_bad_access", "valgrind is missing");
    }
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite", "--error-exitcode=9"]);
    command.arg(shared()).arg("all").arg(model()).arg(scratch("valgrind")).arg("quick");
    run(&mut command);
}

#[test]
fn onnx_runtime_is_there_for_c() {
    if std::env::var_os("ORT_DYLIB_PATH").is_none() {
        skip("c_abi, ONNX Runtime's half of both_engines_walk_the_same_path", "ORT_DYLIB_PATH is not set");
    }
}
