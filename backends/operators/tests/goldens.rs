//! Operators against other libraries' numbers: Pillow's resize, scipy's convolve, numpy's fft2, and integrals.

use rwt_core::Operator;
use rwt_operators::{Blocks, Composed, Convolution, Fourier, PeriodicBlur, Phase, Radon, Separable};

/// ((7 row + 3 column) mod 11)/11.
fn picture(height: usize, width: usize) -> Vec<f32> {
    (0..height * width).map(|i| ((i / width * 7 + i % width * 3) % 11) as f32 / 11.0).collect()
}

fn applied(operator: &impl Operator, x: &[f32]) -> Vec<f32> {
    let mut y = vec![f32::NAN; operator.measurement_len()];
    operator.apply(x, &mut y, &mut vec![f32::NAN; operator.scratch_len()]);
    y
}

fn assert_close(found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((f64::from(*found) - expected).abs() < tolerance, "element {i}: {found}, expected {expected}");
    }
}

#[test]
fn bicubic_downsampling_is_pillows() {
    // Image.fromarray(x, mode="F").resize(..., Image.BICUBIC), Pillow 12
    let twice = [
        [0.4353820, 0.5136942, 0.3491540, 0.5520516, 0.4552034, 0.3685365],
        [0.5568349, 0.4411316, 0.3921058, 0.5461662, 0.3920457, 0.4519020],
        [0.4948488, 0.3659985, 0.5169851, 0.4660805, 0.3789869, 0.5249380],
        [0.4631206, 0.3578823, 0.5599370, 0.3949933, 0.4650593, 0.5271028],
    ];
    assert_close(&applied(&Separable::bicubic(1, 8, 12, 2).unwrap(), &picture(8, 12)), &twice.concat(), 3e-7);
    let four = [[0.4685440, 0.4607481, 0.4320283], [0.4367740, 0.4618209, 0.4660915]];
    assert_close(&applied(&Separable::bicubic(1, 8, 12, 4).unwrap(), &picture(8, 12)), &four.concat(), 3e-7);
    let thrice = [[0.4920574, 0.4156844, 0.5058934, 0.3955024], [0.4747368, 0.4310596, 0.4622184, 0.4571292]];
    assert_close(&applied(&Separable::bicubic(1, 6, 12, 3).unwrap(), &picture(6, 12)), &thrice.concat(), 3e-7);
}

#[test]
fn convolutions_are_scipys() {
    // scipy.ndimage.convolve, mode="constant" and mode="wrap"
    let kernel = [0.1, 0.2, 0.05, 0.0, 0.3, 0.1, 0.05, -0.1, 0.3];
    let zero = [
        [0.2181818, 0.3136364, 0.3181818, 0.4727273, 0.2772727],
        [0.3136364, 0.5409091, 0.4136364, 0.3363637, 0.5772728],
        [0.2636364, 0.4272728, 0.7500000, 0.3227273, 0.2181818],
        [0.2727273, 0.2136364, 0.2409091, 0.5181818, 0.0636364],
    ];
    let wrap = [
        [0.1818182, 0.5909091, 0.3636364, 0.5363636, 0.6045454],
        [0.4318182, 0.5409091, 0.4136364, 0.3363637, 0.6045454],
        [0.5181818, 0.4272728, 0.7500000, 0.3227273, 0.3409091],
        [0.4136364, 0.3227273, 0.4454546, 0.7181818, 0.1363636],
    ];
    let x = picture(4, 5);
    assert_close(&applied(&Convolution::new(1, 4, 5, &kernel, [3, 3]).unwrap(), &x), &zero.concat(), 3e-7);
    let found = applied(&PeriodicBlur::new(1, 4, 5, &kernel[3..6], [1, 3]).unwrap(), &x);
    let row: Vec<f64> = (0..20)
        .map(|i| (0..3).map(|k| f64::from(kernel[3 + k]) * f64::from(x[i / 5 * 5 + (i % 5 + 6 - k) % 5])).sum())
        .collect();
    assert_close(&found, &row, 3e-7);
    assert_close(&applied(&PeriodicBlur::new(1, 4, 5, &kernel, [3, 3]).unwrap(), &x), &wrap.concat(), 5e-7);
}

#[test]
fn fourier_coefficients_are_numpys() {
    // numpy.fft.fft2(x + 1j·x[::-1], norm="ortho"), first two rows
    let real = [2.012461, 0.022797, 0.245002, 0.015161, -0.262633, 0.0, 0.0, 0.0, 0.0, 0.0];
    let imaginary =
        [2.012461, -0.262633, 0.015161, 0.245002, 0.022797, -0.284590, -0.276393, 0.723607, 0.723607, -0.276393];
    let x = picture(4, 5);
    let turned: Vec<f32> = x.chunks(5).rev().flatten().copied().collect();
    let found = applied(&Fourier::new(4, 5, &[1; 20]).unwrap(), &[x, turned].concat());
    assert_close(&found[..10], &real, 2e-6);
    assert_close(&found[20..30], &imaginary, 2e-6);
}

