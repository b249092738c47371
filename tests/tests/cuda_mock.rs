//! The mock driver itself: what it refuses and counts.

use rwt_cuda::{Array, Device, Error, Kernel, Module};
use rwt_tests::mock_cuda::{self, Mock, Mode};
use rwt_tests::skip;

const ILLEGAL_ADDRESS: u32 = 700;
const LAUNCH_FAILED: u32 = 719;

fn probe(device: &Device, name: &str) -> Kernel {
    let module = Module::load(device, include_bytes!("../mock_cuda/kernels/probe.ptx")).expect("probe.ptx");
    module.kernel(name).expect(name)
}

macro_rules! launch {
    ($kernel:expr, $grid:expr, $block:expr, $shared:expr, $($value:expr),*) => {
        // SAFETY: the arguments have the kernel's types; what lies wrong is the mock's to find.
        unsafe { $kernel.launch($grid, $block, $shared, &mut [$(std::ptr::from_ref(&$value).cast_mut().cast()),*]) }
    };
}

fn read<T: rwt_cuda::Element + Default>(device: &Device, array: &Array<T>) -> Vec<T> {
    let mut values = vec![T::default(); array.len()];
    array.read(device, &mut values).expect("a copy");
    values
}

fn in_ptx(test: &str, variables: &[(&str, &str)], body: impl FnOnce(&Mock)) {
    mock_cuda::in_modes(test, &[Mode::Ptx], variables, body);
}

#[test]
fn no_driver_is_an_error() {
    mock_cuda::without_driver("no_driver_is_an_error", || match Device::open(0) {
        Err(Error::NoDriver { .. }) => {}
        Err(other) => panic!("{other}"),
        Ok(device) => skip("no_driver_is_an_error", &format!("there is a driver: {:?}", device.info())),
    });
}

#[test]
fn an_old_driver_is_an_error() {
    in_ptx("an_old_driver_is_an_error", &[("RWT_MOCK_VERSION", "11040")], |_| {
        let error = Device::open(0).unwrap_err();
        assert!(matches!(error, Error::TooOld { found: (11, 4), needed: (12, 0), .. }), "{error}");
    });
}

#[test]
fn an_old_device_is_an_error() {
    in_ptx("an_old_device_is_an_error", &[("RWT_MOCK_CAPABILITY", "61")], |_| {
        let error = Device::open(0).unwrap_err();
        assert!(matches!(error, Error::TooOld { found: (6, 1), .. }), "{error}");
    });
}

#[test]
fn no_device_is_an_error() {
    in_ptx("no_device_is_an_error", &[("RWT_MOCK_DEVICES", "0")], |_| {
        let error = Device::open(0).unwrap_err();
        assert!(matches!(error, Error::NoDevice { index: 0, found: 0 }), "{error}");
        assert_eq!(rwt_cuda::devices().unwrap(), []);
    });
}

#[test]
fn a_device_beyond_the_last_is_an_error() {
    in_ptx("a_device_beyond_the_last_is_an_error", &[("RWT_MOCK_DEVICES", "2")], |_| {
        assert_eq!(rwt_cuda::devices().unwrap().len(), 2);
        let error = Device::open(2).unwrap_err();
        assert!(matches!(error, Error::NoDevice { index: 2, found: 2 }), "{error}");
    });
}

#[test]
fn memory_ends() {
    in_ptx("memory_ends", &[("RWT_MOCK_MEMORY", "1000000")], |mock| {
        let device = Device::open(0).unwrap();
        assert_eq!(device.info().memory, 1_000_000);
        let first = Array::<f64>::zeros(&device, 100_000).unwrap();
        let error = Array::<f64>::zeros(&device, 50_000).unwrap_err();
        let Error::OutOfMemory { needed: 400_000, free: 200_000, total: 1_000_000 } = error else { panic!("{error}") };
        drop(first);
        Array::<f64>::zeros(&device, 50_000).unwrap();
        assert_eq!((mock.counter("allocs"), mock.counter("frees")), (2, 2));
    });
}

#[test]
fn arrays_come_back() {
    in_ptx("arrays_come_back", &[], |mock| {
        let device = Device::open(0).unwrap();
        let values: Vec<_> = (0..1000).map(|i| i as f32 * 0.5).collect();
        let mut array = Array::from_host(&device, &values).unwrap();
        assert_eq!(read(&device, &array), values);
        array.write(&device, &[-1.0, -2.0]).unwrap();
        assert_eq!(read(&device, &array)[..3], [-1.0, -2.0, 1.0]);
        assert!(matches!(array.write(&device, &[0.0; 1001]), Err(Error::Length { expected: 1000, found: 1001, .. })));
        assert_eq!(read(&device, &Array::<f32>::zeros(&device, 7).unwrap()), [0.0; 7]);
        for (name, count) in [("htod", 2), ("dtoh", 3), ("memset", 1), ("allocs", 2), ("frees", 1), ("syncs", 3)] {
            assert_eq!(mock.counter(name), count, "{name}");
        }
        drop(array);
        drop(device);
        assert_eq!(mock.counter("cuDevicePrimaryCtxRelease_v2"), 1);
    });
}

