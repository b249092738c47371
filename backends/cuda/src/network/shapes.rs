//! What kernels read of their work: the structs of the .cu files, member by member.

/// Where an operand lies, as in program.cuh.
pub(super) const VALUE: i32 = 0;
pub(super) const WEIGHTS: i32 = 1;
pub(super) const MEMORY: i32 = 2;
pub(super) const HALF_MEMORY: i32 = 3;

/// Plain numbers without padding between them.
///
/// # Safety
/// Every byte of such a type belongs to a number.
pub(super) unsafe trait Plain {}

macro_rules! plain {
    ($($name:ident { $($member:ident: $kind:ty),* $(,)? })*) => {$(
        #[derive(Clone, Copy, Debug)]
        #[repr(C)]
        pub(super) struct $name { $(pub(super) $member: $kind),* }
        // SAFETY: the members fill the type.
        unsafe impl Plain for $name {}
        const _: () = assert!(size_of::<$name>() == 0 $(+ size_of::<$kind>())*);
    )*};
}

plain! {
    Instruction { offset: i64, code: i32, value: f32, stride: [u32; 3], source: i32 }
    Pointwise { input: Instruction, output: i64, size: [u32; 3], count: u32 }
    Copy { input: i64, output: i64, size: [u32; 6], from: [u32; 6], to: [u32; 6], source: i32, total: u32 }
    Window {
        input: i64, output: i64, source: i32, mode: i32, planes: u32, size: [u32; 2], out_size: [u32; 2],
        before: [i32; 2], kernel: [u32; 2], stride: [u32; 2], value: f32,
    }
    ConvPlace { offset: i32, shift: i32 }
    Conv {
        input: i64, weights: i64, output: i64, weights_source: i32, rows: u32, columns: u32, depth: u32, places: u32,
        row_places: u32, stride: [i32; 2], start: [i32; 2], size: [u32; 2], picture: u32, group: u32,
        out_size: [u32; 2], out_picture: u32, phases: u32, phases_x: u32, phase_stride: [u32; 2], count: u32,
        table: u32, reserved: u32,
    }
    Matrix { offset: i64, outer: i64, inner: i64, row: i64, column: i64, source: i32, reserved: u32 }
    Gemm {
        left: Matrix, right: Matrix, output: i64, rows: u32, columns: u32, depth: u32, inner_batches: u32, count: u32,
        reserved: u32,
    }
    Rows {
        input: i64, output: i64, source: i32, length: u32, groups: u32, inner: u32, epsilon: f32, kind: i32, count: u32,
        reserved: u32,
    }
    Heads { offset: i64, batch: i64, head: i64, place: i64, element: i64 }
    Attention {
        query: Heads, key: Heads, value: Heads, output: Heads, heads: u32, queries: u32, keys: u32, length: u32,
        value_length: u32, scale: f32,
    }
    HalfTap { dy: i32, dx: i32 }
    HalfConv {
        input: i64, weights: i64, output: i64, rows: u32, channels: u32, cin: u32, taps: u32, places: u32,
        row_places: u32, stride: [i32; 2], start: [i32; 2], size: [u32; 2], shift: u32, in_strides: [u32; 3],
        out_size: [u32; 2], out_strides: [u32; 3], is_float: u32, phases: u32, phases_x: u32, phase_stride: [u32; 2],
        count: u32, table: u32,
    }
    HalfNorm {
        input: i64, output: i64, in_picture: u32, in_place: u32, out_picture: u32, out_place: u32, places: u32,
        channels: u32, slab: u32, group: u32, epsilon: f32, count: u32,
    }
    HalfNormParts { sums: i64, parts: u32, reserved: u32, norm: HalfNorm }
    HalfPointwise {
        input: Instruction, output: i64, size: [u32; 3], given: u32, to: [u32; 3], is_float: u32, count: u32,
        reserved: u32,
    }
    HalfCopy { input: i64, output: i64, size: [u32; 6], from: [u32; 6], to: [u32; 6], each: u32, total: u32 }
    HalfWindow {
        input: i64, output: i64, mode: u32, pictures: u32, channels: u32, size: [u32; 2], out_size: [u32; 2],
        before: [i32; 2], kernel: [u32; 2], stride: [u32; 2], in_strides: [u32; 3], out_strides: [u32; 2],
    }
    HalfHeads { offset: i64, batch: u32, head: u32, place: u32, reserved: u32 }
    HalfAttention {
        query: HalfHeads, key: HalfHeads, value: HalfHeads, output: HalfHeads, heads: u32, queries: u32, keys: u32,
        length: u32, value_length: u32, scale: f32,
    }
    Level { scale: f64, time: f64, input: f64, output: f64 }
    Edges {
        height: u32, width: u32, padded_height: u32, padded_width: u32, margin: u32, channels: u32, answers: u32,
        pictures: u32,
    }
}
