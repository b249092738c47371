//! Trains a small network with the training template of rwt, samples from it with a walk, and draws what it learned:
//!
//!     cargo run --release -p rwt-train-example -- mixture
//!     cargo run --release -p rwt-train-example -- glyphs
//!
//! The network is candle's; the noisy batch, the target, the loss and its gradient are rwt's.

mod draw;
mod glyphs;
mod mixture;
mod network;

use network::{Data, Trained};
use rwt_core::training::{Levels, Training, Weight};
use rwt_core::{Prediction, Time};
use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const USAGE: &str =
    "usage: train mixture|glyphs [--prediction denoised|noise|score|velocity|edm] [--steps N] [--out DIR]
  mixture   five modes on a ring: score-field.png (exact, learned), samples.png, and a table of the modes
  glyphs    8 x 8 digits: glyphs.png (above from the generator, below from the network)";

struct Options {
    task: String,
    prediction: Prediction,
    weight: Weight,
    steps: usize,
    out: PathBuf,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.is_empty() || arguments.iter().any(|a| a == "--help" || a == "-h") {
        println!("{USAGE}");
        return Ok(());
    }
    let options = parse(&arguments).map_err(|error| format!("{error}\n{USAGE}"))?;
    std::fs::create_dir_all(&options.out)?;
    match options.task.as_str() {
        "mixture" => mixture(&options),
        _ => glyphs(&options),
    }
}

fn parse(arguments: &[String]) -> Result<Options> {
    let task = arguments[0].clone();
    if !["mixture", "glyphs"].contains(&task.as_str()) {
        return Err(format!("expected mixture or glyphs, found {task}").into());
    }
    let mut options = Options {
        prediction: Prediction::Edm { sigma_data: 0.7 },
        weight: Weight::Edm { sigma_data: 0.7 },
        steps: if task == "mixture" { 6000 } else { 12_000 },
        out: PathBuf::from("train-out"),
        task,
    };
    for pair in arguments[1..].chunks(2) {
        let [name, value] = pair else { return Err(format!("{} needs a value", pair[0]).into()) };
        match name.as_str() {
            "--steps" => options.steps = value.parse().map_err(|_| format!("--steps needs a number, found {value}"))?,
            "--out" => options.out = value.into(),
            "--prediction" => (options.prediction, options.weight) = prediction(value)?,
            _ => return Err(format!("there is no option {name}").into()),
        }
    }
    Ok(options)
}

/// What the network predicts, with the weight of its usual loss.
fn prediction(name: &str) -> Result<(Prediction, Weight)> {
    Ok(match name {
        "denoised" => (Prediction::DenoisedVp, Weight::Edm { sigma_data: 0.7 }),
        "noise" => (Prediction::NoiseVp, Weight::Noise),
        "score" => (Prediction::ScoreVp, Weight::Noise),
        "velocity" => (Prediction::VelocityVp, Weight::Edm { sigma_data: 0.7 }),
        "edm" => (Prediction::Edm { sigma_data: 0.7 }, Weight::Edm { sigma_data: 0.7 }),
        _ => return Err(format!("there is no prediction {name}").into()),
    })
}

fn train(options: &Options, data: &dyn Data, width: usize) -> Result<Trained> {
    let training = Training { prediction: options.prediction, weight: options.weight, time: Time::QuarterLogSigma };
    let levels = Levels::LogUniform { low: network::SIGMA_MIN, high: network::SIGMA_MAX };
    Trained::train(data, training, levels, width, options.steps, |step, loss| {
        println!("step {step:6} of {}: loss {loss:.4}", options.steps);
    })
}

fn mixture(options: &Options) -> Result<()> {
    let trained = train(options, &mixture::Ring, 128)?;
    let samples = trained.sample(2000, 11)?;
    println!("\n{}", mixture::report(&samples));
    let save = |name: &str, picture: draw::Canvas| picture.save(&options.out.join(name));
    save("score-field.png", mixture::score_fields(&trained)?)?;
    save("samples.png", mixture::scatter(&samples))?;
    println!("wrote {}", list(&options.out, &["score-field.png", "samples.png"]));
    Ok(())
}

fn glyphs(options: &Options) -> Result<()> {
    let trained = train(options, &glyphs::Glyphs, 384)?;
    let samples = trained.sample(80, 11)?;
    println!("\n{}", glyphs::report(&samples));
    glyphs::sheet(&samples).save(&options.out.join("glyphs.png"))?;
    println!("wrote {}", list(&options.out, &["glyphs.png"]));
    Ok(())
}

fn list(folder: &Path, names: &[&str]) -> String {
    names.iter().map(|name| folder.join(name).display().to_string()).collect::<Vec<_>>().join(", ")
}
