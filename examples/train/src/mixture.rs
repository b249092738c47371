//! Five modes on a ring in two dimensions.

use crate::Result;
use crate::draw::Canvas;
use crate::network::{Data, Trained};
use rwt_core::{Denoiser, Mixture, noise};
use std::fmt::Write;

const WEIGHTS: [f64; 5] = [0.35, 0.25, 0.2, 0.12, 0.08];
const SPREAD: f64 = 0.1;
const PANEL: usize = 360;
/// The pictures show −EXTENT … EXTENT.
const EXTENT: f64 = 1.6;

pub struct Ring;

fn means() -> Vec<f32> {
    (0..5).flat_map(|k| [(1.2566 * k as f32).cos(), (1.2566 * k as f32).sin()]).collect()
}

impl Data for Ring {
    fn size(&self) -> usize {
        2
    }

    fn example(&self, number: u64, out: &mut [f32]) {
        let mut u = noise::uniform(7, number, 0, 0);
        let mode = WEIGHTS.iter().position(|w| {
            u -= w;
            u < 0.0
        });
        noise::fill(7, number, 1, 0, out);
        let mean = &means()[2 * mode.unwrap_or(4)..][..2];
        out.iter_mut().zip(mean).for_each(|(x, m)| *x = m + SPREAD as f32 * *x);
    }
}

/// The share and the spread of each mode among samples.
pub fn modes(samples: &[f32]) -> Vec<(f64, f64)> {
    let means = means();
    let mut found = vec![(0.0, 0.0); 5];
    for sample in samples.chunks(2) {
        let distance = |k: usize| (sample[0] - means[2 * k]).powi(2) + (sample[1] - means[2 * k + 1]).powi(2);
        let nearest = (0..5).min_by(|a, b| distance(*a).total_cmp(&distance(*b))).unwrap_or(0);
        found[nearest].0 += 1.0;
        found[nearest].1 += f64::from(distance(nearest)) / 2.0;
    }
    let count = samples.len() as f64 / 2.0;
    found.into_iter().map(|(n, squares)| (n / count, (squares / n.max(1.0)).sqrt())).collect()
}

pub fn report(samples: &[f32]) -> String {
    let mut text = String::from("mode   weight: exact  samples   spread: exact  samples\n");
    for (k, (weight, spread)) in modes(samples).into_iter().enumerate() {
        let _ = writeln!(text, "{k:4} {:15.3} {weight:8.3} {SPREAD:15.3} {spread:8.3}", WEIGHTS[k]);
    }
    text
}

/// Score fields at three levels: the exact ones above, the learned ones below.
pub fn score_fields(trained: &Trained) -> Result<Canvas> {
    let log_weights = WEIGHTS.map(f64::ln);
    let means = means();
    let mut exact = Mixture::new(&log_weights, &means, SPREAD * SPREAD)?;
    let mut canvas = Canvas::new(3 * PANEL, 2 * PANEL);
    for (column, sigma) in [0.1, 0.4, 1.5].into_iter().enumerate() {
        for row in 0..2 {
            arrows(&mut canvas, [column * PANEL, row * PANEL], sigma, |x, d| {
                match row {
                    0 => exact.denoise(x, sigma, d)?,
                    _ => trained.denoise(x, sigma, d)?,
                }
                Ok(())
            })?;
        }
    }
    Ok(canvas)
}

/// Lines along σ·score, thick end first: black where they begin.
fn arrows(
    canvas: &mut Canvas,
    corner: [usize; 2],
    sigma: f64,
    mut denoise: impl FnMut(&[f32], &mut [f32]) -> Result<()>,
) -> Result<()> {
    const COUNT: usize = 24;
    let place = |k: usize| EXTENT * (2.0 * (k as f64 + 0.5) / COUNT as f64 - 1.0);
    let pixel = |v: f64, corner: usize| corner as f64 + (v / EXTENT + 1.0) / 2.0 * PANEL as f64;
    for (row, column) in (0..COUNT * COUNT).map(|k| (k / COUNT, k % COUNT)) {
        let x = [place(column) as f32, place(row) as f32];
        let mut denoised = [0.0; 2];
        denoise(&x, &mut denoised)?;
        let score: Vec<f64> = x.iter().zip(&denoised).map(|(x, d)| f64::from(d - x) / sigma).collect();
        let length = score[0].hypot(score[1]);
        let scale = PANEL as f64 / COUNT as f64 * (length / (1.0 + length)) / length.max(1e-9);
        let from = [pixel(f64::from(x[0]), corner[0]), pixel(f64::from(x[1]), corner[1])];
        let to = [from[0] + scale * score[0], from[1] + scale * score[1]];
        canvas.line(from, to, [0.2, 0.35, 0.7]);
        canvas.square(from[0] as usize, from[1] as usize, 2, [0.0; 3]);
    }
    Ok(())
}

/// The samples, with a circle of two standard deviations around each mode.
pub fn scatter(samples: &[f32]) -> Canvas {
    let side = 2 * PANEL;
    let pixel = |v: f64| (v / EXTENT + 1.0) / 2.0 * side as f64;
    let mut canvas = Canvas::new(side, side);
    for sample in samples.chunks(2) {
        let (x, y) = (pixel(f64::from(sample[0])), pixel(f64::from(sample[1])));
        canvas.square(x.max(0.0) as usize, y.max(0.0) as usize, 2, [0.2, 0.35, 0.7]);
    }
    for mean in means().chunks(2) {
        for k in 0..720 {
            let angle = f64::from(k) / 720.0 * std::f64::consts::TAU;
            let at = |mean: f32, part: f64| pixel(f64::from(mean) + 2.0 * SPREAD * part);
            canvas.dot(at(mean[0], angle.cos()), at(mean[1], angle.sin()), [0.8, 0.1, 0.1]);
        }
    }
    canvas
}

#[cfg(test)]
mod tests {
    use super::*;
    use rwt_core::training::{Levels, Training, Weight};
    use rwt_core::{Prediction, Time};

    #[test]
    fn networks_of_three_kinds_learn_the_modes() {
        let edm = Weight::Edm { sigma_data: 0.7 };
        for (prediction, weight) in [
            (Prediction::Edm { sigma_data: 0.7 }, edm),
            (Prediction::NoiseVp, Weight::Noise),
            (Prediction::VelocityVp, edm),
        ] {
            let training = Training { prediction, weight, time: Time::QuarterLogSigma };
            let levels = Levels::LogUniform { low: 0.01, high: 30.0 };
            let trained = Trained::train(&Ring, training, levels, 64, 4000, |_, _| {}).unwrap();
            assert!(trained.losses.last() < trained.losses.first(), "{prediction:?}: {:?}", trained.losses);
            let modes = modes(&trained.sample(1000, 3).unwrap());
            for (k, (weight, _)) in modes.iter().enumerate() {
                assert!((weight - WEIGHTS[k]).abs() < 0.06, "{prediction:?}: mode {k} has the weight {weight}");
            }
            let spread = modes.iter().map(|(weight, spread)| weight * spread * spread).sum::<f64>().sqrt();
            assert!((0.85..1.4).contains(&(spread / SPREAD)), "{prediction:?}: the spread is {spread}");
        }
    }

    #[test]
    fn the_same_seed_trains_the_same_network() {
        let training = Training { prediction: Prediction::NoiseVp, weight: Weight::Noise, time: Time::QuarterLogSigma };
        let levels = Levels::LogUniform { low: 0.01, high: 30.0 };
        let train = || Trained::train(&Ring, training, levels, 16, 20, |_, _| {}).unwrap().losses;
        assert_eq!(train(), train());
    }
}
