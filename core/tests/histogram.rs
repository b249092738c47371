//! The streaming histogram: quantiles within a bin of the sorted samples', and nothing lost.

use rwt_core::noise::fill;
use rwt_core::{Error, Histogram};

const N: usize = 7;
const BINS: usize = 64;
const LENGTH: usize = N * (BINS + 2);

/// Samples whose elements have means and spreads of their own.
fn sample(k: u32) -> [f32; N] {
    let mut out = [0f32; N];
    fill(3, 0, k, 0, &mut out);
    std::array::from_fn(|i| 0.3 * (i as f32 - 3.0) + (0.1 + 0.1 * i as f32) * out[i])
}

fn filled(range: std::ops::Range<u32>, counts: &mut [u16]) -> Histogram<'_> {
    let mut histogram = Histogram::new(N, -2.0, 2.0, BINS, counts).unwrap();
    range.for_each(|k| histogram.add(&sample(k)).unwrap());
    histogram
}

#[test]
fn quantiles_lie_within_a_bin_of_the_sorted_samples() {
    let width = 4.0 / BINS as f32 * 1.0001;
    for count in [1, 2, 5, 100, 1001] {
        let mut counts = [9; LENGTH];
        let histogram = filled(0..count, &mut counts);
        assert_eq!(histogram.samples(), u64::from(count));
        for probability in [0.0, 0.05, 0.25, 0.5, 0.9, 0.999, 1.0] {
            let mut out = [0f32; N];
            histogram.quantile(probability, &mut out).unwrap();
            for (i, found) in out.into_iter().enumerate() {
                let mut sorted: Vec<f32> = (0..count).map(|k| sample(k)[i]).collect();
                sorted.sort_by(f32::total_cmp);
                let exact = sorted[((probability * f64::from(count)).ceil() as usize).max(1) - 1];
                let same_side = |edge: f32| found == edge.signum() * f32::INFINITY;
                let good = match exact {
                    e if e < -2.0 => same_side(-2.0),
                    e if e > 2.0 => same_side(2.0),
                    e => (found - e).abs() <= width,
                };
                assert!(good, "{probability} of {count}, element {i}: found {found}, exact {exact}");
            }
        }
    }
}

#[test]
fn many_samples_give_the_quantiles_of_their_distribution() {
    // interpolation within the bins: the error is the sampling error, not a bin (0.0625). Element 0 is N(-0.9, 0.1²).
    const COUNT: u32 = 40_000;
    let mut counts = [0; LENGTH];
    let histogram = filled(0..COUNT, &mut counts);
    // scipy.stats.norm.ppf and the standard errors sqrt(p (1 − p)/N)/density, in standard deviations of the element
    for (probability, quantile, density) in [
        (0.1, -1.2815515655446004, 0.17549833193248685),
        (0.5, 0.0, 0.3989422804014327),
        (0.9, 1.2815515655446004, 0.17549833193248685),
    ] {
        let mut out = [0f32; N];
        histogram.quantile(probability, &mut out).unwrap();
        for (i, found) in out.iter().enumerate() {
            let deviation = 0.1 + 0.1 * i as f64;
            let exact = 0.3 * (i as f64 - 3.0) + deviation * quantile;
            let error = deviation * f64::sqrt(probability * (1.0 - probability) / f64::from(COUNT)) / density;
            // linear within a bin of width w: at most w²/8 · |density'/density| at the quantile, here |z|/deviation
            let curved = 0.0625f64.powi(2) / 8.0 * (quantile.abs() + 0.0625 / deviation) / deviation;
            assert!(
                (f64::from(*found) - exact).abs() < 4.0 * error + curved,
                "{probability} of element {i}: found {found}, exact {exact} ± {error}"
            );
        }
    }
}

#[test]
fn nothing_is_lost_and_edges_belong_to_the_range() {
    let mut counts = [0; 6];
    let mut histogram = Histogram::new(1, 0.0, 1.0, 4, &mut counts).unwrap();
    for value in [-f32::MAX, -1e-9, 0.0, 0.25, 0.999, 1.0, 1.0001, f32::MAX] {
        histogram.add(&[value]).unwrap();
    }
    assert_eq!(histogram.counts(), [2, 1, 1, 0, 2, 2]);
    let mut out = [0f32];
    for (probability, expected) in [(0.25, f32::NEG_INFINITY), (0.375, 0.25), (0.625, 0.875), (0.76, f32::INFINITY)] {
        histogram.quantile(probability, &mut out).unwrap();
        assert_eq!(out[0], expected, "{probability}");
    }
}

#[test]
fn merging_is_adding() {
    let (mut counts, mut first, mut second) = ([0; LENGTH], [0; LENGTH], [0; LENGTH]);
    let whole = filled(0..300, &mut counts);
    let mut merged = filled(0..120, &mut first);
    merged.merge(&filled(120..300, &mut second)).unwrap();
    assert_eq!(merged.counts(), whole.counts());
    assert_eq!(merged.samples(), 300);
    let mut others = [0; LENGTH];
    for (low, high, name) in [(-2.5, 2.0, "low"), (-2.0, 2.5, "high")] {
        let other = Histogram::new(N, low, high, BINS, &mut others).unwrap();
        assert!(matches!(merged.merge(&other), Err(Error::Parameter { name: found, .. }) if found == name));
    }
    let other = Histogram::new(N, -2.0, 2.0, 4, &mut others[..N * 6]).unwrap();
    assert!(matches!(merged.merge(&other), Err(Error::Length { expected: BINS, found: 4, .. })));
    let other = Histogram::new(2, -2.0, 2.0, BINS, &mut others[..2 * (BINS + 2)]).unwrap();
    assert!(matches!(merged.merge(&other), Err(Error::Length { .. })));
    assert_eq!(merged.counts(), whole.counts());
}

