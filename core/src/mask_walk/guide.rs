//! Guided look-ahead of a [`MaskWalk`]: the pull of the measurement, and the guide that follows from it.

use super::MaskWalk;
use crate::error::WalkError;
use crate::update::update;
use crate::walk::Step;
use libm::sqrt;

impl MaskWalk<'_> {
    /// x moved along u = (η² + q)⁻¹(y − D), if there is anything to follow.
    pub(super) fn pull(&self, x: &mut [f32], denoised: &[f32]) -> Result<bool, WalkError> {
        let raised = self.sigma();
        let scale = self.scale(raised * raised);
        if let Some(element) = self.measured.residuals(denoised).position(|(_, r)| !(r * scale).is_finite()) {
            return Err(self.not_finite("the pull of the measurement", element));
        }
        let delta = self.displacement(raised, scale, denoised);
        if delta > 0.0 {
            for (x, (_, r)) in x.iter_mut().zip(self.measured.residuals(denoised)) {
                *x += (delta * f64::from(r * scale)) as f32;
            }
        }
        Ok(delta > 0.0)
    }

    /// The step of the difference along u: a hundredth of the noise's length; 0 where there is nothing to follow.
    fn displacement(&self, sigma: f64, scale: f32, denoised: &[f32]) -> f64 {
        let squares = self.measured.residuals(denoised).map(|(_, r)| f64::from(r * scale) * f64::from(r * scale));
        let length = sqrt(squares.sum::<f64>());
        if length > 0.0 { 0.01 * sigma * sqrt(denoised.len() as f64) / length } else { 0.0 }
    }

    /// z = D + t g + w n with g = Cov(X|x) u by the forward difference from `denoised` to `g`.
    pub(super) fn guide(&self, x: &mut [f32], denoised: &[f32], g: &mut [f32]) -> Result<(), WalkError> {
        let raised = self.sigma();
        let scale = self.scale(raised * raised);
        let delta = self.displacement(raised, scale, denoised);
        let mut t = 0.0;
        if delta > 0.0 {
            let over = (raised * raised / delta) as f32;
            let (mut gg, mut ug, mut rg) = (0.0, 0.0, 0.0);
            for ((g, d), (keeps, r)) in g.iter_mut().zip(denoised).zip(self.measured.residuals(denoised)) {
                *g = over * (*g - d);
                let wide = f64::from(*g);
                if keeps {
                    gg += wide * wide;
                    ug += f64::from(r * scale) * wide;
                    rg += f64::from(r) * wide;
                }
            }
            let curvature = gg + self.measured.eta * self.measured.eta * f64::max(ug, 0.0);
            if !curvature.is_finite() {
                return Err(self.not_finite("the measurement of the guide", 0));
            }
            t = if curvature > 0.0 { f64::max(rg, 0.0) / curvature } else { 0.0 };
        }
        let guided = Step { denoised: 1.0, gradient: t, ..self.noise() };
        Ok(update(&guided, self.chain.seed, self.chain.chain, x, denoised, &[], g)?)
    }
}
