//! Steps as NVIDIA's libraries are told of them.

use super::half::{HalfConv, HalfWork};
use super::step::{Conv, Gemm, Step, Work};
use super::view::View;
use crate::libraries::{ConvolutionShape, DataType, Factor, Layout, ProductShape};

/// Arrays begin at multiples of this many bytes.
const ALIGNMENT: usize = 256;

/// What a library is asked for in place of a step's own kernel.
pub(super) struct Described {
    /// For people.
    pub(super) name: String,
    /// For cuBLASLt; else for cuDNN.
    pub(super) is_product: bool,
    /// Floating-point operations.
    pub(super) operations: f64,
    pub(super) data: DataType,
    /// Both factors, in the order of the shape's operands.
    pub(super) factors: [View; 2],
    /// Or why the libraries don't know such a step.
    pub(super) shape: Result<Shape, &'static str>,
}

pub(super) enum Shape {
    Convolution(ConvolutionShape),
    Product(ProductShape),
}

impl Described {
    /// `None` for a step that is neither a convolution nor a product. `products`: are small kernels' convolutions products?
    pub(super) fn new(step: &Step, is_half: bool, products: bool) -> Option<Self> {
        match &step.work {
            Work::Conv(conv) => Some(Self::convolution(conv)),
            Work::Gemm(gemm) => Self::product(gemm),
            Work::Half(HalfWork::Conv(conv)) => Self::half(conv, is_half, products),
            _ => None,
        }
    }

    fn convolution(conv: &Conv) -> Self {
        let (channels, rows) = (conv.input.shape[1], conv.groups * conv.rows);
        let sums = conv.pictures * rows * conv.out_size[0] * conv.out_size[1];
        let shape = conv.kernel.map(|(kernel, dilation)| ConvolutionShape {
            data: DataType::F32,
            layout: Layout::Nchw,
            pictures: conv.pictures,
            channels,
            rows,
            groups: conv.groups,
            in_size: conv.in_size,
            out_size: conv.out_size,
            kernel,
            stride: conv.stride,
            dilation,
            before: conv.start.map(i32::unsigned_abs).map(|before| before as usize),
        });
        Self {
            name: name_of([channels, rows], conv.out_size),
            is_product: false,
            operations: 2.0 * sums as f64 * conv.depth as f64,
            data: DataType::F32,
            factors: [conv.input.clone(), conv.weights.clone()],
            shape: checked(shape),
        }
    }

    fn product(gemm: &Gemm) -> Option<Self> {
        let [outer, inner, rows, depth] = gemm.left.shape[..] else { return None };
        let (batches, columns, data) = (outer * inner, gemm.right.shape[3], DataType::F32);
        let shape = factor(&gemm.left, data).zip(factor(&gemm.right, data));
        let shape = shape.filter(|_| batches <= i32::MAX as usize);
        let shape = shape.map(|(left, right)| ProductShape { data, batches, rows, columns, depth, left, right });
        Some(Self {
            name: format!("a product of {batches} matrices {rows} x {depth} and {depth} x {columns}"),
            is_product: true,
            operations: 2.0 * (batches * rows) as f64 * (columns * depth) as f64,
            data,
            factors: [gemm.left.clone(), gemm.right.clone()],
            shape: shape.map(Shape::Product).ok_or("expected factors with rows or columns without gaps"),
        })
    }

    /// A convolution in bf16; of one element and in every place it is a product of pixels and weights.
    fn half(conv: &HalfConv, is_half: bool, products: bool) -> Option<Self> {
        let [pictures, height, width, channels] = conv.input.shape[..] else { return None };
        let phases = conv.phase_stride[0] * conv.phase_stride[1];
        let (taps, places) = (conv.taps.len() / phases, conv.out_size[0] * conv.out_size[1]);
        let mut it = Self {
            name: name_of([channels, conv.rows], conv.out_size) + " in bf16",
            is_product: false,
            operations: 2.0 * (pictures * places * conv.rows) as f64 * (taps * channels) as f64,
            data: DataType::Bf16,
            factors: [conv.input.clone(), conv.weights.clone()],
            shape: Err("expected pictures without gaps that are not enlarged, and a result in bf16"),
        };
        if !is_half || !conv.channels_last || conv.shift != 0 {
            return Some(it);
        }
        let in_size = [height, width];
        let is_product = conv.taps == [[0, 0]] && conv.stride == [1, 1] && conv.start == [0, 0];
        if products && is_product && conv.out_size == in_size {
            let left = conv.input.reshape(&[1, 1, pictures * places, channels]);
            let right = conv.weights.reshape(&[1, 1, conv.rows, channels]).and_then(|view| view.permute(&[0, 1, 3, 2]));
            let factors = left.as_ref().and_then(|left| factor(left, it.data));
            if let Some((left, right)) = factors.zip(right.and_then(|right| factor(&right, it.data))) {
                let (data, rows, columns) = (it.data, pictures * places, conv.rows);
                let shape = ProductShape { data, batches: 1, rows, columns, depth: channels, left, right };
                (it.is_product, it.shape) = (true, Ok(Shape::Product(shape)));
                return Some(it);
            }
        }
        if conv.input.is_dense() {
            let kernel = grid(&conv.taps).filter(|_| phases == 1);
            it.shape = checked(kernel.map(|(kernel, dilation)| ConvolutionShape {
                data: it.data,
                layout: Layout::Nhwc,
                pictures,
                channels,
                rows: conv.rows,
                groups: 1,
                in_size,
                out_size: conv.out_size,
                kernel,
                stride: conv.stride,
                dilation,
                before: conv.start.map(i32::unsigned_abs).map(|before| before as usize),
            }));
        }
        Some(it)
    }
}

