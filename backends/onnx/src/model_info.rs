//! What a model says about itself: the `rwt.*` keys of its metadata_props.

use std::str::FromStr;

use crate::error::{Error, KeyProblem};

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
        keys.check("rwt.prediction", "denoised", |v: &String| v == "denoised");
        keys.check("rwt.time", "sigma", |v: &String| v == "sigma");
        let positive = |v: &f64| v.is_finite() && *v > 0.0;
        let range = keys.check("rwt.range", "two increasing numbers \"low,high\"", |r: &Range| r.0 < r.1);
        let (low, high) = (range.0, range.1);
        let sigma_min = keys.check("rwt.sigma_min", "a positive number", positive);
        let above = format!("a number above rwt.sigma_min = {sigma_min}");
        let sigma_max = keys.check("rwt.sigma_max", &above, |v: &f64| v.is_finite() && *v > sigma_min);
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
            square: keys.symmetry(),
            licence: keys.check("rwt.licence", "an SPDX expression", |v: &String| !v.is_empty()),
            source: keys.text("rwt.source").unwrap_or_default().into(),
        };
        if keys.problems.is_empty() { Ok(info) } else { Err(Error::Metadata(keys.problems)) }
    }
}

/// Looks keys up and collects what is wrong with them.
struct Keys<'a> {
    metadata: &'a [(String, String)],
    problems: Vec<KeyProblem>,
}

impl<'a> Keys<'a> {
    /// The value of a key; `None` if it is missing or is given twice, differently.
    fn text(&mut self, key: &'static str) -> Option<&'a str> {
        let mut values = self.metadata.iter().filter(|entry| entry.0 == key).map(|entry| entry.1.as_str());
        let value = values.next()?;
        if let Some(other) = values.find(|&other| other != value) {
            self.problem(key, "one value", &format!("{value:?} and {other:?}"));
            return None;
        }
        Some(value)
    }

    /// The value of a key if it parses and is `valid`; otherwise the problem is noted and the type's default returned.
    fn check<T: FromStr + Default>(&mut self, key: &'static str, expected: &str, valid: impl Fn(&T) -> bool) -> T {
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

    /// `rwt.symmetry`, which may be missing.
    fn symmetry(&mut self) -> bool {
        match self.text("rwt.symmetry") {
            Some("square") => true,
            None | Some("none") => false,
            Some(other) => {
                self.problem("rwt.symmetry", "square or none", &format!("{other:?}"));
                false
            }
        }
    }

    fn problem(&mut self, key: &'static str, expected: &str, found: &str) {
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
