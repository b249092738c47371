//! What a model says about itself: the `rwt.*` keys of its metadata_props.

use std::str::FromStr;

use crate::conventions::Conventions;
use crate::error::{Error, KeyProblem};

/// Levels this little outside the domain, relatively, are rounding and let through.
const SIGMA_SLACK: f64 = 1e-6;

/// The contract of a denoiser, from its metadata. Levels and moments are in the units of the data.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ModelInfo {
    /// `rwt.name`: the model's name.
    pub name: String,
    /// `rwt.channels`: channels of a picture.
    pub channels: usize,
    /// `rwt.range`: the lowest and highest value of the training data.
    pub range: (f64, f64),
    /// `rwt.sigma_min`: the lowest noise level trained on.
    pub sigma_min: f64,
    /// `rwt.sigma_max`: the highest noise level trained on.
    pub sigma_max: f64,
    /// `rwt.mean`: mean of the training data over all elements.
    pub mean: f64,
    /// `rwt.variance`: variance of the training data over all elements.
    pub variance: f64,
    /// `rwt.multiple`: the network takes heights and widths that are multiples of this. Callers need not care.
    pub multiple: usize,
    /// `rwt.margin`: reflected pixels added on each side and cut off again. Callers need not care.
    pub margin: usize,
    /// What the network is given and what it answers. Callers need not care: D(x, σ) is what they get.
    pub conventions: Conventions,
    /// `rwt.symmetry`: "square" if turned and mirrored pictures are as likely to the model as the picture itself; "none",
    /// or no such key, if not.
    pub square: bool,
    /// `rwt.licence`: the licence of the weights, as an SPDX expression.
    pub licence: String,
    /// `rwt.source`: where the weights come from; empty if the file does not say.
    pub source: String,
}

impl ModelInfo {
    /// Read and check the metadata, reporting every key that is wrong.
    pub(crate) fn from_metadata(metadata: &[(String, String)]) -> Result<Self, Error> {
        let mut keys = Keys { metadata, problems: Vec::new() };
        keys.check("rwt.version", "1", |v: &String| v == "1");
        let conventions = Conventions::read(&mut keys);
        let positive = |v: &f64| v.is_finite() && *v > 0.0;
        let range = keys.check("rwt.range", "two increasing numbers \"low,high\"", |r: &Range| r.0 < r.1);
        let (low, high) = (range.0, range.1);
        let (sigma_min, sigma_max) = domain(&mut keys, &conventions.table);
        let inside = format!("a number inside rwt.range = {low},{high}");
        let mean = keys.check("rwt.mean", &inside, |v: &f64| (low..=high).contains(v));
        let widest = (high - low).powi(2) / 4.0; // Popoviciu: the variance of values in an interval
        let bounded = format!("a positive number up to {widest}, the most in rwt.range");
        let info = Self {
            name: keys.check("rwt.name", "a name", |v: &String| !v.is_empty()),
            channels: keys.check("rwt.channels", "1 to 1024", |v| (1..=1024).contains(v)),
            range: (low, high),
            sigma_min,
            sigma_max,
            mean,
            variance: keys.check("rwt.variance", &bounded, |v| positive(v) && *v <= widest),
            multiple: keys.check("rwt.multiple", "1 to 1024", |v| (1..=1024).contains(v)),
            margin: keys.check("rwt.margin", "0 to 1024", |v| *v <= 1024),
            square: keys.choice("rwt.symmetry", &[("none", false), ("square", true)], Some(false)),
            conventions,
            licence: keys.check("rwt.licence", "an SPDX expression", |v: &String| !v.is_empty()),
            source: keys.text("rwt.source").unwrap_or_default().into(),
        };
        if keys.problems.is_empty() { Ok(info) } else { Err(Error::Metadata(keys.problems)) }
    }

