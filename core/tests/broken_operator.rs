//! An operator that gives what is no number stops every method where it does.

use rwt_core::{
    Chain, Dense, Gaussian, Mask, Operator, Problem, Progress, Schedule, WalkError, gla, preconditioned, template,
};
use std::ops::ControlFlow;

fn go(_: Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Keeps everything, and answers NaN from a call on.
struct Breaks {
    calls: std::cell::Cell<u32>,
    at: u32,
}

impl Operator for Breaks {
    fn image_len(&self) -> usize {
        2
    }

    fn measurement_len(&self) -> usize {
        2
    }

    fn apply(&self, x: &[f32], y: &mut [f32], _: &mut [f32]) {
        self.calls.set(self.calls.get() + 1);
        y.copy_from_slice(x);
        if self.calls.get() == self.at {
            y[1] = f32::NAN;
        }
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], _: &mut [f32]) {
        x.copy_from_slice(y);
    }

    fn norm(&self) -> f64 {
        1.0
    }
}

#[test]
fn an_operator_that_breaks_stops_every_method_wherever_it_does() {
    let (chain, mut levels) = (Chain { seed: 0, chain: 0 }, [0.0; 6]);
    Schedule::Geometric { sigma_max: 5.0, sigma_min: 0.02 }.levels(&mut levels).unwrap();
    for method in 0..3 {
        let mut at = 0;
        loop {
            at += 1;
            let operator = Breaks { calls: std::cell::Cell::new(0), at };
            let problem = Problem::gaussian(&operator, &[0.1, 0.2], 0.1, 0.0, 0.25);
            let (mut x, mut workspace) = ([0.0; 2], vec![0.0; problem.workspace_len(1)]);
            let (mut prior, w) = (Gaussian::new(&[0.0; 2], &[0.25; 2]).unwrap(), &mut workspace);
            let result = match method {
                0 => gla(&problem, &levels, chain, &mut prior, &mut x, w, go),
                1 => preconditioned(&problem, &levels, 0.5, None, chain, &mut prior, &mut x, w, go),
                _ => template(&problem, &levels, 0.5, 0.0, chain, &mut prior, &mut x, w, go),
            };
            if operator.calls.get() < at {
                assert!(result.is_ok() && at > 5, "{method}: {at} calls");
                break;
            }
            assert!(matches!(result, Err(WalkError::NotFinite { .. })), "method {method}, call {at}: {result:?}");
        }
    }
}

#[test]
fn an_observer_is_told_what_the_solver_left() {
    // 24 unknowns and singular values from 1 to 100: 15 conjugate gradients do not suffice
    let mut matrix = [0f32; 24 * 24];
    (0..24).for_each(|i| matrix[i * 25] = 100f32.powf(i as f32 / 23.0));
    let hard = Dense::new(&matrix, 24, 24).unwrap();
    let easy = Mask::new(&[1; 24], 1).unwrap();
    let mut left = [0.0; 2];
    for (operator, left) in [&hard as &dyn Operator, &easy].into_iter().zip(&mut left) {
        let problem = Problem::gaussian(&operator, &[0.3; 24], 0.01, 0.0, 0.25);
        let (mut x, mut workspace) = ([0.0; 24], vec![0.0; problem.workspace_len(1)]);
        let mut prior = Gaussian::new(&[0.0; 24], &[0.25; 24]).unwrap();
        let look = |progress: Progress<'_>| {
            *left = progress.solver.max(*left);
            ControlFlow::Continue(())
        };
        gla(&problem, &[5.0, 1.0, 0.1, 0.002], Chain { seed: 0, chain: 0 }, &mut prior, &mut x, &mut workspace, look)
            .unwrap();
    }
    assert!(left[0] > 1e-3 && left[0] < 1.0 && left[1] == 0.0, "{left:?}");
}
