//! The walks of [`PosteriorWalk`](crate::PosteriorWalk) for missing pixels, in little memory.

mod guide;

use crate::error::{Error, WalkError, require, require_len};
use crate::measured::Measured;
use crate::noise;
use crate::operators::Mask;
use crate::posterior::{Chain, Method, Request};
use crate::preconditioned;
use crate::schedule::check_levels;
use crate::update::update;
use crate::walk::Step;
use libm::sqrt;

/// Of noise: firmware has little stack.
const BLOCK: usize = 32;

/// One chain of guided look-ahead or of the preconditioned walk for a [`Mask`], evaluation by evaluation: who holds it runs
/// the denoiser.
///
/// It gives the bits of [`PosteriorWalk`](crate::PosteriorWalk), and is driven in the same way, but what has a closed form
/// at each pixel is computed where it is used and not stored: with x and y a walk takes four images, the workspace being
/// two of n elements each (one for the preconditioned walk, which may be given two). It allocates nothing and needs
/// about 1.5 KB of stack; for microcontrollers.
///
/// ```
/// use rwt_core::{Chain, Denoiser, Gaussian, Mask, MaskWalk, Method};
///
/// let mask = Mask::new(&[1, 0], 1)?;
/// let (mut x, mut workspace) = ([0.0; 2], [0.0; 4]);
/// let mut prior = Gaussian::new(&[0.0; 2], &[0.25; 2])?; // any denoiser, in hardware too
/// let (levels, chain) = ([5.0, 1.0, 0.2, 0.02], Chain { seed: 1, chain: 0 });
/// let mut walk = MaskWalk::new(mask, &[0.5, 0.0], 0.1, 0.0, 0.25, &levels, Method::GuidedLookAhead, chain)?;
/// while let Some(request) = walk.request(&mut x, &mut workspace)? {
///     prior.denoise(&x, request.sigma, &mut workspace[request.into])?;
///     walk.advance(&mut x, &mut workspace)?;
/// }
/// assert!((x[0] - 0.5).abs() < 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MaskWalk<'p> {
    measured: Measured<'p>,
    levels: &'p [f64],
    variance: f64,
    mean: f64,
    step: Kind,
    chain: Chain,
    /// Levels that are done.
    level: usize,
    stage: Stage,
    /// An evaluation was asked for and has not been taken in.
    is_asked: bool,
    evaluations: usize,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    GuidedLookAhead,
    Preconditioned { epsilon: f64, temperature: Option<f64> },
}

/// Which evaluation is under way; [`PosteriorWalk`](crate::PosteriorWalk) has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begin,
    Between,
    Step,
    Guide,
    End,
    Done,
}

impl<'p> MaskWalk<'p> {
    /// A walk at its beginning; everything that can be is checked. `y` has the layout of the image, with noise of standard
    /// deviation `eta`, and may hold anything where nothing was measured; `mean` and `variance` are the data's.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Parameter`] or [`Error::Level`] with what is wrong; [`Error::Parameter`] for another method.
    pub fn new(
        mask: Mask<'p>,
        y: &'p [f32],
        eta: f64,
        mean: f64,
        variance: f64,
        levels: &'p [f64],
        method: Method,
        chain: Chain,
    ) -> Result<Self, Error> {
        let measured = Measured::new(mask, y, eta)?;
        require(variance > 0.0 && variance.is_finite(), "variance", "finite and above 0", variance)?;
        require(mean.is_finite(), "mean", "finite", mean)?;
        require(levels.len() >= 2, "levels", "at least 2", levels.len() as f64)?;
        check_levels(levels)?;
        let step = match method {
            Method::GuidedLookAhead => Kind::GuidedLookAhead,
            Method::Preconditioned { epsilon, temperature } => {
                preconditioned::check_preconditioned(epsilon, temperature)?;
                Kind::Preconditioned { epsilon, temperature }
            }
            _ => {
                let expected = "guided look-ahead or the preconditioned walk";
                return Err(Error::Parameter { name: "method", expected, found: f64::NAN });
            }
        };
        let (level, stage, is_asked, evaluations) = (0, Stage::Begin, false, 0);
        Ok(Self { measured, levels, variance, mean, step, chain, level, stage, is_asked, evaluations })
    }

