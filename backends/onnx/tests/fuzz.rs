//! The loader on files that were changed at random: an error or a model, in bounded time and memory, on the embedded
//! engine and, if ORT_DYLIB_PATH names one, on ONNX Runtime.
//!
//! It runs for two seconds on each, or as many as RWT_FUZZ_SECONDS says; RWT_FUZZ_SEED begins elsewhere, RWT_FUZZ_ENGINE
//! takes one engine (embedded, onnxruntime).

mod common;
#[path = "common/graph.rs"]
mod graph;
#[path = "common/largest.rs"]
mod largest;
#[path = "common/skip.rs"]
mod skip;

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use common::Random;
use graph::{Constant, Graph};
use largest::LARGEST;
use rwt_core::Denoiser;
use rwt_onnx::{EngineChoice, OnnxDenoiser, OpenOptions};

/// Of memory, in bytes.
const BUDGET: u64 = 64 << 20;

fn seeds() -> Vec<Vec<u8>> {
    let domain = [("rwt.sigma_min", "0.02"), ("rwt.sigma_max", "50")];
    let sigma = [&[("rwt.prediction", "denoised"), ("rwt.time", "sigma")][..], &domain].concat();
    let ddpm = |time| {
        [("rwt.prediction", "noise"), ("rwt.process", "vp"), ("rwt.time", time), ("rwt.table", "linear 1e-4 0.02 50")]
    };
    let learned = [&ddpm("index")[..], &[("rwt.learned_variance", "yes")]].concat();
    vec![
        Graph::new("sigma", &sigma).bytes(),
        Graph { scalar: true, ..Graph::new("t", &ddpm("index")) }.bytes(),
        Graph { integer: true, ..Graph::new("t", &ddpm("integer")) }.bytes(),
        Graph { doubled: true, ..Graph::new("t", &learned) }.bytes(),
        with_sizes(Graph::new("sigma", &sigma)).bytes(),
    ]
}

/// Calculates with sizes, as exporters write it.
fn with_sizes(mut graph: Graph) -> Graph {
    let integers = Constant::integers;
    graph.constants = vec![
        integers("zero", &[0]),
        integers("one", &[1]),
        integers("two", &[2]),
        integers("free", &[-1]),
        integers("pads", &[0, 0, 0, 0, 0, 0, 0, 0]),
    ];
    graph.before = vec![
        ("Shape", vec!["x"], "shape"),
        ("Slice", vec!["shape", "zero", "two", "zero"], "front"),
        ("Gather axis 0", vec!["shape", "two"], "height"),
        ("Mul", vec!["height", "one"], "same"),
        ("Concat axis 0", vec!["front", "same", "free"], "sizes"),
        ("Reshape", vec!["x", "sizes"], "back"),
        ("ConstantOfShape", vec!["shape"], "zeros"),
        ("Add", vec!["back", "zeros"], "sum"),
        ("Expand", vec!["sum", "shape"], "wide"),
        ("Pad", vec!["wide", "pads"], "padded"),
        ("Transpose", vec!["padded"], "turned"),
        ("Transpose", vec!["turned"], "grown"),
    ];
    graph
}

/// One to four changes of what the format is made of.
fn change(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..1 + random.next() % 4 {
        let place = random.next() as usize % bytes.len().max(1);
        match random.next() % 8 {
            _ if bytes.is_empty() => bytes.push(random.next() as u8),
            0 | 1 => bytes[place] ^= 1 << (random.next() % 8),
            2 => bytes[place] = random.next() as u8,
            3 => bytes[place] = [0, 1, 127, 128, 255][random.next() as usize % 5],
            4 => bytes.truncate(place),
            5 => bytes.insert(place, random.next() as u8),
            6 => {
                let end = (place + random.next() as usize % 40).min(bytes.len());
                bytes.drain(place..end);
            }
            _ => {
                let from = random.next() as usize % other.len();
                let end = (from + random.next() as usize % 80).min(other.len());
                bytes.splice(place..place, other[from..end].iter().copied());
            }
        }
    }
}

#[test]
fn changed_files_are_refused_or_run_in_bounded_time_and_memory() {
    let chosen = std::env::var("RWT_FUZZ_ENGINE").ok();
    for name in ["embedded", "onnxruntime"] {
        if chosen.as_ref().is_some_and(|chosen| chosen != name) {
            continue;
        }
        if name == "onnxruntime" && std::env::var_os("ORT_DYLIB_PATH").is_none() {
            skip::skip("changed files on ONNX Runtime", "ORT_DYLIB_PATH is not set");
            continue;
        }
        std::panic::set_hook(Box::new(|_| {})); // the engine's own, which the loader turns into errors
        let found = fuzz(&name.parse().unwrap());
        let _ = std::panic::take_hook();
        let (refused, loaded) = found.unwrap_or_else(|what| panic!("{name}: {what}"));
        println!("{name}: {refused} refused, {loaded} loaded");
        assert!(refused > 100 && loaded > 0, "{name}: {refused} refused, {loaded} loaded");
    }
}

/// How many were refused and loaded, or what went wrong.
fn fuzz(engine: &EngineChoice) -> Result<(u64, u64), String> {
    let number = |name: &str, default: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (seconds, mut random) = (number("RWT_FUZZ_SECONDS", 2), Random(number("RWT_FUZZ_SEED", 1)));
    let (seeds, start) = (seeds(), Instant::now());
    let (mut refused, mut loaded) = (0, 0);
    let options = OpenOptions { engine: engine.clone(), memory: BUDGET, ..OpenOptions::default() };
    while start.elapsed() < Duration::from_secs(seconds) {
        let mut bytes = seeds[random.next() as usize % seeds.len()].clone();
        change(&mut bytes, &seeds[random.next() as usize % seeds.len()], &mut random);
        let begun = Instant::now();
        match OnnxDenoiser::from_bytes_with(bytes.clone(), &options) {
            Err(error) => refused += u64::from(!error.to_string().is_empty()),
            Ok(model) => {
                let (info, mut x) = (model.info(), vec![0.5; 2 * model.info().channels * 9 * 7]);
                let sigma = info.sigma_min;
                let _ = model.evaluator(9, 7).and_then(|mut e| e.denoise(&x.clone(), sigma, &mut x));
                loaded += 1;
            }
        }
        let (took, largest) = (begun.elapsed(), LARGEST.swap(0, Relaxed));
        if took > Duration::from_secs(10) || largest as u64 > BUDGET {
            let place = std::env::temp_dir().join("rwt-fuzz-found.onnx");
            std::fs::write(&place, &bytes).map_err(|error| error.to_string())?;
            return Err(format!("{took:?}, one allocation of {largest} bytes: {}", place.display()));
        }
    }
    Ok((refused, loaded))
}
