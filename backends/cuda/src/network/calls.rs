//! Steps that NVIDIA's libraries compute.

use super::emit::{Emitter, Launch};
use super::lower::Phase;
use super::shapes::WEIGHTS;
use super::step::{Conv, Gemm, Step, Work};
use super::view::View;
use crate::error::Error;
use crate::libraries::{
    Convolution, ConvolutionShape, DataType, Factor, Layout, Libraries, LibraryUse, Opened, Product, ProductShape,
};
use cudarc::driver::sys::CUdeviceptr;
use std::sync::Arc;

/// Arrays begin at multiples of this many bytes.
const ALIGNMENT: usize = 256;

/// What is enqueued, one after another.
#[derive(Debug)]
pub(super) enum Task {
    Launch(Launch),
    Call(Call),
}

/// A call of a library in place of a step's own kernel.
#[derive(Debug)]
pub(super) struct Call {
    work: Described,
    /// Source and offset in bytes of both factors, and the output's offset.
    factors: [(i32, u64); 2],
    output: u64,
}

#[derive(Debug)]
enum Described {
    Convolution(Convolution),
    Product(Product),
}

/// Where the arrays lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    pub(super) weights: CUdeviceptr,
    pub(super) memory: CUdeviceptr,
    pub(super) workspace: CUdeviceptr,
}

/// A step's own kernel, or instead of it a call and what is done behind that in place.
pub(super) struct Choice {
    pub(super) phase: Phase,
    pub(super) own: Launch,
    pub(super) by_library: Option<(Call, Option<Launch>)>,
}

/// The libraries that a network may use, and what comes of it.
pub(super) struct Calls {
    libraries: Libraries,
    opened: Option<Arc<Opened>>,
    pub(super) used: LibraryUse,
}

impl Call {
    fn workspace(&self) -> usize {
        match &self.work {
            Described::Convolution(it) => it.workspace,
            Described::Product(it) => it.workspace,
        }
    }

    /// # Safety
    /// The arrays for which the steps were emitted, and the largest of the workspaces.
    pub(super) unsafe fn enqueue(&self, at: &Addresses) -> Result<(), Error> {
        let of = |(source, offset)| offset + if source == WEIGHTS { at.weights } else { at.memory };
        let operands = [of(self.factors[0]), of(self.factors[1]), at.memory + self.output];
        // SAFETY: the caller's promise; the shapes are those of the step.
        unsafe {
            match &self.work {
                Described::Convolution(it) => it.enqueue(operands, at.workspace),
                Described::Product(it) => it.enqueue(operands, at.workspace),
            }
        }
    }
}

impl Calls {
    pub(super) fn new(libraries: Libraries, opened: Option<Arc<Opened>>) -> Self {
        let refused = opened.as_ref().map_or_else(Vec::new, |opened| opened.refused.clone());
        Self { libraries, opened, used: LibraryUse { refused, ..LibraryUse::default() } }
    }

    /// The call for a step, if a library is to compute it and can, and what is done behind it in place.
    pub(super) fn choose(&mut self, emitter: &mut Emitter<'_, '_>, step: &Step) -> Option<(Call, Option<Launch>)> {
        let opened = self.opened.clone()?;
        let work = match &step.work {
            Work::Conv(conv) => self.convolution(&opened, conv)?,
            Work::Gemm(gemm) => self.product(&opened, gemm)?,
            _ => return None,
        };
        let [left, right] = match &step.work {
            Work::Gemm(gemm) => [&gemm.left, &gemm.right],
            Work::Conv(conv) => [&conv.input, &conv.weights],
            _ => return None,
        };
        let bytes = |offset: i64| DataType::F32.bytes() as u64 * offset as u64;
        let place = |view: &View| {
            let (source, offset) = emitter.place(view);
            (source, bytes(offset))
        };
        let call = Call { work, factors: [place(left), place(right)], output: bytes(emitter.out(step)) };
        self.used.workspace = self.used.workspace.max(call.workspace() as u64);
        let behind = (!step.program.is_empty()).then(|| emitter.in_place(step));
        Some((call, behind))
    }

