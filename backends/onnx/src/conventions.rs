//! What a network is given and what it answers: the keys `rwt.prediction`, `rwt.process`, `rwt.time`, `rwt.table` and
//! `rwt.learned_variance`.

use rwt_core::vp::Betas;
use rwt_core::{Outside, Prediction, Time, TimeMap};

use crate::Error;
use crate::model_info::Keys;

/// A level this far from the table's, relatively, is still that level to a network with integer times.
const INTEGER_SLACK: f64 = 0.01;

/// What the network is told of the noise level, `rwt.time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TimeInput {
    /// "sigma": σ.
    #[default]
    Sigma,
    /// "log_sigma": ln σ.
    LogSigma,
    /// "quarter_log_sigma": ln σ / 4, c_noise of Karras et al. 2022.
    QuarterLogSigma,
    /// "index": the fractional index on `rwt.table`.
    Index,
    /// "integer": the index on `rwt.table`, whole numbers only. Levels must be snapped to the table
    /// ([`TimeMap::snap`](rwt_core::TimeMap::snap)).
    Integer,
}

/// How to ask the network for D(x, σ).
#[derive(Debug, Clone, PartialEq)]
pub struct Conventions {
    /// What the raw output is, and how x is scaled for the input: `rwt.prediction` with `rwt.process`.
    pub prediction: Prediction,
    /// What the network is told of σ.
    pub time: TimeInput,
    /// The noise levels of the times 0, 1, …, increasing; empty unless the time is an index.
    pub table: Vec<f64>,
    /// Time 0 is the table's largest level, as in NCSN.
    pub descending: bool,
    /// `rwt.learned_variance`: the output has twice the channels, of which the first half is meant.
    pub learned_variance: bool,
}

impl Conventions {
    pub(crate) fn read(keys: &mut Keys<'_>) -> Self {
        let mut conventions = Self {
            prediction: prediction(keys),
            time: time(keys),
            table: Vec::new(),
            descending: false,
            learned_variance: keys.choice("rwt.learned_variance", &[("no", false), ("yes", true)], Some(false)),
        };
        let is_index = matches!(conventions.time, TimeInput::Index | TimeInput::Integer);
        match (is_index, keys.text("rwt.table")) {
            (false, None) => {}
            (false, Some(text)) => keys.problem("rwt.table", "nothing, as rwt.time is no index", &format!("{text:?}")),
            (true, None) => keys.problem("rwt.table", "the training table, as rwt.time is an index", "nothing"),
            (true, Some(text)) => match table(text) {
                Ok((table, descending)) => (conventions.table, conventions.descending) = (table, descending),
                Err(why) => keys.problem("rwt.table", TABLE, &why),
            },
        }
        conventions
    }

    /// The network's time of a noise level.
    pub(crate) fn time_of(&self, sigma: f64) -> Result<f64, Error> {
        let ends = (self.table.first().copied().unwrap_or(0.0), self.table.last().copied().unwrap_or(f64::INFINITY));
        let refused = |_| Error::Sigma { min: ends.0, max: ends.1, found: sigma };
        let map = || TimeMap::new(&self.table, Outside::Clamp).map_err(refused);
        let time = match self.time {
            TimeInput::Sigma => return Time::Sigma.of(sigma).map_err(refused),
            TimeInput::LogSigma => return Time::LogSigma.of(sigma).map_err(refused),
            TimeInput::QuarterLogSigma => return Time::QuarterLogSigma.of(sigma).map_err(refused),
            TimeInput::Index => Time::Index(map()?).of(sigma).map_err(refused)?,
            TimeInput::Integer => Time::Integer(map()?).of(sigma).map_err(refused)?,
        };
        if self.time == TimeInput::Integer {
            let nearest = self.table[time as usize];
            if (sigma / nearest - 1.0).abs() > INTEGER_SLACK {
                return Err(Error::NotOnTable { found: sigma, nearest });
            }
        }
        Ok(self.flip(time))
    }

    fn flip(&self, time: f64) -> f64 {
        if self.descending { (self.table.len() - 1) as f64 - time } else { time }
    }
}