    /// Go on after this many levels, [`MaskWalk::level`], from the x that stood there: to the bit as if the walk had not been
    /// interrupted.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there are not so many levels.
    pub fn resume(mut self, level: usize) -> Result<Self, Error> {
        require(level < self.levels.len(), "level", "below the number of levels", level as f64)?;
        (self.level, self.is_asked, self.evaluations) = (level, false, 0);
        self.stage = if level == 0 { Stage::Begin } else { Stage::Between };
        Ok(self)
    }

    /// f32 elements of workspace: 2 n.
    pub fn workspace_len(&self) -> usize {
        2 * self.measured.y.len()
    }

    /// Levels that are done, if the walk stands between two levels.
    pub fn level(&self) -> Option<usize> {
        (self.stage == Stage::Between).then_some(self.level)
    }

    /// Make x the place of the next evaluation. `None`: x is the sample. Asked again before [`MaskWalk::advance`], it says
    /// the same.
    ///
    /// # Errors
    /// [`Error::Length`] for arrays of other lengths than the problem has.
    pub fn request(&mut self, x: &mut [f32], workspace: &mut [f32]) -> Result<Option<Request>, Error> {
        self.cut(x, workspace)?;
        let Chain { seed, chain } = self.chain;
        if self.stage == Stage::Begin {
            x.fill(self.mean as f32);
            update(&Step { x: 1.0, ..Step::start(self.now()) }, seed, chain, x, &[], &[], &[])?;
            self.stage = Stage::Between;
        }
        if self.stage == Stage::Between {
            self.stage = if self.level + 1 == self.levels.len() { Stage::End } else { Stage::Step };
            if matches!((self.stage, self.step), (Stage::Step, Kind::GuidedLookAhead)) {
                update(&Step { x: 1.0, ..self.noise() }, seed, chain, x, &[], &[], &[])?;
            }
        }
        let n = x.len();
        let into = if self.stage == Stage::Guide { n..2 * n } else { 0..n };
        self.is_asked = self.stage != Stage::Done;
        Ok(self.is_asked.then(|| Request { sigma: self.sigma(), into }))
    }

    /// Take in the evaluation that was asked for; nothing, if none was.
    ///
    /// # Errors
    /// [`WalkError::NotFinite`] if what the denoiser wrote is not; [`Error::Length`] as [`MaskWalk::request`].
    pub fn advance(&mut self, x: &mut [f32], workspace: &mut [f32]) -> Result<(), WalkError> {
        if !core::mem::take(&mut self.is_asked) {
            return Ok(());
        }
        let (denoised, other) = self.cut(x, workspace)?;
        self.evaluations += 1;
        self.finite("the denoised image", if self.stage == Stage::Guide { other } else { denoised })?;
        match (self.stage, self.step) {
            (Stage::Step, Kind::GuidedLookAhead) => {
                self.stage = Stage::Guide;
                if self.pull(x, denoised)? {
                    return Ok(()); // a second evaluation first
                }
                self.guide(x, denoised, other)?;
            }
            (Stage::Guide, _) => self.guide(x, denoised, other)?,
            (Stage::Step, Kind::Preconditioned { epsilon, temperature }) => {
                self.preconditioned(epsilon, temperature, x, denoised)?;
            }
            _ => {
                self.end(x, denoised)?;
                self.stage = Stage::Done;
                return Ok(());
            }
        }
        self.level += 1;
        self.stage = Stage::Between;
        Ok(())
    }

