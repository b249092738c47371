//! The forward process: in one step and step by step, equal in distribution.

use rwt_core::{Step, recipes, update};

const N: usize = 200_000;

fn moments(x: &[f32]) -> (f64, f64, f64) {
    let mean = x.iter().map(|v| f64::from(*v)).sum::<f64>() / N as f64;
    let central = |power| x.iter().map(|v| (f64::from(*v) - mean).powi(power)).sum::<f64>() / N as f64;
    (mean, central(2), central(4) / central(2).powi(2))
}

#[test]
fn in_one_step_and_in_many_the_noise_has_the_same_distribution() {
    let levels = [0.0, 0.01, 0.1, 0.35, 1.0, 4.0, 20.0];
    let mut rows = [Step::default(); 6];
    assert_eq!(recipes::forward(&levels, &mut rows), Ok(6));
    let mut walked = vec![0.25f32; N];
    for (k, row) in rows.iter().enumerate() {
        update(row, 4, 0, &mut walked, &[], &[], &[]).unwrap();
        let sigma = levels[k + 1];
        let mut direct = vec![0.25f32; N];
        update(&Step::forward(0.0, sigma, 99), 4, 0, &mut direct, &[], &[], &[]).unwrap();
        for x in [&walked, &direct] {
            let (mean, variance, kurtosis) = moments(x);
            let n = N as f64;
            assert!(((mean - 0.25) / (sigma / n.sqrt())).abs() < 4.0, "{sigma}: mean {mean}");
            assert!(
                ((variance / (sigma * sigma) - 1.0) / (2.0 / n).sqrt()).abs() < 4.0,
                "{sigma}: variance {variance}"
            );
            assert!(((kurtosis - 3.0) / (24.0 / n).sqrt()).abs() < 4.0, "{sigma}: kurtosis {kurtosis}");
        }
        // the largest distance between the two distribution functions, Kolmogorov and Smirnov
        let sorted = |x: &[f32]| {
            let mut x = x.to_vec();
            x.sort_unstable_by(f32::total_cmp);
            x
        };
        let (a, b) = (sorted(&walked), sorted(&direct));
        let (mut i, mut distance) = (0, 0.0f64);
        for (j, v) in b.iter().enumerate() {
            while i < N && a[i] <= *v {
                i += 1;
            }
            distance = distance.max((i as f64 - j as f64).abs() / N as f64);
        }
        assert!(distance < 1.95 * (2.0 / N as f64).sqrt(), "{sigma}: {distance}"); // 0.1 %
    }
}

#[test]
fn two_steps_have_the_variance_of_one() {
    let (a, b, c) = (0.3, 1.7, 8.0);
    let noise = |from, to| Step::forward(from, to, 0).noise;
    assert!((noise(a, b).hypot(noise(b, c)) / noise(a, c) - 1.0).abs() < 1e-15);
}