fn prediction(keys: &mut Keys<'_>) -> Prediction {
    const KINDS: [(&str, usize); 5] = [("denoised", 0), ("noise", 1), ("score", 2), ("velocity", 3), ("edm", 4)];
    let kind = keys.choice("rwt.prediction", &KINDS, None);
    // a denoiser of a file without this key sees x itself; for the others the scale must be said
    let default = match kind {
        0 => Some("ve"),
        3 => Some("vp"),
        4 => Some("edm"),
        _ => None,
    };
    let process = keys.choice("rwt.process", &[("ve", "ve"), ("vp", "vp"), ("edm", "edm")], default);
    match (kind, process) {
        (0, "ve") => Prediction::DenoisedVe,
        (0, "vp") => Prediction::DenoisedVp,
        (1, "ve") => Prediction::NoiseVe,
        (1, "vp") => Prediction::NoiseVp,
        (2, "ve") => Prediction::ScoreVe,
        (2, "vp") => Prediction::ScoreVp,
        (3, "vp") => Prediction::VelocityVp,
        (4, "edm") => {
            let positive = |v: &f64| v.is_finite() && *v > 0.0;
            Prediction::Edm { sigma_data: keys.check("rwt.sigma_data", "a positive number", positive) }
        }
        (kind, process) => {
            if !process.is_empty() {
                let expected = format!("a process that goes with {}", KINDS[kind].0);
                keys.problem("rwt.process", &expected, &format!("{process:?}"));
            }
            Prediction::DenoisedVe
        }
    }
}

fn time(keys: &mut Keys<'_>) -> TimeInput {
    let kinds = [
        ("sigma", TimeInput::Sigma),
        ("log_sigma", TimeInput::LogSigma),
        ("quarter_log_sigma", TimeInput::QuarterLogSigma),
        ("index", TimeInput::Index),
        ("integer", TimeInput::Integer),
    ];
    keys.choice("rwt.time", &kinds, None)
}

const TABLE: &str = "\"linear FIRST LAST COUNT\", \"scaled_linear FIRST LAST COUNT\", \"cosine COUNT\", or \"sigmas\", \
                     \"betas\" or \"alpha_bars\" and the values";
/// The longest training table that is read.
const TABLE_LIMIT: usize = 100_000;

/// The noise levels of a table, increasing, and whether they were given the other way round.
fn table(text: &str) -> Result<(Vec<f64>, bool), String> {
    let mut words = text.split([' ', ',']).filter(|word| !word.is_empty());
    let kind = words.next().ok_or("nothing")?;
    let values: Vec<f64> = words
        .take(TABLE_LIMIT + 1)
        .map(|word| word.parse::<f64>().map_err(|_| format!("{word:?} among the numbers")))
        .collect::<Result<_, _>>()?;
    let count = |value: f64| {
        if value.fract() == 0.0 && (2.0..=TABLE_LIMIT as f64).contains(&value) {
            Ok(value as usize)
        } else {
            Err(format!("{value} levels, where 2 to {TABLE_LIMIT} are possible"))
        }
    };
    let (betas, length) = match (kind, &values[..]) {
        ("linear", &[first, last, n]) => (Betas::Linear { first, last }, count(n)?),
        ("scaled_linear", &[first, last, n]) => (Betas::ScaledLinear { first, last }, count(n)?),
        ("cosine", &[n]) => (Betas::Cosine, count(n)?),
        ("betas", list) => (Betas::List(list), count(list.len() as f64)?),
        ("alpha_bars", list) => (Betas::AlphaBars(list), count(list.len() as f64)?),
        ("sigmas", list) => {
            count(list.len() as f64)?;
            let descending = list[0] > list[1];
            let mut sigmas = list.to_vec();
            if descending {
                sigmas.reverse();
            }
            TimeMap::new(&sigmas, Outside::Refuse).map_err(|error| error.to_string())?;
            return Ok((sigmas, descending));
        }
        _ => return Err(format!("{:?}", text.chars().take(60).collect::<String>())),
    };
    let mut sigmas = vec![0.0; length];
    betas.sigmas(&mut sigmas).map_err(|error| error.to_string())?;
    TimeMap::new(&sigmas, Outside::Refuse).map_err(|error| error.to_string())?;
    Ok((sigmas, false))
}
