//! What rwt adds to an engine: a whole walk beside a bare loop of engine runs on the same padded size. The ratio of the
//! two is the overhead; where it drowns in the noise, "walk alone" is the walk without its network. The shipped model at 64 × 64, and the file that RWT_BENCH_MODEL names at 32 × 32 (`python
//! examples/export/diffusers_unet2d.py --random cifar10 --out FILE`); on the embedded engine with one thread, and on ONNX
//! Runtime with two where ORT_DYLIB_PATH is set.

mod bare;

use criterion::{Criterion, criterion_group, criterion_main};
use rten::{ModelOptions, RunOptions, ThreadPool, ValueView};
use rwt_core::{Denoiser, Schedule, SliceWalker, Step, Walk, recipes};
use rwt_onnx::{EngineChoice, OnnxDenoiser, OpenOptions, RuntimeOptions};
use std::hint::black_box;
use std::ops::ControlFlow;
use std::sync::Arc;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/models/rwt-leaves-rgb.onnx");
const EVALUATIONS: usize = 10;
const THREADS: usize = 2;

/// A network and what it is shown.
struct Case {
    path: String,
    name: &'static str,
    /// of a picture
    side: usize,
    /// of what the network sees
    padded: usize,
    time: &'static str,
    output: &'static str,
}

fn embedded_loop(case: &Case) -> impl FnMut() + use<> {
    let model = ModelOptions::with_all_ops().prepack_weights(true).load_file(&case.path).unwrap();
    let [x, time, output] = ["x", case.time, case.output].map(|name| model.find_node(name).unwrap());
    let pool = Arc::new(ThreadPool::with_num_threads(1));
    let (padded, side) = (vec![0.1f32; 3 * case.padded * case.padded], case.padded);
    move || {
        for _ in 0..EVALUATIONS {
            let image = ValueView::from_shape([1, 3, side, side], &padded[..]).unwrap();
            let level = ValueView::from_shape([1], &[0.5f32]).unwrap();
            let options = RunOptions::default().with_thread_pool(Some(pool.clone()));
            black_box(
                model.run_n::<1>(vec![(x, image.into()), (time, level.into())], [output], Some(options)).unwrap(),
            );
        }
    }
}

fn runtime_loop(case: &Case) -> impl FnMut() + use<> {
    let mut session = bare::Session::new(&case.path, case.time, case.output, case.padded, THREADS as i32);
    move || (0..EVALUATIONS).for_each(|_| session.run())
}

fn walk<D: Denoiser<Error: std::fmt::Debug>>(
    denoiser: D,
    rows: &[Step],
    [image, denoised, previous]: &mut [Vec<f32>; 3],
) {
    let mut walker = SliceWalker::new(denoiser, 1, 0, 1, image, denoised, previous).unwrap();
    Walk::new(rows).unwrap().sample(&mut walker, |_, _, _| ControlFlow::Continue(())).unwrap();
}

fn overhead(criterion: &mut Criterion) {
    let shipped = Case { path: MODEL.into(), name: "shipped", side: 64, padded: 80, time: "sigma", output: "denoised" };
    let mut cases = vec![shipped];
    if let Ok(path) = std::env::var("RWT_BENCH_MODEL") {
        cases.push(Case { path, name: "RWT_BENCH_MODEL", side: 32, padded: 32, time: "t", output: "output" });
    }
    let mut engines = vec![("embedded", EngineChoice::Embedded)];
    if std::env::var_os("ORT_DYLIB_PATH").is_some() {
        let options = RuntimeOptions { threads: THREADS, ..RuntimeOptions::default() };
        engines.push(("ONNX Runtime", EngineChoice::Runtime(options)));
    }
    for case in &cases {
        for (engine, choice) in &engines {
            let name = format!("{EVALUATIONS} evaluations, {}, {engine}", case.name);
            let mut group = criterion.benchmark_group(name);
            group.sample_size(20);
            let how = OpenOptions { engine: choice.clone(), ..OpenOptions::default() };
            let model = OnnxDenoiser::open_with(&case.path, &how).unwrap();
            let mut bare: Box<dyn FnMut()> = match choice {
                EngineChoice::Embedded => Box::new(embedded_loop(case)),
                _ => Box::new(runtime_loop(case)),
            };
            group.bench_function("bare loop", |bench| bench.iter(&mut bare));
            let mut evaluator = model.evaluator(case.side, case.side).unwrap();
            let mut levels = [0.0; EVALUATIONS];
            Schedule::Geometric { sigma_max: 20.0, sigma_min: 0.02 }.levels(&mut levels).unwrap();
            let mut rows = [Step::default(); EVALUATIONS + 1];
            recipes::multistep(&levels, 0.25, &mut rows).unwrap();
            let mut arrays = [(); 3].map(|()| vec![0f32; 3 * case.side * case.side]);
            let mut evaluate = |x: &[f32], sigma: f64, d: &mut [f32]| evaluator.denoise(x, sigma, d);
            group.bench_function("walk", |bench| bench.iter(|| walk(&mut evaluate, &rows, &mut arrays)));
            let nothing = |x: &[f32], _: f64, d: &mut [f32]| -> Result<(), ()> {
                d.copy_from_slice(x);
                Ok(())
            };
            group.bench_function("walk alone", |bench| bench.iter(|| walk(nothing, &rows, &mut arrays)));
            group.finish();
        }
    }
}

criterion_group!(benches, overhead);
criterion_main!(benches);
