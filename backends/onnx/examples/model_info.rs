//! Tells what a model file is, or why it cannot be used: `cargo run --release -p rwt-onnx --example model_info FILE
//! [ENGINE]`.

use rwt_core::Denoiser;
use rwt_onnx::{EngineChoice, OnnxDenoiser, OpenOptions};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (path, engine) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [path] if !path.starts_with('-') => (path, EngineChoice::Embedded),
        [path, engine] => (path, engine.parse()?),
        _ => {
            println!("usage: model_info FILE [embedded | onnxruntime | openvino | cuda ..., maybe with -bf16 or -f16]");
            return Ok(());
        }
    };
    let start = Instant::now();
    let model = match OnnxDenoiser::open_with(path, &OpenOptions { engine, ..OpenOptions::default() }) {
        Ok(model) => model,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    };
    let (info, conventions) = (model.info(), &model.info().conventions);
    println!("{} ({})", info.name, info.licence);
    if !info.source.is_empty() {
        println!("  source       {}", info.source);
    }
    println!("  pictures     {} channels, values {} to {}", info.channels, info.range.0, info.range.1);
    println!("  data         mean {}, variance {}", info.mean, info.variance);
    println!("  sigma        {} to {}", info.sigma_min, info.sigma_max);
    println!(
        "  predicts     {:?}{}",
        conventions.prediction,
        if conventions.learned_variance { ", and variances" } else { "" }
    );
    match conventions.table.len() {
        0 => println!("  is told      {:?}", conventions.time),
        n => println!("  is told      {:?} on a table of {n} levels", conventions.time),
    }
    println!("  sizes        multiples of {}, {} pixels of margin", info.multiple, info.margin);
    println!("  symmetries   {}", if info.square { "those of the square" } else { "none" });
    println!("  engine       {}, opened in {:.2} s", model.engine_name(), start.elapsed().as_secs_f64());
    let mut evaluator = model.evaluator(64, 64)?;
    let mut x = vec![info.mean as f32; info.channels * 64 * 64];
    let start = Instant::now();
    evaluator.denoise(&x.clone(), info.sigma_max, &mut x)?;
    println!("  a picture of 64 x 64 takes {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    for side in [64, 256, 1024] {
        match model.memory(1, side, side) {
            Ok(bytes) => println!("  one of {side} x {side} needs up to {:.0} MiB", bytes as f64 / 1048576.0),
            Err(error) => println!("  one of {side} x {side}: {error}"),
        }
    }
    Ok(())
}
