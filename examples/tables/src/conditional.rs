//! Posterior sampling of independent Gaussian elements, half of them measured: each element's posterior is known.

use rwt_core::recipes::paper::Paper;
use rwt_core::{
    Chain, Gaussian, Mask, Problem, Progress, Schedule, WalkError, gla, noise, paper_template, preconditioned, template,
};
use std::ops::ControlFlow;

const N: usize = 40_000;
const VARIANCE: f64 = 0.3;

/// How far samples are from the posterior of measured and of missing elements.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    /// The mean's distance from the posterior's towards 0, in posterior standard deviations, measured elements.
    pub bias: f64,
    /// The standard deviation over the posterior's, measured elements.
    pub spread: f64,
    /// The same where nothing was measured.
    pub missing: f64,
}

/// The methods that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The paper's inpainting setting: 750 evaluations.
    Paper,
    /// The explicit template with our start, clip and end, on the same levels.
    Template,
    /// The preconditioned walk, 100 evaluations.
    Preconditioned,
    /// Guided look-ahead, 99 evaluations.
    Gla,
}

/// Sample once and compare; one standard error is about 0.007 of a bias and 0.005 of a spread.
pub fn fit(method: Method, eta: f64) -> Result<Fit, WalkError> {
    let (mut truth, mut y) = (vec![0f32; N], vec![0f32; N]);
    noise::fill(1, 0, 0, 0, &mut truth);
    noise::fill(1, 1, 0, 0, &mut y);
    for (truth, y) in truth.iter_mut().zip(&mut y) {
        *truth *= VARIANCE.sqrt() as f32;
        *y = *truth + eta as f32 * *y;
    }
    let mask: Vec<u8> = (0..N).map(|i| u8::from(i % 2 == 0)).collect();
    let mut x = vec![0f32; N];
    sample(method, &Mask::new(&mask, 1)?, &y, eta, &mut x)?;
    let (gain, deviation) = (VARIANCE / (VARIANCE + eta * eta), (VARIANCE * eta * eta / (VARIANCE + eta * eta)).sqrt());
    let measured: Vec<(f64, f64)> = (0..N)
        .step_by(2)
        .map(|i| (gain * f64::from(y[i]), f64::from(x[i])))
        .map(|(mean, x)| (mean.signum(), (x - mean) / deviation))
        .collect();
    let count = measured.len() as f64;
    let bias = -measured.iter().map(|(sign, z)| sign * z).sum::<f64>() / count;
    let spread = (measured.iter().map(|(sign, z)| (z + sign * bias).powi(2)).sum::<f64>() / count).sqrt();
    let missing = (x.iter().skip(1).step_by(2).map(|x| f64::from(*x).powi(2)).sum::<f64>() / count / VARIANCE).sqrt();
    Ok(Fit { bias, spread, missing })
}

fn sample(method: Method, mask: &Mask<'_>, y: &[f32], eta: f64, x: &mut [f32]) -> Result<(), WalkError> {
    let (mean, variance) = (vec![0.0; N], vec![VARIANCE as f32; N]);
    let mut prior = Gaussian::new(&mean, &variance)?;
    let problem = Problem::gaussian(mask, y, eta, 0.0, VARIANCE);
    let mut workspace = vec![0f32; problem.workspace_len(1)];
    let (chain, go) = (Chain { seed: 5, chain: 0 }, |_: Progress<'_>| ControlFlow::Continue(()));
    let paper = Paper::VP_INPAINTING;
    let mut levels = vec![0.0; paper.steps];
    paper.levels(&mut levels)?;
    let geometric = |count: usize| {
        let mut levels = vec![0.0; count];
        Schedule::Geometric { sigma_max: 20.0, sigma_min: eta / 5.0 }.levels(&mut levels).map(|()| levels)
    };
    let workspace = &mut workspace[..];
    match method {
        Method::Paper => paper_template(&problem, &levels, &paper, chain, &mut prior, x, workspace, go),
        Method::Template => template(&problem, &levels, paper.epsilon, 0.0, chain, &mut prior, x, workspace, go),
        Method::Preconditioned => {
            preconditioned(&problem, &geometric(100)?, 0.5, None, chain, &mut prior, x, workspace, go)
        }
        Method::Gla => gla(&problem, &geometric(50)?, chain, &mut prior, x, workspace, go),
    }
}

/// Print the table.
pub fn print() -> Result<(), WalkError> {
    println!("\nPosterior of independent Gaussian elements of variance {VARIANCE}, half of them measured:");
    println!(
        "bias of the mean in posterior std, std over the posterior's (measured), std over the prior's (missing)\n"
    );
    for (name, method) in [
        ("the paper's inpainting setting, 750 evaluations", Method::Paper),
        ("the same with our start, clip and end", Method::Template),
        ("preconditioned, 100", Method::Preconditioned),
        ("guided look-ahead (default), 99", Method::Gla),
    ] {
        print!("{name:50}");
        for eta in [0.2, 0.05, 0.01] {
            let Fit { bias, spread, missing } = fit(method, eta)?;
            print!("  eta {eta}: {bias:6.3} {spread:6.3} {missing:6.3}");
        }
        println!();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guided_look_ahead_is_right_and_the_papers_rule_is_as_known() {
        for eta in [0.2, 0.05] {
            let Fit { bias, spread, missing } = fit(Method::Gla, eta).unwrap();
            assert!(bias.abs() < 0.05 && (spread - 1.0).abs() < 0.06 && (missing - 1.0).abs() < 0.05);
        }
        // the paper's step is bounded by η²: with small noise, what was not measured keeps its start, N(0, I)
        let (coarse, fine) = (fit(Method::Paper, 0.2).unwrap(), fit(Method::Paper, 0.01).unwrap());
        assert!((coarse.spread - 1.0).abs() < 0.1 && (coarse.missing - 1.0).abs() < 0.1, "{coarse:?}");
        assert!(fine.spread < 0.5 && fine.missing > 1.5, "{fine:?}");
    }
}