#[test]
fn calls_fail_when_they_are_told_to() {
    in_ptx("calls_fail_when_they_are_told_to", &[], |mock| {
        let device = Device::open(0).unwrap();
        mock.fail("cuMemcpyHtoDAsync_v2", 2, ILLEGAL_ADDRESS);
        let mut array = Array::from_host(&device, &[1u32, 2]).unwrap();
        let error = array.write(&device, &[3]).unwrap_err().to_string();
        assert!(error.contains("copying to the device") && error.contains("CUDA_ERROR_ILLEGAL_ADDRESS"), "{error}");
        assert_eq!(read(&device, &array), [1, 2]); // undone, and the device is not lost
        mock.fail("cuLaunchKernel", 1, LAUNCH_FAILED);
        let kernel = probe(&device, "probe_write");
        let error = launch!(kernel, [1; 3], [1; 3], 0, array.address(), 1u64).unwrap_err().to_string();
        assert!(error.contains("probe_write") && error.contains("CUDA_ERROR_LAUNCH_FAILED"), "{error}");
        launch!(kernel, [1; 3], [1; 3], 0, array.address(), 1u64).unwrap();
        assert_eq!(read(&device, &array), [1, 1]);
    });
}

#[test]
fn launches_are_checked() {
    mock_cuda::both("launches_are_checked", |_| {
        let device = Device::open(0).unwrap();
        let out = Array::<u32>::zeros(&device, 4096).unwrap();
        let (places, sums) = (probe(&device, "probe_places"), probe(&device, "probe_sums"));
        for (grid, block, shared) in [
            ([0, 1, 1], [1, 1, 1], 0),
            ([1, 65_536, 1], [1, 1, 1], 0),
            ([1, 1, 1], [1025, 1, 1], 0),
            ([1, 1, 1], [32, 64, 1], 0),
            ([1, 1, 1], [1, 1, 65], 0),
            ([1, 1, 1], [32, 1, 1], 48 * 1024 + 1),
        ] {
            let refused = launch!(places, grid, block, shared, out.address());
            assert!(matches!(refused, Err(Error::Launch { .. })), "{grid:?} {block:?} {shared}");
        }
        // beyond the kernel's own bounds
        assert!(launch!(sums, [1; 3], [256, 1, 1], 1024, out.address(), 0u32, out.address()).is_err());
        let module = Module::load(&device, include_bytes!("../mock_cuda/kernels/probe.ptx")).unwrap();
        assert!(matches!(module.kernel("nothing"), Err(Error::Launch { .. })));
        assert!(Module::load(&device, b"\x7fELF").is_err());
    });
}

#[test]
fn an_unknown_instruction_is_named() {
    in_ptx("an_unknown_instruction_is_named", &[], |mock| {
        let device = Device::open(0).unwrap();
        let text = ".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry k(\n)\n{\n.reg .f32 %f<3>;\n\
                    ex2.approx.f32 %f1, %f2;\nret;\n}\n";
        let error = Module::load(&device, text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("CUDA_ERROR_INVALID_PTX"), "{error}");
        assert!(mock.message().contains("ex2.approx.f32"), "{}", mock.message());
    });
}

/// A kernel that fails says so in what comes after it, and its device is lost.
fn fails(mock: &Mock, device: &Device, code: &str, about: &str) {
    let error = device.synchronize().unwrap_err().to_string();
    assert!(error.contains(code), "{error}, expected {code}; {}", mock.message());
    assert!(mock.message().contains(about), "{}", mock.message());
    assert!(Array::<f32>::zeros(device, 1).is_err());
}

#[test]
fn a_write_beyond_an_array_is_found() {
    in_ptx("a_write_beyond_an_array_is_found", &[], |mock| {
        let device = Device::open(0).unwrap();
        let out = Array::<u32>::zeros(&device, 100).unwrap();
        let kernel = probe(&device, "probe_write");
        launch!(kernel, [1; 3], [1; 3], 0, out.address(), 99u64).unwrap();
        device.synchronize().unwrap();
        launch!(kernel, [1; 3], [1; 3], 0, out.address(), 100u64).unwrap();
        fails(mock, &device, "CUDA_ERROR_ILLEGAL_ADDRESS", "probe_write");
    });
}

