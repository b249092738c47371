//! The core samples in the caller's memory: it never allocates.

use rwt_core::{
    Chain, Gaussian, Likelihood, Mask, Poisson, Problem, Progress, Schedule, SliceWalker, Step, Walk, recipes,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::ControlFlow;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: the system's allocator does the work; the counter itself does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's layout.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's layout.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's block.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's block.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

const N: usize = 96;
const LEVELS: usize = 20;

fn levels() -> [f64; LEVELS] {
    let mut levels = [0.0; LEVELS];
    Schedule::Geometric { sigma_max: 10.0, sigma_min: 0.02 }.levels(&mut levels).expect("levels");
    levels
}

#[test]
fn the_counter_sees_a_vector() {
    let grow = || {
        let mut vector = std::hint::black_box(vec![1u8; 10]);
        vector.reserve(100);
        std::hint::black_box(vector);
    };
    assert_eq!(allocations(grow), 2);
}

#[test]
fn sampling_the_prior_does_not_allocate() {
    let prior = Gaussian::new(&[0.2; N], &[0.3; N]).expect("a prior");
    let (mut x, mut denoised, mut previous) = ([0.0; 2 * N], [0.0; 2 * N], [0.0; 2 * N]);
    let work = || {
        let mut rows = [Step::default(); LEVELS + 1];
        let count = recipes::multistep(&levels(), 0.25, &mut rows).expect("rows");
        let mut walker = SliceWalker::new(prior, 7, 0, 2, &mut x, &mut denoised, &mut previous).expect("a walker");
        let walk = Walk::new(&rows[..count]).expect("a plan");
        walk.sample(&mut walker, |_, _, _| ControlFlow::Continue(())).expect("a walk");
    };
    assert_eq!(allocations(work), 0);
    assert!(x.iter().all(|v| v.is_finite()));
}

type Method = fn(&Problem<'_, Mask<'_>>, &[f64], &mut Gaussian<'_>, &mut [f32], &mut [f32]);

fn check(method: Method) {
    let mut mask = [1; N / 3];
    mask[3] = 0;
    let operator = Mask::new(&mask, 3).expect("a mask");
    let problem = Problem::gaussian(&operator, &[0.5; N], 0.1, 0.2, 0.3);
    let mut prior = Gaussian::new(&[0.2; N], &[0.3; N]).expect("a prior");
    let counts = Likelihood::Poisson(Poisson { gain: 20.0, background: &[25.0] });
    for problem in [problem, Problem { likelihood: counts, ..problem }] {
        let (mut x, mut workspace) = ([0.0; N], vec![0.0; problem.workspace_len(1)]);
        assert_eq!(allocations(|| method(&problem, &levels(), &mut prior, &mut x, &mut workspace)), 0);
        assert!(x.iter().all(|v| v.is_finite()));
    }
}

const CHAIN: Chain = Chain { seed: 7, chain: 0 };

fn go_on(_: Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn guided_look_ahead_does_not_allocate() {
    check(|problem, levels, prior, x, workspace| {
        rwt_core::gla(problem, levels, CHAIN, prior, x, workspace, go_on).expect("a sample");
    });
}

#[test]
fn the_preconditioned_walk_does_not_allocate() {
    check(|problem, levels, prior, x, workspace| {
        rwt_core::preconditioned(problem, levels, 1.0, Some(0.5), CHAIN, prior, x, workspace, go_on).expect("a sample");
    });
    check(|problem, levels, prior, x, workspace| {
        rwt_core::preconditioned(problem, levels, 1.0, None, CHAIN, prior, x, workspace, go_on).expect("a sample");
    });
}

#[test]
fn the_template_does_not_allocate() {
    check(|problem, levels, prior, x, workspace| {
        rwt_core::template(problem, levels, 0.77683, 0.0, CHAIN, prior, x, workspace, go_on).expect("a sample");
    });
}
