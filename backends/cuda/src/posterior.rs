//! Walks that sample a posterior, on a device.

use crate::array::Array;
use crate::chains::{Chains, Terms, Watch, first_place, require};
use crate::condition::{Condition, Place};
use crate::denoiser::CudaDenoiser;
use crate::device::Device;
use crate::error::Error;
use crate::kernel::arguments;
use crate::kernels::{THREADS, blocks_of};
use crate::row::{LevelRow, Row};
use rwt_core::{Chain, Level, Method, Step, check_levels};

/// What is known of the pictures beforehand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prior {
    /// The data's mean: where a walk starts.
    pub mean: f64,
    /// The data's variance per element.
    pub variance: f64,
}

/// The arrays of a walk beside those of the chains.
struct Arrays {
    u: Array<f32>,
    g: Array<f32>,
    levels: Array<LevelRow>,
    /// Of guided look-ahead: the rows that add noise.
    ahead: Array<Row>,
    /// And those that make the new place.
    guided: Array<Row>,
    /// δ and t of each chain.
    delta: Array<f64>,
    t: Array<f32>,
    /// The parts of u·u or u·g, of |A g|² and of (y − A D)·A g.
    parts: [Array<f64>; 3],
}

impl Arrays {
    fn new(device: &Device, chains: usize, n: usize, is_guided: bool, plan: &[Level]) -> Result<Self, Error> {
        let levels: Vec<_> = plan.iter().copied().map(LevelRow).collect();
        let [ahead, guided] = rows(plan);
        let parts = || Array::zeros(device, chains * Place::BLOCKS as usize);
        Ok(Self {
            u: Array::zeros(device, chains * n)?,
            g: Array::zeros(device, if is_guided { chains * n } else { 1 })?,
            levels: Array::from_host(device, &levels)?,
            ahead: Array::from_host(device, &ahead)?,
            guided: Array::from_host(device, &guided)?,
            delta: Array::zeros(device, chains)?,
            t: Array::zeros(device, chains)?,
            parts: [parts()?, parts()?, parts()?],
        })
    }
}

