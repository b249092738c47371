//! How far two sets of samples are apart.

use rwt_core::{dot, noise};

/// The largest Wasserstein-2 distance of the two sets of samples in R^`n`, projected onto each of `directions`
/// random lines. The larger set must be a whole multiple of the smaller, `few`.
pub fn max_sliced_wasserstein(few: &[f32], many: &[f32], n: usize, directions: u64, seed: u64) -> f64 {
    assert_eq!(many.len() % few.len(), 0, "the larger set must be a whole multiple of the smaller");
    let multiple = many.len() / few.len();
    let mut direction = vec![0f32; n];
    let mut largest = 0f64;
    for index in 0..directions {
        noise::fill(seed, index, 0, 0, &mut direction);
        let (a, b) = (projected(few, &direction), projected(many, &direction));
        let squares = b.iter().enumerate().map(|(i, b)| (a[i / multiple] - b).powi(2));
        largest = largest.max(squares.sum::<f64>() / b.len() as f64);
    }
    largest.sqrt()
}

/// The samples' places on a line, in order.
fn projected(samples: &[f32], direction: &[f32]) -> Vec<f64> {
    let length = dot(direction, direction).sqrt();
    let mut places: Vec<f64> = samples.chunks_exact(direction.len()).map(|x| dot(x, direction) / length).collect();
    places.sort_by(f64::total_cmp);
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_and_a_scale_have_their_known_distances() {
        let mut few = vec![0f32; 3000];
        noise::fill(1, 0, 0, 0, &mut few);
        // in one dimension every direction gives the same: each sample twice, moved by 3
        let moved: Vec<f32> = few.iter().flat_map(|v| [v + 3.0, v + 3.0]).collect();
        assert!((max_sliced_wasserstein(&few, &moved, 1, 5, 2) - 3.0).abs() < 1e-6);
        // twice as large: the root mean square of the samples
        let doubled: Vec<f32> = few.iter().map(|v| 2.0 * v).collect();
        let expected = (dot(&few, &few) / few.len() as f64).sqrt();
        assert!((max_sliced_wasserstein(&few, &doubled, 1, 5, 2) - expected).abs() < 1e-6);
        // in three dimensions at most the whole shift, and nearly that in the best of many directions
        let moved: Vec<f32> = few.iter().enumerate().map(|(i, v)| if i % 3 == 0 { v + 3.0 } else { *v }).collect();
        let found = max_sliced_wasserstein(&few, &moved, 3, 100, 2);
        assert!((2.8..=3.0).contains(&found), "{found}");
    }
}