    /// An error for a noise level outside the domain.
    pub(crate) fn check_sigma(&self, sigma: f64) -> Result<(), Error> {
        let (min, max) = (self.sigma_min, self.sigma_max);
        // NaN is in no range
        if !(min * (1.0 - SIGMA_SLACK)..=max * (1.0 + SIGMA_SLACK)).contains(&sigma) {
            return Err(Error::Sigma { min, max, found: sigma });
        }
        Ok(())
    }
}

/// The noise levels that the network can be asked for: as said, inside the training table; the table's if not said.
fn domain(keys: &mut Keys<'_>, table: &[f64]) -> (f64, f64) {
    let (low, high) = (table.first().copied(), table.last().copied());
    let mut level = |key: &'static str, default: Option<f64>, expected: &str, valid: &dyn Fn(f64) -> bool| match default
    {
        Some(end) if keys.text(key).is_none() => end,
        _ => keys.check(key, expected, |v: &f64| v.is_finite() && valid(*v)),
    };
    let inside =
        |v: f64| low.is_none_or(|low| v >= low * (1.0 - 1e-6)) && high.is_none_or(|high| v <= high * (1.0 + 1e-6));
    let place = if table.is_empty() { "" } else { " inside rwt.table" };
    let min = level("rwt.sigma_min", low, &format!("a positive number{place}"), &|v| v > 0.0 && inside(v));
    let above = format!("a number above rwt.sigma_min = {min}{place}");
    let max = level("rwt.sigma_max", high, &above, &|v| v > min && inside(v));
    (min, max)
}

/// Looks keys up and collects what is wrong with them.
pub(crate) struct Keys<'a> {
    metadata: &'a [(String, String)],
    problems: Vec<KeyProblem>,
}

impl<'a> Keys<'a> {
    /// The value of a key; `None` if it is missing or is given twice, differently.
    pub(crate) fn text(&mut self, key: &'static str) -> Option<&'a str> {
        let mut values = self.metadata.iter().filter(|entry| entry.0 == key).map(|entry| entry.1.as_str());
        let value = values.next()?;
        if let Some(other) = values.find(|&other| other != value) {
            self.problem(key, "one value", &format!("{value:?} and {other:?}"));
            return None;
        }
        Some(value)
    }

    /// The value of a key if it parses and is `valid`; otherwise the problem is noted and the type's default returned.
    pub(crate) fn check<T: FromStr + Default>(
        &mut self,
        key: &'static str,
        expected: &str,
        valid: impl Fn(&T) -> bool,
    ) -> T {
        let before = self.problems.len();
        let found = self.text(key);
        match found.and_then(|text| text.trim().parse().ok()).filter(valid) {
            Some(value) => value,
            None => {
                if self.problems.len() == before {
                    self.problem(key, expected, &found.map_or("nothing".into(), |text| format!("{text:?}")));
                }
                T::default()
            }
        }
    }

    /// The value that a key's text stands for; `missing` if there is no such key, which is a problem if that is `None`.
    pub(crate) fn choice<T: Copy + Default>(&mut self, key: &'static str, of: &[(&str, T)], missing: Option<T>) -> T {
        let before = self.problems.len();
        let found = self.text(key);
        if let Some((_, value)) = of.iter().find(|(name, _)| found.map(str::trim) == Some(*name)) {
            return *value;
        }
        match (found, missing) {
            (None, Some(value)) if self.problems.len() == before => return value,
            _ if self.problems.len() > before => {}
            _ => {
                let names: Vec<_> = of.iter().map(|(name, _)| *name).collect();
                self.problem(key, &names.join(" or "), &found.map_or("nothing".into(), |text| format!("{text:?}")));
            }
        }
        T::default()
    }

    pub(crate) fn problem(&mut self, key: &'static str, expected: &str, found: &str) {
        self.problems.push(KeyProblem { key, expected: expected.into(), found: found.into() });
    }
}

/// "low,high", both finite.
#[derive(Default)]
struct Range(f64, f64);

impl FromStr for Range {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (low, high) = text.split_once(',').ok_or(())?;
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.is_finite()).ok_or(());
        Ok(Self(number(low)?, number(high)?))
    }
}