    fn cut<'w>(&self, x: &[f32], workspace: &'w mut [f32]) -> Result<(&'w mut [f32], &'w mut [f32]), Error> {
        let n = self.measured.y.len();
        require_len("x", n, x.len())?;
        require_len("workspace", 2 * n, workspace.len())?;
        workspace.split_at_mut_checked(n).ok_or(Error::Length { name: "workspace", expected: 2 * n, found: 0 })
    }

    fn level_at(&self, index: usize) -> f64 {
        self.levels.get(index).or(self.levels.last()).copied().unwrap_or_default()
    }

    fn now(&self) -> f64 {
        self.level_at(self.level)
    }

    /// The noise that is added and taken again, and its draw.
    fn noise(&self) -> Step {
        let (s, next) = (self.now(), self.level_at(self.level + 1));
        Step { noise: sqrt((s * s + next * next) / 2.0), draw: self.level as u32 + 1, ..Step::default() }
    }

    /// The noise level of the evaluation under way.
    fn sigma(&self) -> f64 {
        match (self.stage, self.step) {
            (Stage::Step | Stage::Guide, Kind::GuidedLookAhead) => {
                let (s, w) = (self.now(), self.noise().noise);
                sqrt(s * s + w * w)
            }
            _ => self.now(),
        }
    }

    fn scale(&self, variance: f64) -> f32 {
        self.measured.scale(variance * self.variance / (variance + self.variance))
    }

    /// The step of [`preconditioned`](crate::preconditioned()), in blocks of noise.
    #[inline(never)] // its blocks would lie on the stack of guided look-ahead too
    fn preconditioned(
        &self,
        epsilon: f64,
        temperature: Option<f64>,
        x: &mut [f32],
        denoised: &[f32],
    ) -> Result<(), WalkError> {
        let (s, k, Chain { seed, chain }) = (self.now(), self.level as u32, self.chain);
        let spread = preconditioned::spread(s, self.level_at(self.level + 1), epsilon, temperature);
        let (scale, wide, eta) = (self.measured.scale(s * s), (spread * s) as f32, spread * self.measured.eta_again());
        let (mut n1, mut n2, mut first) = ([0f32; BLOCK], [0f32; BLOCK], 0);
        let mut residuals = self.measured.residuals(denoised);
        for (x, denoised) in x.chunks_mut(BLOCK).zip(denoised.chunks(BLOCK)) {
            noise::fill(seed, chain, 2 * k + 1, first, &mut n1);
            noise::fill(seed, chain, 2 * k + 2, first, &mut n2);
            first += BLOCK as u64;
            for ((((x, d), n1), n2), (keeps, r)) in x.iter_mut().zip(denoised).zip(&n1).zip(&n2).zip(&mut residuals) {
                let v = wide * n1;
                let r = (epsilon * f64::from(r) + eta * f64::from(*n2)) as f32 - v;
                let u = if keeps { r * scale } else { 0.0 };
                let (here, denoised) = (f64::from(*x), f64::from(*d));
                *x = (here + epsilon * (denoised - here) + f64::from(v) + s * s * f64::from(u)) as f32;
            }
        }
        self.finite("x", x)
    }

    /// x ← D(x, σ), then the Gaussian step from variance σ² towards the data.
    fn end(&self, x: &mut [f32], denoised: &[f32]) -> Result<(), WalkError> {
        let q = self.now() * self.now();
        let scale = self.measured.scale(q);
        for ((x, d), (_, r)) in x.iter_mut().zip(denoised).zip(self.measured.residuals(denoised)) {
            *x = (f64::from(*d) + q * f64::from(r * scale)) as f32;
        }
        self.finite("x", x)
    }

    fn finite(&self, name: &'static str, array: &[f32]) -> Result<(), WalkError> {
        match array.iter().position(|v| !v.is_finite()) {
            Some(element) => Err(self.not_finite(name, element)),
            None => Ok(()),
        }
    }

    fn not_finite(&self, name: &'static str, element: usize) -> WalkError {
        WalkError::NotFinite { name, row: self.evaluations.max(1) - 1, sigma: self.sigma(), element }
    }
}
