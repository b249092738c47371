//! A walk that samples a posterior, as a state that says which evaluation it wants next.

use crate::denoiser::Denoiser;
use crate::error::{Error, WalkError, require, require_len};
use crate::operator::Operator;
use crate::posterior::{Chain, Method, Observe, Progress, Request};
use crate::problem::{Arrays, Problem};
use crate::schedule::check_levels;
use crate::update::update;
use crate::walk::Step;
use crate::{gla, preconditioned, template};

/// What is done when the evaluation under way is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing has been done.
    Begin,
    /// x is the place between two levels.
    Between,
    /// The step of a level; the first evaluation of guided look-ahead.
    Step,
    /// The second evaluation of guided look-ahead.
    Guide,
    /// The last level.
    End,
    /// x is the sample.
    Done,
    /// An error has left x and the workspace as they were in the middle of a step.
    Failed,
}

/// A walk that samples a posterior, evaluation by evaluation: who holds it runs the denoiser.
///
/// Call [`PosteriorWalk::request`], evaluate the denoiser as it says, then [`PosteriorWalk::advance`], until there is no
/// further request. [`gla`](crate::gla) and its like do so with a [`Denoiser`]. The same arrays must be given in every call.
///
/// ```
/// use rwt_core::{Chain, Denoiser, Gaussian, Mask, Method, PosteriorWalk, Problem};
///
/// let mask = Mask::new(&[1, 0], 1)?;
/// let problem = Problem::gaussian(&mask, &[0.5, 0.0], 0.1, 0.0, 0.25);
/// let (mut x, mut workspace) = ([0.0; 2], [0.0; 10]); // problem.workspace_len(1)
/// let mut prior = Gaussian::new(&[0.0; 2], &[0.25; 2])?; // any denoiser, in hardware too
/// let (levels, chain) = ([5.0, 1.0, 0.2, 0.02], Chain { seed: 1, chain: 0 });
/// let mut walk = PosteriorWalk::new(&problem, &levels, Method::GuidedLookAhead, chain, 1)?;
/// while let Some(request) = walk.request(&mut x, &mut workspace)? {
///     prior.denoise(&x, request.sigma, &mut workspace[request.into])?;
///     walk.advance(&mut x, &mut workspace)?;
/// }
/// assert!((x[0] - 0.5).abs() < 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PosteriorWalk<'p, A> {
    pub(crate) problem: Problem<'p, A>,
    pub(crate) levels: &'p [f64],
    pub(crate) method: Method,
    pub(crate) chain: Chain,
    pub(crate) chains: usize,
    /// Levels that are done.
    pub(crate) level: usize,
    stage: Stage,
    /// An evaluation was asked for and has not been taken in.
    is_asked: bool,
    evaluations: usize,
    /// See [`Progress::solver`].
    pub(crate) solver: f64,
}

impl<'p, A: Operator> PosteriorWalk<'p, A> {
    /// A walk at its beginning, of this many chains side by side from `chain` on; everything that can be is checked.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Parameter`] or [`Error::Level`] with what is wrong.
    pub fn new(
        problem: &Problem<'p, A>,
        levels: &'p [f64],
        method: Method,
        chain: Chain,
        chains: usize,
    ) -> Result<Self, Error> {
        problem.check()?;
        require(levels.len() >= 2, "levels", "at least 2", levels.len() as f64)?;
        check_levels(levels)?;
        let most = isize::MAX as usize / (16 * (problem.workspace_len(1).max(1)));
        require(
            (1..=most).contains(&chains),
            "chains",
            "at least 1, and not more than memory can hold",
            chains as f64,
        )?;
        match method {
            Method::GuidedLookAhead => {}
            Method::Preconditioned { epsilon, temperature } => {
                preconditioned::check_preconditioned(epsilon, temperature)?
            }
            Method::Template { epsilon, first_temperature } => {
                template::rule(levels.len() - 1, epsilon, first_temperature).check()?;
            }
            Method::PaperTemplate(rule) => {
                rule.check()?;
                require(problem.likelihood.gaussian().is_some(), "likelihood", "Gaussian", f64::NAN)?;
            }
        }
        let (problem, stage) = (*problem, Stage::Begin);
        let (level, is_asked, evaluations, solver) = (0, false, 0, 0.0);
        Ok(Self { problem, levels, method, chain, chains, level, stage, is_asked, evaluations, solver })
    }

