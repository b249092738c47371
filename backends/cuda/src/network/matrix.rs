//! Matrix products and attention.

use super::lower::Lowering;
use super::program::{Code, Operand};
use super::rearrange::place;
use super::step::{Attention, Gemm, Work};
use super::view::View;
use rwt_onnx::Operation;

/// The operators of this file.
pub(super) const OPERATORS: &[&str] = &["Attention", "Gemm", "MatMul"];

impl Lowering<'_, '_> {
    pub(super) fn matmul(&mut self, operation: &Operation<'_>, shape: &[usize]) -> Result<View, String> {
        let (left, right) = (self.input(operation, 0)?, self.input(operation, 1)?);
        if left.shape.len() < 2 || right.shape.len() < 2 {
            return Err("expected matrices, found a vector".into());
        }
        self.product(&left, &right, shape)
    }

    /// The product of matrices in the last two axes; `shape` is that of the result.
    fn product(&mut self, left: &View, right: &View, shape: &[usize]) -> Result<View, String> {
        let [batches @ .., rows, columns] = shape else { return Err("expected matrices".into()) };
        let depth = left.shape[left.shape.len() - 1];
        if right.shape[right.shape.len() - 2] != depth {
            return Err(format!("expected factors that fit, found {:?} and {:?}", left.shape, right.shape));
        }
        let count: usize = batches.iter().product();
        let is_shared = right.elements() == depth * columns;
        if is_shared
            && let Some(left) = left.reshape(&[count, *rows, depth])
            && let Some(right) = right.reshape(&[depth, *columns])
            && let Some(product) = self.half_product(&left, &right)
        {
            return product.reshape(shape).ok_or_else(|| "the factors do not fit".into());
        }
        if is_shared && let Some(all) = left.reshape(&[1, 1, count * rows, depth]) {
            let right = right.reshape(&[1, 1, depth, *columns]).ok_or("the right factor does not fit")?;
            let gemm = Gemm { left: all, right };
            return self.gemm(gemm)?.reshape(shape).ok_or_else(|| "the factors do not fit".into());
        }
        let (outer, inner) = match batches {
            [outer @ .., inner] => (outer.iter().product(), *inner),
            [] => (1, 1),
        };
        let wide = |view: &View, last: [usize; 2]| view.expand(&[batches, &last[..]].concat());
        let left = wide(left, [*rows, depth]).ok_or("the left factor does not fit")?;
        let right = wide(right, [depth, *columns]).ok_or("the right factor does not fit")?;
        let left = self.reshaped(&left, &[outer, inner, *rows, depth])?;
        let right = self.reshaped(&right, &[outer, inner, depth, *columns])?;
        self.gemm(Gemm { left, right })?.reshape(shape).ok_or_else(|| "the factors do not fit".into())
    }

    /// Dense \[outer · inner · rows, columns\], but for rows that are all the same.
    fn gemm(&mut self, mut gemm: Gemm) -> Result<View, String> {
        let [outer, inner, rows, _] = gemm.left.shape[..] else { return Err("expected four axes".into()) };
        let columns = gemm.right.shape[3];
        let is_repeated = gemm.left.strides[2] == 0 && outer * inner == 1;
        let computed = if is_repeated { 1 } else { rows };
        gemm.left.shape[2] = computed;
        let result = self.step(Work::Gemm(Box::new(gemm)), &[outer * inner * computed, columns]);
        result.expand(&[outer * inner * rows, columns]).ok_or_else(|| "the rows do not fit".into())
    }

    /// alpha A B + beta C.
    pub(super) fn general_product(&mut self, operation: &Operation<'_>, shape: &[usize]) -> Result<View, String> {
        let turned = |view: View, key: &str| {
            let order = if operation.integer(key, 0) != 0 { [1, 0] } else { [0, 1] };
            view.permute(&order).ok_or("expected matrices")
        };
        let left = turned(self.input(operation, 0)?, "transA")?;
        let right = turned(self.input(operation, 1)?, "transB")?;
        let product = self.product(&left, &right, shape)?;
        let mut it = self.apply(&product, Code::Multiply, Operand::Value(operation.float("alpha", 1.0) as f32));
        if let Some(Some(_)) = operation.inputs.get(2) {
            let more = self.input(operation, 2)?;
            let more = more.expand(shape).ok_or("C does not fit")?;
            let more = self.apply(&more, Code::Multiply, Operand::Value(operation.float("beta", 1.0) as f32));
            it = self.apply(&it, Code::Add, Operand::View(more));
        }
        Ok(it)
    }

