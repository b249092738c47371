//! What rwt adds to the engine: a whole walk with the shipped model at 64 × 64 beside a bare loop of engine runs on the
//! same padded size, one thread each. The ratio of the two is the overhead.

use criterion::{Criterion, criterion_group, criterion_main};
use rten::{ModelOptions, RunOptions, ThreadPool, ValueView};
use rwt_core::{Schedule, SliceWalker, Step, Walk, recipes};
use rwt_onnx::OnnxDenoiser;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::sync::Arc;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/models/rwt-leaves-rgb.onnx");
const SIDE: usize = 64;
const EVALUATIONS: usize = 10;

fn overhead(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("10 evaluations at 64 x 64");
    group.sample_size(20);

    let model = ModelOptions::with_all_ops().prepack_weights(true).load_file(MODEL).unwrap();
    let [x, sigma] = ["x", "sigma"].map(|name| model.find_node(name).unwrap());
    let denoised = model.find_node("denoised").unwrap();
    let pool = Arc::new(ThreadPool::with_num_threads(1));
    let padded = vec![0.1f32; 3 * (SIDE + 16) * (SIDE + 16)];
    group.bench_function("bare loop", |bench| {
        bench.iter(|| {
            for _ in 0..EVALUATIONS {
                let image = ValueView::from_shape([1, 3, SIDE + 16, SIDE + 16], &padded[..]).unwrap();
                let level = ValueView::from_shape([1], &[0.5f32]).unwrap();
                let options = RunOptions::default().with_thread_pool(Some(pool.clone()));
                let inputs = vec![(x, image.into()), (sigma, level.into())];
                black_box(model.run_n::<1>(inputs, [denoised], Some(options)).unwrap());
            }
        });
    });

    let model = OnnxDenoiser::open(MODEL).unwrap();
    let mut evaluator = model.evaluator(SIDE, SIDE).unwrap();
    let mut levels = [0.0; EVALUATIONS];
    Schedule::Geometric { sigma_max: 20.0, sigma_min: 0.02 }.levels(&mut levels).unwrap();
    let mut rows = [Step::default(); EVALUATIONS + 1];
    recipes::multistep(&levels, 0.25, &mut rows).unwrap();
    let n = 3 * SIDE * SIDE;
    let (mut image, mut denoised, mut previous) = (vec![0f32; n], vec![0f32; n], vec![0f32; n]);
    group.bench_function("walk", |bench| {
        bench.iter(|| {
            let denoiser =
                |x: &[f32], sigma: f64, d: &mut [f32]| rwt_core::Denoiser::denoise(&mut evaluator, x, sigma, d);
            let mut walker = SliceWalker::new(denoiser, 1, 0, 1, &mut image, &mut denoised, &mut previous).unwrap();
            Walk::new(&rows).unwrap().sample(&mut walker, |_, _, _| ControlFlow::Continue(())).unwrap();
        });
    });
    group.finish();
}

criterion_group!(benches, overhead);
criterion_main!(benches);