    /// Go on after this many levels, [`Progress::level`], from the x that stood there: to the bit as if the walk had not been
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

    /// Evaluations of the denoiser of a whole walk.
    pub fn evaluations(&self) -> usize {
        let levels = self.levels.len();
        if self.method == Method::GuidedLookAhead { 2 * levels - 1 } else { levels }
    }

    /// Levels that are done, if the walk stands between two levels.
    pub fn level(&self) -> Option<usize> {
        (self.stage == Stage::Between).then_some(self.level)
    }

    /// Make x the place of the next evaluation. `None`: x is the sample. Asked again before [`PosteriorWalk::advance`], it
    /// says the same.
    ///
    /// # Errors
    /// [`Error::Length`] for arrays of other lengths than the problem has, [`Error::Parameter`] after an error of
    /// [`PosteriorWalk::advance`]: begin anew, or resume from a level.
    pub fn request(&mut self, x: &mut [f32], workspace: &mut [f32]) -> Result<Option<Request>, Error> {
        let mut arrays = self.problem.cut(self.chains, x, workspace)?;
        require(self.stage != Stage::Failed, "the walk", "one that has not failed", f64::NAN)?;
        if self.stage == Stage::Begin {
            self.start(x, &mut arrays)?;
            self.stage = Stage::Between;
        }
        if self.stage == Stage::Between {
            self.stage = match self.method {
                Method::PaperTemplate(_) => Stage::Step,
                _ if self.level + 1 == self.levels.len() => Stage::End,
                _ => Stage::Step,
            };
            if self.stage == Stage::Step && self.method == Method::GuidedLookAhead {
                gla::look_ahead(self, x, &mut arrays)?;
            }
        }
        let n = x.len();
        let into = if self.stage == Stage::Guide { 2 * n..3 * n } else { 0..n };
        self.is_asked = self.stage != Stage::Done;
        Ok(self.is_asked.then(|| Request { sigma: self.sigma(), into }))
    }

    /// The noise level of the evaluation under way.
    fn sigma(&self) -> f64 {
        match (self.stage, self.method) {
            (Stage::Step | Stage::Guide, Method::GuidedLookAhead) => gla::level(self).sigma,
            _ => self.levels[self.level.min(self.levels.len() - 1)],
        }
    }

    /// Take in the evaluation that was asked for; nothing, if none was.
    ///
    /// # Errors
    /// [`WalkError::NotFinite`] if what the denoiser or the operator wrote is not; [`Error::Length`] as
    /// [`PosteriorWalk::request`].
    pub fn advance(&mut self, x: &mut [f32], workspace: &mut [f32]) -> Result<(), WalkError> {
        let mut arrays = self.problem.cut(self.chains, x, workspace)?;
        if !core::mem::take(&mut self.is_asked) {
            return Ok(());
        }
        let taken = self.take_in(x, &mut arrays);
        if taken.is_err() {
            self.stage = Stage::Failed;
        }
        taken
    }

    fn take_in(&mut self, x: &mut [f32], arrays: &mut Arrays<'_>) -> Result<(), WalkError> {
        self.evaluations += 1;
        let written = if self.stage == Stage::Guide { &*arrays.other } else { &*arrays.denoised };
        self.finite("the denoised image", written)?;
        match (self.stage, self.method) {
            (Stage::Step, Method::GuidedLookAhead) => {
                self.stage = Stage::Guide;
                if gla::pull(self, x, arrays)? {
                    return Ok(()); // a second evaluation first
                }
                gla::guide(self, x, arrays)?;
            }
            (Stage::Guide, _) => gla::guide(self, x, arrays)?,
            (Stage::Step, Method::Preconditioned { epsilon, temperature }) => {
                preconditioned::step(self, epsilon, temperature, x, arrays)?;
            }
            (Stage::Step, _) => template::step(self, x, arrays)?,
            _ => {
                self.end(x, arrays)?;
                self.stage = Stage::Done;
                return Ok(());
            }
        }
        self.level += 1;
        self.stage = if self.level < self.levels.len() { Stage::Between } else { Stage::Done }; // the paper has no end
        Ok(())
    }