    fn convolution(&mut self, opened: &Opened, conv: &Conv) -> Option<Described> {
        let cudnn = opened.cudnn.as_ref()?;
        let shape = described(conv);
        if !self.libraries.takes(conv.operations()) {
            return None;
        }
        let (rows, channels) = (conv.groups * conv.rows, conv.input.shape[1]);
        let name = format!("a convolution from {channels} to {rows} channels, {:?} places", conv.out_size);
        let Some(shape) = shape.filter(ConvolutionShape::is_symmetric) else {
            return self.refuse(&name, "expected as many zeros on all sides and no phases");
        };
        match Convolution::plan(cudnn, &shape) {
            Ok(planned) => Some(Described::Convolution(planned)),
            Err(error) => self.refuse(&name, &error.to_string()),
        }
    }

    fn product(&mut self, opened: &Opened, gemm: &Gemm) -> Option<Described> {
        let blas = opened.cublas_lt.as_ref()?;
        let [outer, inner, rows, depth] = gemm.left.shape[..] else { return None };
        let (batches, columns) = (outer * inner, gemm.right.shape[3]);
        if !self.libraries.takes(2.0 * (batches * rows) as f64 * (columns * depth) as f64) {
            return None;
        }
        let name = format!("a product of {batches} matrices {rows} x {depth} and {depth} x {columns}");
        let factors = factor(&gemm.left).zip(factor(&gemm.right));
        let Some((left, right)) = factors.filter(|_| batches <= i32::MAX as usize) else {
            return self.refuse(&name, "expected factors with rows or columns without gaps");
        };
        let shape = ProductShape { data: DataType::F32, batches, rows, columns, depth, left, right };
        match Product::plan(blas, &shape) {
            Ok(planned) => Some(Described::Product(planned)),
            Err(error) => self.refuse(&name, &error.to_string()),
        }
    }

    fn refuse<T>(&mut self, name: &str, reason: &str) -> Option<T> {
        let line = format!("{name}: {reason}");
        if !self.used.refused.contains(&line) {
            self.used.refused.push(line);
        }
        None
    }

    /// The tasks of each phase, after every call was tried once: what fails is our own kernel's, and what a library does
    /// first, such as loading its code, is done before anything is captured.
    ///
    /// # Safety
    /// The arrays for which the steps were emitted, and the largest of the workspaces; nothing in memory counts yet.
    pub(super) unsafe fn tried(&mut self, choices: Vec<Choice>, at: &Addresses) -> [Vec<Task>; 3] {
        let mut tasks = [vec![], vec![], vec![]];
        for Choice { phase, own, by_library } in choices {
            let to = &mut tasks[phase as usize];
            // SAFETY: the caller's promise.
            let tried = by_library.map(|(call, behind)| unsafe { call.enqueue(at) }.map(|()| (call, behind)));
            let (call, behind) = match tried {
                Some(Ok(worked)) => worked,
                failed => {
                    if let Some(Err(error)) = failed {
                        self.refuse::<()>("a first call", &error.to_string());
                    }
                    to.push(Task::Launch(own));
                    continue;
                }
            };
            let count = match call.work {
                Described::Convolution(_) => &mut self.used.cudnn,
                Described::Product(_) => &mut self.used.cublas_lt,
            };
            *count += usize::from(phase == Phase::Picture);
            to.push(Task::Call(call));
            to.extend(behind.map(Task::Launch));
        }
        tasks
    }
}

/// A convolution that has a kernel without phases.
fn described(conv: &Conv) -> Option<ConvolutionShape> {
    let (kernel, dilation) = conv.kernel?;
    let [top, left] = conv.start.map(|start| usize::try_from(-start).ok());
    Some(ConvolutionShape {
        data: DataType::F32,
        layout: Layout::Nchw,
        pictures: conv.pictures,
        channels: conv.input.shape[1],
        rows: conv.groups * conv.rows,
        groups: conv.groups,
        in_size: conv.in_size,
        out_size: conv.out_size,
        kernel,
        stride: conv.stride,
        dilation,
        before: [top?, left?],
    })
}

/// \[outer, inner, rows, columns\] as matrices of one stride, whose rows or columns have no gaps.
fn factor(view: &View) -> Option<Factor> {
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
    let bytes = DataType::F32.bytes();
    let alignment = [view.offset, batch].map(|elements| (elements * bytes).trailing_zeros());
    let alignment = 1 << alignment[0].min(alignment[1]).min(ALIGNMENT.trailing_zeros());
    if (*along == 1 || *columns == 1) && by_rows >= *columns {
        return Some(Factor { is_turned: false, leading: by_rows, batch, alignment });
    }
    let is_turned = (*down == 1 || *rows == 1) && by_columns >= *rows;
    is_turned.then_some(Factor { is_turned, leading: by_columns, batch, alignment })
}