impl<D: CudaDenoiser> Chains<D> {
    /// Sample the posterior in every chain, from the first level on, as [`rwt_core::PosteriorWalk`] does: guided look-ahead, or
    /// the preconditioned walk. After an error x is somewhere on the way.
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
        let is_guided = method == Method::GuidedLookAhead;
        let arrays = Arrays::new(&self.device, self.chains, self.n(), is_guided, &plan)?;
        condition.plan(&self.device, self.chains)?;
        let place = self.place(&arrays, first);
        let sigmas: Vec<_> = plan.iter().map(|level| level.sigma).collect();
        self.start(&sigmas, first)?;
        self.first_place(prior, levels, first)?;
        let last = plan.len() - 1;
        let work = |chains: &mut Self, is_last: bool| match (is_last, is_guided) {
            (true, _) => chains.end(condition, &arrays, &place),
            (false, true) => chains.look_ahead(condition, &arrays, &place),
            (false, false) => chains.precondition(condition, &arrays, &place),
        };
        self.repeat(&sigmas, |row| row == last, work, watch)
    }

    fn place(&self, arrays: &Arrays, first: Chain) -> Place {
        Place {
            x: self.x.address(),
            denoised: self.denoised.address(),
            u: arrays.u.address(),
            g: arrays.g.address(),
            parts: [arrays.parts[1].address(), arrays.parts[2].address()],
            levels: arrays.levels.address(),
            level: self.level.address(),
            bad: self.bad.address(),
            chains: self.chains,
            first,
        }
    }

    /// x ← mean + s₀ n(0).
    fn first_place(&mut self, prior: Prior, levels: &[f64], first: Chain) -> Result<(), Error> {
        let row = Array::from_host(&self.device, &[Row(first_place(levels[0]))])?;
        self.fill(prior.mean as f32)?;
        self.update(&row, first, Terms::default())?;
        self.device.synchronize() // the row is freed here
    }

    /// z ← D + t g + w n with x = z + w n; both evaluations of guided look-ahead.
    fn look_ahead<C: Condition>(&mut self, condition: &C, arrays: &Arrays, place: &Place) -> Result<(), Error> {
        self.begin(&arrays.guided)?;
        self.update(&arrays.ahead, place.first, Terms::default())?;
        self.evaluate(place.denoised)?;
        condition.pull(place)?;
        self.displace(arrays, place)?;
        self.evaluate(place.g)?;
        self.covariance(arrays, place)?;
        condition.sums(place)?;
        self.guide(condition.eta(), arrays, place)?;
        self.update(&arrays.guided, place.first, Terms { previous: 0, gradient: place.g, scale: arrays.t.address() })?;
        self.next()
    }

    fn precondition<C: Condition>(&mut self, condition: &C, arrays: &Arrays, place: &Place) -> Result<(), Error> {
        self.begin(&arrays.guided)?;
        self.evaluate(place.denoised)?;
        condition.precondition(place)?;
        self.next()
    }

    /// x ← D(x, σ), then the Gaussian step from variance σ² towards the data.
    fn end<C: Condition>(&mut self, condition: &C, arrays: &Arrays, place: &Place) -> Result<(), Error> {
        self.begin(&arrays.guided)?;
        self.evaluate(place.denoised)?;
        condition.pull(place)?;
        let (Place { x, denoised, u, levels, level, bad, .. }, n) = (*place, self.n() as u64);
        // SAFETY: rwt_end's parameters; arrays of chains * n elements.
        unsafe {
            let grid = [blocks_of(n), self.chains as u32, 1];
            self.kernels.end.launch(grid, [THREADS, 1, 1], 0, arguments![levels, level, n, denoised, u, x, bad])
        }
    }

    /// x ← x + δ u.
    fn displace(&self, arrays: &Arrays, place: &Place) -> Result<(), Error> {
        let (Place { x, u, levels, level, bad, .. }, n, chains) = (*place, self.n() as u64, self.chains as u32);
        let (parts, delta, blocks) = (arrays.parts[0].address(), arrays.delta.address(), Place::BLOCKS);
        let (kernels, block) = (&self.kernels, [THREADS, 1, 1]);
        // SAFETY: the kernels' parameters; u and x have chains * n elements, parts chains * blocks, delta chains.
        unsafe {
            kernels.length.launch([blocks, chains, 1], block, 0, arguments![n, u, parts])?;
            let arguments = arguments![levels, level, n, blocks, parts, delta, bad];
            kernels.delta.launch([1, chains, 1], [1; 3], 0, arguments)?;
            kernels.displace.launch([blocks_of(n), chains, 1], block, 0, arguments![n, delta, u, x])
        }
    }

    /// g ← Cov(X|x) u.
    fn covariance(&self, arrays: &Arrays, place: &Place) -> Result<(), Error> {
        let (Place { denoised, u, g, levels, level, bad, .. }, n) = (*place, self.n() as u64);
        let (parts, delta) = (arrays.parts[0].address(), arrays.delta.address());
        let grid = [Place::BLOCKS, self.chains as u32, 1];
        let arguments = arguments![levels, level, n, delta, u, denoised, g, parts, bad];
        // SAFETY: rwt_covariance's parameters; lengths as above.
        unsafe { self.kernels.covariance.launch(grid, [THREADS, 1, 1], 0, arguments) }
    }

    /// t, from the three sums.
    fn guide(&self, eta: f64, arrays: &Arrays, place: &Place) -> Result<(), Error> {
        let (Place { level, bad, parts: [gg, rg], .. }, n) = (*place, self.n() as u64);
        let (ug, t, blocks) = (arrays.parts[0].address(), arrays.t.address(), Place::BLOCKS);
        let arguments = arguments![level, eta, n, blocks, ug, gg, rg, t, bad];
        // SAFETY: rwt_guide's parameters; lengths as above.
        unsafe { self.kernels.guide.launch([1, self.chains as u32, 1], [1; 3], 0, arguments) }
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
    match method {
        Method::GuidedLookAhead => {}
        Method::Preconditioned { epsilon, temperature } => rwt_core::check_preconditioned(epsilon, temperature)?,
        _ => {
            let expected = "guided look-ahead or the preconditioned walk";
            return Err(rwt_core::Error::Parameter { name: "method", expected, found: f64::NAN }.into());
        }
    }
    let each = |pair: &[f64]| match method {
        Method::Preconditioned { epsilon, temperature } => {
            Level::preconditioned(pair[0], pair[1], epsilon, temperature)
        }
        _ => Level::guided(pair[0], pair[1], prior.variance),
    };
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
