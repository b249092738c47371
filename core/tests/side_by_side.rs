//! Chains side by side are the chains that run alone, to the bit, and a denoiser sees them together.

use rwt_core::recipes::paper::Paper;
use rwt_core::{
    Chain, Denoiser, Error, Mask, Mixture, Problem, Progress, Schedule, WalkError, gla, paper_template, preconditioned,
    template,
};
use std::ops::ControlFlow;

const N: usize = 6;
const CHAINS: usize = 3;
const MEANS: [f32; 2 * N] = [0.5, -0.2, 0.1, 0.4, -0.6, 0.3, -0.5, 0.2, 0.7, -0.4, 0.6, -0.3];

/// Draw `count` chains from `first` with one of the methods; how often the denoiser was called.
fn draw(method: usize, mask: &Mask<'_>, first: u64, count: usize) -> (Vec<f32>, usize) {
    let problem = Problem::gaussian(mask, &[0.4, 0.1, 0.0, 0.3, -0.5, 0.2], 0.05, 0.0, 0.3);
    let (chain, go) = (Chain { seed: 3, chain: first }, |_: Progress<'_>| ControlFlow::Continue(()));
    let mut levels = [0.0; 12];
    Schedule::Geometric { sigma_max: 5.0, sigma_min: 0.01 }.levels(&mut levels).unwrap();
    let mut prior = Mixture::new(&[0.0, 0.3], &MEANS, 0.02).unwrap();
    let mut calls = 0;
    let mut denoiser = |x: &[f32], sigma: f64, denoised: &mut [f32]| {
        assert_eq!(x.len(), count * N);
        calls += 1;
        prior.denoise(x, sigma, denoised)
    };
    let (mut x, mut workspace) = (vec![f32::NAN; count * N], vec![f32::NAN; problem.workspace_len(count)]);
    let (x_, w) = (&mut x, &mut workspace);
    let paper = Paper { schedule: None, steps: 12, epsilon: 0.5, first_temperature: 0.5, last_temperature: 1.0 };
    match method {
        0 => gla(&problem, &levels, chain, &mut denoiser, x_, w, go),
        1 => preconditioned(&problem, &levels, 0.5, None, chain, &mut denoiser, x_, w, go),
        2 => template(&problem, &levels, 0.5, 0.5, chain, &mut denoiser, x_, w, go),
        _ => paper_template(&problem, &levels, &paper, chain, &mut denoiser, x_, w, go),
    }
    .unwrap();
    (x, calls)
}

#[test]
fn chains_side_by_side_are_the_chains_that_run_alone() {
    // with nothing measured guided look-ahead has no direction to follow
    for mask in [[1, 0, 1, 1, 0, 0], [0; N]] {
        let mask = Mask::new(&mask, 1).unwrap();
        for method in 0..4 {
            let (together, calls) = draw(method, &mask, 7, CHAINS);
            for (place, chain) in together.chunks(N).enumerate() {
                let (alone, calls_alone) = draw(method, &mask, 7 + place as u64, 1);
                assert_eq!(chain, alone, "method {method}, chain {place}");
                assert_eq!(calls, calls_alone);
            }
            assert_ne!(together[..N], together[N..2 * N]);
        }
    }
}

#[test]
fn half_an_image_more_is_refused_and_a_broken_chain_is_found() {
    let mask = Mask::new(&[1, 0], 1).unwrap();
    let problem = Problem::gaussian(&mask, &[0.1, 0.0], 0.1, 0.0, 0.25);
    let (chain, levels) = (Chain { seed: 0, chain: 0 }, [1.0, 0.1, 0.02]);
    let go = |_: Progress<'_>| ControlFlow::Continue(());
    let mut identity = |x: &[f32], _: f64, denoised: &mut [f32]| {
        denoised.copy_from_slice(x);
        if x.len() == 6 {
            denoised[3] = f32::NAN;
        }
        Ok::<(), ()>(())
    };
    let mut run = |x: &mut [f32], w: usize| gla(&problem, &levels, chain, &mut identity, x, &mut vec![0.0; w], go);
    let room = problem.workspace_len(2);
    let refused = run(&mut [0.0; 5], room);
    assert!(matches!(refused, Err(WalkError::Plan(Error::Length { expected: 4, found: 5, .. }))), "{refused:?}");
    let refused = run(&mut [0.0; 4], problem.workspace_len(1));
    assert!(matches!(refused, Err(WalkError::Plan(Error::Length { .. }))), "{refused:?}");
    let broken = run(&mut [0.0; 6], problem.workspace_len(3));
    assert!(matches!(broken, Err(WalkError::NotFinite { element: 3, .. })), "{broken:?}");
    run(&mut [0.0; 4], room).unwrap();
}
