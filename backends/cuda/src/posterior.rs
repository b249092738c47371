//! Walks that sample a posterior, on a device.

use crate::array::Array;
use crate::chains::{Chains, Terms, Watch, first_place, require};
use crate::condition::{Condition, Place};
use crate::denoiser::CudaDenoiser;
use crate::error::Error;
use crate::row::Row;
use rwt_core::{Chain, Level, Method, Step, check_levels};

/// What is known of the pictures beforehand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prior {
    /// The data's mean: where a walk starts.
    pub mean: f64,
    /// The data's variance per element.
    pub variance: f64,
}

/// The rows of guided look-ahead: those that add noise and those that make the new place.
struct Rows {
    ahead: Array<Row>,
    guided: Array<Row>,
}

impl<D: CudaDenoiser> Chains<D> {
    /// Sample the posterior in every chain, from the first level on, as [`rwt_core::PosteriorWalk`] does: guided look-ahead, or the
    /// preconditioned walk. After an error x is somewhere on the way.
    ///
    /// # Errors
    /// [`Error::Plan`] for levels that do not fall, another method, or a prior without variance; [`Error::NotFinite`],
    /// [`Error::Cancelled`], or what the denoiser and the driver say.
    pub fn posterior<C: Condition>(
        &mut self,
        condition: &mut C,
        prior: Prior,
        levels: &[f64],
        method: Method,
        first: Chain,
        watch: Option<Watch<'_>>,
    ) -> Result<(), Error> {
        check(self.n(), condition, prior, levels)?;
        let plan = plan(levels, prior, method)?;
        let rows = rows(&plan);
        let rows = Rows {
            ahead: Array::from_host(&self.device, &rows[0])?,
            guided: Array::from_host(&self.device, &rows[1])?,
        };
        let sigmas: Vec<_> = plan.iter().map(|level| level.sigma).collect();
        condition.plan(&self.device, self.chains, &plan)?;
        let is_guided = method == Method::GuidedLookAhead;
        let g = Array::<f32>::zeros(&self.device, if is_guided { self.x.len() } else { 1 })?;
        let t = Array::<f32>::zeros(&self.device, self.chains)?;
        let place = Place {
            x: self.x.address(),
            denoised: self.denoised.address(),
            g: g.address(),
            t: t.address(),
            level: self.level.address(),
            bad: self.bad.address(),
            chains: self.chains,
            first,
        };
        self.start(&sigmas)?;
        self.first_place(prior, levels, first)?;
        let level = self.capture(|chains| match method {
            Method::GuidedLookAhead => chains.look_ahead(condition, &rows, &place),
            _ => chains.precondition(condition, &rows, &place),
        })?;
        let end = self.capture(|chains| {
            chains.begin(&rows.guided)?;
            chains.evaluate(place.denoised)?;
            condition.end(&place)
        })?;
        let last = plan.len() - 1;
        self.replay(plan.len(), |row| if row < last { &level } else { &end }, watch, |row| plan[row].sigma)
    }

    /// x ← mean + s₀ n(0).
    fn first_place(&mut self, prior: Prior, levels: &[f64], first: Chain) -> Result<(), Error> {
        let row = Array::from_host(&self.device, &[Row(first_place(levels[0]))])?;
        self.fill(prior.mean as f32)?;
        self.update(&row, first, Terms::default())
    }

    /// z ← D + t g + w n with x = z + w n; both evaluations of guided look-ahead.
    fn look_ahead<C: Condition>(&mut self, condition: &C, rows: &Rows, place: &Place) -> Result<(), Error> {
        self.begin(&rows.guided)?;
        self.update(&rows.ahead, place.first, Terms::default())?;
        self.evaluate(place.denoised)?;
        condition.pull(place)?;
        self.evaluate(place.g)?;
        condition.guide(place)?;
        self.update(&rows.guided, place.first, Terms { previous: 0, gradient: place.g, scale: place.t })?;
        self.next()
    }

    fn precondition<C: Condition>(&mut self, condition: &C, rows: &Rows, place: &Place) -> Result<(), Error> {
        self.begin(&rows.guided)?;
        self.evaluate(place.denoised)?;
        condition.precondition(place)?;
        self.next()
    }
}

fn check<C: Condition>(n: usize, condition: &C, prior: Prior, levels: &[f64]) -> Result<(), Error> {
    let wrong = |name, expected, found| Err(rwt_core::Error::Parameter { name, expected, found }.into());
    if condition.image_len() != n {
        return Err(Error::Length { name: "the measured picture", expected: n, found: condition.image_len() });
    }
    if !(prior.variance > 0.0 && prior.variance.is_finite()) {
        return wrong("variance", "finite and above 0", prior.variance);
    }
    if !prior.mean.is_finite() {
        return wrong("mean", "finite", prior.mean);
    }
    require(levels.len() >= 2, "levels", "at least 2", levels.len())?;
    Ok(check_levels(levels)?)
}

/// The levels' scalars.
fn plan(levels: &[f64], prior: Prior, method: Method) -> Result<Vec<Level>, Error> {
    let each = |pair: &[f64]| match method {
        Method::GuidedLookAhead => Level::guided(pair[0], pair[1], prior.variance),
        Method::Preconditioned { epsilon, temperature } => {
            Level::preconditioned(pair[0], pair[1], epsilon, temperature)
        }
        _ => Level::default(),
    };
    match method {
        Method::GuidedLookAhead => {}
        Method::Preconditioned { epsilon, temperature } => rwt_core::check_preconditioned(epsilon, temperature)?,
        _ => {
            let expected = "guided look-ahead or the preconditioned walk";
            return Err(rwt_core::Error::Parameter { name: "method", expected, found: f64::NAN }.into());
        }
    }
    let last = Level::last(levels[levels.len() - 1]);
    Ok(levels.windows(2).map(each).chain([last]).collect())
}

/// The rows that add noise and those that make the new place, with the levels' σ; the last of each is for its σ alone.
fn rows(plan: &[Level]) -> [Vec<Row>; 2] {
    let row = |(k, level): (usize, &Level)| {
        let Level { sigma, noise, .. } = *level;
        Step { sigma, noise, draw: k as u32 + 1, ..Step::default() }
    };
    let rows = || plan.iter().enumerate().map(row);
    let ahead = rows().map(|row| Row(Step { x: 1.0, ..row }));
    let guided = rows().map(|row| Row(Step { denoised: 1.0, gradient: 1.0, ..row }));
    [ahead.collect(), guided.collect()]
}
