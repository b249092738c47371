//! The loader on files that were changed at random: an error or a model, in bounded time and memory.
//!
//! It runs for two seconds, or as many as RWT_FUZZ_SECONDS says; RWT_FUZZ_SEED begins elsewhere.

mod common;
#[path = "common/graph.rs"]
mod graph;
#[path = "common/largest.rs"]
mod largest;

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use common::Random;
use graph::Graph;
use largest::LARGEST;
use rwt_core::Denoiser;
use rwt_onnx::OnnxDenoiser;

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
    ]
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
    let number = |name: &str, default: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (seconds, mut random) = (number("RWT_FUZZ_SECONDS", 2), Random(number("RWT_FUZZ_SEED", 1)));
    let (seeds, start) = (seeds(), Instant::now());
    let (mut refused, mut loaded) = (0u64, 0u64);
    std::panic::set_hook(Box::new(|_| {})); // the engine's own, which the loader turns into errors
    while start.elapsed() < Duration::from_secs(seconds) {
        let mut bytes = seeds[random.next() as usize % seeds.len()].clone();
        change(&mut bytes, &seeds[random.next() as usize % seeds.len()], &mut random);
        let begun = Instant::now();
        match OnnxDenoiser::from_bytes(bytes.clone()) {
            Err(error) => refused += u64::from(!error.to_string().is_empty()),
            Ok(model) => {
                let (info, mut x) = (model.info(), vec![0.5; 2 * model.info().channels * 9 * 7]);
                let sigma = info.sigma_min;
                let _ = model.evaluator(9, 7).and_then(|mut e| e.denoise(&x.clone(), sigma, &mut x));
                loaded += 1;
            }
        }
        let (took, largest) = (begun.elapsed(), LARGEST.swap(0, Relaxed));
        let place = std::env::temp_dir().join("rwt-fuzz-found.onnx");
        if took > Duration::from_secs(10) || largest > 1 << 30 {
            std::fs::write(&place, &bytes).unwrap();
            let _ = std::panic::take_hook();
            panic!("{took:?}, one allocation of {largest} bytes: {}", place.display());
        }
    }
    let _ = std::panic::take_hook();
    println!("{refused} refused, {loaded} loaded in {seconds} s");
    assert!(refused > 100 && loaded > 0, "{refused} refused, {loaded} loaded");
}