    /// x ← mean + s₀ n(0), in each chain; the paper starts at n.
    fn start(&self, x: &mut [f32], arrays: &mut Arrays<'_>) -> Result<(), Error> {
        let paper = matches!(self.method, Method::PaperTemplate(_));
        let (mean, sigma) = if paper { (0.0, 1.0) } else { (self.problem.mean, self.levels[0]) };
        x.fill(mean as f32);
        let step = Step { x: 1.0, ..Step::start(sigma) };
        self.each(x, arrays, |chain, x, _| update(&step, chain.seed, chain.chain, x, &[], &[], &[]))
    }

    /// The end of every method but the paper's: x ← D(x, σ), then the Gaussian step from variance σ² towards the data.
    fn end(&mut self, x: &mut [f32], arrays: &mut Arrays<'_>) -> Result<(), WalkError> {
        let (problem, sigma, mut solver) = (self.problem, self.sigma(), 0.0);
        let q = sigma * sigma;
        self.each(x, arrays, |_, x, mut arrays| {
            problem.linearise(q, &mut arrays);
            let Arrays { denoised, image: u, residual, weights, scratch, .. } = arrays;
            solver = problem.pull(q, weights, residual, scratch, u).max(solver);
            for ((x, d), u) in x.iter_mut().zip(denoised.iter()).zip(u.iter()) {
                *x = (f64::from(*d) + q * f64::from(*u)) as f32;
            }
            Ok::<(), Error>(())
        })?;
        self.solver = solver;
        self.finite("x", x)
    }

    /// Call `work(chain, x, arrays)` with the parts of each chain.
    pub(crate) fn each<E>(
        &self,
        x: &mut [f32],
        arrays: &mut Arrays<'_>,
        mut work: impl FnMut(Chain, &mut [f32], Arrays<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Chain { seed, chain } = self.chain;
        let n = self.problem.operator.image_len();
        arrays.each(n, x, |place, x, arrays| work(Chain { seed, chain: chain.wrapping_add(place) }, x, arrays))
    }

    /// An error at the last evaluation's row unless the whole array is finite.
    pub(crate) fn finite(&self, name: &'static str, array: &[f32]) -> Result<(), WalkError> {
        match array.iter().position(|v| !v.is_finite()) {
            Some(element) => Err(self.not_finite(name, element)),
            None => Ok(()),
        }
    }

    /// The error at the last evaluation's row.
    pub(crate) fn not_finite(&self, name: &'static str, element: usize) -> WalkError {
        WalkError::NotFinite { name, row: self.evaluations.max(1) - 1, sigma: self.sigma(), element }
    }

    /// Run the walk to its end with a denoiser.
    ///
    /// # Errors
    /// Everything that [`WalkError`] lists.
    pub fn run<D: Denoiser>(
        mut self,
        denoiser: &mut D,
        x: &mut [f32],
        workspace: &mut [f32],
        mut observer: impl Observe,
    ) -> Result<(), WalkError<D::Error>> {
        while let Some(Request { sigma, into }) = self.request(x, workspace)? {
            let row = self.evaluations;
            denoiser.denoise(x, sigma, &mut workspace[into]).map_err(|error| WalkError::Denoiser {
                row,
                sigma,
                error,
            })?;
            self.advance(x, workspace).map_err(WalkError::lift)?;
            let (denoised, level) = (&workspace[..x.len()], self.level());
            let (evaluations, total, solver) = (self.evaluations, self.evaluations(), self.solver);
            if observer(Progress { evaluations, total, sigma, solver, denoised, x, level }).is_break() {
                return Err(WalkError::Cancelled { row });
            }
        }
        Ok(())
    }
}

/// How many chains x holds, at least 1; an error unless they are whole images.
pub(crate) fn chains_of<A: Operator>(operator: &A, x: &[f32]) -> Result<usize, Error> {
    let n = operator.image_len();
    let chains = (x.len() / n.max(1)).max(1);
    require_len("x (whole images)", chains * n, x.len())?;
    Ok(chains)
}