#[test]
fn two_real_contrasts_are_scanned_by_their_own_coefficients() {
    // numpy.fft.fft2(x * exp(1j * phase), norm="ortho"), and 0 where the mask is, of x and of 1 − x
    let phase: Vec<f32> = (0..20).map(|i| 0.3 * i as f32).collect();
    let mask = [&[1; 5][..], &[0; 10], &[1; 5]].concat();
    let scan =
        |mask: &[u8]| Composed::new(Fourier::new(4, 5, mask).unwrap(), Phase::new(4, 5, &phase).unwrap()).unwrap();
    let scans = Blocks::new(vec![scan(&[1; 20]), scan(&mask)]).unwrap();
    let x = picture(4, 5);
    let rest: Vec<f32> = x.iter().map(|x| 1.0 - x).collect();
    let found = applied(&scans, &[x.clone(), rest.clone()].concat());
    let mut expected = transformed(&x, &phase, &[1; 20]);
    expected.extend(transformed(&rest, &phase, &mask));
    assert_close(&found, &expected, 2e-6);
    let row = [1.6516423, -0.23080096, 0.22298851, 0.15815912, 0.2031281]; // numpy's second
    assert_close(&found[5..10], &row, 2e-6);
}

/// The unitary transform of x e^{iφ}, 4 × 5, by its definition; real parts, then imaginary ones.
fn transformed(x: &[f32], phase: &[f32], mask: &[u8]) -> Vec<f64> {
    let coefficient = |k: usize, part: fn(f64) -> f64| {
        let angle = |i: usize| {
            let turns = (k / 5 * (i / 5)) as f64 / 4.0 + (k % 5 * (i % 5)) as f64 / 5.0;
            f64::from(phase[i]) - std::f64::consts::TAU * turns
        };
        let sum: f64 = (0..20).map(|i| f64::from(x[i]) * part(angle(i))).sum();
        if mask[k] == 0 { 0.0 } else { sum / 20f64.sqrt() }
    };
    let parts: [fn(f64) -> f64; 2] = [f64::cos, f64::sin];
    parts.iter().flat_map(|&part| (0..20).map(move |k| coefficient(k, part))).collect()
}

#[test]
fn projections_of_a_disc_are_its_chords() {
    let (side, radius) = (128, 40.0);
    let middle = (side as f64 - 1.0) / 2.0;
    let inside = |i: usize| {
        // the share of a pixel, from 8 × 8 points
        let at = |k: usize| (k as f64 + 0.5) / 8.0 - 0.5;
        let point = |k: usize| ((i / side) as f64 - middle + at(k / 8)).hypot((i % side) as f64 - middle + at(k % 8));
        (0..64).filter(|&k| point(k) < radius).count() as f32 / 64.0
    };
    let disc: Vec<f32> = (0..side * side).map(inside).collect();
    let angles: Vec<f64> = (0..12).map(|k| f64::from(k) * 0.3).collect();
    let sinogram = applied(&Radon::new(1, side, side, &angles, 101).unwrap(), &disc);
    for (k, projection) in sinogram.chunks(101).enumerate() {
        let mass: f64 = projection.iter().map(|&v| f64::from(v)).sum();
        assert!((mass / (std::f64::consts::PI * radius * radius) - 1.0).abs() < 1e-3, "angle {k}: {mass}");
        for (bin, found) in projection.iter().enumerate() {
            let s = bin as f64 - 50.0;
            let chord = 2.0 * (radius * radius - s * s).max(0.0).sqrt();
            let allowed = if s.abs() > radius - 3.0 { 12.0 } else { 0.04 * 80.0 };
            assert!((f64::from(*found) - chord).abs() < allowed, "angle {k}, bin {s}: {found}, expected {chord}");
        }
    }
    // a point off the middle: s = x cos θ + y sin θ
    let mut point = vec![0.0; side * side];
    point[(63 + 20) * side + 63 + 30] = 1.0;
    let sinogram = applied(&Radon::new(1, side, side, &angles, 127).unwrap(), &point);
    for (projection, angle) in sinogram.chunks(127).zip(&angles) {
        let mean: f64 = projection.iter().enumerate().map(|(bin, &v)| (bin as f64 - 63.0) * f64::from(v)).sum();
        assert!((mean - 29.5 * angle.cos() - 19.5 * angle.sin()).abs() < 1e-4, "{angle}: {mean}");
    }
}
