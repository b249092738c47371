//! D(x, σ) by the shipped model.

mod common;

use common::{Random, model};
use ndarray::{Array4, s};
use rwt_core::{Chain, Denoiser};
use rwt_onnx::Error;

/// A smooth ramp in each of three channels, [n, 3, height, width] in [-1, 1].
fn ramp(n: usize, height: usize, width: usize) -> Array4<f32> {
    Array4::from_shape_fn((n, 3, height, width), |(i, c, y, x)| {
        let (y, x) = (y as f32 / height as f32, x as f32 / width as f32);
        [x, y, (x + y) / 2.0][c] * 1.2 - 0.6 + 0.1 * i as f32
    })
}

fn with_noise(clean: &Array4<f32>, sigma: f32) -> Array4<f32> {
    let mut random = Random(7);
    clean.mapv(|value| value + sigma * random.normal())
}

fn rms(a: &Array4<f32>, b: &Array4<f32>) -> f64 {
    ((a - b).iter().map(|&d| f64::from(d).powi(2)).sum::<f64>() / a.len() as f64).sqrt()
}

#[test]
fn denoising_brings_a_noisy_ramp_nearer() {
    let (model, clean) = (model(), ramp(1, 64, 64));
    for (sigma, bar) in [(0.1, 0.7), (0.3, 0.5), (1.0, 0.5)] {
        let noisy = with_noise(&clean, sigma);
        let denoised = model.denoise_view(noisy.view(), sigma.into()).unwrap();
        let (before, after) = (rms(&noisy, &clean), rms(&denoised, &clean));
        assert!(after < bar * before, "sigma {sigma}: {before} before, {after} after");
    }
}

#[test]
fn any_size_is_evaluated() {
    let model = model();
    for (height, width) in [(37, 50), (1, 1), (1, 40), (3, 2), (16, 16), (17, 8)] {
        let noisy = with_noise(&ramp(2, height, width), 0.2);
        let denoised = model.denoise_view(noisy.view(), 0.2).unwrap();
        assert_eq!(denoised.dim(), noisy.dim());
        assert!(denoised.iter().all(|value| value.is_finite() && value.abs() < 3.0), "{height}x{width}");
    }
    assert_eq!(model.evaluator(37, 50).unwrap().padded_shape(), [1, 3, 64, 80]);
}

#[test]
fn the_result_does_not_depend_on_the_batch() {
    let model = model();
    let noisy = with_noise(&ramp(3, 48, 32), 0.4);
    let together = model.denoise_view(noisy.view(), 0.4).unwrap();
    for i in 0..3 {
        let alone = model.denoise_view(noisy.slice(s![i..i + 1, .., .., ..]), 0.4).unwrap();
        assert_eq!(alone, together.slice(s![i..i + 1, .., .., ..]));
    }
}

#[test]
fn strided_views_are_evaluated_like_copies() {
    let model = model();
    let noisy = with_noise(&ramp(1, 32, 48), 0.4);
    let view = noisy.slice(s![.., .., ..;-1, ..;2]);
    assert_eq!(model.denoise_view(view, 0.4).unwrap(), model.denoise_view(view.to_owned().view(), 0.4).unwrap());
}

#[test]
fn threads_give_the_bits_of_one() {
    let model = model();
    let noisy = with_noise(&ramp(1, 50, 70), 0.5).into_raw_vec_and_offset().0;
    let evaluate = || {
        let mut evaluator = model.evaluator(50, 70).unwrap();
        let mut denoised = vec![0.0; noisy.len()];
        (0..3).for_each(|_| evaluator.denoise(&noisy, 0.5, &mut denoised).unwrap());
        denoised
    };
    let alone = evaluate();
    std::thread::scope(|scope| {
        let threads = [scope.spawn(evaluate), scope.spawn(evaluate)];
        for thread in threads {
            assert_eq!(thread.join().unwrap(), alone);
        }
    });
}

