//! What kernels compute on the mock device, from their PTX and their source, against Rust's arithmetic.

use rwt_cuda::{Array, Device, Element, Kernel, Module};
use rwt_tests::mock_cuda::{self, Mode};

fn probe(device: &Device, name: &str) -> Kernel {
    let module = Module::load(device, include_bytes!("../mock_cuda/kernels/probe.ptx")).expect("probe.ptx");
    module.kernel(name).expect(name)
}

macro_rules! launch {
    ($kernel:expr, $grid:expr, $block:expr, $shared:expr, $($value:expr),*) => {
        // SAFETY: the arguments have the kernel's types.
        unsafe { $kernel.launch($grid, $block, $shared, &mut [$(std::ptr::from_ref(&$value).cast_mut().cast()),*]) }
            .expect("a launch")
    };
}

fn read<T: Element + Default>(device: &Device, array: &Array<T>) -> Vec<T> {
    let mut values = vec![T::default(); array.len()];
    array.read(device, &mut values).expect("a copy");
    values
}

/// Random bits, among them many of the numbers at which things go wrong.
fn bits(seed: u64, count: usize) -> Vec<u64> {
    const EDGES: [u64; 14] = [
        0,
        1,
        1 << 31,
        1 << 63,
        0x7f80_0000,
        0xff80_0000,
        0x7fc0_0000,
        0x3f80_0000,
        0x0080_0000,
        0x7fff_ffff,
        0x7ff0_0000_0000_0000,
        0x7ff8_0000_0000_0000,
        u64::MAX,
        0x0000_0001_8000_0000,
    ];
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    };
    (0..count).map(|_| if next() % 4 == 0 { EDGES[(next() % 14) as usize] } else { next() }).collect()
}

/// Equal bits, but for what is not a number.
fn same(found: u32, expected: f32, what: &str) {
    let (bits, nan) = (expected.to_bits(), f32::from_bits(found).is_nan() && expected.is_nan());
    assert!(found == bits || nan, "{what}: {found:#x}, expected {bits:#x}");
}

fn same64(found: u64, expected: f64, what: &str) {
    let (bits, nan) = (expected.to_bits(), f64::from_bits(found).is_nan() && expected.is_nan());
    assert!(found == bits || nan, "{what}: {found:#x}, expected {bits:#x}");
}

/// The smaller one, with −0 before +0; the other one of what is not a number.
fn least(f: f32, g: f32) -> f32 {
    if f.is_nan() || g.is_nan() {
        if f.is_nan() { g } else { f }
    } else if f.total_cmp(&g).is_lt() {
        f
    } else {
        g
    }
}

#[test]
fn words_are_computed_as_in_rust() {
    mock_cuda::both("words_are_computed_as_in_rust", |_| {
        let device = Device::open(0).unwrap();
        let n = 5000u32;
        let words = |seed| bits(seed, n as usize).iter().map(|word| *word as u32).collect::<Vec<_>>();
        let (a, b) = (words(1), words(2));
        let (on_a, on_b) = (Array::from_host(&device, &a).unwrap(), Array::from_host(&device, &b).unwrap());
        let out = Array::<u32>::zeros(&device, 16 * n as usize).unwrap();
        let kernel = probe(&device, "probe_words");
        launch!(kernel, [n.div_ceil(96), 1, 1], [96, 1, 1], 0, on_a.address(), on_b.address(), n, out.address());
        for ((o, p), q) in read(&device, &out).chunks_exact(16).zip(a).zip(b) {
            let (f, g) = (f32::from_bits(p), f32::from_bits(q));
            let what = format!("{p:#x}, {q:#x}");
            assert_eq!(o[0], p.wrapping_mul(q).wrapping_add(7), "{what}");
            assert_eq!(o[1], ((u128::from(p) * u128::from(q)) >> 32) as u32, "{what}");
            assert_eq!((o[2], o[3]), (p / (q | 1), p % (q | 1)), "{what}");
            assert_eq!(o[4], ((f64::from(p as i32) / 2f64.powi((q & 31) as i32)).floor()) as i32 as u32, "{what}");
            assert_eq!(o[5], p.rotate_left(q & 31), "{what}");
            assert_eq!(o[6], (p as i32).min(q as i32) as u32 ^ p.max(q), "{what}");
            same(o[7], f + g, &what);
            same(o[8], f * g, &what);
            same(o[9], f / g, &what);
            same(o[10], f.abs().sqrt(), &what);
            same(o[11], f.mul_add(g, f), &what);
            same(o[12], least(f, g), &what);
            same(o[13], -least(-f, -g), &what);
            same(o[14], p as f32 + q as i32 as f32 * (q % 8 + 1) as f32, &what);
            assert_eq!(o[15], [11, p, p ^ q, !p, p & q, p | q, 0][(q % 7) as usize], "{what}");
        }
    });
}

