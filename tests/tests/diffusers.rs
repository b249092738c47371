//! Networks exported from diffusers walk the path that diffusers walks, on every engine.

use rwt_core::recipes::{self, DdpmVariance};
use rwt_core::{Denoiser, Step, update};
use rwt_onnx::{EngineChoice, OnnxDenoiser, OpenOptions, RuntimeOptions};
use rwt_tests::{root, run, scratch, skip};
use std::path::{Path, PathBuf};
use std::process::Command;

const STEPS: usize = 50;
/// diffusers' time steps: 980, 960, …, 0 of 1000.
const STRIDE: usize = 20;

/// The Python with PyTorch, or a skipped test.
fn python(test: &str) -> Option<std::ffi::OsString> {
    let python = std::env::var_os("RWT_TORCH_PYTHON");
    if python.is_none() {
        skip(test, "RWT_TORCH_PYTHON does not name a Python with torch, diffusers, onnx and onnxruntime");
    }
    python
}

/// The exported files and the paths, or `None` if there is no Python with PyTorch.
fn exported() -> Option<PathBuf> {
    let python = python("exported_networks_walk_the_path_of_diffusers")?;
    let folder = scratch("diffusers");
    let script = root().join("tests/python/diffusers_paths.py");
    run(Command::new(python).arg("-W").arg("ignore").arg(script).arg(&folder).arg(root().join("examples/export")));
    Some(folder)
}

fn engines(path: &Path) -> Vec<OnnxDenoiser> {
    let open = |engine| OnnxDenoiser::open_with(path, &OpenOptions { engine, ..OpenOptions::default() }).unwrap();
    let mut models = vec![open(EngineChoice::Embedded)];
    if std::env::var_os("ORT_DYLIB_PATH").is_some() {
        models.push(open(EngineChoice::Runtime(RuntimeOptions::default())));
    } else {
        skip("diffusers on ONNX Runtime", "ORT_DYLIB_PATH is not set");
    }
    models
}

/// 50 steps of (before, noise, after), in the scale of x_t.
fn path(file: &Path, n: usize) -> Vec<[Vec<f32>; 3]> {
    let bytes = std::fs::read(file).unwrap();
    let values: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    assert_eq!(values.len(), 3 * n * STEPS);
    values.chunks_exact(3 * n).map(|step| std::array::from_fn(|k| step[k * n..(k + 1) * n].to_vec())).collect()
}

/// One row from `x` in the walk's scale, with diffusers' noise; DDPM with D clipped to ±1. (Its DDIM clips D, but not the
/// noise that goes with it, which no denoiser does.)
fn step(evaluator: &mut rwt_onnx::Evaluator<'_>, row: &Step, clip: f32, noise: &[f32], x: &mut [f32]) {
    let mut denoised = vec![0.0; x.len()];
    evaluator.denoise(x, row.sigma, &mut denoised).unwrap();
    denoised.iter_mut().for_each(|d| *d = d.clamp(-clip, clip));
    update(&Step { noise: 0.0, ..*row }, 0, 0, x, &denoised, &[], &[]).unwrap();
    x.iter_mut().zip(noise).for_each(|(x, n)| *x += row.noise as f32 * n);
}

/// The largest difference of a · scale from b, over the largest of b where that is above 1.
fn largest_difference(a: &[f32], b: &[f32], scale: f64) -> f64 {
    assert!(a.len() == b.len() && a.iter().chain(b).all(|value| value.is_finite()));
    let largest = b.iter().fold(1.0f32, |m, b| m.max(b.abs()));
    let differences = a.iter().zip(b).map(|(a, b)| (f64::from(*a) * scale - f64::from(*b)).abs());
    differences.fold(0.0, f64::max) / f64::from(largest)
}