#[test]
fn a_full_histogram_says_so() {
    let (mut counts, mut others) = ([0; 3], [0; 3]);
    let mut histogram = Histogram::new(1, 0.0, 1.0, 1, &mut counts).unwrap();
    (0..65_535).for_each(|_| histogram.add(&[0.5]).unwrap());
    let full = Error::Parameter { name: "samples", expected: "at most 65535", found: 65_536.0 };
    assert_eq!(histogram.add(&[0.5]), Err(full));
    let mut other = Histogram::new(1, 0.0, 1.0, 1, &mut others).unwrap();
    other.add(&[0.5]).unwrap();
    assert_eq!(histogram.merge(&other), Err(full));
    assert_eq!(histogram.counts(), [0, 65_535, 0]);
}

#[test]
fn bad_arguments_get_errors() {
    let mut counts = [0; 12];
    for (elements, low, high, bins) in [
        (2, 1.0, 1.0, 4),
        (2, 1.0, 0.0, 4),
        (2, f64::NAN, 1.0, 4),
        (2, 0.0, f64::NAN, 4),
        (2, f64::NEG_INFINITY, 1.0, 4),
        (2, -1e308, 1e308, 4),
        (0, 0.0, 1.0, 4),
        (2, 0.0, 1.0, 0),
    ] {
        let result = Histogram::new(elements, low, high, bins, &mut counts);
        assert!(matches!(result, Err(Error::Parameter { .. })), "{elements} {low} {high} {bins}: {result:?}");
    }
    for (elements, bins) in [(2, 5), (3, 4), (2, usize::MAX), (usize::MAX, 4)] {
        assert!(matches!(Histogram::new(elements, 0.0, 1.0, bins, &mut counts), Err(Error::Length { found: 12, .. })));
    }
    let mut histogram = Histogram::new(2, 0.0, 1.0, 4, &mut counts).unwrap();
    let mut out = [0f32; 2];
    assert!(matches!(histogram.quantile(0.5, &mut out), Err(Error::Parameter { name: "samples", .. })));
    assert!(matches!(histogram.add(&[0.5]), Err(Error::Length { expected: 2, found: 1, .. })));
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert!(matches!(histogram.add(&[0.5, bad]), Err(Error::Parameter { name: "sample", .. })));
    }
    assert_eq!((histogram.samples(), histogram.counts()), (0, &[0; 12][..]));
    histogram.add(&[0.5, 0.5]).unwrap();
    for bad in [-0.1, 1.1, f64::NAN] {
        assert!(matches!(histogram.quantile(bad, &mut out), Err(Error::Parameter { name: "probability", .. })));
    }
    assert!(matches!(histogram.quantile(0.5, &mut out[..1]), Err(Error::Length { expected: 2, found: 1, .. })));
}

#[test]
fn a_histogram_goes_on_from_its_counts_and_refuses_what_cannot_be_counts() {
    let samples = [[0.1f32, 0.9], [0.4, -0.2], [0.6, 0.5], [0.6, 1.4]];
    let (mut whole, mut cut) = ([0; 12], [0; 12]);
    let mut expected = Histogram::new(2, 0.0, 1.0, 4, &mut whole).unwrap();
    let mut first = Histogram::new(2, 0.0, 1.0, 4, &mut cut).unwrap();
    samples.iter().for_each(|sample| expected.add(sample).unwrap());
    samples[..2].iter().for_each(|sample| first.add(sample).unwrap());
    let mut second = Histogram::resume(0.0, 1.0, 4, &mut cut).unwrap();
    assert_eq!((second.samples(), second.elements()), (2, 2));
    samples[2..].iter().for_each(|sample| second.add(sample).unwrap());
    assert_eq!((second.counts(), second.samples()), (expected.counts(), 4));

    let refused = |counts: &mut [u16]| Histogram::resume(0.0, 1.0, 4, counts).unwrap_err();
    assert!(matches!(refused(&mut [0; 11]), Error::Length { name: "counts", .. }));
    let uneven = &mut [1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0];
    assert!(matches!(refused(uneven), Error::Length { name: "samples of an element", expected: 1, found: 2 }));
    let many = &mut [u16::MAX, 1, 0, 0, 0, 0];
    assert!(matches!(refused(many), Error::Parameter { name: "samples", .. }));
    assert!(matches!(Histogram::resume(1.0, 0.0, 4, &mut [0; 6]), Err(Error::Parameter { name: "high", .. })));
    assert!(matches!(Histogram::resume(0.0, 1.0, 0, &mut []), Err(Error::Parameter { name: "bins", .. })));
    assert!(matches!(Histogram::resume(0.0, 1.0, usize::MAX, &mut []), Err(Error::Length { .. })));
}