#[test]
fn longs_are_computed_as_in_rust() {
    mock_cuda::both("longs_are_computed_as_in_rust", |_| {
        let device = Device::open(0).unwrap();
        let n = 5000u32;
        let (a, b) = (bits(3, n as usize), bits(4, n as usize));
        let (on_a, on_b) = (Array::from_host(&device, &a).unwrap(), Array::from_host(&device, &b).unwrap());
        let out = Array::<u64>::zeros(&device, 8 * n as usize).unwrap();
        let kernel = probe(&device, "probe_longs");
        launch!(kernel, [n.div_ceil(64), 1, 1], [64, 1, 1], 0, on_a.address(), on_b.address(), n, out.address());
        for ((o, r), s) in read(&device, &out).chunks_exact(8).zip(a).zip(b) {
            let (p, q) = (f64::from_bits(r), f64::from_bits(s));
            let what = format!("{r:#x}, {s:#x}");
            same64(o[0], p * q - p, &what);
            same64(o[1], p / q, &what);
            same64(o[2], p.abs().sqrt(), &what);
            same64(o[3], p.mul_add(q, p), &what);
            same(o[4] as u32, p as f32, &what);
            assert_eq!(o[5], r.wrapping_mul(s).wrapping_add(r >> (s & 63)), "{what}");
            assert_eq!(o[6], (r / (s | 1)) ^ ((r as i64) >> 7) as u64, "{what}");
            assert_eq!(o[7], r.min(s), "{what}");
        }
    });
}

#[test]
fn blocks_sum_in_shared_memory_and_by_shuffles() {
    let test = "blocks_sum_in_shared_memory_and_by_shuffles";
    let body = |_: &_| {
        let device = Device::open(0).unwrap();
        let n = 128 * 3 - 40;
        let values: Vec<f32> = (0..4 * n).map(|i| (i * i % 37) as f32).collect(); // sums of whole numbers are exact
        let on_device = Array::from_host(&device, &values).unwrap();
        let out = Array::<f32>::zeros(&device, 9).unwrap();
        let kernel = probe(&device, "probe_sums");
        launch!(kernel, [3, 1, 1], [128, 1, 1], 512, on_device.address(), n as u32, out.address());
        for (sums, block) in read(&device, &out).chunks_exact(3).zip(values.chunks(512)) {
            let expected = block.iter().sum::<f32>();
            assert_eq!(sums, [expected, expected, (31 * 16) as f32]);
        }
    };
    // fibres that know the sanitizer, and every order of threads and blocks
    mock_cuda::in_modes(test, &[Mode::Ptx, Mode::Source, Mode::Sanitized], &[], body);
    mock_cuda::in_modes(test, &[Mode::Ptx, Mode::Source], &[("RWT_MOCK_ORDER", "reverse")], body);
}

#[test]
fn a_missing_barrier_shows_in_the_other_order() {
    let test = "a_missing_barrier_shows_in_the_other_order";
    let body = |_: &_| {
        let device = Device::open(0).unwrap();
        let out = Array::<u32>::zeros(&device, 64).unwrap();
        launch!(probe(&device, "probe_race"), [1; 3], [64, 1, 1], 0, out.address());
        // the warp that came first has read what was not written yet
        let found = read(&device, &out);
        let right = |range: std::ops::Range<usize>| range.clone().all(|i| found[i] == 63 - i as u32);
        let reverse = std::env::var_os("RWT_MOCK_ORDER").is_some();
        assert_eq!((right(0..32), right(32..64)), (reverse, !reverse));
    };
    mock_cuda::in_modes(test, &[Mode::Ptx], &[], body);
    mock_cuda::in_modes(test, &[Mode::Ptx], &[("RWT_MOCK_ORDER", "reverse")], body);
}

/// Prints instructions a second: `cargo test -p rwt-tests --test cuda_probe -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed() {
    mock_cuda::both("speed", |mock| {
        let device = Device::open(0).unwrap();
        let n = 1u32 << 21;
        let a = Array::from_host(&device, &vec![1.5f32; 4 * n as usize]).unwrap();
        let out = Array::<f32>::zeros(&device, 16 * n as usize).unwrap();
        let report = |name: &str, kernel: &dyn Fn()| {
            mock.reset();
            let start = std::time::Instant::now();
            kernel();
            let seconds = start.elapsed().as_secs_f64();
            let rate = 32.0 * mock.counter("instructions") as f64 / seconds;
            let mode = std::env::var("RWT_MOCK_MODE").unwrap_or("ptx".into());
            let line = format!(
                "{name} ({mode}): {seconds:.2} s for {n} threads, {:.0} M instructions of threads a second\n",
                rate / 1e6
            );
            std::io::Write::write_all(&mut std::io::stderr(), format!("MEASURED: {line}").as_bytes()).unwrap();
        };
        let (sums, words) = (probe(&device, "probe_sums"), probe(&device, "probe_words"));
        report("block sums", &|| launch!(sums, [n / 128, 1, 1], [128, 1, 1], 512, a.address(), n, out.address()));
        report("words", &|| {
            launch!(words, [n / 128, 1, 1], [128, 1, 1], 0, a.address(), a.address(), n, out.address())
        });
    });
}
