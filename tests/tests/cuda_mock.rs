//! The mock driver itself: what it refuses, counts and computes.

use rwt_cuda::{Array, Device, Kernel, Module};
use rwt_tests::mock_cuda;

fn probe(device: &Device, name: &str) -> Kernel {
    let module = Module::load(device, include_bytes!("../mock_cuda/kernels/probe.ptx")).expect("probe.ptx");
    module.kernel(name).expect(name)
}

macro_rules! launch {
    ($kernel:expr, $grid:expr, $block:expr, $shared:expr, $($value:expr),*) => {
        // SAFETY: the arguments have the kernel's types.
        unsafe { $kernel.launch($grid, $block, $shared, &mut [$(std::ptr::from_ref(&$value).cast_mut().cast()),*]) }
    };
}

fn read<T: rwt_cuda::Element + Default>(device: &Device, array: &Array<T>) -> Vec<T> {
    let mut values = vec![T::default(); array.len()];
    array.read(device, &mut values).expect("a copy");
    values
}

#[test]
fn places_are_those_of_the_launch() {
    mock_cuda::both("places_are_those_of_the_launch", |_| {
        let device = Device::open(0).unwrap();
        let (grid, block) = ([3, 2, 4], [5, 3, 2]);
        let out = Array::<u32>::zeros(&device, 4 * 24 * 30).unwrap();
        launch!(probe(&device, "probe_places"), grid, block, 0, out.address()).unwrap();
        let found = read(&device, &out);
        let packed = |[x, y, z]: [u32; 3]| x | y << 8 | z << 16;
        let place = |n: u32, [x, y, _]: [u32; 3]| packed([n % x, n / x % y, n / (x * y)]);
        for n in 0..24 * 30 {
            let expected = [place(n % 30, block), place(n / 30, grid), packed(block), packed(grid)];
            assert_eq!(found[4 * n as usize..][..4], expected, "thread {n}");
        }
    });
}