/// From equal inputs each step, and from the start the whole path.
fn follow(model: &OnnxDenoiser, rows: &[Step], steps: &[[Vec<f32>; 3]], side: usize, name: &str) {
    let clip = if name.ends_with("ddpm") { 1.0 } else { f32::INFINITY };
    let mut evaluator = model.evaluator(side, side).unwrap();
    let scale = |sigma: f64| (1.0 + sigma * sigma).sqrt(); // 1/√ᾱ
    let to_walk =
        |x: &[f32], sigma: f64| -> Vec<f32> { x.iter().map(|v| (f64::from(*v) * scale(sigma)) as f32).collect() };
    let (mut free, mut worst) = (to_walk(&steps[0][0], rows[1].sigma), 0.0f64);
    for (k, [before, noise, after]) in steps.iter().enumerate() {
        let row = &rows[k + 1];
        let back = rows.get(k + 2).map_or(1.0, |next| 1.0 / scale(next.sigma));
        let mut x = to_walk(before, row.sigma);
        step(&mut evaluator, row, clip, noise, &mut x);
        worst = worst.max(largest_difference(&x, after, back));
        step(&mut evaluator, row, clip, noise, &mut free);
    }
    let end = largest_difference(&free, &steps[STEPS - 1][2], 1.0);
    println!("{name}, {}: {worst:.1e} a step, {end:.1e} at the end", model.engine_name());
    assert!(worst < 1e-5, "{name}, {}: a step differs by {worst}", model.engine_name());
    assert!(end < 1e-3, "{name}, {}: the end differs by {end}", model.engine_name());
}

#[test]
fn exported_networks_walk_the_path_of_diffusers() {
    let Some(folder) = exported() else { return };
    for (name, side) in [("small", 16), ("cifar10", 32), ("guided", 64)] {
        for model in engines(&folder.join(format!("{name}.onnx"))) {
            let table = &model.info().conventions.table;
            let levels: Vec<f64> = (0..STEPS).rev().map(|k| table[STRIDE * k]).collect();
            for sampler in ["ddim", "ddpm"] {
                let mut rows = vec![Step::default(); STEPS + 1];
                match sampler {
                    "ddim" => recipes::ddim(&levels, 0.0, &mut rows).unwrap(),
                    _ => recipes::ddpm(&levels, DdpmVariance::Small, &mut rows).unwrap(),
                };
                let steps = path(&folder.join(format!("{name}-{sampler}.f32")), 3 * side * side);
                follow(&model, &rows, &steps, side, &format!("{name}, {sampler}"));
            }
        }
    }
}

#[test]
fn score_sde_and_edm_are_exported() {
    let Some(python) = python("score_sde_and_edm_are_exported") else { return };
    for (script, config) in
        [("score_sde", "small32"), ("score_sde", "small64"), ("edm", "small32"), ("edm", "small32-ddpmpp")]
    {
        let file = scratch("exports").join(format!("{script}-{config}.onnx"));
        let mut command = Command::new(&python);
        command.arg("-W").arg("ignore").arg(root().join(format!("examples/export/{script}.py")));
        run(command.args(["--config", config, "--random", "--out"]).arg(&file));
        let outputs: Vec<_> = engines(&file)
            .iter()
            .map(|model| {
                let x: Vec<f32> = (0..3 * 32 * 40).map(|i| (f64::from(i) * 0.37).sin() as f32).collect();
                let mut denoised = vec![f32::NAN; x.len()];
                model.evaluator(32, 40).unwrap().denoise(&x, 0.8, &mut denoised).unwrap();
                denoised
            })
            .collect();
        for output in &outputs {
            let difference = largest_difference(&outputs[0], output, 1.0);
            assert!(difference < 1e-5, "{script} {config}: the engines differ by {difference}");
        }
    }
}

#[test]
fn any_module_is_exported_by_an_adapter() {
    let Some(python) = python("any_module_is_exported_by_an_adapter") else { return };
    let export = root().join("examples/export");
    for name in ["drunet", "edm"] {
        let file = scratch("torch_module").join(format!("{name}.onnx"));
        let mut command = Command::new(&python);
        command.arg("-W").arg("ignore").arg(export.join("torch_module.py"));
        run(command.arg(export.join(format!("examples/{name}.py"))).arg("--out").arg(&file));
        for model in engines(&file) {
            assert_eq!(model.info().name, format!("{name}-like"));
        }
    }
}
