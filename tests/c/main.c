/* usage: c_test --list
 *        c_test NAME|all MODEL FOLDER [quick]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#define TESTS(test)                                                        \
    test(a_plan_driven_by_hand_gives_the_bits_of_a_sampler)                \
    test(samples_driven_by_hand_have_the_moments_of_the_prior)             \
    test(the_noise_of_an_update_is_that_of_rwt_noise)                      \
    test(a_walk_driven_by_hand_gives_the_bits_of_a_sampler)                \
    test(a_walk_goes_on_from_a_level_with_the_same_bits)                   \
    test(a_walk_asked_out_of_turn_stays_where_it_is)                       \
    test(a_bad_argument_of_a_walk_is_an_error)                             \
    test(a_shorter_struct_gets_defaults_for_what_it_lacks)                 \
    test(a_longer_struct_works_unless_it_sets_what_is_unknown)             \
    test(a_struct_that_was_not_initialised_is_refused)                     \
    test(init_writes_no_more_than_it_was_told)                             \
    test(a_bad_argument_of_schedule_or_plan_is_an_error)                   \
    test(a_plan_that_does_not_fit_says_how_long_it_is)                     \
    test(a_bad_argument_of_update_or_noise_is_an_error)                    \
    test(a_plan_prints_itself_as_a_table_and_as_csv)                       \
    test(the_time_of_a_level_is_its_index_in_the_table)                    \
    test(a_table_is_resampled_and_levels_are_snapped_to_it)                \
    test(lists_of_temperatures_and_the_forward_process_are_plans)          \
    test(psnr_of_bad_arguments_is_nan)                                     \
    test(a_bad_argument_of_a_denoiser_is_an_error)                         \
    test(a_bad_argument_of_an_operator_is_an_error)                        \
    test(a_bad_argument_of_sampler_create_is_an_error)                     \
    test(a_bad_option_of_a_sampler_is_an_argument_error)                   \
    test(a_bad_argument_of_a_samplers_results_is_an_error)                 \
    test(an_image_too_large_for_memory_is_an_error)                        \
    test(more_chains_than_memory_holds_are_an_error)                       \
    test(release_is_called_once_when_the_last_user_is_freed)               \
    test(release_is_never_called_if_the_denoiser_is_refused)               \
    test(a_callback_that_takes_several_images_is_called_less_often)        \
    test(a_failing_callback_stops_the_run_with_its_status_named)           \
    test(nan_from_a_callback_stops_the_run_with_the_level_named)           \
    test(a_huge_measurement_gives_no_sample_that_is_not_finite)            \
    test(progress_counts_every_evaluation)                                 \
    test(progress_cancels_and_the_chains_that_began_are_readable)          \
    test(another_thread_cancels_a_run)                                     \
    test(a_run_that_was_cancelled_between_chains_says_so)                  \
    test(cancel_without_a_run_is_forgotten)                                \
    test(a_sampler_is_busy_while_it_runs)                                  \
    test(a_second_run_gives_the_same_bits)                                 \
    test(a_chain_does_not_depend_on_how_many_there_are)                    \
    test(chains_from_a_later_one_on_are_those_of_a_longer_run)             \
    test(antithetic_chains_are_pairs_with_the_bits_of_a_shorter_run)       \
    test(a_failure_names_the_chain_by_its_number_in_the_whole_run)         \
    test(mean_and_std_are_those_of_the_samples)                            \
    test(a_mask_of_another_shape_is_refused)                               \
    test(nan_at_a_measured_pixel_is_named_by_its_place)                    \
    test(nan_at_a_missing_pixel_is_ignored)                                \
    test(samples_of_a_gaussian_posterior_have_its_moments)                 \
    test(a_wrong_eta_is_caught_by_the_moments)                             \
    test(a_model_says_what_it_knows)                                       \
    test(a_model_that_cannot_be_used_is_an_error)                          \
    test(the_samples_of_a_model_do_not_depend_on_threads)                  \
    test(both_engines_walk_the_same_path)                                  \
    test(an_engine_that_cannot_be_had_is_an_error)                         \
    test(options_of_a_model_are_checked)                                   \
    test(an_evaluation_above_the_budget_of_memory_is_an_error)             \
    test(samples_fit_an_average_and_a_callers_operator_does_the_same)      \
    test(an_operator_that_is_wrong_is_found)                               \
    test(every_operator_passes_its_own_test)                               \
    test(a_weight_of_0_leaves_a_measurement_out)                           \
    test(a_bad_argument_of_any_operator_is_an_error)                       \
    test(tiles_give_what_the_whole_image_gives)                            \
    test(a_volume_is_denoised_slice_by_slice_and_slices_by_tiles)          \
    test(a_posterior_of_a_volume_by_tiles_is_that_of_the_whole)            \
    test(a_bad_argument_of_tiles_slices_or_an_evaluation_is_an_error)      \
    test(threads_evaluate_one_model_at_the_same_time)                      \
    test(a_tighter_budget_walks_fewer_chains_side_by_side_to_the_same_samples) \
    test(an_image_above_the_budget_is_sampled_by_tiles)                    \
    test(a_scan_of_real_contrasts_is_its_definition)                       \
    test(composed_stacked_and_scaled_operators_are_made_of_their_parts)    \
    test(channels_side_by_side_are_sampled_as_one_image)                   \
    test(operators_that_do_not_fit_together_are_an_error)                  \
    test(a_callback_inside_another_operator_says_why_it_failed)            \
    test(split_rhat_and_ess_are_those_of_arviz)                            \
    test(the_fit_is_that_of_chi_squared)                                   \
    test(samples_on_a_line_are_cut_where_a_hand_would)                     \
    test(a_bad_argument_of_a_diagnostic_is_an_error)                       \
    test(a_sampler_says_how_its_samples_fit)                               \
    test(two_groups_of_samples_are_reported)                               \
    test(a_pair_counts_once_where_groups_are_looked_for)                   \
    test(what_was_not_measured_is_not_counted)                             \
    test(a_bad_argument_of_sampler_check_is_an_error)                      \
    test(an_interrupted_run_goes_on_with_the_same_bits)                     \
    test(more_chains_go_on_from_those_that_are_there)                       \
    test(a_sample_in_the_folder_is_an_array_of_numpy)                       \
    test(a_folder_of_another_run_or_a_broken_file_is_an_error)              \
    test(what_is_kept_and_quantiles_are_over_all_samples)                   \
    test(a_last_level_that_is_too_coarse_is_reported)                       \
    test(counts_and_a_callers_likelihood_are_posterior_to_numerical_integration) \
    test(a_likelihood_that_cannot_be_is_an_error)                           \
    test(a_folder_of_another_likelihood_is_an_error)                        \
    test(the_version_is_that_of_the_header)

#define DECLARE(name) void name(void);
TESTS(DECLARE)

static const struct {
    const char *name;
    void (*run)(void);
} ALL[] = {
#define ROW(name) {#name, name},
    TESTS(ROW)
};

/* Set by the command line; see test.h. */
const char *model_path, *scratch_folder;
bool quick;

int main(int argc, char **argv)
{
    const size_t count = sizeof ALL / sizeof *ALL;
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < count; i++)
            puts(ALL[i].name);
        return EXIT_SUCCESS;
    }
    if (argc < 4) {
        fputs("usage: c_test --list | NAME|all MODEL FOLDER [quick]\n", stderr);
        return EXIT_FAILURE;
    }
    model_path = argv[2];
    scratch_folder = argv[3];
    quick = argc > 4 && strcmp(argv[4], "quick") == 0;
    bool found = false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(argv[1], "all") == 0 || strcmp(argv[1], ALL[i].name) == 0) {
            found = true;
            ALL[i].run();
        }
    if (!found)
        fprintf(stderr, "no test is called %s\n", argv[1]);
    return found ? EXIT_SUCCESS : EXIT_FAILURE;
}
