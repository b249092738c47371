//! Linear measurement operators A with their adjoints.

/// How many conjugate-gradient steps an operator without a closed form takes.
pub const CG_STEPS: usize = 15;

/// A linear operator from images (n elements) to measurements (m elements).
pub trait Operator {
    /// n.
    fn image_len(&self) -> usize;

    /// m.
    fn measurement_len(&self) -> usize;

    /// f32 elements of scratch that [`Operator::apply`] and [`Operator::adjoint`] need.
    fn scratch_len(&self) -> usize {
        0
    }

    /// y ← A x. `x` has n elements, `y` has m, which may hold anything before.
    fn apply(&self, x: &[f32], y: &mut [f32], scratch: &mut [f32]);

    /// x ← Aᵀ y.
    fn adjoint(&self, y: &[f32], x: &mut [f32], scratch: &mut [f32]);

    /// An upper bound of ‖A‖, the largest singular value.
    fn norm(&self) -> f64;

    /// Elements of scratch that [`Operator::solve`] needs.
    fn solve_len(&self) -> usize {
        3 * self.measurement_len() + self.image_len() + self.scratch_len()
    }

    /// r ← (noise_variance·I + q A Aᵀ)⁻¹ r; at most [`CG_STEPS`] conjugate gradients unless the operator knows better.
    /// Returns what is left of the equation, ‖r − (…) solution‖/‖r‖.
    fn solve(&self, noise_variance: f64, q: f64, r: &mut [f32], scratch: &mut [f32]) -> f64 {
        conjugate_gradients(self, noise_variance, q, r, scratch)
    }
}

/// A reference is as good as the operator.
impl<A: Operator + ?Sized> Operator for &A {
    fn image_len(&self) -> usize {
        (**self).image_len()
    }

    fn measurement_len(&self) -> usize {
        (**self).measurement_len()
    }

    fn scratch_len(&self) -> usize {
        (**self).scratch_len()
    }

    fn apply(&self, x: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        (**self).apply(x, y, scratch);
    }

    fn adjoint(&self, y: &[f32], x: &mut [f32], scratch: &mut [f32]) {
        (**self).adjoint(y, x, scratch);
    }

    fn norm(&self) -> f64 {
        (**self).norm()
    }

    fn solve_len(&self) -> usize {
        (**self).solve_len()
    }

    fn solve(&self, noise_variance: f64, q: f64, r: &mut [f32], scratch: &mut [f32]) -> f64 {
        (**self).solve(noise_variance, q, r, scratch)
    }
}

/// r ← (noise_variance·I + q A Aᵀ)⁻¹ r by at most [`CG_STEPS`] steps, with the scratch of the default
/// [`Operator::solve`]; what is left of the equation.
pub fn conjugate_gradients<A: Operator + ?Sized>(
    operator: &A,
    noise_variance: f64,
    q: f64,
    r: &mut [f32],
    scratch: &mut [f32],
) -> f64 {
    let m = operator.measurement_len();
    let (solution, rest) = scratch.split_at_mut(m);
    let (direction, rest) = rest.split_at_mut(m);
    let (applied, rest) = rest.split_at_mut(m);
    let (image, scratch) = rest.split_at_mut(operator.image_len());
    solution.fill(0.0);
    direction.copy_from_slice(r);
    let first = dot(r, r);
    let mut rr = first;
    for _ in 0..CG_STEPS {
        if rr <= first * 1e-12 {
            break;
        }
        operator.adjoint(direction, image, scratch);
        operator.apply(image, applied, scratch);
        for (a, d) in applied.iter_mut().zip(direction.iter()) {
            *a = (noise_variance * f64::from(*d) + q * f64::from(*a)) as f32;
        }
        let step = (rr / dot(direction, applied)) as f32;
        for i in 0..m {
            solution[i] += step * direction[i];
            r[i] -= step * applied[i];
        }
        let next = dot(r, r);
        let ratio = (next / rr) as f32;
        for (d, r) in direction.iter_mut().zip(r.iter()) {
            *d = r + ratio * *d;
        }
        rr = next;
    }
    r.copy_from_slice(solution);
    if first > 0.0 { libm::sqrt(rr / first) } else { 0.0 }
}

/// ⟨a, b⟩ in f64.
pub fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}
