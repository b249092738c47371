//! A walk that goes on where it stood gives the same bits as one that was never interrupted.

use rwt_core::recipes::paper::Paper;
use rwt_core::{
    Chain, Denoiser, Dense, Error, Likelihood, Method, Mixture, Poisson, PosteriorWalk, Problem, Schedule, WalkError,
};
use std::ops::ControlFlow;

const N: usize = 3;
const MEANS: [f32; 2 * N] = [0.5, -0.2, 0.1, -0.5, 0.2, 0.7];

fn mixture() -> Mixture<'static> {
    Mixture::new(&[0.0, 0.3], &MEANS, 0.02).unwrap()
}

fn methods() -> [Method; 4] {
    [
        Method::GuidedLookAhead,
        Method::Preconditioned { epsilon: 0.5, temperature: None },
        Method::Template { epsilon: 0.5, first_temperature: 0.2 },
        Method::PaperTemplate(Paper { steps: 9, ..Paper::VP_INPAINTING }),
    ]
}

/// The sample, and the place at each level.
fn walk(
    problem: &Problem<'_, Dense<'_>>,
    method: Method,
    from: Option<(usize, &[f32])>,
) -> (Vec<f32>, Vec<(usize, Vec<f32>)>) {
    let mut levels = [0.0; 9];
    Schedule::Geometric { sigma_max: 5.0, sigma_min: 0.01 }.levels(&mut levels).unwrap();
    let mut walk = PosteriorWalk::new(problem, &levels, method, Chain { seed: 3, chain: 8 }, 2).unwrap();
    let mut x = vec![f32::NAN; 2 * N];
    if let Some((level, place)) = from {
        walk = walk.resume(level).unwrap();
        x.copy_from_slice(place);
    }
    let mut places = Vec::new();
    let mut workspace = vec![f32::NAN; problem.workspace_len(2)];
    walk.run(&mut mixture(), &mut x, &mut workspace, |progress| {
        places.extend(progress.level.map(|level| (level, progress.x.to_vec())));
        ControlFlow::Continue(())
    })
    .unwrap();
    (x, places)
}

#[test]
fn a_walk_goes_on_from_every_level_with_the_same_bits() {
    let operator = Dense::new(&[1.0, 0.2, 0.0, 0.3, 1.0, 0.5], 2, N).unwrap();
    let gaussian = Problem::gaussian(&operator, &[0.4, 0.1], 0.05, 0.0, 0.3);
    let likelihood = Likelihood::Poisson(Poisson { gain: 10.0, background: &[20.0] });
    let counts = Problem { likelihood, y: &[12.0, 25.0], ..gaussian };
    for (problem, methods) in [(gaussian, &methods()[..]), (counts, &methods()[..3])] {
        for method in methods {
            let (whole, places) = walk(&problem, *method, None);
            assert!(places.len() >= 8, "{method:?}");
            for (level, place) in places.iter().filter(|(level, _)| *level < 9) {
                assert_eq!(walk(&problem, *method, Some((*level, place))).0, whole, "{method:?} from level {level}");
            }
        }
    }
}

#[test]
fn who_holds_the_walk_runs_the_denoiser() {
    let operator = Dense::new(&[1.0, 0.2, 0.0, 0.3, 1.0, 0.5], 2, N).unwrap();
    let problem = Problem::gaussian(&operator, &[0.4, 0.1], 0.05, 0.0, 0.3);
    let levels: Vec<f64> = {
        let mut levels = [0.0; 9];
        Schedule::Geometric { sigma_max: 5.0, sigma_min: 0.01 }.levels(&mut levels).unwrap();
        levels.to_vec()
    };
    for method in methods() {
        let mut by_hand = PosteriorWalk::new(&problem, &levels, method, Chain { seed: 3, chain: 8 }, 2).unwrap();
        let (mut x, mut workspace) = (vec![0.0; 2 * N], vec![0.0; problem.workspace_len(2)]);
        let mut evaluations = 0;
        while let Some(request) = by_hand.request(&mut x, &mut workspace).unwrap() {
            let place = x.clone();
            assert_eq!(by_hand.request(&mut x, &mut workspace).unwrap().as_ref(), Some(&request), "asked again");
            assert_eq!(x, place, "asked again it does nothing");
            mixture().denoise(&x, request.sigma, &mut workspace[request.into]).unwrap();
            by_hand.advance(&mut x, &mut workspace).unwrap();
            let place = x.clone();
            by_hand.advance(&mut x, &mut workspace).unwrap();
            assert_eq!(x, place, "without a request it does nothing");
            evaluations += 1;
        }
        assert_eq!((&x, evaluations), (&walk(&problem, method, None).0, by_hand.evaluations()), "{method:?}");
    }
}

#[test]
fn a_level_that_is_not_there_and_arrays_that_do_not_fit_are_refused() {
    let operator = Dense::new(&[1.0, 0.2, 0.0], 1, N).unwrap();
    let problem = Problem::gaussian(&operator, &[0.4], 0.05, 0.0, 0.3);
    let new =
        || PosteriorWalk::new(&problem, &[1.0, 0.1], Method::GuidedLookAhead, Chain { seed: 0, chain: 0 }, 1).unwrap();
    assert!(matches!(new().resume(2), Err(Error::Parameter { name: "level", .. })));
    let (mut x, mut workspace) = ([0.0; N], vec![0.0; problem.workspace_len(1)]);
    let refused = new().request(&mut x[..2], &mut workspace);
    assert!(matches!(refused, Err(Error::Length { name: "x", expected: N, found: 2 })));
    let refused = new().request(&mut x, &mut workspace[1..]);
    assert!(matches!(refused, Err(Error::Length { name: "workspace", .. })));
    let none = PosteriorWalk::new(&problem, &[1.0, 0.1], Method::GuidedLookAhead, Chain { seed: 0, chain: 0 }, 0);
    assert!(matches!(none, Err(Error::Parameter { name: "chains", .. })));
}

#[test]
fn after_an_error_a_walk_does_not_go_on() {
    let operator = Dense::new(&[1.0, 0.2, 0.0], 1, N).unwrap();
    let problem = Problem::gaussian(&operator, &[0.4], 0.05, 0.0, 0.3);
    let chain = Chain { seed: 0, chain: 0 };
    let mut walk = PosteriorWalk::new(&problem, &[1.0, 0.5, 0.1], Method::GuidedLookAhead, chain, 1).unwrap();
    let (mut x, mut workspace) = ([0.0; N], vec![0.0; problem.workspace_len(1)]);
    walk.request(&mut x, &mut workspace).unwrap();
    assert!(matches!(walk.advance(&mut x[1..], &mut workspace), Err(WalkError::Plan(Error::Length { .. }))));
    workspace.fill(f32::NAN);
    assert!(matches!(walk.advance(&mut x, &mut workspace), Err(WalkError::NotFinite { .. })));
    assert!(matches!(walk.request(&mut x, &mut workspace), Err(Error::Parameter { name: "the walk", .. })));
    let mut walk = walk.resume(0).unwrap();
    while let Some(request) = walk.request(&mut x, &mut workspace).unwrap() {
        mixture().denoise(&x, request.sigma, &mut workspace[request.into]).unwrap();
        walk.advance(&mut x, &mut workspace).unwrap();
    }
    let huge = PosteriorWalk::new(&problem, &[1.0, 0.1], Method::GuidedLookAhead, chain, usize::MAX);
    assert!(matches!(huge, Err(Error::Parameter { name: "chains", .. })));
}
