//! Conditional sampling with the paper's settings is its iteration, quirks and all.

use rwt_core::recipes::paper::Paper;
use rwt_core::{Chain, Dense, Error, Gaussian, Problem, Progress, WalkError, noise, paper_template};
use std::ops::ControlFlow;

const N: usize = 5;
const M: usize = 3;
const MATRIX: [f32; N * M] = [0.5, -0.2, 0.1, 0.3, 0.0, 0.1, 0.4, -0.3, 0.0, 0.2, 0.0, 0.3, 0.3, -0.1, 0.5];
const Y: [f32; M] = [0.4, -0.3, 0.2];
const ETA: f64 = 0.2;

fn go(_: Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn sample(paper: &Paper, levels: &[f64], chain: Chain) -> Result<[f32; N], WalkError> {
    let operator = Dense::new(&MATRIX, M, N).unwrap();
    let problem = Problem::gaussian(&operator, &Y, ETA, 0.7, 0.3);
    let mut prior = Gaussian::new(&[0.1; N], &[0.3; N]).unwrap();
    let (mut x, mut workspace) = ([f32::NAN; N], vec![f32::NAN; problem.workspace_len(1)]);
    paper_template(&problem, levels, paper, chain, &mut prior, &mut x, &mut workspace, go)?;
    Ok(x)
}

#[test]
fn it_is_equations_22_to_24_with_its_quirks() {
    for paper in [Paper::VP_INPAINTING, Paper::VP_SUPER_RESOLUTION, Paper::VE_INPAINTING] {
        let mut levels = vec![0.0; 60];
        paper.schedule.unwrap().levels(&mut levels).unwrap();
        let chain = Chain { seed: 3, chain: 8 };
        let found = sample(&paper, &levels, chain).unwrap();
        let normals = |draw: u32| {
            let mut n = [0f32; N];
            noise::fill(3, 8, draw, 0, &mut n);
            n.map(f64::from)
        };
        let mut x = normals(0); // N(0, I), whatever the data's mean
        for (k, s) in levels.iter().enumerate() {
            let tau = (paper.epsilon * s * s).min(ETA * ETA); // not divided by ‖A‖²
            let t = if k == 59 { 0.0 } else { k as f64 / 59.0 };
            let n = normals(k as u32 + 1);
            let residual: Vec<f64> = (0..M)
                .map(|r| f64::from(Y[r]) - (0..N).map(|c| f64::from(MATRIX[r * N + c]) * x[c]).sum::<f64>())
                .collect();
            for i in 0..N {
                let denoised = 0.1 + 0.3 / (0.3 + s * s) * (x[i] - 0.1);
                let pull: f64 = (0..M).map(|r| f64::from(MATRIX[r * N + i]) * residual[r]).sum();
                x[i] += tau * ((denoised - x[i]) / (s * s) + pull / (ETA * ETA)) + (2.0 * tau * t).sqrt() * n[i];
            }
        }
        for (found, expected) in found.iter().zip(x) {
            assert!((f64::from(*found) - expected).abs() < 2e-5, "{found} {expected}");
        }
    }
}

#[test]
fn a_rule_that_cannot_be_is_refused() {
    let (levels, chain) = ([3.0, 1.0, 0.1], Chain { seed: 0, chain: 0 });
    for paper in [
        Paper { epsilon: 2.0, ..Paper::VP_INPAINTING },
        Paper { first_temperature: -0.1, ..Paper::VP_INPAINTING },
        Paper { last_temperature: f64::NAN, ..Paper::VP_INPAINTING },
    ] {
        assert!(matches!(sample(&paper, &levels, chain), Err(WalkError::Plan(Error::Parameter { .. }))));
    }
    let rising = sample(&Paper::VP_INPAINTING, &[1.0, 2.0], chain);
    assert!(matches!(rising, Err(WalkError::Plan(Error::Level { index: 1, .. }))));
}
