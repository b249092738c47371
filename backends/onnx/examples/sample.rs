//! Draws pictures from any model by DDIM and writes them beside each other as a PPM.

use rwt_core::{Chain, Denoiser, Schedule, SliceWalker, Step, Walk, recipes};
use rwt_onnx::{EngineChoice, ModelInfo, OnnxDenoiser, OpenOptions, RuntimeOptions};
use std::io::Write;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

const HELP: &str = "usage: sample MODEL [options]

  --engine NAME   embedded, onnxruntime, openvino, cuda ..., maybe with -bf16 or -f16   [embedded]
  --side N        pixels                                                                [64]
  --pictures N    how many to draw                                                      [4]
  --steps N       evaluations of each                                                   [50]
  --threads N     of the CPU; 0: one for each core                                      [0]
  --batch N       pictures of an evaluation; 0: as suits the engine                     [0]
  --seed N                                                                              [1]
  --out FILE      where the pictures go                                                 [sample.ppm]";

type Failure = Box<dyn std::error::Error>;

struct Options {
    model: String,
    engine: EngineChoice,
    side: usize,
    pictures: usize,
    steps: usize,
    threads: usize,
    batch: usize,
    seed: u64,
    out: String,
}

fn options() -> Result<Options, Failure> {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().filter(|model| !model.starts_with('-'));
    let Some(model) = model else {
        println!("{HELP}");
        std::process::exit(0);
    };
    let engine = EngineChoice::Embedded;
    let (side, pictures, steps, threads, batch, seed, out) = (64, 4, 50, 0, 0, 1, "sample.ppm".into());
    let mut options = Options { model, engine, side, pictures, steps, threads, batch, seed, out };
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or(format!("{name} needs a value\n{HELP}"))?;
        let number = || value.parse::<usize>().map_err(|_| format!("{name}: expected a number, found {value:?}"));
        match &name[..] {
            "--engine" => options.engine = value.parse()?,
            "--side" => options.side = number()?,
            "--pictures" => options.pictures = number()?.max(1),
            "--steps" => options.steps = number()?.max(2),
            "--threads" => options.threads = number()?,
            "--batch" => options.batch = number()?,
            "--seed" => options.seed = number()? as u64,
            "--out" => options.out = value,
            _ => return Err(format!("there is no {name}\n{HELP}").into()),
        }
    }
    if options.threads == 0 {
        options.threads = std::thread::available_parallelism().map_or(1, usize::from);
    }
    if let EngineChoice::Runtime(runtime) = options.engine {
        let runtime = RuntimeOptions { threads: options.threads, batch: options.batch, ..runtime };
        options.engine = EngineChoice::Runtime(runtime);
    }
    Ok(options)
}

/// The levels of a walk: of the network's own table where it has one.
fn levels(info: &ModelInfo, steps: usize) -> Result<Vec<f64>, Failure> {
    let table = &info.conventions.table;
    if table.is_empty() {
        let mut levels = vec![0.0; steps];
        Schedule::Karras { sigma_max: info.sigma_max.min(80.0), sigma_min: info.sigma_min, rho: 7.0 }
            .levels(&mut levels)?;
        return Ok(levels);
    }
    let place = |k: usize| (table.len() - 1) * k / (steps.min(table.len()) - 1);
    Ok((0..steps.min(table.len())).rev().map(|k| table[place(k)]).collect())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let options = options()?;
    let start = Instant::now();
    let how = OpenOptions { engine: options.engine.clone(), ..OpenOptions::default() };
    let model = OnnxDenoiser::open_with(&options.model, &how)?;
    let (info, side) = (model.info(), options.side);
    let levels = levels(info, options.steps)?;
    let mut rows = vec![Step::default(); levels.len() + 1];
    let count = recipes::ddim(&levels, 0.0, &mut rows)?;
    let walk = Walk::new(&rows[..count])?;
    model.evaluator(side, side)?.prepare(options.pictures)?;
    let opened = start.elapsed().as_secs_f64();

    let mut x = vec![0f32; info.channels * side * side * options.pictures];
    let start = Instant::now();
    draw(&model, &walk, &options, &mut x)?;
    let took = start.elapsed().as_secs_f64();
    println!("{}: opened in {opened:.2} s, {} pictures drawn in {took:.3} s", model.engine_name(), options.pictures);
    write(&options, info, &x)
}

/// Side by side on one engine of many threads, or one after another on many engines of one thread.
fn draw(model: &OnnxDenoiser, walk: &Walk<'_>, options: &Options, x: &mut [f32]) -> Result<(), String> {
    let (side, text) = (options.side, |error: rwt_onnx::Error| error.to_string());
    let n = x.len() / options.pictures;
    let batch = model.evaluator(side, side).map_err(text)?.batch().min(options.pictures);
    let groups = Mutex::new(x.chunks_mut(n * batch).enumerate());
    let work = || -> Result<(), String> {
        let mut evaluator = model.evaluator(side, side).map_err(text)?;
        evaluator.prepare(batch).map_err(text)?;
        while let Some((group, x)) = groups.lock().map_err(|error| error.to_string())?.next() {
            let first = Chain { seed: options.seed, chain: (group * batch) as u64 };
            evaluator.set_chains(Some(first));
            let denoise = |x: &[f32], sigma: f64, denoised: &mut [f32]| evaluator.denoise(x, sigma, denoised);
            let mut denoised = vec![0f32; x.len()];
            let walker = SliceWalker::new(denoise, first.seed, first.chain, x.len() / n, x, &mut denoised, &mut []);
            let done = walk.sample(&mut walker.map_err(|error| error.to_string())?, |row, _, _| {
                if group == 0 {
                    eprint!("\r{row}/{}", walk.steps().len() - 1);
                }
                ControlFlow::Continue(())
            });
            done.map_err(|error| error.to_string())?;
        }
        Ok(())
    };
    let threads = if model.is_parallel() { options.threads } else { 1 };
    let done = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or(Err("a thread panicked".into())))
    });
    eprintln!();
    done
}

/// Grey, or of three channels; of others the first.
fn write(options: &Options, info: &ModelInfo, x: &[f32]) -> Result<(), Failure> {
    let (side, (low, high)) = (options.side, info.range);
    let mut file = std::io::BufWriter::new(std::fs::File::create(&options.out)?);
    writeln!(file, "P6 {} {side} 255", side * options.pictures)?;
    for row in 0..side {
        for picture in x.chunks(info.channels * side * side) {
            for column in 0..side {
                for channel in 0..3 {
                    let plane = if info.channels == 3 { channel } else { 0 };
                    let value = f64::from(picture[(plane * side + row) * side + column]);
                    file.write_all(&[(255.0 * (value - low) / (high - low)).round().clamp(0.0, 255.0) as u8])?;
                }
            }
        }
    }
    println!("{}", options.out);
    Ok(file.flush()?)
}