#[test]
fn a_misaligned_array_is_found() {
    in_ptx("a_misaligned_array_is_found", &[], |mock| {
        let device = Device::open(0).unwrap();
        let out = Array::<f32>::zeros(&device, 128).unwrap();
        launch!(probe(&device, "probe_misaligned"), [1; 3], [128, 1, 1], 0, out.address()).unwrap();
        fails(mock, &device, "CUDA_ERROR_MISALIGNED_ADDRESS", "16 bytes");
    });
}

#[test]
fn barriers_that_not_all_threads_reach_are_found() {
    mock_cuda::both("barriers_that_not_all_threads_reach_are_found", |mock| {
        let device = Device::open(0).unwrap();
        let out = Array::<u32>::zeros(&device, 64).unwrap();
        launch!(probe(&device, "probe_deadlock"), [1; 3], [32, 1, 1], 0, out.address()).unwrap();
        fails(mock, &device, "CUDA_ERROR_LAUNCH_FAILED", "wait at");
    });
}

/// What the sanitizer finds ends the process, which is the child of a child.
#[test]
fn a_write_beyond_an_array_is_found_in_the_source_too() {
    let test = "a_write_beyond_an_array_is_found_in_the_source_too";
    let grandchild = std::env::var_os("RWT_TEST_WRITE").is_some();
    mock_cuda::in_modes(test, &[Mode::Sanitized], &[], |_| {
        if !grandchild {
            let program = std::env::current_exe().unwrap();
            let output = std::process::Command::new(program)
                .args([test, "--exact", "--nocapture"])
                .env("RWT_TEST_WRITE", "1")
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && said.contains("heap-buffer-overflow"), "{said}");
            assert!(said.contains("probe.cu"), "{said}");
            return;
        }
        let device = Device::open(0).unwrap();
        let out = Array::<u32>::zeros(&device, 100).unwrap();
        launch!(probe(&device, "probe_write"), [1; 3], [1; 3], 0, out.address(), 100u64).unwrap();
    });
}

#[test]
fn captured_work_is_replayed_with_the_arguments_it_had() {
    use cudarc::driver::sys::{CUgraphInstantiate_flags as Flags, CUstreamCaptureMode as Capture};
    mock_cuda::both("captured_work_is_replayed_with_the_arguments_it_had", |mock| {
        let device = Device::open(0).unwrap();
        let values = Array::from_host(&device, &[1.0f32, 3.0, 5.0]).unwrap();
        let (first, count) = (Array::from_host(&device, &[9u64]).unwrap(), Array::<u32>::zeros(&device, 1).unwrap());
        let kernel = probe(&device, "probe_atomics");
        mock.reset();
        let stream = device.stream();
        stream.begin_capture(Capture::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL).unwrap();
        {
            let mut limit = [2f32.to_bits(), 0, 0, 2f64.to_bits() as u32, 0];
            let pair = [u64::from(limit[0]), 2f64.to_bits()];
            launch!(kernel, [1; 3], [32, 1, 1], 0, values.address(), 3u64, pair, first.address(), count.address())
                .unwrap();
            limit.fill(u32::MAX); // copied already
        }
        let graph = stream.end_capture(Flags(0)).unwrap().unwrap();
        assert_eq!((mock.counter("nodes"), mock.counter("graphs"), mock.counter("executions")), (1, 1, 0));
        assert_eq!(read(&device, &count), [0]);
        for _ in 0..5 {
            graph.launch().unwrap();
        }
        assert_eq!((read(&device, &count), read(&device, &first)), (vec![10], vec![1]));
        assert_eq!((mock.counter("replays"), mock.counter("executions"), mock.counter("launches")), (5, 5, 0));
    });
}

#[test]
fn what_may_not_be_captured_breaks_the_capture_off() {
    use cudarc::driver::sys::{CUgraphInstantiate_flags as Flags, CUstreamCaptureMode as Capture};
    in_ptx("what_may_not_be_captured_breaks_the_capture_off", &[], |_| {
        let device = Device::open(0).unwrap();
        let mut array = Array::<u32>::zeros(&device, 4).unwrap();
        let begin = || device.stream().begin_capture(Capture::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL).unwrap();
        let broken = |result: Result<(), Error>| {
            let error = result.unwrap_err().to_string();
            assert!(error.contains("CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"), "{error}");
            let error = device.stream().end_capture(Flags(0)).err().expect("invalid").to_string();
            assert!(error.contains("INVALIDATED"), "{error}");
        };
        begin();
        broken(device.synchronize());
        begin();
        broken(Array::<u32>::zeros(&device, 4).map(drop));
        begin();
        broken(array.write(&device, &[1]));
        begin();
        broken(array.read(&device, &mut [0; 4]));
        device.synchronize().unwrap(); // the stream is in order again
    });
}