fn name_of([channels, rows]: [usize; 2], out_size: [usize; 2]) -> String {
    format!("a convolution from {channels} to {rows} channels, {out_size:?} places")
}

/// Starts are never inside: before is as many zeros as they are outside.
fn checked(shape: Option<ConvolutionShape>) -> Result<Shape, &'static str> {
    let shape = shape.filter(ConvolutionShape::is_symmetric);
    shape.map(Shape::Convolution).ok_or("expected as many zeros on all sides and no phases")
}

/// Size and dilation of a kernel with these elements, row after row.
fn grid(taps: &[[i32; 2]]) -> Option<([usize; 2], [usize; 2])> {
    let wide = taps.iter().take_while(|tap| tap[0] == 0).count();
    let tall = taps.len() / wide.max(1);
    let apart = [taps.get(wide).map_or(1, |tap| tap[0]), taps.get(1).filter(|_| wide > 1).map_or(1, |tap| tap[1])];
    let places = (0..tall as i32).flat_map(|y| (0..wide as i32).map(move |x| [y * apart[0], x * apart[1]]));
    let is_grid = wide > 0 && apart.iter().all(|&apart| apart > 0) && places.eq(taps.iter().copied());
    is_grid.then(|| ([tall, wide], apart.map(|apart| apart as usize)))
}

/// \[outer, inner, rows, columns\] as matrices of one stride, whose rows or columns have no gaps.
fn factor(view: &View, data: DataType) -> Option<Factor> {
    let ([outer, inner, rows, columns], [s0, s1, down, along]) = (&view.shape[..], &view.strides[..]) else {
        return None;
    };
    let batch = match (*outer, *inner) {
        (1, 1) => 0,
        (1, _) => *s1,
        (_, 1) => *s0,
        _ if *s0 == inner * s1 => *s1,
        _ => return None,
    };
    let leading = |size: usize, count: usize, stride: usize| if count == 1 { size } else { stride };
    let (by_rows, by_columns) = (leading(*columns, *rows, *down), leading(*rows, *columns, *along));
    let alignment = [view.offset, batch].map(|elements| (elements * data.bytes()).trailing_zeros());
    let alignment = 1 << alignment[0].min(alignment[1]).min(ALIGNMENT.trailing_zeros());
    if (*along == 1 || *columns == 1) && by_rows >= *columns {
        return Some(Factor { is_turned: false, leading: by_rows, batch, alignment });
    }
    let is_turned = (*down == 1 || *rows == 1) && by_columns >= *rows;
    is_turned.then_some(Factor { is_turned, leading: by_columns, batch, alignment })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_known_by_its_elements() {
        let taps = |[tall, wide]: [i32; 2], [down, along]: [i32; 2]| -> Vec<[i32; 2]> {
            (0..tall).flat_map(|y| (0..wide).map(move |x| [y * down, x * along])).collect()
        };
        for (size, apart) in [([3, 3], [1, 1]), ([3, 5], [2, 3]), ([1, 4], [1, 2]), ([4, 1], [2, 1]), ([1, 1], [1, 1])]
        {
            let [size_of, apart_of] = [size, apart].map(|two: [i32; 2]| two.map(|n| n as usize));
            assert_eq!(grid(&taps(size, apart)), Some((size_of, apart_of)), "{size:?}");
        }
        assert_eq!(grid(&[[0, 0], [0, 1], [1, 0]]), None);
        assert_eq!(grid(&[[0, 1], [0, 0]]), None); // a transposed one
        assert_eq!(grid(&[[-1, 0], [0, 0]]), None);
        assert_eq!(grid(&[]), None);
    }

    #[test]
    fn factors_are_matrices_of_one_stride() {
        let factor = |view: &View| factor(view, DataType::F32);
        let dense = View::dense(0, &[2, 3, 4, 5]);
        let known = |is_turned, leading, batch, alignment| Some(Factor { is_turned, leading, batch, alignment });
        assert_eq!(factor(&dense), known(false, 5, 20, 16));
        assert_eq!(factor(&dense.permute(&[0, 1, 3, 2]).unwrap()), known(true, 5, 20, 16));
        assert_eq!(factor(&dense.permute(&[1, 0, 2, 3]).unwrap()), None); // batches of two strides
        let heads = View::dense(0, &[2, 7, 3, 8]).permute(&[0, 2, 1, 3]).unwrap();
        assert_eq!(factor(&heads), None);
        let [one, turned] = [0, 1].map(|place| heads.slice(0, place, 1, 1).unwrap());
        assert_eq!(factor(&one), known(false, 24, 8, 32));
        assert_eq!(factor(&turned.permute(&[0, 1, 3, 2]).unwrap()), known(true, 24, 8, 32));
        let every_second = View::dense(0, &[1, 1, 4, 6]).slice(3, 1, 3, 2).unwrap();
        assert_eq!(factor(&every_second), None);
        let column = View::dense(0, &[1, 1, 4, 6]).slice(3, 1, 1, 1).unwrap();
        assert_eq!(factor(&column), known(false, 6, 0, 4));
        let apart = View::dense(0, &[4, 2, 3, 5]).slice(1, 1, 1, 1).unwrap();
        assert_eq!(factor(&apart), known(false, 5, 30, 4));
        let repeated = View::dense(0, &[1, 1, 1, 6]).expand(&[2, 3, 1, 6]).unwrap();
        assert_eq!(factor(&repeated), known(false, 6, 0, 256));
    }
}