#[test]
fn in_a_chain_each_level_sees_the_picture_in_one_of_its_eight_symmetries() {
    let (model, sigma) = (model(), 0.4);
    let noisy = with_noise(&ramp(1, 20, 33), 0.4);
    let turn = |image: &Array4<f32>, number: usize| {
        let mut view = image.view();
        view.slice_collapse(
            s![.., .., ..;if number & 2 != 0 { -1 } else { 1 }, ..;if number & 4 != 0 { -1 } else { 1 }],
        );
        if number & 1 != 0 {
            view.swap_axes(2, 3);
        }
        view.to_owned()
    };
    let shown: Vec<_> = (0..8).map(|k| model.denoise_view(turn(&noisy, k).view(), sigma).unwrap()).collect();
    let mut evaluator = model.evaluator(20, 33).unwrap();
    let mut seen = [0; 8];
    for chain in 0..40 {
        evaluator.set_chains(Some(Chain { seed: 7, chain }));
        let mut denoised = [noisy.clone(), noisy.clone()];
        for denoised in &mut denoised {
            evaluator.denoise(noisy.as_slice().unwrap(), sigma, denoised.as_slice_mut().unwrap()).unwrap();
        }
        assert_eq!(denoised[0], denoised[1], "the same chain and level show the same");
        let number = (0..8).find(|&k| turn(&denoised[0], k) == shown[k]);
        seen[number.expect("the network on a turned picture, turned back")] += 1;
    }
    assert!(seen.iter().all(|&n| n > 0), "{seen:?}");
    evaluator.set_chains(None);
    let mut plain = noisy.clone();
    evaluator.denoise(noisy.as_slice().unwrap(), sigma, plain.as_slice_mut().unwrap()).unwrap();
    assert_eq!(plain, shown[0]);
}

#[test]
fn nothing_special_happens_at_the_border() {
    let (model, clean) = (model(), ramp(1, 64, 64));
    let denoised = model.denoise_view(with_noise(&clean, 0.1).view(), 0.1).unwrap();
    let error = (&denoised - &clean).mapv(|d| d * d);
    let mean = |rows: std::ops::Range<usize>| error.slice(s![.., .., rows, ..]).mean().unwrap();
    let (border, inside) = ((mean(0..2) + mean(62..64)) / 2.0, mean(8..56));
    assert!(border < 6.0 * inside, "mean squares: {border} at the border, {inside} inside");
}

#[test]
fn a_level_outside_the_domain_is_refused_with_the_range() {
    let model = model();
    let mut evaluator = model.evaluator(16, 16).unwrap();
    let (x, mut denoised) = (vec![0.0; 768], vec![0.0; 768]);
    for sigma in [0.0, -1.0, 0.0099, 41.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = evaluator.denoise(&x, sigma, &mut denoised).unwrap_err();
        assert!(matches!(error, Error::Sigma { .. }), "{error}");
        assert!(error.to_string().contains("expected 0.01 to 40, found"), "{error}");
    }
    for sigma in [0.01, 40.0, 0.01 * (1.0 - 1e-7), 40.0 * (1.0 + 1e-7)] {
        evaluator.denoise(&x, sigma, &mut denoised).unwrap();
    }
}

#[test]
fn wrong_lengths_sizes_and_channels_are_refused() {
    let model = model();
    let mut evaluator = model.evaluator(16, 16).unwrap();
    let error = evaluator.denoise(&[0.0; 767], 1.0, &mut [0.0; 767]).unwrap_err();
    assert!(matches!(error, Error::Length { what: "x", expected: 768, found: 767 }), "{error}");
    let error = evaluator.denoise(&[0.0; 768], 1.0, &mut [0.0; 1536]).unwrap_err();
    assert!(matches!(error, Error::Length { what: "denoised", expected: 768, found: 1536 }), "{error}");
    for (height, width) in [(0, 8), (8, 0), (usize::MAX, 1), (1 << 20, 1 << 20)] {
        assert!(matches!(model.evaluator(height, width), Err(Error::Size { .. })), "{height}x{width}");
    }
    let error = model.denoise_view(Array4::zeros((1, 1, 8, 8)).view(), 1.0).unwrap_err();
    assert!(matches!(error, Error::Channels { expected: 3, found: 1 }), "{error}");
}
