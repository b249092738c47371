//! The ranks of truths among samples.

use super::run::CHAINS;
use rwt_core::{Error, Fit};

/// The places that a truth can have among [`CHAINS`] samples.
const PLACES: usize = CHAINS as usize + 1;

/// How often the truth had each rank, from below all samples to above all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ranks(pub [u64; PLACES]);

impl Ranks {
    /// One more truth, above `rank` of the samples.
    pub fn add(&mut self, rank: u8) {
        self.0[usize::from(rank)] += 1;
    }

    fn total(&self) -> f64 {
        self.0.iter().sum::<u64>() as f64
    }

    /// The share of truths within the central 90 % of the samples: not below and not above all of them.
    pub fn coverage(&self) -> f64 {
        self.0[1..PLACES - 1].iter().sum::<u64>() as f64 / self.total()
    }

    /// χ² of the counts against equal ones, with one degree of freedom less than there are places. It means what it says
    /// only for truths that are independent of one another.
    ///
    /// # Errors
    /// [`Error::Parameter`] where nothing was counted.
    pub fn chi2(&self) -> Result<Fit, Error> {
        let expected = self.total() / PLACES as f64;
        let chi2 = self.0.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum();
        Fit::from_chi2(chi2, PLACES - 1)
    }

    /// How often each rank came, times what is right.
    pub fn densities(&self) -> [f64; PLACES] {
        self.0.map(|count| count as f64 * PLACES as f64 / self.total())
    }

    /// A bar for each rank: half high is what is right, twice that or more is full.
    pub fn chart(&self) -> String {
        const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        self.densities().iter().map(|density| BARS[(4.0 * density).round().min(8.0) as usize]).collect()
    }
}
