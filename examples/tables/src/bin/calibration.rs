//! Simulation-based calibration of guided look-ahead over operators: `cargo run --release -p rwt-tables --bin calibration`.

use rwt_picture::write_png;
use rwt_tables::calibration::{CHAINS, Calibration, Told, calibrate, cases};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

const HELP: &str = "usage: calibration [options]

Draws pictures of a prior, measures them, samples the posterior by guided look-ahead (99 evaluations, 19 samples each), and
looks where the truth lies among the samples. Six operators on a Gaussian prior, and a mixture of narrow modes.

  --repetitions N   pictures for each operator and noise      [500]
  --seed N          the same seed gives the same table        [1]
  --only NAME       one operator: mask, blur, downsampling, Fourier, Radon, dense or mixture
  --picture FILE    where the rank histograms are drawn, PNG  [none]
";

const ETAS: [f64; 3] = [0.2, 0.05, 0.01];

struct Options {
    repetitions: u32,
    seed: u64,
    only: Option<String>,
    picture: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(options) = parse(std::env::args().skip(1))? else {
        print!("{HELP}");
        return Ok(());
    };
    let cases = cases()?;
    let chosen: Vec<_> =
        cases.iter().filter(|case| options.only.as_deref().is_none_or(|name| name == case.name)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = cases.iter().map(|case| case.name).collect();
        return Err(format!("--only must be one of {}", names.join(", ")).into());
    }
    println!(
        "{} repetitions of {CHAINS} samples; eta in units of the prior's standard deviation. 90 %: the truths in the 90 %\n\
         intervals, in percent, with the standard error; bias: of the samples' mean, rms, in posterior standard deviations;\n\
         std: the samples' over the posterior's; ranks: where the truth lies among the samples, over all elements, flat and half\n\
         high if all is right; chi^2 of 19 degrees, of one element a repetition, and as a normal number z.\n",
        options.repetitions
    );
    println!("{:14}{:>6}{:>14}{:>8}{:>8}  {:20}{:>8}{:>7}", "", "eta", "90 %", "bias", "std", "ranks", "chi^2", "z");
    let mut histograms = Vec::new();
    for case in chosen {
        for eta in ETAS {
            let progress = Progress::new(format!("{}, eta {eta}", case.name), options.repetitions);
            let found = calibrate(case, eta, Told::Right, options.repetitions, options.seed, || progress.done())?;
            progress.end();
            print(case.name, eta, &found)?;
            histograms.push(found.ranks.densities());
        }
    }
    options.picture.map_or(Ok(()), |path| draw(&path, &histograms))
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, Box<dyn std::error::Error>> {
    let mut options = Options { repetitions: 500, seed: 1, only: None, picture: None };
    while let Some(name) = arguments.next() {
        if name == "--help" || name == "-h" {
            return Ok(None);
        }
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value; see --help"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{name} must be a whole number, found {value}"));
        match name.as_str() {
            "--repetitions" => {
                let found = number()?;
                options.repetitions = u32::try_from(found)
                    .ok()
                    .filter(|count| *count >= 2)
                    .ok_or_else(|| format!("--repetitions must be 2 to {}, found {found}", u32::MAX))?;
            }
            "--seed" => options.seed = number()?,
            "--only" => options.only = Some(value),
            "--picture" => options.picture = Some(value.into()),
            _ => return Err(format!("there is no {name}; see --help").into()),
        }
    }
    Ok(Some(options))
}

fn print(name: &str, eta: f64, found: &Calibration) -> Result<(), rwt_core::Error> {
    let (coverage, error) = found.coverage;
    let fit = found.single.chi2()?;
    let coverage = format!("{:.1} ± {:.1}", 100.0 * coverage, 100.0 * error);
    println!(
        "{name:14}{eta:>6}{coverage:>14}{:>8.3}{:>8.3}  {}{:>8.1}{:>7.1}",
        found.bias,
        found.spread,
        found.ranks.chart(),
        fit.chi2(),
        fit.z()
    );
    Ok(())
}

/// Repetitions done, on a terminal.
struct Progress {
    name: String,
    total: u32,
    done: AtomicU32,
    shown: bool,
}

impl Progress {
    fn new(name: String, total: u32) -> Self {
        Self { name, total, done: AtomicU32::new(0), shown: std::io::stderr().is_terminal() }
    }

    fn done(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K{}: {done} of {}", self.name, self.total);
        }
    }

    fn end(&self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        } else {
            let _ = writeln!(std::io::stderr(), "{}: {} repetitions", self.name, self.total);
        }
    }
}

/// The histograms, a row for each operator and a column for each noise; the line is what is right.
fn draw<const PLACES: usize>(path: &Path, histograms: &[[f64; PLACES]]) -> Result<(), Box<dyn std::error::Error>> {
    const BAR: usize = 6;
    const HEIGHT: usize = 80;
    const GAP: usize = 10;
    let (across, down) = (PLACES * BAR + GAP, HEIGHT + GAP);
    let (width, height) = (across * ETAS.len() + GAP, down * histograms.len().div_ceil(ETAS.len()) + GAP);
    let mut sheet = vec![1f32; width * height];
    for (index, densities) in histograms.iter().enumerate() {
        let (left, top) = (GAP + index % ETAS.len() * across, GAP + index / ETAS.len() * down);
        for (x, y) in (0..PLACES * BAR).flat_map(|x| (0..HEIGHT).map(move |y| (x, y))) {
            let bar = (densities[x / BAR] * HEIGHT as f64 / 2.0).min(HEIGHT as f64) as usize;
            let level = if y == HEIGHT / 2 {
                0.0
            } else if HEIGHT - y <= bar {
                0.6
            } else {
                0.93
            };
            sheet[(top + y) * width + left + x] = level;
        }
    }
    write_png(path, &sheet, [1, height, width], 0.0, 1.0)?;
    println!("\n{}: a row for each operator, a column for each eta; the line is what is right", path.display());
    Ok(())
}