    /// A pattern of attention.
    pub(super) fn attended(&mut self, place: usize, shape: &[usize]) -> Result<View, String> {
        let pattern = &self.patterns.attention[&place];
        let (operands, scale, transposed) = (pattern.operands, pattern.scale, pattern.transposed);
        let [query, key, value] = operands.map(|value| self.value(value));
        let (query, key, value) = (query?, key?, value?);
        let turned = |view: View, turn: bool| {
            let last = view.shape.len() - 1;
            let mut order: Vec<usize> = (0..=last).collect();
            if turn {
                order.swap(last, last - 1);
            }
            let view = view.permute(&order)?;
            match view.shape[..] {
                [batch, places, length] => view.reshape(&[batch, 1, places, length]),
                _ => Some(view),
            }
        };
        let fits = |view: Option<View>| view.ok_or_else(|| "the operands do not fit".to_owned());
        let (query, key, value) =
            (fits(turned(query, false))?, fits(turned(key, true))?, fits(turned(value, transposed))?);
        let (view, turn) = (self.attention([query, key, value], scale, transposed)?, transposed);
        let view = if turn { fits(view.permute(&[0, 1, 3, 2]))? } else { view };
        self.reshaped(&view, shape)
    }

    /// Attention of opset 23 without a mask.
    pub(super) fn attention_operator(&mut self, operation: &Operation<'_>, shape: &[usize]) -> Result<View, String> {
        let more = operation.inputs.iter().skip(3).flatten().count();
        if more > 0 || operation.integer("is_causal", 0) != 0 || operation.float("softcap", 0.0) != 0.0 {
            return Err("expected attention of all to all, without a mask or a cache".into());
        }
        let heads = |key: &str| usize::try_from(operation.integer(key, 0)).unwrap_or(0);
        let (of_queries, of_keys) = (heads("q_num_heads"), heads("kv_num_heads"));
        let mut views = Vec::new();
        for (number, heads) in [of_queries, of_keys, of_keys].into_iter().enumerate() {
            let view = self.input(operation, number)?;
            views.push(match view.shape[..] {
                [_, _, _, _] => view,
                [batch, places, length] if heads > 0 && length % heads == 0 => {
                    let view = self.reshaped(&view, &[batch, places, heads, length / heads])?;
                    view.permute(&[0, 2, 1, 3]).ok_or("expected four axes")?
                }
                _ => return Err("expected [batch, heads, places, length]".into()),
            });
        }
        let [query, key, value] = <[View; 3]>::try_from(views).map_err(|_| "expected three operands")?;
        if key.shape[1] != query.shape[1] || value.shape[1] != query.shape[1] {
            return Err("expected as many heads of keys and values as of queries".into());
        }
        let default = 1.0 / (query.shape[3] as f64).sqrt();
        let result = self.attention([query, key, value], operation.float("scale", default) as f32, false)?;
        let order = if shape.len() == 3 { [0, 2, 1, 3] } else { [0, 1, 2, 3] };
        let result = result.permute(&order).ok_or("expected four axes")?;
        self.reshaped(&result, shape)
    }

    /// Of \[batch, heads, places, length\]; `turned` lays the result out as its last two axes exchanged.
    fn attention(&mut self, operands: [View; 3], scale: f32, turned: bool) -> Result<View, String> {
        let [query, key, value] = operands.map(|view| self.in_memory(&view));
        let [batch, heads, places, length] = query.shape[..] else { return Err("expected four axes".into()) };
        let wide = value.shape[3];
        let fits = key.shape[..] == [batch, heads, key.shape[2], length]
            && value.shape[..3] == [batch, heads, key.shape[2]]
            && length.max(wide) <= super::patterns::HEAD_LIMIT;
        if !fits {
            return Err(format!("expected heads of at most {} and operands that fit", super::patterns::HEAD_LIMIT));
        }
        let operands = [query, key, value];
        if let Some(result) = self.half_attention(&operands, scale) {
            return Ok(result);
        }
        let [query, key, value] = operands;
        let (shape, order) = if turned {
            ([batch, heads, wide, places], [0, 1, 3, 2])
        } else {
            ([batch, places, heads, wide], [0, 2, 1, 3])
        };
        let output = View::dense(0, &shape).permute(&order).ok_or("expected four axes")?;
        let work = Work::Attention(Box::new(Attention { query, key, value, output, scale }));
        self.step(work, &shape).permute(&order).ok_or_else(|| "expected four axes".into())
    }

    /// Reductions over axes: a row each.
    pub(super) fn axes_of(&self, operation: &Operation<'_>, rank: usize) -> Result<Vec<usize>, String> {
        let listed = self.integers_of(operation.inputs.get(1).copied().flatten());
        let listed = listed.unwrap_or_else(|| operation.integers("axes"));
        if listed.is_empty() {
            return Ok((0..rank).collect());
        }
        let axes = listed.iter().map(|&axis| place(axis, rank)).collect::<Option<Vec<_>>>();
        axes.ok_or_else(|| "an axis is out of range".into())
    }
}
